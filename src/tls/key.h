/* A private key from its file, and what keys are taken at all. */
#ifndef TLS_KEY_H
#define TLS_KEY_H

#include <openssl/bio.h>
#include <openssl/evp.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/complaint.h"
#include "sallyport/domain/limits.h"

/* From PEM, without a passphrase; NULL with the complaint. */
EVP_PKEY *key_read(int fd, const char *name, struct complaint *c);

/* Is KEY (NULL: unreadable) of a kind and strength that is taken? 0 or -EINVAL
 * with the complaint about NAME. */
int key_check(EVP_PKEY *key, const char *name, struct complaint *c);

/* Reads FD whole into TEXT, at most its maximum; a BIO over it. NULL with the
 * complaint. */
BIO *pem_open(int fd, const char *name, struct buf *text, struct complaint *c);
/* Has OpenSSL just said that there is nothing more in it? */
bool pem_is_end(void);
/* Calls READ_ONE for number 1, 2 and so on, as long as it returns 1: what it
 * returned then, 0 or -EINVAL with the complaint. */
int pem_each(int fd, const char *name, size_t most,
             int (*read_one)(void *owner, BIO *b, int number), void *owner,
             struct complaint *c);

#endif
