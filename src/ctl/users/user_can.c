/* "user can": may this user do that, and which line of the users file decides?
 * Reads only the users file, and no file of a user. */
#include "ctl.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "sallyport/ftp/path.h"

static const struct can_verb {
    const char *name;
    unsigned rights; /* 0: "login", the only verb without a path */
} verbs[] = {
    { "list", RIGHT_LIST },       { "read", RIGHT_READ },
    { "write", RIGHT_WRITE },     { "replace", RIGHT_WRITE | RIGHT_REPLACE },
    { "delete", RIGHT_DELETE },   { "rename", RIGHT_RENAME },
    { "mkdir", RIGHT_DIRECTORY }, { "upload", RIGHT_WRITE },
    { "download", RIGHT_READ },   { "login", 0 },
};
#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

struct question {
    const struct users *u;
    const struct user *user;
    const struct can_verb *verb;
    struct path path;
    size_t mount; /* length of the virtual path of the mount; 0: the home */
    const struct share *share;
    unsigned rights; /* the user's rights in the mount */
    json_t *why;     /* texts: the reasons of a "no", and notes */
};

static void can_take_words(struct question *q)
{
    const char *verb = ctl.args.word[3];
    const char *text = ctl.args.word[4] ? ctl.args.word[4] : "/";
    struct path root;

    for (size_t i = 0; i < VERBS && !q->verb; i++)
        if (strcmp(verbs[i].name, verb) == 0)
            q->verb = &verbs[i];
    if (!q->verb)
        fail(EX_USAGE,
             "%s: expected list, read or download, write or upload, replace, "
             "delete, rename, mkdir or login",
             verb);
    path_root(&root);
    if (q->verb->rights && !ctl.args.word[4])
        fail(EX_USAGE,
             "user can: PATH is missing; see: sallyportctl user can --help");
    if ((q->verb->rights == 0) != (ctl.args.word[4] == NULL) ||
        path_resolve(&root, slice_from(text), &q->path))
        fail(EX_USAGE,
             "%s: expected a path as the user sees it, such as "
             "/contracts/a.pdf; \"login\" takes no path",
             text);
}

/* Finds the mount of the path, and the user's rights in it. In SHARE, all lines
 * count together. */
static void find_mount(struct question *q, const struct share *share)
{
    const struct user *user = q->user;

    q->rights = user->rights;
    for (size_t i = 0; i < user->grants; i++)
        if (&q->u->share[user->grant[i].share] == share) {
            q->rights = user->grant[i].rights;
            q->share = share;
            q->mount = 1 + strlen(share->name);
        }
}

/* Returns the path below the mount: "" if it is the mount itself. */
static const char *within_mount(const struct question *q)
{
    const char *rest = q->path.bytes + q->mount;

    return rest[0] ? rest + 1 : rest;
}

/* Would the verb change a mount? Nobody can make, replace, remove or rename a
 * mount. */
static bool is_fixed(const struct question *q)
{
    return (q->verb->rights & ~(unsigned)(RIGHT_LIST | RIGHT_READ)) != 0 &&
           !within_mount(q)[0];
}

/* Returns true if the user can't log in now, or, if ACTS, can do nothing after
 * the login. *why gets the reason. */
static bool user_is_barred(const struct user *user, bool acts,
                           struct complaint *why)
{
    const struct settings *s = &ctl.settings;
    const char *name = user->name;

    if (user_sync_closed(user))
        complain(why, "locked by the source of the row, sync=%.*s",
                 (int)user->sync.len, user->sync.ptr);
    else if (user->locked_by_hand)
        complain(why, "locked; run: sallyportctl user unlock %s", name);
    else if (user->locked)
        complain(why, "no password; run: sallyportctl user passwd %s", name);
    else if (user_expired(user, time(NULL)))
        complain(why, "expired; run: sallyportctl user change %s --expires 90d",
                 name);
    else if (user->certificate.len > 0 && s->client_certificates == CLIENTS_OFF)
        complain(why,
                 "a certificate is needed, and the server asks nobody for one; "
                 "write into %s: client_certificates = request",
                 s->file);
    else if (user_admission(user, NULL, time(NULL)) != ADMISSION_YES)
        complain(why,
                 "hours= of the user or of a team doesn't permit a login now");
    else if (user->must_change && acts)
        complain(why, "after the login the password must be changed first, by "
                      "SITE PSWD");
    else
        return user_permitted(user, s, geteuid() == 0, why) != 0;
    return true;
}

void user_hint(const struct user *user)
{
    struct complaint why = { "" };

    if (user_is_barred(user, false, &why))
        stderr_print("%s can't log in: %s", user->name, why.text);
}

void given_hint(void)
{
    if (!ctl.args.expires && !ctl.args.certificate)
        return;
    edit_read_users();
    user_hint(user_named(&ctl.users));
}

static void name_networks(struct question *q)
{
    const struct user *user = q->user;

    for (int i = -1; i < USER_TEAMS_MAX && (i < 0 || user->team[i]); i++) {
        const struct slice one =
            i < 0 ? user->limits.networks : user->team[i]->limits.networks;

        if (one.len > 0)
            json_array_append_new(
                q->why, json_sprintf("only from %.*s", (int)one.len, one.ptr));
    }
}

static void decide(struct question *q)
{
    struct slice rest = slice_from(q->path.bytes + 1), name;
    struct complaint login = { "" }, grant = { "" };
    const struct share *share; /* the user can lack a grant in it */

    slice_cut(&rest, '/', &name);
    share = share_find(q->u, name);
    q->why = json_array();
    find_mount(q, share);
    if (user_is_barred(q->user, q->verb->rights != 0, &login))
        json_array_append_new(q->why, json_text(login.text));
    if (is_fixed(q))
        json_array_append_new(
            q->why, json_string("the path is the root directory or a share, so "
                                "it can't be changed"));
    /* In a drop, the server looks up only the drop's own entries. */
    if ((q->verb->rights & ~rights_counting(q->rights)) ||
        (rights_drop(q->rights) && strchr(within_mount(q), '/')))
        json_array_append_new(
            q->why, json_string(rights_drop(q->rights)
                                    ? "this is a drop for the user: no right "
                                      "but w and i counts there, and it has no "
                                      "subdirectories"
                                    : "the rights there don't permit it"));
    ctl_status = json_array_size(q->why) > 0 ? EXIT_FAILURE : 0;
    if (ctl_status == 0 && q->verb->rights == 0)
        name_networks(q);
    if (q->verb->rights == RIGHT_RENAME && q->rights & RIGHT_MINE)
        json_array_append_new(
            q->why, json_string("directories can't be renamed there (u)"));
    if (!share || q->share)
        return;
    complain(&grant,
             "the share %s isn't the user's, so the path is in the home; to "
             "grant the share run: sallyportctl share grant %s %s:ROLE",
             share->name, share->name, q->user->name);
    json_array_append_new(q->why, json_text(grant.text));
}

static void why_text(const json_t *one, struct buf *into)
{
    buf_add_text(into, json_string_value(one));
}

void user_can(void)
{
    static const struct output_field lines[] = {
        { .key = "why", .none = "nothing forbids it", .element = why_text },
        { .none = "none" },
    };
    static const char *const asked[] = { "user", "verb", "can", "share" };
    struct question q = { .u = &ctl.users };
    char rights[16], counting[16];

    can_take_words(&q);
    q.user = user_named(&ctl.users);
    decide(&q);
    const struct slice mount = { q.path.bytes, q.mount ? q.mount : 1 };
    json_t *by = q.share ? grant_sources(q.u, q.user, q.share->name)
                         : json_pack("[{s:n, s:s, s:I}]", "team", "rights",
                                     rights_text(q.rights, rights), "line",
                                     (json_int_t)q.user->line);
    json_t *answer = json_pack(
        "{s:s, s:s, s:b, s:o, s:s?, s:o, s:s, s:o, s:o}", "user", q.user->name,
        "verb", q.verb->name, "can", ctl_status == 0, "path",
        json_text(q.path.bytes), "share", q.share ? q.share->name : NULL,
        "directory", json_slice(mount), "rights",
        rights_text(rights_counting(q.rights), counting), "by", by, "why",
        q.why);

    if (!ctl.args.json) {
        puts(ctl_status ? "no" : "yes");
        for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
            json_object_del(answer, asked[i]);
    }
    output_one(answer, lines);
}
