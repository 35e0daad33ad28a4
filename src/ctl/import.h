/* The lines of a file of users, for "user import" (import_read.c). */
#ifndef CTL_IMPORT_H
#define CTL_IMPORT_H

#include "ctl.h"

/* A form in which a server has its users: one line each, with ':' between the
 * columns. */
struct import_format {
    const char *word;
    size_t least, most; /* number of columns */
    bool own;           /* that of Sallyport */
    bool system;        /* of the system, with accounts that are no users */
    bool vague;         /* fits too many files to be chosen without --format */
    bool (*fits)(const struct slice column[8]); /* NULL: each such line does */
};

/* A line. The slices are in the file's text. */
struct imported {
    size_t line;
    struct slice name, hash, comment, home, options;
    uint64_t uid, gid;   /* 0: none */
    int64_t expires;     /* seconds since 1970, from shadow(5); 0: never */
    const char *why_not; /* the line gives no user */
    bool skipped;        /* for the import */
};

struct import {
    struct context *x;
    const char *path;
    const struct import_format *format;
    struct buf text, shadow;
    struct imported *entry;
    size_t count;
    void *by_name; /* a tree of the entries that give a user */
};

/* Reads m->path, in the format that --format names or that fits all lines, and
 * with --shadow the hashes from there. Returns an exit code. In any case the
 * caller calls import_release(). */
int import_read(struct import *m);
/* Wipes and frees what was read. */
void import_release(struct import *m);

#endif
