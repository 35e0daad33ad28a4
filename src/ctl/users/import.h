/* The users of a JSON text, for "user import". */
#ifndef CTL_IMPORT_H
#define CTL_IMPORT_H

#include "edit/edit.h"

/* An object of the text. The list in struct import owns the strings. */
struct imported {
    /* Words for the terminal: why the user is locked, and what the row can't
     * express. */
    struct buf lock, without;
    const char *name, *hash, *comment, *home, *old_home, *second_factor;
    const char *skip; /* the object's reason to skip it; NULL: none */
    bool skipped;     /* it gets no row */
    bool there;       /* a row of the source of --sync has this name */
    struct draft draft;
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
    json_t *list;      /* the array of the objects */
    json_t *by_name;   /* the index of each entry, by its name */
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
/* Skips the entry, and notes the reason. Unless EXPECTED, the command then ends
 * with EX_DATAERR. */
void import_skip(struct import *m, struct imported *e, const char *why,
                 bool expected);
/* Returns the comment, or "" if a row can't have it. */
const char *import_comment(const struct imported *e);
bool import_hash_usable(const struct imported *e);

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
