/* OpenSSL's view of a struct io. */
#ifndef TLS_BIO_H
#define TLS_BIO_H

#include <openssl/bio.h>

struct io;

/* NULL: no memory. Freed with BIO_meth_free() after the last BIO of it. */
BIO_METHOD *bio_method(void);
/* A BIO whose reads and writes go to IO's memory, never to its socket; empty
 * and full are "try again". IO must outlive it. NULL: no memory. */
BIO *bio_over(const BIO_METHOD *method, struct io *io);
/* For writing only, over the kernel's TLS on IO's socket: like that one until
 * OpenSSL has handed its keys over, in the midst of a handshake; from then on
 * records go to the kernel, which seals them. */
BIO *bio_over_kernel(const BIO_METHOD *method, struct io *io);

#endif
