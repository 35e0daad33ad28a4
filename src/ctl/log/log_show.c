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

struct log_view {
    const struct arguments *args;
    FILE *from;
    pid_t journal;          /* journalctl; 0: a file */
    struct network address; /* of --address */
    struct buf path;        /* a part of the path, as the log has it */
    uint64_t events, torn, shown;
    struct slice machine; /* --directory: which the last line is of */
    struct buf row;
    struct table csv;
    char **last; /* --lines: a ring of the last rows */
    size_t most;
    char line[LOG_LINE_MAX];
};

/* The source of the lines. */

/* The newest line comes first, so that journalctl need not read all. */
static bool is_reverse(const struct log_view *v)
{
    return !v->args->file && !v->args->directory && v->last;
}

/* journalctl understands the times; what it prints on standard error is for the
 * caller. It relays the journals of several machines in no certain order. */
static noreturn void exec_journal(const struct log_view *v, int out)
{
    const struct arguments *a = v->args;
    char directory[PATH_MAX + 16], since[256], until[256];
    const char *argv[20] = { "/bin/bash",
                             "-o",
                             "pipefail",
                             "-c",
                             "\"$@\" | LC_ALL=C sort -sk1,1n",
                             "bash",
                             log_journalctl,
                             "--quiet",
                             "--no-pager",
                             "--all",
                             UNIT };
    const bool sorted = a->directory && !a->follow;
    const char *const *first = sorted ? argv : argv + 6;
    size_t n = 11;

    snprintf(directory, sizeof(directory), "--directory=%s",
             a->directory ? a->directory : "");
    snprintf(since, sizeof(since), "--since=%s", a->since ? a->since : "-24h");
    snprintf(until, sizeof(until), "--until=%s", a->until ? a->until : "");
    argv[n++] = a->directory ? "--output=short-unix" : "--output=cat";
    if (a->directory)
        argv[n++] = directory;
    if (a->follow)
        argv[n++] = "--follow";
    else if (a->since || (!a->until && !a->lines))
        argv[n++] = since;
    if (a->until)
        argv[n++] = until;
    if (is_reverse(v))
        argv[n++] = "--reverse";
    dup2(out, STDOUT_FILENO);
    execv(first[0], (char *const *)(uintptr_t)first);
    _exit(errno == ENOENT ? EX_UNAVAILABLE : EX_OSERR);
}

static void open_journal(struct log_view *v)
{
    const char *config = v->args->config;
    int ends[2];

    if (config && strcmp(config, SETTINGS_FILE) != 0)
        fail(EX_USAGE,
             "the log of a server with another configuration: run journalctl "
             "-u UNIT -o cat | sallyportctl log --file -, or give its log by "
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

/* Takes "1763629322.123456 machine sallyport[7]: " from the line. A machine may
 * have no name. */
static void take_machine(struct log_view *v, struct slice *line)
{
    struct slice rest = *line, word;

    v->machine = (struct slice){ NULL, 0 };
    slice_cut(&rest, ' ', &word);
    while (slice_cut(&rest, ' ', &word) && rest.ptr) {
        if (word.len > 0 && word.ptr[word.len - 1] == ':') {
            *line = rest;
            return;
        }
        v->machine = word;
    }
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

static void fill_row(struct log_view *v, const struct log_record *r)
{
    char *text;

    buf_clear(&v->row);
    if (v->args->json) {
        json_t *one = log_json(r, v->machine);

        text = json_dumps(one, JSON_COMPACT);
        if (!text)
            fail_no_memory();
        buf_add_format(&v->row, "%s\n", text);
        free(text);
        json_decref(one);
    } else {
        log_row(r, v->args->directory ? &v->machine : NULL, &v->row);
    }
}

static void write_out(const char *text, size_t len)
{
    if (len > 0)
        fwrite(text, 1, len, stdout);
    if (ferror(stdout))
        fail(EX_IOERR, "standard output: %s", strerror(errno));
}

static void show_last(const struct log_view *v)
{
    const uint64_t n = v->shown < v->most ? v->shown : v->most;

    for (uint64_t i = 0; i < n; i++) {
        const char *row =
            v->last[is_reverse(v) ? n - 1 - i : (v->shown - n + i) % v->most];

        write_out(row, strlen(row));
    }
}

static void show_record(struct log_view *v, const struct log_record *r)
{
    char **at = v->last ? &v->last[v->shown % v->most] : NULL;

    v->shown++;
    if (v->args->csv) {
        table_add(&v->csv, log_json(r, v->machine));
        write_out("", 0);
        return;
    }
    fill_row(v, r);
    if (!at) {
        write_out(v->row.data, v->row.len);
        return;
    }
    free(*at);
    *at = strndup(v->row.data, v->row.len);
    if (!*at)
        fail_no_memory();
}

static bool has_all(const struct log_view *v)
{
    return is_reverse(v) && v->shown == v->most;
}

static void show_all(struct log_view *v)
{
    struct log_record r;
    struct slice line;
    int got;

    while (!has_all(v) && (got = next_line(v, &line)) != 0) {
        enum log_line is = LOG_LINE_TORN;

        r.json = NULL;
        if (v->args->directory)
            take_machine(v, &line);
        if (got > 0)
            is = log_record_read(&r, line);
        v->torn += is == LOG_LINE_TORN;
        v->events += is == LOG_LINE_EVENT;
        if (is == LOG_LINE_EVENT && is_wanted(v, &r))
            show_record(v, &r);
        log_record_release(&r);
    }
    if (ferror(v->from))
        fail(EX_IOERR, "the log: %s", strerror(errno));
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
    /* A user without rights for the journal sees an empty one. */
    if (v->events == 0)
        stderr_print("no line of the server%s%s in that time; %s",
                     v->args->directory ? " in " : "",
                     v->args->directory ? v->args->directory : "",
                     geteuid() == 0
                         ? "--file reads another log"
                         : "if there should be one, run this as root, or join "
                           "the group systemd-journal");
}

static void look_for_user(void *data)
{
    (void)data;
    ctl_load_settings(false);
    edit_read_users();
    if (!users_find(&ctl.users, slice_from(ctl.args.user)))
        stderr_print("the users file has no user %s", ctl.args.user);
}

/* Nobody should take a wrong name for a quiet server. Without the right to read
 * the users file nothing is said. */
static void explain_user(const struct log_view *v)
{
    struct complaint why;

    if (v->shown == 0 && v->args->user)
        fail_caught(look_for_user, NULL, &why);
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
    if (most > 0 && !(v->last = calloc(v->most, sizeof(*v->last))))
        fail_no_memory();
}

void log_show(void)
{
    static const struct output_field columns[] = {
        { .key = "time" },   { .key = "machine" }, { .key = "user" },
        { .key = "event" },  { .key = "verb" },    { .key = "path" },
        { .key = "to" },     { .key = "bytes" },   { .key = "size" },
        { .key = "result" }, { .key = "reason" },  { .key = "peer" },
        { .key = "serial" }, { .key = "uid" },     { .key = "admin" },
        { .key = "what" },   { .key = "failed" },  { .key = "cause" },
        { .key = "tls" },    { .key = "name" },    { 0 },
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
        table_begin(&v->csv, columns);
    else if (!v->args->json)
        log_title(v->args->directory != NULL);
    write_out("", 0);
    show_all(v);
    if (v->last)
        show_last(v);
    if (v->journal)
        close_journal(v);
    if (v->torn > 0)
        stderr_print("left out, since they are no events: %" PRIu64 " lines",
                     v->torn);
    explain_user(v);
}
