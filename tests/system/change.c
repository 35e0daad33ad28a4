/* See change.h. */
#include "change.h"

#include "ctl.h"
#include "fault.h"
#include "sallyport/base/clock.h"
#include "support/files.h"
#include "support/server_log.h"
#include "support/session.h"
#include "support/test.h"
#include "support/wait.h"

static void enter(struct session *s, const struct server *server)
{
    session_enter(s, server, "anna");
}

static void says(const struct server *server, const struct change *c)
{
    struct session s;

    enter(&s, server);
    session_do(&s, c->reply, "%s", c->say);
    session_close(&s);
}

/* The server must end the session with the reply .reply. */
static void ends(const struct server *server, const struct change *c)
{
    struct session s;

    enter(&s, server);
    session_expect(&s, c->reply);
    session_expect_end(&s);
    session_drop(&s);
}

static void ends_before_login(const struct server *server,
                              const struct change *c)
{
    struct session s;

    session_arrive(&s, server);
    session_expect(&s, c->reply);
    session_drop(&s);
}

/* After a reload the session of the old generation must end, as drain_timeout
 * is short. */
static void ends_after_reload(const struct server *server,
                              const struct change *c)
{
    struct session s;

    enter(&s, server);
    ctl(server, 0, "reload", "");
    session_expect(&s, c->reply);
    session_expect_end(&s);
    session_drop(&s);
    server_log_wait(server, " end ", "drain_timeout after a reload", NULL);
}

static int try_password(const struct server *server, struct session *s,
                        const char *user, const char *password)
{
    session_arrive(s, server);
    return session_try_login(s, user, password);
}

static void gives_one_try(const struct server *server, const struct change *c)
{
    struct session s;

    cr_expect_eq(try_password(server, &s, "anna", "wrong"), 530);
    session_expect(&s, c->reply);
    session_drop(&s);
}

static void takes_a_second(const struct server *server, const struct change *c)
{
    uint64_t began = clock_ms();
    struct session s;

    (void)c;
    cr_expect_eq(try_password(server, &s, "anna", "wrong"), 530);
    cr_expect_geq(clock_ms() - began, 995);
    session_close(&s);
}

/* While a session is open, the server must refuse a second connection. */
static void refuses_a_second(const struct server *server,
                             const struct change *c)
{
    struct session s, other;

    (void)c;
    enter(&s, server);
    session_reach(&other, server);
    cr_expect(session_is_refused(&other));
    session_drop(&other);
    session_close(&s);
}

static void refuses_a_second_login(const struct server *server,
                                   const struct change *c)
{
    struct session s, other;

    (void)c;
    enter(&s, server);
    cr_expect_eq(try_password(server, &other, "anna", SERVER_PASSWORD), 530);
    session_close(&other);
    session_close(&s);
}

static void has_tls(const struct server *server, int version, const char *name)
{
    struct session s;

    session_enter_as(&s, server, "anna", version);
    cr_expect(strstr(tls_client_cipher(s.tls), name), "%s",
              tls_client_cipher(s.tls));
    session_close(&s);
}

static void chooses_aes256(const struct server *server, const struct change *c)
{
    (void)c;
    has_tls(server, SESSION_TLS_12, "AES256");
    has_tls(server, SESSION_TLS_13, "AES_256");
}

static void refuses_12(const struct server *server, const struct change *c)
{
    struct tls_client_options old = { .version = SESSION_TLS_12 };
    struct session s;

    (void)c;
    session_reach(&s, server);
    session_expect(&s, "220 {*}");
    session_do(&s, "234 {*}", "AUTH TLS");
    cr_expect_null(tls_client_new(s.fd, &old));
    session_drop(&s);
}

/* The client opens no data connection. */
static void misses_data(const struct server *server, const struct change *c)
{
    struct session s;

    enter(&s, server);
    session_do(&s, "229 {*}", "EPSV");
    session_do(&s, "150 {*}", "STOR late");
    session_expect(&s, c->reply);
    session_close(&s);
}

static void refuses_a_name(const struct server *server, const struct change *c)
{
    struct session s;

    enter(&s, server);
    session_do(&s, "229 {*}", "EPSV");
    session_do(&s, c->reply, "STOR %s", c->say);
    session_close(&s);
}

static void misses_bytes(const struct server *server, const struct change *c)
{
    struct session s;
    struct data d;

    enter(&s, server);
    data_open(&s, &d, "STOR slow");
    session_expect(&s, c->reply);
    data_cut(&d, false);
    session_close(&s);
}

static void takes_a_cut(const struct server *server, const struct change *c)
{
    struct session s;
    struct data d;

    enter(&s, server);
    data_open(&s, &d, "STOR cut");
    data_write(&d, "bytes", 5);
    data_cut(&d, false);
    session_expect(&s, c->reply);
    session_close(&s);
}

/* A line of the log must contain .reply. */
static void logs(const struct server *server, const struct change *c)
{
    struct session s;

    enter(&s, server);
    session_store(&s, "STOR", "logged", "bytes", 5);
    session_close(&s);
    server_log_wait(server, c->reply, NULL);
}

static void has_no_user(const struct server *server, const struct change *c)
{
    struct session s;

    (void)c;
    cr_expect_eq(try_password(server, &s, "anna", SERVER_PASSWORD), 530);
    session_close(&s);
}

static bool is_made(void *path)
{
    return files_exists(path);
}

static void makes(const struct server *server, const struct change *c)
{
    if (strcmp(c->key, "empty") == 0 && geteuid() != 0)
        return; /* only a server of root makes it */
    const char *path = server_path(server, c->value);
    cr_expect(wait_until(is_made, (void *)path, WAIT_MS), "no %s", path);
}

/* The rate is 1,024 bytes/s, and the server transfers 512 bytes at once. */
static void takes_time(const struct server *server, const struct change *c)
{
    static const char bytes[1200];
    struct session s;
    struct buf got;
    uint64_t began;

    (void)c;
    buf_init(&got, 1 << 20);
    enter(&s, server);
    began = clock_ms();
    session_store(&s, "STOR", "slow", bytes, sizeof(bytes));
    session_fetch(&s, "RETR slow", &got);
    cr_expect_geq(clock_ms() - began, 800);
    cr_expect_eq(got.len, sizeof(bytes));
    buf_release(&got);
    session_close(&s);
}

/* A row has a reload of its own if another check could meet its limit, or
 * passes by it, or waits for the same reply. */
const struct change changes[] = {
    { 1, "users", "./users.other", has_no_user, NULL, NULL },
    { 2, "empty", "./empty.other", makes, NULL, NULL },
    { 2, "state", "./state.other", makes, NULL, NULL },
    { 2, "address", "192.0.2.7", says, "PASV", "227 {*}(192,0,2,7,{*}" },
    { 2, "data_binding", "address", logs, NULL, " binding=address" },
    { 2, "tls_suites", "aes256", chooses_aes256, NULL, NULL },
    { 2, "password_change", "yes", says, "SITE PSWD wrong another-one",
      "550 The password stays: the old one is wrong." },
    { 2, "max_file_size", "10", says, "ALLO 11", "552 {*}" },
    { 2, "ascii", "yes", says, "TYPE A", "200 {*}lines end with CRLF{*}" },
    { 2, "mode_z", "yes", says, "MODE Z", "200 {*}" },
    { 2, "upload_eof", "lenient", takes_a_cut, NULL, "226 {*}" },
    { 2, "sha256", "yes", logs, NULL, " sha256=" },
    { 3, "address.127.0.0.0/8", "192.0.2.8", says, "PASV",
      "227 {*}(192,0,2,8,{*}" },
    { 3, "tls_min", "1.3", refuses_12, NULL, NULL },
    { 3, "connect_timeout", "1s", misses_data, NULL, "425 {*}" },
    { 3, "login_delay", "1s", takes_a_second, NULL, NULL },
    { 3, "on_conflict", "reject", refuses_a_name, "there", "553 {*}" },
    { 4, "max_per_address", "1", refuses_a_second, NULL, NULL },
    { 5, "max_per_user", "1", refuses_a_second_login, NULL, NULL },
    { 6, "min_free", "8388607T", says, "ALLO 1", "552 {*}" },
    { 6, "login_tries", "1", gives_one_try, NULL, "421 {*}" },
    { 8, "bandwidth_up", "1K", takes_time, NULL, NULL },
    { 8, "log_format", "json", logs, NULL, "\"event\":\"login\"" },
    { 9, "bandwidth_down", "1K", takes_time, NULL, NULL },
    { 10, "login_timeout", "8s", ends_before_login, NULL, "421 {*}" },
    { 12, "stall_timeout", "1s", misses_bytes, NULL, "426 {*}" },
    { 12, "drain_timeout", "100ms", ends_after_reload, NULL, "421 {*}" },
    { 13, "idle_timeout", "3s", ends, NULL, "421 {*}" },
};
const size_t change_count = sizeof(changes) / sizeof(changes[0]);
