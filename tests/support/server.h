/* Runs a real server for a test, with its own directory, configuration,
 * certificate, users, and ports that the kernel has chosen. The server ends
 * with the test at the latest. */
#ifndef TESTS_SUPPORT_SERVER_H
#define TESTS_SUPPORT_SERVER_H

#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "support/files.h"

#define SERVER_PATH_MAX 512
#define SERVER_PASSWORD "correct horse battery"
/* Uids that belong to no account. Users get uids from SERVER_UID_FIRST on,
 * shares get gids from SERVER_GID_FIRST on. */
#define SERVER_UID_GATE  69990
#define SERVER_UID_AUTH  69991
#define SERVER_UID_LOG   69992
#define SERVER_UID_KEYS  69993
#define SERVER_UID_FIRST 70000
#define SERVER_GID_FIRST 80000

struct server_user {
    const char *name;
    const char *keys;     /* the last column: "rights=read"; NULL: "" */
    const char *password; /* NULL: SERVER_PASSWORD */
    const char *salt;     /* for crypt(3); NULL: a cheap one */
};

/* A share: its line in the users file, and its directory, which is made,
 * too. */
struct server_share {
    const char *name;
    const char *keys; /* the last column; NULL: "" */
};

struct server_plan {
    const char *listen;              /* NULL: a port of ports_one() */
    const char *ports;               /* NULL: "auto" */
    const char *settings;            /* more lines; NULL: none */
    const char *login_delay;         /* NULL: 0 */
    const char *guess_delay;         /* NULL: 0 */
    const char *no_ban;              /* NULL: all addresses of the tests */
    const struct server_user *users; /* NULL: one user, "anna" */
    size_t user_count;
    const struct server_share *shares; /* NULL: none */
    size_t share_count;
    const char *lines; /* further lines of the users file; NULL: none */
    bool troubles;     /* the log may contain deaths and refusals */
};

/* PLAN() makes a plan with these fields. USERS() and SHARES() are its fields
 * for users and shares. */
#define PLAN(...) (&(const struct server_plan){ __VA_ARGS__ })
#define USERS(...)                                                             \
    .users = (const struct server_user[]){ __VA_ARGS__ },                      \
    .user_count = sizeof((const struct server_user[]){ __VA_ARGS__ }) /        \
                  sizeof(struct server_user)
#define SHARES(...)                                                            \
    .shares = (const struct server_share[]){ __VA_ARGS__ },                    \
    .share_count = sizeof((const struct server_share[]){ __VA_ARGS__ }) /      \
                   sizeof(struct server_share)

struct server {
    char folder[SERVER_PATH_MAX];
    char homes[SERVER_PATH_MAX];
    pid_t pid; /* of master; 0: not started */
    unsigned port;
    unsigned port_other; /* of the second listener, if it exists */
    unsigned port_tls;   /* of the listener with implicit TLS, if it exists */
    bool troubles;
};

/* Makes the directory with all its files, and doesn't start the server, for
 * tests of --check. */
void server_prepare(struct server *s, const struct server_plan *plan);
/* Makes the directory, starts the server, and waits until its log reports
 * "ready". */
void server_start(struct server *s, const struct server_plan *plan);
/* Restarts a server that has ended, in its directory but on other ports, with a
 * new log. */
void server_again(struct server *s);
/* Changes or adds a line of the configuration, for a reload. */
void server_set(const struct server *s, const char *key, const char *value);
/* Kills master with SIGKILL, and returns when no process of the server is
 * left. */
void server_kill(struct server *s);
/* Sends SIGTERM, and checks everything that must hold at a server's end: exit
 * status 0, no process left, and a log without a sanitizer's report, a death,
 * or a refused system call or message. */
void server_halt(struct server *s);
/* Calls server_halt() and removes the directory. Does nothing if the server
 * isn't running. */
void server_stop(struct server *s);
/* Removes the directory of a server that isn't running. */
void server_forget(struct server *s);

/* server_share(), called in the PRE_ALL hook, starts one server for all tests
 * of a program. Each test, which is a process of its own, gets it by
 * server_shared(). A POST_ALL hook stops it by server_unshare(), unless another
 * hook has stopped it before. */
void server_share(const struct server_plan *plan);
void server_unshare(void);
/* Defines the hook of a program that needs only the shared server. The
 * arguments are the fields of the server's plan. */
#define SERVER_SHARED(...)                                                     \
    ReportHook(PRE_ALL)(struct criterion_test_set * set)                       \
    {                                                                          \
        const struct server_plan plan = { __VA_ARGS__ };                       \
                                                                               \
        (void)set;                                                             \
        server_share(&plan);                                                   \
    }                                                                          \
    _Static_assert(true, "the macro is used with a semicolon")
void server_shared(struct server *ret);
/* Returns the shared server to the hooks of the runner process. */
const struct server *server_of_runner(void);

/* Return paths: of a file and a program of the build under test, of a file in
 * the server's directory, of a user's home, and of a file in that home. The
 * results stay valid. */
const char *server_build(const char *name);
const char *server_program(const char *name);
const char *server_path(const struct server *s, const char *name);
const char *server_home(const struct server *s, const char *user);
const char *server_home_file(const struct server *s, const char *user,
                             const char *name);
/* Returns the path of a share's directory, or of a file in a share
 * ("/NAME/…"). */
const char *server_share_path(const struct server *s, const char *path);
/* Writes a file into the user's home. The owner of the home owns the file. */
void server_put(const struct server *s, const char *user, const char *name,
                const void *bytes, size_t len);

/* Is this a build with sanitizers or coverage? Such a build has no seccomp, and
 * runs more slowly. */
bool server_is_sanitized(void);

#endif
