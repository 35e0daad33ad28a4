/* Tests how a TLS stream ends: orderly, cut, dropped, or with a closed peer. A
 * file must never look complete if its end was cut off. */
#include <linux/tcp.h>
#include <netinet/in.h>

#include "raw.h"
#include "support/long.h"

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
#define VERSIONS (sizeof(versions) / sizeof(versions[0]))

enum ending { NOTIFY, NOTIFY_AND_FIN, FIN, RESET };

/* said: the bytes that the client sends; half: it then sends half a record;
 * ending: how it ends; expected: the stream's state at the end. */
struct row {
    const char *said;
    bool half;
    enum ending ending;
    enum stream_state expected;
};
static const struct row rows[] = {
    { "", false, NOTIFY, STREAM_CLOSED },
    { "", false, NOTIFY_AND_FIN, STREAM_CLOSED },
    { "", false, FIN, STREAM_CUT },
    { "", false, RESET, STREAM_CUT },
    { "bytes", false, NOTIFY, STREAM_CLOSED },
    { "bytes", false, NOTIFY_AND_FIN, STREAM_CLOSED },
    { "bytes", false, FIN, STREAM_CUT },
    { "bytes", false, RESET, STREAM_CUT },
    { "", true, FIN, STREAM_CUT },
    { "bytes", true, FIN, STREAM_CUT },
};

static void say_half(struct raw *r, struct line *l)
{
    char record[128];
    cr_assert_eq(SSL_write(r->ssl, "half", 4), 4);
    size_t len = raw_take(r, record, sizeof(record));
    cr_assert_eq(send(l->far, record, len / 2, 0), (ssize_t)(len / 2));
}

static void end_so(struct raw *r, struct line *l, enum ending ending)
{
    if (ending == NOTIFY || ending == NOTIFY_AND_FIN)
        SSL_shutdown(r->ssl);
    raw_say(r, l);
    if (ending == FIN || ending == NOTIFY_AND_FIN)
        shutdown(l->far, SHUT_WR);
    if (ending == RESET) {
        /* Closing with unread bytes resets an AF_UNIX pair as well. */
        cr_assert_eq(send(l->near, "!", 1, 0), 1);
        line_hang_up(l);
    }
}

static void read_to_the_end(struct line *l, const struct row *row)
{
    char bytes[64];
    size_t n, len = strlen(row->said);
    if (len > 0) {
        cr_assert_eq(stream_read(l->s, bytes, sizeof(bytes), &n), STREAM_OK);
        cr_assert_eq(n, len);
        cr_assert_arr_eq(bytes, row->said, len);
    }
    enum stream_state st = stream_read(l->s, bytes, sizeof(bytes), &n);
    if (st == STREAM_AGAIN) /* one recv per call */
        st = stream_read(l->s, bytes, sizeof(bytes), &n);
    cr_assert_eq(st, row->expected);
    cr_assert_eq(n, 0u);
    cr_assert_eq(strlen(stream_cause(l->s)) > 0, st == STREAM_CUT);
    cr_assert_eq(stream_read(l->s, bytes, sizeof(bytes), &n), row->expected,
                 "and stays so");
    cr_assert(!stream_pending(l->s));
}

Test(ends, of_the_client)
{
    for (size_t v = 0; v < VERSIONS; v++)
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            struct raw r;
            struct line l;
            line_secured(&l, DATA, 0);
            raw_shake(&r, &l, versions[v]);
            if (rows[i].said[0])
                SSL_write(r.ssl, rows[i].said, (int)strlen(rows[i].said));
            raw_say(&r, &l);
            if (rows[i].half)
                say_half(&r, &l);
            end_so(&r, &l, rows[i].ending);
            read_to_the_end(&l, &rows[i]);
            raw_close(&r);
            line_close(&l);
        }
}

static void fin(struct line *l)
{
    shutdown(l->far, SHUT_WR);
}

static void reset(struct line *l)
{
    const struct linger at_once = { .l_onoff = 1 };

    setsockopt(l->far, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    line_hang_up(l);
}

static void fin_and_reset(struct line *l)
{
    fin(l);
    reset(l);
}

/* Closes with unread bytes, so the kernel sends a reset instead of a FIN. */
static void close_with_unread_bytes(struct line *l)
{
    struct pollfd far = { .fd = l->far, .events = POLLIN };

    cr_assert_eq(send(l->near, "!", 1, 0), 1);
    cr_assert_eq(poll(&far, 1, 10000), 1);
    line_hang_up(l);
}

/* Closes before the server's bytes arrive. The kernel sends a FIN, and a reset
 * when they arrive. */
static void close_before_our_bytes(struct line *l)
{
    struct pollfd near = { .fd = l->near };

    line_hang_up(l);
    near.events = POLLRDHUP;
    cr_assert_eq(poll(&near, 1, 10000), 1);
    cr_assert_eq(send(l->near, "!", 1, 0), 1);
    do
        cr_assert_eq(poll(&near, 1, 10000), 1);
    while (!(near.revents & POLLERR));
}

/* Ends of a TCP client. All bytes and the end have arrived before the stream
 * reads. */
static const struct tcp_end {
    const char *name;
    void (*end)(struct line *l);
    bool half;      /* the end is within a record */
    bool fin, bare; /* the results of stream_has_fin() and stream_bare_fin() */
} tcp_ends[] = {
    { "FIN", fin, false, true, true },
    { "FIN in a record", fin, true, true, false },
    { "reset", reset, false, false, false },
    { "FIN, reset", fin_and_reset, false, true, true },
    { "FIN in a record, reset", fin_and_reset, true, true, false },
    { "unread bytes", close_with_unread_bytes, false, false, false },
    { "closed before ours", close_before_our_bytes, false, true, true },
    { "closed in a record", close_before_our_bytes, true, true, false },
};

static void end_over_tcp(const struct tcp_end *row, int version)
{
    struct pollfd near = { .events = POLLRDHUP };
    enum stream_state st;
    char bytes[64];
    struct raw r;
    struct line l;
    size_t n;

    line_secured_tcp(&l, DATA);
    raw_shake(&r, &l, version);
    cr_assert_eq(SSL_write(r.ssl, "bytes", 5), 5);
    raw_say(&r, &l);
    if (row->half)
        say_half(&r, &l);
    row->end(&l);
    near.fd = l.near;
    cr_assert_eq(poll(&near, 1, 10000), 1);
    st = line_read(&l, bytes, sizeof(bytes), &n);
    cr_assert_eq(st, STREAM_OK, "%s: %d, %s", row->name, st, stream_cause(l.s));
    cr_expect(n == 5 && memcmp(bytes, "bytes", 5) == 0, "%s", row->name);
    st = line_read(&l, bytes, sizeof(bytes), &n);
    cr_expect_eq(st, STREAM_CUT, "%s: %d", row->name, st);
    cr_expect_eq(stream_has_fin(l.s), row->fin, "%s", row->name);
    cr_expect(!row->fin || (strstr(stream_cause(l.s), "within a TLS record") !=
                            NULL) == row->half,
              "%s: %s", row->name, stream_cause(l.s));
    cr_expect_eq(stream_bare_fin(l.s), row->bare, "%s", row->name);
    raw_close(&r);
    line_close(&l);
}

Test(ends, over_tcp)
{
    for (size_t v = 0; v < VERSIONS; v++)
        for (size_t i = 0; i < sizeof(tcp_ends) / sizeof(tcp_ends[0]); i++)
            end_over_tcp(&tcp_ends[i], versions[v]);
}

static void end_at(size_t at, int version, size_t *len)
{
    enum stream_state st;
    char bytes[64], record[128];
    struct raw r;
    struct line l;
    size_t n;

    line_secured(&l, DATA, 0);
    raw_shake(&r, &l, version);
    cr_assert_eq(SSL_write(r.ssl, "half", 4), 4);
    *len = raw_take(&r, record, sizeof(record));
    cr_assert_eq(send(l.far, record, at, 0), (ssize_t)at);
    shutdown(l.far, SHUT_WR);
    do
        st = line_read(&l, bytes, sizeof(bytes), &n);
    while (st == STREAM_OK || st == STREAM_AGAIN);
    cr_expect_eq(st, STREAM_CUT);
    cr_expect_not(stream_bare_fin(l.s), "after %zu bytes", at);
    cr_expect(strstr(stream_cause(l.s), "within a TLS record"),
              "after %zu bytes", at);
    raw_close(&r);
    line_close(&l);
}

/* The end comes within the record's header, right behind it, or within the
 * record's text. */
Test(ends, after_each_byte_of_a_record, WITH_SANITIZERS)
{
    for (size_t v = 0; v < VERSIONS; v++)
        for (size_t at = 1, len = 2; at < len; at++)
            end_at(at, versions[v], &len);
}

/* The kernel reports a reset once. If a send has got the error, the next
 * recv(2) returns 0, as after a FIN. The stream must not take this for a
 * FIN. */
RawTest(ends, a_reset_that_sending_has_noticed, TLS1_2_VERSION,
        line_secured_tcp(l, DATA))
{
    struct pollfd near = { .events = POLLRDHUP };
    size_t n;
    char bytes[64];

    cr_assert_eq(SSL_write(r->ssl, "bytes", 5), 5);
    raw_say(r, l);
    near.fd = l->near;
    reset(l);
    cr_assert_eq(poll(&near, 1, 10000), 1);
    cr_assert_eq(stream_write(l->s, "x", 1, &n), STREAM_OK);
    cr_expect_eq(stream_flush(l->s), STREAM_CUT);
    cr_assert_eq(line_read(l, bytes, sizeof(bytes), &n), STREAM_OK);
    cr_expect_eq(line_read(l, bytes, sizeof(bytes), &n), STREAM_CUT);
    cr_expect_not(stream_has_fin(l->s));
    cr_expect_not(stream_bare_fin(l->s));
}

/* The client's end comes with its last bytes, and the socket doesn't become
 * readable again. So the end must count as pending. */
RawTest(ends, an_end_behind_the_last_bytes_is_pending, TLS1_3_VERSION,
        line_secured(l, DATA, 0))
{
    char bytes[64];
    size_t n;
    cr_assert_eq(SSL_write(r->ssl, "tail", 4), 4);
    SSL_shutdown(r->ssl);
    raw_say(r, l);
    cr_assert_eq(stream_read(l->s, bytes, sizeof(bytes), &n), STREAM_OK);
    cr_assert_eq(n, 4u);
    cr_assert_eq(recv(l->near, bytes, 1, MSG_PEEK | MSG_DONTWAIT), -1);
    cr_assert(stream_pending(l->s));
    cr_assert_eq(stream_read(l->s, bytes, sizeof(bytes), &n), STREAM_CLOSED);
    cr_assert(!stream_pending(l->s));
    /* The client gets the stream's end, too. */
    cr_assert_eq(stream_shutdown(l->s), STREAM_OK);
    raw_hear(r, l);
    cr_assert_eq(SSL_shutdown(r->ssl), 1);
}

/* After it has sent close_notify, the stream still reads the client's bytes, up
 * to the client's close_notify. */
RawTest(ends, reading_goes_on_after_our_close_notify, TLS1_2_VERSION,
        line_secured(l, DATA, 0))
{
    char bytes[64];
    size_t n;
    cr_assert_eq(stream_shutdown(l->s), STREAM_OK);
    cr_assert_eq(stream_shutdown(l->s), STREAM_OK, "once only");
    cr_assert_eq(SSL_write(r->ssl, "late", 4), 4);
    SSL_shutdown(r->ssl);
    raw_say(r, l);
    enum stream_state st = line_read(l, bytes, sizeof(bytes), &n);
    if (st == STREAM_OK)
        st = line_read(l, bytes, sizeof(bytes), &n);
    cr_assert_eq(st, STREAM_CLOSED, "%s", stream_cause(l->s));
    raw_hear(r, l);
    cr_assert_eq(SSL_read(r->ssl, bytes, sizeof(bytes)), 0);
    cr_assert_eq(SSL_get_error(r->ssl, 0), SSL_ERROR_ZERO_RETURN);
}

static uint32_t packets_received(int fd)
{
    struct tcp_info info;
    socklen_t len = sizeof(info);

    cr_assert_eq(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
    return info.tcpi_segs_in;
}

Test(ends, last_bytes_close_notify_and_fin_in_one_packet)
{
    struct raw r;
    struct line l;
    char bytes[64];
    uint32_t before;
    size_t n;

    line_secured_tcp(&l, DATA);
    raw_shake(&r, &l, TLS1_3_VERSION);
    before = packets_received(l.far);
    cr_assert_eq(stream_write(l.s, "tail", 4, &n), STREAM_OK);
    cr_assert_eq(stream_shutdown(l.s), STREAM_OK);
    cr_expect_eq(packets_received(l.far), before + 1);
    raw_hear(&r, &l);
    cr_expect_eq(SSL_read(r.ssl, bytes, sizeof(bytes)), 4);
    cr_expect_eq(SSL_read(r.ssl, bytes, sizeof(bytes)), 0);
    cr_expect_eq(recv(l.far, bytes, 1, MSG_DONTWAIT), 0);
    raw_close(&r);
    line_close(&l);
}

LineTest(ends, shutdown_without_a_handshake_is_a_bare_fin,
         line_secured(l, CONTROL, 0))
{
    char byte;
    cr_assert_eq(stream_shutdown(l->s), STREAM_OK);
    cr_assert_eq(recv(l->far, &byte, 1, MSG_DONTWAIT), 0);
}

RawTest(ends, a_write_to_nobody_is_a_cut_and_no_signal, TLS1_3_VERSION,
        line_secured(l, DATA, 0))
{
    static char bytes[DATA * 2];
    size_t n;

    line_hang_up(l);
    cr_assert_eq(stream_write(l->s, bytes, sizeof(bytes), &n), STREAM_CUT);
    cr_assert_str_eq(stream_cause(l->s), strerror(EPIPE));
    cr_assert_eq(stream_flush(l->s), STREAM_CUT);
    cr_assert_eq(stream_shutdown(l->s), STREAM_CUT);
}

/* The client has sent close_notify and closed. The received bytes are complete,
 * although the stream can't send its own close_notify. */
RawTest(ends, an_orderly_end_and_then_nobody, TLS1_3_VERSION,
        line_secured(l, DATA, 0))
{
    char bytes[64];
    size_t n;
    cr_assert_eq(SSL_write(r->ssl, "tail", 4), 4);
    SSL_shutdown(r->ssl);
    raw_say(r, l);
    line_hang_up(l);
    cr_assert_eq(stream_read(l->s, bytes, sizeof(bytes), &n), STREAM_OK);
    cr_assert_eq(stream_read(l->s, bytes, sizeof(bytes), &n), STREAM_CLOSED);
    cr_assert_eq(stream_shutdown(l->s), STREAM_CUT);
    cr_assert_eq(stream_read(l->s, bytes, sizeof(bytes), &n), STREAM_CLOSED);
}
