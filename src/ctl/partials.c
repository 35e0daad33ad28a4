/* "partials list" and "partials purge". For each user the server forks a
 * process files with that user's rights; it searches and removes, and sends
 * this program what it found. Lines are printed as they arrive, and file names
 * are escaped. This program opens nothing in a home. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "sallyport/base/fd.h"
#include "sallyport/base/stderr.h"
#include "sallyport/domain/outcome.h"
#include "sallyport/event/event.h"
#include "sallyport/ftp/path.h"
#include "sallyport/ipc/channel.h"

#include "ctl.h"
#include "edit.h"
#include "json.h"
#include "server.h"
#include "when.h"

#define DAY      86400
#define DAYS_MAX 36500
/* The server ends a search after 15 minutes. This limit is for a server that
 * doesn't. */
#define WALK_MS   (16 * 60 * 1000)
#define TEXT_ROOM (5 * (FTP_PATH_MAX + 1024))

struct search {
    struct context *x;
    bool remove;
    uint64_t age; /* minimum, in seconds */
    int64_t now;
    const char *user; /* whose home is searched */
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

static void print_partial(struct search *s, const struct msg_partial *msg)
{
    struct buf text;
    char ago[WHEN_MAX];
    int r;

    buf_init(&text, TEXT_ROOM);
    r = event_escape(msg->path, &text);
    if (r == 0 && msg->name.len > 0) {
        r = buf_add_text(&text, " for \"");
        if (r == 0)
            r = event_escape(msg->name, &text);
        if (r == 0)
            r = buf_add_text(&text, "\"");
    }
    if (s->lines++ == 0)
        printf("%-16s %14s %8s %-9s %s\n", "USER", "BYTES", "AGE", "STATE",
               "PATH");
    printf("%-16s %14" PRIu64 " %8s %-9s %.*s%s\n", s->user, msg->bytes,
           when_ago(msg->mtime, s->now, ago), state_words[msg->state],
           (int)text.len, text.data, r ? "..." : "");
    buf_release(&text);
}

static json_t *json_slice(struct slice s)
{
    char text[FTP_PATH_MAX + 1];

    if (s.len == 0 || slice_copy(s, text, sizeof(text)) < 0)
        return json_null();
    return json_text(text);
}

/* Prints one partial as a line of an array. The array is never in memory as a
 * whole. */
static int print_partial_json(struct search *s, const struct msg_partial *msg)
{
    char when[WHEN_MAX];
    json_t *one = json_pack(
        "{s:s, s:o, s:o, s:I, s:s, s:s}", "user", s->user, "path",
        json_slice(msg->path), "for", json_slice(msg->name), "bytes",
        (json_int_t)msg->bytes, "modified", when_text(msg->mtime, when),
        "state", state_words[msg->state]);
    int r = -1;

    if (one) {
        fputs(s->lines++ == 0 ? "[\n" : ",\n", stdout);
        r = json_dumpf(one, stdout, JSON_COMPACT);
    }
    json_decref(one);
    return r == 0 ? 0 : ctl_fail(s->x, EX_IOERR, "JSON can't be written");
}

static int take_partial(struct search *s, const struct msg_partial *msg)
{
    s->count[msg->state]++;
    s->bytes[msg->state] += msg->bytes;
    if (s->x->args.json)
        return print_partial_json(s, msg);
    print_partial(s, msg);
    return 0;
}

static int take_partials_end(struct search *s,
                             const struct msg_partials_end *msg)
{
    if (msg->unread == 0)
        return 0;
    return ctl_fail(s->x, EX_IOERR,
                    "%" PRIu64 " directories could not be read: %s",
                    msg->unread, strerror(msg->error));
}

static int find_partials(struct search *s, struct channel *files)
{
    uint32_t request = channel_next(files);
    struct message m;
    int code = 0;

    if (SEND(files, partials_find, request, .remove = s->remove,
             .age = s->age) < 0)
        return ctl_fail(s->x, EX_TEMPFAIL, "its files hung up");
    while (code == 0) {
        code = server_wait(s->x, files, request, &m, WALK_MS);
        if (code == 0 && m.kind == MSG_partials_end)
            return take_partials_end(s, &m.partials_end);
        if (code == 0 && m.kind == MSG_partial)
            code = take_partial(s, &m.partial);
        else if (code == 0)
            code = server_lies(s->x, "no answer to partials");
    }
    return code;
}

/* The server ends files when its own channel closes, so that channel stays open
 * until the end. */
static int search_user(struct search *s)
{
    struct channel files = { .fd = -1 };
    struct server server;
    struct message m;
    int code = server_open(&server, s->x);

    if (code == 0)
        code = server_asked(&server,
                            SEND(&server.channel, partials,
                                 server_request(&server),
                                 .user = slice_from(s->user)),
                            &m);
    if (code == 0 && m.kind != MSG_partials_channel)
        code = ctl_fail(s->x, EX_PROTOCOL, "the server gives no files");
    if (code == 0) {
        channel_init(&files, fd_take(&m.partials_channel.files), PROCESS_CTL,
                     PROCESS_FILES, PHASE_ASKED);
        code = find_partials(s, &files);
    }
    channel_close(&files);
    server_close(&server);
    return code;
}

/* Without a server, or without the right to ask it, other users would fail
 * too. */
static bool ends_search(int code)
{
    return code == EX_UNAVAILABLE || code == EX_NOPERM;
}

/* Reports a failure with one user, and continues with the next. */
static int search_all(struct search *s)
{
    struct complaint *c = &s->x->complaint;
    struct users u;
    int code = edit_load_users(&u, s->x->settings.users, NULL, c), first = code;

    for (size_t i = 0; i < u.count && !ends_search(code); i++) {
        s->user = u.row[i].name;
        code = search_user(s);
        if (code == 0 || ends_search(code))
            continue;
        stderr_print("%s: %s", s->user, c->text);
        c->text[0] = '\0';
        if (first == 0)
            first = code;
    }
    users_release(&u);
    return ends_search(code) ? code : first;
}

static void print_end(const struct search *s)
{
    if (s->x->args.json)
        fputs(s->lines == 0 ? "[]\n" : "\n]\n", stdout);
    else if (s->remove)
        printf("%" PRIu64 " removed, %" PRIu64 " bytes; %" PRIu64
               " being uploaded; %" PRIu64 " could not be removed\n",
               s->count[PARTIAL_REMOVED], s->bytes[PARTIAL_REMOVED],
               s->count[PARTIAL_IN_USE], s->count[PARTIAL_STAYS]);
}

static int search_homes(struct search *s)
{
    int code;

    s->now = time(NULL);
    s->user = s->x->args.word[2];
    code = s->user ? search_user(s) : search_all(s);
    if (!ends_search(code))
        print_end(s);
    if (code == 0 && s->count[PARTIAL_STAYS] > 0)
        code = ctl_fail(s->x, EX_IOERR, "some could not be removed");
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
    struct search s = { .x = x };
    int code = take_age(x, &s.age);

    return code ? code : search_homes(&s);
}

int partials_purge(struct context *x)
{
    struct search s = { .x = x,
                        .remove = true,
                        .age = x->settings.partial_days * DAY };
    int code = take_age(x, &s.age);

    if (code)
        return code;
    if (x->args.all && x->args.older_than)
        return ctl_fail(x, EX_USAGE, "--all goes without --older-than");
    if (x->args.all)
        s.age = 0;
    return search_homes(&s);
}
