/* A real server for a test: with its own directory, configuration, certificate,
 * users, and ports that the kernel chose. It ends with the test at the
 * latest. */
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
/* Uids without an account; users have 70000 and up, shares 80000 and up. */
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
};

/* A share's line; its directory is made, too. */
struct server_share {
    const char *name;
    const char *keys; /* the last column; NULL: "" */
};

struct server_plan {
    const char *listen;              /* NULL: "127.0.0.1:0" */
    const char *ports;               /* NULL: "auto" */
    const char *settings;            /* more lines; NULL: none */
    const char *login_delay;         /* NULL: 0 */
    const char *guess_delay;         /* NULL: 0 */
    const char *no_ban;              /* NULL: all addresses of the tests */
    const struct server_user *users; /* none: one user, "anna" */
    size_t user_count;
    const struct server_share *shares; /* none: NULL */
    size_t share_count;
    const char *lines; /* further lines of the users file; NULL: none */
    bool troubles;     /* the log may contain deaths and refusals */
};

/* A plan with these fields; users, and shares, as its fields. */
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

/* Makes the directory with all its files, and starts nothing: for --check. */
void server_prepare(struct server *s, const struct server_plan *plan);
/* Prepares, starts, and waits for the line that reports "ready". */
void server_start(struct server *s, const struct server_plan *plan);
/* Starts a server that has ended again, in its directory but on other ports,
 * with a new log. */
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
/* Does the same, and removes the directory. */
void server_stop(struct server *s);
/* Removes the directory of a server that isn't running. */
void server_forget(struct server *s);

/* Makes one server for all tests of a program, in the PRE_ALL hook; each test
 * (a process of its own) asks for it. It is stopped after all tests, unless
 * another hook has done so before. */
void server_share(const struct server_plan *plan);
void server_unshare(void);
/* The hook of a program that needs only the shared server. The arguments are
 * the fields of its plan. */
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
/* Returns the same server, for the hooks of the runner process. */
const struct server *server_of_runner(void);

/* Return paths: of a file or a program of the build under test, of a file in
 * the server's directory, of a user's home, and of a file in it. Each result
 * stays. */
const char *server_build(const char *name);
const char *server_program(const char *name);
const char *server_path(const struct server *s, const char *name);
const char *server_home(const struct server *s, const char *user);
const char *server_home_file(const struct server *s, const char *user,
                             const char *name);
/* Returns the path of a share's directory, or of a file in a share
 * ("/NAME/…"). */
const char *server_share_path(const struct server *s, const char *path);
/* Makes a file of the user. */
void server_put(const struct server *s, const char *user, const char *name,
                const void *bytes, size_t len);

/* Is this a build with sanitizers or coverage? It has no seccomp, and runs more
 * slowly. */
bool server_is_sanitized(void);

#endif
