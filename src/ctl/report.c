/* "report": counts what the log says, and writes the page about it. Whatever
 * the log contains, the counts have bounds: beyond so many names there is one
 * row for all others. */
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

#define DAY 86400

/* Writes as much of the value as fits, in whole characters. */
static void copy_safe(struct slice value, char out[REPORT_TEXT_MAX])
{
    struct buf b;
    size_t len;

    buf_init(&b, 4 * LOG_LINE_MAX);
    log_safe(value, &b);
    len = b.len < REPORT_TEXT_MAX ? b.len : REPORT_TEXT_MAX - 1;
    while (len > 0 && len < b.len && ((uint8_t)b.data[len] & 0xc0) == 0x80)
        len--;
    snprintf(out, REPORT_TEXT_MAX, "%.*s", (int)len, len > 0 ? b.data : "");
    buf_release(&b);
}

static int compare_rows(const void *a, const void *b)
{
    return strcmp(((const struct tally_row *)a)->name,
                  ((const struct tally_row *)b)->name);
}

/* Returns the row of that name, a new one if need be, or the one of all
 * others. */
static struct amount *tally_of(struct tally *t, struct slice name)
{
    struct tally_row *next = &t->row[t->rows];
    struct tally_row **found;

    copy_safe(name, next->name);
    found = t->rows < REPORT_NAMES_MAX ? tsearch(next, &t->index, compare_rows)
                                       : tfind(next, &t->index, compare_rows);
    if (!found)
        return t->others.of;
    t->rows += *found == next;
    return (*found)->of;
}

static void no_free(void *row)
{
    (void)row;
}

/* With a row more, for a name that isn't known yet. */
static bool tally_open(struct tally *t)
{
    t->row = calloc(REPORT_NAMES_MAX + 1, sizeof(*t->row));
    return t->row != NULL;
}

static void tally_release(struct tally *t)
{
    tdestroy(t->index, no_free);
    free(t->row);
}

/* Local days since 1970. */
static int64_t day_of(int64_t ms, int *hour)
{
    struct tm tm = { 0 };

    clock_local(ms / 1000, &tm);
    *hour = tm.tm_hour;
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    return timegm(&tm) / DAY;
}

void amount_add(struct amount *a, uint64_t count, uint64_t bytes)
{
    a->count += count;
    a->bytes = bytes < INT64_MAX - a->bytes ? a->bytes + bytes : INT64_MAX;
}

static void add(struct amount *a, uint64_t bytes)
{
    amount_add(a, 1, bytes);
}

static void take_file(struct report *r, const struct log_record *record)
{
    uint64_t size = log_size(record);
    size_t at = r->files;

    while (at > 0 && r->file[at - 1].size < size)
        at--;
    if (at == REPORT_FILES)
        return;
    r->files += r->files < REPORT_FILES;
    memmove(&r->file[at + 1], &r->file[at],
            (r->files - at - 1) * sizeof(r->file[0]));
    r->file[at] = (struct report_file){ .ms = record->ms,
                                        .size = size,
                                        .upload = log_is_upload(record) };
    copy_safe(log_get(record, "user"), r->file[at].user);
    copy_safe(log_get(record, log_get(record, "to").ptr ? "to" : "path"),
              r->file[at].path);
}

static void take_transfer(struct report *r, const struct log_record *record)
{
    const int way = log_is_upload(record) ? UPLOADS : DOWNLOADS;
    const uint64_t bytes = log_number(record, "bytes");
    int hour;
    int64_t day = day_of(record->ms, &hour) - r->first_day;

    add(&r->total[way], bytes);
    add(&r->hour[hour][way], bytes);
    if (day >= 0 && day < (int64_t)r->days)
        add(&r->day[day][way], bytes);
    add(&tally_of(&r->users, log_get(record, "user"))[way], bytes);
    take_file(r, record);
}

/* "upload: closed by the client" */
static void take_failure(struct report *r, const struct log_record *record)
{
    struct slice word = log_word(record), cause = log_cause(record);
    char name[REPORT_TEXT_MAX]; /* copy_safe() escapes it */

    snprintf(name, sizeof(name), "%.*s%s%.*s", (int)word.len, word.ptr,
             cause.len > 0 ? ": " : "", (int)cause.len,
             cause.len > 0 ? cause.ptr : "");
    r->failures++;
    add(tally_of(&r->causes, slice_from(name)), 0);
}

static void take_login(struct report *r, const struct log_record *record)
{
    struct slice rest = log_get(record, "tls"), version = SLICE("?");

    slice_cut(&rest, ' ', &version);
    r->logins++;
    add(tally_of(&r->tls, version), 0);
}

static void take_ban(struct report *r, const struct log_record *record)
{
    struct report_ban *b = &r->ban[r->bans++ % REPORT_BANS];

    b->ms = record->ms;
    copy_safe(log_get(record, "peer"), b->peer);
    copy_safe(log_get(record, "reason"), b->reason);
}

static void take(struct report *r, const struct log_record *record)
{
    if (slice_equal(record->event, SLICE("ban")))
        take_ban(r, record);
    else if (log_failed(record))
        take_failure(r, record);
    else if (log_is_upload(record) || log_is_download(record))
        take_transfer(r, record);
    else if (slice_equal(record->event, SLICE("login")))
        take_login(r, record);
    else if (slice_equal(record->event, SLICE("client")))
        add(tally_of(&r->clients, log_get(record, "name")), 0);
}

static int open_days(struct report *r, const struct log_reader *l)
{
    int64_t days;
    int hour;

    r->since = l->since;
    r->until = l->until < INT64_MAX ? l->until : (int64_t)time(NULL) * 1000;
    r->first_day = day_of(r->since, &hour);
    days = day_of(r->until - 1, &hour) - r->first_day + 1;
    if (days < 1 || days > REPORT_DAYS_MAX)
        return ctl_fail(r->x, EX_USAGE,
                        "--since %s: the page can have 1 to %d days",
                        r->x->args.since, REPORT_DAYS_MAX);
    r->days = (size_t)days;
    return 0;
}

static int gather(struct report *r)
{
    struct log_reader *l = malloc(sizeof(*l));
    struct log_record record;
    int code, closed;

    if (!l || !tally_open(&r->users) || !tally_open(&r->causes) ||
        !tally_open(&r->tls) || !tally_open(&r->clients)) {
        free(l);
        return ctl_fail(r->x, EX_OSERR, "no memory");
    }
    code = log_open(l, r->x);
    if (code == 0)
        code = open_days(r, l);
    while (code == 0 && log_next(l, &record)) {
        take(r, &record);
        log_record_release(&record);
    }
    r->torn = l->torn;
    closed = log_close(l);
    free(l);
    return code ? code : closed;
}

/* The new page gets the mode of the OLD one; NULL: a page has names and
 * addresses, so it is the caller's alone. */
static int replace_page(const char *path, struct slice page,
                        const struct stat *old)
{
    char temp[PATH_MAX];
    int r;

    if (snprintf(temp, sizeof(temp), "%s.%d", path, (int)getpid()) >=
        (int)sizeof(temp))
        return -ENAMETOOLONG;
    FD_CLEANUP int fd =
        open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    r = fd_write_all(fd, page.ptr, page.len);
    if (r == 0 && old && fchown(fd, old->st_uid, old->st_gid) == 0 &&
        fchmod(fd, old->st_mode & 0777) < 0)
        r = -errno;
    if (r == 0 && (fsync(fd) < 0 || rename(temp, path) < 0))
        r = -errno;
    if (r < 0)
        unlink(temp);
    return r;
}

static int write_device(const char *path, struct slice page)
{
    FD_CLEANUP int fd = open(path, O_WRONLY | O_CLOEXEC);

    return fd < 0 ? -errno : fd_write_all(fd, page.ptr, page.len);
}

/* The old page stays until the new one is complete. A link stays a link, and a
 * pipe, such as /dev/stdout, has no other name. */
static int write_file(const char *path, struct slice page)
{
    struct stat old;
    bool exists = stat(path, &old) == 0;
    char *real = exists && S_ISREG(old.st_mode) ? realpath(path, NULL) : NULL;
    int r = exists && !real
                ? write_device(path, page)
                : replace_page(real ? real : path, page, exists ? &old : NULL);

    free(real);
    return r;
}

static int write_page(struct context *x, struct slice page)
{
    const char *path = x->args.output;
    int r;

    if (!path || !strcmp(path, "-"))
        return fwrite(page.ptr, 1, page.len, stdout) == page.len
                   ? 0
                   : ctl_fail(x, EX_IOERR, "standard output: %s",
                              strerror(errno));
    r = write_file(path, page);
    return r < 0 ? ctl_fail(x, ctl_exit_of(-r), "%s: %s", path, strerror(-r))
                 : 0;
}

int report_make(struct context *x)
{
    struct report *r = calloc(1, sizeof(*r));
    struct buf page;
    int code;

    if (!r)
        return ctl_fail(x, EX_OSERR, "no memory");
    if (!x->args.since)
        x->args.since = "7d";
    r->x = x;
    buf_init(&page, REPORT_PAGE_MAX);
    code = gather(r);
    if (code == 0 && report_page(r, &page) < 0)
        code = ctl_fail(x, EX_OSERR, "no memory for the page");
    if (code == 0)
        code = write_page(x, buf_slice(&page));
    buf_release(&page);
    tally_release(&r->users);
    tally_release(&r->causes);
    tally_release(&r->tls);
    tally_release(&r->clients);
    free(r);
    return code;
}
