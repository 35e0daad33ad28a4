/* Functions that the control channel and the data channel of a session
 * share. */
#ifndef TESTS_SUPPORT_SESSION_PRIVATE_H
#define TESTS_SUPPORT_SESSION_PRIVATE_H

#include <stdarg.h>
#include <stddef.h>
#include <sys/types.h>

#include "session.h"

/* Connects to the server's host from the session's own address. Returns the
 * socket. */
int session_socket(const struct session *s, unsigned port);
void session_vsend(struct session *s, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* session_tls.c */
/* Make the handshake. SHOW is the TLS session to resume, or NULL. If the
 * handshake fails, session_tls_try() returns NULL, and session_tls_new() fails
 * the test. */
struct tls_client *session_tls_try(const struct session *s, int fd,
                                   const char *name,
                                   const struct tls_session *show);
struct tls_client *session_tls_new(const struct session *s, int fd,
                                   const char *name,
                                   const struct tls_session *show);
void session_tls_write(struct tls_client *t, const void *bytes, size_t len);
/* Does the same as tls_client_read(), but fails the test instead of returning
 * TLS_CLIENT_FAILED. */
long session_tls_read(struct tls_client *t, void *into, size_t len);

#endif
