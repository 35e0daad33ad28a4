/* Clients that send and never read, and those that send or take a byte now and
 * then: each ends by its deadline. test_stalls.c has the silent ones. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fault.h"
#include "sallyport/base/clock.h"
#include "support/server_log.h"

#define LOGIN_MS   1500
#define IDLE_MS    2000
#define CONNECT_MS 1500
#define STALL_MS   4000 /* fewer than four bytes in that time count as none */
#define LATE_MS    12000
#define BIG        (32 * FAULT_MIB) /* more than all buffers on the way can hold */

static const struct server_user users[] = {
    { .name = "idle" }, { .name = "silent" }, { .name = "drip" },
    { .name = "up" },   { .name = "down" },   { .name = "handshake" },
    { .name = "sum" },  { .name = "steady" }, { .name = "sip" },
};

SERVER_SHARED(.users = users, .user_count = sizeof(users) / sizeof(*users),
              .settings = "login_timeout = 1500ms\nidle_timeout = 2000ms\n"
                          "stall_timeout = 4s\nconnect_timeout = 1500ms\n");

static void expect_in_time(uint64_t began, unsigned ms)
{
    uint64_t took = clock_ms() - began;

    cr_assert(took + 50 >= ms && took < ms + LATE_MS, "after %llu ms, not %u",
              (unsigned long long)took, ms);
}

/* Sends commands and reads no reply, until the server takes no more or has
 * closed. Few replies fit into the client's buffer: with sanitizers and under
 * load ten megabytes of them would take longer than the deadlines. */
static void flood(struct session *s)
{
    const struct timeval soon = { .tv_usec = 300000 };
    const int small = 4096;
    bool more = true;

    setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    setsockopt(s->fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon));
    while (more)
        more = s->tls ? tls_client_write(s->tls, "FEAT\r\n", 6)
                      : send(s->fd, "FEAT\r\n", 6, MSG_NOSIGNAL) == 6;
}

/* Its process has gone; bytes that it sent before are still in the kernel. */
static void expect_gone(const struct server *server, const struct session *s,
                        const char *reason)
{
    struct sockaddr_in own;
    socklen_t len = sizeof(own);
    char peer[32];

    cr_assert_eq(getsockname(s->fd, (struct sockaddr *)&own, &len), 0);
    snprintf(peer, sizeof(peer), " peer=127.0.0.1:%u ", ntohs(own.sin_port));
    server_log_wait(server, "end ", peer, reason, NULL);
}

Test(slow, reads_nothing_before_tls, .timeout = 60)
{
    uint64_t began = clock_ms();
    struct server server;
    struct session s;

    server_shared(&server);
    session_init(&s);
    session_connect(&s, server.port);
    flood(&s);
    expect_gone(&server, &s, "not logged in in time");
    expect_in_time(began, LOGIN_MS);
    session_drop(&s);
}

Test(slow, reads_nothing_before_login, .timeout = 60)
{
    uint64_t began = clock_ms();
    struct server server;
    struct session s;

    server_shared(&server);
    session_init(&s);
    session_connect(&s, server.port);
    session_start_tls(&s);
    flood(&s);
    expect_gone(&server, &s, "not logged in in time");
    expect_in_time(began, LOGIN_MS);
    session_drop(&s);
}

Test(slow, reads_nothing_logged_in, .timeout = 60)
{
    struct server server;
    struct session s;
    uint64_t began;

    session_enter_shared(&s, &server, "idle");
    began = clock_ms();
    flood(&s);
    expect_gone(&server, &s, " reason=idle");
    expect_in_time(began, IDLE_MS);
    session_drop(&s);
}

/* Between the 150 and the final reply the session answers. */
static void expect_answers(struct session *s)
{
    session_do(s, "200 {*}", "NOOP");
    session_do(s, "211 End", "STAT");
}

static void expect_end_of_transfer(struct session *s, struct data *d,
                                   const char *reply)
{
    session_expect(s, reply);
    data_cut(d, false);
    session_do(s, "200 {*}", "NOOP");
    session_close(s);
}

/* The data connection exists, but sends nothing. */
Test(slow, no_handshake_of_the_data_connection, .timeout = 60)
{
    struct server server;
    struct session s;
    struct data d;
    uint64_t began;

    session_enter_shared(&s, &server, "silent");
    data_connect(&s, &d);
    session_do(&s, "150 {*}", "STOR f");
    began = clock_ms();
    expect_answers(&s);
    expect_end_of_transfer(&s, &d, "425 {*}no handshake in time{*}");
    expect_in_time(began, CONNECT_MS);
    fault_expect_absent(&server, "silent", "f");
    server_log_wait(&server, "transfer ", " user=silent ", "result=425",
                    "no TLS handshake in time", NULL);
}

/* Sends a byte at a time until the server replies. */
static void drip(struct session *s, struct data *d, const char *bytes,
                 size_t len, int every_ms)
{
    struct pollfd p = { .fd = s->fd, .events = POLLIN };

    for (size_t i = 0; poll(&p, 1, every_ms) == 0; i++)
        if (d->tls)
            tls_client_write(d->tls, bytes + i % len, 1);
        else
            (void)!send(d->fd, bytes + i % len, 1, MSG_NOSIGNAL);
}

Test(slow, handshake_a_byte_at_a_time, .timeout = 60)
{
    static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    struct server server;
    struct session s;
    struct data d;
    uint64_t began;

    session_enter_shared(&s, &server, "handshake");
    data_connect(&s, &d);
    session_do(&s, "150 {*}", "STOR f");
    began = clock_ms();
    expect_answers(&s);
    drip(&s, &d, hello, sizeof(hello) - 1, 300);
    expect_end_of_transfer(&s, &d, "425 {*}");
    expect_in_time(began, CONNECT_MS);
}

/* This is the rate of "a byte a minute" at the default of two minutes. */
Test(slow, upload_hardly_a_byte, .timeout = 60)
{
    struct server server;
    struct session s;
    struct data d;
    uint64_t began;

    session_enter_shared(&s, &server, "up");
    data_open(&s, &d, "STOR f");
    began = clock_ms();
    expect_answers(&s);
    drip(&s, &d, "x", 1, 2500);
    expect_end_of_transfer(&s, &d, "426 No data moved for {*}");
    expect_in_time(began, STALL_MS);
    fault_expect_absent(&server, "up", "f");
}

/* The same, within one record that never becomes complete. */
Test(slow, upload_hardly_a_record, .timeout = 60)
{
    static const char record[] = "\x17\x03\x03\x3f\xff";
    struct server server;
    struct session s;
    struct data d, raw;
    uint64_t began;

    session_enter_shared(&s, &server, "drip");
    data_open(&s, &d, "STOR f");
    raw = (struct data){ .fd = d.fd };
    began = clock_ms();
    drip(&s, &raw, record, sizeof(record) - 1, 1000);
    expect_end_of_transfer(&s, &d, "426 No data moved for {*}");
    expect_in_time(began, STALL_MS);
}

/* Slow, but no stall: the transfer continues after the deadline, and after the
 * idle deadline of a session. */
Test(slow, upload_some_bytes_a_second, .timeout = 60)
{
    struct server server;
    struct session s;
    struct pollfd p;
    struct data d;

    session_enter_shared(&s, &server, "steady");
    data_open(&s, &d, "STOR f");
    p = (struct pollfd){ .fd = s.fd, .events = POLLIN };
    for (int i = 0; i < STALL_MS / 500 + 4; i++) {
        data_write(&d, "x", 1);
        cr_assert_eq(poll(&p, 1, 500), 0, "cut after %d bytes", i);
    }
    data_close(&d);
    session_expect(&s, "226 {*}");
    session_close(&s);
}

/* Takes a byte from the socket now and then. */
static void sip(struct session *s, struct data *d)
{
    struct pollfd p = { .fd = s->fd, .events = POLLIN };
    char byte;

    while (poll(&p, 1, 200) == 0)
        (void)!recv(d->fd, &byte, 1, MSG_DONTWAIT);
}

Test(slow, download_a_byte_at_a_time, .timeout = 60)
{
    struct server server;
    struct session s;
    struct data d;
    uint64_t began;

    session_enter_shared(&s, &server, "down");
    fault_make_sparse(&server, "down", "f", BIG);
    data_open(&s, &d, "RETR f");
    began = clock_ms();
    expect_answers(&s);
    sip(&s, &d);
    expect_end_of_transfer(&s, &d, "426 No data moved for {*}");
    expect_in_time(began, STALL_MS);
}

/* Too slow for the kernel's buffer to ask for more, but no stall. */
Test(slow, download_some_kilobytes_a_second, .timeout = 60)
{
    char some[8192];
    struct server server;
    struct session s;
    struct pollfd p;
    struct data d;

    session_enter_shared(&s, &server, "sip");
    fault_make_sparse(&server, "sip", "f", BIG);
    data_open(&s, &d, "RETR f");
    p = (struct pollfd){ .fd = s.fd, .events = POLLIN };
    for (int i = 0; i < 3 * STALL_MS / 50; i++) {
        (void)!recv(d.fd, some, sizeof(some), MSG_DONTWAIT);
        cr_assert_eq(poll(&p, 1, 50), 0, "cut after %d ms", i * 50);
    }
    data_cut(&d, true);
    session_expect(&s, "426 {*}");
    session_close(&s);
}
