/* The state of the program, and the functions that all commands share. */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "link/link.h"
#include "options/options.h"
#include "show/show.h"

struct client {
    struct options
        options; /* from the command line, the profile and the current line */
    struct options given; /* from the command line alone */
    struct profile profile;
    struct site site;
    struct link link;
    bool open;              /* site and link are open */
    bool interactive;       /* in the shell */
    char cwd[URL_PATH_MAX]; /* remote, relative to the login directory */
    bool leave;             /* the shell must end */
};

/* A word of the command line: a local name or a path on the server. */
struct word {
    const char *text;
    bool remote;
    bool directory;             /* remote: the path ended in "/", or is empty */
    char path[URL_PATH_MAX];    /* remote: relative to the login directory */
    struct url_pattern pattern; /* the last component of the path, or for put
                                 * the path; on the command line only set for
                                 * a remote word */
    const struct url *url;      /* of a remote word on the command line: the
                                 * command's server; otherwise NULL */
};

#define WORDS_MAX 4096

/* Runs a command, and prints its failures. Returns 0, or an exit code of
 * sysexits.h. */
typedef int command_run(struct client *c, struct word *w, int n);

/* Prints WHY, the failure of WHAT. Returns the exit code of WHY. */
int client_error(const char *what, const struct failure *why);
/* Prints a failure of WHAT with this text. Returns CODE. */
int client_refuse(const char *what, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Runs the whole program. Returns its exit code. */
int client_main(int argc, char **argv);

#endif
