/* The PROXY header: each form of its specification, whole, cut at each byte,
 * and followed by a client's bytes. */
#include "sallyport/ftp/proxy.h"
#include "support/test.h"

#define BEHIND "USER anna\r\n"

static const struct line {
    const char *line;
    const char *client, *server; /* NULL: none */
    const char *wrong;           /* NULL: it is valid */
} lines[] = {
    { "PROXY TCP4 192.0.2.1 203.0.113.7 40000 21\r\n", "192.0.2.1:40000",
      "203.0.113.7:21", NULL },
    { "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
      "255.255.255.255:65535", "255.255.255.255:65535", NULL },
    { "PROXY TCP4 1.2.3.4 5.6.7.8 0 0\r\n", "1.2.3.4:0", "5.6.7.8:0", NULL },
    { "PROXY TCP6 2001:db8::1 2001:db8::2 40000 21\r\n", "[2001:db8::1]:40000",
      "[2001:db8::2]:21", NULL },
    { "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
      "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
      "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", NULL },
    /* An IPv4-mapped address becomes IPv4. */
    { "PROXY TCP6 ::ffff:192.0.2.1 ::ffff:203.0.113.7 40000 21\r\n",
      "192.0.2.1:40000", "203.0.113.7:21", NULL },
    { "PROXY UNKNOWN\r\n", NULL, NULL, NULL },
    { "PROXY UNKNOWN \r\n", NULL, NULL, NULL },
    { "PROXY UNKNOWN anything at all 1 2 3\r\n", NULL, NULL, NULL },
    /* The longest header: 107 bytes. */
    { "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
      NULL, NULL, NULL },

    { "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 655350\r\n",
      NULL, NULL, "a line too long" },
    { "USER anna\r\n", NULL, NULL, "no header" },
    { "GET / HTTP/1.1\r\n", NULL, NULL, "no header" },
    { "\x16\x03\x01\x02", NULL, NULL, "no header" }, /* TLS */
    { "PASS secret\r\n", NULL, NULL, "no header" },
    { "PROXY\r\n", NULL, NULL, "no header" },
    { "proxy TCP4 192.0.2.1 203.0.113.7 40000 21\r\n", NULL, NULL,
      "no header" },
    { "PROXY \n", NULL, NULL, "a line that ends without CR" },
    { "PROXY TCP4 192.0.2.1 203.0.113.7 40000 21\n", NULL, NULL,
      "a line that ends without CR" },
    { "PROXY \r\n", NULL, NULL, "neither TCP4 nor TCP6 nor UNKNOWN" },
    { "PROXY  TCP4 192.0.2.1 203.0.113.7 40000 21\r\n", NULL, NULL,
      "neither TCP4 nor TCP6 nor UNKNOWN" },
    { "PROXY TCP5 192.0.2.1 203.0.113.7 40000 21\r\n", NULL, NULL,
      "neither TCP4 nor TCP6 nor UNKNOWN" },
    { "PROXY UDP4 192.0.2.1 203.0.113.7 40000 21\r\n", NULL, NULL,
      "neither TCP4 nor TCP6 nor UNKNOWN" },
    { "PROXY UNKNOWNS\r\n", NULL, NULL, "neither TCP4 nor TCP6 nor UNKNOWN" },
    { "PROXY TCP4\r\n", NULL, NULL, "a bad address" },
    { "PROXY TCP4 192.0.2.1\r\n", NULL, NULL, "a bad address" },
    { "PROXY TCP4 192.0.2.1 203.0.113.7\r\n", NULL, NULL, "a bad port" },
    { "PROXY TCP4 192.0.2.1 203.0.113.7 40000\r\n", NULL, NULL, "a bad port" },
    { "PROXY TCP4 192.0.2.1 203.0.113.7 40000 21 \r\n", NULL, NULL,
      "more than two ports" },
    { "PROXY TCP4 192.0.2.1 203.0.113.7 40000 21 22\r\n", NULL, NULL,
      "more than two ports" },
    { "PROXY TCP4 192.0.2.1  203.0.113.7 40000 21\r\n", NULL, NULL,
      "a bad address" },
    { "PROXY TCP4 192.0.2.256 203.0.113.7 40000 21\r\n", NULL, NULL,
      "a bad address" },
    { "PROXY TCP4 192.0.2.01 203.0.113.7 40000 21\r\n", NULL, NULL,
      "a bad address" },
    { "PROXY TCP4 192.0.2 203.0.113.7 40000 21\r\n", NULL, NULL,
      "a bad address" },
    { "PROXY TCP4 2001:db8::1 2001:db8::2 40000 21\r\n", NULL, NULL,
      "a bad address" },
    { "PROXY TCP6 192.0.2.1 203.0.113.7 40000 21\r\n", NULL, NULL,
      "a bad address" },
    { "PROXY TCP6 fe80::1%eth0 2001:db8::2 40000 21\r\n", NULL, NULL,
      "a bad address" },
    { "PROXY TCP6 [2001:db8::1] 2001:db8::2 40000 21\r\n", NULL, NULL,
      "a bad address" },
    { "PROXY TCP4 192.0.2.1 203.0.113.7 65536 21\r\n", NULL, NULL,
      "a bad port" },
    { "PROXY TCP4 192.0.2.1 203.0.113.7 -1 21\r\n", NULL, NULL, "a bad port" },
    { "PROXY TCP4 192.0.2.1 203.0.113.7 +1 21\r\n", NULL, NULL, "a bad port" },
    { "PROXY TCP4 192.0.2.1 203.0.113.7 040 21\r\n", NULL, NULL, "a bad port" },
    { "PROXY TCP4 192.0.2.1 203.0.113.7 40000 00\r\n", NULL, NULL,
      "a bad port" },
    { "PROXY TCP4 192.0.2.1 203.0.113.7 40000 \r\n", NULL, NULL, "a bad port" },
    { "PROXY TCP4 192.0.2.1 203.0.113.7 40000 21\r\r\n", NULL, NULL,
      "a bad port" },
    { "PROXY TCP4 0.0.0.0 203.0.113.7 40000 21\r\n", NULL, NULL,
      "not an address" },
    { "PROXY TCP4 192.0.2.1 0.0.0.0 40000 21\r\n", NULL, NULL,
      "not an address" },
    { "PROXY TCP6 :: 2001:db8::2 40000 21\r\n", NULL, NULL, "not an address" },
    { "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 40000 21\r\n", NULL, NULL,
      "addresses of two families" },
};

struct expected {
    const char *client, *server, *wrong;
};

static void expect_end(const struct proxy_header *h, const struct expected *e,
                       const char *what)
{
    char text[ADDRESS_TEXT_MAX];

    cr_assert_eq(h->state, e->wrong ? PROXY_BAD : PROXY_DONE, "%s: %s", what,
                 h->state == PROXY_BAD ? h->wrong : "not bad");
    if (e->wrong) {
        cr_expect_str_eq(h->wrong, e->wrong, "%s", what);
    } else if (e->client) {
        cr_expect_str_eq(address_port_text(&h->client, text), e->client);
        cr_expect_str_eq(address_port_text(&h->server, text), e->server);
    } else {
        cr_expect(h->client.family == 0 && h->server.family == 0, "%s", what);
    }
}

/* Takes two pieces, the first of LEN bytes. */
static void take_in_two(struct slice all, size_t len, const struct expected *e,
                        const char *what)
{
    struct slice rest = { all.ptr + len, all.len - len };
    struct proxy_header h = { 0 };
    size_t took;

    proxy_take(&h, (struct slice){ all.ptr, len }, &took);
    if (h.state == PROXY_MORE) {
        cr_expect_eq(took, len);
        proxy_take(&h, rest, &took);
    }
    expect_end(&h, e, what);
}

static void take(struct slice header, const struct expected *e,
                 const char *what)
{
    char all[PROXY_MAX + 64];
    struct slice whole = { all, header.len + strlen(BEHIND) };
    struct proxy_header h = { 0 };
    size_t took;

    memcpy(all, header.ptr, header.len);
    memcpy(all + header.len, BEHIND, strlen(BEHIND));
    cr_expect_eq(proxy_take(&h, whole, &took), h.state, "%s", what);
    expect_end(&h, e, what);
    if (!e->wrong)
        cr_expect_eq(took, header.len, "%s: took %zu", what, took);
    else
        cr_expect_leq(took, header.len, "%s: took %zu", what, took);
    proxy_take(&h, whole, &took);
    cr_expect_eq(took, 0, "%s: it is over", what);
    for (size_t len = 0; len <= header.len; len++)
        take_in_two(whole, len, e, what);
}

/* A good header without its last byte is incomplete. */
static void expect_more(struct slice header)
{
    struct proxy_header h = { 0 };
    size_t took;

    header.len--;
    cr_expect_eq(proxy_take(&h, header, &took), PROXY_MORE);
    cr_expect_eq(took, header.len);
    cr_expect_eq(proxy_take(&h, SLICE(""), &took), PROXY_MORE);
}

Test(proxy, version_1)
{
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        const struct line *row = &lines[i];
        const struct expected e = { row->client, row->server, row->wrong };

        take(slice_from(row->line), &e, row->line);
        if (!row->wrong)
            expect_more(slice_from(row->line));
    }
}

Test(proxy, a_nul_in_a_line)
{
    static const char line[] = "PROXY TCP4 192.0.2.1\0 203.0.113.7 4 21\r\n";
    const struct expected e = { NULL, NULL, "a bad address" };

    take(SLICE(line), &e, "NUL");
}

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define IPV4      "\xc0\x00\x02\x01\xcb\x00\x71\x07\x9c\x40\x00\x15"
#define IPV6_1    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
#define IPV6_2    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"
#define MAPPED    "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x01"
#define PORTS     "\x9c\x40\x00\x15"
#define TLV       "\x04\x00\x05hello" /* NOOP */

/* HEAD: command, family; LENGTH as written; BODY has the bytes. */
static const struct binary {
    const char *name;
    const char *head;
    unsigned length;
    const char *body;
    size_t bytes;
    const char *client, *server, *wrong;
} binaries[] = {
#define BODY(text) text, sizeof(text) - 1
    { "IPv4", "\x21\x11", 12, BODY(IPV4), "192.0.2.1:40000", "203.0.113.7:21",
      NULL },
    { "IPv4 with TLV", "\x21\x11", 20, BODY(IPV4 TLV), "192.0.2.1:40000",
      "203.0.113.7:21", NULL },
    { "IPv4 with a broken TLV", "\x21\x11", 14, BODY(IPV4 "\x04\xff"),
      "192.0.2.1:40000", "203.0.113.7:21", NULL },
    { "IPv6", "\x21\x21", 36, BODY(IPV6_1 IPV6_2 PORTS), "[2001:db8::1]:40000",
      "[2001:db8::2]:21", NULL },
    { "IPv6 with TLV", "\x21\x21", 44, BODY(IPV6_1 IPV6_2 PORTS TLV),
      "[2001:db8::1]:40000", "[2001:db8::2]:21", NULL },
    { "mapped", "\x21\x21", 36, BODY(MAPPED MAPPED PORTS), "192.0.2.1:40000",
      "192.0.2.1:21", NULL },
    { "mapped and not", "\x21\x21", 36, BODY(MAPPED IPV6_2 PORTS), NULL, NULL,
      "addresses of two families" },
    { "LOCAL", "\x20\x00", 0, BODY(""), NULL, NULL, NULL },
    { "LOCAL with addresses", "\x20\x11", 12, BODY(IPV4), NULL, NULL, NULL },
    { "LOCAL of no known family", "\x20\xff", 3, BODY("abc"), NULL, NULL,
      NULL },
    { "unspecified", "\x21\x00", 0, BODY(""), NULL, NULL, NULL },
    { "unspecified with TLV", "\x21\x00", 8, BODY(TLV), NULL, NULL, NULL },

    { "version 1", "\x11\x11", 12, BODY(IPV4), NULL, NULL,
      "an unknown version" },
    { "version 3", "\x31\x11", 12, BODY(IPV4), NULL, NULL,
      "an unknown version" },
    { "command 2", "\x22\x11", 12, BODY(IPV4), NULL, NULL,
      "an unknown command" },
    { "command 15", "\x2f\x11", 12, BODY(IPV4), NULL, NULL,
      "an unknown command" },
    { "UDP", "\x21\x12", 12, BODY(IPV4), NULL, NULL, "not TCP" },
    { "UDP over IPv6", "\x21\x22", 36, BODY(IPV6_1 IPV6_2 PORTS), NULL, NULL,
      "not TCP" },
    { "IPv4 of no transport", "\x21\x10", 12, BODY(IPV4), NULL, NULL,
      "not TCP" },
    { "a unix datagram", "\x21\x32", 216, BODY(""), NULL, NULL, "not TCP" },
    { "family 4", "\x21\x41", 12, BODY(IPV4), NULL, NULL, "not TCP" },
    { "IPv4 too short", "\x21\x11", 11, BODY(IPV4), NULL, NULL,
      "no room for its addresses" },
    { "IPv6 too short", "\x21\x21", 35, BODY(IPV6_1 IPV6_2 PORTS), NULL, NULL,
      "no room for its addresses" },
    { "a unix socket too short", "\x21\x31", 215, BODY(""), NULL, NULL,
      "no room for its addresses" },
    { "from nowhere", "\x21\x11", 12, BODY("\0\0\0\0\1\2\3\4" PORTS), NULL,
      NULL, "not an address" },
    { "to nowhere", "\x21\x11", 12, BODY("\1\2\3\4\0\0\0\0" PORTS), NULL, NULL,
      "not an address" },
    { "too long", "\x21\x11", PROXY_MAX - 16 + 1, BODY(""), NULL, NULL,
      "too long" },
    { "far too long", "\x20\x00", 65535, BODY(""), NULL, NULL, "too long" },
};

static struct slice build(char out[PROXY_MAX + 64], const char *head,
                          unsigned length, const char *body, size_t bytes)
{
    memcpy(out, SIGNATURE, 12);
    memcpy(out + 12, head, 2);
    out[14] = (char)(length >> 8);
    out[15] = (char)length;
    memcpy(out + 16, body, bytes);
    return (struct slice){ out, 16 + bytes };
}

Test(proxy, version_2)
{
    for (size_t i = 0; i < sizeof(binaries) / sizeof(binaries[0]); i++) {
        const struct binary *row = &binaries[i];
        const struct expected e = { row->client, row->server, row->wrong };
        char bytes[PROXY_MAX + 64];
        struct slice all =
            build(bytes, row->head, row->length, row->body, row->bytes);

        take(all, &e, row->name);
        if (!row->wrong)
            expect_more(all);
    }
}

/* A client of a unix socket, with paths; and the longest accepted header. */
Test(proxy, version_2_of_some_length)
{
    const struct expected none = { NULL, NULL, NULL };
    const struct expected some = { "192.0.2.1:40000", "203.0.113.7:21", NULL };
    char body[PROXY_MAX] = "/run/some.sock", bytes[PROXY_MAX + 64];

    take(build(bytes, "\x21\x31", 216, body, 216), &none, "a unix socket");
    memset(body, 0x55, sizeof(body));
    memcpy(body, IPV4, 12);
    take(build(bytes, "\x21\x11", PROXY_MAX - 16, body, PROXY_MAX - 16), &some,
         "the longest");
}

/* Each byte of the signature counts. */
Test(proxy, a_wrong_signature)
{
    const struct expected e = { NULL, NULL, "no header" };

    for (size_t i = 0; i < 12; i++) {
        char bytes[PROXY_MAX + 64];
        struct slice all = build(bytes, "\x21\x11", 12, IPV4, 12);

        bytes[i] ^= 0x20;
        take(all, &e, "a wrong signature");
    }
}
