/* A line of the users file (a user, a share or a team), as columns and keys.
 * Callers parse a line, edit it, and print it again; unchanged parts keep every
 * byte. Pure functions. */
#ifndef SALLYPORT_USERS_ROW_H
#define SALLYPORT_USERS_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/slice.h"

/* The columns of a user, of a share after "@share", and of a team after
 * "@team". After the columns a line has its keys, "NAME=VALUE". */
enum row_column {
    ROW_NAME,
    ROW_HASH,
    ROW_UID,
    ROW_GID,
    ROW_COMMENT,
    ROW_HOME,
    ROW_SHELL, /* as in passwd(5); empty */
    ROW_COLUMNS,
    SHARE_NAME = 1,
    SHARE_GID,
    SHARE_PATH,
    TEAM_NAME = 1,
};

struct row {
    char *column[ROW_COLUMNS]; /* NULL from COLUMNS on */
    size_t
        columns; /* the number of columns before the keys; 0: there is no row */
    char **key;  /* "NAME=VALUE" in the order of the line; "" between two
                    blanks */
    size_t keys;
    const char *end; /* "\r" of a Windows line end, or "" */
    int error;       /* the first one of the functions that set something */
};

/* A user without a name. */
#define ROW_NEW SLICE(":::::::")

/* Unless their comments say otherwise, the functions of type int return 0,
 * -ENOMEM, -EINVAL or -EMSGSIZE, and don't change the row on failure. */

/* Parses LINE. -EINVAL: a column is missing, or a byte is NUL. *r needs no
 * preparation, and has no columns after a failure. The caller calls
 * row_release(). */
int row_parse(struct row *r, struct slice line);
/* Wipes and frees the row's memory. */
void row_release(struct row *r);
/* Adds the line, without a line end. Returns 0, the first error of the row, or
 * buf_add()'s -errno. */
int row_print(const struct row *r, struct buf *into);

/* Sets a column to TEXT. -EINVAL: TEXT has a ':' or a control byte, which would
 * begin another column or line. -EMSGSIZE: TEXT is longer than a line can be.
 */
int row_set_column(struct row *r, enum row_column column, const char *text);
/* Sets the column of the hash to HASH; if LOCKED, with a '!' before it, which
 * locks the user. */
int row_set_hash(struct row *r, bool locked, const char *hash);
int row_set_number(struct row *r, enum row_column column, uint64_t number);

/* Returns the value of KEY, or NULL. */
const char *row_get(const struct row *r, const char *key);
/* Adds KEY=VALUE at the end, and removes the older KEY. If VALUE is NULL, only
 * removes KEY. Refuses a VALUE as row_set_column() does, except that VALUE can
 * have a ':' and must not have a blank. */
int row_set(struct row *r, const char *key, const char *value);

/* A change of a password by its user. The user's row gets a new hash, and loses
 * must_change=. */
struct hash_change {
    const char *user, *old, *hash; /* the caller has verified OLD */
    struct slice text;             /* the file as the server has accepted it */
};
/* Writes the text of a whole users file after that change; all other bytes
 * stay. Returns 0; -ESTALE: the user isn't in TEXT, or no longer has the hash
 * OLD; or another -errno. */
int row_change_hash(struct slice text, const struct hash_change *change,
                    struct buf *into);

#endif
