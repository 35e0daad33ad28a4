/* "log": what happened. The lines come from the journal by journalctl(1), from
 * a file or from standard input; the filters choose, and a table, JSON or CSV
 * shows them. Memory doesn't grow with the log. */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sallyport/base/address.h"
#include "sallyport/event/event.h"

#define ROW_MAX   (8 * LOG_LINE_MAX)
#define LINES_MAX 10000 /* they are in memory */
#define UNIT      "_SYSTEMD_UNIT=sallyport.service"

const char *log_journalctl = "/usr/bin/journalctl";

/* A row that was written to a temporary file. */
struct log_place {
    int64_t ms;
    off_t at;
    size_t len;
};

struct log_view {
    const struct arguments *args;
    FILE *from;
    pid_t journal;          /* journalctl; 0: a file */
    struct network address; /* of --address */
    struct buf path;        /* a part of the path, as the log has it */
    uint64_t events, torn, shown;
    json_t *entry; /* of the journal, with the last line */
    struct buf row;
    struct table csv;
    char **last; /* --lines: a ring of the last rows */
    size_t most;
    FILE *rows; /* --directory: all rows, and where each is */
    struct log_place *place;
    size_t places;
    char line[LOG_LINE_MAX];
};

/* The source of the lines. */

/* journalctl understands the times; what it prints on standard error is for the
 * caller. */
static noreturn void exec_journal(const struct log_view *v, int out)
{
    const struct arguments *a = v->args;
    char directory[PATH_MAX + 16], since[256], until[256];
    const char *argv[16] = {
        "journalctl", "--quiet",       "--no-pager",
        "--all",      "--output=json", "--output-fields=MESSAGE,_HOSTNAME",
        UNIT
    };
    size_t n = 7;

    snprintf(directory, sizeof(directory), "--directory=%s",
             a->directory ? a->directory : "");
    snprintf(since, sizeof(since), "--since=%s", a->since ? a->since : "-24h");
    snprintf(until, sizeof(until), "--until=%s", a->until ? a->until : "");
    if (a->directory)
        argv[n++] = directory;
    if (a->follow)
        argv[n++] = "--follow";
    else if (a->since || (!a->until && !a->lines))
        argv[n++] = since;
    if (a->until)
        argv[n++] = until;
    if (a->lines && !a->directory)
        argv[n++] = "--reverse";
    dup2(out, STDOUT_FILENO);
    execv(log_journalctl, (char *const *)argv);
    _exit(errno == ENOENT ? EX_UNAVAILABLE : EX_OSERR);
}

static void open_journal(struct log_view *v)
{
    const char *config = v->args->config;
    int ends[2];

    if (config && strcmp(config, SETTINGS_FILE) != 0)
        fail(EX_USAGE,
             "the log of a server with another configuration: run journalctl "
             "-u UNIT -o json | sallyportctl log --file -, or give its log by "
             "--file FILE");
    if (access(log_journalctl, X_OK) < 0)
        fail(EX_UNAVAILABLE,
             "there is no %s here: give the server's log by --file",
             log_journalctl);
    fflush(stdout);
    if (pipe2(ends, O_CLOEXEC) < 0 || (v->journal = fork()) < 0)
        fail(EX_OSERR, "journalctl: %s", strerror(errno));
    if (v->journal == 0)
        exec_journal(v, ends[1]);
    close(ends[1]);
    v->from = fdopen(ends[0], "r");
}

static void open_log(struct log_view *v)
{
    const struct arguments *a = v->args;

    if (!a->file)
        open_journal(v);
    else
        v->from = strcmp(a->file, "-") ? fopen(a->file, "re") : stdin;
    if (!v->from)
        fail(errno == EACCES ? EX_NOPERM : EX_NOINPUT,
             "%s: %s; --file is the server's log, - is standard input, and "
             "without --file the journal is read",
             a->file, strerror(errno));
}

/* Returns 1; 0 at the end; -1: the line was too long, and was passed over. */
static int next_line(struct log_view *v, struct slice *ret)
{
    bool fits = true;
    size_t len = 0;
    int c;

    while ((c = getc_unlocked(v->from)) != EOF && c != '\n') {
        if (len < sizeof(v->line))
            v->line[len++] = (char)c;
        else
            fits = false;
    }
    *ret = (struct slice){ v->line, len };
    return c == EOF && len == 0 ? 0 : fits ? 1 : -1;
}

/* Takes the line out of an entry of the journal; another line stays. Returns
 * false for an entry without one. */
static bool take_entry(struct log_view *v, struct slice *line, int64_t *now)
{
    const json_t *message, *time;
    uint64_t us = 0;

    json_decref(v->entry);
    v->entry = NULL;
    if (line->len == 0 || line->ptr[0] != '{' ||
        !memmem(line->ptr, line->len, "\"__REALTIME_TIMESTAMP\"", 22))
        return !v->journal;
    v->entry = json_loadb(line->ptr, line->len, 0, NULL);
    message = json_object_get(v->entry, "MESSAGE");
    time = json_object_get(v->entry, "__REALTIME_TIMESTAMP");
    if (!json_is_string(message) || !json_is_string(time))
        return false;
    slice_number(slice_from(json_string_value(time)), INT64_MAX, &us);
    *line = (struct slice){ json_string_value(message),
                            json_string_length(message) };
    *now = (int64_t)(us / 1000);
    return true;
}

/* Which lines are wanted. */

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

static bool is_from(const struct log_record *r, const struct network *n)
{
    struct address a;

    return address_parse(log_address(r), &a) == 0 && network_holds(n, &a);
}

static bool path_has(const struct log_record *r, const struct buf *part)
{
    struct slice path = log_get(r, "path"), to = log_get(r, "to");

    return part->len == 0 ||
           (path.ptr && memmem(path.ptr, path.len, part->data, part->len)) ||
           (to.ptr && memmem(to.ptr, to.len, part->data, part->len));
}

static bool is_wanted(const struct log_view *v, const struct log_record *r)
{
    const struct arguments *a = v->args;

    return (!a->user || is_of_user(r, a->user)) &&
           (!a->address || is_from(r, &v->address)) &&
           field_is(r, "serial", a->serial) &&
           (!a->event || log_is_among(r, slice_from(a->event))) &&
           path_has(r, &v->path) && (!a->failed || log_failed(r));
}

/* How they are shown. */

static struct slice machine_of(const struct log_view *v)
{
    const json_t *name = json_object_get(v->entry, "_HOSTNAME");

    return (struct slice){ json_string_value(name), json_string_length(name) };
}

static void fill_row(struct log_view *v, const struct log_record *r)
{
    const struct slice machine = machine_of(v);
    char *text;

    buf_clear(&v->row);
    if (v->args->json) {
        json_t *one =
            log_json(r, v->args->directory ? machine : (struct slice){ 0 });

        text = json_dumps(one, JSON_COMPACT);
        if (!text)
            fail_no_memory();
        buf_add_format(&v->row, "%s\n", text);
        free(text);
        json_decref(one);
    } else {
        log_row(r, v->args->directory ? &machine : NULL, &v->row);
    }
}

static void write_out(const char *text, size_t len)
{
    if (len > 0)
        fwrite(text, 1, len, stdout);
    if (ferror(stdout))
        fail(EX_IOERR, "standard output: %s", strerror(errno));
}

/* journalctl relays the journals of several machines in no certain order. */
static void keep_place(struct log_view *v, int64_t ms)
{
    struct log_place *more =
        v->places & (v->places - 1)
            ? v->place
            : reallocarray(v->place, v->places > 0 ? 2 * v->places : 1,
                           sizeof(*more));

    if (!v->rows)
        v->rows = tmpfile();
    if (!more || !v->rows)
        fail_no_memory();
    v->place = more;
    more[v->places++] = (struct log_place){ ms, ftello(v->rows), v->row.len };
    if (fwrite(v->row.data, 1, v->row.len, v->rows) < v->row.len)
        fail(EX_IOERR, "a temporary file: %s", strerror(errno));
}

static int by_time(const void *a, const void *b)
{
    const struct log_place *x = a, *y = b;
    const int64_t first = x->ms != y->ms ? x->ms : x->at;
    const int64_t second = x->ms != y->ms ? y->ms : y->at;

    return (first > second) - (first < second);
}

static void show_places(struct log_view *v)
{
    const size_t skip =
        v->most > 0 && v->places > v->most ? v->places - v->most : 0;

    if (v->places > 0)
        qsort(v->place, v->places, sizeof(*v->place), by_time);
    for (size_t i = skip; i < v->places; i++) {
        static char text[ROW_MAX];

        if (fseeko(v->rows, v->place[i].at, SEEK_SET) < 0 ||
            fread(text, 1, v->place[i].len, v->rows) < v->place[i].len)
            fail(EX_IOERR, "a temporary file: %s", strerror(errno));
        write_out(text, v->place[i].len);
    }
}

/* The journal begins with the newest row. */
static void show_last(const struct log_view *v)
{
    const uint64_t n = v->shown < v->most ? v->shown : v->most;

    for (uint64_t i = 0; i < n; i++) {
        const char *row =
            v->last[v->journal ? n - 1 - i : (v->shown - n + i) % v->most];

        write_out(row, strlen(row));
    }
}

static void show_record(struct log_view *v, const struct log_record *r)
{
    if (v->args->csv) {
        table_add(&v->csv, log_json(r, machine_of(v)));
        write_out("", 0);
    } else {
        fill_row(v, r);
    }
    if (v->args->directory && !v->args->follow && !v->args->csv) {
        keep_place(v, r->ms);
    } else if (v->last) {
        char **at = &v->last[v->shown % v->most];

        free(*at);
        *at = strndup(v->row.data, v->row.len);
        if (!*at)
            fail_no_memory();
    } else {
        write_out(v->row.data, v->row.len);
    }
    v->shown++;
}

static bool has_all(const struct log_view *v)
{
    return v->journal && v->last && v->shown == v->most;
}

static void show_all(struct log_view *v)
{
    struct log_record r;
    struct slice line;
    int64_t now;
    int got;

    while (!has_all(v) && (got = next_line(v, &line)) != 0) {
        enum log_line is = LOG_LINE_TORN;

        now = 0;
        r.json = NULL;
        if (got > 0 && take_entry(v, &line, &now))
            is = log_record_read(&r, line, now);
        v->torn += is == LOG_LINE_TORN;
        v->events += is == LOG_LINE_EVENT;
        if (is == LOG_LINE_EVENT && is_wanted(v, &r))
            show_record(v, &r);
        log_record_release(&r);
    }
    if (ferror(v->from))
        fail(EX_IOERR, "the log: %s", strerror(errno));
}

/* A user without rights for the journal sees an empty one. */
static void explain_empty(const struct log_view *v)
{
    if (v->args->directory)
        stderr_print("the journals in %s have no such line of the server, or "
                     "you may not read them",
                     v->args->directory);
    else if (geteuid() == 0)
        stderr_print("the journal has no line of the server in that time; "
                     "--file reads another log");
    else
        stderr_print("the journal shows no such line to you; if there should "
                     "be one, run this as root, join the group "
                     "systemd-journal, or give the log by --file");
}

static void close_journal(const struct log_view *v)
{
    int status = 0;

    if (has_all(v))
        return; /* journalctl would have printed more */
    while (waitpid(v->journal, &status, 0) < 0 && errno == EINTR)
        ;
    if (status != 0)
        fail(EX_IOERR, "journalctl has failed");
    if (v->events == 0)
        explain_empty(v);
}

/* Nobody should take a wrong name for a quiet server. Without the right to read
 * the users file nothing is said. */
static void explain_user(const struct log_view *v)
{
    struct context own = { .args = *v->args };

    if (v->shown == 0 && v->args->user && ctl_load_settings(&own) == 0 &&
        edit_load_users(&own.users, own.settings.users, NULL, &own.complaint) ==
            0 &&
        !users_find(&own.users, slice_from(v->args->user)))
        stderr_print("the users file has no user %s", v->args->user);
}

static void take_options(struct log_view *v)
{
    const struct arguments *a = v->args;
    struct complaint why = { "" };
    uint64_t most = 0;

    if (a->path)
        event_escape(slice_from(a->path), &v->path);
    if (a->event)
        log_names_check(slice_from(a->event));
    if (a->address &&
        network_parse(slice_from(a->address), &v->address, &why) < 0)
        fail(EX_USAGE, "--address %s: use an address or a network", a->address);
    if (a->file && (a->since || a->until || a->follow))
        fail(EX_USAGE, "--since, --until and --follow are for the journal; of "
                       "a file use: tail -F FILE | sallyportctl log --file -");
    if (a->lines &&
        (slice_number(slice_from(a->lines), LINES_MAX, &most) < 0 || most == 0))
        fail(EX_USAGE, "--lines %s: use 1 to %d", a->lines, LINES_MAX);
    v->most = (size_t)most;
    if (most > 0 && !a->directory)
        v->last = calloc(v->most, sizeof(*v->last));
    if (most > 0 && !a->directory && !v->last)
        fail_no_memory();
}

void log_show(void)
{
    static const struct output_field columns[] = {
        { .key = "time" },   { .key = "machine" },
        { .key = "user" },   { .key = "event" },
        { .key = "verb" },   { .key = "path" },
        { .key = "to" },     { .key = "bytes" },
        { .key = "size" },   { .key = "result" },
        { .key = "reason" }, { .key = "peer" },
        { .key = "serial" }, { .key = "uid" },
        { .key = "admin" },  { 0 },
    };
    struct log_view *v = calloc(1, sizeof(*v));

    if (!v)
        fail_no_memory();
    v->args = &ctl.args;
    buf_init(&v->path, LOG_LINE_MAX);
    buf_init(&v->row, ROW_MAX);
    take_options(v);
    if (v->args->file || v->args->follow) /* somebody may watch it */
        setvbuf(stdout, NULL, _IOLBF, 0);
    open_log(v);
    if (v->args->csv)
        table_begin(&v->csv, &ctl, columns);
    else if (!v->args->json)
        log_title(v->args->directory != NULL);
    write_out("", 0);
    show_all(v);
    show_places(v);
    if (v->last)
        show_last(v);
    if (v->journal)
        close_journal(v);
    if (v->torn > 0)
        stderr_print("left out, since they are no events: %" PRIu64 " lines",
                     v->torn);
    explain_user(v);
}
