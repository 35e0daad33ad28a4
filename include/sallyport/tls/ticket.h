/* Whose a TLS session is: what a ticket of TLS 1.3 says, and the keys that seal
 * it. Pure; OpenSSL isn't in it. */
#ifndef SALLYPORT_TLS_TICKET_H
#define SALLYPORT_TLS_TICKET_H

#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/address.h"
#include "sallyport/domain/limits.h"

struct ticket_owner {
    char user[USER_NAME_MAX + 1];
    struct address address; /* the port counts for nothing */
    uint64_t serial;        /* of the session that it was made in */
    uint64_t version;       /* of the user's row at that login */
};

/* The application data of a ticket: always so many bytes. */
#define TICKET_OWNER_BYTES 67

void ticket_owner_write(const struct ticket_owner *o,
                        unsigned char out[TICKET_OWNER_BYTES]);
/* 0, or -EINVAL for what ticket_owner_write() doesn't make of an owner; then
 * *ret is untouched. */
int ticket_owner_read(const void *bytes, size_t len, struct ticket_owner *ret);

/* Where the TLS session of a data connection comes from. */
enum ticket_origin {
    ORIGIN_NONE,    /* nowhere: a full handshake */
    ORIGIN_FOREIGN, /* a ticket of another user or address, or of the account
                       before a change, was offered; it is never resumed, and
                       the handshake was a full one */
    ORIGIN_USER,    /* another session of the same user and address */
    ORIGIN_SESSION, /* this one */
    ORIGIN_COUNT
};

/* A ticket of OTHER's, shown to SELF: never ORIGIN_NONE. */
enum ticket_origin ticket_origin(const struct ticket_owner *self,
                                 const struct ticket_owner *other);

/* Seals tickets: its name, which travels in the clear, and two secrets. */
#define TICKET_NAME_BYTES   16
#define TICKET_SECRET_BYTES 32

struct ticket_key {
    unsigned char name[TICKET_NAME_BYTES];
    unsigned char cipher[TICKET_SECRET_BYTES]; /* AES-256-CBC */
    unsigned char mac[TICKET_SECRET_BYTES];    /* HMAC-SHA256 */
};

/* As a message's field. */
#define TICKET_KEY_BYTES 80
_Static_assert(sizeof(struct ticket_key) == TICKET_KEY_BYTES,
               "a key has no padding");

/* The key that seals, and the one that did so before it: what that one sealed
 * is still opened. */
struct ticket_keys {
    struct ticket_key now, before;
};

/* Two random keys, so that none is ever one that somebody could guess. */
void ticket_keys_init(struct ticket_keys *k);
/* A new key seals; the one before the last is gone. */
void ticket_keys_turn(struct ticket_keys *k);
void ticket_keys_wipe(struct ticket_keys *k);

#endif
