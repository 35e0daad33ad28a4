/* "user can": may this user do that, and which line of the users file decides?
 * It answers from the file alone and opens no file of a user: a symbolic link
 * in a home can lead into a directory with other rights. */
#include "ctl.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "sallyport/ftp/path.h"

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
static void can_take_verb(struct question *q)
{
    const char *text = ctl.args.word[3];

    for (size_t i = 0; i < VERBS; i++)
        if (strcmp(verbs[i].name, text) == 0) {
            q->verb = verbs[i];
            return;
        }
    q->verb = (struct can_verb){ .name = text };
    if (text[strspn(text, "lrwodnmu")] ||
        rights_parse(slice_from(text), &q->verb.rights))
        fail(EX_USAGE,
             "%s: expected list, read or download, write or upload, replace, "
             "delete, rename, mkdir, login, or letters of lrwodnmu",
             text);
    q->verb.rights &= RIGHT_ALL; /* all rights hold for own files */
    q->verb.entry =
        (q->verb.rights & (RIGHT_ALL - RIGHT_LIST - RIGHT_READ)) != 0;
}

static void can_take_path(struct question *q)
{
    const char *text = ctl.args.word[4] ? ctl.args.word[4] : "/";
    struct path root;

    path_root(&root);
    if (q->verb.rights && !ctl.args.word[4])
        fail(EX_USAGE,
             "user can: PATH is missing; see: sallyportctl user can --help");
    if ((q->verb.rights == 0) != (ctl.args.word[4] == NULL) ||
        path_resolve(&root, slice_from(text), &q->path))
        fail(EX_USAGE,
             "%s: expected a path as the user sees it, such as "
             "/contracts/a.pdf; none after login",
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

static void check_login(struct question *q)
{
    const struct settings *s = &ctl.settings;
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
                 "user %s: expired; run: sallyportctl user change %s --expires "
                 "90d",
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

static void decide(struct question *q)
{
    const struct share *share = share_of_path(q);

    if (share)
        can_find_share(q, share);
    if (!q->share)
        find_directory(q);
    check_login(q);
    q->yes = !q->login.text[0] && !is_fixed(q) && !is_within_drop(q) &&
             (q->verb.rights & ~rights_counting(q->rights)) == 0;
}

static void print_line(const struct question *q, const struct grant_source *by)
{
    char rights[16];

    printf("%s:%zu: %s %s has %s in %s%s\n", ctl.settings.users, by->line,
           by->team ? "team" : "user",
           by->team ? by->team->name : q->user->name,
           rights_text(by->rights, rights), q->share ? "the share " : "",
           q->share                     ? q->share->name
           : strcmp(q->mount, "/") == 0 ? "the home"
                                        : q->mount);
}

/* For a yes only the lines that give one of the rights decide. */
static void print_lines(const struct question *q)
{
    struct grant_source by = { NULL, q->rights, q->user->line };
    struct grant_walk w;

    if (!q->share) {
        print_line(q, &by);
        return;
    }
    grant_walk_begin(&w, q->u, q->user, q->share->name);
    while (grant_walk_next(&w, &by))
        if (!q->yes || by.rights & q->verb.rights)
            print_line(q, &by);
}

static void print_answer(const struct question *q)
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
    print_lines(q);
    if (other)
        printf("%s:%zu: the share %s isn't this user's; to change that run: "
               "sallyportctl share grant %s %s:ROLE\n",
               ctl.settings.users, other->line, other->name, other->name,
               q->user->name);
    if (is_fixed(q))
        printf("%s is or contains the root directory, a share, or a directory "
               "with rights of its own, so it can't be changed\n",
               q->path.bytes);
    if (!q->yes && rights_drop(q->rights))
        printf("%s is a drop for this user: no right but w and i counts "
               "there, and it has no subdirectories\n",
               q->share ? q->share->name : q->mount);
    if (q->login.text[0])
        printf("%s:%zu: %s\n", ctl.settings.users, q->user->line,
               q->login.text);
}

static json_t *json_answer(const struct question *q)
{
    char rights[16], counting[16];
    json_t *by = q->share ? grant_sources(q->u, q->user, q->share->name)
                          : json_pack("[{s:n, s:s, s:I}]", "team", "rights",
                                      rights_text(q->rights, rights), "line",
                                      (json_int_t)q->user->line);

    return json_pack("{s:s, s:s, s:o, s:b, s:s, s:s?, s:o, s:o}", "user",
                     q->user->name, "verb", q->verb.name, "path",
                     json_text(q->path.bytes), "can", (int)q->yes, "rights",
                     rights_text(rights_counting(q->rights), counting), "share",
                     q->share ? q->share->name : NULL, "by", by, "login",
                     q->login.text[0] ? json_text(q->login.text) : json_null());
}

void user_can(void)
{
    struct question q = { .u = &ctl.users };

    can_take_verb(&q);
    can_take_path(&q);
    q.user = user_named(&ctl.users);
    decide(&q);
    if (ctl.args.json)
        json_print(json_answer(&q));
    else
        print_answer(&q);
    ctl_status = q.yes ? 0 : EXIT_FAILURE;
}
