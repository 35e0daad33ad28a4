/* A server's certificate, key and TLS policy. */
#ifndef SALLYPORT_TLS_CONTEXT_H
#define SALLYPORT_TLS_CONTEXT_H

#include "sallyport/base/complaint.h"

struct tls_context;

/* Reads both PEM descriptors (they stay the caller's); the names are for the
 * complaint. TLS 1.2 and 1.3, AEAD suites with forward secrecy. NULL with the
 * complaint: unreadable, not a pair, expired, too weak. Then makes a handshake
 * with itself, so that everything OpenSSL loads lazily is there before a cage
 * closes and before a fork. */
struct tls_context *tls_context_new(int certificate_fd, const char *certificate,
                                    int key_fd, const char *key,
                                    struct complaint *c);
void tls_context_free(struct tls_context *t);

#endif
