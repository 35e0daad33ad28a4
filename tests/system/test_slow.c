/* Clients that send or read nothing, or a byte now and then, in each state. The
 * server ends each of them at its deadline, in order unless bytes are missing.
 * During a transfer the session answers. */
#include "fault.h"
#include "parting.h"
#include "sallyport/base/clock.h"
#include "support/fail.h"
#include "support/files.h"
#include "support/served.h"
#include "support/server_log.h"
#include "support/test.h"

#define LOGIN_MS   8000
#define IDLE_MS    10000
#define CONNECT_MS 5000
#define STALL_MS   4000  /* fewer than four bytes in that time count as none */
#define LATE_MS    12000 /* on a machine under load, with sanitizers */
#define BIG        (32 * FAULT_MIB) /* more than all buffers on the way hold */
#define NAMES      16000 /* of 200 bytes; the kernel takes 3 MB of a listing */

struct guest {
    struct server server;
    struct session s;
    struct data d;
    const char *user;
    uint64_t began;
};

static void be_greeted(struct guest *g)
{
    session_reach(&g->s, &g->server);
    session_expect(&g->s, "220 {*}");
}

static void ask_tls(struct guest *g)
{
    be_greeted(g);
    session_do(&g->s, "234 {*}", "AUTH TLS");
}

static void start_tls(struct guest *g)
{
    session_arrive(&g->s, &g->server);
}

static void name_user(struct guest *g)
{
    start_tls(g);
    session_do(&g->s, "331 {*}", "USER anybody");
}

static void log_in(struct guest *g)
{
    session_enter(&g->s, &g->server, g->user);
    g->began = clock_ms();
    session_do(&g->s, "200 {*}", "NOOP");
}

static void ask_port(struct guest *g)
{
    log_in(g);
    session_do(&g->s, "229 {*}", "EPSV");
    session_do(&g->s, "150 {*}", "STOR f");
}

static void connect_data(struct guest *g)
{
    log_in(g);
    data_connect(&g->s, &g->d);
    session_do(&g->s, "150 {*}", "STOR f");
}

static void upload(struct guest *g)
{
    log_in(g);
    data_open(&g->s, &g->d, "STOR f");
    data_write(&g->d, "bytes", 5);
}

static void download(struct guest *g)
{
    fault_make_sparse(&g->server, g->user, "big", BIG);
    log_in(g);
    data_open(&g->s, &g->d, "RETR big");
}

static void list(struct guest *g)
{
    const int small = 65536; /* else the kernel lets it grow to tcp_rmem */
    char name[256];

    for (unsigned i = 0; i < NAMES; i++) {
        snprintf(name, sizeof(name), "%0200u", i);
        files_write(server_home_file(&g->server, g->user, name), "", 0, 0644);
    }
    log_in(g);
    data_open(&g->s, &g->d, "LIST");
    setsockopt(g->d.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
}

struct row {
    char user[16];
    void (*enter)(struct guest *g);
    void (*act)(struct guest *g, const struct row *row); /* NULL: nothing */
    const char *reply;  /* NULL: the client reads none */
    const char *reason; /* in the log */
    unsigned ms;
    char bytes[12]; /* to drip, one by one */
    size_t len;
    int every_ms;
    bool raw; /* sent below TLS */
};

/* Sends a byte now and then until the server replies. */
static void drip(struct guest *g, const struct row *row)
{
    struct pollfd p = { .fd = g->s.fd, .events = POLLIN };
    const bool data = g->d.fd >= 0;
    struct tls_client *tls = data ? g->d.tls : g->s.tls;

    for (size_t i = 0; poll(&p, 1, row->every_ms) == 0; i++)
        if (tls && !row->raw)
            (void)tls_client_write(tls, row->bytes + i % row->len, 1);
        else
            (void)!send(data ? g->d.fd : g->s.fd, row->bytes + i % row->len, 1,
                        MSG_NOSIGNAL);
}

/* Sends commands and reads no reply, until the server reads no more or has
 * closed. The client's buffer is small: with sanitizers and under load ten
 * megabytes of replies would take longer than the deadlines. */
static void flood(struct guest *g, const struct row *row)
{
    const struct timeval soon = { .tv_usec = 300000 };
    struct session *s = &g->s;
    const int small = 4096;
    bool more = true;

    (void)row;
    setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    setsockopt(s->fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon));
    while (more)
        more = s->tls ? tls_client_write(s->tls, "FEAT\r\n", 6)
                      : send(s->fd, "FEAT\r\n", 6, MSG_NOSIGNAL) == 6;
}

/* Takes a byte from the socket now and then. */
static void sip(struct guest *g, const struct row *row)
{
    struct pollfd p = { .fd = g->s.fd, .events = POLLIN };
    char byte;

    (void)row;
    while (poll(&p, 1, 200) == 0)
        (void)!recv(g->d.fd, &byte, 1, MSG_DONTWAIT);
}

#define LATE  "not logged in in time"
#define BYE   "421 Timeout: {*}"
#define MOVED "426 No data moved for 4 seconds. Transfer aborted."

/* "up-byte" is as slow as a byte a minute at the default stall_timeout of two
 * minutes. A record or a handshake that a client drips never becomes
 * complete. */
static const struct row rows[] = {
    { "plain", be_greeted, NULL, BYE, LATE, LOGIN_MS, "", 0, 0, false },
    { "plain-drip", be_greeted, drip, BYE, LATE, LOGIN_MS, "x", 1, 200, false },
    { "plain-flood", be_greeted, flood, NULL, LATE, LOGIN_MS, "", 0, 0, false },
    { "handshake", ask_tls, drip, NULL, "", LOGIN_MS, "\x16\3\1\2\0\1\0\1\xfc",
      9, 200, false },
    { "name-drip", name_user, drip, BYE, LATE, LOGIN_MS, "x", 1, 200, false },
    { "tls-flood", start_tls, flood, NULL, LATE, LOGIN_MS, "", 0, 0, false },
    { "idle", log_in, NULL, BYE, "reason=idle", IDLE_MS, "", 0, 0, false },
    { "idle-drip", log_in, drip, BYE, "reason=idle", IDLE_MS, "x", 1, 200,
      false },
    { "idle-flood", log_in, flood, NULL, "reason=idle", IDLE_MS, "", 0, 0,
      false },
    { "nobody", ask_port, NULL, "425 {*}nobody connected{*}",
      "no data connection in time", CONNECT_MS, "", 0, 0, false },
    { "silent", connect_data, NULL, "425 {*}no handshake in time{*}",
      "no TLS handshake in time", CONNECT_MS, "", 0, 0, false },
    { "hello", connect_data, drip, "425 {*}", "no TLS handshake in time",
      CONNECT_MS, "\x16\3\1\2\0\1\0\1\xfc\3\3", 11, 300, false },
    { "up", upload, NULL, MOVED, "stalled", STALL_MS, "", 0, 0, false },
    { "up-byte", upload, drip, MOVED, "stalled", STALL_MS, "x", 1, 2500,
      false },
    { "up-record", upload, drip, MOVED, "stalled", STALL_MS, "\x17\3\3\x3f\xff",
      5, 1000, true },
    { "down", download, NULL, MOVED, "stalled", STALL_MS, "", 0, 0, false },
    { "down-sip", download, sip, MOVED, "stalled", STALL_MS, "", 0, 0, false },
    { "list", list, NULL, MOVED, "stalled", STALL_MS, "", 0, 0, false },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

ReportHook(PRE_ALL)(struct criterion_test_set *set)
{
    static struct server_user users[ROWS + 1] = { { .name = "steady" } };

    (void)set;
    for (size_t i = 0; i < ROWS; i++)
        users[i + 1].name = rows[i].user;
    server_share(PLAN(.users = users, .user_count = ROWS + 1,
                      .settings = "login_timeout = 8s\n"
                                  "idle_timeout = 10s\nstall_timeout = 4s\n"
                                  "connect_timeout = 5s\n"));
}

/* Expects the session's end in the log, since the kernel can still have bytes
 * that the session sent before its end. */
static void expect_gone(const struct guest *g, const char *reason)
{
    struct sockaddr_in own;
    socklen_t len = sizeof(own);
    char peer[32];

    cr_assert_eq(getsockname(g->s.fd, (struct sockaddr *)&own, &len), 0);
    snprintf(peer, sizeof(peer), " peer=127.0.0.1:%u ", ntohs(own.sin_port));
    server_log_wait(&g->server, "end ", peer, reason, NULL);
}

ParameterizedTestParameters(slow, each)
{
    static struct row parameters[ROWS];

    memcpy(parameters, rows, sizeof(rows));
    return cr_make_param_array(struct row, parameters, ROWS);
}

ParameterizedTest(struct row *copy, slow, each, .timeout = 60)
{
    const struct row *row = rows;
    struct guest g = { .user = copy->user, .d = { .fd = -1 } };
    uint64_t took;
    char user[32];

    while (strcmp(row->user, copy->user) != 0)
        row++;
    fail_context("%s: ", row->user);
    server_shared(&g.server);
    g.began = clock_ms();
    row->enter(&g);
    const bool transfers = row->reply && strncmp(row->reply, "421", 3) != 0;
    if (transfers) {
        session_do(&g.s, "200 {*}", "NOOP");
        session_do(&g.s, "211 End", "STAT");
    }
    if (row->act)
        row->act(&g, row);
    if (row->reply)
        session_expect(&g.s, row->reply);
    if (!transfers)
        expect_gone(&g, row->reason);
    took = clock_ms() - g.began;
    cr_assert(took + 50 >= row->ms && took < row->ms + LATE_MS,
              "after %llu ms, not %u", (unsigned long long)took, row->ms);
    if (g.d.tls && !row->act)
        parting_expect_data(&g.d, row->enter == upload ? PARTING_NOTIFIED
                                                       : PARTING_BARE);
    else if (g.d.fd >= 0)
        data_cut(&g.d, false);
    if (transfers) {
        session_do(&g.s, "200 {*}", "NOOP");
        snprintf(user, sizeof(user), " user=%s ", row->user);
        server_log_wait(&g.server, "transfer ", user, row->reason, NULL);
        fault_expect_absent(&g.server, row->user, "f");
    } else if (row->reply) {
        session_expect_end(&g.s);
    }
    session_drop(&g.s);
}

/* A slow upload isn't stalled: it continues after the deadline of a stall, and
 * after the idle deadline of the session. */
SharedSessionTest(slow, upload_some_bytes_a_second, 60, "steady")
{
    struct pollfd p = { .fd = s->fd, .events = POLLIN };
    struct data d;

    data_open(s, &d, "STOR f");
    for (int i = 0; i < STALL_MS / 500 + 4; i++) {
        data_write(&d, "x", 1);
        cr_assert_eq(poll(&p, 1, 500), 0, "cut after %d bytes", i);
    }
    data_finish(s, &d, "x", 1, "226 {*}");
}

/* The client reads too slowly for its kernel to ask for more bytes. */
SharedSessionTest(slow, download_some_kilobytes_a_second, 60, "steady")
{
    struct pollfd p = { .fd = s->fd, .events = POLLIN };
    char some[8192];
    struct data d;

    fault_make_sparse(server, "steady", "big", BIG);
    data_open(s, &d, "RETR big");
    for (int i = 0; i < 3 * STALL_MS / 50; i++) {
        (void)!recv(d.fd, some, sizeof(some), MSG_DONTWAIT);
        cr_assert_eq(poll(&p, 1, 50), 0, "cut after %d ms", i * 50);
    }
    data_cut(&d, true);
    session_expect(s, "426 {*}");
}
