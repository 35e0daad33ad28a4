/* The filters of "user list": --locked, --expired, --team and --unused. The
 * last one asks the log, which knows who has logged in. */
#include "log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

struct user_filter {
    struct context *x;
    struct slice team;  /* ptr NULL: of any, or none */
    int64_t since;      /* ms since 1970, of --unused */
    int64_t log_begins; /* INT64_MAX: the log has no line */
    bool *logged_in;    /* since then, by row */
};

static bool filter_wants(const struct user_filter *f, const struct user *user)
{
    const struct arguments *a = &f->x->args;
    struct list_entry entry;

    return (!a->locked || user->locked) &&
           (!a->expired || user_expired(user, time(NULL))) &&
           (!f->team.ptr || entry_find(user->teams, f->team, &entry)) &&
           (!a->unused || !f->logged_in[user - f->x->users.row]);
}

static void take_record(struct user_filter *f, const struct log_record *r)
{
    const struct users *u = &f->x->users;
    const struct user *user;

    if (r->ms < f->log_begins)
        f->log_begins = r->ms;
    if (r->ms < f->since || !slice_equal(r->event, SLICE("login")))
        return;
    user = users_find(u, log_get(r, "user"));
    if (user)
        f->logged_in[user - u->row] = true;
}

/* Reads the log, or only its first line. */
static int read_log(struct user_filter *f, bool first_only)
{
    struct log_reader *l = malloc(sizeof(*l));
    struct log_record r;
    bool more = true;
    int code, end;

    if (!l)
        return ctl_no_memory(f->x);
    code = log_open(l, f->x);
    while (code == 0 && more && log_next(l, &r)) {
        take_record(f, &r);
        log_record_release(&r);
        more = !first_only;
    }
    end = log_close(l);
    free(l);
    if (code == 0 && !more) /* journalctl would have printed more */
        f->x->complaint.text[0] = '\0';
    else if (code == 0)
        code = end;
    return code;
}

/* A journal may be very large, so only its first line and the lines since then
 * are read. Of a file all is read in any case. */
static int read_logins(struct user_filter *f)
{
    struct arguments *a = &f->x->args;
    int code = a->file ? 0 : read_log(f, true);

    if (code == 0 && (a->file || f->log_begins < INT64_MAX)) {
        a->since = a->file ? NULL : a->unused;
        code = read_log(f, false);
        a->since = NULL;
    }
    if (code == 0 && f->log_begins == INT64_MAX)
        return ctl_fail(f->x, EX_NOINPUT,
                        "the log has no line of the server, so it isn't known "
                        "who has logged in");
    return code;
}

/* The rows that aren't wanted go; nothing finds a user by the name then. */
static void keep_wanted(struct user_filter *f)
{
    struct users *u = &f->x->users;
    size_t n = 0;

    for (size_t i = 0; i < u->count; i++)
        f->logged_in[i] = filter_wants(f, &u->row[i]);
    for (size_t i = 0; i < u->count; i++)
        if (f->logged_in[i])
            u->row[n++] = u->row[i];
    u->count = n;
}

static int filter_check(struct context *x)
{
    const struct arguments *a = &x->args;

    if (!a->unused && (a->file || a->unit || a->directory))
        return ctl_fail(x, EX_USAGE,
                        "--file, --unit and --directory go with --unused");
    if (a->team && !team_find(&x->users, slice_from(a->team)))
        return ctl_missing(x, "team", slice_from(a->team));
    return 0;
}

static int filter(struct user_filter *f)
{
    struct context *x = f->x;
    uint64_t seconds = 0;
    int code = 0;

    if (x->args.unused) {
        code = arguments_seconds(x, "unused", x->args.unused, &seconds);
        f->since = ((int64_t)time(NULL) - (int64_t)seconds) * 1000;
        if (code == 0)
            code = read_logins(f);
    }
    if (code)
        return code;
    keep_wanted(f);
    return 0;
}

int user_filter(struct context *x, int64_t *log_begins)
{
    struct user_filter f = {
        .x = x,
        .team =
            x->args.team ? slice_from(x->args.team) : (struct slice){ NULL, 0 },
        .log_begins = INT64_MAX,
        .logged_in = calloc(x->users.count + 1, sizeof(bool)),
    };
    int code = f.logged_in ? filter_check(x) : ctl_no_memory(x);

    if (code == 0)
        code = filter(&f);
    free(f.logged_in);
    *log_begins =
        x->args.unused && f.log_begins > f.since ? f.log_begins / 1000 : 0;
    return code;
}
