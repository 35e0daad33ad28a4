/* IP addresses and their texts, addresses of unix sockets, and the process at a
 * socket's other end. */
#include "sallyport/base/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
#define NO_LOGIN UINT32_MAX /* (uid_t)-1: no login started the process */

static const uint8_t mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

int address_from_sockaddr(struct address *ret, const struct sockaddr_storage *s)
{
    struct address a = { 0 };

    if (s->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)s;

        a.family = 4;
        memcpy(a.bytes, &in->sin_addr, 4);
        a.port = ntohs(in->sin_port);
    } else if (s->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)s;
        const uint8_t *bytes = in->sin6_addr.s6_addr;
        bool mapped = memcmp(bytes, mapped_prefix, 12) == 0;

        a.family = mapped ? 4 : 6;
        memcpy(a.bytes, mapped ? bytes + 12 : bytes, mapped ? 4 : 16);
        a.port = ntohs(in->sin6_port);
    } else {
        return -EAFNOSUPPORT;
    }
    *ret = a;
    return 0;
}

int address_of_socket(int fd, struct address *ret)
{
    struct sockaddr_storage s = { 0 };
    socklen_t size = sizeof(s);

    return getsockname(fd, (struct sockaddr *)&s, &size) < 0
               ? -errno
               : address_from_sockaddr(ret, &s);
}

socklen_t address_to_sockaddr(const struct address *a,
                              struct sockaddr_storage *ret)
{
    memset(ret, 0, sizeof(*ret));
    if (a->family == 4) {
        struct sockaddr_in *in = (struct sockaddr_in *)ret;

        in->sin_family = AF_INET;
        memcpy(&in->sin_addr, a->bytes, 4);
        in->sin_port = htons(a->port);
        return sizeof(*in);
    }
    struct sockaddr_in6 *in = (struct sockaddr_in6 *)ret;

    in->sin6_family = AF_INET6;
    memcpy(&in->sin6_addr, a->bytes, 16);
    in->sin6_port = htons(a->port);
    return sizeof(*in);
}

const char *address_text(const struct address *a, char out[ADDRESS_TEXT_MAX])
{
    if (a->family == 0 || !inet_ntop(a->family == 4 ? AF_INET : AF_INET6,
                                     a->bytes, out, ADDRESS_TEXT_MAX))
        snprintf(out, ADDRESS_TEXT_MAX, "none");
    return out;
}

const char *address_port_text(const struct address *a,
                              char out[ADDRESS_TEXT_MAX])
{
    char host[ADDRESS_TEXT_MAX];

    address_text(a, host);
    if (a->family == 6)
        snprintf(out, ADDRESS_TEXT_MAX, "[%.45s]:%u", host, a->port);
    else
        snprintf(out, ADDRESS_TEXT_MAX, "%.45s:%u", host, a->port);
    return out;
}

bool address_same_host(const struct address *a, const struct address *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, 16) == 0;
}

bool address_is_any(const struct address *a)
{
    static const uint8_t zero[16];

    return a->family != 0 && memcmp(a->bytes, zero, 16) == 0;
}

bool address_is_loopback(const struct address *a)
{
    static const uint8_t six[16] = { [15] = 1 };

    return a->family == 4 ? a->bytes[0] == 127
                          : a->family == 6 && memcmp(a->bytes, six, 16) == 0;
}

bool address_is_private(const struct address *a)
{
    const uint8_t *b = a->bytes;

    if (address_is_loopback(a))
        return true;
    if (a->family == 4)
        return b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) ||
               (b[0] == 192 && b[1] == 168) ||
               (b[0] == 100 && (b[1] & 0xc0) == 64) ||
               (b[0] == 169 && b[1] == 254);
    return a->family == 6 &&
           ((b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80));
}

struct address address_prefix(const struct address *a, unsigned bits)
{
    struct address p = { .family = a->family };

    for (unsigned i = 0; i < 16 && bits > 0; i++) {
        unsigned take = bits < 8 ? bits : 8;

        p.bytes[i] = (uint8_t)(a->bytes[i] & (0xff << (8 - take)));
        bits -= take;
    }
    return p;
}

unsigned address_bits(const struct address *a)
{
    return a->family == 4 ? 32 : 128;
}

int network_parse(struct slice text, struct network *ret, struct complaint *why)
{
    struct slice rest = text, host;
    struct address given;
    uint64_t bits;
    char first[ADDRESS_TEXT_MAX];

    slice_cut(&rest, '/', &host);
    if (address_parse(host, &given) < 0)
        return -EINVAL;
    bits = address_bits(&given);
    if (slice_has(text, '/') && slice_number(rest, bits, &bits) < 0)
        return complain(why, "expected 0 to %u after the '/'",
                        address_bits(&given));
    ret->bits = (unsigned)bits;
    ret->address = address_prefix(&given, ret->bits);
    if (!address_same_host(&ret->address, &given))
        return complain(why, "not the network's first address, which is %s",
                        address_text(&ret->address, first));
    return 0;
}

bool network_holds(const struct network *n, const struct address *a)
{
    struct address prefix = address_prefix(a, n->bits);

    return address_same_host(&prefix, &n->address);
}

const struct network_level network_levels[NETWORK_LEVELS] = {
    { .family = 4, .bits = 32, .factor = 1 },
    { .family = 6, .bits = 64, .factor = 1 },
    { .family = 6, .bits = 56, .factor = 2 },
    { .family = 6, .bits = 48, .factor = 4 },
};

unsigned address_client_bits(const struct address *a)
{
    unsigned bits = 0;

    NETWORK_LEVELS_EACH(a, l)
        bits = bits ? bits : l->bits;
    return bits;
}

struct address address_client_prefix(const struct address *a)
{
    return address_prefix(a, address_client_bits(a));
}

struct address address_network_prefix(const struct address *a)
{
    unsigned bits = 0;

    NETWORK_LEVELS_EACH(a, l)
        bits = l->bits;
    return address_prefix(a, bits);
}

uint64_t network_hash(const uint8_t key[SIPHASH_KEY], uint64_t number,
                      const struct address *a, unsigned bits)
{
    struct address prefix = address_prefix(a, bits);
    uint8_t bytes[8 + 2 + 16];

    memcpy(bytes, &number, 8);
    bytes[8] = prefix.family;
    bytes[9] = (uint8_t)bits;
    memcpy(bytes + 10, prefix.bytes, 16);
    return siphash(key, bytes, sizeof(bytes));
}

void network_count(uint64_t slot[NETWORK_SLOTS], const uint8_t key[SIPHASH_KEY],
                   const struct address *a, const struct network_rate *rate,
                   uint64_t now)
{
    NETWORK_LEVELS_EACH(a, l) {
        const uint64_t each = rate->each / l->factor;

        debt_add(&slot[network_hash(key, 0, a, l->bits) % NETWORK_SLOTS], each,
                 rate->credit + rate->more * each, now);
    }
}

uint64_t network_wait(const uint64_t slot[NETWORK_SLOTS],
                      const uint8_t key[SIPHASH_KEY], const struct address *a,
                      const struct network_rate *rate, uint64_t now,
                      uint64_t *over)
{
    uint64_t longest = 0, most = 0;

    NETWORK_LEVELS_EACH(a, l) {
        const uint64_t each = rate->each / l->factor;
        const uint64_t wait =
            debt_wait(&slot[network_hash(key, 0, a, l->bits) % NETWORK_SLOTS],
                      each, rate->credit, now);
        const uint64_t events = each > 0 ? (wait + each - 1) / each : 0;

        longest = wait > longest ? wait : longest;
        most = events > most ? events : most;
    }
    if (over)
        *over = most;
    return longest;
}

int local_split(const char *path, char *out, size_t size, const char **name)
{
    const char *slash = strrchr(path, '/');
    struct slice directory = { path, slash ? (size_t)(slash - path) : 0 };

    *name = slash ? slash + 1 : path;
    if ((*name)[0] == '\0')
        return -EINVAL;
    if (directory.len == 0)
        directory = slash ? SLICE("/") : SLICE(".");
    return slice_copy(directory, out, size);
}

int local_address(int directory, const char *name, struct sockaddr_un *ret)
{
    int n;

    *ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
    n = snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%s",
                 directory, name);
    if (n < 0 || (size_t)n >= sizeof(ret->sun_path))
        return -ENAMETOOLONG;
    return (int)offsetof(struct sockaddr_un, sun_path) + n + 1;
}

bool local_peer_in_group(int fd, gid_t group)
{
    gid_t groups[LOCAL_GROUPS_MAX];
    socklen_t size = sizeof(groups);
    struct ucred who;

    if (local_peer(fd, &who) < 0)
        return false;
    if (who.gid == group)
        return true;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
        return false;
    for (size_t i = 0; i < size / sizeof(*groups); i++)
        if (groups[i] == group)
            return true;
    return false;
}

int local_peer(int fd, struct ucred *ret)
{
    socklen_t size = sizeof(*ret);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ret, &size) < 0 ? -errno : 0;
}

int local_peer_login(int fd, uint32_t *ret)
{
    FD_CLEANUP int process = -1, file = -1;
    socklen_t size = sizeof(process);
    struct pollfd ended = { .events = POLLIN };
    char path[64], text[16];
    struct ucred who;
    uint64_t n;
    ssize_t len;
    int r = local_peer(fd, &who);

    if (r < 0)
        return r;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &process, &size) < 0)
        return -errno;
    snprintf(path, sizeof(path), "/proc/%ld/loginuid", (long)who.pid);
    file = open(path, O_RDONLY | O_CLOEXEC);
    len = file < 0 ? -1 : read(file, text, sizeof(text));
    if (len < 0)
        return -errno;
    if (slice_number((struct slice){ text, (size_t)len }, NO_LOGIN, &n) < 0)
        return -EINVAL;
    ended.fd = process;
    if (poll(&ended, 1, 0) != 0)
        return -ESRCH; /* the number can belong to another process now */
    *ret = (uint32_t)n;
    return n == NO_LOGIN ? -ENODATA : 0;
}
