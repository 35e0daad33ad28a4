/* The TLS of ssl_loop: nothing but what every server writes. */
#ifndef TESTS_BENCH_LOOP_TLS_H
#define TESTS_BENCH_LOOP_TLS_H

#include <openssl/ssl.h>

/* TLS 1.3 and AES-128-GCM only; the server's certificate is made on the spot.
 * Both end the program when they fail. */
SSL *loop_server(int fd);
SSL *loop_client(int fd);
/* Ends the program with what OpenSSL and errno say. */
_Noreturn void loop_fail(const char *what);

#endif
