/* The interface between OpenSSL and a struct io. */
#ifndef TLS_BIO_H
#define TLS_BIO_H

#include <openssl/bio.h>

struct io;

/* Returns NULL if there is no memory. Free it with BIO_meth_free() after the
 * last BIO that uses it. */
BIO_METHOD *bio_method(void);
/* A BIO that reads from and writes to IO's buffers, never to its socket. If
 * they are empty or full, it asks OpenSSL to retry. IO must outlive it. Returns
 * NULL if there is no memory. */
BIO *bio_over(const BIO_METHOD *method, struct io *io);
/* A BIO for writing over kernel TLS. It works like bio_over() until OpenSSL has
 * given its keys to the kernel, in the midst of a handshake. After that,
 * records go to IO's socket and the kernel encrypts them. Returns NULL if there
 * is no memory. */
BIO *bio_over_ktls(const BIO_METHOD *method, struct io *io);

#endif
