/* The option `xferlog`: a line in the form of xferlog(5) for each transfer of a
 * file, in a file of its own. Runs in log, which got the file from master. */
#include <time.h>

#include "log.h"
#include "sallyport/base/fd.h"

/* A user, a path and their escapes. */
#define XFERLOG_MAX (8 * EVENT_TEXT_MAX)

/* The escapes of the log, and for a blank, too: blanks separate the fields. */
static int add_field(struct buf *into, struct slice s)
{
    struct slice word;
    bool first = true;
    int e = 0;

    if (s.len == 0)
        return buf_add_text(into, " ?");
    for (; e == 0 && slice_cut(&s, ' ', &word); first = false) {
        e = buf_add_text(into, first ? " " : "\\x20");
        if (e == 0)
            e = event_escape(word, into);
    }
    return e;
}

static bool is_of_a_file(struct slice verb)
{
    return slice_equal(verb, SLICE("RETR")) ||
           slice_equal(verb, SLICE("STOR")) ||
           slice_equal(verb, SLICE("APPE")) || slice_equal(verb, SLICE("STOU"));
}

static int add_line(const struct sender *from, const struct event_record *r,
                    struct buf *into)
{
    bool down = slice_equal(r->text[FIELD_VERB], SLICE("RETR"));
    bool done = r->number[FIELD_RESULT] / 100 == 2;
    struct slice name = r->text[r->text[FIELD_TO].ptr ? FIELD_TO : FIELD_PATH];
    char now[32], host[ADDRESS_TEXT_MAX];
    time_t clock = time(NULL);
    struct tm utc;
    int e;

    strftime(now, sizeof(now), "%a %b %e %H:%M:%S %Y", gmtime_r(&clock, &utc));
    e = buf_add_format(into, "%s %llu %s %llu", now,
                       (unsigned long long)r->number[FIELD_MS] / 1000,
                       address_text(&from->peer, host),
                       (unsigned long long)r->number[FIELD_BYTES]);
    if (e == 0)
        e = add_field(into, name);
    if (e == 0)
        e = buf_add_format(into, " b _ %c r", down ? 'o' : 'i');
    if (e == 0)
        e = add_field(into, r->text[FIELD_USER]);
    return e == 0 ? buf_add_format(into, " ftp 0 * %c\n", done ? 'c' : 'i') : e;
}

void xferlog_write(struct log *l, const struct sender *from,
                   const struct event_record *r)
{
    struct buf line;

    if (l->xferlog < 0 || r->event != EVENT_TRANSFER ||
        !is_of_a_file(r->text[FIELD_VERB]))
        return;
    buf_init(&line, XFERLOG_MAX);
    if (l->xferlog_torn) /* a full disk may have left a part of a line */
        buf_add_text(&line, "\n");
    l->xferlog_torn = add_line(from, r, &line) < 0 ||
                      fd_write_all(l->xferlog, line.data, line.len) < 0;
    l->lost += l->xferlog_torn;
    buf_release(&line);
}
