/* "share rename" and "team rename": the own line, and each list that has the
 * name, in one edit. A share's directory stays where it is: sessions may run in
 * it, and paths of local programs lead to it. */
#include "edit/edit.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

struct renaming {
    struct slice from, to;
    const char *key;              /* of the lists: "shares" or "teams" */
    size_t line;                  /* of the share or the team itself */
    char path[USER_HOME_MAX + 1]; /* of the share; "": of a team */
};

/* A role stays as it is written. */
static int rename_entry(struct edit *e, const struct renaming *r, size_t line,
                        struct slice list)
{
    char text[GRANT_TEXT_MAX];
    struct list_entry old;
    int code;

    if (!entry_find(list, r->from, &old))
        return 0;
    snprintf(text, sizeof(text), "%s%s%.*s", r->to.ptr, old.role.ptr ? ":" : "",
             (int)old.role.len, old.role.ptr ? old.role.ptr : "");
    code = edit_set_entry(e, line, r->key, r->to, text);
    return code ? code : edit_set_entry(e, line, r->key, r->from, NULL);
}

static int rename_entries(struct edit *e, const struct renaming *r)
{
    const struct users *u = e->users;
    const bool share = r->path[0] != '\0';
    int code = 0;

    for (size_t i = 0; i < u->count && code == 0; i++)
        code = rename_entry(e, r, u->row[i].line,
                            share ? u->row[i].shares : u->row[i].teams);
    for (size_t i = 0; share && i < u->teams && code == 0; i++)
        code = rename_entry(e, r, u->team[i].line, u->team[i].shares);
    return code;
}

static int rename_find_share(struct context *x, const struct users *u,
                             struct renaming *r, size_t *taken)
{
    const struct share *share, *same = share_find(u, r->to);
    int code = share_named(x, u, &share);

    if (code)
        return code;
    r->line = share->line;
    snprintf(r->path, sizeof(r->path), "%s", share->path);
    *taken = same ? same->line : 0;
    return 0;
}

static int rename_find_team(struct context *x, const struct users *u,
                            struct renaming *r, size_t *taken)
{
    const struct team *team, *same = team_find(u, r->to);
    int code = team_named(x, u, &team);

    if (code)
        return code;
    r->line = team->line;
    *taken = same ? same->line : 0;
    return 0;
}

static int rename_locked(struct context *x, struct edit *e, void *given)
{
    struct renaming *r = given;
    const bool share = strcmp(x->args.word[0], "share") == 0;
    size_t taken = 0;
    int code = share ? rename_find_share(x, e->users, r, &taken)
                     : rename_find_team(x, e->users, r, &taken);

    if (code == 0 && taken > 0)
        code = ctl_fail(x, EX_DATAERR, "%s:%zu: %s is there already",
                        x->settings.users, taken, r->to.ptr);
    if (code == 0)
        code = rename_entries(e, r);
    if (code == 0)
        code = edit_set_column(e, r->line, SHARE_NAME, r->to.ptr);
    return code ? code : edit_commit(e);
}

int line_rename(struct context *x)
{
    char *const *word = x->args.word;
    struct renaming r = { .from = slice_from(word[2]),
                          .to = slice_from(word[3]),
                          .key = strcmp(word[0], "share") == 0 ? "shares"
                                                               : "teams" };
    int code = edit_run(x, rename_locked, &r);

    if (code == 0 && r.path[0])
        printf("share %s: is now %s, and members see it as /%s; the directory "
               "stays %s\n",
               word[2], word[3], word[3], r.path);
    else if (code == 0)
        printf("team %s: is now %s\n", word[2], word[3]);
    return code;
}
