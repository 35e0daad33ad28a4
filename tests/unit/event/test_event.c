/* Events: encoded and decoded again, one line each, whatever a client wrote. */
#include "sallyport/event/event.h"

#include <syslog.h>

#include "sallyport/base/fd.h"
#include "sallyport/ipc/channel.h"
#include "support/cast.h"
#include "support/files.h"
#include "support/test.h"

static void line_of(struct slice path, char *out, size_t size)
{
    struct event_record r;
    struct buf line;

    event_begin(&r, EVENT_CHANGE);
    event_text(&r, FIELD_PATH, path);
    buf_init(&line, size - 1);
    cr_assert_eq(event_line(&r, &line), 0);
    memcpy(out, line.data, line.len);
    out[line.len] = 0;
    buf_release(&line);
}

struct escape {
    struct slice path;
    const char *line;
};

static const struct escape escapes[] = {
    { { "/plain", 6 }, "change path=/plain" },
    { { "/a b", 4 }, "change path=\"/a b\"" },
    { { "", 0 }, "change path=\"\"" },
    { { "/x=y", 4 }, "change path=\"/x=y\"" },
    { { "/a\nlogin user=eve", 17 }, "change path=\"/a\\x0alogin user=eve\"" },
    { { "/\"\\\x7f", 4 }, "change path=/\\x22\\x5c\\x7f" },
    { { "/\0\x1b[2J", 6 }, "change path=/\\x00\\x1b[2J" },
    { { "/\xc3\xa4", 3 }, "change path=/\xc3\xa4" },
    { { "/\xff\xc3", 3 }, "change path=/\\xff\\xc3" },
    { { "/\xc0\xaf", 3 }, "change path=/\\xc0\\xaf" },          /* overlong */
    { { "/\xed\xa0\x80", 4 }, "change path=/\\xed\\xa0\\x80" }, /* surrogate */
    { { "/\xc2\x9b", 3 }, "change path=/\\xc2\\x9b" },          /* C1: CSI */
    { { "/\xe2\x80\xae", 4 }, "change path=/\\xe2\\x80\\xae" }, /* U+202E */
    { { "/\xe2\x81\xa9", 4 }, "change path=/\\xe2\\x81\\xa9" }, /* U+2069 */
    { { "/\xe2\x80\xa7", 4 }, "change path=/\xe2\x80\xa7" },
    { { "/\xf0\x9f\x98\x80", 5 }, "change path=/\xf0\x9f\x98\x80" },
    { { "/\xf4\x90\x80\x80", 5 }, "change path=/\\xf4\\x90\\x80\\x80" },
    { { "/\xc2\xa0", 3 }, "change path=/\xc2\xa0" },
    { { "/\xc2\x9f", 3 }, "change path=/\\xc2\\x9f" },
    { { "/\xdf\xbf", 3 }, "change path=/\xdf\xbf" },
    { { "/\xe0\x9f\xbf", 4 }, "change path=/\\xe0\\x9f\\xbf" },
    { { "/\xe0\xa0\x80", 4 }, "change path=/\xe0\xa0\x80" },
    { { "/\xed\x9f\xbf", 4 }, "change path=/\xed\x9f\xbf" },
    { { "/\xee\x80\x80", 4 }, "change path=/\xee\x80\x80" },
    { { "/\xef\xbf\xbd", 4 }, "change path=/\xef\xbf\xbd" },
    { { "/\xf0\x8f\xbf\xbf", 5 }, "change path=/\\xf0\\x8f\\xbf\\xbf" },
    { { "/\xf0\x90\x80\x80", 5 }, "change path=/\xf0\x90\x80\x80" },
    { { "/\xf4\x8f\xbf\xbf", 5 }, "change path=/\xf4\x8f\xbf\xbf" },
    { { "/\xf5\x80\x80\x80", 5 }, "change path=/\\xf5\\x80\\x80\\x80" },
    { { "/\xe2\x80\xa8", 4 }, "change path=/\\xe2\\x80\\xa8" },
    { { "/\xe2\x81\xa6", 4 }, "change path=/\\xe2\\x81\\xa6" },
    { { "/\xe2\x81\x9f", 4 }, "change path=/\xe2\x81\x9f" },
    { { "/\xe2\x80\xaf", 4 }, "change path=/\xe2\x80\xaf" },
};

Test(event, a_line_stays_one_line)
{
    for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
        char line[256];

        line_of(escapes[i].path, line, sizeof(line));
        cr_assert_str_eq(line, escapes[i].line, "row %zu: %s", i, line);
    }
}

static void all_fields(struct event_record *r)
{
    event_begin(r, EVENT_TRANSFER);
    event_text(r, FIELD_TLS, SLICE("TLSv1.3 X"));
    event_text(r, FIELD_PROCESS, SLICE("session"));
    event_number(r, FIELD_SERIAL, 0xc0ffee);
    event_number(r, FIELD_BYTES, UINT64_MAX);
    event_number(r, FIELD_RESULT, 451);
    event_text(r, FIELD_PATH, SLICE("/a b\\\xff\n\"\xc3\xa4"));
    event_text(r, FIELD_REASON, SLICE(""));
}

#define TIME "2026-11-20T07:42:01.123Z"

/* A backslash of JSON doubles one of the escapes; so one rule undoes the
 * escapes of each form. */
Test(event, json)
{
    struct event_record r;
    struct buf line;

    all_fields(&r);
    buf_init(&line, 4096);
    cr_assert_eq(event_json(&r, TIME, &line), 0);
    cr_assert_eq(buf_add(&line, "", 1), 0);
    cr_expect_str_eq(line.data,
                     "{\"v\":1,\"time\":\"" TIME "\",\"severity\":\"warning\","
                     "\"event\":\"transfer\",\"process\":\"session\","
                     "\"serial\":\"0000000000c0ffee\","
                     "\"path\":\"/a b\\\\x5c\\\\xff\\\\x0a\\\\x22\xc3\xa4\","
                     "\"bytes\":9223372036854775807,\"result\":451,"
                     "\"reason\":\"\",\"tls\":\"TLSv1.3 X\"}\n");
    buf_release(&line);
}

static const struct {
    enum event event;
    enum event_field field; /* FIELD_COUNT: none */
    uint64_t number;
    int severity;
} severities[] = {
    { EVENT_CONNECT, FIELD_COUNT, 0, LOG_INFO },
    { EVENT_SERVICE, FIELD_COUNT, 0, LOG_NOTICE },
    { EVENT_TROUBLE, FIELD_COUNT, 0, LOG_WARNING },
    { EVENT_CHILD, FIELD_COUNT, 0, LOG_ERR },
    { EVENT_TRANSFER, FIELD_RESULT, 226, LOG_INFO },
    { EVENT_TRANSFER, FIELD_RESULT, 0, LOG_WARNING },
    { EVENT_TRANSFER, FIELD_RESULT, 426, LOG_WARNING },
    { EVENT_TRANSFER, FIELD_RESULT, 550, LOG_NOTICE },
    { EVENT_CHANGE, FIELD_RESULT, 250, LOG_INFO },
    { EVENT_CHANGE, FIELD_RESULT, 451, LOG_WARNING },
    { EVENT_COMMAND_REFUSED, FIELD_RESULT, 425, LOG_NOTICE },
    { EVENT_END, FIELD_COUNT, 0, LOG_INFO },
    { EVENT_END, FIELD_NUMBER, 11, LOG_ERR },
};

Test(event, severity)
{
    for (size_t i = 0; i < sizeof(severities) / sizeof(severities[0]); i++) {
        struct event_record r;

        event_begin(&r, severities[i].event);
        if (severities[i].field != FIELD_COUNT)
            event_number(&r, severities[i].field, severities[i].number);
        cr_expect_eq(event_severity(&r), severities[i].severity, "row %zu", i);
    }
}

/* Beginning and end of a long value, and the number of bytes left out. */
Test(event, a_long_value_is_cut)
{
    char path[3000], expected[3000], out[8192];

    memset(path, 'x', sizeof(path));
    line_of((struct slice){ path, EVENT_VALUE_MAX }, out, sizeof(out));
    cr_assert(!strchr(out, '['), "%s", out);
    memcpy(path, "/\xc3\xa4/", 4);
    memcpy(path + sizeof(path) - 9, "/the name", 9);
    line_of((struct slice){ path, sizeof(path) }, out, sizeof(out));
    snprintf(expected, sizeof(expected), "change path=\"/\xc3\xa4/%.*s\\[%zu]",
             EVENT_VALUE_MAX / 2 - 4, path + 4, sizeof(path) - EVENT_VALUE_MAX);
    cr_assert_eq(strncmp(out, expected, strlen(expected)), 0, "%s", out);
    cr_assert(strstr(out, "xxx/the name\""), "%s", out);
}

/* The cut isn't within a character, which would be escaped. A line has a bound,
 * whatever its bytes are. */
Test(event, a_cut_keeps_characters_whole)
{
    char path[EVENT_VALUE_MAX * 2], out[8192];

    static const char *const characters[] = { "\xc3\xa4", "\xe2\x82\xac",
                                              "\xf0\x9f\x98\x80" };

    for (size_t c = 0; c < 3; c++)
        for (size_t width = c + 2, shift = 0; shift < width; shift++) {
            memset(path, 'x', sizeof(path));
            for (size_t i = shift; i + width <= sizeof(path); i += width)
                memcpy(path + i, characters[c], width);
            line_of((struct slice){ path, sizeof(path) }, out, sizeof(out));
            cr_assert(strstr(out, "\\["), "%s", out);
            cr_assert(!strstr(out, "\\x"), "%s", out);
        }
    memset(path, 0x80, sizeof(path));
    line_of((struct slice){ path, sizeof(path) }, out, sizeof(out));
    cr_assert_lt(strlen(out), 4 * EVENT_VALUE_MAX + 64);
}

Test(event, there_and_back)
{
    struct event_record r, back;
    struct buf bytes;

    event_begin(&r, EVENT_TRANSFER);
    event_text(&r, FIELD_VERB, SLICE("STOR"));
    event_text(&r, FIELD_PATH, SLICE("/a\xff"));
    event_number(&r, FIELD_BYTES, UINT64_MAX);
    event_number(&r, FIELD_MS, 0);
    buf_init(&bytes, EVENT_BYTES_MAX);
    cr_assert_eq(event_encode(&r, &bytes), 0);
    cr_assert_eq(event_decode(buf_slice(&bytes), &back), 0);
    cr_assert_eq(back.event, EVENT_TRANSFER);
    cr_assert(slice_equal(back.text[FIELD_PATH], SLICE("/a\xff")));
    cr_assert_eq(back.number[FIELD_BYTES], UINT64_MAX);
    cr_assert(back.has_number & 1U << FIELD_MS);
    cr_assert_not(back.has_number & 1U << FIELD_RESULT);
    for (size_t n = 0; n < bytes.len; n++) { /* never a crash */
        struct slice cut = { bytes.data, n };
        int e = event_decode(cut, &back);

        cr_assert(e == 0 || e == -EINVAL);
    }
    buf_release(&bytes);
}

Test(event, decode_refuses)
{
    static const struct slice bad[] = {
        { "", 0 },
        { "\xff", 1 },             /* no such event */
        { "\0\xff\0\0", 4 },       /* no such field */
        { "\0\0\5\0ab", 6 },       /* length beyond the end */
        { "\0\7\4\0abcd", 8 },     /* a number of 4 bytes */
        { "\0\0\1\0a\0\1\0b", 9 }, /* a field twice */
    };
    struct event_record r;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_assert_eq(event_decode(bad[i], &r), -EINVAL, "row %zu", i);
}

Test(event, two_longest_paths_fit)
{
    static char path[5000];
    struct event_record r;
    struct buf bytes;

    memset(path, 'p', sizeof(path));
    event_begin(&r, EVENT_CHANGE);
    event_text(&r, FIELD_PATH, (struct slice){ path, sizeof(path) });
    event_text(&r, FIELD_TO, (struct slice){ path, sizeof(path) });
    event_text(&r, FIELD_USER, (struct slice){ path, 1024 });
    cr_assert_eq(r.text[FIELD_PATH].len, 4096);
    buf_init(&bytes, EVENT_BYTES_MAX);
    cr_assert_eq(event_encode(&r, &bytes), 0);
    buf_release(&bytes);
}

static struct event_sender sender;
static struct channel log_end; /* the channel to it */

static int new_log(void)
{
    return channel_make(&log_end, PROCESS_LOG, PROCESS_SESSION, PHASE_RUN);
}

static void open_sender(void)
{
    event_sender_init(&sender, new_log(), PROCESS_SESSION);
}

static void close_sender(void)
{
    channel_close(&log_end);
    event_sender_release(&sender);
}

TestSuite(sender, .init = open_sender, .fini = close_sender);

static struct event_record numbered(enum event e, uint64_t number)
{
    struct event_record r;

    event_begin(&r, e);
    event_number(&r, FIELD_NUMBER, number);
    return r;
}

static uint64_t next_number(void)
{
    struct event_record r;
    struct message m;

    if (channel_receive(&log_end, &m) != 1)
        return UINT64_MAX;
    cr_assert_eq(event_decode(m.event.event, &r), 0);
    return r.number[FIELD_NUMBER];
}

static void expect_dropped(uint64_t number)
{
    cr_assert_eq(sender.dropped, number);
    cr_assert(sender.full);
    event_flush(&sender);
    cr_assert(!sender.full);
    cr_assert_eq(next_number(), number);
    cr_assert_eq(next_number(), UINT64_MAX);
}

Test(sender, a_slow_log_loses_nothing_up_to_the_socket)
{
    struct event_record r;
    uint64_t sent = 0;

    do
        r = numbered(EVENT_SYSCALL, sent);
    while (event_send(&sender, &r) == 0 && ++sent < 1000000);
    for (uint64_t n = 0; n < sent; n++)
        cr_assert_eq(next_number(), n);
    expect_dropped(1);
}

/* Sends told events until one is dropped: many short ones, and at the border
 * one of LEN bytes. Returns their number. */
static uint64_t fill_with_told(enum event e, size_t len)
{
    static const char text[EVENT_TEXT_MAX];
    struct event_record r = numbered(e, 9);
    uint64_t sent = 0;

    while (!sender.full && ++sent < 1000000)
        cr_assert_eq(event_send(&sender, &r), 0);
    cr_assert_neq(channel_waits(log_end.fd), 0);
    while (sender.full && sent > 0) { /* until one more has room */
        cr_assert_eq(next_number(), 9);
        sent--;
        event_flush(&sender);
    }
    event_text(&r, FIELD_PATH, (struct slice){ text, len });
    event_text(&r, FIELD_TO, (struct slice){ text, len });
    cr_assert_eq(event_send(&sender, &r), 0);
    cr_assert_lt(event_send(&sender, &r), 0);
    return sent + 1;
}

/* Told events leave room for due ones: for the longest of several commands. */
Test(sender, told_events_leave_room)
{
    enum { DUE = 8 };
    static const char text[EVENT_TEXT_MAX];

    for (unsigned e = 0; e < EVENT_COUNT; e++) {
        struct event_record r = numbered(e, 7);
        const bool due = event_is_due(&r);
        uint64_t told = fill_with_told(EVENT_COMMAND_REFUSED, EVENT_TEXT_MAX);

        event_text(&r, FIELD_PATH, (struct slice){ text, EVENT_TEXT_MAX });
        event_text(&r, FIELD_TO, (struct slice){ text, EVENT_TEXT_MAX });
        for (unsigned i = 0; i < DUE; i++)
            cr_assert_eq(event_send(&sender, &r) == 0, due, "%u: event %u", i,
                         e);
        while (told-- > 0)
            cr_assert_eq(next_number(), 9);
        if (due)
            cr_assert_eq(next_number(), 1); /* so many were dropped before */
        for (unsigned i = 0; i < DUE && due; i++)
            cr_assert_eq(next_number(), 7);
        if (!due)
            expect_dropped(1 + DUE);
        event_flush(&sender);
    }
}

/* A process that ends while log is behind sends the number. */
Test(sender, at_its_end_the_number_is_sent)
{
    uint64_t told = fill_with_told(EVENT_COMMAND_REFUSED, 100);

    event_flush(&sender);
    cr_assert(sender.full);
    event_sender_release(&sender);
    while (told-- > 0)
        cr_assert_eq(next_number(), 9);
    cr_assert_eq(next_number(), 1);
}

/* The kernel refuses it for ever. The log gets the number of such events. */
Test(sender, one_that_cannot_be_sent)
{
    char text[4000];
    struct event_record r;
    int small = 1;

    setsockopt(sender.channel.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    memset(text, 'x', sizeof(text));
    event_begin(&r, EVENT_CHANGE);
    event_text(&r, FIELD_PATH, (struct slice){ text, sizeof(text) });
    event_text(&r, FIELD_TO, (struct slice){ text, sizeof(text) });
    cr_assert_lt(event_send(&sender, &r), 0);
    cr_assert_eq(sender.dropped, 1);
    r = numbered(EVENT_SYSCALL, 7);
    cr_assert_eq(event_send(&sender, &r), 0);
    cr_assert_eq(next_number(), 1);
    cr_assert_eq(next_number(), 7);
}

Test(sender, syscall_from_a_signal_handler_is_an_event_like_others)
{
    int sent = 0;

    event_on_syscall(40); /* nobody sends it */
    event_syscalls_by(&sender);
    event_on_syscall(41);
    event_on_syscall(42);
    cr_assert_eq(next_number(), 41);
    cr_assert_eq(next_number(), 42);
    cr_assert_eq(next_number(), UINT64_MAX);
    while (sender.dropped == 0 && sent < 100000) /* the socket is full then */
        event_on_syscall(sent++);
    for (int n = 0; n < sent - 1; n++)
        cr_assert_eq(next_number(), (uint64_t)n);
    event_flush(&sender);
    cr_assert_eq(next_number(), 1);
    cr_assert_eq(next_number(), UINT64_MAX);
    event_syscalls_by(NULL);
    event_on_syscall(43);
    cr_assert_eq(next_number(), UINT64_MAX);
}

Test(sender, without_a_log_events_vanish)
{
    struct event_sender s;
    struct event_record r;

    event_sender_init(&s, -1, PROCESS_SESSION);
    event_begin(&r, EVENT_LOGIN);
    cr_assert_eq(event_send(&s, &r), 0);
    event_syscalls_by(&s);
    event_on_syscall(1);
    event_syscalls_by(NULL);
    event_sender_release(&s);
}

Test(event, names)
{
    for (unsigned e = 0; e < EVENT_COUNT; e++)
        cr_assert_str_neq(event_name((enum event)e), "?");
    cr_expect_str_eq(event_name(EVENT_TROUBLE), event_name(EVENT_SERVICE));
    cr_expect_str_eq(event_name(EVENT_COUNT), "?");
    for (unsigned f = 0; f < FIELD_COUNT; f++) {
        struct event_record r;
        struct buf line;

        buf_init(&line, 256);
        event_begin(&r, EVENT_SERVICE);
        event_text(&r, (enum event_field)f, SLICE("x"));
        cr_assert_eq(event_line(&r, &line), 0);
        cr_expect_eq(memmem(line.data, line.len, "(null)", 6), NULL, "%u", f);
        buf_release(&line);
    }
}

/* The metrics have each by this name. */
Test(event, names_are_documented)
{
    struct buf page;

    buf_init(&page, 1 << 20);
    cr_assert(files_read(in_source("docs/admin/monitoring.md"), &page));
    for (unsigned e = 0; e < EVENT_COUNT; e++) {
        char row[64];

        snprintf(row, sizeof(row), "\n| `%s` | ", event_names[e]);
        cr_expect_not_null(memmem(page.data, page.len, row, strlen(row)),
                           "no row of docs/admin/monitoring.md:%s", row);
    }
    buf_release(&page);
}
