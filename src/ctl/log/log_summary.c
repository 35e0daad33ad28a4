/* "log summary": counts what the log says, as one object of JSON, which is also
 * what "report" shows. Whatever the log contains, the counts have bounds:
 * beyond so many names there is one row for all others. */
#include "log.h"

#include <stdlib.h>
#include <time.h>

#include "sallyport/base/clock.h"

#define SUMMARY_TEXT  512
#define SUMMARY_FILES 12 /* the largest ones */
#define SUMMARY_BANS  20 /* the last ones */

struct summary {
    struct context *x;
    json_t *all; /* what is printed */
    int bad;     /* a value could not be added: no memory */
};

/* Writes as much of the value as fits, in whole characters. */
static void copy_safe(struct slice value, char out[SUMMARY_TEXT])
{
    struct buf b;
    size_t len;

    buf_init(&b, 4 * LOG_LINE_MAX);
    log_safe(value, &b);
    len = b.len < SUMMARY_TEXT ? b.len : SUMMARY_TEXT - 1;
    while (len > 0 && len < b.len && ((uint8_t)b.data[len] & 0xc0) == 0x80)
        len--;
    snprintf(out, SUMMARY_TEXT, "%.*s", (int)len, len > 0 ? b.data : "");
    buf_release(&b);
}

/* Local time with its offset, such as "2026-11-17T09:00:00+0100". */
static const char *local_text(int64_t ms, char out[WHEN_MAX])
{
    struct tm tm = { 0 };

    clock_local(ms / 1000, &tm);
    strftime(out, WHEN_MAX, "%Y-%m-%dT%H:%M:%S%z", &tm);
    return out;
}

/* Adds to a member of the object. A hostile log's numbers end at INT64_MAX. */
static void count(struct summary *s, json_t *in, const char *key, uint64_t more)
{
    const uint64_t was = (uint64_t)json_integer_value(json_object_get(in, key));
    const uint64_t sum = more < INT64_MAX - was ? was + more : INT64_MAX;

    if (in)
        s->bad |= json_object_set_new(in, key, json_integer((json_int_t)sum));
}

/* Returns the row of that name in a table, a new one if need be; or that of all
 * others. */
static json_t *row_of(struct summary *s, const char *table, struct slice name)
{
    json_t *rows = json_object_get(s->all, table), *row;
    char text[SUMMARY_TEXT];

    copy_safe(name, text);
    row = json_object_get(rows, text);
    if (row)
        return row;
    if (json_object_size(rows) >= SUMMARY_NAMES_MAX)
        return json_object_get(json_object_get(s->all, "others"), table);
    row = json_object();
    s->bad |= json_object_set_new(rows, text, row);
    return s->bad ? NULL : row;
}

static int64_t bytes_of(const json_t *files, size_t i)
{
    return json_integer_value(
        json_object_get(json_array_get(files, i), "bytes"));
}

/* The largest ones, the largest first. */
static void take_file(struct summary *s, const struct log_record *r)
{
    json_t *files = json_object_get(s->all, "largest_files");
    const struct slice to = log_get(r, "to");
    const int64_t size = (int64_t)log_size(r);
    char user[SUMMARY_TEXT], path[SUMMARY_TEXT], when[WHEN_MAX];
    size_t at = json_array_size(files);

    while (at > 0 && bytes_of(files, at - 1) < size)
        at--;
    if (at == SUMMARY_FILES)
        return;
    copy_safe(log_get(r, "user"), user);
    copy_safe(to.ptr ? to : log_get(r, "path"), path);
    s->bad |= json_array_insert_new(
        files, at,
        json_pack("{s:s, s:s, s:s, s:s, s:I}", "time", local_text(r->ms, when),
                  "user", user, "event",
                  log_is_upload(r) ? "upload" : "download", "path", path,
                  "bytes", (json_int_t)size));
    json_array_remove(files, SUMMARY_FILES); /* if there is one */
}

static void take_transfer(struct summary *s, const struct log_record *r)
{
    const bool up = log_is_upload(r);
    const char *const number = up ? "uploads" : "downloads";
    const char *const size = up ? "upload_bytes" : "download_bytes";
    char when[WHEN_MAX], hour[4];
    json_t *to[4];

    local_text(r->ms, when);
    snprintf(hour, sizeof(hour), "%.2s", when + 11);
    when[10] = '\0';
    to[0] = json_object_get(s->all, "total");
    to[1] = json_object_get(json_object_get(s->all, "days"), when);
    to[2] = json_object_get(json_object_get(s->all, "hours"), hour);
    to[3] = row_of(s, "users", log_get(r, "user"));
    for (size_t i = 0; i < 4; i++) {
        count(s, to[i], number, 1);
        count(s, to[i], size, log_number(r, "bytes"));
    }
    take_file(s, r);
}

/* A login that failed has a name that anybody may have made up. */
static void take_failure(struct summary *s, const struct log_record *r)
{
    const struct slice word = log_word(r), cause = log_cause(r);
    const struct slice user = log_get(r, "user");
    char name[SUMMARY_TEXT]; /* "upload: closed by the client" */

    snprintf(name, sizeof(name), "%.*s%s%.*s", (int)word.len, word.ptr,
             cause.len > 0 ? ": " : "", (int)cause.len,
             cause.len > 0 ? cause.ptr : "");
    count(s, json_object_get(s->all, "total"), "failures", 1);
    count(s, row_of(s, "causes", slice_from(name)), "count", 1);
    if (user.ptr && !slice_equal(r->event, SLICE("login-failed")))
        count(s, row_of(s, "users", user), "failures", 1);
}

static void take_login(struct summary *s, const struct log_record *r)
{
    struct slice rest = log_get(r, "tls"), version = SLICE("?");

    slice_cut(&rest, ' ', &version);
    count(s, json_object_get(s->all, "total"), "logins", 1);
    count(s, row_of(s, "tls", version), "count", 1);
}

static void take_ban(struct summary *s, const struct log_record *r)
{
    json_t *bans = json_object_get(s->all, "last_bans");
    char peer[SUMMARY_TEXT], reason[SUMMARY_TEXT], when[WHEN_MAX];

    copy_safe(log_get(r, "peer"), peer);
    copy_safe(log_get(r, "reason"), reason);
    count(s, json_object_get(s->all, "total"), "bans", 1);
    s->bad |= json_array_append_new(
        bans, json_pack("{s:s, s:s, s:s}", "time", local_text(r->ms, when),
                        "peer", peer, "reason", reason));
    if (json_array_size(bans) > SUMMARY_BANS)
        json_array_remove(bans, 0);
}

static void take(struct summary *s, const struct log_record *r)
{
    if (slice_equal(r->event, SLICE("ban")))
        take_ban(s, r);
    else if (log_failed(r))
        take_failure(s, r);
    else if (log_is_upload(r) || log_is_download(r))
        take_transfer(s, r);
    else if (slice_equal(r->event, SLICE("login")))
        take_login(s, r);
    else if (slice_equal(r->event, SLICE("client")))
        count(s, row_of(s, "clients", log_get(r, "name")), "count", 1);
}

/* A row for each day and hour, so that those without a transfer are seen. */
static int open_times(struct summary *s, const struct log_reader *l)
{
    const int64_t until =
        l->until < INT64_MAX ? l->until : (int64_t)time(NULL) * 1000;
    json_t *hours = json_object_get(s->all, "hours");
    json_t *days = json_object_get(s->all, "days");
    char day[WHEN_MAX] = "", last[WHEN_MAX], hour[16];
    struct tm tm = { 0 };

    s->bad |= json_object_set_new(s->all, "since",
                                  json_string(local_text(l->since, last)));
    s->bad |= json_object_set_new(s->all, "until",
                                  json_string(local_text(until, last)));
    for (unsigned i = 0; i < 24; i++) {
        snprintf(hour, sizeof(hour), "%02u", i);
        s->bad |= json_object_set_new(hours, hour, json_object());
    }
    local_text(until - 1, last);
    clock_local(l->since / 1000, &tm);
    tm.tm_hour = 12; /* each day has a noon */
    while (l->since < until && strncmp(day, last, 10) != 0 &&
           json_object_size(days) <= SUMMARY_DAYS_MAX) {
        tm.tm_isdst = -1;
        mktime(&tm);
        strftime(day, sizeof(day), "%Y-%m-%d", &tm);
        s->bad |= json_object_set_new(days, day, json_object());
        tm.tm_mday++;
    }
    if (json_object_size(days) > 0 &&
        json_object_size(days) <= SUMMARY_DAYS_MAX)
        return 0;
    return ctl_fail(s->x, EX_USAGE,
                    "--since %s: a summary can have 1 to %d days",
                    s->x->args.since, SUMMARY_DAYS_MAX);
}

static int gather(struct summary *s, struct log_reader *l)
{
    static const char *const totals[] = { "uploads",   "upload_bytes",
                                          "downloads", "download_bytes",
                                          "failures",  "logins",
                                          "bans",      "no_events" };
    struct log_record record;
    int code = log_open(l, s->x), closed;

    for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++)
        count(s, json_object_get(s->all, "total"), totals[i], 0);
    if (code == 0)
        code = open_times(s, l);
    while (code == 0 && log_next(l, &record)) {
        take(s, &record);
        log_record_release(&record);
    }
    count(s, json_object_get(s->all, "total"), "no_events", l->torn);
    closed = log_close(l);
    return code ? code : closed;
}

int log_summarise(struct context *x, json_t **ret)
{
    struct log_reader *l = malloc(sizeof(*l));
    struct summary s = {
        .x = x,
        .all = json_pack("{s:{}, s:{}, s:{}, s:{}, s:{}, s:{}, s:{}, "
                         "s:{s:{}, s:{}, s:{}, s:{}}, s:[], s:[]}",
                         "total", "days", "hours", "users", "causes", "tls",
                         "clients", "others", "users", "causes", "tls",
                         "clients", "largest_files", "last_bans"),
    };
    int code = EX_OSERR;

    if (!x->args.since)
        x->args.since = "7d";
    if (l && s.all)
        code = gather(&s, l);
    if (!l || !s.all || (code == 0 && s.bad))
        code = ctl_no_memory(x);
    free(l);
    *ret = s.all;
    if (code) {
        json_decref(s.all);
        *ret = NULL;
    }
    return code;
}

int log_summary(struct context *x)
{
    json_t *all;
    int code = log_summarise(x, &all);

    return code ? code : json_write(x, all);
}
