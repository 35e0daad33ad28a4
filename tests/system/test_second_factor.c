/* A second factor: sallyportctl makes it, another program computes the codes.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "support/run.h"
#include "support/server_log.h"
#include "support/session.h"

static void ctl(const struct server *server, struct run_result *r,
                const char *group, const char *word, const char *name,
                const char *option)
{
    char program[SERVER_PATH_MAX], config[SERVER_PATH_MAX];

    snprintf(program, sizeof(program), "%s", server_program("sallyportctl"));
    snprintf(config, sizeof(config), "%s",
             server_path(server, "sallyport.conf"));
    run(r, NULL, program, "--config", config, group, word, name, option, NULL);
    cr_assert_eq(r->status, 0, "%s", r->text);
}

static void ctl_does(const struct server *server, const char *group,
                     const char *word, const char *name)
{
    struct run_result r;

    ctl(server, &r, group, word, name, NULL);
    run_release(&r);
}

/* PASSWORD gets the password of all tests and the code of the present half
 * minute. */
static void add_code(const char *secret, char *password, size_t size)
{
    struct run_result r;

    run(&r, NULL, "/usr/bin/oathtool", "--totp", "--base32", secret, NULL);
    cr_assert_eq(r.status, 0, "%s", r.text);
    snprintf(password, size, "%s%.6s", SERVER_PASSWORD, r.text);
    run_release(&r);
}

static int login(const struct server *server, const char *from,
                 const char *password)
{
    struct session s;
    int code;

    session_init(&s);
    snprintf(s.from, sizeof(s.from), "%s", from);
    session_connect(&s, server->port);
    session_start_tls(&s);
    code = session_try_login(&s, "anna", password);
    session_drop(&s);
    return code;
}

Test(second_factor, a_code_after_the_password, .timeout = 120)
{
    const struct server_plan plan = { .users = NULL };
    char secret[64] = "", password[64];
    struct server server;
    struct run_result r;
    const char *at;

    server_start(&server, &plan);
    ctl(&server, &r, "user", "totp", "anna", "--json");
    at = strstr(r.text, "secret=");
    cr_assert(at && sscanf(at, "secret=%32[A-Z2-7]", secret) == 1, "%s",
              r.text);
    run_release(&r);

    cr_expect_eq(login(&server, "127.0.0.1", SERVER_PASSWORD), 530);
    server_log_wait(&server, "login-failed ", "user=anna",
                    "the one-time code is missing or wrong", NULL);
    add_code(secret, password, sizeof(password));
    cr_expect_eq(login(&server, "127.0.0.1", password), 230);
    cr_expect_eq(login(&server, "127.0.0.2", password), 530);
    server_log_wait(&server, "login-failed ", "user=anna",
                    "the one-time code was used before", NULL);
    cr_expect_eq(login(&server, "127.0.0.1", SERVER_PASSWORD), 230);
    ctl_does(&server, "reload", NULL, NULL);
    cr_expect_eq(login(&server, "127.0.0.1", SERVER_PASSWORD), 230,
                 "a reload forgets nothing");
    cr_expect_eq(login(&server, "127.0.0.2", SERVER_PASSWORD), 530);
    ctl(&server, &r, "user", "totp", "anna", "--yes");
    run_release(&r);
    cr_expect_eq(login(&server, "127.0.0.1", SERVER_PASSWORD), 530,
                 "a new secret needs a code of its own");
    ctl_does(&server, "user", "totp-off", "anna");
    cr_expect_eq(login(&server, "127.0.0.2", SERVER_PASSWORD), 230);
    server_stop(&server);
}
