/* Files of PEM blocks: how gate and keys read them. */
#ifndef TLS_PEM_H
#define TLS_PEM_H

#include <openssl/bio.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/complain.h"

/* Reads the whole file FD into TEXT, up to TEXT's maximum, and returns a BIO
 * over it. The caller frees the BIO before TEXT; FD stays the caller's. NULL
 * with a complaint about NAME: unreadable, too large, or no memory. */
BIO *pem_open(int fd, const char *name, struct buf *text, struct complaint *c);

struct pem_file {
    int fd;           /* stays the caller's */
    const char *name; /* for complaints */
    size_t max;       /* bytes */
};

/* What the blocks of a file hold. */
struct pem_kind {
    const char *what; /* "certificate", for complaints */
    /* Parses the next block. NULL: the file ends, or the block is wrong;
     * OpenSSL's queue of errors says which. */
    void *(*parse)(BIO *b);
    /* Gets each THING and owns it, even on failure. NUMBER counts from 1.
     * Returns 0, or -EINVAL with its own complaint, which ends the reading. */
    int (*take)(void *owner, void *thing, int number);
};

/* Parses all blocks of the file and gives them to KIND's take(). Returns 0, or
 * -EINVAL with the complaint; a file without a single block is a failure. */
int pem_each(const struct pem_file *f, const struct pem_kind *kind, void *owner,
             struct complaint *c);

#endif
