/* Sessions and the users file. A session of a user who is locked, removed or
 * changed ends: at once after sallyportctl, within 10 seconds after an edit by
 * hand or an expiry. Older tickets don't count. Also who and kick. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "support/files.h"
#include "support/run.h"
#include "support/server_log.h"
#include "support/session.h"

#define ANOTHER   "another good password"
#define CHANGED   "421 Your account has changed; log in again."
#define LOCKED    "530 Your account was locked."
#define REMOVED   "530 Your account was removed."
#define EXPIRED   "530 Your account has expired."
#define AT_ONCE   3000 /* ms; the server by itself looks twice in 6 s */
#define BY_ITSELF 10000
#define BLOCK     (256u << 10)

static const struct server_user two[] = { { .name = "anna" },
                                          { .name = "bert" } };
static const struct server_plan plan = { .users = two, .user_count = 2 };

/* Runs sallyportctl with these words (NULL ends them). Returns its status; OUT
 * gets its output. */
static int ctl_says(const struct server *server, struct run_result *out,
                    const char *const word[4])
{
    char program[SERVER_PATH_MAX], config[SERVER_PATH_MAX];

    snprintf(program, sizeof(program), "%s", server_program("sallyportctl"));
    snprintf(config, sizeof(config), "%s",
             server_path(server, "sallyport.conf"));
    run(out, ANOTHER "\n", program, "--config", config, word[0], word[1],
        word[2], word[3], NULL);
    cr_log_info("%s: %d %s", word[0], out->status, out->text);
    return out->status;
}

static int ctl(const struct server *server, const char *a, const char *b,
               const char *c)
{
    const char *const word[4] = { a, b, c };
    struct run_result r;
    int status = ctl_says(server, &r, word);

    run_release(&r);
    return status;
}

/* Replaces the first FROM in the users file by BY, by a rename or in place. */
static void change(const struct server *server, const char *from,
                   const char *by, bool in_place)
{
    char path[SERVER_PATH_MAX], beside[SERVER_PATH_MAX + 8], made[8192];
    struct buf text;
    const char *at;
    int n;

    snprintf(path, sizeof(path), "%s", server_path(server, "users"));
    snprintf(beside, sizeof(beside), "%s.hand", path);
    buf_init(&text, sizeof(made));
    cr_assert(files_read(path, &text) && buf_add(&text, "", 1) == 0);
    at = strstr(text.data, from);
    cr_assert(at, "%s", from);
    n = snprintf(made, sizeof(made), "%.*s%s%s", (int)(at - text.data),
                 text.data, by, at + strlen(from));
    buf_release(&text);
    files_write(in_place ? path : beside, made, (size_t)n, 0600);
    cr_assert(in_place || rename(beside, path) == 0);
}

static void is_out(struct session *s, uint64_t since, uint64_t most,
                   const char *words)
{
    session_expect(s, words);
    cr_expect_leq(clock_ms() - since, most, "%llu ms",
                  (unsigned long long)(clock_ms() - since));
    session_expect_end(s);
    session_drop(s);
}

static const struct {
    const char *command, *option, *reason, *reply;
} commands[] = {
    { "lock", NULL, "the account was locked", LOCKED },
    { "passwd", NULL, "the account was changed", CHANGED },
    { "change", "--data-binding=session", "the account was changed", CHANGED },
    { "del", NULL, "the account was removed", REMOVED },
    { "rename", "anna.b", "the account was removed", REMOVED },
};

static void edit(const struct server *server, const char *command,
                 const char *option)
{
    const char *const word[4] = { "user", command, "anna", option };
    struct run_result r;

    cr_expect_eq(ctl_says(server, &r, word), 0);
    cr_expect(strstr(r.text, "1 session ended"), "%s: %s", command, r.text);
    run_release(&r);
}

/* The other user's session continues. */
Test(access, by_sallyportctl, .timeout = 120)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        struct session anna, bert;
        struct server server;
        uint64_t began;

        session_begin(&anna, &server, &plan);
        session_enter(&bert, &server, "bert");
        began = clock_ms();
        edit(&server, commands[i].command, commands[i].option);
        is_out(&anna, began, AT_ONCE, commands[i].reply);
        session_do(&bert, "200 {*}", "NOOP");
        server_log_wait(&server, " end ", "user=anna", commands[i].reason,
                        NULL);
        session_end(&bert, &server);
    }
}

static const struct {
    const char *from, *by;
    bool in_place;
    const char *reply;
} hands[] = {
    { "anna:", "anna:!", false, LOCKED },
    { "anna:", "#anna:", true, REMOVED },
    { "/anna::", "/anna::rights=read", true, CHANGED },
    { "/anna:", "/anne:", false, CHANGED },
};

/* Nobody logs in or sends anything to the servers, one for each change. The
 * test waits for all of them at once. */
Test(access, by_hand, .timeout = 120)
{
    enum { HANDS = sizeof(hands) / sizeof(hands[0]) };
    static struct server server[HANDS];
    static struct session s[HANDS];
    uint64_t began[HANDS];

    for (size_t i = 0; i < HANDS; i++) {
        server_start(&server[i], &plan);
        session_enter(&s[i], &server[i], "anna");
    }
    for (size_t i = 0; i < HANDS; i++) {
        began[i] = clock_ms();
        change(&server[i], hands[i].from, hands[i].by, hands[i].in_place);
    }
    for (size_t i = 0; i < HANDS; i++) {
        is_out(&s[i], began[i], BY_ITSELF, hands[i].reply);
        server_stop(&server[i]);
    }
}

/* A reload compares at once: after it these sessions have been compared. */
Test(access, what_ends_nothing, .timeout = 120)
{
    struct server server;
    struct session s;

    session_begin(&s, &server, &plan);
    change(&server, "::", ":Anna, accounts:", false);
    cr_assert_eq(ctl(&server, "reload", NULL, NULL), 0);
    session_do(&s, "200 {*}", "NOOP");
    change(&server, "/anna::", "/anna::on_conflict=rename", false);
    cr_assert_eq(ctl(&server, "reload", NULL, NULL), 0);
    session_do(&s, "200 {*}", "NOOP");
    change(&server, "anna:", "anna:!", false);
    change(&server, "bert:", "bert bert:", false);
    cr_assert_neq(ctl(&server, "reload", NULL, NULL), 0, "a mistake");
    session_do(&s, "200 {*}", "NOOP");
    cr_assert_eq(unlink(server_path(&server, "users")), 0);
    cr_assert_neq(ctl(&server, "reload", NULL, NULL), 0, "no file");
    session_do(&s, "200 {*}", "NOOP");
    session_end(&s, &server);
}

static void is_refused(const struct server *server, const char *user,
                       const char *password, char reply[128])
{
    struct session s;

    session_init(&s);
    session_connect(&s, server->port);
    session_start_tls(&s);
    cr_expect_eq(session_try_login(&s, user, password), 530, "%s", user);
    snprintf(reply, 128, "%.*s", (int)s.reply.len, s.reply.data);
    session_close(&s);
}

#define TTL    "--ttl=15s"
#define TTL_MS 15000

/* The users file doesn't change at that moment. One session is of an older
 * generation by then. Later logins get the words for a wrong password. */
Test(access, an_expiry, .timeout = 120)
{
    static const char *const word[4] = { "user", "change", "anna", TTL };
    char expired[128], wrong[128];
    struct session older, newer, bert;
    struct server server;
    struct run_result r;
    uint64_t began;

    server_start(&server, &plan);
    cr_assert_eq(ctl_says(&server, &r, word), 0);
    run_release(&r);
    began = clock_ms();
    session_enter(&bert, &server, "bert");
    session_enter(&older, &server, "anna");
    cr_assert_eq(ctl(&server, "reload", NULL, NULL), 0);
    session_enter(&newer, &server, "anna");
    is_out(&newer, began, TTL_MS + BY_ITSELF, EXPIRED);
    is_out(&older, began, TTL_MS + BY_ITSELF, EXPIRED);
    session_do(&bert, "200 {*}", "NOOP");
    is_refused(&server, "anna", SERVER_PASSWORD, expired);
    is_refused(&server, "bert", "wrong", wrong);
    cr_expect_str_eq(expired, wrong);
    server_log_wait(&server, "login-failed", "user=anna", "expired", NULL);
    server_log_expect(&server, 2, " end ", "user=anna",
                      "the account has expired", NULL);
    session_end(&bert, &server);
}

/* The upload gets its 530 and no 226, and there is no file of the name. */
static void an_upload_ends(const char *group, const char *name,
                           const char *argument, const char *words)
{
    static const char block[BLOCK];
    struct server server;
    struct session s;
    struct data d;
    char result[16];

    session_begin(&s, &server, &plan);
    data_open(&s, &d, "STOR f");
    data_write(&d, block, sizeof(block));
    cr_expect_eq(ctl(&server, group, name, argument), 0);
    is_out(&s, clock_ms(), AT_ONCE, words);
    data_cut(&d, false);
    snprintf(result, sizeof(result), "result=%.3s", words);
    server_log_wait(&server, " transfer ", "user=anna", result, NULL);
    cr_expect_not(files_exists(server_home_file(&server, "anna", "f")));
    server_stop(&server);
}

Test(access, an_upload_when_locked, .timeout = 60)
{
    an_upload_ends("user", "lock", "anna", LOCKED);
}

Test(access, an_upload_when_kicked, .timeout = 60)
{
    an_upload_ends("kick", "anna", NULL,
                   "421 The administrator closed this connection.");
}

/* Makes a transfer in a session that shows the ticket. */
static void store(struct session *s, const struct tls_session *show,
                  const char *words)
{
    struct data d;

    s->show = show;
    data_open(s, &d, "STOR f");
    data_close(&d);
    session_expect(s, words);
    s->show = NULL;
}

/* Returns the newest ticket of a session of anna. */
static struct tls_session *ticket_of(const struct server *server)
{
    struct tls_session *ticket;
    struct session s;

    session_init(&s);
    s.version = SESSION_TLS_13;
    session_open(&s, server, "anna");
    ticket = tls_client_session(s.tls);
    cr_assert(ticket);
    session_close(&s);
    return ticket;
}

/* A ticket from before a harmless change still counts. */
Test(access, tickets_of_the_row_before, .timeout = 60)
{
    struct tls_session *ticket;
    struct server server;
    struct session s;

    server_start(&server, &plan);
    ticket = ticket_of(&server);
    change(&server, "::", ":Anna, accounts:", false);
    server_log_wait(&server, "users file read: edition 2", NULL);
    session_init(&s);
    s.version = SESSION_TLS_13;
    session_open(&s, &server, "anna");
    store(&s, ticket, "226 {*}");
    session_close(&s);
    change(&server, "/anna::", "/anna::rights=lrwo", false);
    server_log_wait(&server, "users file read: edition 3", NULL);
    session_init(&s);
    s.version = SESSION_TLS_13;
    session_open(&s, &server, "anna");
    store(&s, ticket,
          "425 {*}not resumed: another user's ticket, or a changed account.");
    store(&s, NULL, "226 {*}");
    session_close(&s);
    tls_session_free(ticket);
    server_stop(&server);
}

/* Finds the serial of anna's first session in the output of WHO. */
static void serial_of(const struct server *server, char out[17])
{
    const char *const word[4] = { "who" };
    struct run_result r;
    const char *line;

    cr_assert_eq(ctl_says(server, &r, word), 0);
    line = strstr(r.text, " anna ");
    cr_assert(line && line - r.text >= 16, "%s", r.text);
    snprintf(out, 17, "%.16s", line - 16);
    run_release(&r);
}

static void open_as(struct session *s, const struct server *server,
                    const char *user, const char *from)
{
    session_init(s);
    snprintf(s->from, sizeof(s->from), "%s", from);
    session_open(s, server, user);
}

Test(access, who_and_kick, .timeout = 60)
{
    static const char words[] = "421 The administrator closed this connection.";
    static const char *const who[4] = { "who", "--json" };
    struct session a, b;
    struct server server;
    struct run_result r;
    char serial[17];

    server_start(&server, &plan);
    cr_expect_eq(ctl(&server, "kick", "anna", NULL), 67);
    open_as(&a, &server, "anna", "127.0.0.1");
    open_as(&b, &server, "bert", "127.0.0.2");
    cr_expect_eq(ctl_says(&server, &r, who), 0);
    cr_expect(strstr(r.text, "\"bert\"") && strstr(r.text, "\"127.0.0.2:"),
              "%s", r.text);
    run_release(&r);
    cr_expect_eq(ctl(&server, "kick", "127.0.0.9", NULL), 67);
    cr_expect_eq(ctl(&server, "kick", "127.0.0.2", NULL), 0);
    is_out(&b, clock_ms(), AT_ONCE, words);
    serial_of(&server, serial);
    cr_expect_eq(ctl(&server, "kick", serial, NULL), 0);
    is_out(&a, clock_ms(), AT_ONCE, words);
    cr_expect_eq(ctl(&server, "kick", serial, NULL), 67);
    open_as(&a, &server, "anna", "127.0.0.1");
    open_as(&b, &server, "bert", "127.0.0.1");
    cr_expect_eq(ctl(&server, "kick", "anna", NULL), 0);
    is_out(&a, clock_ms(), AT_ONCE, words);
    session_do(&b, "200 {*}", "NOOP");
    session_close(&b);
    server_log_expect(&server, 3, " end ", "kicked", NULL);
    server_stop(&server);
}
