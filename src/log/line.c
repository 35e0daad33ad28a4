/* Writes one event as one line by one write(2). Master has named the sender, so
 * no sender can pose as another. event_line() escapes what the sender wrote.
 * Runs in log. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "sallyport/base/clock.h"

/* Each byte of an event may become "\xNN". */
#define LINE_MAX_BYTES (4 * EVENT_BYTES_MAX + 1024)

/* The process that the event is about: master, gate and auth also report about
 * other processes. A session and its files report about themselves only. */
static const char *subject_process(const struct sender *from,
                                   struct slice named)
{
    for (unsigned p = 0; p < PROCESS_COUNT && from->serial == 0; p++)
        if (slice_equal(named, slice_from(process_name(p))))
            return process_name(p);
    return process_name(from->process);
}

static int add_sender(const struct sender *from, const struct event_record *e,
                      struct buf *into)
{
    const char *process = subject_process(from, e->text[FIELD_PROCESS]);
    uint64_t serial =
        from->serial != 0 ? from->serial : e->number[FIELD_SERIAL];
    const char *by = process_name(from->process);
    char peer[ADDRESS_TEXT_MAX];
    int r = buf_add_format(into, " process=%s", process);

    if (r == 0 && strcmp(process, by) != 0)
        r = buf_add_format(into, " by=%s", by);
    if (r == 0 && serial != 0)
        r = buf_add_format(into, " serial=%016llx", (unsigned long long)serial);
    if (r == 0 && from->peer.family != 0)
        r = buf_add_format(into, " peer=%s",
                           address_port_text(&from->peer, peer));
    return r;
}

/* The event's name comes first, then the sender: as master has named it, and
 * not as it names itself. */
static int line_text(const struct sender *from, const struct event_record *r,
                     struct buf *into)
{
    size_t name = strlen(event_name(r->event));
    struct event_record rest = *r;
    struct buf line;
    int e;

    rest.text[FIELD_PROCESS].ptr = NULL;
    rest.has_number &= ~(1U << FIELD_SERIAL);
    if (from->peer.family != 0)
        rest.text[FIELD_PEER].ptr = NULL;
    buf_init(&line, LINE_MAX_BYTES);
    e = event_line(&rest, &line);
    if (e == 0)
        e = buf_add(into, line.data, name);
    if (e == 0)
        e = add_sender(from, r, into);
    if (e == 0)
        e = buf_add(into, line.data + name, line.len - name);
    buf_release(&line);
    return e;
}

/* Waits as long as the output blocks; meanwhile events wait in the senders'
 * sockets. */
static bool write_bytes(struct log *l, struct slice bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(l->output, bytes.ptr, bytes.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        bytes.ptr += n;
        bytes.len -= (size_t)n;
        l->torn = true;
    }
    l->torn = false;
    return true;
}

/* The disk was full in the middle of the last line: ends that one first. */
static bool write_text(struct log *l, struct buf *text)
{
    return buf_add_text(text, "\n") == 0 &&
           (!l->torn || write_bytes(l, SLICE("\n"))) &&
           write_bytes(l, buf_slice(text));
}

/* As long as this line can't be written either, the number stays. */
static void write_lost(struct log *l)
{
    char now[CLOCK_TEXT_MAX];
    struct buf text;

    buf_init(&text, LINE_MAX_BYTES);
    if (buf_add_format(&text,
                       "%s service process=log number=%llu reason=\"lines "
                       "lost\"",
                       clock_text(now), (unsigned long long)l->lost) == 0 &&
        write_text(l, &text))
        l->lost = 0;
    buf_release(&text);
}

size_t line_write(struct log *l, const struct sender *from,
                  const struct event_record *r)
{
    char now[CLOCK_TEXT_MAX];
    struct buf text;
    bool written = false;
    size_t len;

    if (l->lost > 0)
        write_lost(l);
    buf_init(&text, LINE_MAX_BYTES);
    if (buf_add_format(&text, "%s ", clock_text(now)) == 0 &&
        line_text(from, r, &text) == 0 && l->lost == 0)
        written = write_text(l, &text);
    if (!written)
        l->lost++;
    len = text.len;
    buf_release(&text);
    return len;
}
