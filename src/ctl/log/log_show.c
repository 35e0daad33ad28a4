/* "log": what happened. The lines as they come, or the last ones of them; and
 * then perhaps those that are new. */
#include "log.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define ROW_MAX   (8 * LOG_LINE_MAX)
#define LINES_MAX 10000 /* they are in memory */

static const char usual_since[] = "24h";

struct log_view {
    struct context *x;
    struct log_reader *l;
    struct buf row;
    char **last;    /* a ring of the last lines */
    size_t most;    /* that it can have */
    uint64_t lines; /* that were wanted, also those that it has no more */
    int error;      /* of standard output */
};

static void write_line(struct log_view *v, const char *line, size_t len)
{
    if (len > 0)
        fwrite(line, 1, len, stdout);
    v->error = ferror(stdout) ? errno : 0;
}

/* Puts the line of v->row into the ring. Returns an exit code. */
static int keep_line(struct log_view *v)
{
    const size_t at = (size_t)(v->lines % (v->most > 0 ? v->most : 1));

    if (v->most == 0)
        return 0;
    free(v->last[at]);
    v->last[at] = strndup(v->row.data, v->row.len);
    return v->last[at] ? 0 : ctl_no_memory(v->x);
}

/* Those of the journal came from its end on. */
static void write_kept(struct log_view *v)
{
    const uint64_t n = v->lines < v->most ? v->lines : v->most;

    for (uint64_t i = 0; i < n && v->error == 0; i++) {
        const uint64_t at =
            v->l->reverse ? n - 1 - i : (v->lines - n + i) % v->most;

        write_line(v, v->last[at], strlen(v->last[at]));
    }
}

/* Prints each record that is wanted, or keeps it. Returns an exit code. */
static int read_all(struct log_view *v)
{
    struct log_record r;
    int code = 0;

    while (code == 0 && v->error == 0 && !v->l->stopped && log_next(v->l, &r)) {
        if (log_form(&v->x->args, &r, log_machine(v->l), &v->row) < 0)
            code = ctl_fail(v->x, EX_IOERR, "JSON can't be written");
        log_record_release(&r);
        if (code || v->row.len == 0)
            continue;
        if (v->last && !v->l->follows)
            code = keep_line(v);
        else
            write_line(v, v->row.data, v->row.len);
        v->lines++;
        if (v->l->reverse && v->lines >= v->most)
            log_stop(v->l);
    }
    return code;
}

static int show(struct log_view *v)
{
    const struct arguments *a = &v->x->args;
    int code = log_open(v->l, v->x);

    if (code)
        return code;
    log_form_header(a, &v->row);
    write_line(v, v->row.data, v->row.len);
    code = read_all(v);
    if (code == 0 && v->last)
        write_kept(v);
    if (code || !a->follow || v->error)
        return code;
    fflush(stdout);
    code = log_follow(v->l);
    return code ? code : read_all(v);
}

/* Is there a user of that name? Without the right to read the users file the
 * answer is yes. */
static bool may_be_user(const struct context *x)
{
    struct context own = { .args = x->args };
    bool known = true;

    if (ctl_load_settings(&own) == 0 &&
        edit_load_users(&own.users, own.settings.users, NULL, &own.complaint) ==
            0)
        known = users_find(&own.users, slice_from(x->args.user)) != NULL;
    users_release(&own.users);
    return known;
}

/* Nobody should take a wrong name, or a short time, for a quiet server. */
static void explain_nothing(const struct log_view *v)
{
    const struct arguments *a = &v->x->args;
    char window[WINDOW_MAX];

    log_window(a, window);
    if (a->user && !may_be_user(v->x))
        stderr_print("no lines of %s%s; the users file has no such user",
                     a->user, window);
    else if (a->since == usual_since && v->l->events > 0 &&
             isatty(STDERR_FILENO))
        stderr_print("no such lines%s; --since all has older ones", window);
}

/* What is meant without the options that say it. */
static int take_defaults(struct log_view *v)
{
    struct arguments *a = &v->x->args;
    uint64_t most;

    if (a->follow && a->file && strcmp(a->file, "-") == 0)
        return ctl_fail(v->x, EX_USAGE,
                        "--follow: standard input is read to its end; leave "
                        "the option out");
    if (a->follow && !a->since && !a->lines)
        a->lines = "10";
    if (!a->since && !a->until && !a->lines && !a->file && !a->cursor)
        a->since = usual_since;
    if (!a->lines)
        return 0;
    if (slice_number(slice_from(a->lines), LINES_MAX, &most) < 0)
        return ctl_fail(v->x, EX_USAGE, "--lines %s: use 0 to %d", a->lines,
                        LINES_MAX);
    v->most = (size_t)most;
    v->last = calloc(v->most + 1, sizeof(*v->last));
    return v->last ? 0 : ctl_no_memory(v->x);
}

int log_show(struct context *x)
{
    struct log_view v = { .x = x, .l = malloc(sizeof(*v.l)) };
    int code, closed;

    if (!v.l)
        return ctl_no_memory(x);
    code = take_defaults(&v);
    if (x->args.file || x->args.follow) /* somebody may watch it */
        setvbuf(stdout, NULL, _IOLBF, 0);
    buf_init(&v.row, ROW_MAX);
    if (code == 0) {
        code = show(&v);
        closed = log_close(v.l);
        code = code ? code : closed;
        if (code == 0 && v.error == 0 && v.lines == 0)
            explain_nothing(&v);
    }
    for (size_t i = 0; i < v.most && v.last; i++)
        free(v.last[i]);
    free(v.last);
    buf_release(&v.row);
    free(v.l);
    if (v.error)
        return ctl_fail(x, EX_IOERR, "standard output: %s", strerror(v.error));
    return code;
}
