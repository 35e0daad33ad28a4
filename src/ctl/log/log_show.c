/* "log": shows what happened. Takes lines from journalctl(1), from a file or
 * from standard input, selects some by the options, and prints them as a table,
 * JSON or CSV. Its memory doesn't grow with the log. */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sallyport/base/address.h"
#include "sallyport/event/event.h"

#define LINE_ROOM 65536 /* much more than the server writes in a line */
#define LINES_MAX 10000 /* of --lines, which are kept in memory */
#define UNIT      "_SYSTEMD_UNIT=sallyport.service"

const char *log_journalctl = "/usr/bin/journalctl";

struct log_view {
    FILE *from;
    pid_t journal;          /* pid of journalctl; 0: a file */
    struct network address; /* the value of --address */
    struct buf path;        /* the value of --path, escaped as in the log */
    uint64_t events, torn, shown;
    bool has_user; /* a line is of --user */
    struct table table;
    json_t **last; /* --lines: a ring of the last records */
    size_t most;
    char line[LINE_ROOM];
};

/* The source of the lines. */

/* Does journalctl print the newest line first? With --lines it need not read
 * all lines then. */
static bool is_reverse(const struct log_view *v)
{
    return !ctl.args.file && v->last;
}

/* Writes an option. journalctl 252 takes no "2026-11-20T08:00:00Z", the form of
 * "status" and JSON, so this rewrites it. */
static void write_time(char out[256], const char *option, const char *time)
{
    const size_t len = strlen(time);

    if (len > 11 && time[10] == 'T' && time[len - 1] == 'Z')
        snprintf(out, 256, "%s=%.10s %.*s UTC", option, time, (int)len - 12,
                 time + 11);
    else
        snprintf(out, 256, "%s=%s", option, time);
}

/* Executes journalctl, which parses the times of --since and --until. Its
 * messages go to the standard error of this program. */
static noreturn void exec_journal(const struct log_view *v, int out)
{
    const struct arguments *a = &ctl.args;
    char since[256], until[256];
    const char *argv[12] = { log_journalctl, "--quiet", "--no-pager",
                             "--all",        UNIT,      "--output=cat" };
    size_t n = 6;

    write_time(since, "--since", a->since ? a->since : "-24h");
    write_time(until, "--until", a->until ? a->until : "");
    if (a->follow)
        argv[n++] = "--follow";
    if (a->since || (!a->follow && !a->until && !a->lines))
        argv[n++] = since;
    if (a->until)
        argv[n++] = until;
    if (is_reverse(v))
        argv[n++] = "--reverse";
    dup2(out, STDOUT_FILENO);
    execv(log_journalctl, (char *const *)(uintptr_t)argv);
    _exit(EX_OSERR);
}

static void open_journal(struct log_view *v)
{
    const char *config = ctl.args.config;
    int ends[2];

    if (config && !settings_is_default(config))
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

/* Reads a line into *ret. Returns 1; 0: no line is left; -1: the line was too
 * long, and was skipped. */
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

/* The choice of lines. */

static bool is(const json_t *one, const char *key, const char *wanted)
{
    return strcmp(text_of(one, key, ""), wanted) == 0;
}

/* Does an administrator's command name the user? An example is "share grant"
 * with the words "in anna:read". */
static bool order_names(const json_t *one, struct slice user)
{
    struct slice rest = slice_from(text_of(one, "to", "")), word, group,
                 verb = slice_from(text_of(one, "verb", ""));
    bool is_name;

    slice_cut(&verb, ' ', &group);
    is_name = !slice_equal(group, SLICE("share")) &&
              !slice_equal(group, SLICE("team"));
    while (slice_cut(&rest, ' ', &word) && !slice_starts(word, SLICE("--"))) {
        slice_cut(&word, ':', &group);
        if (is_name && slice_equal(group, user))
            return true;
        is_name = true; /* the first word was a share or a team */
    }
    return false;
}

/* Is the line of the user, or does an administrator's command name the user? */
static bool has_name(const json_t *one, const char *user)
{
    return is(one, "user", user) ||
           (is(one, "event", "admin") && order_names(one, slice_from(user)));
}

/* Is the event, or the word for it, in the list? */
static bool is_among(const json_t *one, struct slice list)
{
    struct slice name;

    while (slice_cut(&list, ',', &name))
        if (slice_equal(name, slice_from(text_of(one, "event", ""))) ||
            slice_equal(name, slice_from(log_what(one))))
            return true;
    return false;
}

/* Does the path contain the value of --path, as bytes of the name or as "log"
 * has printed them? */
static bool has_path(const struct log_view *v, const char *path)
{
    return strstr(path, v->path.data) || strstr(path, ctl.args.path);
}

static bool is_wanted(const struct log_view *v, const json_t *one)
{
    const struct arguments *a = &ctl.args;
    struct address from;

    return (!a->user || has_name(one, a->user)) &&
           (!a->address || (address_parse(log_address(one), &from) == 0 &&
                            network_holds(&v->address, &from))) &&
           (!a->serial || is(one, "serial", a->serial)) &&
           (!a->event || is_among(one, slice_from(a->event))) &&
           (!a->path || has_path(v, text_of(one, "path", "")) ||
            has_path(v, text_of(one, "to", ""))) &&
           (!a->failed || log_has_failed(one));
}

/* The output of lines. */

static bool has_all(const struct log_view *v)
{
    return is_reverse(v) && v->shown == v->most;
}

static void show_all(struct log_view *v)
{
    struct slice line;
    int got;

    while (!has_all(v) && (got = next_line(v, &line)) != 0) {
        bool message = false;
        json_t *one = got > 0 ? log_read(line, &message) : NULL;

        v->events += one != NULL;
        v->torn += !one && !message;
        v->has_user |= one && ctl.args.user && has_name(one, ctl.args.user);
        if (!one || !is_wanted(v, one)) {
            json_decref(one);
            continue;
        }
        log_explain(one);
        if (v->last) {
            json_t **at = &v->last[v->shown % v->most];

            json_decref(*at);
            *at = one;
        } else {
            table_add(&v->table, one);
        }
        v->shown++;
    }
    if (ferror(v->from))
        fail(EX_IOERR, "the log: %s", strerror(errno));
    const uint64_t n = v->shown < v->most ? v->shown : v->most;
    for (uint64_t i = 0; i < n; i++)
        table_add(
            &v->table,
            v->last[is_reverse(v) ? n - 1 - i : (v->shown - n + i) % v->most]);
}

static void close_journal(const struct log_view *v)
{
    int status = 0;

    if (has_all(v))
        return; /* journalctl can still have lines, so don't wait for it */
    while (waitpid(v->journal, &status, 0) < 0 && errno == EINTR)
        ;
    if (status != 0)
        fail(EX_IOERR, "journalctl has failed");
    /* If the user has no right to read the journal, journalctl shows an empty
     * one. */
    if (v->events == 0)
        stderr_print("no event of the server in that time; %s",
                     geteuid() == 0
                         ? "--file reads another log"
                         : "if there should be one, run this as root, or join "
                           "the group systemd-journal");
}

static void take_options(struct log_view *v)
{
    const struct arguments *a = &ctl.args;
    struct complaint why = { "" };
    uint64_t most = 0;

    buf_init(&v->path, LINE_ROOM);
    if (a->path && (event_escape(slice_from(a->path), &v->path) < 0 ||
                    buf_add(&v->path, "", 1) < 0))
        fail(EX_USAGE, "--path: too long");
    if (a->event)
        log_names_check(slice_from(a->event));
    if (a->address &&
        network_parse(slice_from(a->address), &v->address, &why) < 0)
        fail(EX_USAGE, "--address %s: use an address or a network", a->address);
    if (a->lines &&
        (slice_number(slice_from(a->lines), LINES_MAX, &most) < 0 || most == 0))
        fail(EX_USAGE, "--lines %s: use 1 to %d", a->lines, LINES_MAX);
    v->most = (size_t)most;
    if (most > 0 && !(v->last = calloc(v->most, sizeof(json_t *))))
        fail_no_memory();
}

void log_show(void)
{
    const struct arguments *a = &ctl.args;
    struct log_view *v = calloc(1, sizeof(*v));

    if (!v)
        fail_no_memory();
    take_options(v);
    if (ctl.args.file || ctl.args.follow) /* somebody may be watching */
        setvbuf(stdout, NULL, _IOLBF, 0);
    if (!a->file)
        open_journal(v);
    else
        v->from = strcmp(a->file, "-") ? fopen(a->file, "re") : stdin;
    if (!v->from)
        fail(errno == EACCES ? EX_NOPERM : EX_NOINPUT,
             "%s: %s; give the server's log, or - for standard input; without "
             "--file the journal is read",
             a->file, strerror(errno));
    table_begin(&v->table, log_columns, true);
    show_all(v);
    if (v->journal)
        close_journal(v);
    if (v->torn > 0)
        stderr_print("%" PRIu64 " line%s skipped, which %s", v->torn,
                     v->torn == 1 ? "" : "s",
                     v->torn == 1 ? "isn't an event" : "aren't events");
    /* Report a name that can be misspelt: otherwise the server looks quiet. */
    if (v->shown == 0 && ctl.args.user)
        stderr_print(v->has_user ? "no such event of the user %s"
                                 : "no event of a user %s; for the names run: "
                                   "sallyportctl user list",
                     ctl.args.user);
}
