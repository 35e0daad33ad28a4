/* "share list", "share show", "team list" and "team show", for people and as
 * JSON. The server decides by each user's grants; the lines of the file say
 * where a grant comes from. */
#include "ctl.h"

#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

void grant_sources_text(struct grant_walk *w, struct buf *into)
{
    struct grant_source by;
    char rights[16];

    while (grant_walk_next(w, &by))
        buf_add_format(
            into, "%s%s by %s%s, line %zu", into->len > 0 ? "; " : "",
            rights_text(by.rights, rights), by.team ? "team " : "own grant",
            by.team ? by.team->name : "", by.line);
    buf_add(into, "", 1);
}

json_t *grant_sources_json(struct grant_walk *w)
{
    json_t *list = json_array();
    struct grant_source by;
    char rights[16];

    while (list && grant_walk_next(w, &by))
        json_array_append_new(list, json_pack("{s:s?, s:s, s:I}", "team",
                                              by.team ? by.team->name : NULL,
                                              "rights",
                                              rights_text(by.rights, rights),
                                              "line", (json_int_t)by.line));
    return list;
}

/* The user's grant of the share, or NULL. */
static const struct grant *grant_of(const struct user *user, uint32_t share)
{
    for (size_t i = 0; i < user->grants; i++)
        if (user->grant[i].share == share)
            return &user->grant[i];
    return NULL;
}

static unsigned mode_of(const struct share *share)
{
    return share->file_mode ? share->file_mode : SHARE_FILE_MODE;
}

/* Shows all, or the one that is named. */
typedef int show_file(struct context *x, const struct users *u);

static int show(struct context *x, show_file *plain, show_file *json)
{
    struct users u;
    int code = edit_load_users(&u, x->settings.users, NULL, &x->complaint);

    if (code == 0)
        code = x->args.json ? json(x, &u) : plain(x, &u);
    users_release(&u);
    return code;
}

/* Shares. The caller frees the counts, one for each share. */
static size_t *count_members(const struct users *u)
{
    size_t *members = calloc(u->shares + 1, sizeof(*members));

    for (size_t i = 0; members && i < u->grants; i++)
        members[u->grant[i].share]++;
    return members;
}

static json_t *json_share(const struct share *share)
{
    char mode[MODE_MAX];

    return json_pack("{s:s, s:I, s:s, s:o, s:I}", "name", share->name, "gid",
                     (json_int_t)share->gid, "file_mode",
                     mode_text(mode_of(share), mode), "path",
                     json_text(share->path), "line", (json_int_t)share->line);
}

static int list_shares(struct context *x, const struct users *u)
{
    size_t *members = count_members(u);
    char mode[MODE_MAX];

    if (!members)
        return ctl_fail(x, EX_OSERR, "out of memory");
    printf("%-20s %10s %-4s %7s %s\n", "NAME", "GID", "MODE", "MEMBERS",
           "DIRECTORY");
    for (size_t i = 0; i < u->shares; i++)
        printf("%-20s %10u %-4s %7zu %s\n", u->share[i].name,
               (unsigned)u->share[i].gid,
               mode_text(mode_of(&u->share[i]), mode), members[i],
               u->share[i].path);
    free(members);
    return 0;
}

static int list_shares_json(struct context *x, const struct users *u)
{
    size_t *members = count_members(u);
    json_t *list = json_array();

    for (size_t i = 0; members && list && i < u->shares; i++) {
        json_t *share = json_share(&u->share[i]);

        json_object_set_new(share, "members",
                            json_integer((json_int_t)members[i]));
        json_array_append_new(list, share);
    }
    free(members);
    return json_write(x, list);
}

static void show_member(const struct users *u, const struct share *share,
                        const struct user *user, unsigned rights)
{
    struct grant_walk w;
    struct buf by;
    char text[16];

    buf_init(&by, USER_LINE_MAX);
    grant_walk_begin(&w, u, user, share->name);
    grant_sources_text(&w, &by);
    printf("  %-20s %-8s %s\n", user->name, rights_text(rights, text), by.data);
    buf_release(&by);
}

static int show_share(struct context *x, const struct users *u)
{
    const struct share *share;
    const struct group *group;
    char mode[MODE_MAX];
    int code = share_named(x, u, &share);

    if (code)
        return code;
    group = getgrgid(share->gid);
    printf("name:      %s\ndirectory: %s\ngid:       %u%s%s%s\n"
           "file mode: %s\nline:      %s:%zu\nmembers:\n",
           share->name, share->path, (unsigned)share->gid,
           group ? " (group " : "", group ? group->gr_name : "",
           group ? ")" : "", mode_text(mode_of(share), mode), x->settings.users,
           share->line);
    for (size_t i = 0; i < u->count; i++) {
        const struct grant *grant =
            grant_of(&u->row[i], (uint32_t)(share - u->share));

        if (grant)
            show_member(u, share, &u->row[i], grant->rights);
    }
    return 0;
}

static json_t *json_member(const struct users *u, const struct share *share,
                           const struct user *user, unsigned rights)
{
    struct grant_walk w;
    char text[16];

    grant_walk_begin(&w, u, user, share->name);
    return json_pack("{s:s, s:s, s:o}", "user", user->name, "rights",
                     rights_text(rights, text), "by", grant_sources_json(&w));
}

static int show_share_json(struct context *x, const struct users *u)
{
    const struct share *share;
    int code = share_named(x, u, &share);
    json_t *value, *members;

    if (code)
        return code;
    members = json_array();
    for (size_t i = 0; members && i < u->count; i++) {
        const struct grant *grant =
            grant_of(&u->row[i], (uint32_t)(share - u->share));

        if (grant)
            json_array_append_new(
                members, json_member(u, share, &u->row[i], grant->rights));
    }
    value = json_share(share);
    json_object_set_new(value, "members", members);
    return json_write(x, value);
}

int share_list(struct context *x)
{
    return show(x, list_shares, list_shares_json);
}

int share_show(struct context *x)
{
    return show(x, show_share, show_share_json);
}

/* Teams. */

static bool is_in(const struct user *user, const struct team *team)
{
    struct entry entry;

    return entry_find(user->teams, slice_from(team->name), &entry);
}

static json_t *json_team(const struct users *u, const struct team *team)
{
    struct slice rest = team->shares;
    json_t *shares = json_array(), *members = json_array();
    struct entry entry;
    unsigned rights;
    char text[16];

    while (entry_next(&rest, &entry) && grant_rights(&entry, &rights) == 0)
        json_array_append_new(shares,
                              json_pack("{s:s%, s:s}", "name", entry.name.ptr,
                                        entry.name.len, "rights",
                                        rights_text(rights, text)));
    for (size_t i = 0; i < u->count; i++)
        if (is_in(&u->row[i], team))
            json_array_append_new(members, json_string(u->row[i].name));
    return json_pack("{s:s, s:o, s:o, s:o, s:I}", "name", team->name, "shares",
                     shares, "members", members, "limits",
                     limits_json(&team->limits), "line",
                     (json_int_t)team->line);
}

static struct slice shares_or_none(const struct team *team)
{
    return team->shares.len > 0 ? team->shares : SLICE("none");
}

static int list_teams(struct context *x, const struct users *u)
{
    (void)x;
    printf("%-20s %7s %s\n", "NAME", "MEMBERS", "SHARES");
    for (size_t i = 0; i < u->teams; i++) {
        const struct slice shares = shares_or_none(&u->team[i]);
        size_t members = 0;

        for (size_t n = 0; n < u->count; n++)
            members += is_in(&u->row[n], &u->team[i]);
        printf("%-20s %7zu %.*s\n", u->team[i].name, members, (int)shares.len,
               shares.ptr);
    }
    return 0;
}

static int list_teams_json(struct context *x, const struct users *u)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < u->teams; i++)
        json_array_append_new(list, json_team(u, &u->team[i]));
    return json_write(x, list);
}

static int show_team(struct context *x, const struct users *u)
{
    const struct team *team;
    struct slice shares;
    int code = team_named(x, u, &team);

    if (code)
        return code;
    shares = shares_or_none(team);
    printf("name:    %s\nshares:  %.*s\nline:    %s:%zu\n", team->name,
           (int)shares.len, shares.ptr, x->settings.users, team->line);
    limits_print(&team->limits);
    puts("members:");
    for (size_t i = 0; i < u->count; i++)
        if (is_in(&u->row[i], team))
            printf("  %s\n", u->row[i].name);
    return 0;
}

static int show_team_json(struct context *x, const struct users *u)
{
    const struct team *team;
    int code = team_named(x, u, &team);

    return code ? code : json_write(x, json_team(u, team));
}

int team_list(struct context *x)
{
    return show(x, list_teams, list_teams_json);
}

int team_show(struct context *x)
{
    return show(x, show_team, show_team_json);
}
