/* A server that answers each line over TLS, on any number of connections.
 * echo_serve() has one process for all connections, echo_serve_each() one for
 * each connection. */
#ifndef TESTS_BENCH_LOAD_ECHO_H
#define TESTS_BENCH_LOAD_ECHO_H

#include <openssl/ssl.h>

_Noreturn void echo_serve(SSL_CTX *ctx, int listener);
_Noreturn void echo_serve_each(SSL_CTX *ctx, int listener);

#endif
