/* Connections on loopback, with and without TLS. Every wait ends. */
#ifndef TESTS_BENCH_LOAD_WIRE_H
#define TESTS_BENCH_LOAD_WIRE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#define WIRE_WAIT_S 60 /* for one read or write of a socket */

/* Prints a line with the reason on standard error and ends the program. */
__attribute__((format(printf, 1, 2))) _Noreturn void wire_fail(const char *why,
                                                               ...);

/* TLS 1.3 with AES-128-GCM only, so that every server does the same work. */
SSL_CTX *wire_context(const SSL_METHOD *method);
/* For connections to a server that shows the certificate CA. */
SSL_CTX *wire_client(const char *ca);
/* For the bare servers, with a certificate and its key. */
SSL_CTX *wire_server(const char *certificate, const char *key);

/* Listens on a port that the kernel chooses, and returns it in PORT. */
int wire_listen(unsigned *port);
int wire_connect(unsigned port);
/* Accepts one connection. */
int wire_accept(int listener);

/* The client's handshake; SESSION may be NULL. It gives NULL if it fails. */
SSL *wire_handshake(SSL_CTX *ctx, int fd, SSL_SESSION *session);
/* The server's; it sends as many tickets as TICKETS. */
SSL *wire_answer(SSL_CTX *ctx, int fd, unsigned tickets);
/* Sends all bytes; ends the program if that fails. */
void wire_send(SSL *ssl, const void *bytes, size_t len);
/* Returns bytes, or 0 at the end: close_notify, or a FIN without one. What was
 * received is compared with what was sent, so a cut shows. */
size_t wire_receive(SSL *ssl, void *bytes, size_t max);
/* Sends close_notify, waits for the peer's end if DRAIN (unread tickets would
 * turn close() into a reset, which can take the peer's unread bytes), and
 * closes. */
void wire_close(SSL *ssl, bool drain);

/* Seconds of a clock that never goes back. */
double wire_now(void);

#endif
