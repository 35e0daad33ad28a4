/* "partials list" and "retention run". For each home or share, a fork becomes
 * the process files (search.c), which searches and removes, and sends this
 * program what it found. */
#include "edit/purge.h"
#include "search.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <syslog.h>
#include <time.h>

#include "sallyport/base/harmless.h"
#include "sallyport/domain/outcome.h"
#include "sallyport/ftp/path.h"

#define DAY       86400
#define TEXT_ROOM (FTP_PATH_MAX + 1024)

struct hunt {
    struct search at; /* the first member */
    enum find_what what;
    bool remove;
    bool share;                   /* in a share: partials of all owners */
    uint64_t owner;               /* uid of the next one; 0: of a home */
    uint64_t age;                 /* minimum, in seconds */
    char path[USER_HOME_MAX + 1]; /* FIND_EXPIRED: the directory; otherwise
                                   * "/" */
    int64_t now;
    uint64_t count[PARTIAL_STATE_COUNT];
    uint64_t bytes[PARTIAL_STATE_COUNT];
};

static const char *const state_words[PARTIAL_STATE_COUNT] = {
    [PARTIAL_RESTS] = "waiting",
    [PARTIAL_IN_USE] = "uploading",
    [PARTIAL_REMOVED] = "removed",
    [PARTIAL_STAYS] = "stays",
};

/* Writes the path that the finished upload will have; if NAME is empty, the
 * path of the partial. */
static void add_path(struct slice path, struct slice name, struct buf *into)
{
    while (name.len > 0 && path.len > 0 && path.ptr[path.len - 1] != '/')
        path.len--;
    if (buf_add_slice(into, path) < 0 || buf_add_slice(into, name) < 0)
        fail_no_memory();
}

static void partial_path(const json_t *row, struct buf *into)
{
    add_path(slice_from(text_of(row, "path", "")),
             slice_from(text_of(row, "for", "")), into);
}

/* Logs the removal in the system's log: the server takes no part in the
 * removal, and perhaps doesn't run. */
static void log_removed(const struct hunt *s, const struct msg_partial *msg)
{
    char when[WHEN_MAX];
    struct buf path;

    buf_init(&path, TEXT_ROOM);
    add_path(msg->path, msg->name, &path);
    harmless_make(path.data, path.len);
    syslog(LOG_DAEMON | LOG_NOTICE,
           "retention: removed %s%.*s of %s, %" PRIu64 " bytes, unchanged "
           "since %s",
           s->what == FIND_ABANDONED ? "the unfinished upload " : "",
           (int)path.len, path.data, s->at.user, msg->bytes,
           when_text(msg->mtime, when));
    buf_release(&path);
}

static int find_partials(struct search *at, struct channel *files,
                         uint32_t request)
{
    const struct hunt *s = (const struct hunt *)at;

    return SEND(files, find, request, .what = s->what, .remove = s->remove,
                .share = s->share, .age = s->age, .path = slice_from(s->path));
}

static void take_found(struct search *at, struct message *m)
{
    struct hunt *s = (struct hunt *)at;
    const struct msg_partials_end *end = &m->partials_end;
    const struct msg_partial *msg = &m->partial;

    if (m->kind == MSG_partial_owner) {
        s->owner = m->partial_owner.uid;
    } else if (m->kind == MSG_partial) {
        char when[WHEN_MAX];
        const bool rests = msg->state == PARTIAL_RESTS;
        /* NULL in a share: the process files can't tell whether a member is
         * writing the partial. */
        const char *state = rests && s->what != FIND_PARTIALS ? "expired"
                            : rests && s->share               ? NULL
                                                : state_words[msg->state];
        json_t *row =
            json_pack("{s:s, s:o, s:o, s:I, s:s, s:I, s:s?, s:s}", "user",
                      s->at.user, "path", json_slice(msg->path), "for",
                      json_slice(msg->name), "bytes", (json_int_t)msg->bytes,
                      "modified", when_text(msg->mtime, when), "age",
                      (json_int_t)(s->now - msg->mtime), "state", state,
                      "owner", inspect_owner(&s->at, s->owner));

        s->count[msg->state]++;
        s->bytes[msg->state] += msg->bytes;
        if (msg->state == PARTIAL_REMOVED)
            log_removed(s, msg);
        table_add(&s->at.found, row);
    } else if (m->kind != MSG_partials_end) {
        server_lies("no answer to partials");
    } else if (end->unread == 0 && end->error && end->error != ENOENT) {
        stderr_print("%s: %s: %s", at->user, s->path, strerror(end->error));
    }
}

static void hunt_begin(struct hunt *s, bool remove)
{
    static const struct output_field columns[] = {
        { .title = "USER", .key = "user" },
        { .title = "OWNER", .key = "owner" },
        { .title = "SIZE", .key = "bytes", .width = 5 },
        { .title = "AGE", .key = "age", .width = 3, .text = output_age },
        { .title = "STATE", .key = "state", .none = "-" },
        { .title = "PATH", .key = "path", .text = partial_path },
        { 0 },
    };

    *s = (struct hunt){
        .at = { .ask = find_partials, .take = take_found },
        .remove = remove,
        .path = "/",
        .now = time(NULL),
    };
    table_begin(&s->at.found, columns, false);
}

static void hunt_end(struct hunt *s, const char *nothing)
{
    table_end(&s->at.found, nothing);
    if (s->remove && !ctl.args.json)
        printf("%" PRIu64 " removed, %" PRIu64 " bytes; %" PRIu64
               " being uploaded; %" PRIu64 " could not be removed\n",
               s->count[PARTIAL_REMOVED], s->bytes[PARTIAL_REMOVED],
               s->count[PARTIAL_IN_USE], s->count[PARTIAL_STAYS]);
    if (ctl_status == 0 && s->count[PARTIAL_STAYS] > 0)
        fail(EX_IOERR, "some could not be removed");
}

/* Searches the home of USER; if USER is NULL, searches SHARE. */
static void hunt(struct hunt *s, const struct user *user,
                 const struct share *share)
{
    struct complaint why = { "" };

    s->share = share != NULL;
    s->owner = 0;
    const int code = search_try(&s->at, user, share, &why);
    search_failed(&s->at, code, &why);
}

void partials_list(void)
{
    const struct user *only = ctl.args.word[2] ? user_named(&ctl.users) : NULL;
    const struct user *user;
    const struct share *share;
    struct hunt s;

    hunt_begin(&s, false);
    for (size_t n = 0; search_place(n, &user, &share); n++) {
        s.at.only_uploads = share;
        if (!only || only == user)
            hunt(&s, user, share);
    }
    hunt_end(&s, "");
}

/* Expires files by each entry of RETAIN, the list retain= of USER, or of SHARE
 * if USER is NULL. Then expires partials that are older than partial_days. */
static void expire(struct hunt *s, struct slice retain, const struct user *user,
                   const struct share *share)
{
    struct retention one;
    bool more = true;

    while (more) {
        more = user_retain_next(&retain, &one) == 1;
        s->what = more ? FIND_EXPIRED : FIND_ABANDONED;
        s->at.only_uploads = !more;
        s->age = more ? (uint64_t)one.seconds : ctl.settings.partial_days * DAY;
        slice_copy(more ? one.path : SLICE("/"), s->path, sizeof(s->path));
        hunt(s, user, share);
    }
}

/* Reads the users again if their file has changed. */
static void follow_users(void *none)
{
    static struct stat was;
    struct stat now = { .st_ino = 0 };

    (void)none;
    if (stat(ctl.settings.users, &now) < 0 || now.st_ino != was.st_ino ||
        now.st_size != was.st_size ||
        now.st_ctim.tv_sec != was.st_ctim.tv_sec ||
        now.st_ctim.tv_nsec != was.st_ctim.tv_nsec)
        edit_read_users();
    was = now;
}

/* A run can take hours, and rows change meanwhile. So it keeps only the names,
 * and takes each row when its turn comes. */
void retention_run(void)
{
    const size_t users = ctl.users.count, all = users + ctl.users.shares;
    char(*name)[USER_NAME_MAX + 1] = calloc(all + 1, sizeof(*name));
    const struct user *user;
    const struct share *share;
    struct complaint why;
    struct hunt s;

    if (!name)
        fail_no_memory();
    for (size_t n = 0; search_place(n, &user, &share); n++)
        snprintf(name[n], sizeof(*name), "%s", user ? user->name : share->name);
    hunt_begin(&s, !ctl.args.dry_run);
    for (size_t n = 0; n < all; n++) {
        const struct slice one = slice_from(name[n]);
        const int code = fail_caught(follow_users, NULL, &why);

        if (code) {
            stderr_print("%s", why.text);
            ctl_status = code;
            break;
        }
        user = n < users ? users_find(&ctl.users, one) : NULL;
        share = n < users ? NULL : share_find(&ctl.users, one);
        if (user || share)
            expire(&s, user ? user->retain : share->retain, user, share);
    }
    free(name);
    const int rest = s.remove ? removed_leftovers() : 0;
    ctl_status = ctl_status ? ctl_status : rest;
    hunt_end(&s, s.remove ? ""
                          : "no file is older than retain= permits, and no "
                            "partial older than partial_days");
}
