/* Writes one event as one line by one write(2). Master has named the sender, so
 * no sender can pose as another process. event_line() escapes what the sender
 * wrote. Runs in log. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "sallyport/base/clock.h"

/* Each byte of an event can become "\xNN" in a value, and JSON has each
 * backslash twice. */
#define LINE_MAX_BYTES (5 * EVENT_BYTES_MAX + 4096)

/* Sets the sender's fields in R to the values that master gave, whatever the
 * sender wrote. R points to PEER afterwards. */
static void add_sender(const struct sender *from, struct event_record *r,
                       char peer[ADDRESS_TEXT_MAX])
{
    const struct slice named = r->text[FIELD_PROCESS];
    const char *by = process_name(from->process), *process = by;

    /* Processes without a serial, such as master and gate, also report about
     * other processes. A session and its files report only about themselves. */
    for (unsigned p = 0; p < PROCESS_COUNT && from->serial == 0; p++)
        if (slice_equal(named, slice_from(process_name(p))))
            process = process_name(p);
    event_text(r, FIELD_PROCESS, slice_from(process));
    r->text[FIELD_BY].ptr = NULL;
    if (strcmp(process, by) != 0)
        event_text(r, FIELD_BY, slice_from(by));
    if (from->serial != 0)
        event_number(r, FIELD_SERIAL, from->serial);
    if (r->number[FIELD_SERIAL] == 0)
        r->has_number &= ~(1U << FIELD_SERIAL);
    if (from->peer.family != 0)
        event_text(r, FIELD_PEER,
                   slice_from(address_port_text(&from->peer, peer)));
}

/* Composes the line. journald takes the severity from a line's "<N>"
 * (sd-daemon(3)). */
static int compose(const struct log *l, const struct event_record *r,
                   struct buf *into)
{
    char now[CLOCK_TEXT_MAX];
    int e = 0;

    if (l->prefixed)
        e = buf_add_format(into, "<%d>", event_severity(r));
    if (e == 0 && l->format == LOG_JSON)
        return event_json(r, clock_text(now), into);
    if (e == 0)
        e = buf_add_format(into, "%s ", clock_text(now));
    if (e == 0)
        e = event_line(r, into);
    return e == 0 ? buf_add_text(into, "\n") : e;
}

/* Waits as long as the output blocks; meanwhile events wait in the senders'
 * sockets. */
static bool write_bytes(struct log *l, struct slice bytes)
{
    struct pollfd output = { .fd = l->output, .events = POLLOUT };

    while (bytes.len > 0) {
        ssize_t n = write(l->output, bytes.ptr, bytes.len);

        if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
            /* Another process can have made a terminal or a pipe non-blocking,
             * since all of its users share this flag. */
            poll(&output, 1, -1);
            continue;
        }
        if (n < 0)
            return false;
        bytes.ptr += n;
        bytes.len -= (size_t)n;
        l->metrics->torn = bytes.len > 0;
    }
    return true;
}

/* Writes the line. If the disk was full in the middle of the previous line,
 * ends that line first. */
static bool write_text(struct log *l, const struct buf *text)
{
    return (!l->metrics->torn || write_bytes(l, SLICE("\n"))) &&
           write_bytes(l, buf_slice(text));
}

void line_lost(struct log *l, uint64_t n)
{
    __atomic_fetch_add(&l->metrics->lost, n, __ATOMIC_RELAXED);
}

void line_write_lost(struct log *l)
{
    const uint64_t lost =
        __atomic_exchange_n(&l->metrics->lost, 0, __ATOMIC_RELAXED);
    struct event_record r;
    struct buf text;

    event_begin(&r, EVENT_TROUBLE);
    event_text(&r, FIELD_PROCESS, slice_from(process_name(PROCESS_LOG)));
    event_text(&r, FIELD_REASON, SLICE("lines lost"));
    event_number(&r, FIELD_NUMBER, lost);
    buf_init(&text, LINE_MAX_BYTES);
    if (lost > 0 && (compose(l, &r, &text) < 0 || !write_text(l, &text)))
        line_lost(l, lost);
    buf_release(&text);
}

size_t line_write(struct log *l, const struct sender *from,
                  const struct event_record *sent)
{
    char peer[ADDRESS_TEXT_MAX];
    struct event_record r = *sent;
    struct buf text;
    size_t len;

    if (l->metrics->lost > 0)
        line_write_lost(l);
    add_sender(from, &r, peer);
    buf_init(&text, LINE_MAX_BYTES);
    if (compose(l, &r, &text) < 0 || l->metrics->lost > 0 ||
        !write_text(l, &text))
        line_lost(l, 1);
    len = text.len;
    buf_release(&text);
    return len;
}
