/* Connections on loopback, with and without TLS. Each read and each write has a
 * deadline. */
#ifndef TESTS_BENCH_LOAD_WIRE_H
#define TESTS_BENCH_LOAD_WIRE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#define WIRE_WAIT_S 60 /* for one read or write of a socket */

/* Prints a line with the reason on standard error and ends the program. */
__attribute__((format(printf, 1, 2))) _Noreturn void wire_fail(const char *why,
                                                               ...);

/* Makes a context for TLS 1.3 with AES-128-GCM only, so that every server does
 * the same work. */
SSL_CTX *wire_context(const SSL_METHOD *method);
/* Makes a context for connections to a server that shows the certificate of the
 * file CA. */
SSL_CTX *wire_client(const char *ca);
/* Makes a context for the bare servers, from the files of a certificate and its
 * key. */
SSL_CTX *wire_server(const char *certificate, const char *key);

/* Listens on a port that the kernel chooses, and writes it to *PORT. Returns
 * the listener. */
int wire_listen(unsigned *port);
int wire_connect(unsigned port);
/* Accepts one connection. */
int wire_accept(int listener);

/* Makes the client's handshake. SESSION, the session to resume, may be NULL.
 * Returns NULL if the handshake fails. */
SSL *wire_handshake(SSL_CTX *ctx, int fd, SSL_SESSION *session);
/* Makes the server's handshake, and sends TICKETS tickets. Ends the program if
 * the handshake fails. */
SSL *wire_answer(SSL_CTX *ctx, int fd, unsigned tickets);
/* Sends all bytes; ends the program if that fails. */
void wire_send(SSL *ssl, const void *bytes, size_t len);
/* Returns the number of received bytes, or 0 at the end: a close_notify, or a
 * FIN without it. Callers compare the received bytes with the sent ones, and so
 * notice a cut. */
size_t wire_receive(SSL *ssl, void *bytes, size_t max);
/* Sends close_notify and closes. If DRAIN, waits for the peer's end before it
 * closes: unread tickets would turn close() into a reset, and the peer could
 * lose bytes that it hasn't read. */
void wire_close(SSL *ssl, bool drain);

/* Returns the seconds of a clock that never goes back. */
double wire_now(void);

#endif
