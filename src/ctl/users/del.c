/* "user del", "share del" and "team del". With --purge the directory gets
 * another name, then the line goes: then nobody can log in. A large directory
 * takes long, so it is emptied without the lock. */
#include "edit/edit.h"
#include "uploads/search.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* A user or a share. */
struct removal {
    const void *row;
    size_t line;
    uid_t uid; /* the owner of the directory; of a share root */
    gid_t gid; /* a share's; 0: a user */
    struct user_quota quota;
    char path[USER_HOME_MAX + 1];
    struct removed directory; /* with --purge */
};

static int removal_of(struct context *x, const struct users *u,
                      struct removal *r)
{
    const bool is_share = strcmp(x->args.word[0], "share") == 0;
    const struct share *share = NULL;
    const struct user *user = NULL;
    int code = is_share ? share_named(x, u, &share) : ctl_find(x, u, &user);

    if (code)
        return code;
    r->row = is_share ? (const void *)share : user;
    r->line = is_share ? share->line : user->line;
    r->uid = is_share ? 0 : user->uid;
    r->gid = is_share ? share->gid : 0;
    r->quota = is_share ? share->quota : user->quota;
    if (place_tidy(slice_from(is_share ? share->path : user->home), r->path,
                   sizeof(r->path)))
        return ctl_fail(x, EX_DATAERR, "%s: the directory's path is too long",
                        x->args.word[2]);
    return 0;
}

/* The directory must still be the one that the administrator has confirmed, and
 * nobody else's. A line that was written by hand can name one in it. If it
 * can't be removed, the line stays, too. */
static int check_purge(struct context *x, const struct users *u,
                       const struct removal *now,
                       const struct removal *confirmed)
{
    if (strcmp(now->path, confirmed->path) != 0 || now->uid != confirmed->uid)
        return ctl_fail(x, EX_TEMPFAIL,
                        "%s: its directory was changed just now, to %s; "
                        "nothing was removed; try again",
                        x->args.word[2], now->path);
    return home_check_alone(x, u, now->row, now->path,
                            "run it without --purge");
}

/* Before the lock: the disk may be slow, or dead. */
static int purge_open(struct context *x, struct removal *r)
{
    const struct settings *s = &x->settings;
    struct complaint why = { "" };
    int code = home_check_alone(x, &x->users, r->row, r->path,
                                "run it without --purge");

    if (code)
        return code;
    code = removed_open(&r->directory, r->path, r->gid ? s->shares : s->homes,
                        r->uid, &why);
    return code ? ctl_fail(x, code, "%s; or run it without --purge", why.text)
                : 0;
}

/* Files with that id may still exist. */
static int spend_id(struct context *x, struct edit *e, const struct removal *r)
{
    const struct settings *s = &x->settings;

    if (r->gid == 0)
        return uids_spend(x, e, r->uid);
    return r->gid >= s->gid_first && r->gid <= s->gid_last
               ? edit_spend_id(e, EDIT_LAST_GID, r->gid, true)
               : 0;
}

static int rename_in_fork(struct context *x, void *directory)
{
    return removed_rename(directory, &x->complaint);
}

static int undo_in_fork(struct context *x, void *directory)
{
    (void)x;
    removed_undo(directory);
    return 0;
}

static int remove_line(struct context *x, struct edit *e, void *given)
{
    struct removal *confirmed = given, now;
    struct removed *directory = &confirmed->directory;
    int code = removal_of(x, e->users, &now);

    if (code == 0 && x->args.purge)
        code = check_purge(x, e->users, &now, confirmed);
    if (code == 0 && now.gid != 0)
        code =
            edit_rename_entries(e, "shares", slice_from(x->args.word[2]), NULL);
    if (code == 0)
        code = spend_id(x, e, &now);
    if (code == 0 && x->args.purge)
        code = disk_run_locked(x, rename_in_fork, directory, sizeof(*directory),
                               now.path);
    if (code)
        return code;
    now.directory = *directory;
    *confirmed = now;
    edit_remove(e, now.line);
    return edit_commit(e);
}

static void print_not_undone(const struct removal *r)
{
    char path[PATH_MAX];

    if (r->directory.name[0])
        stderr_print("%s is now %s; this gives it its name back: sallyportctl "
                     "retention run",
                     r->path, removed_path(&r->directory, path));
}

/* If the line stays, the directory gets its name back. */
static int remove_both(struct context *x, struct edit *e, void *given)
{
    struct removal *confirmed = given;
    struct removed *directory = &confirmed->directory;
    int code = remove_line(x, e, given);

    if (!x->args.purge || e->stands || !directory->name[0])
        return code;
    disk_run_locked(x, undo_in_fork, directory, sizeof(*directory),
                    confirmed->path);
    print_not_undone(confirmed);
    return code;
}

/* Without the lock. It may take long. */
static int purge_rest(struct context *x, struct removal *r)
{
    char parent[USER_HOME_MAX + 1];
    int code = removed_empty(&r->directory, &x->complaint);

    snprintf(parent, sizeof(parent), "%.*s",
             (int)(strrchr(r->path, '/') - r->path), r->path);
    removed_leftovers(x, parent);
    return code;
}

static void print_removed(const struct context *x, const struct removal *r,
                          int code)
{
    char rest[PATH_MAX];

    printf("%s %s: removed; %s %s %s", x->args.word[0], x->args.word[2],
           r->gid ? "directory" : "home", r->path,
           !x->args.purge ? "kept"
           : code         ? "only partly removed; the rest is "
                          : "removed");
    puts(x->args.purge && code ? removed_path(&r->directory, rest) : "");
}

static int del_run(struct context *x, struct removal *r)
{
    char path[PATH_MAX];
    int code = edit_run(x, remove_both, r);

    if (code)
        return code;
    if (r->quota.bytes > 0 || r->quota.files > 0)
        quota_end(x, r->gid != 0,
                  x->args.purge ? removed_path(&r->directory, path) : r->path,
                  r->gid ? r->gid : r->uid);
    if (x->args.purge)
        code = purge_rest(x, r);
    print_removed(x, r, code);
    return code;
}

/* Uploads that wait for inspection. Each had its 226, and once their user or
 * share is removed no command finds them. */

struct waiting {
    struct search at;
    unsigned count;
};

static int waiting_ask(struct search *s, struct channel *files,
                       uint32_t request)
{
    (void)s;
    return SEND(files, held_find, request, .order = HELD_LIST, .id = SLICE(""));
}

static int waiting_count(struct search *s, struct message *m)
{
    struct waiting *w = s->owner;

    w->count += m->kind == MSG_held;
    return m->kind == MSG_held || m->kind == MSG_partials_end
               ? 0
               : server_lies(s->x, "no answer about uploads");
}

static int is_missing(void *shared)
{
    return access(shared, F_OK) < 0 && errno == ENOENT;
}

/* The home's own ones: those in a share wait there. The right i may have been
 * taken since they came. */
static int check_waiting(struct context *x, struct removal *r)
{
    struct waiting w = {
        .at = { .x = x, .owner = &w, .ask = waiting_ask, .take = waiting_count }
    };
    char question[160];
    struct complaint why;
    int code;

    if (x->args.yes || disk_run(is_missing, r->path, disk_ms) == 1)
        return 0;
    code = r->gid ? search_share(&w.at, r->row) : search_user(&w.at, r->row);
    if (code) {
        why = x->complaint;
        x->complaint.text[0] = '\0';
        return ctl_fail(x, code,
                        "%s; so it isn't known whether uploads wait for "
                        "inspection there; --yes removes it all the same",
                        why.text);
    }
    if (w.count == 0)
        return 0;
    snprintf(question, sizeof(question),
             "%s has uploads that wait for inspection (%u), and no command "
             "will find them any more. Go on? [y/N] ",
             x->args.word[2], w.count);
    if (terminal_confirm(question) == 1)
        return 0;
    return ctl_fail(x, EX_USAGE,
                    "%s has uploads that wait for inspection (%u; see: "
                    "sallyportctl inspect list), and no command would find "
                    "them any more; nothing was removed; release or reject "
                    "them, or give --yes",
                    x->args.word[2], w.count);
}

/* A share is taken from all who have it. A script isn't asked. */
static int confirm_share(struct context *x, const struct removal *r)
{
    char question[160];
    size_t members = 0;

    for (size_t i = 0; r->gid && i < x->users.count; i++)
        for (size_t n = 0; n < x->users.row[i].grants; n++)
            members +=
                &x->users.share[x->users.row[i].grant[n].share] == r->row;
    if (members == 0 || x->args.yes || x->args.purge)
        return 0;
    snprintf(question, sizeof(question),
             "Take the share %s from %zu user%s? Its directory stays. [y/N] ",
             x->args.word[2], members, members == 1 ? "" : "s");
    return isatty(STDIN_FILENO) && terminal_confirm(question) != 1
               ? ctl_fail(x, EXIT_FAILURE, "nothing was removed")
               : 0;
}

/* Asks before the lock is taken. */
static int del_prepare(struct context *x, struct removal *r)
{
    int code = removal_of(x, &x->users, r);

    if (code == 0)
        code = check_waiting(x, r);
    if (code == 0)
        code = confirm_share(x, r);
    if (code || !x->args.purge)
        return code;
    code = ctl_confirm_removal(x, r->path);
    return code ? code : purge_open(x, r);
}

int line_del(struct context *x)
{
    struct removal r = { .directory = { .parent_fd = -1, .top_fd = -1 } };
    int code = del_prepare(x, &r);

    if (code == 0)
        code = del_run(x, &r);
    removed_close(&r.directory);
    return code;
}

static int remove_team(struct context *x, struct edit *e, void *given)
{
    const struct team *team;
    int code = team_named(x, e->users, &team);

    (void)given;
    if (code == 0)
        code =
            edit_rename_entries(e, "teams", slice_from(x->args.word[2]), NULL);
    if (code)
        return code;
    edit_remove(e, team->line);
    return edit_commit(e);
}

int team_del(struct context *x)
{
    int code = edit_run(x, remove_team, NULL);

    if (code == 0)
        printf("team %s: removed\n", x->args.word[2]);
    return code;
}
