/* "partials list" and "partials purge", and "retention run". Processes files
 * (search.c) search and remove, and send this program what they found. Lines
 * are printed as they arrive, and file names are escaped. */
#include "edit/purge.h"
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

/* Writes the path that the upload is to get, or the partial's if the name isn't
 * known. */
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
    if (ctl.args.json)
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

static void hunt_begin(struct hunt *s)
{
    *s = (struct hunt){
        .at = { .x = &ctl,
                .owner = s,
                .ask = find_partials,
                .take = take_found },
        .path = "/",
        .now = time(NULL),
    };
}

static void print_end(const struct hunt *s)
{
    if (ctl.args.json)
        json_end(s->lines);
    else if (s->remove)
        printf("%" PRIu64 " removed, %" PRIu64 " bytes; %" PRIu64
               " being uploaded; %" PRIu64 " could not be removed\n",
               s->count[PARTIAL_REMOVED], s->bytes[PARTIAL_REMOVED],
               s->count[PARTIAL_IN_USE], s->count[PARTIAL_STAYS]);
}

static void end_hunt(const struct hunt *s, int code)
{
    print_end(s);
    if (code == 0 && s->count[PARTIAL_STAYS] > 0)
        fail(EX_IOERR, "some could not be removed");
    need(&ctl, ctl.complaint.text[0] ? code : 0);
    ctl_status = code;
}

static void search_homes(struct hunt *s)
{
    const struct user *user = ctl.args.word[2] ? user_named(&ctl.users) : NULL;

    if (ctl.args.older_than)
        need(&ctl, arguments_seconds(&ctl, "older-than", ctl.args.older_than,
                                     &s->age));
    s->at.in_shares = true;
    s->at.only_own = true;
    end_hunt(s, user ? search_user(&s->at, user) : search_all(&s->at));
}

void partials_list(void)
{
    struct hunt s;

    hunt_begin(&s);
    search_homes(&s);
}

void partials_purge(void)
{
    struct hunt s;

    hunt_begin(&s);
    s.remove = true;
    s.age = ctl.args.all ? 0 : ctl.settings.partial_days * DAY;
    search_homes(&s);
}

/* Each entry of retain= of a user, or of a share (USER NULL); then the partials
 * that nobody will continue. */
static void expire(struct hunt *s, struct slice retain, const struct user *user,
                   const struct share *share, int *first)
{
    struct retention one;
    bool more = true;

    s->share = share != NULL;
    while (more) {
        more = user_retain_next(&retain, &one) == 1;
        s->what = more ? FIND_EXPIRED : FIND_ABANDONED;
        s->at.only_uploads = !more;
        s->age = more ? (uint64_t)one.seconds : ctl.settings.partial_days * DAY;
        slice_copy(more ? one.path : SLICE("/"), s->path, sizeof(s->path));
        search_failed(&s->at,
                      user ? search_user(&s->at, user)
                           : search_share(&s->at, share),
                      first);
    }
}

void retention_run(void)
{
    const struct users *u = &ctl.users;
    struct hunt s;
    int code = 0, rest = 0;

    hunt_begin(&s);
    s.remove = !ctl.args.dry_run;
    for (size_t i = 0; i < u->count; i++)
        expire(&s, u->row[i].retain, &u->row[i], NULL, &code);
    for (size_t i = 0; i < u->shares; i++)
        expire(&s, u->share[i].retain, NULL, &u->share[i], &code);
    if (s.remove)
        rest = removed_leftovers();
    else if (s.lines == 0 && !ctl.args.json)
        puts("nothing is older than its home or share keeps it");
    end_hunt(&s, code ? code : rest);
}
