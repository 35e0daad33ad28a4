/* "user can": may this user do that, and which line of the users file decides?
 * It answers from the file alone and opens no file of a user: a symbolic link
 * in a home can lead into a directory with other rights. */
#include "ctl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/domain/limits.h"
#include "sallyport/ftp/path.h"
#include "sallyport/quota/quota.h"

static const struct can_verb {
    const char *name;
    unsigned rights;
    bool entry; /* it acts on an entry of a directory */
} verbs[] = {
    { "list", RIGHT_LIST, false },
    { "read", RIGHT_READ, false },
    { "write", RIGHT_WRITE, true },
    { "replace", RIGHT_WRITE | RIGHT_REPLACE, true },
    { "delete", RIGHT_DELETE, true },
    { "rename", RIGHT_RENAME, true },
    { "mkdir", RIGHT_DIRECTORY, true },
    { "upload", RIGHT_WRITE, true },
    { "download", RIGHT_READ, false },
    { "login", 0, false }, /* the only one without a path */
};
#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

struct question {
    const struct users *u;
    const struct user *user;
    struct can_verb verb;
    struct path path;
    const char *mount; /* its virtual path; "/": the home */
    const struct share *share;
    unsigned rights;        /* the user's in the mount */
    struct complaint login; /* why the user can't log in, or do anything then;
                             * "": can */
    bool yes;
};

/* Takes one of the verbs, or letters. */
static int can_take_verb(struct context *x, struct question *q)
{
    const char *text = x->args.word[3];

    for (size_t i = 0; i < VERBS; i++)
        if (strcmp(verbs[i].name, text) == 0)
            return q->verb = verbs[i], 0;
    q->verb = (struct can_verb){ .name = text };
    if (text[strspn(text, "lrwodnmu")] == '\0' &&
        rights_parse(slice_from(text), &q->verb.rights) == 0) {
        q->verb.rights &= RIGHT_ALL; /* all rights hold for own files */
        q->verb.entry =
            (q->verb.rights & (RIGHT_ALL - RIGHT_LIST - RIGHT_READ)) != 0;
        return 0;
    }
    return ctl_fail(x, EX_USAGE,
                    "%s: expected list, read or download, write or upload, "
                    "replace, delete, rename, mkdir, login, or letters of "
                    "lrwodnmu",
                    text);
}

static int can_take_path(struct context *x, struct question *q)
{
    const char *text = x->args.word[4] ? x->args.word[4] : "/";
    struct path root;

    path_root(&root);
    if (q->verb.rights && !x->args.word[4])
        return ctl_fail(x, EX_USAGE,
                        "user can: PATH is missing; see: sallyportctl user can "
                        "--help");
    if ((q->verb.rights == 0) == (x->args.word[4] == NULL) &&
        path_resolve(&root, slice_from(text), &q->path) == 0)
        return 0;
    return ctl_fail(x, EX_USAGE,
                    "%s: expected a path as the user sees it, "
                    "such as /contracts/a.pdf; none after login",
                    text);
}

/* The share that the path names, also if the user is no member; or NULL. */
static const struct share *share_of_path(const struct question *q)
{
    struct slice rest = slice_from(q->path.bytes + 1), name;

    slice_cut(&rest, '/', &name);
    return share_find(q->u, name);
}

/* In a share all lines count together. */
static void can_find_share(struct question *q, const struct share *share)
{
    struct grant_walk w;
    struct grant_source by;

    grant_walk_begin(&w, q->u, q->user, share->name);
    while (grant_walk_next(&w, &by)) {
        q->rights |= by.rights;
        q->share = share;
    }
}

/* In the home the deepest directory with rights of its own decides. */
static void find_directory(struct question *q)
{
    const struct user *user = q->user;

    q->mount = "/";
    q->rights = user->rights;
    for (size_t i = 0; i < user->directories; i++) {
        const struct directory_right *d = &user->directory[i];

        if (user_path_within(q->path.bytes, d->path) &&
            strlen(d->path) > strlen(q->mount)) {
            q->mount = d->path;
            q->rights = d->rights;
        }
    }
}

/* Is it the root directory, a share, or a directory with rights of its own? */
static bool is_mount(const struct question *q)
{
    const char *path = q->path.bytes;

    return q->share ? !strchr(path + 1, '/')
                    : strcmp(path, "/") == 0 || strcmp(path, q->mount) == 0;
}

/* Nobody can make, replace, remove or rename these, nor remove or rename what
 * contains one. */
static bool is_fixed(const struct question *q)
{
    const struct user *user = q->user;

    if (!q->verb.entry)
        return false;
    if (is_mount(q))
        return true;
    for (size_t i = 0; i < user->directories; i++)
        if (q->verb.rights & (RIGHT_DELETE | RIGHT_RENAME) &&
            user_path_beneath(user->directory[i].path, q->path.bytes))
            return true;
    return false;
}

/* In a drop nothing is ever looked up but its entries. */
static bool is_within_drop(const struct question *q)
{
    const char *rest = q->path.bytes + 1;

    if (!rights_drop(q->rights))
        return false;
    if (q->share)
        rest += strcspn(rest, "/") + 1;
    else if (strcmp(q->mount, "/") != 0)
        rest = q->path.bytes + strlen(q->mount) + 1;
    return !is_mount(q) && strchr(rest, '/');
}

static void check_login(const struct context *x, struct question *q)
{
    const struct settings *s = &x->settings;
    const struct user *user = q->user;

    if (user_sync_closed(user))
        complain(&q->login,
                 "user %s: locked by the source of the row, sync=%.*s",
                 user->name, (int)user->sync.len, user->sync.ptr);
    else if (user->locked && user->hash[0] == '$')
        complain(&q->login, "user %s: locked; run: sallyportctl user unlock %s",
                 user->name, user->name);
    else if (user->locked)
        complain(&q->login,
                 "user %s: no password; run: sallyportctl user passwd %s",
                 user->name, user->name);
    else if (user_expired(user, time(NULL)))
        complain(&q->login,
                 "user %s: expired; run: sallyportctl user change %s --ttl "
                 "TIME, or --expires DATE",
                 user->name, user->name);
    else if (user->certificate.len > 0 && s->client_certificates == CLIENTS_OFF)
        complain(&q->login,
                 "user %s: needs a certificate, but nobody is asked for one; "
                 "write into %s: client_certificates = request",
                 user->name, s->file);
    else if (user_admission(user, NULL, time(NULL)) != ADMISSION_YES)
        complain(&q->login,
                 "user %s: now is not in hours= of the user, or of a team",
                 user->name);
    else if (user->must_change && q->verb.rights)
        complain(&q->login,
                 "user %s: after the login the password must be changed first, "
                 "by SITE PSWD",
                 user->name);
    else
        user_permitted(user, s, geteuid() == 0, &q->login);
}

static void decide(const struct context *x, struct question *q)
{
    const struct share *share = share_of_path(q);

    if (share)
        can_find_share(q, share);
    if (!q->share)
        find_directory(q);
    check_login(x, q);
    q->yes = !q->login.text[0] && !is_fixed(q) && !is_within_drop(q) &&
             (q->verb.rights & ~rights_counting(q->rights)) == 0;
}

static void print_line(const struct context *x, const struct question *q,
                       const struct grant_source *by)
{
    char rights[16];

    printf("%s:%zu: %s %s has %s in %s%s\n", x->settings.users, by->line,
           by->team ? "team" : "user",
           by->team ? by->team->name : q->user->name,
           rights_text(by->rights, rights), q->share ? "the share " : "",
           q->share                     ? q->share->name
           : strcmp(q->mount, "/") == 0 ? "the home"
                                        : q->mount);
}

/* For a yes only the lines that give one of the rights decide. */
static void print_lines(const struct context *x, const struct question *q)
{
    struct grant_source by = { NULL, q->rights, q->user->line };
    struct grant_walk w;

    if (!q->share) {
        print_line(x, q, &by);
        return;
    }
    grant_walk_begin(&w, q->u, q->user, q->share->name);
    while (grant_walk_next(&w, &by))
        if (!q->yes || by.rights & q->verb.rights)
            print_line(x, q, &by);
}

/* What a login that may succeed still needs. */
static void print_needs(const struct question *q)
{
    const struct user *user = q->user;

    if (user->certificate.len > 0)
        printf("the client must show a certificate%s: %.*s\n",
               user->certificate_only ? " instead of the password" : ", too",
               (int)user->certificate.len, user->certificate.ptr);
    if (user->totp.len > 0)
        puts("after the password a one-time code is needed");
    if (user->must_change)
        puts("the password must be changed before anything else, by SITE PSWD");
}

/* What may refuse it although the rights permit it. */

/* Of a disk, which may be dead. */
struct can_disk {
    const struct question *q;
    const char *below; /* the setting homes, or shares */
    int uncounted;     /* stored_in()'s: 0, or -errno */
    struct stored stored;
    int error; /* of the quota: 0, or -errno */
    struct quota quota;
};

static int look_at_disk(struct context *x, void *data)
{
    struct can_disk *d = data;
    const struct question *q = d->q;
    FD_CLEANUP int fd =
        home_open(q->share ? q->share->path : q->user->home, d->below);

    (void)x;
    d->uncounted = stored_in(q->user->home, &d->stored);
    d->error =
        fd < 0 ? fd
               : quota_get(fd, q->share ? QUOTA_GROUP : QUOTA_USER,
                           q->share ? q->share->gid : q->user->uid, &d->quota);
    return 0;
}

static void note_max_files(unsigned most, const struct can_disk *d,
                           struct buf *into)
{
    if (most == 0)
        return;
    if (d->uncounted)
        buf_add_format(into,
                       "how many of the %u files of max_files are stored "
                       "isn't known\n",
                       most);
    else
        buf_add_format(into,
                       "%" PRIu64 " of %u files are stored (max_files)%s\n",
                       d->stored.files, most,
                       d->stored.files >= most ? ": no further one" : "");
}

static void note_max_bytes(uint64_t most, const struct can_disk *d,
                           struct buf *into)
{
    char all[SIZE_TEXT_MAX], used[SIZE_TEXT_MAX];

    if (most == 0)
        return;
    size_text(most, all);
    if (d->uncounted)
        buf_add_format(into,
                       "how much of the %s of max_bytes is stored isn't "
                       "known\n",
                       all);
    else
        buf_add_format(into, "%s of %s are stored (max_bytes)%s\n",
                       size_text(d->stored.bytes, used), all,
                       d->stored.bytes >= most ? ": nothing more" : "");
}

static void note_quota(const struct question *q, const struct can_disk *d,
                       struct buf *into)
{
    const struct user_quota *promised =
        q->share ? &q->share->quota : &q->user->quota;
    const char *name = q->share ? q->share->name : q->user->name;

    if (d->error && (promised->bytes > 0 || promised->files > 0))
        buf_add_format(into, "whether the quota is used up isn't known: %s\n",
                       strerror(-d->error));
    else if (!d->error && (quota_left(&d->quota.bytes) == 0 ||
                           quota_left(&d->quota.files) == 0))
        buf_add_format(into,
                       "the quota is used up; see: sallyportctl quota show "
                       "%s%s\n",
                       q->share ? "share:" : "", name);
}

static void note_size(const struct context *x, const struct question *q,
                      struct buf *into)
{
    const uint64_t most = user_file_size(q->user, x->settings.max_file_size);
    char text[SIZE_TEXT_MAX];

    if (most > 0)
        buf_add_format(into, "a file may have at most %s (max_file_size)\n",
                       size_text(most, text));
}

static void note_conflict(const struct context *x, const struct question *q,
                          struct buf *into)
{
    const unsigned what =
        user_choice(q->user, CHOICE_CONFLICT, x->settings.on_conflict);

    if (!(q->verb.rights & RIGHT_REPLACE) || what == CONFLICT_OVERWRITE)
        return;
    buf_add_format(into, "on_conflict = %s: %s\n",
                   choices[CHOICE_CONFLICT].words[what],
                   what == CONFLICT_REJECT
                       ? "an upload under a name that is taken is refused"
                       : "the old file stays under its name or another one");
}

/* Of the user, or of a team. */
static void note_limits(const struct row_limits *l, const char *whose,
                        const char *name, struct buf *into)
{
    if (l->networks.len > 0)
        buf_add_format(into, "only from %.*s (networks of the %s %s)\n",
                       (int)l->networks.len, l->networks.ptr, whose, name);
    if (l->hours.len > 0)
        buf_add_format(into, "only at %.*s (hours of the %s %s)\n",
                       (int)l->hours.len, l->hours.ptr, whose, name);
}

/* Writes each in a line. */
static void can_notes(struct context *x, const struct question *q,
                      struct buf *into)
{
    const struct user *user = q->user;
    struct can_disk d = { .q = q,
                          .below =
                              q->share ? x->settings.shares : x->settings.homes,
                          .uncounted = -ETIMEDOUT };

    note_limits(&user->limits, "user", user->name, into);
    for (size_t i = 0; i < USER_TEAMS_MAX && user->team[i]; i++)
        note_limits(&user->team[i]->limits, "team", user->team[i]->name, into);
    if (!(q->verb.rights & RIGHT_WRITE))
        return;
    if (disk_run_copy(x, look_at_disk, &d, sizeof(d), disk_ms) == -ETIMEDOUT)
        d.error = -ETIMEDOUT;
    note_max_files(user->max_files, &d, into);
    note_max_bytes(user->max_bytes, &d, into);
    note_quota(q, &d, into);
    note_size(x, q, into);
    note_conflict(x, q, into);
    buf_add_text(into, "whether the disk has room isn't looked at\n");
}

static int print_answer(const struct context *x, const struct question *q,
                        struct slice notes)
{
    const struct share *other = q->share ? NULL : share_of_path(q);

    if (q->yes && other)
        printf("yes, in the home; this is not the share %s\n", other->name);
    else
        puts(q->yes ? "yes" : "no");
    if (q->verb.rights)
        printf("path %s, in %s%s\n", q->path.bytes,
               q->share ? "the share " : "the home",
               q->share ? q->share->name : "");
    print_lines(x, q);
    if (q->yes && q->verb.rights == 0)
        print_needs(q);
    if (other)
        printf("%s:%zu: the share %s isn't this user's; to change that run: "
               "sallyportctl share grant %s %s\n",
               x->settings.users, other->line, other->name, other->name,
               q->user->name);
    if (is_fixed(q))
        printf("%s is or contains the root directory, a share, or a directory "
               "with rights of its own, so it can't be changed\n",
               q->path.bytes);
    if (q->yes && q->verb.rights & RIGHT_WRITE && q->rights & RIGHT_INSPECT)
        printf("the upload waits for inspection; see: sallyportctl inspect "
               "list %s\n",
               q->user->name);
    if (!q->yes && rights_drop(q->rights))
        printf("%s is a drop for this user: no right but w and i counts "
               "there, and it has no subdirectories\n",
               q->share ? q->share->name : q->mount);
    if (q->login.text[0])
        printf("%s:%zu: %s\n", x->settings.users, q->user->line, q->login.text);
    fwrite(notes.ptr, 1, notes.len, stdout);
    return 0;
}

static json_t *json_lines(const struct question *q)
{
    char rights[16];

    return q->share ? grant_sources(q->u, q->user, q->share->name)
                    : json_pack("[{s:n, s:s, s:I}]", "team", "rights",
                                rights_text(q->rights, rights), "line",
                                (json_int_t)q->user->line);
}

static json_t *json_notes(struct slice notes)
{
    json_t *list = json_array();
    struct slice line;

    while (slice_cut(&notes, '\n', &line))
        if (line.len > 0)
            json_array_append_new(list, json_slice(line));
    return list;
}

static json_t *json_answer(const struct question *q, struct slice notes)
{
    char rights[16];

    return json_pack(
        "{s:s, s:s, s:o, s:b, s:s, s:s?, s:o, s:o, s:o}", "user", q->user->name,
        "verb", q->verb.name, "path", json_text(q->path.bytes), "can",
        (int)q->yes, "rights", rights_text(rights_counting(q->rights), rights),
        "share", q->share ? q->share->name : NULL, "by", json_lines(q), "login",
        q->login.text[0] ? json_text(q->login.text) : json_null(), "notes",
        json_notes(notes));
}

int user_can(struct context *x)
{
    struct question q = { .u = &x->users };
    struct buf notes;
    int code = can_take_verb(x, &q);

    if (code == 0)
        code = can_take_path(x, &q);
    if (code == 0)
        code = ctl_find(x, &x->users, &q.user);
    if (code)
        return code;
    decide(x, &q);
    buf_init(&notes, USER_LINE_MAX * (USER_TEAMS_MAX + 2));
    if (q.yes)
        can_notes(x, &q, &notes);
    code = x->args.json ? json_write(x, json_answer(&q, buf_slice(&notes)))
                        : print_answer(x, &q, buf_slice(&notes));
    buf_release(&notes);
    return code || q.yes ? code : EXIT_FAILURE;
}
