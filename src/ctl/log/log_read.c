/* Where the log's lines come from: a file, standard input, or the journal. And
 * which records are wanted. Memory doesn't grow with the log.
 *
 * The journal is read by journalctl, a child without a shell. So the program
 * that root runs links no further library, works without systemd, and
 * journalctl finds rotated and compressed files. */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/event/event.h"

#define GROWTH_MS 250 /* between two looks at a file that is followed */

const char *log_journalctl = "/usr/bin/journalctl";

/* Days before today: 0 and 1 for words, 1 to 7 for a day of the week. Returns
 * false for another word. */
static bool days_back(struct slice word, int today, int *ret)
{
    static const char *const words[] = { "sunday",    "monday",   "tuesday",
                                         "wednesday", "thursday", "friday",
                                         "saturday",  "today",    "yesterday" };
    int found = -1;

    for (int i = 0; i < 9; i++) {
        struct slice full = slice_from(words[i]);

        if (slice_equal_nocase(word, full) ||
            (i < 7 && slice_equal_nocase(word, (struct slice){ full.ptr, 3 })))
            found = i;
    }
    *ret = found >= 7 ? found - 7 : (today - found + 6) % 7 + 1;
    return found >= 0;
}

/* mktime(3) and timegm(3) make March of February 30. */
static bool time_of(const struct tm *tm, bool utc, time_t *ret)
{
    struct tm same = *tm;

    same.tm_isdst = -1;
    *ret = utc ? timegm(&same) : mktime(&same);
    return *ret >= 0 && same.tm_mday == tm->tm_mday &&
           same.tm_mon == tm->tm_mon;
}

static bool date_of(const char *text, bool end, time_t *ret)
{
    static const char *const forms[] = {
        "%Y-%m-%d",          "%Y-%m-%d %H:%M",    "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S",
    };

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct tm tm = { 0 };
        const char *rest = strptime(text, forms[i], &tm);
        bool utc = rest && i > 0 && !strcmp(rest, "Z");

        if (!rest || (*rest && !utc) || !time_of(&tm, utc, ret))
            continue;
        tm.tm_mday += i == 0 && end;
        tm.tm_isdst = -1;
        *ret = utc ? timegm(&tm) : mktime(&tm);
        return true;
    }
    return false;
}

int log_when(struct context *x, const char *option, const char *text, bool end,
             int64_t *ms)
{
    int64_t seconds = user_duration_parse(slice_from(text));
    time_t when = time(NULL);
    struct tm tm;
    int back;

    tzset();
    clock_local(when, &tm);
    if (seconds > 0) {
        when = when > seconds ? when - seconds : 0;
    } else if (days_back(slice_from(text), tm.tm_wday, &back)) {
        tm.tm_mday += end - back;
        tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
        tm.tm_isdst = -1;
        when = mktime(&tm);
    } else if (!date_of(text, end, &when)) {
        return ctl_fail(x, EX_USAGE,
                        "--%s %s: use a time ago, such as 7d or 2h; a day, "
                        "such as 2026-11-20, today or tuesday; or "
                        "\"2026-11-20 08:00\"",
                        option, text);
    }
    *ms = (int64_t)when * 1000;
    return 0;
}

void log_window(const struct arguments *a, char out[WINDOW_MAX])
{
    const char *since = a->since ? a->since : "all";

    if (a->until)
        snprintf(out, WINDOW_MAX, " in that time");
    else if (strcmp(since, "all") == 0)
        out[0] = '\0';
    else
        snprintf(out, WINDOW_MAX, " %s %s",
                 user_duration_parse(slice_from(since)) > 0 ? "in the last"
                                                            : "since",
                 since);
}

static int open_file(struct log_reader *l, const char *path)
{
    l->from = strcmp(path, "-") ? fopen(path, "re") : stdin;
    if (l->from)
        return 0;
    return ctl_fail(l->x, errno == EACCES ? EX_NOPERM : EX_NOINPUT,
                    "%s: %s; --file is the server's log, - is standard input, "
                    "and without --file the journal is read",
                    path, strerror(errno));
}

/* Reads the place where the last call ended, if there is a file. Returns 0 or
 * -errno. */
static int read_cursor(struct log_reader *l)
{
    const char *path = l->x->args.cursor;
    FILE *f = path ? fopen(path, "re") : NULL;
    int r = 0;

    if (!f)
        return !path || errno == ENOENT ? 0 : -errno;
    if (fgets(l->cursor, sizeof(l->cursor), f))
        l->cursor[strcspn(l->cursor, "\n")] = '\0';
    else if (ferror(f))
        r = -errno;
    fclose(f);
    return r;
}

/* Not by journalctl's --cursor-file: with that it fails if there is nothing
 * new. Returns 0 or -errno. */
static int write_cursor(const struct log_reader *l)
{
    const char *path = l->x->args.cursor;
    char temp[PATH_MAX];
    FILE *f;
    int r = 0;

    if (!path || !l->cursor[0])
        return 0;
    if (snprintf(temp, sizeof(temp), "%s.new", path) >= (int)sizeof(temp))
        return -ENAMETOOLONG;
    unlink(temp); /* of a killed call, or somebody's link */
    f = fopen(temp, "wxe");
    if (!f)
        return -errno;
    if (fprintf(f, "%s\n", l->cursor) < 0 || fflush(f) == EOF ||
        fsync(fileno(f)) < 0)
        r = -errno;
    if (fclose(f) == EOF && r == 0)
        r = -errno;
    return r == 0 && rename(temp, path) < 0 ? -errno : r;
}

/* The configuration doesn't name the unit of a second server, and the log of
 * the first one would be a false answer. */
static int check_unit(struct log_reader *l)
{
    const struct arguments *a = &l->x->args;
    const char *unit = a->unit ? a->unit : "sallyport";
    const size_t len = strlen(unit);

    if (!a->unit && a->config && strcmp(a->config, SETTINGS_FILE) != 0)
        return ctl_fail(l->x, EX_USAGE,
                        "the log of a server with another configuration: give "
                        "its unit by --unit NAME, or its log by --file FILE");
    snprintf(l->match, sizeof(l->match), "_SYSTEMD_UNIT=%s%s", unit,
             len > 8 && strcmp(unit + len - 8, ".service") == 0 ? ""
                                                                : ".service");
    return 0;
}

/* Starts journalctl. Its standard output is the reader's file. */
static int spawn_journal(struct log_reader *l, int out)
{
    const char *directory = l->x->args.directory;
    char from[LOG_CURSOR_MAX + 16], where[PATH_MAX + 16] = "";
    char *arguments[] = { (char[]){ "journalctl" },
                          (char[]){ "--quiet" },
                          (char[]){ "--no-pager" },
                          (char[]){ "--all" },
                          (char[]){ "--output=json" },
                          (char[]){ "--output-fields=MESSAGE,_HOSTNAME" },
                          from,
                          l->match,
                          NULL,
                          NULL,
                          NULL,
                          NULL };
    static char follow[] = "--follow", no_tail[] = "--no-tail";
    static char reverse[] = "--reverse";
    size_t n = 8;
    char *const environment[] = { (char[]){ "LC_ALL=C" }, NULL };
    posix_spawn_file_actions_t actions;
    int r = posix_spawn_file_actions_init(&actions);

    if (directory) {
        snprintf(where, sizeof(where), "--directory=%s", directory);
        arguments[n++] = where;
    }
    if (l->follows) {
        arguments[n++] = follow;
        arguments[n++] = no_tail;
    } else if (l->reverse) {
        arguments[n++] = reverse;
    }
    if (l->cursor[0])
        snprintf(from, sizeof(from), "--after-cursor=%s", l->cursor);
    else
        snprintf(from, sizeof(from), "--since=@%" PRId64, l->since / 1000);
    if (r == 0)
        r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO,
                                             "/dev/null", O_RDONLY, 0);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    if (r == 0)
        r = posix_spawn(&l->journal, log_journalctl, &actions, NULL, arguments,
                        environment);
    posix_spawn_file_actions_destroy(&actions);
    return r;
}

/* From the cursor on, if there is one. */
static int start_journal(struct log_reader *l)
{
    int ends[2] = { -1, -1 };
    int r = pipe2(ends, O_CLOEXEC) < 0 ? errno : spawn_journal(l, ends[1]);

    fd_close(&ends[1]);
    if (r == 0)
        l->from = fdopen(ends[0], "r");
    else
        fd_close(&ends[0]);
    if (r == ENOENT)
        return ctl_fail(l->x, EX_UNAVAILABLE,
                        "there is no %s here: give the server's log by --file",
                        log_journalctl);
    return l->from ? 0
                   : ctl_fail(l->x, EX_OSERR, "%s: %s", log_journalctl,
                              strerror(r ? r : errno));
}

static int open_journal(struct log_reader *l)
{
    int r = check_unit(l);

    if (r)
        return r;
    r = read_cursor(l);
    if (r < 0)
        return ctl_fail(l->x, EX_NOINPUT, "%s: %s", l->x->args.cursor,
                        strerror(-r));
    if (l->cursor[0])
        l->since = 0; /* it was for the first call */
    return start_journal(l);
}

int log_open(struct log_reader *l, struct context *x)
{
    const struct arguments *a = &x->args;
    int code = 0;

    l->x = x;
    l->from = NULL;
    l->journal = 0;
    l->reverse = a->lines && !a->file;
    l->follows = l->stopped = false;
    l->since = 0;
    l->until = INT64_MAX;
    l->events = l->torn = 0;
    l->entry = NULL;
    l->cursor[0] = '\0';
    l->len = 0;
    l->too_long = false;
    buf_init(&l->path, LOG_LINE_MAX);
    if (a->path)
        event_escape(slice_from(a->path), &l->path);
    if (a->event)
        code = log_names_check(x, slice_from(a->event));
    if (code == 0 && a->since && strcmp(a->since, "all") != 0)
        code = log_when(x, "since", a->since, false, &l->since);
    if (code == 0 && a->until)
        code = log_when(x, "until", a->until, true, &l->until);
    if (code)
        return code;
    if (a->directory && strlen(a->directory) >= PATH_MAX)
        return ctl_fail(x, EX_USAGE, "--directory is too long");
    return a->file ? open_file(l, a->file) : open_journal(l);
}

/* The server's log was emptied, or another file has its name. */
static void take_new_file(struct log_reader *l)
{
    const char *path = l->x->args.file;
    struct stat now, named;
    FILE *f;

    if (fstat(fileno(l->from), &now) < 0)
        return;
    if (now.st_size < ftello(l->from)) {
        fseek(l->from, 0, SEEK_SET);
        l->len = 0;
    } else if (stat(path, &named) == 0 &&
               (named.st_ino != now.st_ino || named.st_dev != now.st_dev)) {
        f = fopen(path, "re");
        if (!f)
            return;
        fclose(l->from);
        l->from = f;
        l->len = 0;
    }
}

/* At the end of a file that grows. It may be on a network disk, where another
 * machine writes: inotify(7) doesn't see that. */
static bool wait_for_more(struct log_reader *l)
{
    const struct timespec pause = { 0, GROWTH_MS * 1000000L };

    if (!l->follows || l->journal || ferror(l->from))
        return false;
    nanosleep(&pause, NULL);
    take_new_file(l);
    clearerr(l->from);
    return true;
}

/* Returns 1; 0 at the end; -1: the line was too long, and was passed over. The
 * last line of a file that will be followed may still be written. */
static int read_line(struct log_reader *l, struct slice *ret)
{
    bool fits;
    int c;

    do {
        while ((c = getc_unlocked(l->from)) != EOF && c != '\n') {
            if (l->len < sizeof(l->line))
                l->line[l->len++] = (char)c;
            else
                l->too_long = true;
        }
    } while (c == EOF && wait_for_more(l));
    if (c == EOF && (l->len == 0 || l->x->args.follow))
        return 0;
    *ret = (struct slice){ l->line, l->len };
    fits = !l->too_long;
    l->len = 0;
    l->too_long = false;
    return fits ? 1 : -1;
}

/* Takes the line out of an entry of the journal. */
static bool take_entry(struct log_reader *l, struct slice *line, int64_t *now)
{
    const json_t *message, *time, *cursor;
    uint64_t us = 0;

    json_decref(l->entry);
    l->entry = json_loadb(line->ptr, line->len, 0, NULL);
    message = json_object_get(l->entry, "MESSAGE");
    time = json_object_get(l->entry, "__REALTIME_TIMESTAMP");
    cursor = json_object_get(l->entry, "__CURSOR");
    if (cursor && json_string_length(cursor) < sizeof(l->cursor) &&
        !(l->reverse && l->cursor[0]))
        snprintf(l->cursor, sizeof(l->cursor), "%s", json_string_value(cursor));
    slice_number(slice_from(json_string_value(time)), INT64_MAX, &us);
    *line = (struct slice){ json_string_value(message),
                            json_string_length(message) };
    *now = (int64_t)(us / 1000);
    return line->ptr != NULL;
}

struct slice log_machine(const struct log_reader *l)
{
    const json_t *name = json_object_get(l->entry, "_HOSTNAME");

    return (struct slice){ json_string_value(name), json_string_length(name) };
}

static bool field_is(const struct log_record *r, const char *name,
                     const char *wanted)
{
    return !wanted || slice_equal(log_get(r, name), slice_from(wanted));
}

/* Does an administrator's command, such as "share grant" with "in anna:read",
 * name the user? */
static bool order_names(const struct log_record *r, struct slice user)
{
    struct slice rest = log_get(r, "to"), word, group,
                 verb = log_get(r, "verb");
    bool is_name;

    slice_cut(&verb, ' ', &group);
    is_name = !slice_equal(group, SLICE("share")) &&
              !slice_equal(group, SLICE("team"));
    if (slice_equal(group, SLICE("invite")) && slice_equal(verb, user))
        return true;
    while (slice_cut(&rest, ' ', &word) && !slice_starts(word, SLICE("--"))) {
        slice_cut(&word, ':', &group);
        if (is_name && slice_equal(group, user))
            return true;
        is_name = true; /* the first word was the share, or the team */
    }
    return false;
}

static bool is_of_user(const struct log_record *r, const char *name)
{
    const struct slice user = slice_from(name);

    return slice_equal(log_get(r, "user"), user) ||
           (slice_equal(r->event, SLICE("admin")) && order_names(r, user));
}

static bool path_has(const struct log_record *r, const struct buf *part)
{
    struct slice path = log_get(r, "path"), to = log_get(r, "to");

    return part->len == 0 ||
           (path.ptr && memmem(path.ptr, path.len, part->data, part->len)) ||
           (to.ptr && memmem(to.ptr, to.len, part->data, part->len));
}

static bool is_wanted(const struct log_reader *l, const struct log_record *r)
{
    const struct arguments *a = &l->x->args;

    return r->ms >= l->since && r->ms < l->until &&
           (!a->event || log_is_among(r, slice_from(a->event))) &&
           (!a->failed || log_failed(r)) &&
           (!a->user || is_of_user(r, a->user)) &&
           field_is(r, "serial", a->serial) && path_has(r, &l->path);
}

bool log_next(struct log_reader *l, struct log_record *r)
{
    struct slice line;
    int64_t now = 0;
    int got;

    while ((got = read_line(l, &line)) != 0) {
        enum log_line kind = LOG_LINE_TORN;

        r->json = NULL;
        if (got > 0 && (!l->journal || take_entry(l, &line, &now)))
            kind = log_record_read(r, line, now);
        l->torn += kind == LOG_LINE_TORN;
        l->events += kind == LOG_LINE_EVENT;
        if (kind == LOG_LINE_EVENT && is_wanted(l, r))
            return true;
        log_record_release(r);
    }
    return false;
}

/* A user without rights for the journal sees an empty one. */
static void report_empty_journal(const struct log_reader *l)
{
    const struct arguments *a = &l->x->args;
    char window[WINDOW_MAX];

    log_window(a, window);
    if (a->directory)
        stderr_print("the journals in %s have no line of the server%s, or you "
                     "may not read them",
                     a->directory, window);
    else if (geteuid() == 0)
        stderr_print("the journal has no line of the server%s; --file reads "
                     "another log",
                     window);
    else
        stderr_print("the journal shows no such line%s to you; if there should "
                     "be one, run this as root, join the group "
                     "systemd-journal, or give the log by --file",
                     window);
}

static int close_journal(struct log_reader *l)
{
    int status = 0;

    while (waitpid(l->journal, &status, 0) < 0 && errno == EINTR)
        ;
    l->journal = 0;
    if (l->events == 0 && !l->x->args.cursor)
        report_empty_journal(l);
    return status == 0 || l->stopped
               ? 0
               : ctl_fail(l->x, EX_IOERR, "journalctl has failed");
}

static void report_torn(struct log_reader *l)
{
    if (l->torn > 0)
        stderr_print("left out, since they are no events: %" PRIu64 " lines",
                     l->torn);
    l->torn = 0;
}

int log_follow(struct log_reader *l)
{
    int code;

    report_torn(l);
    l->follows = true;
    l->until = INT64_MAX;
    if (!l->journal) {
        clearerr(l->from);
        return 0;
    }
    fclose(l->from);
    l->from = NULL;
    code = close_journal(l);
    l->stopped = false;
    l->reverse = false;
    return code ? code : start_journal(l);
}

/* The place moves only behind what has been printed. */
static int keep_place(struct log_reader *l)
{
    int r = fflush(stdout) == EOF || ferror(stdout) ? 0 : write_cursor(l);

    return r == 0 ? 0
                  : ctl_fail(l->x, EX_CANTCREAT, "%s: %s", l->x->args.cursor,
                             strerror(-r));
}

int log_close(struct log_reader *l)
{
    const bool journal = l->journal != 0;
    bool bad = l->from && ferror(l->from);
    int error = errno, code = 0;

    json_decref(l->entry);
    buf_release(&l->path);
    if (l->from)
        fclose(l->from);
    if (journal)
        code = close_journal(l);
    if (journal && code == 0 && !bad)
        code = keep_place(l);
    report_torn(l);
    return bad && code == 0
               ? ctl_fail(l->x, EX_IOERR, "the log: %s", strerror(error))
               : code;
}
