/* A server that answers each line over TLS, for any number of connections: in
 * one process, or in one for each connection. */
#ifndef TESTS_BENCH_LOAD_ECHO_H
#define TESTS_BENCH_LOAD_ECHO_H

#include <openssl/ssl.h>

_Noreturn void echo_serve(SSL_CTX *ctx, int listener);
_Noreturn void echo_serve_each(SSL_CTX *ctx, int listener);

#endif
