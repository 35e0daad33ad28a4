/* The users of a source, for "user import". */
#ifndef CTL_IMPORT_H
#define CTL_IMPORT_H

#include "edit/edit.h"

/* A row of the source. */
struct imported {
    char *name;          /* as in the row, also if it isn't a valid name */
    const char *no_hash; /* why the hash can't be used; NULL: it can */
    bool has_home;
    bool locked;        /* the source locks the user */
    bool broken;        /* the row isn't wholly understood */
    bool skipped;       /* it gets no row */
    bool there;         /* a row of the source of --sync has this name */
    struct draft draft; /* its hash is without '!' */
};

/* The changes of --sync to existing rows. */
struct sync_done {
    struct buf said; /* a line for each change, and for each skipped entry */
    size_t changed, closed, opened, same;
};

struct import {
    const char *path;
    struct imported *entry;
    size_t count;      /* number of entries */
    size_t made, next; /* MADE entries from the first on are done, and NEXT ones
                        * if the running edit stands */
    json_t *by_name;   /* the index of the first entry of each valid name */
    size_t unexpected; /* skipped entries that should have given a user */
    struct sync_done sync;
};

/* import_read.c: reads m->path, "-" for standard input. */
void import_read(struct import *m);
/* Finds the first entry of this name, or returns NULL. */
struct imported *import_find(const struct import *m, const char *name);
/* Skips the entry, and notes the reason. Unless EXPECTED, the command then ends
 * with EX_DATAERR. */
void import_skip(struct import *m, struct imported *e, const char *why,
                 bool expected);

/* user_sync.c: the rows that follow a source. */

/* Marks entries that have a row of the source. Skips an entry if its row isn't
 * of the source, or if it seems to be a renamed user. */
void sync_split(struct import *m, const struct users *u);
/* Changes the rows of the source, for edit_run(); GIVEN is a struct import.
 * Fails if that would lock, or open, too many users. */
void sync_rows(void *given);
/* Sets sync=NAME:… in a new row. */
void sync_mark(struct imported *e);

#endif
