/* max_file_size with every way to write a file: exactly the limit, and not one
 * byte more. And hours that end. */
#include "fault.h"
#include "support/files.h"
#include "support/server_log.h"
#include "support/test.h"

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
