/* The users of a JSON text, for "user import". */
#ifndef CTL_IMPORT_H
#define CTL_IMPORT_H

#include "edit/edit.h"

/* An object of the text. The slices are in it. */
struct imported {
    /* The reasons for a lock, and what is left out, as words for the
     * terminal. */
    struct buf lock, without;
    const char *name, *hash, *comment, *home, *old_home, *second_factor;
    const char *skip; /* why the entry is skipped; NULL: it isn't */
    bool skipped;     /* it gets no row */
    bool there;       /* the source of --sync has a row with this name */
    struct draft draft;
};

/* The changes of --sync to existing rows. */
struct sync_done {
    struct buf said; /* a line for each of them */
    size_t changed, closed, opened, same;
};

struct import {
    const char *path;
    struct imported *entry;
    size_t count;      /* the entries */
    size_t made, next; /* how many of them, from the first on, have got rows;
                        * and have, if the running edit stands */
    json_t *list;      /* of the objects */
    json_t *by_name;   /* the indexes of the entries */
    size_t unexpected; /* skipped entries that should have given a user */
    struct sync_done sync;
};

#define TEXT_SHOWN (USER_HOME_MAX + 128) /* a reason that names a home */
/* Escapes TEXT of the file for the terminal. Returns OUT. */
const char *import_show(const char *text, char out[TEXT_SHOWN]);
/* import_read.c: reads m->path, "-" for standard input. */
void import_read(struct import *m);
/* Finds the entry that gives this user, or returns NULL. */
struct imported *import_find(const struct import *m, const char *name);
/* Says that the entry is left out, and why. EXPECTED: nobody need look at
 * it. */
void import_skip(struct import *m, struct imported *e, const char *why,
                 bool expected);
/* Returns the comment, or "" if a row can't have it. */
const char *import_comment(const struct imported *e);
bool import_hash_usable(const struct imported *e);

/* user_sync.c: the rows that follow a source. */

/* Finds the entries that have a row, and skips entries with another source's
 * row. */
void sync_split(struct import *m, const struct users *u);
/* For edit_run(), with a struct import: changes the rows of the source. Fails
 * if that would lock, or open, too many. */
void sync_rows(void *given);
/* Sets sync=NAME:… in a new row. */
void sync_mark(struct imported *e);

#endif
