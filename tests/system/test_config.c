/* Mistakes of the administrator. Each is one error that names file and line (or
 * only the file) and has exit status 78, from --check and from a start. An
 * error that may pass by itself has status 75. */
#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "installed.h"
#include "support/files.h"
#include "support/run.h"
#include "support/server_log.h"
#include "support/session.h"

#define CONFIG_ERROR 78
#define LATER        75

struct row {
    const char *why;
    const char *settings; /* a line after the good ones, or NULL */
    void (*spoil)(const struct server *s);
    const char *words[3]; /* the message must have all of them */
};

static void config_writable(const struct server *s)
{
    chmod(server_path(s, "sallyport.conf"), 0620);
}

static void config_missing(const struct server *s)
{
    unlink(server_path(s, "sallyport.conf"));
}

static void users_readable(const struct server *s)
{
    chmod(server_path(s, "users"), 0644);
}

static void users_bad_hash(const struct server *s)
{
    static const char text[] =
        "# one\nbert:abJnggxhB/yWI:70001:70001::/nowhere::\n";

    files_write(server_path(s, "users"), text, sizeof(text) - 1, 0600);
}

static void key_readable(const struct server *s)
{
    chmod(server_path(s, "key.pem"), 0644);
}

static void swapped(const struct server *s)
{
    char key[SERVER_PATH_MAX], certificate[SERVER_PATH_MAX];

    snprintf(key, sizeof(key), "%s", server_path(s, "key.pem"));
    snprintf(certificate, sizeof(certificate), "%s",
             server_path(s, "certificate.pem"));
    server_set(s, "key", certificate);
    server_set(s, "certificate", key);
}

static void key_missing(const struct server *s)
{
    unlink(server_path(s, "key.pem"));
}

static void key_of_somebody(const struct server *s)
{
    cr_assert_eq(chown(server_path(s, "key.pem"), 12345, 0), 0);
}

static void users_of_somebody(const struct server *s)
{
    cr_assert_eq(chown(server_path(s, "users"), 70000, 0), 0);
}

static void users_a_folder(const struct server *s)
{
    server_set(s, "users", "/");
}

static void certificate_missing(const struct server *s)
{
    unlink(server_path(s, "certificate.pem"));
}

static void group_unknown(const struct server *s)
{
    server_set(s, "control_group", "nosuch");
}

static void empty_not_empty(const struct server *s)
{
    server_set(s, "empty", "/etc");
}

static void empty_impossible(const struct server *s)
{
    server_set(s, "empty", "/dev/null/x");
}

static void key_of_another(const struct server *s)
{
    struct run_result r;

    run(&r, NULL, "openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
        "ec_paramgen_curve:P-256", "-out", server_path(s, "key.pem"), NULL);
    cr_assert_eq(r.status, 0, "%s", r.text);
    chmod(server_path(s, "key.pem"), 0600);
    run_release(&r);
}

static void key_weak(const struct server *s)
{
    char key[SERVER_PATH_MAX];
    struct run_result r;

    snprintf(key, sizeof(key), "%s", server_path(s, "key.pem"));
    run(&r, NULL, "openssl", "req", "-x509", "-newkey", "rsa:1024", "-nodes",
        "-subj", "/CN=localhost", "-days", "9", "-keyout", key, "-out",
        server_path(s, "certificate.pem"), NULL);
    cr_assert_eq(r.status, 0, "%s", r.text);
    chmod(key, 0600);
    run_release(&r);
}

static void certificate_broken(const struct server *s)
{
    static const char text[] = "-----BEGIN CERTIFICATE-----\nAAAA\n"
                               "-----END CERTIFICATE-----\n";

    files_write(server_path(s, "certificate.pem"), text, sizeof(text) - 1,
                0644);
}

static void certificate_empty(const struct server *s)
{
    files_write(server_path(s, "certificate.pem"), "", 0, 0644);
}

static void second_broken(const struct server *s)
{
    struct buf text;

    buf_init(&text, 1 << 20);
    cr_assert(files_read(server_path(s, "sallyport.conf"), &text));
    buf_add_format(&text, "certificate.rsa = /etc/passwd\nkey.rsa = %s\n",
                   server_path(s, "key.pem"));
    files_write(server_path(s, "sallyport.conf"), text.data, text.len, 0600);
    buf_release(&text);
}

/* The good configuration has 14 lines; settings of a row begin at line 13. Of
 * the mistakes in the settings alone there is one: tests/unit/conf has the
 * others. */
static const struct row rows[] = {
    { "uids that cross",
      "uid_first = 80000\nuid_last = 70000\n",
      NULL,
      { "sallyport.conf:14: uid_last = 70000: ", "uid_first" } },
    { "configuration writable by its group",
      NULL,
      config_writable,
      { "sallyport.conf: ", "chmod" } },
    { "no configuration", NULL, config_missing, { "sallyport.conf: " } },
    { "users readable by others",
      NULL,
      users_readable,
      { "sallyport.conf:5: users = ", "/users: ", "chmod" } },
    { "a refused kind of hash", NULL, users_bad_hash, { "users:2: " } },
    { "a key readable by others",
      NULL,
      key_readable,
      { "sallyport.conf:4: key = ", "key.pem: ", "chmod" } },
    { "the key of another certificate",
      NULL,
      key_of_another,
      { "sallyport.conf:4: key = ", "key.pem: not the key" } },
    { "no certificate",
      NULL,
      certificate_missing,
      { "sallyport.conf:3: certificate = ", "certificate.pem: No such file",
        "libexec/sallyport/make-certificate --out" } },
    { "certificate and key swapped",
      NULL,
      swapped,
      { "sallyport.conf:4: key = ",
        "certificate.pem: begins with a certificate" } },
    { "a certificate that isn't one",
      NULL,
      certificate_broken,
      { "sallyport.conf:3: certificate = ", "certificate.pem: " } },
    { "an empty certificate",
      NULL,
      certificate_empty,
      { "sallyport.conf:3: certificate = ", "certificate.pem: " } },
    { "a second certificate without its key",
      "certificate.rsa = /nowhere/c.pem\n",
      NULL,
      { ": certificate.rsa = ", "there is no key.rsa" } },
    { "a second certificate that isn't there",
      "certificate.rsa = /nowhere/c.pem\nkey.rsa = /nowhere/k.pem\n",
      NULL,
      { ": certificate.rsa = /nowhere/c.pem: No such file" } },
    { "a second certificate that isn't one",
      NULL,
      second_broken,
      { ": certificate.rsa = /etc/passwd: holds no "
        "certificate" } },
};

/* Mistakes that only root's server checks, or that only root can make. */
static const struct row rows_of_root[] = {
    { "users of one of them",
      NULL,
      users_of_somebody,
      { "sallyport.conf:5: users = ", "belongs to uid 70000", "chown" } },
    { "a folder for the users file",
      NULL,
      users_a_folder,
      { "sallyport.conf:5: users = /: not a regular file" } },
    { "somebody's key",
      NULL,
      key_of_somebody,
      { "sallyport.conf:4: key = ", "belongs to uid 12345" } },
    { "no key",
      NULL,
      key_missing,
      { "sallyport.conf:4: key = ", "key.pem: No such file" } },
    { "a group that nobody has",
      NULL,
      group_unknown,
      { "sallyport.conf:15: control_group = nosuch: there is no group" } },
    { "an empty folder that isn't",
      NULL,
      empty_not_empty,
      { "sallyport.conf:7: empty = /etc: is not empty" } },
    { "an empty folder that can't be",
      NULL,
      empty_impossible,
      { "sallyport.conf:7: empty = /dev/null/x: " } },
};

static void expect_error(const struct server *s, const struct row *row,
                         const char *option)
{
    char program[SERVER_PATH_MAX];
    struct run_result r;

    snprintf(program, sizeof(program), "%s", server_program("sallyportd"));
    run(&r, NULL, program, option, "--config", server_path(s, "sallyport.conf"),
        NULL);
    cr_expect_eq(r.status, CONFIG_ERROR, "%s, %s: exit status %d:\n%s",
                 row->why, option, r.status, r.text);
    for (size_t i = 0; i < 3 && row->words[i]; i++)
        cr_expect(strstr(r.text, row->words[i]), "%s, %s: no \"%s\" in:\n%s",
                  row->why, option, row->words[i], r.text);
    cr_expect(!strstr(r.text, "ready: listening"), "%s: it started", row->why);
    run_release(&r);
}

static void expect_errors(const struct row *table, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct server_plan plan = { .settings = table[i].settings };
        struct server s;

        server_prepare(&s, &plan);
        if (table[i].spoil)
            table[i].spoil(&s);
        expect_error(&s, &table[i], "--check");
        expect_error(&s, &table[i], "--foreground");
        server_forget(&s);
    }
}

Test(config, mistakes, .timeout = 180)
{
    expect_errors(rows, sizeof(rows) / sizeof(rows[0]));
}

Test(config, mistakes_of_root, .timeout = 180)
{
    if (geteuid() != 0)
        cr_skip_test("root's part");
    expect_errors(rows_of_root, sizeof(rows_of_root) / sizeof(rows_of_root[0]));
}

/* Gate and keys both notice a weak key; keys reports it, always with these
 * words. */
Test(config, one_error_has_one_wording, .timeout = 120)
{
    static const struct row row = {
        "a weak key",
        NULL,
        NULL,
        { "sallyport.conf:4: key = ",
          "key.pem: a key of 1024 bits is too weak (2048 at least)\n" }
    };
    struct server s;

    server_prepare(&s, &(struct server_plan){ 0 });
    key_weak(&s);
    for (int i = 0; i < 10; i++) {
        expect_error(&s, &row, "--check");
        expect_error(&s, &row, "--foreground");
    }
    server_forget(&s);
}

/* Without these mistakes the configuration is good. --check works beside a
 * server that runs on the same files. */
Test(config, good, .timeout = 60)
{
    const struct server_plan plan = { 0 };
    char program[SERVER_PATH_MAX];
    struct run_result r;
    struct server s;

    server_start(&s, &plan);
    snprintf(program, sizeof(program), "%s", server_program("sallyportd"));
    run(&r, NULL, program, "--check", "--config",
        server_path(&s, "sallyport.conf"), NULL);
    cr_expect_eq(r.status, 0, "exit status %d:\n%s", r.status, r.text);
    cr_expect(!strstr(r.text, "is in use"), "%s", r.text);
    run_release(&r);
    server_stop(&s);
}

/* A server starts before its first user is made, and says how. But a file that
 * was there must not vanish. */
Test(config, no_users_file_yet, .timeout = 60)
{
    const struct server_plan plan = { 0 };
    char program[SERVER_PATH_MAX], away[SERVER_PATH_MAX];
    struct server server;
    struct run_result r;
    struct session s;

    server_prepare(&server, &plan);
    snprintf(away, sizeof(away), "%s", server_path(&server, "users.away"));
    cr_assert_eq(rename(server_path(&server, "users"), away), 0);
    snprintf(program, sizeof(program), "%s", server_program("sallyportd"));
    run(&r, NULL, program, "--check", "--config",
        server_path(&server, "sallyport.conf"), NULL);
    cr_expect_eq(r.status, 0, "exit status %d:\n%s", r.status, r.text);
    cr_expect(strstr(r.text, "make the first user: sallyportctl user add"),
              "%s", r.text);
    run_release(&r);
    server_again(&server);
    cr_assert_eq(rename(away, server_path(&server, "users")), 0);
    session_enter(&s, &server, "anna");
    cr_assert_eq(rename(server_path(&server, "users"), away), 0);
    run(&r, NULL, server_program("sallyportctl"), "reload", "--config",
        server_path(&server, "sallyport.conf"), NULL);
    cr_expect_neq(r.status, 0);
    cr_expect(strstr(r.text, "there were users before: restore it"), "%s",
              r.text);
    run_release(&r);
    session_do(&s, "200 {*}", "NOOP");
    session_end(&s, &server);
}

/* Calls that the kernel refuses to each process of --check. A container may
 * forbid Landlock. Then nobody could log in, so the server reports it before it
 * is ready, and --check does too. */
Test(config, calls_that_are_refused, .timeout = 60)
{
    static const struct {
        const char *inject, *settings, *text;
        int status;
    } refusals[] = {
        { "inject=landlock_create_ruleset:error=EPERM", NULL,
          "(to go on without it: allow_weaker = landlock)", 71 },
        { "inject=landlock_create_ruleset:error=EPERM",
          "allow_weaker = landlock\n", "configuration is fine", 0 },
        { "inject=epoll_create1:error=EMFILE", NULL,
          "can't start: Too many open files", 71 },
    };

    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        const struct server_plan plan = { .settings = refusals[i].settings };
        struct run_result r;
        struct server s;

        server_prepare(&s, &plan);
        run(&r, NULL, "/usr/bin/env", "ASAN_OPTIONS=detect_leaks=0",
            "/usr/bin/strace", "-f", "-o", "/dev/null", "-e",
            refusals[i].inject, server_program("sallyportd"), "--check",
            "--config", server_path(&s, "sallyport.conf"), NULL);
        cr_expect_eq(r.status, refusals[i].status, "%d: %s", r.status, r.text);
        cr_expect(strstr(r.text, refusals[i].text), "%s", r.text);
        run_release(&r);
        server_forget(&s);
    }
}

/* --check makes nothing, not even what a start would make. */
Test(config, check_makes_nothing, .timeout = 60)
{
    const struct server_plan plan = { 0 };
    char program[SERVER_PATH_MAX], place[SERVER_PATH_MAX];
    struct run_result r;
    struct server s;

    server_prepare(&s, &plan);
    snprintf(place, sizeof(place), "%s", server_path(&s, "made/empty"));
    server_set(&s, "empty", place);
    snprintf(program, sizeof(program), "%s", server_program("sallyportd"));
    run(&r, NULL, program, "--check", "--config",
        server_path(&s, "sallyport.conf"), NULL);
    cr_expect_eq(r.status, 0, "exit status %d:\n%s", r.status, r.text);
    cr_expect_not(files_exists(server_path(&s, "made")));
    cr_expect_not(strstr(r.text, "chroot"), "%s", r.text);
    run_release(&r);
    server_forget(&s);
}

/* A port that another program uses is no mistake in the file and may be free
 * later, but the start leaves nothing. */
Test(config, port_taken, .timeout = 60)
{
    const struct server_plan plan = { 0 };
    struct server_plan taken = { 0 };
    struct server first, second;
    char program[SERVER_PATH_MAX], listen[64];
    struct run_result r;

    server_start(&first, &plan);
    snprintf(listen, sizeof(listen), "127.0.0.1:%u", first.port);
    taken.listen = listen;
    server_prepare(&second, &taken);
    snprintf(program, sizeof(program), "%s", server_program("sallyportd"));
    run(&r, NULL, program, "--foreground", "--config",
        server_path(&second, "sallyport.conf"), NULL);
    cr_expect_eq(r.status, LATER, "exit status %d:\n%s", r.status, r.text);
    cr_expect(strstr(r.text, "sallyport.conf:1: listen = "), "%s", r.text);
    cr_expect(strstr(r.text, listen), "no \"%s\" in:\n%s", listen, r.text);
    run_release(&r);
    run(&r, NULL, program, "--check", "--config",
        server_path(&second, "sallyport.conf"), NULL);
    cr_expect_eq(r.status, 0, "exit status %d:\n%s", r.status, r.text);
    cr_expect(strstr(r.text, "is in use by another program"), "%s", r.text);
    run_release(&r);
    server_forget(&second);
    server_stop(&first);
}

/* An address that no interface has yet. */
Test(config, address_not_there, .timeout = 60)
{
    const struct server_plan plan = { .listen = "192.0.2.1:0" };
    struct run_result r;
    struct server s;

    server_prepare(&s, &plan);
    run(&r, NULL, server_program("sallyportd"), "--config",
        server_path(&s, "sallyport.conf"), NULL);
    cr_expect_eq(r.status, LATER, "exit status %d:\n%s", r.status, r.text);
    cr_expect(strstr(r.text, "sallyport.conf:1: listen = 192.0.2.1:0: "), "%s",
              r.text);
    run_release(&r);
    server_forget(&s);
}

static size_t count_lines(const char *text, const char *with)
{
    size_t n = 0;

    for (; (text = strstr(text, with)); text++)
        n++;
    return n;
}

/* One line says so, though several steps have no answer. */
Test(config, check_fails, .timeout = 60)
{
    const struct server_plan plan = { 0 };
    struct run_result r;
    struct server s;

    installed_begin();
    server_prepare(&s, &plan);
    run(&r, NULL, "/bin/cp", "/bin/false", server_program("check"), NULL);
    cr_assert_eq(r.status, 0, "%s", r.text);
    run_release(&r);
    run(&r, NULL, server_program("sallyportd"), "--check", "--config",
        server_path(&s, "sallyport.conf"), NULL);
    cr_expect_eq(r.status, LATER, "exit status %d:\n%s", r.status, r.text);
    cr_expect(strstr(r.text, "sallyportd: the program check has failed: "),
              "%s", r.text);
    cr_expect_eq(count_lines(r.text, "sallyportd: "), 1, "%s", r.text);
    run_release(&r);
    server_forget(&s);
    installed_end();
}

/* If somebody other than root starts the server, one line says what is
 * weaker. */
Test(config, says_what_is_weaker, .timeout = 60)
{
    const struct server_plan plan = { 0 };
    bool root = geteuid() == 0;
    struct server s;
    struct buf log;

    server_start(&s, &plan);
    buf_init(&log, 1 << 20);
    server_log(&s, &log);
    cr_expect_eq(count_lines(log.data, "weaker: "), !root, "%s", log.data);
    cr_expect_eq(count_lines(log.data, "weaker: not run by root: "), !root,
                 "%s", log.data);
    cr_expect_eq(count_lines(log.data, "excuses"), 0, "%s", log.data);
    buf_release(&log);
    server_stop(&s);
}

Test(config, usage, .timeout = 60)
{
    static const struct {
        const char *argument;
        int status;
        const char *word;
    } usages[] = { { "--help", 0, "--check" },
                   { "--version", 0, SALLYPORT_VERSION },
                   { "--nonsense", 64, "nonsense" } };

    for (size_t i = 0; i < sizeof(usages) / sizeof(*usages); i++) {
        struct run_result r;

        run(&r, NULL, server_program("sallyportd"), usages[i].argument, NULL);
        cr_expect_eq(r.status, usages[i].status, "%s: exit status %d:\n%s",
                     usages[i].argument, r.status, r.text);
        cr_expect(strstr(r.text, usages[i].word), "%s: no \"%s\" in:\n%s",
                  usages[i].argument, usages[i].word, r.text);
        run_release(&r);
    }
}

/* --check reports all mistakes at once; a start stops at the first. */
static void check_all(const char *settings, const char *const *words, size_t n)
{
    const struct server_plan plan = { .settings = settings };
    struct run_result r;
    struct server s;

    server_prepare(&s, &plan);
    cr_assert_eq(unlink(server_path(&s, "certificate.pem")), 0);
    users_readable(&s);
    run(&r, NULL, server_program("sallyportd"), "--check", "--config",
        server_path(&s, "sallyport.conf"), NULL);
    cr_expect_eq(r.status, CONFIG_ERROR, "exit status %d:\n%s", r.status,
                 r.text);
    for (size_t i = 0; i < n; i++)
        cr_expect(strstr(r.text, words[i]), "no \"%s\" in:\n%s", words[i],
                  r.text);
    cr_expect_eq(count_lines(r.text, "sallyportd: "), n, "%s", r.text);
    run_release(&r);
    run(&r, NULL, server_program("sallyportd"), "--config",
        server_path(&s, "sallyport.conf"), NULL);
    cr_expect_eq(r.status, CONFIG_ERROR);
    cr_expect(strstr(r.text, words[0]), "%s", r.text);
    cr_expect_eq(count_lines(r.text, "sallyportd: "), 1, "%s", r.text);
    run_release(&r);
    server_forget(&s);
}

Test(config, check_tells_all_mistakes, .timeout = 60)
{
    static const char *const lines[] = {
        "sallyport.conf:13: unknown key \"fsinc\"; did you mean \"fsync\"?",
        "sallyport.conf:15: idle_timeout = soon: ",
        "sallyport.conf:16: fsync is in line 14 already",
    };
    static const char *const named[] = { "sallyport.conf:3: certificate = ",
                                         "sallyport.conf:5: users = " };

    check_all("fsinc = no\nfsync = no\nidle_timeout = soon\nfsync = yes\n",
              lines, 3);
    check_all(NULL, named, 2);
}

#define HASH "$5$salt$abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234"

static void run_check(const struct server *s, struct run_result *r)
{
    run(r, NULL, server_program("sallyportd"), "--check", "--config",
        server_path(s, "sallyport.conf"), NULL);
}

/* Reports all mistakes in the rows, and in the homes that they name. */
Test(config, check_looks_at_all_users, .timeout = 60)
{
    static const char *const words[] = {
        "/users:2: the hash isn't supported",  "/users:3: bad name; ",
        "/users:5: the uid is that of line 4", "/users:1: user anna: the home ",
        "/users:4: user bert: the home ",
    };
    struct run_result r;
    struct server s;
    struct buf text;

    server_prepare(&s, &(struct server_plan){ 0 });
    buf_init(&text, 1 << 16);
    buf_add_format(&text,
                   "anna:" HASH ":70000:70000::%s/nobody::\n"
                   "carl:abJnggxhB/yWI:70002:70002::/nowhere::\n"
                   "D ora:" HASH ":70003:70003::/nowhere::\n"
                   "bert:" HASH ":70001:70001::%s/none::\n"
                   "fred:!" HASH ":70001:70001::%s/none::\n",
                   s.homes, s.homes, s.homes);
    files_write(server_path(&s, "users"), text.data, text.len, 0600);
    run_check(&s, &r);
    cr_expect_eq(r.status, CONFIG_ERROR, "%d:\n%s", r.status, r.text);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        cr_expect(strstr(r.text, words[i]), "no \"%s\" in:\n%s", words[i],
                  r.text);
    cr_expect_eq(count_lines(r.text, "sallyportd: "), 5, "%s", r.text);
    run_release(&r);
    buf_release(&text);
    server_forget(&s);
}

/* A missing home of one user is an error of --check, and a warning at the
 * start, which serves the other users. */
Test(config, a_missing_home_is_a_warning, .timeout = 60)
{
    struct run_result r;
    struct server s;

    server_start(&s, &(struct server_plan){ 0 });
    server_kill(&s);
    cr_assert_eq(rmdir(server_home(&s, "anna")), 0);
    server_again(&s);
    cr_expect(server_log_has(&s, "sallyportd: warning: "));
    cr_expect(server_log_has(&s, "/users:1: user anna: the home "));
    cr_expect(server_log_has(&s, " is missing; run: install -d -m 0700 "));
    run_check(&s, &r);
    cr_expect_eq(r.status, CONFIG_ERROR, "%d:\n%s", r.status, r.text);
    run_release(&r);
    server_stop(&s);
}

/* After an upgrade a file with a removed setting must do. */
Test(config, a_removed_setting_is_a_warning, .timeout = 60)
{
    static const char warning[] =
        ": address_refresh has no effect any more; remove this line";
    struct run_result r;
    struct server s;

    server_start(&s,
                 &(struct server_plan){ .settings = "address_refresh = 1h\n" });
    cr_expect(server_log_has(&s, "sallyportd: warning: "));
    cr_expect(server_log_has(&s, warning));
    run_check(&s, &r);
    cr_expect_eq(r.status, 0, "%d:\n%s", r.status, r.text);
    cr_expect(strstr(r.text, warning), "%s", r.text);
    run_release(&r);
    server_stop(&s);
}

/* --check binds the ports if it can't tell otherwise whether it may. */
Test(config, a_low_port, .timeout = 60)
{
    const char *first = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
    struct run_result r;
    struct server s;
    struct buf text;
    bool may;

    buf_init(&text, 64);
    may = geteuid() == 0 || (files_read(first, &text) && text.data[0] == '0');
    server_prepare(&s, &(struct server_plan){ .listen = "127.0.0.1:1" });
    run_check(&s, &r);
    cr_expect_eq(r.status, may ? 0 : CONFIG_ERROR, "%d:\n%s", r.status, r.text);
    cr_expect(may || strstr(r.text, "sallyport.conf:1: listen = 127.0.0.1:1: "
                                    "can't listen on 127.0.0.1:1: Permission "
                                    "denied; ports below 1024 are for root"),
              "%s", r.text);
    run_release(&r);
    buf_release(&text);
    server_forget(&s);
}
