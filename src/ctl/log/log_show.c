/* "log": what happened, as a table in plain words, as JSON, or in the form of
 * xferlog(5). No byte of a client reaches the terminal unescaped. */
#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "sallyport/base/clock.h"

#define ROW_MAX (8 * LOG_LINE_MAX)

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

/* What somebody did by sallyportctl. */
static void add_order(struct buf *row, const struct log_record *r)
{
    log_safe(log_get(r, "verb"), row);
    buf_add_text(row, " ");
    log_safe(log_get(r, "to"), row);
    buf_add_text(row, " (uid ");
    log_safe(log_get(r, "uid"), row);
    buf_add_text(row, ")");
    if (log_get(r, "ms").ptr)
        buf_add_format(row, ", for %" PRIu64 " s", log_number(r, "ms") / 1000);
    if (log_get(r, "reason").ptr) {
        buf_add_text(row, ": ");
        log_safe(log_get(r, "reason"), row);
    }
    buf_add_text(row, "\n");
}

/* The path, or else the client's address or the process, and why. */
static void add_subject(struct buf *row, const struct log_record *r)
{
    const struct slice path = log_get(r, "path"), to = log_get(r, "to");
    const struct slice cause = log_cause(r), name = log_get(r, "name");
    const size_t begin = row->len;

    if (path.ptr || to.ptr)
        log_safe(path, row);
    else
        log_safe(log_get(r, log_get(r, "peer").ptr ? "peer" : "process"), row);
    if (to.ptr && !slice_equal(path, to)) {
        buf_add_text(row, path.ptr ? " -> " : "");
        log_safe(to, row);
    }
    if (name.ptr) {
        buf_add_text(row, " ");
        log_safe(name, row);
    }
    if (cause.ptr && row->len > begin)
        buf_add_text(row, ": ");
    log_safe(cause, row);
    buf_add_text(row, "\n");
}

/* MACHINE: its name; NULL: all lines are of one. */
static void print_record(const struct log_record *r,
                         const struct slice *machine, struct buf *row)
{
    char size[SIZE_TEXT_MAX] = "";

    if (log_get(r, "bytes").ptr)
        size_text(log_size(r), size);
    buf_clear(row);
    add_time(row, r->ms);
    if (machine)
        add_cell(row, *machine, 12);
    add_cell(row, log_get(r, "user"), 12);
    add_cell(row, log_word(r), 12);
    add_cell(row, slice_from(size), 10);
    add_result(row, r);
    if (slice_equal(r->event, SLICE("admin")))
        add_order(row, r);
    else
        add_subject(row, r);
    fwrite(row->data, 1, row->len, stdout);
}

static int print_record_json(struct context *x, const struct log_record *r,
                             const struct slice *machine)
{
    json_t *one = log_json(r);
    int bad = one ? 0 : -1;

    if (one && machine && machine->ptr)
        bad = json_object_set_new(one, "machine",
                                  json_stringn(machine->ptr, machine->len));
    if (!bad)
        bad = json_dumpf(one, stdout, JSON_COMPACT);

    json_decref(one);
    putchar('\n');
    return bad ? ctl_fail(x, EX_IOERR, "JSON can't be written") : 0;
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

/* Without its port, and the brackets of IPv6. */
static struct slice host_of(struct slice peer)
{
    while (peer.len > 0 && peer.ptr[peer.len - 1] != ':')
        peer.len--;
    peer.len -= peer.len > 0;
    if (peer.len > 1 && peer.ptr[0] == '[')
        peer = (struct slice){ peer.ptr + 1, peer.len - 2 };
    return peer;
}

static void print_record_xferlog(const struct log_record *r, struct buf *row)
{
    const struct slice to = log_get(r, "to");
    const bool down = log_is_download(r);
    struct tm local = { 0 };
    char when[32];

    if (!down && !log_is_upload(r))
        return;
    buf_clear(row);
    clock_local(r->ms / 1000, &local);
    strftime(when, sizeof(when), "%a %b %e %H:%M:%S %Y", &local);
    buf_add_format(row, "%s %" PRIu64, when, log_number(r, "ms") / 1000);
    add_xferlog_field(row, host_of(log_get(r, "peer")));
    buf_add_format(row, " %" PRIu64, log_number(r, "bytes"));
    add_xferlog_field(row, to.ptr ? to : log_get(r, "path"));
    buf_add_format(row, " b _ %c r", down ? 'o' : 'i');
    add_xferlog_field(row, log_get(r, "user"));
    buf_add_format(row, " ftp 0 * %c\n",
                   log_number(r, "result") / 100 == 2 ? 'c' : 'i');
    fwrite(row->data, 1, row->len, stdout);
}

/* Returns 0, or why the last lines can't be written. */
static int log_unwritten(void)
{
    return ferror(stdout) ? errno : 0;
}

int log_show(struct context *x)
{
    struct log_reader *l = malloc(sizeof(*l));
    struct log_record r;
    struct buf row;
    int code, closed, error;

    if (!l)
        return ctl_no_memory(x);
    buf_init(&row, ROW_MAX);
    code = log_open(l, x);
    if (x->args.file) /* it may be a pipe that somebody watches */
        setvbuf(stdout, NULL, _IOLBF, 0);
    if (code == 0 && !x->args.json && !x->args.xferlog)
        printf("%-19s  %s%-12s  %-12s  %-10s  %-10s  %s\n", "TIME",
               x->args.directory ? "MACHINE       " : "", "USER", "WHAT",
               "SIZE", "RESULT", "PATH OR CLIENT, AND WHY");
    error = log_unwritten();
    while (code == 0 && error == 0 && log_next(l, &r)) {
        const struct slice name = log_machine(l);
        const struct slice *machine = x->args.directory ? &name : NULL;

        if (x->args.json)
            code = print_record_json(x, &r, machine);
        else if (x->args.xferlog)
            print_record_xferlog(&r, &row);
        else
            print_record(&r, machine, &row);
        error = log_unwritten();
        log_record_release(&r);
    }
    closed = log_close(l);
    buf_release(&row);
    free(l);
    if (error)
        return ctl_fail(x, EX_IOERR, "standard output: %s", strerror(error));
    return code ? code : closed;
}
