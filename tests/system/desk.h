/* A person who works with the client: a directory, a user, a server. */
#ifndef TESTS_SYSTEM_DESK_H
#define TESTS_SYSTEM_DESK_H

#include <stdarg.h>

#include "support/run.h"
#include "support/server.h"

#define DESK_ARGUMENTS 32

struct desk {
    struct server server;
    const char *user;
    char dir[SERVER_PATH_MAX];
    char url[128], password[SERVER_PATH_MAX + 16], ca[SERVER_PATH_MAX];
};

/* Takes the shared server and makes a new directory, which is also HOME and the
 * working directory; a file has the user's password. */
void desk_begin(struct desk *d, const char *user);
/* Does the same without a server: the caller fills in url and ca. */
void desk_begin_alone(struct desk *d);
void desk_end(const struct desk *d);

/* Runs the client with these words (the last one NULL), and expects STATUS and
 * TEXT (or NULL: anything) in the output. "/..." becomes this desk's URL with
 * that path. */
void desk_says(const struct desk *d, int status, const char *text, ...)
    __attribute__((sentinel));

/* Makes a file of LEN bytes, the same in each run. */
void desk_noise(const char *path, size_t len);
/* Expects that two files, or trees, are the same. */
void desk_same(const char *a, const char *b);

#endif
