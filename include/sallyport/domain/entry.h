/* The kinds of directory entries, and what a user may do with them: files
 * reports both in its messages, and listings show them. */
#ifndef SALLYPORT_DOMAIN_ENTRY_H
#define SALLYPORT_DOMAIN_ENTRY_H

enum entry_kind {
    ENTRY_FILE,
    ENTRY_DIRECTORY,
    ENTRY_LINK,
    ENTRY_FIFO,
    ENTRY_OTHER, /* a socket, or a device */
    ENTRY_KIND_COUNT
};

/* The perm fact (RFC 3659 7.5.5), as bits in the order of its letters. */
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

#endif
