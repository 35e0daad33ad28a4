/* Does a TLS 1.3 handshake of this server prove that its client has the private
 * key of a certificate? For a process that trusts nobody who has seen it. */
#ifndef SALLYPORT_PROOF_PROOF_H
#define SALLYPORT_PROOF_PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/proof.h"
#include "sallyport/base/slice.h"

#define PROOF_HASH_BYTES  32 /* SHA-256 of a certificate, DER */
#define PROOF_SERVERS_MAX 128

/* The certificates that this server shows: those that were told last, the last
 * one at the end. */
struct proof_servers {
    uint8_t hash[PROOF_SERVERS_MAX][PROOF_HASH_BYTES];
    size_t count;
};

/* Before a cage: everything that OpenSSL or libc would open a file for. 0 or
 * -ENOMEM. */
int proof_begin(void);
/* The first certificate of a PEM file, new or once more; FD stays the caller's.
 * 0; -EINVAL: there is none; or -errno. */
int proof_servers_add(struct proof_servers *s, int fd);

/* Which certificates count, by their hashes. */
struct proof_pins {
    const uint8_t (*hash)[PROOF_HASH_BYTES];
    size_t count;
};

/* MESSAGES: all of the handshake, from ClientHello to the client's Finished, as
 * they were sent. True if it was made with one of SERVERS in the session
 * SERIAL, its client has shown one of PINS, which is valid now, and has signed
 * with its key. Nothing of a certificate is parsed before its hash is one of
 * PINS. */
bool proof_holds(const struct proof_servers *servers, struct slice messages,
                 uint64_t serial, const struct proof_pins *pins);

#endif
