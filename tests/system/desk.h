/* A desk is a place to run the client: a directory, a user, a server. */
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

/* Uses the shared server. Makes a new directory with a file that has the user's
 * password; the directory becomes HOME and the working directory. */
void desk_begin(struct desk *d, const char *user);
/* Does the same without a server; the caller fills in url and ca. */
void desk_begin_alone(struct desk *d);
void desk_end(const struct desk *d);

/* Runs the client with these words, which end with NULL. Expects the exit
 * status STATUS and, unless TEXT is NULL, TEXT in the output. Puts the desk's
 * URL before each word that begins with "/". */
void desk_says(const struct desk *d, int status, const char *text, ...)
    __attribute__((sentinel));

/* Makes a file of LEN bytes, which are the same in each run. */
void desk_noise(const char *path, size_t len);
/* Expects that two files or two trees have the same content. */
void desk_same(const char *a, const char *b);

#endif
