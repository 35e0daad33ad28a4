/* A line of "log" in plain words. No byte of a client is written unescaped. */
#include "log.h"

#include <inttypes.h>

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

/* Adds the size of the file if the transfer is complete, otherwise the bytes
 * moved. */
static void add_size(struct buf *row, const struct log_record *r)
{
    const bool whole = log_get(r, "size").ptr && !log_failed(r);
    char size[SIZE_TEXT_MAX] = "";

    if (log_get(r, "bytes").ptr)
        size_text(log_number(r, whole ? "size" : "bytes"), size);
    add_cell(row, slice_from(size), 10);
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

/* Adds the command of an administrator. */
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

void log_row(const struct log_record *r, const struct slice *machine,
             struct buf *row)
{
    add_time(row, r->ms);
    if (machine)
        add_cell(row, *machine, 12);
    add_cell(row, log_get(r, "user"), 12);
    add_cell(row, log_address(r), 15);
    add_cell(row, log_word(r), 12);
    add_size(row, r);
    add_result(row, r);
    if (slice_equal(r->event, SLICE("admin")))
        add_order(row, r);
    else
        add_subject(row, r);
    buf_add_text(row, "\n");
}

void log_title(bool machine)
{
    printf("%-19s  %s%-12s  %-15s  %-12s  %-10s  %-10s  %s\n", "TIME",
           machine ? "MACHINE       " : "", "USER", "ADDRESS", "WHAT", "SIZE",
           "RESULT", "PATH, AND WHY");
}
