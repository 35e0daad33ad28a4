/* The users of a file, for "user import". */
#ifndef CTL_IMPORT_H
#define CTL_IMPORT_H

#include "edit/edit.h"

struct import;
struct imported;

/* A form in which a server has its users: one line each, with ':' between the
 * columns; or another one, with a function that reads the whole text. */
struct import_format {
    const char *word;
    /* Fills in m->entry. Returns an exit code. NULL: lines with columns. Only a
     * format with a function can be one of --sync. */
    int (*read)(struct import *m);
    size_t least, most; /* number of columns */
    bool own;           /* that of Sallyport */
    bool system;        /* of the system, with accounts that are no users */
    /* Takes what restricts the user, from the columns after FROM. */
    void (*limits)(struct imported *e, struct slice columns);
    size_t from;
    bool (*fits)(const struct slice column[8]); /* NULL: each such line does */
};

/* A line, or a record. The slices are in the file's text. */
struct imported {
    size_t line;
    struct slice name, hash, comment, mail, home;
    uint64_t uid, gid;   /* 0: none */
    const char *why_not; /* the line gives no user */
    bool no_user;        /* and isn't meant to */
    bool skipped;        /* for the import */
    bool there;          /* a row of the source of --sync has the name */
    bool in_shadow;      /* a line of --shadow was taken */
    bool no_memory;      /* a part of what follows is missing */
    /* The row: first what restricts the user; import_row() sets the rest. Why
     * it is locked; and what is left out. The latter are words for the
     * terminal. */
    struct draft draft;
    struct buf lock, without;
    char *lists; /* " shares=…", which are left out; NULL: none */
};

/* What --sync has done to the rows that were there. */
struct sync_done {
    struct buf said; /* a line for each of them */
    size_t changed, closed, opened, same;
};

struct import {
    struct context *x;
    const char *path;
    const struct import_format *format;
    struct buf text, shadow;
    struct users own; /* of the own format */
    struct imported *entry;
    size_t count;
    json_t *json;      /* what the slices of JSON point to */
    void *by_name;     /* a tree of the entries that give a user */
    size_t unexpected; /* lines that were skipped and should not have been */
    struct sync_done sync;
};

/* import_read.c */

/* Reads m->path, "-" for standard input, in the format that --format names, and
 * with --shadow the hashes from there. Returns an exit code. In any case the
 * caller calls import_release(). */
int import_read(struct import *m);
/* Wipes and frees what was read. */
void import_release(struct import *m);
/* For m->format->read. Makes room for MOST entries. Returns an exit code. */
int import_begin(struct import *m, size_t most);
/* Adds an entry; its first line has the number LINE. */
struct imported *import_add(struct import *m, size_t line);
/* Its name is set: may it be a user's, and is it the first of that name?
 * Returns an exit code. */
int import_named(struct import *m, struct imported *e);
/* Finds the entry that gives this user, or returns NULL. */
struct imported *import_find(const struct import *m, struct slice name);

/* import_ldif.c, import_json.c: for m->format->read. */
int import_ldif(struct import *m);
int import_json(struct import *m);

/* import_row.c: the row of an entry. */

/* Sets all of the row but its numbers. Returns an exit code. */
int import_row(struct import *m, struct imported *e);
/* Writes the comment, with the address of mail, or "" if a row can't have it.
 */
void import_take_comment(const struct imported *e,
                         char out[USER_COMMENT_MAX + 1]);
bool import_hash_usable(const struct imported *e);

/* What restricts the user E: each function adds keys to the row, and to e->lock
 * and e->without; or sets e->no_memory. */

/* COLUMNS: those after the home. */
void import_limits_pure(struct imported *e, struct slice columns);
void import_limits_proftpd(struct imported *e, struct slice shell);
void import_limits_shell(struct imported *e, struct slice shell);
/* COLUMNS: those after the hash. */
void import_limits_more(struct imported *e, struct slice columns);
/* COLUMN: those of shadow(5). Here no password expires; one that has expired
 * there must be changed, or ends the account. */
enum { SHADOW_CHANGED = 2, SHADOW_MOST = 4, SHADOW_INACTIVE = 6 };
void import_limits_password_age(struct imported *e, const struct slice *column);
/* The end of an account: a day as in shadow(5), or as in a users file. */
void import_limits_day(struct imported *e, struct slice value);
void import_limits_end(struct imported *e, struct slice when);
/* The account is locked there, for the reason WHY. */
void import_limits_closed(struct imported *e, const char *why);
/* Takes the value of an attribute for passwords: a hash of crypt(5), perhaps
 * with {CRYPT} before it and a '!' that locks. Of several the first usable one
 * counts. */
void import_limits_password(struct imported *e, struct slice value);
/* USER: the same one in a users file. */
void import_limits_teams(struct imported *e, const struct user *user);

/* user_import.c */

/* Prints that the entry is left out, and why. EXPECTED: the line needs nobody's
 * look. */
void import_skip(struct import *m, struct imported *e, const char *why,
                 bool expected);

/* user_sync.c: the rows that follow a source. */

/* May there be --sync with this import? Returns an exit code. */
int sync_check(const struct import *m);
/* Finds the entries that have a row, and skips those whose row is another
 * one's. */
void sync_split(struct import *m, const struct users *u);
/* Changes the rows of the source; refuses if that would lock too many. Returns
 * an exit code. */
int sync_rows(struct import *m, struct edit *e);
/* Sets sync=NAME:… in a new row, with --sync. Returns 0 or -errno. */
int sync_mark(const struct import *m, struct imported *e);
void sync_print(const struct import *m, size_t added, size_t skipped);
void sync_release(struct import *m);

#endif
