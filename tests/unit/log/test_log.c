/* The process log from its set-up on. The test is master and every sender, and
 * reads the lines. */
#include "log/log.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/channel.h"
#include "support/cast.h"
#include "support/child.h"
#include "support/metrics.h"
#include "support/test.h"
#include "support/wait.h"

#define MAX_SESSIONS 4

static struct stage {
    pid_t pid;
    struct channel log;
    int lines; /* read end */
    struct metrics *metrics;
    struct buf text;
} s;

/* OUTPUT, and MEMORY for the counters, are closed here. */
static void raise_log(int output, int memory)
{
    static struct log l;
    static struct setup setup;

    buf_init(&s.text, 8 << 20);
    setup_init(&setup);
    setup.sessions = MAX_SESSIONS;
    setup.file[SETUP_OUTPUT].fd = output;
    setup.file[SETUP_METRICS].fd = memory;
    s.pid = child_raise(&s.log, &l.frame, &log_row, &setup, NULL);
}

static void open_log(void)
{
    int memory = metrics_memory(), ends[2];

    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    s.lines = ends[0];
    cr_assert_eq(SHARED_MAP(s.metrics, memory, PROT_READ), 0);
    raise_log(ends[1], memory);
    child_hear_ready(&s.log);
}

static void end_log(int status)
{
    channel_close(&s.log);
    child_reap(s.pid, status);
    fd_close(&s.lines);
    buf_release(&s.text);
}

#define LogTest(suite, name)                                                   \
    static void suite##_##name(void);                                          \
    Test(suite, name)                                                          \
    {                                                                          \
        open_log();                                                            \
        suite##_##name();                                                      \
        end_log(0);                                                            \
    }                                                                          \
    static void suite##_##name(void)

static void add_sender_of(struct event_sender *sender, enum process process,
                          uint64_t serial, uint8_t family, const char *user)
{
    const struct address peer = { .family = family,
                                  .bytes = { 203, 0, 113, 5 },
                                  .port = 4711 };
    int ends[2];

    cr_assert_eq(fd_pair(ends), 0);
    SAY(&s.log, speaker, .process = process, .serial = serial, .peer = peer,
        .user = slice_from(user), .end = ends[1]);
    close(ends[1]);
    event_sender_init(sender, ends[0], process);
}

static void add_sender(struct event_sender *sender, enum process process,
                       uint64_t serial, uint8_t family)
{
    add_sender_of(sender, process, serial, family, "");
}

/* Reads log's lines so far, so that log never waits for the test. */
static void take_lines(int ms)
{
    struct pollfd one = { .fd = s.lines, .events = POLLIN };
    ssize_t n;

    if (poll(&one, 1, ms) < 1)
        return;
    cr_assert_eq(buf_reserve(&s.text, 65536), 0);
    n = read(s.lines, s.text.data + s.text.len, 65536);
    cr_assert(n > 0);
    s.text.len += (size_t)n;
}

/* Returns the next line, which must exist, without its time. */
static const char *line(void)
{
    static char out[8192];
    static size_t taken; /* of s.text, which moves only before it grows */
    const char *begin, *end;

    cr_assert_eq(buf_reserve(&s.text, 4096), 0);
    while (!(end = memchr(s.text.data + taken, '\n', s.text.len - taken))) {
        buf_consume(&s.text, taken);
        taken = 0;
        size_t before = s.text.len;

        take_lines(WAIT_MS);
        cr_assert_gt(s.text.len, before, "no line");
    }
    begin = s.text.data + taken;
    cr_assert((size_t)(end - begin) < sizeof(out));
    memcpy(out, begin, (size_t)(end - begin));
    out[end - begin] = '\0';
    taken += (size_t)(end - begin) + 1;
    cr_assert(strlen(out) > 25 && out[10] == 'T' && out[23] == 'Z', "%s", out);
    return out + 25;
}

LogTest(log, lines)
{
    struct event_sender session, gate;
    struct event_record r;

    add_sender(&session, PROCESS_SESSION, 0xc0ffee, 4);
    add_sender(&gate, PROCESS_GATE, 0, 0);
    event_begin(&r, EVENT_LOGIN);
    event_text(&r, FIELD_USER, SLICE("anna"));
    cr_assert_eq(event_send(&session, &r), 0);
    cr_assert_str_eq(line(), "login process=session serial=0000000000c0ffee "
                             "peer=203.0.113.5:4711 user=anna");
    event_begin(&r, EVENT_REFUSED);
    event_text(&r, FIELD_PEER, SLICE("192.0.2.1:99"));
    event_text(&r, FIELD_REASON, SLICE("too many"));
    cr_assert_eq(event_send(&gate, &r), 0);
    cr_assert_str_eq(line(), "refused process=gate peer=192.0.2.1:99 "
                             "reason=\"too many\"");
    event_begin(&r, EVENT_PEER);
    event_text(&r, FIELD_PROCESS, SLICE("session"));
    cr_assert_eq(event_send(&gate, &r), 0);
    cr_assert_str_eq(line(), "peer-error process=session by=gate");
    event_sender_release(&session);
    event_sender_release(&gate);
}

/* A session's claims about itself are ignored, and none of its bytes can begin
 * a line. */
LogTest(log, forgery)
{
    struct event_sender session, gate;
    struct event_record r;

    add_sender(&session, PROCESS_SESSION, 7, 4);
    add_sender(&gate, PROCESS_GATE, 0, 0);
    event_begin(&r, EVENT_LOGIN_FAILED);
    event_text(&r, FIELD_PROCESS, SLICE("master"));
    event_text(&r, FIELD_PEER, SLICE("198.51.100.1:1"));
    event_text(&r, FIELD_USER, SLICE("x\nlogin serial=8 \"user=root"));
    cr_assert_eq(event_send(&session, &r), 0);
    cr_assert_str_eq(line(),
                     "login-failed process=session serial=0000000000000007 "
                     "peer=203.0.113.5:4711 "
                     "user=\"x\\x0alogin serial=8 \\x22user=root\"");
    event_begin(&r, EVENT_PEER); /* only gate may name a serial */
    event_number(&r, FIELD_SERIAL, 9);
    cr_assert_eq(event_send(&session, &r), 0);
    cr_assert_str_eq(line(),
                     "peer-error process=session serial=0000000000000007 "
                     "peer=203.0.113.5:4711");
    event_text(&r, FIELD_PROCESS, SLICE("session"));
    event_text(&r, FIELD_PEER, SLICE("198.51.100.1:1"));
    cr_assert_eq(event_send(&gate, &r), 0);
    cr_assert_str_eq(line(), "peer-error process=session by=gate "
                             "serial=0000000000000009 peer=198.51.100.1:1");
    event_begin(&r, EVENT_CHILD);
    event_text(&r, FIELD_PROCESS, SLICE("auth serial=9"));
    cr_assert_eq(event_send(&gate, &r), 0);
    cr_assert_str_eq(line(), "child process=gate");
    event_sender_release(&session);
    event_sender_release(&gate);
}

static void shout(struct event_sender *e, const void *bytes, size_t len)
{
    send(e->channel.fd, bytes, len, MSG_NOSIGNAL);
}

/* Bad bytes end their sender, which is reported, and nobody else. */
Test(log, bad_bytes)
{
    const struct {
        const void *bytes;
        size_t len;
    } rows[] = {
        { "garbage", 7 },
        { "\0\0\0\0\0\0\0\0", 8 },
        { (const unsigned char[]){ MSG_event, 0, 0, 0, 0, 0, 0, 0 }, 8 },
        { (const unsigned char[]){ MSG_event, 0, 0, 0, 0, 0, 0, 0, 1, 0, 99 },
          11 },
        { (const unsigned char[]){ MSG_event, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 3,
                                   9, 9 },
          14 },
        { (const unsigned char[]){ MSG_ready, 0, 0, 0, 0, 0, 0, 0 }, 8 },
    };
    struct event_sender good, bad;
    struct event_record r;

    open_log();
    add_sender(&good, PROCESS_FILES, 1, 4);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        add_sender(&bad, PROCESS_SESSION, 2, 4);
        shout(&bad, rows[i].bytes, rows[i].len);
        cr_assert(strncmp(line(),
                          "peer-error process=session "
                          "serial=0000000000000002 ",
                          51) == 0,
                  "row %zu", i);
        cast_hear_end(&bad.channel);
        event_sender_release(&bad);
        event_begin(&r, EVENT_SYSCALL);
        event_number(&r, FIELD_NUMBER, i);
        cr_assert_eq(event_send(&good, &r), 0);
        cr_assert(strncmp(line(), "syscall process=files ", 22) == 0);
    }
    event_sender_release(&good);
    end_log(0);
}

/* Senders come and go without end. There is room for a limited number at once,
 * and those that don't fit are counted. */
LogTest(log, many_senders)
{
    enum { ROOM = MAX_SESSIONS * 3 + 32 };
    static struct event_sender e[ROOM + 1];
    struct event_record r;

    event_begin(&r, EVENT_CONNECT);
    for (int round = 0; round < 5; round++) {
        for (uint64_t i = 0; i < ROOM; i++)
            add_sender(&e[i], PROCESS_SESSION, i + 1, 4);
        for (uint64_t i = 0; i < ROOM; i++) {
            cr_assert_eq(event_send(&e[i], &r), 0);
            cr_assert(strstr(line(), "connect process=session"));
            if (round < 4)
                event_sender_release(&e[i]);
        }
    }
    add_sender(&e[ROOM], PROCESS_SESSION, 99, 4);
    cast_hear_end(&e[ROOM].channel);
    cr_assert_eq(event_send(&e[0], &r), 0);
    cr_assert_str_eq(line(), "service process=log "
                             "reason=\"lines lost\" number=1");
    cr_assert(strstr(line(), "serial=0000000000000001"));
    for (size_t i = 0; i <= ROOM; i++)
        event_sender_release(&e[i]);
}

/* The disk is full until log ends. */
Test(log, no_room_for_the_number)
{
    const int error = dup(STDERR_FILENO);
    struct event_sender sender;
    char text[256] = "";
    int ends[2];

    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    cr_assert_geq(dup2(ends[1], STDERR_FILENO), 0);
    raise_log(open("/dev/full", O_WRONLY | O_CLOEXEC), metrics_memory());
    cr_assert_geq(dup2(error, STDERR_FILENO), 0);
    s.lines = -1;
    child_hear_ready(&s.log);
    add_sender(&sender, PROCESS_SESSION, 1, 4);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(event_send(&sender, &(struct event_record){ 0 }), 0);
    event_sender_release(&sender);
    end_log(0);
    cr_assert_gt(read(ends[0], text, sizeof(text) - 1), 0);
    cr_expect(strstr(text, "lines lost: 3\n"), "%s", text);
    close(ends[0]);
    close(ends[1]);
    close(error);
}

/* No place is free, and the end of a sender waits behind the next one. */
LogTest(log, a_place_whose_sender_has_ended)
{
    enum { ROOM = MAX_SESSIONS * 3 + 32 };
    static struct event_sender e[ROOM + 1];
    struct event_record r;
    int status;

    event_begin(&r, EVENT_CONNECT);
    for (uint64_t i = 0; i < ROOM; i++)
        add_sender(&e[i], PROCESS_SESSION, i + 1, 4);
    cr_assert_eq(event_send(&e[ROOM - 1], &r), 0);
    cr_assert(strstr(line(), "connect process=session"));
    cr_assert_eq(kill(s.pid, SIGSTOP), 0);
    cr_assert_eq(waitpid(s.pid, &status, WUNTRACED), s.pid);
    add_sender(&e[ROOM], PROCESS_SESSION, 0xc0ffee, 4);
    event_sender_release(&e[0]);
    cr_assert_eq(kill(s.pid, SIGCONT), 0);
    cr_assert_eq(event_send(&e[ROOM], &r), 0);
    cr_assert(strstr(line(), "serial=0000000000c0ffee"));
    for (size_t i = 1; i <= ROOM; i++)
        event_sender_release(&e[i]);
}

static const char dropped_words[] =
    "service process=session serial=0000000000000001 peer=203.0.113.5:4711 "
    "reason=\"events over the rate dropped\" number=";

/* An event with a line of at least LINE_LEAST bytes. */
#define LINE_LEAST 1000
#define BURST      (RATE_BURST / LINE_LEAST)
#define SECOND     (RATE_SECOND / LINE_LEAST)

static void begin_long(struct event_record *r, enum event e)
{
    static char path[LINE_LEAST];

    memset(path, 'p', sizeof(path));
    event_begin(r, e);
    event_text(r, FIELD_PATH, (struct slice){ path, sizeof(path) });
}

/* Sends it when log has read on, as a session takes its next command then. */
static void send_in_time(struct event_sender *e, const struct event_record *r)
{
    for (event_flush(e); e->full; event_flush(e))
        take_lines(10);
    cr_assert_eq(event_send(e, r), 0);
}

/* log counts all events that it gets, also events without a line. */
static void expect_counted(unsigned long changes)
{
    char wanted[80];
    struct buf text;

    snprintf(wanted, sizeof(wanted),
             "sallyport_events_total{event=\"change\"} %lu\n", changes);
    buf_init(&text, 1 << 20);
    cr_assert_eq(metrics_text(s.metrics, &text), 0);
    cr_assert_eq(buf_add(&text, "", 1), 0);
    cr_expect(strstr(text.data, wanted), "no %s", wanted);
    buf_release(&text);
}

/* A session that only sends events gets a limited part of the log, which says
 * how many it left out. The lines of others are written as before. */
LogTest(log, flood)
{
    enum { EVENTS = 3 * BURST };
    struct event_sender e, other;
    struct event_record r;
    unsigned long written = 0, dropped = 0, others = 0;

    add_sender(&e, PROCESS_SESSION, 1, 4);
    add_sender(&other, PROCESS_SESSION, 2, 4);
    begin_long(&r, EVENT_CHANGE);
    for (unsigned i = 0; i < EVENTS; i++)
        send_in_time(&e, &r);
    cr_assert_eq(event_send(&other, &r), 0);
    event_sender_release(&e);
    while (written + dropped < EVENTS || others == 0) {
        const char *text = line();
        const char *number = strstr(text, dropped_words);

        written += strstr(text, "change process=session serial=0000000000000001"
                                " ") != NULL;
        others += strstr(text, "serial=0000000000000002 ") != NULL;
        if (number)
            dropped += strtoul(number + strlen(dropped_words), NULL, 10);
    }
    cr_assert_geq(written, RATE_BURST / (2 * LINE_LEAST));
    cr_assert_eq(written + dropped, EVENTS);
    cr_assert_gt(dropped, 0);
    expect_counted(EVENTS + 1);
    event_sender_release(&other);
}

/* However many told events a process sends, its due events have lines. */
LogTest(log, due_events_pass_a_flood)
{
    enum { EVENTS = 3 * BURST };
    struct event_sender gate;
    struct event_record r;
    unsigned long written = 0;

    add_sender(&gate, PROCESS_GATE, 0, 0);
    begin_long(&r, EVENT_REFUSED);
    for (unsigned i = 0; i < EVENTS; i++)
        send_in_time(&gate, &r);
    event_begin(&r, EVENT_TROUBLE);
    send_in_time(&gate, &r);
    while (!strstr(line(), "service process=gate"))
        written++;
    cr_expect_lt(written, EVENTS);
    event_sender_release(&gate);
}

/* A user can't hide a line among others: the session waits, while all others
 * are read at once, and nothing is dropped. Log knows from the message about
 * the session's files that it belongs to a user. */
LogTest(log, a_user_waits)
{
    enum { EVENTS = BURST + SECOND * 2 };
    struct event_sender e, other, files;
    struct event_record r, hello;
    uint64_t began = clock_ms();
    unsigned before = 0;
    const char *text;

    add_sender(&e, PROCESS_SESSION, 1, 4);
    add_sender(&other, PROCESS_GATE, 0, 0);
    add_sender_of(&files, PROCESS_FILES, 1, 4, "anna");
    event_begin(&hello, EVENT_REFUSED);
    begin_long(&r, EVENT_CHANGE);
    for (unsigned i = 0; i < EVENTS; i++) {
        event_number(&r, FIELD_NUMBER, i);
        send_in_time(&e, &r);
    }
    event_sender_release(&e); /* its last events are unread */
    cr_assert_eq(event_send(&other, &hello), 0);
    for (unsigned i = 0; i < EVENTS; i++) {
        char number[32];

        text = line();
        if (strstr(text, "refused")) {
            before = i;
            text = line();
        }
        snprintf(number, sizeof(number), " number=%u", i);
        cr_assert(strstr(text, number), "%u: %s", i, text);
    }
    cr_expect(before > 0, "gate had to wait for a user");
    cr_expect_geq(clock_ms() - began, 1500);
    event_sender_release(&files);
    event_sender_release(&other);
}

static unsigned lines_until(const char *serial, unsigned n)
{
    unsigned others = 0;

    while (n > 0)
        if (strstr(line(), serial))
            n--;
        else
            others++;
    return others;
}

/* Two sessions of a user share one rate; another user isn't affected. */
LogTest(log, sessions_share_their_users_rate)
{
    enum { EVENTS = SECOND * 2 };
    struct event_sender first, second, other;
    struct event_record r;
    unsigned before;
    uint64_t began = clock_ms();

    add_sender_of(&first, PROCESS_SESSION, 1, 4, "anna");
    add_sender_of(&second, PROCESS_SESSION, 2, 4, "anna");
    add_sender_of(&other, PROCESS_SESSION, 3, 4, "bert");
    begin_long(&r, EVENT_CHANGE);
    for (unsigned i = 0; i < BURST; i++)
        send_in_time(&first, &r);
    lines_until("serial=0000000000000001", BURST);
    for (unsigned i = 0; i < EVENTS; i++)
        send_in_time(&second, &r);
    cr_assert_eq(event_send(&other, &r), 0);
    before = lines_until("serial=0000000000000003", 1);
    cr_expect_lt(before, EVENTS, "another user had to wait");
    event_sender_release(&second);
    lines_until("serial=0000000000000002", EVENTS - before);
    cr_expect_geq(clock_ms() - began, 1500);
    event_sender_release(&first);
    event_sender_release(&other);
}

/* The other sessions of a user, which log as much as they can. */
#define OTHERS 30

static void flood_on(struct event_sender *other, unsigned others,
                     const struct event_record *r)
{
    for (unsigned i = 0; i < others; i++) {
        for (event_flush(&other[i]); !other[i].full;)
            cr_assert_eq(event_send(&other[i], r), 0);
    }
    take_lines(1);
}

#define HELD 20 /* refused changes before the last events of a process */

static const struct {
    enum event event;
    const char *verb;
} last[] = {
    { EVENT_TRANSFER, "RETR" }, { EVENT_TRANSFER, "STOR" },
    { EVENT_TRANSFER, "APPE" }, { EVENT_CHANGE, "DELE" },
    { EVENT_CHANGE, "RNTO" },   { EVENT_END, "" },
};
#define LASTS (sizeof(last) / sizeof(last[0]))

static void send_last(struct event_sender *e)
{
    struct event_record r;

    for (size_t i = 0; i < HELD + LASTS; i++) {
        event_begin(&r, i < HELD ? EVENT_CHANGE : last[i - HELD].event);
        event_text(&r, FIELD_VERB,
                   slice_from(i < HELD ? "DELE" : last[i - HELD].verb));
        cr_assert_eq(event_send(e, &r), 0);
    }
    event_sender_release(e);
}

/* Reads the lines so far. Returns how many come from the processes that have
 * ended. */
static unsigned lines_of_ended(void)
{
    char *begin = s.text.data, *end = begin + s.text.len, *stop;
    unsigned n = 0;

    for (; (stop = memchr(begin, '\n', (size_t)(end - begin)));
         begin = stop + 1) {
        *stop = '\0';
        n += strstr(begin, "serial=0000000000c0ffee") != NULL;
    }
    buf_consume(&s.text, (size_t)(begin - s.text.data));
    return n;
}

/* Whatever the other sessions of a user log, what has ended is read in time:
 * long before master gives up its lines. */
static void ends_among(unsigned others, size_t length, char byte)
{
    static struct event_sender other[OTHERS];
    static char path[LINE_LEAST * 2];
    struct event_sender of[2];
    struct event_record r;
    struct pollfd one = { .events = POLLIN };
    unsigned left = 2 * (HELD + LASTS);
    uint64_t ended;

    open_log();
    one.fd = s.lines;
    memset(path, byte, sizeof(path));
    event_begin(&r, EVENT_CHANGE);
    event_text(&r, FIELD_PATH, (struct slice){ path, length });
    for (uint64_t i = 0; i < others; i++)
        add_sender_of(&other[i], PROCESS_SESSION, i + 1, 4, "anna");
    while (s.text.len < RATE_BURST)
        flood_on(other, others, &r);
    lines_of_ended();
    add_sender_of(&of[0], PROCESS_SESSION, 0xc0ffee, 4, "anna");
    add_sender_of(&of[1], PROCESS_FILES, 0xc0ffee, 4, "anna");
    send_last(&of[0]);
    send_last(&of[1]);
    for (ended = clock_ms(); left > 0; left -= lines_of_ended()) {
        cr_assert_lt(clock_ms() - ended, 10000, "%u sessions, lines of %zu",
                     others, length);
        flood_on(other, others, &r);
    }
    for (unsigned i = 0; i < others; i++)
        event_sender_release(&other[i]);
    channel_close(&s.log); /* now nobody waits, and log ends */
    while (poll(&one, 1, WAIT_MS) > 0 && (one.revents & POLLIN)) {
        take_lines(0);
        lines_of_ended();
    }
    end_log(0);
}

Test(log, what_has_ended_does_not_wait, .timeout = 120)
{
    static const struct {
        size_t length;
        char byte; /* 0xfe becomes four bytes */
    } paths[] = { { 1, 'p' }, { LINE_LEAST, 'p' }, { LINE_LEAST * 2, '\xfe' } };

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        ends_among(1, paths[i].length, paths[i].byte);
        ends_among(OTHERS, paths[i].length, paths[i].byte);
    }
}

/* A user begins and ends sessions all the time: their lines don't keep the
 * user's other sessions waiting for long. */
LogTest(log, what_has_ended_leaves_no_debt)
{
    static char path[LINE_LEAST * 2];
    struct event_sender e;
    struct event_record r;
    uint64_t ended;
    unsigned left;

    memset(path, '\xfe', sizeof(path));
    event_begin(&r, EVENT_CHANGE);
    event_text(&r, FIELD_PATH, (struct slice){ path, sizeof(path) });
    for (int round = 0; round < 8; round++) {
        left = 0;
        for (unsigned i = 0; i < 16; i++) {
            add_sender_of(&e, PROCESS_SESSION, 0xc0ffee, 4, "anna");
            for (; !e.full; left++)
                cr_assert_eq(event_send(&e, &r), 0);
            event_sender_release(&e);
        }
        for (; left > 0; left -= lines_of_ended())
            take_lines(1000);
    }
    add_sender_of(&e, PROCESS_SESSION, 0xc0ffee, 4, "anna");
    event_begin(&r, EVENT_TRANSFER);
    cr_assert_eq(event_send(&e, &r), 0);
    for (ended = clock_ms(); lines_of_ended() == 0; take_lines(1000))
        cr_assert_lt(clock_ms() - ended, 10000);
    event_sender_release(&e);
}

/* Before a login the session counts like any other, also while a user has
 * another one: too many events are dropped. */
LogTest(log, a_failed_login_is_no_user)
{
    enum { EVENTS = BURST * 6 };
    struct event_sender e, files;
    struct event_record r;
    uint64_t began = clock_ms();
    const char *text;

    add_sender(&e, PROCESS_SESSION, 1, 4);
    add_sender_of(&files, PROCESS_FILES, 2, 4, "anna");
    begin_long(&r, EVENT_LOGIN_FAILED);
    event_text(&r, FIELD_USER, SLICE("anna"));
    for (unsigned i = 0; i < EVENTS; i++)
        send_in_time(&e, &r);
    event_sender_release(&e);
    do
        text = line();
    while (!strstr(text, dropped_words));
    cr_expect_lt(clock_ms() - began, 1000 * (EVENTS - BURST) / SECOND);
    event_sender_release(&files);
}

/* When master has gone nobody waits any more. */
LogTest(log, a_user_does_not_hold_up_the_end)
{
    enum { EVENTS = BURST + SECOND / 2 };
    struct event_sender e;
    struct event_record r;

    add_sender_of(&e, PROCESS_SESSION, 1, 4, "anna");
    begin_long(&r, EVENT_CHANGE);
    for (unsigned i = 0; i < EVENTS; i++)
        send_in_time(&e, &r);
    event_begin(&r, EVENT_END);
    send_in_time(&e, &r);
    event_sender_release(&e);
    channel_close(&s.log);
    while (!strstr(line(), "end process=session"))
        continue;
}

/* When master has gone, earlier events are still written. */
LogTest(log, reads_all_at_the_end)
{
    struct event_sender e;
    struct event_record r;
    int lines = 0;

    add_sender(&e, PROCESS_SESSION, 1, 4);
    event_begin(&r, EVENT_END);
    kill(s.pid, SIGSTOP);
    for (int i = 0; i < 100; i++)
        cr_assert_eq(event_send(&e, &r), 0);
    channel_close(&s.log);
    kill(s.pid, SIGCONT);
    for (; lines < 100; lines++)
        cr_assert(strstr(line(), "end process=session"));
    event_sender_release(&e);
}

/* A process that leaves because master has gone sends its last event after
 * that. */
LogTest(log, waits_for_last_words)
{
    struct event_sender e;
    struct event_record r;
    char byte;

    add_sender(&e, PROCESS_SESSION, 1, 4);
    shutdown(s.log.fd, SHUT_WR);
    cr_assert_eq(fd_set_nonblock(s.log.fd, false), 0);
    cr_assert_eq(recv(s.log.fd, &byte, 1, 0), 0); /* it has noticed */
    event_begin(&r, EVENT_END);
    cr_assert_eq(event_send(&e, &r), 0);
    cr_assert(strstr(line(), "end process=session"));
    event_sender_release(&e);
}

/* Log doesn't wait forever for a sender that stays. */
Test(log, ends_without_last_words)
{
    struct event_sender e;

    open_log();
    add_sender(&e, PROCESS_SESSION, 1, 4);
    end_log(0);
    event_sender_release(&e);
}

static const int signals_of_all[] = { SIGHUP, SIGINT, SIGTERM };

/* ^C in a terminal reaches log too, but the last events are still to come. */
LogTest(log, signals_of_the_terminal)
{
    struct event_sender e;
    struct event_record r;

    add_sender(&e, PROCESS_SESSION, 1, 4);
    event_begin(&r, EVENT_END);
    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(kill(s.pid, signals_of_all[i]), 0);
        cr_assert_eq(event_send(&e, &r), 0);
        cr_assert(strstr(line(), "end process=session"));
    }
    event_sender_release(&e);
}

/* Nobody reads the lines any more: log continues. */
LogTest(log, reader_gone)
{
    struct event_sender e;
    struct event_record r;

    add_sender(&e, PROCESS_SESSION, 1, 4);
    fd_close(&s.lines);
    event_begin(&r, EVENT_END);
    for (int i = 0; i < 10; i++)
        cr_assert_eq(event_send(&e, &r), 0);
    event_sender_release(&e);
}

static void check_refused(int output, int memory)
{
    s.lines = -1;
    raise_log(output, memory);
    cr_expect(
        slice_starts(EXPECT(&s.log, failed)->why, SLICE("log: set-up: ")));
    end_log(EX_CONFIG);
}

Test(log, bad_setups)
{
    check_refused(-1, metrics_memory());
    check_refused(dup(STDERR_FILENO), -1);
    check_refused(dup(STDERR_FILENO), fd_sealed("metrics", SLICE("short")));
}

/* The kernel has no memory for a watch, when a sender comes and after its
 * pause. Nothing of the sender is lost: log tries again. */
Test(log, a_sender_that_cannot_be_watched)
{
    static struct sender one;
    static struct log l = { .frame.loop.epoll_fd = -1,
                            .sender = &one,
                            .senders = 1 };
    struct msg_speaker msg = { .process = PROCESS_GATE };
    int ends[2];

    cr_assert_eq(fd_pair(ends), 0);
    msg.end = ends[0];
    cr_assert_eq(senders_on_sender(&l, &msg), 0);
    for (int i = 0; i < 2; i++) {
        cr_assert(one.used && one.timer.armed && !one.watch.added, "%d", i);
        loop_timer_clear(&l.frame.loop, &one.timer);
        one.timer.on_timer(one.timer.owner);
    }
    loop_timer_clear(&l.frame.loop, &one.timer);
    cr_assert_eq(loop_init(&l.frame.loop), 0);
    one.timer.on_timer(one.timer.owner);
    cr_expect(one.used && one.watch.added);
    cr_expect_eq(l.used, 1);
    close(ends[1]);
}
