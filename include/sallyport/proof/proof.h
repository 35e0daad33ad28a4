/* The second proof of a login, besides the password: a TLS 1.3 handshake with
 * the private key of a client's certificate, or a one-time code. Auth, which
 * doesn't trust the session, verifies the proof. */
#ifndef SALLYPORT_PROOF_PROOF_H
#define SALLYPORT_PROOF_PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/random.h"
#include "sallyport/base/slice.h"
#include "sallyport/domain/limits.h"
#include "sallyport/domain/tls.h"

/* The hashes of this server's certificates. */
struct proof_servers {
    uint8_t hash[CERTIFICATES_MAX][PIN_BYTES];
    size_t count;
};

/* Does everything for which OpenSSL or libc open a file. Call it before the
 * sandbox closes. Returns 0 or -ENOMEM. */
int proof_begin(void);
/* Adds the first certificate of a PEM file. FD stays the caller's. Returns 0;
 * -EINVAL: there is no certificate; -ENOSPC: there are too many; another
 * -errno. */
int proof_servers_add(struct proof_servers *s, int fd);

/* The hashes of the client certificates that are accepted. */
struct proof_pins {
    const uint8_t (*hash)[PIN_BYTES];
    size_t count;
};

/* Checks the proof in MESSAGES: all messages of the handshake, from ClientHello
 * to the client's Finished, as they were sent. Returns true if the server
 * showed one of SERVERS, the handshake belongs to the session SERIAL, and the
 * client showed one of PINS that is valid now, and signed with its key. A
 * certificate is parsed only if its hash is one of PINS. */
bool proof_holds(const struct proof_servers *servers, struct slice messages,
                 uint64_t serial, const struct proof_pins *pins);

#define TOTP_STEP_S 30 /* a code's time */

/* Takes the code of the second factor (RFC 6238) off the end of PASSWORD. The
 * code must be the code of SECRET (base32) for NOW, seconds since 1970, or the
 * code before or after it. Returns the number of the code's half minute since
 * 1970; 0: PASSWORD doesn't end with such a code. */
uint64_t code_take(struct slice secret, uint64_t now, struct secret *password);

#endif
