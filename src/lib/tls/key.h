/* Code that the process keys and the users of its keys share: PEM files, and
 * the kinds of keys and signature schemes that are accepted. */
#ifndef TLS_KEY_H
#define TLS_KEY_H

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/complain.h"
#include "sallyport/domain/limits.h"

/* Returns the text of an error from OpenSSL's queue; never NULL. */
const char *tls_error(unsigned long error);

/* Reads the whole file FD into TEXT, up to TEXT's maximum, and returns a BIO
 * over it. The caller frees the BIO before TEXT; FD stays the caller's. Returns
 * NULL with a complaint about NAME: the file is unreadable or too large, or
 * memory is short. */
BIO *pem_open(int fd, const char *name, struct buf *text, struct complaint *c);

struct pem_file {
    int fd;           /* stays the caller's */
    const char *name; /* for complaints */
    size_t max;       /* bytes */
};

/* The kind of a block in a PEM file. */
struct pem_kind {
    const char *what; /* "certificate", for complaints */
    /* Parses the next block. Returns NULL if the file ends, or the block is
     * wrong; OpenSSL's queue of errors says which. */
    void *(*parse)(BIO *b);
    /* Gets each THING and owns it, even on failure. NUMBER counts from 1.
     * Returns 0, or -EINVAL with a complaint: then pem_each() ends. */
    int (*take)(void *owner, void *thing, int number);
};

/* Parses all blocks of the file and gives them to KIND's take(). Returns 0, or
 * -EINVAL with the complaint; a file without any block is a failure. */
int pem_each(const struct pem_file *f, const struct pem_kind *kind, void *owner,
             struct complaint *c);

/* Checks that KEY (NULL: unreadable) is of an accepted kind and strength. Each
 * accepted key has a signature scheme. Returns 0, or -EINVAL with the complaint
 * about NAME. */
int key_check(EVP_PKEY *key, const char *name, struct complaint *c);

/* A signature scheme of TLS. */
struct scheme {
    uint16_t code;      /* RFC 8446 4.2.3 */
    const char *key;    /* OpenSSL's name of the key type */
    const char *digest; /* NULL: the scheme has its own digest */
    int padding;        /* RSA_PKCS1_PADDING and so on; 0: none */
    bool in_13;         /* TLS 1.3 can use it */
};

/* Returns NULL if the scheme isn't accepted. */
const struct scheme *scheme_find(uint16_t code);
/* Finds a scheme by its parts. DIGEST is any of OpenSSL's names for the digest,
 * or "" for no digest. Returns NULL if the scheme isn't accepted. */
const struct scheme *scheme_of(const char *key, const char *digest,
                               int padding);

#endif
