/* "inspect list", "read", "release" and "reject": uploads that wait for
 * inspection. Processes files (search.c) find them and do what is asked, with
 * the ids of their user or share. */
#include "search.h"

#include <errno.h>
#include <inttypes.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/domain/outcome.h"
#include "sallyport/event/event.h"
#include "sallyport/ftp/path.h"

#define ID_DIGITS 16
#define LINE_ROOM (4 * FTP_PATH_MAX + 64)

struct inspection {
    struct search at;
    enum held_order order;
    const char *id; /* "": all */
    int64_t now;
    uint64_t lines;
    bool found, denied;
    uint64_t uid;     /* of its owner */
    uint64_t missing; /* bytes of it that are still to come */
};

/* In a share each file may have another owner. Without root all have one. */
static const char *owner_of(const struct inspection *i, uint64_t uid)
{
    const struct users *u = &i->at.x->users;

    for (size_t n = 0; n < u->count && geteuid() == 0; n++)
        if (u->row[n].uid == uid)
            return u->row[n].name;
    return i->at.user;
}

static json_t *describe_held(const struct inspection *i,
                             const struct msg_held *m, struct slice path)
{
    char when[WHEN_MAX];

    return json_pack("{s:o, s:s, s:o, s:I, s:s}", "id", json_slice(m->id),
                     "user", owner_of(i, m->uid), "path", json_slice(path),
                     "bytes", (json_int_t)m->bytes, "since",
                     when_text(m->since, when));
}

/* TEXT is the path, escaped. */
static int print_held(struct inspection *i, const struct msg_held *m,
                      struct slice path, struct slice text)
{
    char ago[WHEN_MAX];

    if (i->at.x->args.json)
        return json_element(i->at.x, describe_held(i, m, path), &i->lines);
    if (i->lines++ == 0)
        printf("%-16s %-16s %14s %8s %s\n", "ID", "USER", "BYTES", "AGE",
               "PATH");
    printf("%-16.*s %-16s %14" PRIu64 " %8s %.*s\n", (int)m->id.len, m->id.ptr,
           owner_of(i, m->uid), m->bytes, when_ago(m->since, i->now, ago),
           (int)text.len, text.ptr);
    return 0;
}

/* Why an order wasn't obeyed. */
static const struct {
    enum outcome outcome;
    int code;
    const char *says; /* after the id */
} refusals[] = {
    { OUTCOME_NAME_TAKEN, EX_CANTCREAT,
      "stays: its name is taken, and on_conflict = reject gives no other" },
    { OUTCOME_IS_DIRECTORY, EX_CANTCREAT, "stays: a directory has its name" },
    { OUTCOME_EXISTS, EX_CANTCREAT,
      "stays: the file that has its name is newer, or was changed or renamed "
      "later; --replace-newer replaces it" },
    { OUTCOME_STORED_UNSAFE, EX_IOERR,
      "is visible, but a power cut may undo this: its directory can't be "
      "synced" },
    { OUTCOME_BUSY, EX_TEMPFAIL, "stays: its directory is locked; try again" },
};

static int refused(struct inspection *i, uint64_t o)
{
    if (o == OUTCOME_DENIED)
        return ctl_fail(i->at.x, EX_NOPERM,
                        "%s stays: %s may not read it, or write in its "
                        "directory",
                        i->id, i->at.user);
    for (size_t n = 0; n < sizeof(refusals) / sizeof(refusals[0]); n++)
        if (refusals[n].outcome == o)
            return ctl_fail(i->at.x, refusals[n].code, "%s %s", i->id,
                            refusals[n].says);
    return ctl_fail(i->at.x, EX_IOERR, "%s stays: error %d of its files", i->id,
                    (int)o);
}

/* The server, which may not run, does nothing here and logs nothing. So the
 * system's log has who did what. TEXT is harmless. */
static int obeyed(struct inspection *i, const struct msg_held *m,
                  struct slice text)
{
    const char *done = i->order == HELD_REJECT ? "rejected" : "released";

    if (m->outcome != OUTCOME_OK)
        return refused(i, m->outcome);
    syslog(LOG_DAEMON | LOG_NOTICE,
           "uid %u %s the upload %s: %.*s of user %s, %" PRIu64 " bytes",
           (unsigned)getuid(), done, i->id, (int)text.len, text.ptr,
           owner_of(i, m->uid), m->bytes);
    printf("%s: %.*s\n", done, (int)text.len, text.ptr);
    return 0;
}

static int take_held(struct inspection *i, const struct msg_held *m)
{
    struct buf path, text;
    int code = EX_OSERR;

    i->found = true;
    i->denied = m->outcome == OUTCOME_DENIED;
    i->uid = m->uid;
    i->missing = i->order == HELD_READ ? m->bytes : 0;
    buf_init(&path, LINE_ROOM);
    buf_init(&text, LINE_ROOM);
    /* As its user says it: a share that is searched alone is "/". */
    if ((i->at.user[0] == '/' && buf_add_text(&path, i->at.user) < 0) ||
        buf_add_slice(&path, m->path) < 0 ||
        event_escape(buf_slice(&path), &text) < 0)
        ctl_fail(i->at.x, code, "out of memory");
    else if (i->order == HELD_READ) /* its bytes come next */
        code = m->outcome == OUTCOME_OK ? 0 : refused(i, m->outcome);
    else if (i->order != HELD_LIST)
        code = obeyed(i, m, buf_slice(&text));
    else
        code = print_held(i, m, buf_slice(&path), buf_slice(&text));
    buf_release(&text);
    buf_release(&path);
    return code;
}

static int print_bytes(struct inspection *i, struct msg_held_bytes *m)
{
    FD_CLEANUP int fd = fd_take(&m->file);
    char block[65536];
    ssize_t n;
    int r = 0;

    while (r == 0 && (n = read(fd, block, sizeof(block))) != 0) {
        r = n < 0 ? -errno : fd_write_all(STDOUT_FILENO, block, (size_t)n);
        i->missing -= n > 0 ? (uint64_t)n : 0;
    }
    return r == 0 ? 0
                  : ctl_fail(i->at.x, EX_IOERR, "%s: %s", i->id, strerror(-r));
}

static int ask_held(struct search *s, struct channel *files, uint32_t request)
{
    const struct inspection *i = s->owner;

    return SEND(files, held_find, request, .order = i->order,
                .id = slice_from(i->id));
}

static int take_answer(struct search *s, struct message *m)
{
    struct inspection *i = s->owner;

    switch (m->kind) {
    case MSG_held:
        return take_held(i, &m->held);
    case MSG_held_bytes:
        return print_bytes(i, &m->held_bytes);
    case MSG_partials_end:
        return i->missing == 0
                   ? 0
                   : ctl_fail(s->x, EX_IOERR, "%s: not all of it could be read",
                              i->id);
    default:
        return server_lies(s->x, "no answer about uploads");
    }
}

/* In a share, the group may lack the right to write in a member's directory;
 * the file is then the member's too. */
static int as_owner(struct inspection *i, int code)
{
    const struct users *u = &i->at.x->users;

    for (size_t n = 0; n < u->count; n++)
        if (u->row[n].uid == i->uid) {
            i->found = false;
            i->at.in_shares = true;
            code = search_user(&i->at, &u->row[n]);
            return code == 0 && !i->found ? refused(i, OUTCOME_DENIED) : code;
        }
    return code;
}

/* An order ends with the file that it is for. */
static int everywhere(struct inspection *i)
{
    const struct users *u = &i->at.x->users;
    int first = 0;

    for (size_t n = 0; n < u->count + u->shares; n++) {
        int code = n < u->count ? search_user(&i->at, &u->row[n])
                                : search_share(&i->at, &u->share[n - u->count]);

        if (i->found && i->order != HELD_LIST)
            return i->denied && n >= u->count ? as_owner(i, code) : code;
        search_failed(&i->at, code, &first);
    }
    return first;
}

static void inspect(enum held_order order, const char *id, const char *name)
{
    struct inspection i = { .at = { .x = &ctl,
                                    .owner = &i,
                                    .ask = ask_held,
                                    .take = take_answer,
                                    .in_shares = name != NULL },
                            .order = order,
                            .id = id,
                            .now = time(NULL) };
    const struct user *user =
        name ? users_find(&ctl.users, slice_from(name)) : NULL;

    if (name && !user)
        fail_missing("user", slice_from(name));
    ctl_status = user ? search_user(&i.at, user) : everywhere(&i);
    if (order == HELD_LIST && ctl.args.json)
        json_end(i.lines);
    need(&ctl, ctl.complaint.text[0] ? ctl_status : 0);
    if (ctl_status == 0 && order != HELD_LIST && !i.found)
        fail(EX_NOINPUT, "no upload %s waits for inspection", id);
}

void inspect_list(void)
{
    inspect(HELD_LIST, "", ctl.args.word[2]);
}

static void give_order(enum held_order order)
{
    const char *id = ctl.args.word[2];

    if (strlen(id) != ID_DIGITS || strspn(id, "0123456789abcdef") != ID_DIGITS)
        fail(EX_USAGE, "%s: expected an id of \"inspect list\", %d of 0-9 a-f",
             id, ID_DIGITS);
    inspect(order, id, ctl.args.word[3]);
}

/* Nobody has looked at the bytes yet, and a terminal obeys some of them. */
void inspect_read(void)
{
    if (isatty(STDOUT_FILENO) && !ctl.args.terminal)
        fail(EX_USAGE, "a terminal obeys what may be in these bytes: send them "
                       "to a file or a program, or give --terminal");
    give_order(HELD_READ);
}

void inspect_release(void)
{
    give_order(ctl.args.replace_newer ? HELD_REPLACE : HELD_RELEASE);
}

void inspect_reject(void)
{
    give_order(HELD_REJECT);
}
