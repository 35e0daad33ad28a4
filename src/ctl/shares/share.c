/* The commands that grant shares and fill teams: the lines @share and @team of
 * the users file, and the lists shares= and teams= in lines of users and teams.
 * All changes of a command are one edit: all of them happen, or none. */
#include "edit/edit.h"

#define TEAM_PREFIX "team:"

int share_named(struct context *x, const struct users *u,
                const struct share **ret)
{
    const struct slice name = slice_from(x->args.word[2]);

    *ret = share_find(u, name);
    return *ret ? 0 : ctl_missing(x, "share", name);
}

int team_named(struct context *x, const struct users *u,
               const struct team **ret)
{
    const struct slice name = slice_from(x->args.word[2]);

    *ret = team_find(u, name);
    return *ret ? 0 : ctl_missing(x, "team", name);
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
    struct list_entry team, entry;

    if (!w->begun) {
        w->begun = true;
        *ret = (struct grant_source){ NULL, 0, w->user->line };
        if (entry_find(w->user->shares, w->share, &entry))
            return entry_rights(&entry, &ret->rights) == 0;
    }
    while (entry_next(&w->teams, &team)) {
        *ret = (struct grant_source){ team_find(w->u, team.name), 0, 0 };
        if (!ret->team || !entry_find(ret->team->shares, w->share, &entry))
            continue;
        ret->line = ret->team->line;
        return entry_rights(&entry, &ret->rights) == 0;
    }
    return false;
}

/* Changes of a line for each further word of the command line, which are one
 * edit. */

typedef int change_one(struct context *x, struct edit *e, const char *word);

struct changes {
    int (*begin)(struct context *x, struct edit *e); /* before the words */
    change_one *one;
    const char *before, *after; /* the word, in what is printed */
};

static int change_each(struct context *x, struct edit *e, void *given)
{
    const struct changes *c = given;
    int code = c->begin(x, e);

    for (size_t i = 3; i < x->args.words && code == 0; i++)
        code = c->one(x, e, x->args.word[i]);
    return code ? code : edit_commit(e);
}

static int change_run(struct context *x, struct changes c)
{
    int code = edit_run(x, change_each, &c);

    for (size_t i = 3; i < x->args.words && code == 0; i++)
        printf("%s %s: %s%s%s\n", x->args.word[0], x->args.word[2], c.before,
               x->args.word[i], c.after);
    return code;
}

/* Grants. */

/* One word USER[:ROLE] or team:TEAM[:ROLE]. */
struct grantee {
    struct list_entry who;
    struct slice list; /* the shares in the line */
    size_t line;
};

static int grantee_find(struct context *x, const struct users *u,
                        const char *word, struct grantee *g)
{
    const bool of_team = slice_starts(slice_from(word), SLICE(TEAM_PREFIX));
    struct slice text = slice_from(of_team ? word + strlen(TEAM_PREFIX) : word);
    const struct user *user;
    const struct team *team;

    if (of_team && users_find(u, SLICE("team")))
        return ctl_fail(x, EX_USAGE,
                        "%s: a user has the name team, so this word has two "
                        "meanings; run first: sallyportctl user rename team "
                        "NAME",
                        word);
    if (strchr(word, ','))
        return ctl_fail(x, EX_USAGE,
                        "%s: write a blank between names, not a comma", word);
    entry_next(&text, &g->who);
    user = of_team ? NULL : users_find(u, g->who.name);
    team = of_team ? team_find(u, g->who.name) : NULL;
    if (!user && !team)
        return ctl_missing(x, of_team ? "team" : "user", g->who.name);
    g->list = team ? team->shares : user->shares;
    g->line = team ? team->line : user->line;
    return 0;
}

static int find_share(struct context *x, struct edit *e)
{
    const struct share *share;

    return share_named(x, e->users, &share);
}

static int grant_one(struct context *x, struct edit *e, const char *word)
{
    const struct slice share = slice_from(x->args.word[2]);
    char text[GRANT_TEXT_MAX];
    struct grantee g;
    unsigned rights;
    int code = grantee_find(x, e->users, word, &g);

    if (code)
        return code;
    if (entry_rights(&g.who, &rights))
        return ctl_fail(x, EX_USAGE, "%s: " RIGHTS_EXPECTED, word);
    if (rights_counting(rights) != rights)
        stderr_print("%s: a role with w, and neither l nor r, is a drop: of "
                     "its letters only w and i count",
                     word);
    return edit_set_entry(e, g.line, "shares", share,
                          grant_text(share, rights, text));
}

int share_grant_members(struct context *x, struct edit *e)
{
    int code = 0;

    for (size_t i = 3; i < x->args.words && code == 0; i++)
        code = grant_one(x, e, x->args.word[i]);
    return code;
}

int share_grant(struct context *x)
{
    return change_run(
        x, (struct changes){ find_share, grant_one, "granted to ", "" });
}

static int revoke_one(struct context *x, struct edit *e, const char *word)
{
    const char *share = x->args.word[2];
    struct grantee g;
    struct list_entry old;
    int code = grantee_find(x, e->users, word, &g);

    if (code)
        return code;
    if (g.who.role.ptr)
        return ctl_fail(x, EX_USAGE,
                        "%s: no role is revoked alone; for other rights run: "
                        "sallyportctl share grant %s %s",
                        word, share, word);
    if (!entry_find(g.list, slice_from(share), &old))
        return ctl_fail(x, EX_DATAERR,
                        "%s has no own grant in %s; run: sallyportctl share "
                        "show %s",
                        word, share, share);
    return edit_set_entry(e, g.line, "shares", slice_from(share), NULL);
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
            stderr_print("%s still has %s by the team %s; to change that run: "
                         "sallyportctl team leave %s %s",
                         name, rights_text(by.rights, rights), by.team->name,
                         by.team->name, name);
}

int share_revoke(struct context *x)
{
    int code = change_run(
        x, (struct changes){ find_share, revoke_one, "revoked from ", "" });

    if (code)
        return code;
    code = edit_read_again(x);
    for (size_t i = 3; i < x->args.words && code == 0; i++)
        print_kept(&x->users, x->args.word[2], x->args.word[i]);
    return code;
}

/* Teams. */

static int find_team(struct context *x, struct edit *e)
{
    const struct team *team;

    return team_named(x, e->users, &team);
}

/* The user joins the team, or leaves it. */
static int set_member(struct context *x, struct edit *e, const char *word,
                      bool in)
{
    const char *team = x->args.word[2];
    const struct user *user = users_find(e->users, slice_from(word));
    struct list_entry old;

    if (!user)
        return ctl_missing(x, "user", slice_from(word));
    if (!in && !entry_find(user->teams, slice_from(team), &old))
        return ctl_fail(x, EX_DATAERR,
                        "%s isn't in the team %s; run: sallyportctl team show "
                        "%s",
                        word, team, team);
    return edit_set_entry(e, user->line, "teams", slice_from(team),
                          in ? team : NULL);
}

static int join_one(struct context *x, struct edit *e, const char *word)
{
    return set_member(x, e, word, true);
}

int team_join(struct context *x)
{
    return change_run(x,
                      (struct changes){ find_team, join_one, "", " joined" });
}

static int leave_one(struct context *x, struct edit *e, const char *word)
{
    return set_member(x, e, word, false);
}

int team_leave(struct context *x)
{
    return change_run(x, (struct changes){ find_team, leave_one, "", " left" });
}

static int append_team(struct context *x, struct edit *e)
{
    const char *name = x->args.word[2];
    const struct team *same = team_find(e->users, slice_from(name));
    struct row row;
    int code;

    if (same)
        return ctl_fail(x, EX_DATAERR,
                        "%s:%zu: %s is there already; run: sallyportctl team "
                        "join %s USER",
                        x->settings.users, same->line, name, name);
    code = row_exit(row_parse(&row, SLICE("@team::")), &x->complaint);
    if (code == 0)
        code = row_exit(row_set_column(&row, TEAM_NAME, name), &x->complaint);
    if (code == 0)
        code = edit_append(e, &row);
    row_release(&row);
    return code;
}

int team_add(struct context *x)
{
    int code =
        change_run(x, (struct changes){ append_team, join_one, "", " added" });

    if (code == 0 && x->args.words == 3)
        printf("team %s: added\n", x->args.word[2]);
    return code;
}

/* "share change" and "team change". */

static int change_line(struct context *x, struct edit *e, void *given)
{
    const char *what = x->args.word[0];
    const struct slice name = slice_from(x->args.word[2]);
    const size_t line = line_find(e->users, strcmp(what, "share") == 0, name);
    struct row *row;
    int code;

    (void)given;
    if (line == 0)
        return ctl_missing(x, what, name);
    code = edit_row(e, line, &row);
    if (code == 0)
        code = given_set(x, row);
    return code ? code : edit_commit(e);
}

int line_change(struct context *x)
{
    int code = given_any(x);

    if (code == 0)
        code = given_check(x);
    if (code == 0)
        code = edit_run(x, change_line, NULL);
    if (code)
        return code;
    printf("%s %s: changed\n", x->args.word[0], x->args.word[2]);
    given_hint(x);
    return 0;
}
