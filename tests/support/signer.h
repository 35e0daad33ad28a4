/* A TLS context whose signer is in this process: for tests of a room that
 * stands alone. */
#ifndef TESTS_SUPPORT_SIGNER_H
#define TESTS_SUPPORT_SIGNER_H

#include "sallyport/tls/context.h"

struct key_files {
    int certificate_fd;
    const char *certificate;
    int key_fd;
    const char *key;
};

/* NULL with the complaint of whichever half is wrong. Its key lives until
 * signer_free_all(). */
struct tls_context *signer_context(const struct key_files *f,
                                   struct complaint *c);
struct tls_context *signer_context_of(const struct key_files *f, size_t n,
                                      struct complaint *c);
/* With an OCSP response from a file called NAME; MUST_COUNT: as for --check. */
struct tls_context *signer_context_stapled(const struct key_files *f,
                                           int staple_fd, const char *name,
                                           bool must_count,
                                           struct complaint *c);
/* The same with another policy than the default. */
struct tls_context *signer_context_as(const struct key_files *f, size_t n,
                                      const struct tls_policy *policy,
                                      struct complaint *c);
void signer_free_all(void);

/* A process that signs with the keys of all contexts, as keys does, until the
 * other end of its channel is closed: that end. */
int signer_process(void);

#endif
