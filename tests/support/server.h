/* A real server for a test: its own directory, configuration, certificate,
 * users and ports that the kernel chose. Ends with the test at the latest. */
#ifndef TESTS_SUPPORT_SERVER_H
#define TESTS_SUPPORT_SERVER_H

#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define SERVER_PATH_MAX 512
#define SERVER_PASSWORD "correct horse battery"
/* By numbers that no account has; users have 70000 and up. */
#define SERVER_UID_GATE   69990
#define SERVER_UID_AUTH   69991
#define SERVER_UID_LOG    69992
#define SERVER_UID_LOOKUP 69993
#define SERVER_UID_KEYS   69994
#define SERVER_UID_FIRST  70000

struct server_user {
    const char *name;
    const char *keys;     /* the last column: "rights=read"; NULL: "" */
    const char *password; /* NULL: SERVER_PASSWORD */
};

struct server_plan {
    const char *listen;              /* NULL: "127.0.0.1:0" */
    const char *ports;               /* NULL: "auto 8" */
    const char *settings;            /* more lines; NULL: none */
    const char *login_delay;         /* NULL: 0 */
    const char *guess_delay;         /* NULL: 0 */
    const char *no_ban;              /* NULL: every test's own address */
    const struct server_user *users; /* none: one, "anna" */
    size_t user_count;
    bool troubles; /* deaths and refusals in the log are expected */
};

struct server {
    char folder[SERVER_PATH_MAX];
    char homes[SERVER_PATH_MAX];
    pid_t pid; /* of master; 0: not started */
    unsigned port;
    unsigned port_other; /* of the second listener, if there is one */
    unsigned port_tls;   /* of the one with implicit TLS, if there is one */
    bool troubles;
};

/* The directory with everything in it, and nothing started: for --check. */
void server_prepare(struct server *s, const struct server_plan *plan);
/* Prepares, starts, and waits for the line that says it is ready. */
void server_start(struct server *s, const struct server_plan *plan);
/* Starts it again on the directory of one that has ended, on other ports; the
 * old log goes. */
void server_again(struct server *s);
/* The line of a key of the configuration, changed or added: for a reload. */
void server_set(const struct server *s, const char *key, const char *value);
/* SIGKILL of master; returns when no process of the server is left. */
void server_kill(struct server *s);
/* SIGTERM; then everything that must hold at the end of a server: exit status
 * 0, no process left, a log without a sanitizer's report, without a death,
 * and without a system call or message refused. Removes the directory. */
void server_stop(struct server *s);
/* Removes the directory of a server that isn't running. */
void server_forget(struct server *s);

/* One server for all tests of a program: share in the PRE_ALL hook; each test
 * (a process of its own) asks for it. After all tests it is stopped, unless an
 * own hook has done so before. */
void server_share(const struct server_plan *plan);
void server_unshare(void);
/* The hook of a program that needs no more than that. The arguments are the
 * fields of its plan. */
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
/* The same, for the hooks of the runner process. */
const struct server *server_of_runner(void);

/* The path of a file of the build under test, of a program of it, of a file of
 * the source tree, of a file in the server's directory, of a user's home, and
 * of a file in there. Each in a buffer that the next call of the same function
 * uses again. */
const char *server_build(const char *name);
const char *server_program(const char *name);
const char *server_source(const char *name);
const char *server_path(const struct server *s, const char *name);
const char *server_home(const struct server *s, const char *user);
const char *server_home_file(const struct server *s, const char *user,
                             const char *name);

/* True in the long run (tests/run --all). */
bool server_is_long(void);
/* True with sanitizers or coverage: no seccomp there, and another scale. */
bool server_is_sanitized(void);

#endif
