/* "share list", "share show", "team list" and "team show", as text and as JSON.
 * The rights come from each user's grants, as in the server; the lines of the
 * users file say only where a grant comes from. */
#include "ctl.h"

/* Adds LINE to LIST if SHARES, the list in this line, contains SHARE. TEAM
 * NULL: it is the line of the user. */
static void add_source(json_t *list, struct slice shares, const char *share,
                       const char *team, size_t line)
{
    struct list_entry entry;
    unsigned rights;
    char text[16];

    if (entry_find(shares, slice_from(share), &entry) &&
        entry_rights(&entry, &rights) == 0)
        json_array_append_new(list,
                              json_pack("{s:s?, s:s, s:I}", "team", team,
                                        "rights", rights_text(rights, text),
                                        "line", (json_int_t)line));
}

json_t *grant_sources(const struct users *u, const struct user *user,
                      const char *share)
{
    json_t *list = json_array();
    struct slice teams = user->teams;
    struct list_entry one;

    add_source(list, user->shares, share, NULL, user->line);
    while (entry_next(&teams, &one)) {
        const struct team *team = team_find(u, one.name);

        if (team)
            add_source(list, team->shares, share, team->name, team->line);
    }
    return list;
}

/* Makes an object of limits; a limit that isn't in the line is null. */
json_t *limits_json(const struct row_limits *l, int count)
{
    json_t *all = json_pack("{s:o, s:o}", "networks", json_slice(l->networks),
                            "hours", json_slice(l->hours));

    for (int i = 0; i < count; i++)
        json_object_set_new(all, limit_rows[i].key,
                            json_count(l->number[i] > 0, l->number[i] - 1));
    return all;
}

/* Shares. */

static json_t *describe_share(size_t i)
{
    const struct users *u = &ctl.users;
    const struct share *share = &u->share[i];
    json_int_t members = 0;

    for (size_t n = 0; n < u->grants; n++)
        members += u->grant[n].share == i;
    return json_pack(
        "{s:s, s:I, s:o, s:o, s:o, s:I, s:I}", "name", share->name, "gid",
        (json_int_t)share->gid, "file_mode",
        json_mode(share->file_mode ? share->file_mode : SHARE_FILE_MODE),
        "retain", json_slice(share->retain), "path", json_text(share->path),
        "line", (json_int_t)share->line, "members", members);
}

void share_list(void)
{
    static const struct output_field columns[] = {
        { .title = "NAME", .key = "name", .width = -20 },
        { .title = "GID", .key = "gid", .width = 10 },
        { .title = "MODE", .key = "file_mode", .width = -4 },
        { .title = "MEMBERS", .key = "members", .width = 7 },
        { .title = "DIRECTORY", .key = "path" },
        { 0 },
    };

    output_list(ctl.users.shares, describe_share, columns);
}

static json_t *describe_members(const struct users *u,
                                const struct share *share)
{
    json_t *list = json_array();
    char rights[16];

    for (size_t i = 0; i < u->count; i++) {
        const struct user *user = &u->row[i];

        for (size_t n = 0; n < user->grants; n++)
            if (&user->share[user->grant[n].share] == share)
                json_array_append_new(
                    list,
                    json_pack(
                        "{s:s, s:s, s:o}", "user", user->name, "rights",
                        rights_text(rights_counting(user->grant[n].rights),
                                    rights),
                        "by", grant_sources(u, user, share->name)));
    }
    return list;
}

void share_show(void)
{
    static const struct output_field lines[] = {
        { .key = "retain", .none = "for ever" },
        { .none = "none" },
    };
    const struct share *share = share_named(&ctl.users);
    json_t *one = describe_share((size_t)(share - ctl.users.share));

    json_object_set_new(one, "members", describe_members(&ctl.users, share));
    output_one(one, lines);
}

/* Teams. */

static json_t *describe_team(size_t i)
{
    const struct users *u = &ctl.users;
    const struct team *team = &u->team[i];
    struct slice rest = team->shares;
    json_t *shares = json_array(), *members = json_array();
    struct list_entry entry;
    unsigned rights;
    char text[16];

    while (entry_next(&rest, &entry) && entry_rights(&entry, &rights) == 0)
        json_array_append_new(shares,
                              json_pack("{s:s%, s:s}", "name", entry.name.ptr,
                                        entry.name.len, "rights",
                                        rights_text(rights, text)));
    for (size_t n = 0; n < u->count; n++)
        if (entry_find(u->row[n].teams, slice_from(team->name), &entry))
            json_array_append_new(members, json_string(u->row[n].name));
    return json_pack("{s:s, s:o, s:o, s:o, s:I}", "name", team->name, "shares",
                     shares, "members", members, "limits",
                     limits_json(&team->limits, ROW_TEAM_LIMITS), "line",
                     (json_int_t)team->line);
}

static void team_share_text(const json_t *one, struct buf *into)
{
    buf_add_format(into, "%s:%s", text_of(one, "name", ""),
                   text_of(one, "rights", ""));
}

#define TEAM_SHARES .key = "shares", .none = "none", .element = team_share_text

void team_list(void)
{
    static const struct output_field columns[] = {
        { .title = "NAME", .key = "name", .width = -20 },
        { .title = "MEMBERS", .key = "members", .width = 7, .count = true },
        { .title = "SHARES", TEAM_SHARES },
        { 0 },
    };

    output_list(ctl.users.teams, describe_team, columns);
}

void team_show(void)
{
    static const struct output_field lines[] = {
        { TEAM_SHARES },
        { .none = "none" },
    };
    const struct team *team = team_named(&ctl.users);

    output_one(describe_team((size_t)(team - ctl.users.team)), lines);
}
