/* Makes TLS contexts whose signer is in this process, for tests of a single
 * room. */
#ifndef TESTS_SUPPORT_SIGNER_H
#define TESTS_SUPPORT_SIGNER_H

#include "sallyport/tls/context.h"

struct key_files {
    int certificate_fd;
    const char *certificate;
    int key_fd;
    const char *key;
};

/* Return a context, or NULL and a complaint about the certificate or the key.
 * The key stays in memory until signer_free_all(). */
struct tls_context *signer_context(const struct key_files *f,
                                   struct complaint *c);
struct tls_context *signer_context_of(const struct key_files *f, size_t n,
                                      struct complaint *c);
/* Does the same, with POLICY instead of the default policy. */
struct tls_context *signer_context_as(const struct key_files *f, size_t n,
                                      const struct tls_policy *policy,
                                      struct complaint *c);
void signer_free_all(void);

/* Starts a process that signs with the keys of all contexts, as the process
 * `keys` does, until the peer's end of its channel is closed. Returns that end,
 * or -1 on failure. */
int signer_process(void);

#endif
