/* The forms of a record in "log": a row of the table in plain words, JSON, CSV,
 * or a line of xferlog(5). No byte of a client is written unescaped. */
#include "log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sallyport/base/clock.h"

/* Adds a cell of a fixed width, at least. */
static void add_cell(struct buf *row, struct slice value, size_t width)
{
    size_t begin = row->len;

    log_safe(value.len > 0 ? value : SLICE("-"), row);
    while (row->len - begin < width && buf_add_text(row, " ") == 0)
        ;
    buf_add_text(row, "  ");
}

static void add_time(struct buf *row, int64_t ms)
{
    struct tm tm = { 0 };

    clock_local(ms / 1000, &tm);
    buf_add_format(row, "%04d-%02d-%02d %02d:%02d:%02d  ", tm.tm_year + 1900,
                   tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void add_result(struct buf *row, const struct log_record *r)
{
    const struct slice result = log_get(r, "result");
    char text[32] = "failed ";

    if (!log_failed(r))
        return add_cell(row, result.ptr ? SLICE("done") : SLICE(""), 10);
    slice_copy(result, text + 7, sizeof(text) - 7);
    add_cell(row, result.ptr ? slice_from(text) : SLICE("failed"), 10);
}

/* The client's address without its port, and without the brackets of IPv6. An
 * address or a network that was banned has neither. */
static struct slice address_of(const struct log_record *r)
{
    const struct slice peer = log_get(r, "peer");
    struct slice rest = peer, host;

    if (peer.len > 0 && peer.ptr[0] == '[') {
        rest = (struct slice){ peer.ptr + 1, peer.len - 1 };
        slice_cut(&rest, ']', &host);
        return host;
    }
    slice_cut(&rest, ':', &host);
    return rest.ptr && !slice_has(rest, ':') ? host : peer;
}

/* " by anna (as uid 0)", or " (uid 0)" if nobody knows more. */
static void add_admin(struct buf *row, const struct log_record *r)
{
    const struct slice uid = log_get(r, "uid"), login = log_get(r, "loginuid");
    char name[ADMIN_MAX];

    if (!login.ptr) {
        buf_add_text(row, " (uid ");
    } else if (log_admin(r, name)) {
        buf_add_format(row, " by %s (as uid ", name);
    } else {
        buf_add_text(row, " by uid ");
        log_safe(login, row);
        buf_add_text(row, " (as uid ");
    }
    log_safe(uid, row);
    buf_add_text(row, ")");
}

/* What somebody did by sallyportctl. */
static void add_order(struct buf *row, const struct log_record *r)
{
    log_safe(log_get(r, "verb"), row);
    if (log_get(r, "to").ptr)
        buf_add_text(row, " ");
    log_safe(log_get(r, "to"), row);
    add_admin(row, r);
    if (log_get(r, "ms").ptr)
        buf_add_format(row, ", for %" PRIu64 " s", log_number(r, "ms") / 1000);
    if (log_get(r, "reason").ptr) {
        buf_add_text(row, ": ");
        log_safe(log_get(r, "reason"), row);
    }
}

/* The path, or else the process, and why. */
static void add_subject(struct buf *row, const struct log_record *r)
{
    const struct slice path = log_get(r, "path"), to = log_get(r, "to");
    const struct slice cause = log_cause(r), name = log_get(r, "name");
    const size_t begin = row->len;

    if (path.ptr || to.ptr)
        log_safe(path, row);
    else if (!log_get(r, "peer").ptr)
        log_safe(log_get(r, "process"), row);
    if (to.ptr && !slice_equal(path, to)) {
        buf_add_text(row, path.ptr ? " -> " : "");
        log_safe(to, row);
    }
    if (name.ptr) {
        buf_add_text(row, row->len > begin ? " " : "");
        log_safe(name, row);
    }
    if (cause.ptr && row->len > begin)
        buf_add_text(row, ": ");
    log_safe(cause, row);
    if (row->len == begin)
        buf_add_text(row, "-");
}

static void add_row(const struct log_record *r, const struct slice *machine,
                    struct buf *row)
{
    char size[SIZE_TEXT_MAX] = "";

    if (log_get(r, "bytes").ptr)
        size_text(log_size(r), size);
    add_time(row, r->ms);
    if (machine)
        add_cell(row, *machine, 12);
    add_cell(row, log_get(r, "user"), 12);
    add_cell(row, address_of(r), 15);
    add_cell(row, log_word(r), 12);
    add_cell(row, slice_from(size), 10);
    add_result(row, r);
    if (slice_equal(r->event, SLICE("admin")))
        add_order(row, r);
    else
        add_subject(row, r);
    buf_add_text(row, "\n");
}

static int add_json_line(const struct log_record *r,
                         const struct slice *machine, struct buf *row)
{
    json_t *one = log_json(r);
    int bad = one ? 0 : -1;
    char *text;

    if (one && machine && machine->ptr)
        bad = json_object_set_new(one, "machine",
                                  json_stringn(machine->ptr, machine->len));
    text = bad ? NULL : json_dumps(one, JSON_COMPACT);
    json_decref(one);
    if (text)
        buf_add_format(row, "%s\n", text);
    free(text);
    return text ? 0 : -1;
}

/* A spreadsheet takes a text that begins with one of these for a formula, and
 * clients choose names. As an apostrophe precedes it, it stays a text. */
static bool is_formula(struct slice value)
{
    return value.len > 0 && memchr("=+-@", value.ptr[0], 4);
}

/* RFC 4180 asks for quotes where there is a comma. log_safe() leaves no quote
 * and no end of line. */
static void add_csv_value(struct buf *row, struct slice value)
{
    const char *quote = slice_has(value, ',') ? "\"" : "";

    buf_add_format(row, ",%s%s", quote, is_formula(value) ? "'" : "");
    log_safe(value, row);
    buf_add_text(row, quote);
}

static void add_csv(const struct log_record *r, const struct slice *machine,
                    struct buf *row)
{
    static const char *const names[] = { "verb",  "path",   "to",
                                         "bytes", "result", "reason" };
    char when[WHEN_MAX];

    when_text(r->ms / 1000, when);
    buf_add_format(row, "%.19s.%03dZ", when, (int)(r->ms % 1000));
    if (machine)
        add_csv_value(row, *machine);
    add_csv_value(row, log_get(r, "user"));
    add_csv_value(row, r->event);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        add_csv_value(row, log_get(r, names[i]));
    add_csv_value(row, address_of(r));
    add_csv_value(row, log_get(r, "serial"));
    buf_add_text(row, "\n");
}

/* A blank separates the fields of xferlog(5). */
static void add_xferlog_field(struct buf *row, struct slice value)
{
    struct slice word;
    bool first = true;

    buf_add_text(row, value.len > 0 ? " " : " ?");
    for (; slice_cut(&value, ' ', &word); first = false) {
        buf_add_text(row, first ? "" : "\\x20");
        log_safe(word, row);
    }
}

static void add_xferlog(const struct log_record *r, struct buf *row)
{
    const struct slice to = log_get(r, "to");
    const bool down = log_is_download(r);
    struct tm local = { 0 };
    char when[32];

    if (!down && !log_is_upload(r))
        return;
    clock_local(r->ms / 1000, &local);
    strftime(when, sizeof(when), "%a %b %e %H:%M:%S %Y", &local);
    buf_add_format(row, "%s %" PRIu64, when, log_number(r, "ms") / 1000);
    add_xferlog_field(row, address_of(r));
    buf_add_format(row, " %" PRIu64, log_number(r, "bytes"));
    add_xferlog_field(row, to.ptr ? to : log_get(r, "path"));
    buf_add_format(row, " b _ %c r", down ? 'o' : 'i');
    add_xferlog_field(row, log_get(r, "user"));
    buf_add_format(row, " ftp 0 * %c\n",
                   log_number(r, "result") / 100 == 2 ? 'c' : 'i');
}

void log_form_header(const struct arguments *a, struct buf *row)
{
    const bool machine = a->directory != NULL;

    buf_clear(row);
    if (a->csv)
        buf_add_format(row,
                       "time,%suser,event,verb,path,to,bytes,result,reason,"
                       "address,serial\n",
                       machine ? "machine," : "");
    else if (!a->json && !a->xferlog)
        buf_add_format(row, "%-19s  %s%-12s  %-15s  %-12s  %-10s  %-10s  %s\n",
                       "TIME", machine ? "MACHINE       " : "", "USER",
                       "ADDRESS", "WHAT", "SIZE", "RESULT", "PATH, AND WHY");
}

int log_form(const struct arguments *a, const struct log_record *r,
             struct slice name, struct buf *row)
{
    const struct slice *machine = a->directory ? &name : NULL;

    buf_clear(row);
    if (a->json)
        return add_json_line(r, machine, row);
    if (a->csv)
        add_csv(r, machine, row);
    else if (a->xferlog)
        add_xferlog(r, row);
    else
        add_row(r, machine, row);
    return 0;
}
