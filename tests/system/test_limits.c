/* max_file_size with every way to write a file: exactly the limit, and not one
 * byte more. The limits of a user's row count instead of the settings. */
#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fault.h"
#include "generation.h"
#include "support/files.h"
#include "support/server_log.h"
#include "support/wait.h"

#define LIMIT FAULT_MIB
#define HALF  (LIMIT / 2)
#define CUT   (600 * FAULT_KIB)

/* The file before, the bytes sent first, and the rest. REST -1: the result of
 * SIZE. REST -2: SIZE is asked, and no REST sent. */
enum { NO_REST = 0, REST_SIZE = -1, SIZE_ONLY = -2 };

static const struct way {
    const char *what, *verb;
    size_t there, cut;
    long rest;
    size_t most; /* bytes that may be sent; 0: from SIZE up to the limit */
} ways[] = {
    { "a new file", "STOR", 0, 0, NO_REST, LIMIT },
    { "over an old one", "STOR", HALF, 0, NO_REST, LIMIT },
    { "by APPE to nothing", "APPE", 0, 0, NO_REST, LIMIT },
    { "by APPE", "APPE", LIMIT - 10, 0, NO_REST, 10 },
    { "by APPE to a full one", "APPE", LIMIT, 0, NO_REST, 0 },
    { "by REST at the end", "STOR", LIMIT - 10, 0, LIMIT - 10, 10 },
    { "by REST in the middle", "STOR", HALF, 0, HALF / 2, LIMIT - HALF / 2 },
    { "by REST to what was cut", "STOR", 0, CUT, REST_SIZE, 0 },
    { "by APPE to what was cut", "APPE", 0, CUT, SIZE_ONLY, 0 },
};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

static unsigned char noise[LIMIT + 1];

static void start(struct server *server, struct session *s)
{
    const struct server_plan plan = { .settings = "max_file_size = 1M\n" };

    files_noise(noise, sizeof(noise), 3);
    session_begin(s, server, &plan);
}

static void cut_one(struct session *s, const struct server *server,
                    const char *name, size_t len)
{
    struct data d;

    data_open(s, &d, "STOR %s", name);
    data_write(&d, noise, len);
    fault_wait_partial(server, "anna", len);
    data_cut(&d, false);
    session_expect(s, "426 {*}");
}

static size_t told(struct session *s, const char *name)
{
    unsigned long long size;

    session_do(s, "213 {*}", "SIZE %s", name);
    cr_assert_eq(sscanf(s->reply.data, "213 %llu", &size), 1);
    return size;
}

/* Prepares up to the data connection. Returns how many bytes may come. */
static size_t prepare(struct session *s, const struct server *server,
                      const struct way *w, const char *name)
{
    long at = w->rest;

    if (w->there > 0)
        session_store(s, "STOR", name, noise, w->there);
    if (w->cut > 0)
        cut_one(s, server, name, w->cut);
    if (at < 0)
        at = (long)told(s, name);
    if (w->rest == REST_SIZE || w->rest > 0)
        session_do(s, "350 {*}", "REST %ld", at);
    return w->rest < 0 ? LIMIT - (size_t)at : w->most;
}

/* Returns the code of the transfer's end. */
static int send_to(struct session *s, const char *verb, const char *name,
                   size_t len)
{
    struct data d;
    int code;

    data_connect(s, &d);
    session_send(s, "%s %s", verb, name);
    code = session_reply(s);
    if (code != 150) {
        data_cut(&d, false);
        return code;
    }
    data_secure(s, &d);
    data_write(&d, noise, len);
    data_close(&d);
    return session_reply(s);
}

static size_t size_of(const struct server *server, const char *name)
{
    struct buf got;
    size_t len;

    buf_init(&got, 2 * LIMIT);
    files_read(server_home_file(server, "anna", name), &got);
    len = got.len;
    buf_release(&got);
    return len;
}

Test(limits, max_file_size, .timeout = 60)
{
    struct server server;
    struct session s;
    char name[16];

    start(&server, &s);
    for (size_t i = 0; i < WAYS; i++)
        for (size_t more = 0; more <= 1; more++) {
            const struct way *w = &ways[i];
            size_t most;
            int code;

            snprintf(name, sizeof(name), "f%zu-%zu", i, more);
            most = prepare(&s, &server, w, name);
            code = send_to(&s, w->verb, name, most + more);
            cr_expect_eq(code, more ? 552 : 226, "%s, %zu: %d", w->what, more,
                         code);
            cr_expect_eq(size_of(&server, name), more ? w->there : LIMIT,
                         "%s, %zu", w->what, more);
            /* An upload above the limit leaves nothing, also no partial. */
            session_send(&s, "DELE %s", name);
            cr_expect_eq(session_reply(&s), more && w->there == 0 ? 550 : 250,
                         "%s", w->what);
        }
    server_log_expect(&server, 1, "transfer ", " path=/f0-1 ", "result=552 ",
                      "file-size limit", NULL);
    session_end(&s, &server);
}

/* The server chooses the name: no file at all may exist. */
Test(limits, store_unique, .timeout = 60)
{
    struct server server;
    struct session s;
    struct buf names;

    buf_init(&names, 1 << 20);
    start(&server, &s);
    cr_expect_eq(send_to(&s, "STOU", "x", LIMIT + 1), 552);
    session_fetch(&s, "NLST", &names);
    cr_expect_eq(names.len, 0);
    cr_expect_eq(send_to(&s, "STOU", "x", LIMIT), 226);
    buf_release(&names);
    session_end(&s, &server);
}

/* The refusal comes before a byte is sent. */
Test(limits, told_early, .timeout = 60)
{
    struct server server;
    struct session s;

    start(&server, &s);
    session_do(&s, "552 {*}", "ALLO %u", LIMIT + 1);
    session_do(&s, "200 {*}", "ALLO %u", LIMIT);
    session_store(&s, "STOR", "f", noise, LIMIT);
    session_do(&s, "350 {*}", "REST %u", LIMIT + 1);
    session_do(&s, "229 {*}", "EPSV");
    session_do(&s, "55{n} {*}", "STOR f");
    cr_expect_eq(size_of(&server, "f"), LIMIT);
    session_end(&s, &server);
}

static void expect_most(const struct server *server, const char *user,
                        size_t most)
{
    struct session s;

    session_enter(&s, server, user);
    session_do(&s, "552 {*}max_file_size{*}", "ALLO %zu", most + 1);
    session_do(&s, "200 {*}", "ALLO %zu", most);
    cr_expect_eq(send_to(&s, "STOR", "f", most + 1), 552, "%s", user);
    cr_expect_eq(send_to(&s, "STOR", "f", most), 226, "%s", user);
    session_close(&s);
}

/* Smaller than the setting's, and larger. */
Test(limits, max_file_size_of_a_user, .timeout = 60)
{
    static const struct server_user users[] = {
        { .name = "less", .keys = "max_file_size=64K" },
        { .name = "more", .keys = "max_file_size=1000000" },
        { .name = "same" },
        { .name = "none", .keys = "max_file_size=0" },
    };
    const struct server_plan plan = { .settings = "max_file_size = 128K\n",
                                      .users = users,
                                      .user_count = 4 };
    struct server server;
    struct session s;

    files_noise(noise, sizeof(noise), 3);
    server_start(&server, &plan);
    expect_most(&server, "less", 64 * FAULT_KIB);
    expect_most(&server, "more", 1000000);
    expect_most(&server, "same", 128 * FAULT_KIB);
    session_enter(&s, &server, "none");
    session_store(&s, "STOR", "f", noise, LIMIT);
    session_close(&s);
    server_stop(&server);
}

static void expect_full(const struct server *server, const char *user,
                        const char *whose)
{
    struct session s;

    session_init(&s);
    session_connect(&s, server->port);
    session_start_tls(&s);
    cr_expect_eq(session_try_login(&s, user, SERVER_PASSWORD), 530);
    cr_expect(strstr(s.reply.data, whose), "%s", s.reply.data);
    cr_expect(strstr(s.reply.data, "max_sessions"));
    session_drop(&s);
}

static void expect_sessions(const struct server *server, const char *user,
                            int most)
{
    struct session s[4];

    for (int i = 0; i < most; i++)
        session_enter(&s[i], server, user);
    expect_full(server, user, "Too many sessions of this user ");
    for (int i = 0; i < most; i++)
        session_drop(&s[i]);
}

struct newcomer {
    struct session s;
    const struct server *server;
};

static bool bert_enters(void *of)
{
    struct newcomer *n = of;

    session_init(&n->s);
    if (session_may_open(&n->s, n->server, "bert"))
        return true;
    session_drop(&n->s);
    return false;
}

/* All members together, in all generations; one session's end makes room, as
 * soon as the new generation hears of it. */
Test(limits, max_sessions_of_a_team, .timeout = 60)
{
    static const struct server_user users[] = {
        { .name = "anna", .keys = "teams=legal" },
        { .name = "bert", .keys = "teams=free,legal max_sessions=9" },
        { .name = "legal" },
    };
    const struct server_plan plan = {
        .users = users,
        .user_count = 3,
        .lines = "@team:legal:max_sessions=2 max_file_size=64K\n@team:free:\n"
    };
    struct server server;
    struct newcomer newcomer = { .server = &server };
    struct session s[3];

    files_noise(noise, sizeof(noise), 3);
    server_start(&server, &plan);
    expect_most(&server, "anna", 64 * FAULT_KIB);
    session_enter(&s[0], &server, "anna");
    session_enter(&s[1], &server, "bert");
    session_enter(&s[2], &server, "legal"); /* a name, not the team */
    expect_full(&server, "bert", "of a team of this user ");
    generation_reload(&server, GENERATION_CTL);
    expect_full(&server, "anna", "of a team of this user ");
    session_close(&s[0]);
    cr_expect(wait_until(bert_enters, &newcomer, 10000));
    session_close(&newcomer.s);
    for (int i = 1; i < 3; i++)
        session_close(&s[i]);
    server_stop(&server);
}

Test(limits, max_sessions_of_a_user, .timeout = 60)
{
    static const struct server_user users[] = {
        { .name = "less", .keys = "max_sessions=1" },
        { .name = "more", .keys = "max_sessions=3" },
        { .name = "same" },
    };
    const struct server_plan plan = { .settings = "max_per_user = 2\n",
                                      .users = users,
                                      .user_count = 3 };
    struct server server;

    server_start(&server, &plan);
    expect_sessions(&server, "less", 1);
    expect_sessions(&server, "more", 3);
    expect_sessions(&server, "same", 2);
    server_stop(&server);
}

/* A client that may not log in learns no more than one with a wrong
 * password. */
Test(limits, networks_and_hours_of_a_user, .timeout = 60)
{
    static const char *const days[] = { "sun", "mon", "tue", "wed",
                                        "thu", "fri", "sat" };
    char hours[32];
    const struct server_user users[] = {
        { .name = "here", .keys = "networks=192.0.2.0/24,127.0.0.0/8" },
        { .name = "away", .keys = "networks=192.0.2.0/24" },
        { .name = "now", .keys = "hours=sun-sat" },
        { .name = "later", .keys = hours },
    };
    const struct server_plan plan = { .users = users, .user_count = 4 };
    struct server server;
    time_t now = time(NULL);
    struct tm t;

    localtime_r(&now, &t);
    snprintf(hours, sizeof(hours), "hours=%s", days[(t.tm_wday + 3) % 7]);
    server_start(&server, &plan);
    for (int i = 0; i < 4; i++) {
        bool may = i % 2 == 0;
        struct session s;

        session_init(&s);
        session_connect(&s, server.port);
        session_start_tls(&s);
        cr_expect_eq(session_try_login(&s, users[i].name, SERVER_PASSWORD),
                     may ? 230 : 530, "%s", users[i].name);
        cr_expect(may || strstr(s.reply.data, "530 Login incorrect."));
        session_drop(&s);
    }
    server_log_wait(&server, "login-failed ", "user=away", "networks=", NULL);
    server_log_wait(&server, "login-failed ", "user=later", "hours=", NULL);
    server_stop(&server);
}

/* Nothing changes but the time. It takes two minutes, so it is in the long run;
 * at midnight there is no such end. */
Test(limits, hours_that_end, .timeout = 180)
{
    static const char *const days[] = { "sun", "mon", "tue", "wed",
                                        "thu", "fri", "sat" };
    char hours[48];
    const struct server_user user = { .name = "anna", .keys = "teams=day" };
    struct server_plan plan = { .users = &user,
                                .user_count = 1,
                                .lines = hours };
    struct server server;
    struct session s;
    struct tm t;
    time_t end = (time(NULL) / 60 + 2) * 60;

    localtime_r(&end, &t);
    if (!server_is_long() || (t.tm_hour == 0 && t.tm_min == 0))
        return;
    snprintf(hours, sizeof(hours), "@team:day:hours=%s/00:00-%02d:%02d\n",
             days[t.tm_wday], t.tm_hour, t.tm_min);
    server_start(&server, &plan);
    session_enter(&s, &server, "anna");
    struct pollfd readable = { .fd = s.fd, .events = POLLIN };
    cr_assert_eq(poll(&readable, 1, 150000), 1);
    session_expect(&s, "421 {*}hours{*}");
    cr_expect_geq(time(NULL), end);
    server_stop(&server);
}
