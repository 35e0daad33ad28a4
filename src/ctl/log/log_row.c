/* The columns of "log", in plain words. */
#include "log.h"

#include <inttypes.h>

#include "sallyport/base/clock.h"

static void add_time(const json_t *row, struct buf *into)
{
    struct tm tm = { 0 };
    int64_t when = 0;

    log_time(text_of(row, "time", ""), &when);
    clock_local(when, &tm);
    buf_add_format(into, "%04d-%02d-%02d %02d:%02d:%02d", tm.tm_year + 1900,
                   tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void add_address(const json_t *row, struct buf *into)
{
    const struct slice address = log_address(row);

    buf_add_slice(into, address.len > 0 ? address : SLICE("-"));
}

static bool has(const json_t *row, const char *key)
{
    return json_object_get(row, key) != NULL;
}

static bool has_failed(const json_t *row)
{
    return json_is_true(json_object_get(row, "failed"));
}

/* Adds the size of the file if the transfer is complete, otherwise the number
 * of bytes that were transferred. */
static void add_size(const json_t *row, struct buf *into)
{
    const bool whole = has(row, "size") && !has_failed(row);
    char size[SIZE_TEXT_MAX] = "-";

    if (has(row, "bytes"))
        size_text(number_of(row, whole ? "size" : "bytes"), size);
    buf_add_text(into, size);
}

/* Adds "done", "failed 550" and so on. A transfer that was cut off without a
 * reply has the result 0. */
static void add_result(const json_t *row, struct buf *into)
{
    const uint64_t result = number_of(row, "result");

    if (has_failed(row) && result > 0)
        buf_add_format(into, "failed %" PRIu64, result);
    else if (has_failed(row))
        buf_add_text(into, has(row, "result") ? "cut" : "failed");
    else
        buf_add_text(into, has(row, "held")     ? "held"
                           : has(row, "result") ? "done"
                                                : "-");
}

/* Adds " by anna (as uid 0)"; or " by uid 1000 (as uid 0)" if this uid has no
 * name; or " (uid 0)" if the log has no login uid. Then adds the time of the
 * order, if it has one. */
static void add_admin(const json_t *row, struct buf *into)
{
    const char *name = text_of(row, "admin", NULL);
    const json_t *login = json_object_get(row, "loginuid");

    if (name)
        buf_add_format(into, " by %s", name);
    else if (json_is_integer(login))
        buf_add_format(into, " by uid %" PRIu64, number_of(row, "loginuid"));
    buf_add_format(into,
                   json_is_integer(login) ? " (as uid %" PRIu64 ")"
                                          : " (uid %" PRIu64 ")",
                   number_of(row, "uid"));
    if (has(row, "ms"))
        buf_add_format(into, ", for %" PRIu64 " s",
                       number_of(row, "ms") / 1000);
}

/* Adds the path, the process, or the administrator's command; then the
 * cause. */
static void add_what_and_why(const json_t *row, struct buf *into)
{
    const bool order = strcmp(text_of(row, "event", ""), "admin") == 0;
    const char *path = text_of(row, order ? "verb" : "path", "");
    const char *to = text_of(row, "to", ""), *name = text_of(row, "name", "");
    const char *why = text_of(row, "cause", text_of(row, "reason", ""));
    const char *held = text_of(row, "held", NULL);
    const size_t begin = into->len;

    if (!path[0] && !to[0] && !has(row, "peer"))
        path = text_of(row, "process", "");
    buf_add_text(into, path);
    if (to[0] && strcmp(path, to) != 0)
        buf_add_format(into, "%s%s", order ? " " : path[0] ? " -> " : "", to);
    if (name[0])
        buf_add_format(into, "%s%s", path[0] || to[0] ? " " : "", name);
    if (order)
        add_admin(row, into);
    const bool subject = into->len > begin;
    if (why[0])
        buf_add_format(into, "%s%s", subject ? ": " : "", why);
    if (held)
        buf_add_format(into, ": waits for inspection (id %s)", held);
    if (!subject && !why[0])
        buf_add_text(into, "-");
}

const struct output_field log_columns[] = {
    { .title = "TIME", .key = "time", .width = -20, .text = add_time },
    { .title = "USER", .key = "user", .width = -13, .none = "-" },
    { .title = "ADDRESS", .key = "peer", .width = -16, .text = add_address },
    { .title = "WHAT", .key = "what", .width = -13 },
    { .title = "SIZE", .key = "size", .width = -11, .text = add_size },
    { .title = "RESULT", .key = "result", .width = -11, .text = add_result },
    { .title = "PATH, AND WHY", .key = "path", .text = add_what_and_why },
    { .key = "to" },
    { .key = "bytes" },
    { .key = "event" },
    { .key = "verb" },
    { .key = "name" },
    { .key = "failed" },
    { .key = "cause" },
    { .key = "reason" },
    { .key = "held" },
    { .key = "tls" },
    { .key = "serial" },
    { .key = "uid" },
    { .key = "admin" },
    { 0 },
};
