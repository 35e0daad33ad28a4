/* "inspect list", "read", "release" and "reject", for uploads that wait for
 * inspection. For each home or share, a fork becomes the process files
 * (search.c), which finds the uploads and obeys the order, with the ids of the
 * user or the share. */
#include "search.h"

#include <errno.h>
#include <inttypes.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/base/harmless.h"
#include "sallyport/domain/outcome.h"
#include "sallyport/ftp/path.h"

#define ID_DIGITS 16
#define LINE_ROOM (FTP_PATH_MAX + 64)

struct inspection {
    struct search at; /* must be the first member */
    enum held_order order;
    const char *id;          /* "": all */
    const struct user *only; /* this user's home and shares; NULL: all */
    unsigned *count;         /* for HELD_LIST: only count the uploads */
    int64_t now;
    bool found, denied;
    uint64_t uid;     /* uid of the owner of the upload */
    uint64_t missing; /* bytes of the upload that haven't come yet */
};

/* Returns the user with that uid. Returns NULL if no user has it; and without
 * root, since then all users have the same uid. */
static const struct user *user_of(uint64_t uid)
{
    const struct users *u = &ctl.users;

    for (size_t n = 0; geteuid() == 0 && n < u->count; n++)
        if (u->row[n].uid == uid)
            return &u->row[n];
    return NULL;
}

const char *inspect_owner(const struct search *s, uint64_t uid)
{
    const struct user *user = user_of(uid);

    return user ? user->name : s->user;
}

/* The reasons why an order wasn't obeyed. */
static const struct {
    enum outcome outcome;
    int code;
    const char *says; /* printed after the id */
} refusals[] = {
    { OUTCOME_NAME_TAKEN, EX_CANTCREAT,
      "stays: its name is taken, and on_conflict = reject gives no other" },
    { OUTCOME_IS_DIRECTORY, EX_CANTCREAT, "stays: a directory has its name" },
    { OUTCOME_EXISTS, EX_CANTCREAT,
      "stays: another file has its name and is newer, or was changed or "
      "renamed after this upload; --replace-newer replaces that file" },
    { OUTCOME_STORED_UNSAFE, EX_IOERR,
      "is visible, but a power cut may undo this: its directory can't be "
      "synced" },
    { OUTCOME_BUSY, EX_TEMPFAIL, "stays: its directory is locked; try again" },
};

static noreturn void refused(const struct inspection *i, uint64_t o)
{
    if (o == OUTCOME_DENIED)
        fail(EX_NOPERM,
             "%s stays: %s can't read it, or can't write in its directory",
             i->id, i->at.user);
    for (size_t n = 0; n < sizeof(refusals) / sizeof(refusals[0]); n++)
        if (refusals[n].outcome == o)
            fail(refusals[n].code, "%s %s", i->id, refusals[n].says);
    fail(EX_IOERR, "%s stays: error %d when its file was read or changed",
         i->id, (int)o);
}

/* Logs the order, with the caller's uid, in the system's log: the server takes
 * no part in the order, and perhaps doesn't run. A running server logs the
 * order, too. */
static void obeyed(const struct inspection *i, const struct msg_held *m,
                   const struct buf *path)
{
    const int len = (int)path->len;
    const char *done = i->order == HELD_REJECT ? "rejected" : "released";
    const char *owner = inspect_owner(&i->at, m->uid);
    char text[MESSAGE_TEXT_MAX]; /* the log gets the beginning */

    snprintf(text, sizeof(text), "%s %s %.*s", i->id, owner, len, path->data);
    sessions_edited(text);
    harmless_make(path->data, path->len);
    syslog(LOG_DAEMON | LOG_NOTICE,
           "uid %u %s the upload %s: %.*s of user %s, %" PRIu64 " bytes",
           (unsigned)getuid(), done, i->id, len, path->data, owner, m->bytes);
    printf("%s: %.*s\n", done, len, path->data);
}

static void take_held(struct inspection *i, const struct msg_held *m)
{
    struct buf path;
    char when[WHEN_MAX];

    if (i->order == HELD_LIST && i->only && geteuid() == 0 &&
        m->uid != i->only->uid)
        return; /* another member's upload */
    if (i->count) {
        ++*i->count;
        return;
    }
    i->found = true;
    i->denied = m->outcome == OUTCOME_DENIED;
    i->uid = m->uid;
    i->missing = i->order == HELD_READ ? m->bytes : 0;
    if (i->order != HELD_LIST && m->outcome != OUTCOME_OK &&
        m->outcome != OUTCOME_STORED_UNSAFE)
        refused(i, m->outcome);
    buf_init(&path, LINE_ROOM);
    /* Writes the path as the user sees it. In a share, the path begins with the
     * label of the share, at.user. */
    if ((i->at.user[0] == '/' && buf_add_text(&path, i->at.user) < 0) ||
        buf_add_slice(&path, m->path) < 0)
        fail_no_memory();
    if (i->order == HELD_LIST)
        table_add(&i->at.found, json_pack("{s:o, s:s, s:o, s:I, s:s, s:I}",
                                          "id", json_slice(m->id), "user",
                                          inspect_owner(&i->at, m->uid), "path",
                                          json_slice(buf_slice(&path)), "bytes",
                                          (json_int_t)m->bytes, "since",
                                          when_text(m->since, when), "age",
                                          (json_int_t)(i->now - m->since)));
    else if (i->order != HELD_READ) /* its bytes come next */
        obeyed(i, m, &path);
    buf_release(&path);
    if (m->outcome == OUTCOME_STORED_UNSAFE)
        refused(i, m->outcome);
}

static void print_bytes(struct inspection *i, struct msg_held_bytes *m)
{
    FD_CLEANUP int fd = fd_take(&m->file);
    char block[65536];
    ssize_t n;
    int r = 0;

    while (r == 0 && (n = read(fd, block, sizeof(block))) != 0) {
        r = n < 0 ? -errno : fd_write_all(STDOUT_FILENO, block, (size_t)n);
        i->missing -= n > 0 ? (uint64_t)n : 0;
    }
    if (r < 0)
        fail(EX_IOERR, "%s: %s", i->id, strerror(-r));
}

static int ask_held(struct search *s, struct channel *files, uint32_t request)
{
    const struct inspection *i = (const struct inspection *)s;

    return SEND(files, held_find, request, .order = i->order,
                .id = slice_from(i->id));
}

static void take_answer(struct search *s, struct message *m)
{
    struct inspection *i = (struct inspection *)s;

    if (m->kind == MSG_held)
        take_held(i, &m->held);
    else if (m->kind == MSG_held_bytes)
        print_bytes(i, &m->held_bytes);
    else if (m->kind != MSG_partials_end)
        server_lies("no answer about uploads");
    else if (i->missing > 0)
        fail(EX_IOERR, "%s: not all of it could be read", i->id);
}

/* Returns all rights in SHARE: USER's rights, or, if USER is NULL, the rights
 * of all members together. */
static unsigned rights_in(const struct user *user, const struct share *share)
{
    const struct users *u = &ctl.users;
    const struct user *first = user ? user : u->row;
    const size_t count = user ? 1 : u->count;
    unsigned rights = 0;

    for (size_t i = 0; i < count; i++)
        for (size_t n = 0; n < first[i].grants; n++)
            if (&u->share[first[i].grant[n].share] == share)
                rights |= first[i].grant[n].rights;
    return rights;
}

bool inspect_lists(const struct user *user)
{
    return (user->rights & RIGHT_INSPECT) || user->had_rights;
}

/* Must the home of USER, or SHARE, be searched? Uploads can wait from before
 * the letter i, or the share, was taken away from their senders. So a list
 * searches all shares; but of the homes, which can be thousands, only those
 * with the letter, or with rights of older versions. An order searches all.
 * OTHERS: shares that the user of the command line hasn't, which are searched
 * last. */
static bool is_searched(const struct inspection *i, const struct user *user,
                        const struct share *share, bool others)
{
    const struct user *only = i->only;
    const bool own =
        only && (only == user || (!user && rights_in(only, share)));

    /* Only root's process files sees which of the others' files are NAME's. */
    if (only && others)
        return !own && !user && (i->order != HELD_LIST || geteuid() == 0);
    if (only || others)
        return own;
    return share || i->order != HELD_LIST || ctl.args.all ||
           inspect_lists(user);
}

/* Is the home of USER, or SHARE, searched although its rights lack the letter
 * i? Then its directory may be missing. */
static bool is_extra(const struct inspection *i, const struct user *user,
                     const struct share *share)
{
    return i->order == HELD_LIST && !ctl.args.all && (share || !i->only) &&
           !((share ? rights_in(i->only, share) : user->rights) &
             RIGHT_INSPECT);
}

/* Searches a home or a share. Returns true if an order has found its file. In a
 * share, the share's group can lack the right to enter a member's directory, or
 * to write in it. So the search works as the user of the command line, if there
 * is one; and a denied order is repeated as the owner of the file. */
static bool search_in(struct inspection *i, const struct user *user,
                      const struct share *share)
{
    struct complaint why;
    int code = search_try(&i->at, i->only ? i->only : user, share, &why);
    const bool over = i->found && i->order != HELD_LIST;
    const struct user *owner =
        over && i->denied && share ? user_of(i->uid) : NULL;

    if (owner) {
        i->found = false;
        code = search_try(&i->at, owner, share, &why);
        if (code == 0 && !i->found)
            refused(i, OUTCOME_DENIED);
    }
    if (over && code)
        fail(code, "%s", why.text);
    if (over)
        ctl_status = 0; /* a failure elsewhere doesn't count */
    else
        search_failed(&i->at, code, &why);
    return over;
}

/* Searches the homes and shares. An order ends with its file. */
static void search(struct inspection *i)
{
    const struct user *user;
    const struct share *share;

    for (int others = 0; others < 2; others++)
        for (size_t n = 0; search_place(n, &user, &share); n++) {
            if (!is_searched(i, user, share, others))
                continue;
            i->at.only_uploads = is_extra(i, user, share);
            i->at.may_be_closed = i->at.only_uploads && share;
            if (search_in(i, user, share))
                return;
        }
}

int inspect_count(const struct user *user, const struct share *share,
                  unsigned *count, struct complaint *why)
{
    struct inspection i = { .at = { .ask = ask_held, .take = take_answer },
                            .order = HELD_LIST,
                            .id = "",
                            .count = count };

    return search_try(&i.at, user, share, why);
}

static void inspect(enum held_order order, const char *id, const char *name)
{
    static const struct output_field columns[] = {
        { .title = "ID", .key = "id", .width = -ID_DIGITS },
        { .title = "USER", .key = "user" },
        { .title = "SIZE", .key = "bytes", .width = 5 },
        { .title = "AGE", .key = "age", .width = 3, .text = output_age },
        { .title = "PATH", .key = "path" },
        { 0 },
    };
    struct inspection i = { .at = { .ask = ask_held, .take = take_answer },
                            .order = order,
                            .id = id,
                            .now = time(NULL) };

    if (name && !(i.only = users_find(&ctl.users, slice_from(name))))
        fail_missing("user", slice_from(name));
    if (order == HELD_LIST)
        table_begin(&i.at.found, columns, false);
    search(&i);
    if (order == HELD_LIST)
        table_end(&i.at.found, "");
    else if (ctl_status == 0 && !i.found)
        fail(EX_NOINPUT, "no upload %s waits for inspection", id);
}

void inspect_list(void)
{
    inspect(HELD_LIST, "", ctl.args.word[2]);
}

/* "inspect read", "release" and "reject". */
void inspect_order(void)
{
    const char *verb = ctl.args.word[1], *id = ctl.args.word[2];
    const bool reads = strcmp(verb, "read") == 0;

    /* Nobody has inspected the bytes yet, and a terminal can obey some of
     * them. */
    if (reads && isatty(STDOUT_FILENO))
        fail(EX_USAGE, "the upload can contain control characters for the "
                       "terminal: redirect the output to a file or a program");
    if (strlen(id) != ID_DIGITS || strspn(id, "0123456789abcdef") != ID_DIGITS)
        fail(EX_USAGE,
             "%s: expected an id from \"inspect list\", %d digits of 0-9 a-f",
             id, ID_DIGITS);
    inspect(reads                         ? HELD_READ
            : strcmp(verb, "reject") == 0 ? HELD_REJECT
            : ctl.args.replace_newer      ? HELD_REPLACE
                                          : HELD_RELEASE,
            id, ctl.args.word[3]);
}
