/* The owner of a TLS session: the content of a TLS 1.3 ticket, and the keys
 * that seal tickets. Pure functions; OpenSSL isn't needed. */
#ifndef SALLYPORT_TLS_TICKET_H
#define SALLYPORT_TLS_TICKET_H

#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/address.h"
#include "sallyport/domain/limits.h"

struct ticket_owner {
    char user[USER_NAME_MAX + 1];
    struct address address; /* its port is ignored */
    uint64_t serial;        /* the session that made the ticket */
    uint64_t version;       /* the version of the user's row at that login */
};

/* The size of a ticket's application data. */
#define TICKET_OWNER_BYTES 67

/* Writes the application data of a ticket. */
void ticket_owner_write(const struct ticket_owner *o,
                        unsigned char out[TICKET_OWNER_BYTES]);
/* Returns 0, or -EINVAL if ticket_owner_write() can't have written the bytes;
 * then *ret is untouched. */
int ticket_owner_read(const void *bytes, size_t len, struct ticket_owner *ret);

/* Origin of the TLS session of a data connection. */
enum ticket_origin {
    ORIGIN_NONE,    /* a full handshake; no ticket was shown */
    ORIGIN_NOT_OWN, /* the client showed a ticket of another user or address, or
                       a ticket from before a change of the account; the server
                       never resumes such a ticket, so the handshake was a full
                       one */
    ORIGIN_USER,    /* another session of the same user and address */
    ORIGIN_SESSION, /* this session */
    ORIGIN_COUNT
};

/* Returns the origin of OTHER's ticket when a client shows it to SELF; never
 * ORIGIN_NONE. */
enum ticket_origin ticket_origin(const struct ticket_owner *self,
                                 const struct ticket_owner *other);

/* A key that seals tickets: a name, which is sent in the clear, and two
 * secrets. */
#define TICKET_NAME_BYTES   16
#define TICKET_SECRET_BYTES 32

struct ticket_key {
    unsigned char name[TICKET_NAME_BYTES];
    unsigned char cipher[TICKET_SECRET_BYTES]; /* AES-256-CBC */
    unsigned char mac[TICKET_SECRET_BYTES];    /* HMAC-SHA256 */
};

/* The size of a key as a field of a message. */
#define TICKET_KEY_BYTES 80
_Static_assert(sizeof(struct ticket_key) == TICKET_KEY_BYTES,
               "a key has no padding");

/* The key that seals new tickets, and the previous key, which still opens older
 * tickets. */
struct ticket_keys {
    struct ticket_key now, before;
};

/* Makes a new key for new tickets. The previous key becomes .before. */
void ticket_keys_turn(struct ticket_keys *k);

#endif
