/* Mistakes of the administrator: each is one error that names file and line (or
 * the file), exit status 78, from --check and from a start alike. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/files.h"
#include "support/run.h"
#include "support/server.h"

#define CONFIG_ERROR 78

struct row {
    const char *why;
    const char *settings; /* a line behind the good ones, or NULL */
    void (*spoil)(const struct server *s);
    const char *words[3]; /* all in the message */
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

static void users_missing(const struct server *s)
{
    unlink(server_path(s, "users"));
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

static void key_missing(const struct server *s)
{
    unlink(server_path(s, "key.pem"));
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

/* The good configuration has 11 lines. */
static const struct row rows[] = {
    { "an unknown key",
      "certifcate = x\n",
      NULL,
      { "sallyport.conf:12: ", "certifcate" } },
    { "a key twice",
      "fsync = yes\nfsync = no\n",
      NULL,
      { "sallyport.conf:13: ", "fsync" } },
    { "a bad number",
      "max_sessions = many\n",
      NULL,
      { "sallyport.conf:12: ", "max_sessions" } },
    { "out of range",
      "max_sessions = 0\n",
      NULL,
      { "sallyport.conf:12: ", "max_sessions" } },
    { "a bad duration",
      "idle_timeout = 5 bananas\n",
      NULL,
      { "sallyport.conf:12: ", "idle_timeout" } },
    { "a bad word",
      "fsync = maybe\n",
      NULL,
      { "sallyport.conf:12: ", "fsync" } },
    { "a bad address",
      "address = 300.1.1.1\n",
      NULL,
      { "sallyport.conf:12: ", "address" } },
    { "not a line", "nonsense\n", NULL, { "sallyport.conf:12: " } },
    { "an unknown part of a cage",
      "allow_weaker = everything\n",
      NULL,
      { "sallyport.conf:12: ", "allow_weaker" } },
    { "uids that cross",
      "uid_first = 80000\nuid_last = 70000\n",
      NULL,
      { "sallyport.conf:", "uid_first" } },
    { "configuration writable by its group",
      NULL,
      config_writable,
      { "sallyport.conf: ", "chmod" } },
    { "no configuration", NULL, config_missing, { "sallyport.conf: " } },
    { "users readable by others",
      NULL,
      users_readable,
      { "users: ", "chmod" } },
    { "no users file", NULL, users_missing, { "users: " } },
    { "a refused kind of hash", NULL, users_bad_hash, { "users:2: " } },
    { "a key readable by others",
      NULL,
      key_readable,
      { "key.pem: ", "chmod" } },
    { "no key", NULL, key_missing, { "key.pem: " } },
    { "the key of another certificate", NULL, key_of_another, { "key.pem: " } },
    { "a certificate that isn't one",
      NULL,
      certificate_broken,
      { "certificate.pem: " } },
    { "an empty certificate",
      NULL,
      certificate_empty,
      { "certificate.pem: " } },
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

Test(config, mistakes, .timeout = 180)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct server_plan plan = { .settings = rows[i].settings };
        struct server s;

        server_prepare(&s, &plan);
        if (rows[i].spoil)
            rows[i].spoil(&s);
        expect_error(&s, &rows[i], "--check");
        expect_error(&s, &rows[i], "--foreground");
        server_forget(&s);
    }
}

/* What was spoilt above was good before; and --check works beside a server that
 * runs on the same files. */
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
    run_release(&r);
    server_stop(&s);
}

/* A port that somebody has is no mistake of the file, but nothing is left of
 * the start. */
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
    cr_expect_neq(r.status, 0);
    cr_expect(strstr(r.text, listen), "no \"%s\" in:\n%s", listen, r.text);
    run_release(&r);
    server_forget(&second);
    server_stop(&first);
}

Test(config, usage, .timeout = 60)
{
    static const struct {
        const char *argument;
        int status;
        const char *word;
    } usages[] = { { "--help", 0, "--check" },
                   { "--version", 0, "0.1" },
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
