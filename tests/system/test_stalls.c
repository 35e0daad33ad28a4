/* Clients that send nothing, read nothing, or drip bytes: each ends by its
 * deadline, in every state, and during a transfer the session answers. */
#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fault.h"
#include "sallyport/base/clock.h"
#include "support/fail.h"
#include "support/files.h"
#include "support/server_log.h"
#include "support/wait.h"

#define LOGIN_MS 1500
#define IDLE_MS  2000
#define STALL_MS 1500
/* ms between two dripping bytes. */
#define DRIP_MS 200
#define LATE_MS 10000 /* on a machine under load, with sanitizers */

static const struct server_user users[] = {
    { .name = "idle" }, { .name = "drip" }, { .name = "upload" },
    { .name = "read" }, { .name = "list" }, { .name = "none" },
};

SERVER_SHARED(.users = users, .user_count = sizeof(users) / sizeof(*users),
              .settings = "login_timeout = 1500ms\nidle_timeout = 2000ms\n"
                          "stall_timeout = 1500ms\nconnect_timeout = 1500ms\n");

static void expect_in_time(uint64_t began, unsigned ms)
{
    uint64_t took = clock_ms() - began;

    cr_assert(took + 50 >= ms && took < ms + LATE_MS, "after %llu ms, not %u",
              (unsigned long long)took, ms);
}

/* Sends a byte now and then, which never ends a line or a handshake, until the
 * server replies. */
static void drip(struct session *s, unsigned char byte)
{
    struct pollfd p = { .fd = s->fd, .events = POLLIN };

    while (poll(&p, 1, DRIP_MS) == 0) {
        if (s->tls)
            (void)tls_client_write(s->tls, &byte, 1);
        else
            (void)!send(s->fd, &byte, 1, MSG_NOSIGNAL);
    }
}

static void before_tls(bool drips)
{
    uint64_t began = clock_ms();
    struct server server;
    struct session s;

    server_shared(&server);
    session_init(&s);
    session_connect(&s, server.port);
    session_expect(&s, "220 {*}");
    if (drips)
        drip(&s, 'x');
    session_expect(&s, "421 Timeout: {*}");
    expect_in_time(began, LOGIN_MS);
    session_expect_end(&s);
    session_drop(&s);
}

Test(stalls, before_tls_nothing, .timeout = 40)
{
    before_tls(false);
}

Test(stalls, before_tls_a_byte_at_a_time, .timeout = 40)
{
    before_tls(true);
}

/* The bytes are the length of a record that never becomes complete. */
Test(stalls, in_handshake, .timeout = 40)
{
    static const unsigned char head[] = { 0x16, 0x03, 0x01, 0x02, 0x00, 0x01 };
    uint64_t began = clock_ms();
    struct server server;
    struct session s;
    struct buf rest;

    server_shared(&server);
    session_init(&s);
    session_connect(&s, server.port);
    session_expect(&s, "220 {*}");
    session_do(&s, "234 {*}", "AUTH TLS");
    session_raw(&s, head, sizeof(head));
    drip(&s, 0);
    buf_init(&rest, 65536);
    session_read_rest(&s, &rest);
    expect_in_time(began, LOGIN_MS);
    buf_release(&rest);
    session_drop(&s);
}

Test(stalls, before_login, .timeout = 40)
{
    uint64_t began = clock_ms();
    struct server server;
    struct session s;

    server_shared(&server);
    session_init(&s);
    session_connect(&s, server.port);
    session_start_tls(&s);
    session_do(&s, "331 {*}", "USER idle");
    drip(&s, 'x');
    session_expect(&s, "421 Timeout: {*}");
    expect_in_time(began, LOGIN_MS);
    session_drop(&s);
}

static void idle(const char *user, bool drips)
{
    struct server server;
    struct session s;
    uint64_t began;

    session_enter_shared(&s, &server, user);
    session_do(&s, "200 {*}", "NOOP");
    began = clock_ms();
    if (drips)
        drip(&s, 'x');
    session_expect(&s, "421 Timeout: {*}");
    expect_in_time(began, IDLE_MS);
    session_expect_end(&s);
    session_drop(&s);
}

Test(stalls, idle_nothing, .timeout = 40)
{
    idle("idle", false);
}

Test(stalls, idle_a_byte_at_a_time, .timeout = 40)
{
    idle("drip", true);
}

/* The session answers, then the transfer ends, and the session continues. */
static void expect_stall(struct session *s, struct data *d)
{
    uint64_t began = clock_ms();

    session_do(s, "200 {*}", "NOOP");
    session_send(s, "STAT");
    cr_assert_eq(session_reply(s) / 100, 2, "%s", s->reply.data);
    cr_assert_lt(clock_ms() - began, STALL_MS + LATE_MS);
    session_expect(s, "426 No data moved for 1.5 seconds. Transfer aborted.");
    data_cut(d, false);
    session_do(s, "200 {*}", "NOOP");
    session_close(s);
}

Test(stalls, upload, .timeout = 40)
{
    struct server server;
    struct session s;
    struct data d;
    uint64_t began;

    session_enter_shared(&s, &server, "upload");
    data_open(&s, &d, "STOR f");
    data_write(&d, "bytes", 5);
    began = clock_ms();
    expect_stall(&s, &d);
    expect_in_time(began, STALL_MS - DRIP_MS);
    fault_expect_absent(&server, "upload", "f");
}

/* The file is larger than all buffers on the way. */
Test(stalls, download, .timeout = 40)
{
    const size_t len = 32 * FAULT_MIB;
    struct server server;
    struct session s;
    const char *path;
    struct data d;

    session_enter_shared(&s, &server, "read");
    path = server_home_file(&server, "read", "f");
    files_write(path, "", 0, 0600);
    cr_assert_eq(truncate(path, (off_t)len), 0);
    files_give_to_owner_of(server_home(&server, "read"), path);
    data_open(&s, &d, "RETR f");
    expect_stall(&s, &d);
}

Test(stalls, listing, .timeout = 60)
{
    enum { COUNT = 30000 };
    char path[SERVER_PATH_MAX], name[256];
    struct server server;
    struct session s;
    struct data d;

    server_shared(&server);
    for (unsigned i = 0; i < COUNT; i++) {
        snprintf(name, sizeof(name), "%0200u", i);
        snprintf(path, sizeof(path), "%s",
                 server_home_file(&server, "list", name));
        files_write(path, "", 0, 0644);
    }
    session_enter_shared(&s, &server, "list");
    data_open(&s, &d, "LIST");
    expect_stall(&s, &d);
}

/* Nobody connects to the port. */
Test(stalls, no_data_connection, .timeout = 40)
{
    uint64_t began;
    struct server server;
    struct session s;

    session_enter_shared(&s, &server, "none");
    session_do(&s, "229 {*}", "EPSV");
    began = clock_ms();
    session_do(&s, "150 {*}", "STOR f");
    session_do(&s, "200 {*}", "NOOP");
    session_expect(&s, "425 {*}nobody connected{*}");
    expect_in_time(began, STALL_MS);
    fault_expect_absent(&server, "none", "f");
    session_close(&s);
    server_log_wait(&server, "transfer ", " user=none ", "result=425",
                    "no data connection in time", NULL);
}
