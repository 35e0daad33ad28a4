/* "partials list" and "partials purge", and "retention run". Processes files
 * (search.c) search and remove, and send this program what they found. Lines
 * are printed as they arrive, and file names are escaped. */
#include "search.h"

#include <errno.h>
#include <inttypes.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "sallyport/domain/outcome.h"
#include "sallyport/event/event.h"
#include "sallyport/ftp/path.h"

#define DAY       86400
#define DAYS_MAX  36500
#define TEXT_ROOM (5 * (FTP_PATH_MAX + 1024))

struct hunt {
    struct search at;
    enum find_what what;
    bool remove;
    bool share;                   /* FIND_ABANDONED: of all owners */
    uint64_t age;                 /* minimum, in seconds */
    char path[USER_HOME_MAX + 1]; /* FIND_EXPIRED: the directory; else "/" */
    int64_t now;
    uint64_t lines;
    uint64_t count[PARTIAL_STATE_COUNT];
    uint64_t bytes[PARTIAL_STATE_COUNT];
};

static const char *const state_words[PARTIAL_STATE_COUNT] = {
    [PARTIAL_RESTS] = "waiting",
    [PARTIAL_IN_USE] = "uploading",
    [PARTIAL_REMOVED] = "removed",
    [PARTIAL_STAYS] = "stays",
};

static const char *state_word(const struct hunt *s, enum partial_state state)
{
    return s->what != FIND_PARTIALS && state == PARTIAL_RESTS
               ? "expired"
               : state_words[state];
}

/* Writes the path that the upload is to get; that of the partial if the name
 * isn't known. */
static void partial_text(const struct msg_partial *msg, struct buf *text)
{
    struct slice path = msg->path;

    while (msg->name.len > 0 && path.len > 0 && path.ptr[path.len - 1] != '/')
        path.len--;
    if (event_escape(path, text) < 0 || event_escape(msg->name, text) < 0)
        buf_add_text(text, "...");
}

static void print_partial(struct hunt *s, const struct msg_partial *msg,
                          struct slice text)
{
    char ago[WHEN_MAX];

    if (s->lines++ == 0)
        printf("%-16s %14s %8s %-9s %s\n", "USER", "BYTES", "AGE", "STATE",
               "PATH");
    printf("%-16s %14" PRIu64 " %8s %-9s %.*s\n", s->at.user, msg->bytes,
           when_ago(msg->mtime, s->now, ago), state_word(s, msg->state),
           (int)text.len, text.ptr);
}

/* The server, which may not run, removes nothing here and logs nothing. So the
 * system's log has who removed what. */
static void log_removed(const struct hunt *s, const struct msg_partial *msg,
                        struct slice text)
{
    char when[WHEN_MAX];

    if (s->what != FIND_PARTIALS)
        syslog(LOG_DAEMON | LOG_NOTICE,
               "retention: removed %s%.*s of %s, %" PRIu64 " bytes, unchanged "
               "since %s",
               s->what == FIND_ABANDONED ? "the unfinished upload " : "",
               (int)text.len, text.ptr, s->at.user, msg->bytes,
               when_text(msg->mtime, when));
    else
        syslog(LOG_DAEMON | LOG_NOTICE,
               "uid %u removed the unfinished upload %.*s of user %s, %" PRIu64
               " bytes",
               (unsigned)getuid(), (int)text.len, text.ptr, s->at.user,
               msg->bytes);
}

static json_t *describe_partial(const struct hunt *s,
                                const struct msg_partial *msg)
{
    char when[WHEN_MAX];

    return json_pack("{s:s, s:o, s:o, s:I, s:s, s:s}", "user", s->at.user,
                     "path", json_slice(msg->path), "for",
                     json_slice(msg->name), "bytes", (json_int_t)msg->bytes,
                     "modified", when_text(msg->mtime, when), "state",
                     state_word(s, msg->state));
}

static int take_partial(struct hunt *s, const struct msg_partial *msg)
{
    struct buf text;
    int code = 0;

    buf_init(&text, TEXT_ROOM);
    partial_text(msg, &text);
    s->count[msg->state]++;
    s->bytes[msg->state] += msg->bytes;
    if (msg->state == PARTIAL_REMOVED)
        log_removed(s, msg, buf_slice(&text));
    if (s->at.x->args.json)
        code = json_element(s->at.x, describe_partial(s, msg), &s->lines);
    else
        print_partial(s, msg, buf_slice(&text));
    buf_release(&text);
    return code;
}

static int find_partials(struct search *at, struct channel *files,
                         uint32_t request)
{
    const struct hunt *s = at->owner;

    return SEND(files, find, request, .what = s->what, .remove = s->remove,
                .share = s->share, .age = s->age, .path = slice_from(s->path));
}

static int take_found(struct search *at, struct message *m)
{
    struct hunt *s = at->owner;
    const struct msg_partials_end *end = &m->partials_end;

    if (m->kind == MSG_partial)
        return take_partial(s, &m->partial);
    if (m->kind != MSG_partials_end)
        return server_lies(at->x, "no answer to partials");
    if (end->unread == 0 && end->error)
        stderr_print("%s: %s: %s", at->user, s->path, strerror(end->error));
    return 0;
}

static void hunt_begin(struct hunt *s, struct context *x)
{
    *s = (struct hunt){
        .at = { .x = x, .owner = s, .ask = find_partials, .take = take_found },
        .path = "/",
        .now = time(NULL),
    };
}

static void print_end(const struct hunt *s)
{
    if (s->at.x->args.json)
        json_end(s->lines);
    else if (s->remove)
        printf("%" PRIu64 " removed, %" PRIu64 " bytes; %" PRIu64
               " being uploaded; %" PRIu64 " could not be removed\n",
               s->count[PARTIAL_REMOVED], s->bytes[PARTIAL_REMOVED],
               s->count[PARTIAL_IN_USE], s->count[PARTIAL_STAYS]);
}

static int search_homes(struct hunt *s)
{
    struct context *x = s->at.x;
    const struct user *user = NULL;
    int code = x->args.word[2] ? ctl_find(x, &x->users, &user) : 0;

    s->at.in_shares = true;
    s->at.only_own = true;
    if (code == 0) {
        code = user ? search_user(&s->at, user) : search_all(&s->at);
        print_end(s);
    }
    if (code == 0 && s->count[PARTIAL_STAYS] > 0)
        code = ctl_fail(x, EX_IOERR, "some could not be removed");
    return code;
}

/* Takes --older-than; otherwise *age doesn't change. */
static int take_age(struct context *x, uint64_t *age)
{
    uint64_t days;

    if (!x->args.older_than)
        return 0;
    if (slice_number(slice_from(x->args.older_than), DAYS_MAX, &days) < 0)
        return ctl_fail(x, EX_USAGE,
                        "--older-than %s: use a number of days, 0 to %d",
                        x->args.older_than, DAYS_MAX);
    *age = days * DAY;
    return 0;
}

int partials_list(struct context *x)
{
    struct hunt s;
    int code;

    hunt_begin(&s, x);
    code = take_age(x, &s.age);
    return code ? code : search_homes(&s);
}

int partials_purge(struct context *x)
{
    struct hunt s;
    int code;

    hunt_begin(&s, x);
    s.remove = true;
    s.age = x->args.all ? 0 : x->settings.partial_days * DAY;
    code = take_age(x, &s.age);
    return code ? code : search_homes(&s);
}

static void search_one(struct hunt *s, const struct user *user,
                       const struct share *share, int *first)
{
    search_failed(
        &s->at, user ? search_user(&s->at, user) : search_share(&s->at, share),
        first);
}

/* Each entry of retain= of a user, or of a share; then the partials that nobody
 * will continue. */
static void expire(struct hunt *s, struct slice retain, const struct user *user,
                   const struct share *share, int *first)
{
    struct retention one;

    s->what = FIND_EXPIRED;
    s->share = share != NULL;
    s->at.only_uploads = false;
    while (user_retain_next(&retain, &one) == 1) {
        slice_copy(one.path, s->path, sizeof(s->path));
        s->age = (uint64_t)one.seconds;
        search_one(s, user, share, first);
    }
    s->what = FIND_ABANDONED;
    s->at.only_uploads = true;
    s->age = s->at.x->settings.partial_days * DAY;
    slice_copy(SLICE("/"), s->path, sizeof(s->path));
    search_one(s, user, share, first);
}

int retention_run(struct context *x)
{
    const struct users *u = &x->users;
    struct hunt s;
    int code = 0, rest = 0;

    hunt_begin(&s, x);
    s.remove = !x->args.dry_run;
    for (size_t i = 0; i < u->count; i++)
        expire(&s, u->row[i].retain, &u->row[i], NULL, &code);
    for (size_t i = 0; i < u->shares; i++)
        expire(&s, u->share[i].retain, NULL, &u->share[i], &code);
    if (!x->args.dry_run)
        rest = removed_all_leftovers(x);
    code = code ? code : rest;
    print_end(&s);
    if (s.lines == 0 && x->args.dry_run && !x->args.json)
        puts("nothing is older than its home or share keeps it");
    if (code == 0 && s.count[PARTIAL_STAYS] > 0)
        code = ctl_fail(x, EX_IOERR, "some could not be removed");
    return code;
}
