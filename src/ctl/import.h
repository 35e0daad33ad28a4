/* The lines of a file of users, for "user import". */
#ifndef CTL_IMPORT_H
#define CTL_IMPORT_H

#include "ctl.h"

struct imported;

/* A form in which a server has its users: one line each, with ':' between the
 * columns. */
struct import_format {
    const char *word;
    size_t least, most; /* number of columns */
    bool own;           /* that of Sallyport */
    bool system;        /* of the system, with accounts that are no users */
    bool vague;         /* fits too many files to be chosen without --format */
    /* Takes what restricts the user, from the columns after FROM. */
    void (*limits)(struct imported *e, struct slice columns);
    size_t from;
    bool (*fits)(const struct slice column[8]); /* NULL: each such line does */
};

/* A line. The slices are in the file's text. */
struct imported {
    size_t line;
    struct slice name, hash, comment, home, options;
    uint64_t uid, gid;   /* 0: none */
    const char *why_not; /* the line gives no user */
    bool no_user;        /* and isn't meant to */
    bool skipped;        /* for the import */
    /* What restricts the user: " KEY=VALUE" for the row; why the row is locked;
     * and what is left out. The latter are words for the terminal. */
    struct buf keys, lock, without;
};

struct import {
    struct context *x;
    const char *path;
    const struct import_format *format;
    struct buf text, shadow;
    struct users own; /* of the own format */
    struct imported *entry;
    size_t count;
    void *by_name;     /* a tree of the entries that give a user */
    size_t unexpected; /* lines that were skipped and should not have been */
};

/* import_read.c */

/* Reads m->path, in the format that --format names or that fits all lines, and
 * with --shadow the hashes from there. Returns an exit code. In any case the
 * caller calls import_release(). */
int import_read(struct import *m);
/* Wipes and frees what was read. */
void import_release(struct import *m);

/* import_limits.c: what restricts the user E; each function adds to e->keys,
 * e->lock and e->without. */

/* COLUMNS: those after the home. */
void import_limits_pure(struct imported *e, struct slice columns);
void import_limits_proftpd(struct imported *e, struct slice shell);
void import_limits_passwd(struct imported *e, struct slice shell);
/* COLUMNS: those after the hash. */
void import_limits_pwdfile(struct imported *e, struct slice columns);
/* COLUMN: those of shadow(5) before END, the day on which the account
 * expires. */
enum { SHADOW_CHANGED = 2, SHADOW_MOST = 4, SHADOW_INACTIVE = 6 };
void import_limits_shadow(struct imported *e, const struct slice *column,
                          struct slice end);
/* USER: the same one in a users file. */
void import_limits_teams(struct imported *e, const struct user *user);

#endif
