/* Parses the header of the PROXY protocol, versions 1 and 2. Runs in session.
 * The bytes come from a proxy that the configuration names; if the proxy sends
 * no header, they are the client's own bytes. It never takes a byte after the
 * header. */
#include "sallyport/ftp/proxy.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "sallyport/ftp/hostport.h"

#define HEAD 16 /* version 2: signature, command, family, length */

enum { UNSPECIFIED, TCP4 = 0x11, TCP6 = 0x21, UNIX_STREAM = 0x31 };

static const uint8_t signature[] = { '\r', '\n', '\r', '\n', '\0', '\r',
                                     '\n', 'Q',  'U',  'I',  'T',  '\n' };
static const struct slice proxy_word = { "PROXY ", 6 };

static enum proxy_state refuse_header(struct proxy_header *h, const char *wrong)
{
    h->wrong = wrong;
    return PROXY_BAD;
}

/* Accepts two real addresses of one family, so that each host has one form. */
static enum proxy_state accept_header(struct proxy_header *h,
                                      const struct address *client,
                                      const struct address *server)
{
    if (address_is_any(client) || address_is_any(server))
        return refuse_header(h, "not an address");
    if (client->family != server->family)
        return refuse_header(h, "addresses of two families");
    h->client = *client;
    h->server = *server;
    return PROXY_DONE;
}

static enum proxy_state parse_endpoints(struct proxy_header *h,
                                        struct slice rest, bool six)
{
    struct address a[2];
    struct slice part;
    uint64_t port;

    for (int i = 0; i < 2; i++)
        if (!slice_cut(&rest, ' ', &part) || slice_has(part, ':') != six ||
            address_parse(part, &a[i]) < 0)
            return refuse_header(h, "a bad address");
    for (int i = 0; i < 2; i++) {
        if (!slice_cut(&rest, ' ', &part) ||
            hostport_number(part, UINT16_MAX, &port) < 0)
            return refuse_header(h, "a bad port");
        a[i].port = (uint16_t)port;
    }
    if (rest.ptr)
        return refuse_header(h, "more than two ports");
    return accept_header(h, &a[0], &a[1]);
}

/* Parses version 1: "PROXY TCP4 192.0.2.1 192.0.2.2 40000 21\r\n". Ignores
 * everything after UNKNOWN. */
static enum proxy_state parse_line(struct proxy_header *h)
{
    struct slice rest = { (const char *)h->kept, h->len - 1 }, kind;

    if (rest.ptr[rest.len - 1] != '\r')
        return refuse_header(h, "a line that ends without CR");
    rest.len--;
    rest.ptr += proxy_word.len;
    rest.len -= proxy_word.len;
    slice_cut(&rest, ' ', &kind);
    if (slice_equal(kind, SLICE("UNKNOWN")))
        return PROXY_DONE;
    if (slice_equal(kind, SLICE("TCP4")))
        return parse_endpoints(h, rest, false);
    if (slice_equal(kind, SLICE("TCP6")))
        return parse_endpoints(h, rest, true);
    return refuse_header(h, "neither TCP4 nor TCP6 nor UNKNOWN");
}

static enum proxy_state take_line_byte(struct proxy_header *h, uint8_t byte)
{
    if (h->len <= proxy_word.len && byte != (uint8_t)proxy_word.ptr[h->len - 1])
        return refuse_header(h, "no header");
    if (byte == '\n')
        return parse_line(h);
    return h->len < PROXY_LINE_MAX ? PROXY_MORE
                                   : refuse_header(h, "a line too long");
}

/* Returns true if the command is LOCAL: then the connection is the proxy's own,
 * and the addresses don't count. */
static bool is_local(const struct proxy_header *h)
{
    return (h->kept[12] & 0x0f) == 0;
}

/* Parses version 2 when all bytes of the header have come. Finds no addresses
 * if the command is LOCAL, or if the family is unspecified or a unix socket. */
static enum proxy_state parse_addresses(struct proxy_header *h)
{
    const uint8_t *at = h->kept + HEAD;
    bool six = h->kept[13] == TCP6;
    size_t size = six ? 16 : 4;
    struct sockaddr_storage s[2] = { { 0 }, { 0 } };
    struct address a[2];

    if (is_local(h) || (!six && h->kept[13] != TCP4))
        return PROXY_DONE;
    for (int i = 0; i < 2; i++) {
        struct sockaddr_in *in4 = (struct sockaddr_in *)&s[i];
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&s[i];
        const uint8_t *port = at + 2 * size + 2 * i;

        s[i].ss_family = six ? AF_INET6 : AF_INET;
        memcpy(six ? (void *)&in6->sin6_addr : (void *)&in4->sin_addr,
               at + size * (size_t)i, size);
        address_from_sockaddr(&a[i], &s[i]);
        a[i].port = (uint16_t)(port[0] << 8 | port[1]);
    }
    return accept_header(h, &a[0], &a[1]);
}

static enum proxy_state parse_head(struct proxy_header *h)
{
    static const struct {
        uint8_t family;
        size_t bytes; /* size of the addresses */
    } families[] = {
        { UNSPECIFIED, 0 }, { TCP4, 12 }, { TCP6, 36 }, { UNIX_STREAM, 216 }
    };
    size_t rest = (size_t)(h->kept[14] << 8 | h->kept[15]), least = SIZE_MAX;

    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        if (families[i].family == h->kept[13])
            least = families[i].bytes;
    h->whole = HEAD + rest;
    if (h->kept[12] >> 4 != 2)
        return refuse_header(h, "an unknown version");
    if ((h->kept[12] & 0x0f) > 1)
        return refuse_header(h, "an unknown command");
    if (h->whole > PROXY_MAX)
        return refuse_header(h, "too long");
    if (!is_local(h) && least == SIZE_MAX)
        return refuse_header(h, "not TCP");
    if (!is_local(h) && rest < least)
        return refuse_header(h, "no room for its addresses");
    return PROXY_MORE;
}

static enum proxy_state take_binary_byte(struct proxy_header *h, uint8_t byte)
{
    enum proxy_state r = PROXY_MORE;

    if (h->len <= sizeof(signature) && byte != signature[h->len - 1])
        return refuse_header(h, "no header");
    if (h->len == HEAD)
        r = parse_head(h);
    if (r == PROXY_MORE && h->len >= HEAD && h->len == h->whole)
        r = parse_addresses(h);
    return r;
}

enum proxy_state proxy_take(struct proxy_header *h, struct slice bytes,
                            size_t *took)
{
    size_t n = 0;

    while (h->state == PROXY_MORE && n < bytes.len) {
        const uint8_t byte = (uint8_t)bytes.ptr[n++];

        if (h->len < sizeof(h->kept))
            h->kept[h->len] = byte;
        h->len++;
        h->state = h->kept[0] == signature[0] ? take_binary_byte(h, byte)
                                              : take_line_byte(h, byte);
    }
    *took = n;
    return h->state;
}
