/* The rows of a parameterized test are the files of a directory; each file's
 * name is also the name of a user of the shared server. */
#ifndef TESTS_SUPPORT_ROWS_H
#define TESTS_SUPPORT_ROWS_H

#include <stddef.h>

#include "server.h"

#define ROWS_MAX     200
#define ROW_NAME_MAX 33

struct row {
    char name[ROW_NAME_MAX]; /* the file's name without its suffix */
};

struct rows {
    const char *folder; /* a directory of the source tree */
    const char *suffix;
    /* Returns the last column of the users file for the user NAME. If the
     * function is NULL or returns NULL, the column is empty. */
    const char *(*keys)(const char *name);
    /* An environment variable: if it is set, only the row of that name is
     * found. Otherwise a file with the line "# In the long run." among its
     * first comments is found only in the long run. */
    const char *only;
    struct row row[ROWS_MAX];
    size_t count;
};

/* Finds the rows, unless they were found before. Fails the test if there are
 * none, or none of that name. */
void rows_find(struct rows *r);
/* Finds the rows, and shares a server that has PLAN and a user for each row. */
void rows_share(struct rows *r, const struct server_plan *plan);
/* Returns the path of a row's file, in a buffer that the next call uses
 * again. */
const char *rows_file(const struct rows *r, const struct row *row);

#endif
