/* IP addresses and ports, and the paths of unix sockets. An IPv4-mapped IPv6
 * address becomes IPv4 when it is read, so that each host has one form. */
#ifndef SALLYPORT_BASE_ADDRESS_H
#define SALLYPORT_BASE_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/random.h"
#include "sallyport/base/slice.h"

struct address {
    uint8_t family;    /* 4, 6, or 0: none */
    uint8_t bytes[16]; /* network order; IPv4 uses the first four */
    uint16_t port;     /* host order */
};

#define ADDRESS_TEXT_MAX 64

/* Returns 0; -EAFNOSUPPORT: *S is neither IPv4 nor IPv6. */
int address_from_sockaddr(struct address *ret,
                          const struct sockaddr_storage *s);
/* Gets the address that the socket FD is bound to. Returns 0 or -errno. */
int address_of_socket(int fd, struct address *ret);
/* Returns the length of *ret. */
socklen_t address_to_sockaddr(const struct address *a,
                              struct sockaddr_storage *ret);

/* Parses "192.0.2.1" or "2001:db8::1" (no brackets, no zone); the port becomes
 * 0. Returns 0 or -EINVAL. */
int address_parse(struct slice text, struct address *ret);
/* Parses "192.0.2.1:21" or "[2001:db8::1]:21". Returns 0 or -EINVAL. */
int address_parse_port(struct slice text, struct address *ret);

/* An IP network, or one host. */
struct network {
    struct address address; /* the network's first address */
    unsigned bits;
};
/* Parses "192.0.2.0/24" or "2001:db8::/32"; an address alone is a network of
 * one host. Returns 0 or -EINVAL. After -EINVAL, WHY has a text if the address
 * itself is valid. */
int network_parse(struct slice text, struct network *ret,
                  struct complaint *why);
bool network_holds(const struct network *n, const struct address *a);

/* Writes "192.0.2.1" or "2001:db8::1". Returns OUT. */
const char *address_text(const struct address *a, char out[ADDRESS_TEXT_MAX]);
/* Writes the address with its port, "192.0.2.1:21"; IPv6 is in brackets.
 * Returns OUT. */
const char *address_port_text(const struct address *a,
                              char out[ADDRESS_TEXT_MAX]);

/* Compares the addresses without their ports. */
bool address_same_host(const struct address *a, const struct address *b);
bool address_is_any(const struct address *a);
bool address_is_loopback(const struct address *a);
/* Is A an address of RFC 1918, 6598 or 4193, link-local or loopback? */
bool address_is_private(const struct address *a);
/* Returns the first BITS bits of A; all other bits and the port are 0. */
struct address address_prefix(const struct address *a, unsigned bits);
/* Returns 32, or 128 for IPv6. */
unsigned address_bits(const struct address *a);
/* The networks by which limits count the addresses of a family, the narrowest
 * first. FACTOR: how many times the narrowest network's limit holds, since more
 * people can be in a wider network. IPv4 has one: the other addresses of a /24
 * mostly belong to strangers. */
struct network_level {
    uint8_t family, bits, factor;
};
#define NETWORK_LEVELS 4
extern const struct network_level network_levels[NETWORK_LEVELS];
#define NETWORK_LEVELS_EACH(a, l)                                              \
    for (const struct network_level *l = network_levels;                       \
         l < network_levels + NETWORK_LEVELS; l++)                             \
        if (l->family == (a)->family)

/* Returns the narrowest network that contains A: an IPv4 address, or a /64,
 * since one host usually has a whole /64. */
struct address address_client_prefix(const struct address *a);
unsigned address_client_bits(const struct address *a); /* 32 or 64 */
/* Returns the widest network that contains A: an IPv4 address, or a /48, since
 * one subscriber can have a whole /48. */
struct address address_network_prefix(const struct address *a);
/* Returns a keyed hash of NUMBER and of the first BITS bits of A. */
uint64_t network_hash(const uint8_t key[SIPHASH_KEY], uint64_t number,
                      const struct address *a, unsigned bits);

/* A rate of events, for the debts of networks (clock.h). All times have one
 * unit. */
struct network_rate {
    uint64_t each;   /* the time until an event is forgotten */
    uint64_t credit; /* CREDIT / EACH events can happen at once */
    uint64_t more;   /* how many events count beyond these */
};
/* The debts are in a table of slots. A keyed hash of the prefix chooses the
 * slot. A flood from many networks fills as many slots, and another network
 * shares one of them only by chance. */
#define NETWORK_SLOTS 65536
/* Counts an event of A at each level. A level's FACTOR divides EACH. */
void network_count(uint64_t slot[NETWORK_SLOTS], const uint8_t key[SIPHASH_KEY],
                   const struct address *a, const struct network_rate *rate,
                   uint64_t now);
/* Returns the time until the next event of A keeps within the rate at all
 * levels; 0: it does now. *over, unless OVER is NULL, gets the largest number
 * of events by which it exceeds the credit of a level. */
uint64_t network_wait(const uint64_t slot[NETWORK_SLOTS],
                      const uint8_t key[SIPHASH_KEY], const struct address *a,
                      const struct network_rate *rate, uint64_t now,
                      uint64_t *over);

/* Functions for unix sockets. The caller opens the socket's directory and
 * passes the descriptor. So the caller uses the same directory that it has
 * checked, and a path can be longer than the 107 bytes of an address. */

/* Splits "/run/x/control": writes the directory "/run/x" to OUT, and points
 * *name to "control". The directory of a path without '/' is ".". Returns 0;
 * -EINVAL: PATH has no name at its end; -ENAMETOOLONG. */
int local_split(const char *path, char *out, size_t size, const char **name);
/* Writes the address of NAME in the open DIRECTORY, for bind(2) and connect(2).
 * Needs /proc. Returns the address's size, or -ENAMETOOLONG. */
int local_address(int directory, const char *name, struct sockaddr_un *ret);
/* Gets the pid, uid and gid of the process at the other end of a connected
 * socket. Returns 0 or -errno. */
int local_peer(int fd, struct ucred *ret);
/* Gets the login uid, which sudo doesn't change, of the process at the other
 * end. That process must still live, and the kernel must identify it by its
 * socket (Linux 6.5), since by now another process can have the same pid.
 * Returns 0; -ENODATA: no login started the process; or -errno. */
int local_peer_login(int fd, uint32_t *ret);
/* Was the process at the other end in GROUP when it connected? If that process
 * is in more than LOCAL_GROUPS_MAX supplementary groups, only its gid counts.
 */
#define LOCAL_GROUPS_MAX 1024
bool local_peer_in_group(int fd, gid_t group);

#endif
