/* The commands that change shares and teams: the lines @share and @team of the
 * users file, and the lists shares= and teams= in lines of users and teams. All
 * changes of a command are one edit: all of them happen, or none. */
#include "ctl.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define TEAM_PREFIX "team:"

const struct share *share_find(const struct users *u, struct slice name)
{
    for (size_t i = 0; i < u->shares; i++)
        if (slice_equal(name, slice_from(u->share[i].name)))
            return &u->share[i];
    return NULL;
}

const struct team *team_find(const struct users *u, struct slice name)
{
    for (size_t i = 0; i < u->teams; i++)
        if (slice_equal(name, slice_from(u->team[i].name)))
            return &u->team[i];
    return NULL;
}

int share_named(struct context *x, const struct users *u,
                const struct share **ret)
{
    const char *name = x->args.word[2];

    *ret = share_find(u, slice_from(name));
    if (*ret)
        return 0;
    return ctl_fail(x, EX_NOUSER,
                    "there is no share %s; run: sallyportctl share list", name);
}

int team_named(struct context *x, const struct users *u,
               const struct team **ret)
{
    const char *name = x->args.word[2];

    *ret = team_find(u, slice_from(name));
    if (*ret)
        return 0;
    return ctl_fail(x, EX_NOUSER,
                    "there is no team %s; run: sallyportctl team list", name);
}

bool entry_find(struct slice list, struct slice name, struct entry *ret)
{
    while (entry_next(&list, ret))
        if (slice_equal(ret->name, name))
            return true;
    return false;
}

const char *grant_text(struct slice share, unsigned rights,
                       char out[GRANT_TEXT_MAX])
{
    char role[16];

    snprintf(out, GRANT_TEXT_MAX, "%.*s%s%s", (int)share.len, share.ptr,
             rights == RIGHT_ALL ? "" : ":",
             rights == RIGHT_ALL ? "" : rights_text(rights, role));
    return out;
}

int grant_rights(const struct entry *e, unsigned *ret)
{
    *ret = RIGHT_ALL;
    return e->role.ptr ? rights_parse(e->role, ret) : 0;
}

void grant_walk_begin(struct grant_walk *w, const struct users *u,
                      const struct user *user, const char *share)
{
    *w = (struct grant_walk){
        .u = u, .user = user, .share = slice_from(share), .teams = user->teams
    };
}

bool grant_walk_next(struct grant_walk *w, struct grant_source *ret)
{
    struct entry team, entry;

    if (!w->begun) {
        w->begun = true;
        *ret = (struct grant_source){ NULL, 0, w->user->line };
        if (entry_find(w->user->shares, w->share, &entry))
            return grant_rights(&entry, &ret->rights) == 0;
    }
    while (entry_next(&w->teams, &team)) {
        *ret = (struct grant_source){ team_find(w->u, team.name), 0, 0 };
        if (!ret->team || !entry_find(ret->team->shares, w->share, &entry))
            continue;
        ret->line = ret->team->line;
        return grant_rights(&entry, &ret->rights) == 0;
    }
    return false;
}

/* Removes a share. */

struct share_removal {
    char path[USER_HOME_MAX + 1], shares[SETTINGS_PATH_MAX];
};

static int share_removal_take(struct context *x, const struct users *u,
                              struct share_removal *r)
{
    const struct share *share;
    int code = share_named(x, u, &share);

    if (code == 0 &&
        (home_tidy(slice_from(share->path), r->path, sizeof(r->path)) ||
         home_tidy(slice_from(x->settings.shares), r->shares,
                   sizeof(r->shares))))
        code = ctl_fail(x, EX_DATAERR, "the share's path is too long");
    return code;
}

/* Asks before the lock is taken. */
static int ask_before_lock(struct context *x, struct share_removal *r)
{
    struct users u;
    int code = edit_load_users(&u, x->settings.users, NULL, &x->complaint);

    if (code == 0)
        code = share_removal_take(x, &u, r);
    if (code == 0)
        code = ctl_confirm_removal(x, r->path);
    users_release(&u);
    return code;
}

static int remove_entries(struct edit *e, struct slice name)
{
    const struct users *u = &e->users;
    struct entry old;
    int code = 0;

    for (size_t i = 0; i < u->count && code == 0; i++)
        if (entry_find(u->row[i].shares, name, &old))
            code = edit_set_entry(e, u->row[i].line, "shares", name, NULL);
    for (size_t i = 0; i < u->teams && code == 0; i++)
        if (entry_find(u->team[i].shares, name, &old))
            code = edit_set_entry(e, u->team[i].line, "shares", name, NULL);
    return code;
}

/* No home may go with it. A line that was written by hand can name one there.
 */
static int check_share_alone(struct context *x, const struct users *u,
                             const struct share *share, const char *path)
{
    struct overlap o;

    if (!overlap_find(u, share, path, &o))
        return 0;
    return ctl_fail(x, EX_DATAERR,
                    "%s overlaps the %s %s; run it without --purge", path,
                    o.share ? "share" : "home of", o.name);
}

static int remove_share(struct context *x, struct edit *e, void *given)
{
    struct share_removal *confirmed = given, now;
    const struct share *share;
    int code = share_removal_take(x, &e->users, &now);

    if (code == 0 && x->args.purge && strcmp(now.path, confirmed->path) != 0)
        code = ctl_fail(x, EX_TEMPFAIL,
                        "%s: its directory was changed just now, to %s; "
                        "nothing was removed; try again",
                        x->args.word[2], now.path);
    if (code)
        return code;
    share = share_find(&e->users, slice_from(x->args.word[2]));
    if (x->args.purge)
        code = check_share_alone(x, &e->users, share, now.path);
    if (code)
        return code;
    *confirmed = now;
    code = remove_entries(e, slice_from(share->name));
    if (code == 0 && share->gid >= x->settings.gid_first &&
        share->gid <= x->settings.gid_last)
        code = edit_spend_id(e, EDIT_LAST_GID, share->gid);
    if (code)
        return code;
    edit_remove(e, share->line);
    return edit_commit(e);
}

int share_del(struct context *x)
{
    struct share_removal r;
    int code = 0;

    if (x->args.yes && !x->args.purge)
        return ctl_fail(x, EX_USAGE, "--yes goes with --purge");
    if (x->args.purge)
        code = ask_before_lock(x, &r);
    if (code == 0)
        code = edit_run(x, remove_share, &r);
    if (code == 0 && x->args.purge)
        code = purge_home(r.path, r.shares, 0, &x->complaint);
    if (code == 0)
        printf("share %s: removed; directory %s %s\n", x->args.word[2], r.path,
               x->args.purge ? "removed" : "kept");
    return code;
}

/* Grants. */

/* One word USER[:ROLE] or team:TEAM[:ROLE]. */
struct grantee {
    unsigned rights;
    struct slice list; /* the shares in the line */
    size_t line;
};

static int grantee_role(struct context *x, const char *word,
                        const struct entry *who, bool with_role,
                        struct grantee *g)
{
    if (who->role.ptr && !with_role)
        return ctl_fail(x, EX_USAGE,
                        "%s: no role is revoked alone; for other rights run: "
                        "sallyportctl share grant %s %s",
                        word, x->args.word[2], word);
    return grant_rights(who, &g->rights)
               ? ctl_fail(x, EX_USAGE, "%s: " RIGHTS_EXPECTED, word)
               : 0;
}

static int grantee_find(struct context *x, const struct users *u,
                        const char *word, bool with_role, struct grantee *g)
{
    const bool of_team = slice_starts(slice_from(word), SLICE(TEAM_PREFIX));
    struct slice text = slice_from(of_team ? word + strlen(TEAM_PREFIX) : word);
    const struct user *user;
    const struct team *team;
    struct entry who;

    if (of_team && users_find(u, SLICE("team")))
        return ctl_fail(x, EX_USAGE,
                        "%s: a user has the name team, so this word has two "
                        "meanings; run first: sallyportctl user rename team "
                        "NAME",
                        word);
    entry_next(&text, &who);
    user = of_team ? NULL : users_find(u, who.name);
    team = of_team ? team_find(u, who.name) : NULL;
    if (!user && !team)
        return ctl_fail(x, EX_NOUSER,
                        "there is no %s %.*s; run: sallyportctl %s",
                        of_team ? "team" : "user", (int)who.text.len,
                        who.text.ptr, of_team ? "team list" : "user list");
    g->list = team ? team->shares : user->shares;
    g->line = team ? team->line : user->line;
    return grantee_role(x, word, &who, with_role, g);
}

static int grant_one(struct context *x, struct edit *e, const char *word)
{
    const char *share = x->args.word[2];
    char text[GRANT_TEXT_MAX];
    struct grantee g;
    int code = grantee_find(x, &e->users, word, true, &g);

    return code ? code
                : edit_set_entry(e, g.line, "shares", slice_from(share),
                                 grant_text(slice_from(share), g.rights, text));
}

static int revoke_one(struct context *x, struct edit *e, const char *word)
{
    const char *share = x->args.word[2];
    struct grantee g;
    struct entry old;
    int code = grantee_find(x, &e->users, word, false, &g);

    if (code)
        return code;
    if (!entry_find(g.list, slice_from(share), &old))
        return ctl_fail(x, EX_DATAERR,
                        "%s has no own grant in %s; run: sallyportctl share "
                        "show %s",
                        word, share, share);
    return edit_set_entry(e, g.line, "shares", slice_from(share), NULL);
}

/* A change of one line, for each further word of the command line. */
typedef int change_one(struct context *x, struct edit *e, const char *word);

struct changes {
    change_one *one;
};

static int change_each(struct context *x, struct edit *e, change_one *one)
{
    int code = 0;

    for (size_t i = 3; i < x->args.words && code == 0; i++)
        code = one(x, e, x->args.word[i]);
    return code ? code : edit_commit(e);
}

static int change_grants(struct context *x, struct edit *e, void *given)
{
    const struct changes *c = given;
    const struct share *share;
    int code = share_named(x, &e->users, &share);

    return code ? code : change_each(x, e, c->one);
}

/* A user without a grant of the own may still have one by a team. */
static void print_kept(const struct users *u, const char *share,
                       const char *name)
{
    const struct user *user = users_find(u, slice_from(name));
    struct grant_walk w;
    struct grant_source by;
    char rights[16];

    if (!user)
        return;
    grant_walk_begin(&w, u, user, share);
    while (grant_walk_next(&w, &by))
        if (by.team)
            fprintf(stderr,
                    "sallyportctl: %s still has %s by the team %s; to change "
                    "that run: sallyportctl team leave %s %s\n",
                    name, rights_text(by.rights, rights), by.team->name,
                    by.team->name, name);
}

int share_grant(struct context *x)
{
    struct changes c = { grant_one };
    int code = edit_run(x, change_grants, &c);

    for (size_t i = 3; i < x->args.words && code == 0; i++)
        printf("share %s: granted to %s\n", x->args.word[2], x->args.word[i]);
    return code;
}

int share_revoke(struct context *x)
{
    struct changes c = { revoke_one };
    struct users u;
    int code = edit_run(x, change_grants, &c);

    if (code)
        return code;
    for (size_t i = 3; i < x->args.words; i++)
        printf("share %s: revoked from %s\n", x->args.word[2], x->args.word[i]);
    if (edit_load_users(&u, x->settings.users, NULL, &x->complaint) == 0)
        for (size_t i = 3; i < x->args.words; i++)
            print_kept(&u, x->args.word[2], x->args.word[i]);
    users_release(&u);
    return 0;
}

/* Teams. */

/* The user of WORD, and whether the user is in the team. */
static int member_find(struct context *x, const struct users *u,
                       const char *word, const struct user **ret, bool *in)
{
    struct entry entry;

    *ret = users_find(u, slice_from(word));
    if (!*ret)
        return ctl_fail(x, EX_NOUSER,
                        "there is no user %s; run: sallyportctl user list",
                        word);
    *in = entry_find((*ret)->teams, slice_from(x->args.word[2]), &entry);
    return 0;
}

static int join_one(struct context *x, struct edit *e, const char *word)
{
    const char *team = x->args.word[2];
    const struct user *user;
    bool in;
    int code = member_find(x, &e->users, word, &user, &in);

    return code
               ? code
               : edit_set_entry(e, user->line, "teams", slice_from(team), team);
}

static int leave_one(struct context *x, struct edit *e, const char *word)
{
    const char *team = x->args.word[2];
    const struct user *user;
    bool in;
    int code = member_find(x, &e->users, word, &user, &in);

    if (code == 0 && !in)
        code = ctl_fail(x, EX_DATAERR,
                        "%s isn't in the team %s; run: sallyportctl team show "
                        "%s",
                        word, team, team);
    return code
               ? code
               : edit_set_entry(e, user->line, "teams", slice_from(team), NULL);
}

static int change_members(struct context *x, struct edit *e, void *given)
{
    const struct changes *c = given;
    const struct team *team;
    int code = team_named(x, &e->users, &team);

    return code ? code : change_each(x, e, c->one);
}

static int add_team(struct context *x, struct edit *e, void *given)
{
    const char *name = x->args.word[2];
    const struct team *same = team_find(&e->users, slice_from(name));
    char line[USER_NAME_MAX + 8];
    int code;

    (void)given;
    if (same)
        return ctl_fail(x, EX_DATAERR,
                        "%s:%zu: %s is there already; run: sallyportctl team "
                        "join %s USER",
                        x->settings.users, same->line, name, name);
    snprintf(line, sizeof(line), "@team:%s:", name);
    code = edit_append(e, slice_from(line));
    return code ? code : change_each(x, e, join_one);
}

static int remove_team(struct context *x, struct edit *e, void *given)
{
    const struct users *u = &e->users;
    const struct team *team;
    struct entry entry;
    int code = team_named(x, u, &team);

    (void)given;
    for (size_t i = 0; i < u->count && code == 0; i++)
        if (entry_find(u->row[i].teams, slice_from(team->name), &entry))
            code = edit_set_entry(e, u->row[i].line, "teams",
                                  slice_from(team->name), NULL);
    if (code)
        return code;
    edit_remove(e, team->line);
    return edit_commit(e);
}

static int change_limits(struct context *x, struct edit *e, void *given)
{
    const struct team *team;
    int code = team_named(x, &e->users, &team);

    (void)given;
    if (code == 0)
        code = keys_set(x, e, team->line);
    return code ? code : edit_commit(e);
}

/* Runs the change, and prints WHAT was done with each further word, or with the
 * team itself. */
static int team_run(struct context *x,
                    int (*make)(struct context *x, struct edit *e, void *given),
                    change_one *one, const char *what)
{
    struct changes c = { one };
    int code = edit_run(x, make, &c);

    if (code == 0 && x->args.words == 3)
        printf("team %s: %s\n", x->args.word[2], what);
    for (size_t i = 3; i < x->args.words && code == 0; i++)
        printf("team %s: %s %s\n", x->args.word[2], x->args.word[i], what);
    return code;
}

int team_add(struct context *x)
{
    return team_run(x, add_team, NULL, "added");
}

int team_change(struct context *x)
{
    int code = keys_check(x);

    if (code)
        return code;
    if (!(x->args.given & OPTIONS_OF_LIMITS))
        return ctl_fail(x, EX_USAGE,
                        "nothing to change; see: sallyportctl team change "
                        "--help");
    return team_run(x, change_limits, NULL, "changed");
}

int team_del(struct context *x)
{
    return team_run(x, remove_team, NULL, "removed");
}

int team_join(struct context *x)
{
    return team_run(x, change_members, join_one, "joined");
}

int team_leave(struct context *x)
{
    return team_run(x, change_members, leave_one, "left");
}
