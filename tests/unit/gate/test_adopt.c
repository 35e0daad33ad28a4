/* One gate; the test plays the gate before it. Messages that come late, never
 * or wrong do no harm. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/generation.h"
#include "support/messages.h"

/* Longer than a handover needs. */
#define LATE_MS 1500
#define NO_BAN  "no_ban = 127.0.0.0/8\n"

struct takeover {
    struct bench bench;
    struct channel next; /* the older gate's end, which the test has */
};

/* A session of the older gate; the test plays it, too. */
struct moved {
    struct channel gate;
    uint64_t serial;
};

#define PASS(t, name, ...)                                                     \
    cr_assert_eq(SEND(&(t)->next, name, 0 __VA_OPT__(, ) __VA_ARGS__), 0)

static void begin_silent(struct takeover *t, const char *settings,
                         unsigned places)
{
    const struct bench_plan plan = { .settings = settings,
                                     .places = places,
                                     .shut = true };
    int far;

    bench_start(&t->bench, &plan);
    far = channel_make(&t->next, PROCESS_GATE, PROCESS_GATE, PHASE_RUN);
    BENCH_SAY(&t->bench, adopt, .gate = far);
    close(far);
}

/* The gate before had room for so many sessions. */
static void begin_with(struct takeover *t, const char *settings,
                       unsigned places)
{
    begin_silent(t, settings, places);
    PASS(t, hello, .version = GENERATION_VERSION);
}

static void begin(struct takeover *t, const char *settings)
{
    begin_with(t, settings, 0);
}

static void serves(struct takeover *t)
{
    struct message m;

    bench_hear(&t->bench, MSG_serving, &m);
}

static struct address client_of(uint64_t serial)
{
    return (struct address){ .family = 4,
                             .bytes = { 127, 0, 0, (uint8_t)serial },
                             .port = 4000 };
}

/* Passes on a session of a client "127.0.0.SERIAL". */
static struct moved move_any(struct takeover *t, uint64_t serial,
                             bool logged_in)
{
    struct address server = t->bench.control;
    uint64_t now = clock_ms();
    struct moved h = { .serial = serial };
    int far = channel_make(&h.gate, PROCESS_SESSION, PROCESS_GATE, PHASE_RUN);

    PASS(t, moved, .serial = serial, .peer = client_of(serial), .local = server,
         .server = server, .logged_in = logged_in, .proxied = false,
         .known = true, .born = now, .until = now + 60000, .silence = 60000,
         .admit = 0, .session = far);
    close(far);
    return h;
}

static struct moved move_session(struct takeover *t, uint64_t serial)
{
    return move_any(t, serial, true);
}

/* The next message, besides the keys of tickets. */
static void hears(struct moved *h, enum message_kind kind, struct message *m)
{
    do {
        cr_assert_eq(channel_wait(&h->gate, m, BENCH_MS), 1);
    } while (m->kind == MSG_ticket_keys);
    cr_assert_eq(m->kind, kind, "%s", message_name(m->kind));
}

/* Gate answers, so it has adopted the session. */
static void asks_port(struct moved *h)
{
    uint32_t request = channel_next(&h->gate);
    struct message m;

    cr_assert_eq(SEND(&h->gate, port, request), 0);
    hears(h, MSG_port_is, &m);
    cr_assert_eq(m.request, request);
    cr_assert_neq(m.port_is.address.port, 0);
    message_close(&m);
}

/* It gets the answer to its transfer_begin. */
static void is_permitted(struct moved *h, uint32_t request)
{
    struct message m;

    hears(h, MSG_transfer_may, &m);
    cr_expect(m.request == request && m.transfer_may.begin);
}

static bool ends(struct moved *h)
{
    struct message m;

    return channel_wait(&h->gate, &m, BENCH_MS) == -EPIPE;
}

static void expect_words(struct takeover *t, const char *words)
{
    bench_reports(&t->bench, words);
}

/* New clients are served, and gate ends in an orderly way. */
static void end(struct takeover *t)
{
    struct fake f;
    int client;

    f = bench_enter(&t->bench, "127.0.0.99", &client);
    close(client);
    bench_gone(&t->bench, &f);
    channel_close(&t->next);
    bench_stop(&t->bench, 0);
}

/* Until then gate serves no session of the older one, and accepts nobody: a new
 * client could take the place of a session that is still to come. */
Test(adopt, over_comes_late, .timeout = 60)
{
    struct moved first, late;
    struct takeover t;
    struct message m;

    begin(&t, NO_BAN);
    first = move_session(&t, 1);
    cr_assert_eq(SEND(&first.gate, active_close, 0), 0);
    cr_expect_eq(channel_wait(&t.bench.master, &m, LATE_MS), -ETIMEDOUT);
    late = move_session(&t, 2);
    PASS(&t, over);
    serves(&t);
    asks_port(&first);
    asks_port(&late);
    message_hear_end(&t.next);
    end(&t);
}

/* The older gate hangs, and still accepts: this one waits for its end. A client
 * that connects meanwhile is the older gate's. */
Test(adopt, hello_does_not_come, .timeout = 60)
{
    struct takeover t;
    struct message m;

    begin_silent(&t, NO_BAN, 0);
    cr_expect_eq(channel_wait(&t.bench.master, &m, LATE_MS), -ETIMEDOUT);
    channel_close(&t.next);
    serves(&t);
    expect_words(&t, "it has ended");
    end(&t);
}

/* The older gate may have read a request of a session, and died before it has
 * passed that on: a session that is logged in loses its gate then. */
Test(adopt, the_channel_ends_in_the_middle, .timeout = 60)
{
    struct moved h, asked, silent;
    struct takeover t;

    begin(&t, NO_BAN);
    h = move_session(&t, 1);
    asked = move_any(&t, 2, true);
    silent = move_any(&t, 3, true);
    PASS(&t, moved_transfer, .serial = 1, .counts = false, .asked = 0,
         .upload = false, .begin = 0);
    PASS(&t, moved_transfer, .serial = 2, .counts = false, .asked = 0,
         .upload = false, .begin = 9);
    channel_close(&t.next);
    serves(&t);
    expect_words(&t, "it has ended");
    asks_port(&h);
    cr_expect(ends(&silent));
    BENCH_SAY(&t.bench, limits, .serial = 2, .account = 1, .team = false,
              .transfers = 0, .up = 0, .down = 0, .last = true);
    is_permitted(&asked, 9);
    BENCH_SAY(&t.bench, adopted_gone, .serial = 3, .status = 0);
    end(&t);
}

static void another_version(struct takeover *t)
{
    PASS(t, hello, .version = GENERATION_VERSION + 1);
}

static void no_hello(struct takeover *t)
{
    move_session(t, 1);
}

static void a_second_hello(struct takeover *t)
{
    PASS(t, hello, .version = GENERATION_VERSION);
    PASS(t, hello, .version = GENERATION_VERSION);
}

static void a_session_twice(struct takeover *t)
{
    PASS(t, hello, .version = GENERATION_VERSION);
    move_session(t, 1);
    move_session(t, 1);
}

static void a_session_without_serial(struct takeover *t)
{
    PASS(t, hello, .version = GENERATION_VERSION);
    move_session(t, 0);
}

static const struct lie_row {
    void (*tell)(struct takeover *t);
    const char *words;
} lies[] = {
    { another_version, "another version of these messages" },
    { no_hello, "a message in the wrong phase" },
    { a_second_hello, "a message in the wrong phase" },
    { a_session_twice, "a session twice" },
    { a_session_without_serial, "a session without a serial" },
};

/* The takeover is over at once, and gate serves. */
Test(adopt, lies, .timeout = 60)
{
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct takeover t;

        begin_silent(&t, NO_BAN, 0);
        lies[i].tell(&t);
        serves(&t);
        expect_words(&t, lies[i].words);
        message_hear_end(&t.next);
        end(&t);
    }
}

/* Max_sessions is lower now: that is for new clients only. */
Test(adopt, a_lower_max_sessions, .timeout = 60)
{
    struct takeover t;
    struct moved h[4];
    char line[512];
    int client;

    begin_with(&t, NO_BAN "max_sessions = 2\n", 4);
    for (uint64_t i = 0; i < 4; i++)
        h[i] = move_session(&t, i + 1);
    PASS(&t, over);
    serves(&t);
    for (uint64_t i = 0; i < 3; i++)
        asks_port(&h[i]);
    for (uint64_t i = 0; i < 3; i++) {
        client = client_connect("127.0.0.99", t.bench.control.port);
        cr_expect_not_null(
            strstr(client_line(client, line, sizeof(line)), "421"), "%s", line);
        close(client);
        channel_close(&h[i].gate); /* its master reports its end */
        BENCH_SAY(&t.bench, adopted_gone, .serial = h[i].serial, .status = 0);
        bench_heard(&t.bench);
    }
    asks_port(&h[3]);
    end(&t);
}

/* An older build keeps no number of sessions: one too many sees the end of its
 * channel. */
Test(adopt, more_than_there_is_room_for, .timeout = 60)
{
    struct takeover t;
    struct moved h[4];

    begin(&t, NO_BAN "max_sessions = 3\n");
    for (uint64_t i = 0; i < 4; i++)
        h[i] = move_session(&t, i + 1);
    PASS(&t, over);
    serves(&t);
    expect_words(&t, "sessions of the generation before without room: 1");
    cr_assert(ends(&h[3]));
    for (uint64_t i = 0; i < 3; i++)
        asks_port(&h[i]);
    channel_close(
        &h[0].gate); /* its master reports its end, which makes room */
    BENCH_SAY(&t.bench, adopted_gone, .serial = h[0].serial, .status = 0);
    bench_heard(&t.bench);
    end(&t);
}

/* Master reports a login before this gate knows the session. */
Test(adopt, a_login_meanwhile, .timeout = 60)
{
    struct takeover t;
    struct message m;
    struct moved h;

    begin(&t, NO_BAN);
    BENCH_SAY(&t.bench, logged_in, .serial = 1);
    h = move_session(&t, 1);
    PASS(&t, over);
    serves(&t);
    message_hear(&h.gate, MSG_ticket_keys, &m); /* they follow a login */
    end(&t);
}

/* A connection that waits for its session at a listener that is gone. */
Test(adopt, a_queue_of_another_listener, .timeout = 60)
{
    struct address elsewhere;
    struct takeover t;
    int pair[2];
    char byte;

    begin(&t, NO_BAN);
    elsewhere = t.bench.control;
    elsewhere.port++;
    cr_assert_eq(fd_pair(pair), 0);
    PASS(&t, queued, .peer = client_of(1), .listener = elsewhere,
         .connection = pair[1]);
    close(pair[1]);
    PASS(&t, over);
    serves(&t);
    cr_assert_eq(recv(pair[0], &byte, 1, 0), 0);
    end(&t);
}

/* The new configuration forbids active mode: the session gets that answer. */
Test(adopt, an_active_connection, .timeout = 60)
{
    struct takeover t;
    struct message m;
    struct moved h;
    int pair[2];

    begin(&t, NO_BAN);
    h = move_session(&t, 1);
    cr_assert_eq(fd_pair(pair), 0);
    PASS(&t, moved_active, .serial = 1, .asked = 9, .to = client_of(1),
         .until = clock_ms() + 60000, .connection = pair[1]);
    close(pair[1]);
    PASS(&t, over);
    serves(&t);
    message_hear(&h.gate, MSG_active_none, &m);
    cr_assert_eq(m.request, 9);
    cr_assert_eq(m.active_none.error, EOPNOTSUPP);
    end(&t);
}

/* The session began when it was on. What no session may ask is no excuse. */
Test(adopt, active_mode_that_is_off_now, .timeout = 60)
{
    struct address to = client_of(1), stranger = client_of(2);
    struct takeover t;
    struct message m;
    struct moved h;
    uint32_t request;

    begin(&t, NO_BAN);
    h = move_session(&t, 1);
    PASS(&t, over);
    serves(&t);
    for (int i = 0; i < 2; i++) {
        request = channel_next(&h.gate);
        cr_assert_eq(SEND(&h.gate, active, request, .to = to), 0);
        hears(&h, MSG_active_none, &m);
        cr_assert_eq(m.request, request);
        cr_assert_eq(m.active_none.error, EOPNOTSUPP);
    }
    asks_port(&h);
    cr_assert_eq(SEND(&h.gate, active, channel_next(&h.gate), .to = stranger),
                 0);
    cr_assert(ends(&h));
    bench_hear(&t.bench, MSG_kill_adopted, &m);
    end(&t);
}
