/* The perm fact (RFC 3659 7.5.5): what this user may do with an entry. */
#ifndef FILES_PERM_H
#define FILES_PERM_H

#include <stdbool.h>

struct files;
struct stat;

/* Bits in the order of these letters. */
#define PERM_LETTERS "acdeflmprw"
enum perm {
    PERM_APPEND = 1,  /* a: APPE of the file */
    PERM_CREATE = 2,  /* c: STOR into the directory */
    PERM_DELETE = 4,  /* d: DELE or RMD of it */
    PERM_ENTER = 8,   /* e: CWD into the directory */
    PERM_RENAME = 16, /* f: RNFR of it */
    PERM_LIST = 32,   /* l: a listing of the directory */
    PERM_MAKE = 64,   /* m: MKD in the directory */
    PERM_PURGE = 128, /* p: DELE in the directory */
    PERM_READ = 256,  /* r: RETR of the file */
    PERM_WRITE = 512  /* w: STOR over the file */
};

/* DIRECTORY is the entry's directory (NULL for "/"). LINK: it was reached
 * through a link there, and ST describes the link's target. */
unsigned perm_of(const struct files *f, const struct stat *directory,
                 const struct stat *st, bool link);
void perm_text(unsigned perm, char out[12]);

#endif
