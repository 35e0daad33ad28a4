/* The commands that grant shares and fill teams. They change the lines @share
 * and @team of the users file, and the lists shares= and teams= in lines of
 * users and teams. Each command makes all its changes in one edit, or none of
 * them. */
#include "edit/edit.h"

#define TEAM_PREFIX "team:"

const struct share *share_named(const struct users *u)
{
    const struct share *share = share_find(u, slice_from(ctl.args.word[2]));

    if (!share)
        fail_missing("share", slice_from(ctl.args.word[2]));
    return share;
}

const struct team *team_named(const struct users *u)
{
    const struct team *team = team_find(u, slice_from(ctl.args.word[2]));

    if (!team)
        fail_missing("team", slice_from(ctl.args.word[2]));
    return team;
}

/* Returns the number of the line of the user, share or team that the command
 * line names, or fails. */
static size_t line_named(void)
{
    const char *group = ctl.args.word[0];
    const size_t line =
        line_find(edit_users, group, slice_from(ctl.args.word[2]));

    if (line == 0)
        fail_missing(group, slice_from(ctl.args.word[2]));
    return line;
}

/* Grants. */

/* One word USER[:ROLE] or team:TEAM[:ROLE]. */
struct grantee {
    struct list_entry who;
    struct slice list; /* the value of shares= in the line */
    size_t line;
};

static struct grantee grantee_of(const char *word)
{
    const struct users *u = edit_users;
    const bool of_team = slice_starts(slice_from(word), SLICE(TEAM_PREFIX));
    struct slice text = slice_from(of_team ? word + strlen(TEAM_PREFIX) : word);
    const struct user *user;
    const struct team *team;
    struct grantee g;

    if (of_team && users_find(u, SLICE("team")))
        fail(EX_USAGE,
             "%s: a user has the name team, so this word has two meanings; "
             "first run: sallyportctl user rename team NAME",
             word);
    if (strchr(word, ','))
        fail(EX_USAGE, "%s: write a blank between names, not a comma", word);
    entry_next(&text, &g.who);
    user = of_team ? NULL : users_find(u, g.who.name);
    team = of_team ? team_find(u, g.who.name) : NULL;
    if (!user && !team)
        fail_missing(of_team ? "team" : "user", g.who.name);
    g.list = team ? team->shares : user->shares;
    g.line = team ? team->line : user->line;
    return g;
}

void share_grant(const char *word)
{
    struct grantee g = grantee_of(word);
    struct list_entry grant = { .text = slice_from(word),
                                .name = slice_from(ctl.args.word[2]),
                                .role = g.who.role };
    char text[GRANT_TEXT_MAX];
    unsigned rights;

    grant_text(&grant, word, text);
    if (entry_rights(&grant, &rights) == 0 && rights_counting(rights) != rights)
        stderr_print("%s: a role with w, and neither l nor r, is a drop: of "
                     "its letters only w and i count",
                     word);
    row_set_entry(edit_row(g.line), "shares", grant.name, text);
}

static void revoke_one(const char *word)
{
    const char *share = ctl.args.word[2];
    const struct grantee g = grantee_of(word);
    struct list_entry old;

    if (g.who.role.ptr)
        fail(EX_USAGE,
             "%s: a role can't be revoked alone; for other rights run: "
             "sallyportctl share grant %s %s",
             word, share, word);
    if (!entry_find(g.list, slice_from(share), &old))
        fail(EX_DATAERR,
             "%s has no grant of its own in the share %s; run: sallyportctl "
             "share show %s",
             word, share, share);
    row_set_entry(edit_row(g.line), "shares", slice_from(share), NULL);
}

/* Warns if a user still has the share by a team, after the user's own grant was
 * revoked. */
static void print_kept(const char *name)
{
    const struct user *user = users_find(&ctl.users, slice_from(name));
    json_t *list =
        user ? grant_sources(&ctl.users, user, ctl.args.word[2]) : NULL;
    const json_t *by;
    size_t i;

    json_array_foreach(list, i, by)
    {
        const char *team = text_of(by, "team", NULL);

        if (team)
            stderr_print("%s still has %s by the team %s; to change that run: "
                         "sallyportctl team leave %s %s",
                         name, text_of(by, "rights", ""), team, team, name);
    }
    json_decref(list);
}

/* Teams. */

/* Adds the user to the team; "team leave" removes the user from the team. */
static void set_member(const char *word)
{
    const bool in = strcmp(ctl.args.word[1], "leave") != 0;
    const char *team = ctl.args.word[2];
    const struct user *user = users_find(edit_users, slice_from(word));
    struct list_entry old;

    if (!user)
        fail_missing("user", slice_from(word));
    if (!in && !entry_find(user->teams, slice_from(team), &old))
        fail(EX_DATAERR,
             "%s isn't in the team %s; run: sallyportctl team show %s", word,
             team, team);
    row_set_entry(edit_row(user->line), "teams", slice_from(team),
                  in ? team : NULL);
}

static void append_team(void)
{
    const char *name = ctl.args.word[2];
    const struct team *same = team_find(edit_users, slice_from(name));
    struct row row;

    if (same)
        fail(EX_DATAERR,
             "%s:%zu: %s is there already; run: sallyportctl team join %s USER",
             ctl.settings.users, same->line, name, name);
    row_need(row_parse(&row, SLICE("@team::")));
    row_set_column(&row, TEAM_NAME, name);
    edit_append(&row);
    row_release(&row);
}

/* The commands that apply one function to each further word of the command
 * line, all in one edit. */
static const struct members_change {
    const char *verb;
    void (*begin)(void); /* NULL: the share or team must exist */
    void (*one)(const char *word);
    const char *before, *after; /* printed before and after the word */
} members_changes[] = {
    { "grant", NULL, share_grant, "granted to ", "" },
    { "revoke", NULL, revoke_one, "revoked from ", "" },
    { "join", NULL, set_member, "", " joined" },
    { "leave", NULL, set_member, "", " left" },
    { "add", append_team, set_member, "", " added" },
};

static void change_each(void *given)
{
    const struct members_change *c = given;

    if (c->begin)
        c->begin();
    else
        line_named();
    for (size_t i = 3; i < ctl.args.words; i++)
        c->one(ctl.args.word[i]);
}

/* "share grant" and "share revoke"; "team add", "team join" and "team leave".
 */
void members_change(void)
{
    const struct members_change *c = members_changes;
    const struct arguments *a = &ctl.args;

    while (strcmp(c->verb, a->word[1]) != 0)
        c++;
    edit_run(change_each, (void *)(uintptr_t)c);
    for (size_t i = 3; i < a->words; i++)
        output_done(a->word[0], a->word[2],
                    json_pack("{s:s}", "member", a->word[i]), "%s%s%s",
                    c->before, a->word[i], c->after);
    if (a->words == 3)
        output_done("team", a->word[2], json_object(), "added");
    if (c->one != revoke_one)
        return;
    edit_read_users();
    for (size_t i = 3; i < a->words; i++)
        print_kept(a->word[i]);
}

/* "share change" and "team change"; "user rename", "share rename" and "team
 * rename". */

static void change_line(void *given)
{
    (void)given;
    given_set(edit_row(line_named()));
}

void line_change(void)
{
    given_any();
    given_check();
    edit_run(change_line, NULL);
    output_done(ctl.args.word[0], ctl.args.word[2],
                json_pack("{s:b}", "changed", edit_stands), "%s",
                edit_stands ? "changed" : "has these settings already");
}

/* Renames the user, share or team. A home or a share's directory keeps its
 * path: sessions can be running in it, and local programs can use the path. The
 * file names of unfinished uploads depend on the user's name, so nobody can
 * resume these uploads; they expire. */
static void rename_line(void *given)
{
    const char *group = ctl.args.word[0], *to = ctl.args.word[3];
    const struct users *u = edit_users;
    const size_t line = line_named(),
                 taken = line_find(u, group, slice_from(to));
    const bool users = strcmp(group, "user") == 0;

    (void)given;
    if (taken > 0)
        fail(EX_DATAERR, "%s:%zu: %s is there already", ctl.settings.users,
             taken, to);
    if (users)
        user_refuse_synced(
            user_named(u), 0,
            "lock the renamed user, and make the old name again;");
    else
        edit_rename_entries(strcmp(group, "share") == 0 ? "shares" : "teams",
                            slice_from(ctl.args.word[2]), to);
    row_set_column(edit_row(line), users ? ROW_NAME : SHARE_NAME, to);
}

void line_rename(void)
{
    const char *group = ctl.args.word[0], *to = ctl.args.word[3];
    const struct share *share = NULL;
    const struct user *user = NULL;

    if (strcmp(group, "user") == 0)
        sessions_name_check(to);
    edit_run(rename_line, NULL);
    edit_read_users();
    if (strcmp(group, "user") == 0)
        user = users_find(&ctl.users, slice_from(to));
    if (strcmp(group, "share") == 0)
        share = share_find(&ctl.users, slice_from(to));
    output_done(group, ctl.args.word[2], json_pack("{s:s}", "now", to),
                user    ? "is now %s; the home stays %s; unfinished uploads "
                          "can't be resumed; to see them run: sallyportctl "
                          "partials list %s"
                : share ? "is now %s; the directory stays %s, and members see "
                          "it as /%s"
                        : "is now %s",
                to,
                user    ? user->home
                : share ? share->path
                        : "",
                to);
}
