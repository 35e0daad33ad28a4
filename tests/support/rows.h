/* The rows of a parameterized test that are the files of a directory; each
 * gives its name to a user of the one server for all. */
#ifndef TESTS_SUPPORT_ROWS_H
#define TESTS_SUPPORT_ROWS_H

#include <stddef.h>

#include "server.h"

#define ROWS_MAX     200
#define ROW_NAME_MAX 33

struct row {
    char name[ROW_NAME_MAX]; /* the file's, without the suffix */
};

struct rows {
    const char *folder; /* of the source tree */
    const char *suffix;
    /* The last column of the user of that name; NULL, also from it: "". */
    const char *(*keys)(const char *name);
    struct row row[ROWS_MAX];
    size_t count;
};

/* Finds them, once; fails when there are none. */
void rows_find(struct rows *r);
/* Finds them and shares a server by PLAN, whose users they are. */
void rows_share(struct rows *r, const struct server_plan *plan);
/* The path of a row's file, in a buffer that the next call uses again. */
const char *rows_file(const struct rows *r, const struct row *row);

#endif
