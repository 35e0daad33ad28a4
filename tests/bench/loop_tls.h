/* The TLS of ssl_loop, with the code that every server writes. */
#ifndef TESTS_BENCH_LOOP_TLS_H
#define TESTS_BENCH_LOOP_TLS_H

#include <openssl/ssl.h>

/* Set up TLS 1.3 with AES-128-GCM only; the server makes its certificate at
 * once. Both end the program on a failure. */
SSL *loop_server(int fd);
SSL *loop_client(int fd);
/* Prints WHAT with the errors of OpenSSL and errno, and ends the program. */
_Noreturn void loop_fail(const char *what);

#endif
