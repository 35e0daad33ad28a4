/* "user del", "share del" and "team del". With --purge the line is removed
 * first, so that nobody can log in. A large directory takes long, so it is
 * emptied without the lock. */
#include "edit/edit.h"
#include "edit/purge.h"
#include "uploads/search.h"

#include <errno.h>
#include <unistd.h>

/* A user or a share. */
struct removal {
    const void *row;
    size_t line;
    gid_t gid; /* a share's gid; 0: a user */
    struct removed directory;
};

static struct removal removal = { .directory = { .parent_fd = -1,
                                                 .top_fd = -1 } };

static void removal_of(const struct users *u, struct removal *r)
{
    const bool is_share = strcmp(ctl.args.word[0], "share") == 0;
    const struct share *share = is_share ? share_named(u) : NULL;
    const struct user *user = is_share ? NULL : user_named(u);

    r->row = is_share ? (const void *)share : user;
    r->line = is_share ? share->line : user->line;
    r->gid = is_share ? share->gid : 0;
    r->directory.uid = is_share ? 0 : user->uid;
    if (place_tidy(slice_from(is_share ? share->path : user->home),
                   r->directory.path, sizeof(r->directory.path)))
        fail(EX_DATAERR, "%s: the directory's path is too long",
             ctl.args.word[2]);
}

/* Removes the line. The directory must still be the confirmed one, and nobody
 * else's: a line written by hand can name a directory in it. */
static void remove_line(void *given)
{
    struct removal now = { .directory = { .parent_fd = -1, .top_fd = -1 } };

    (void)given;
    removal_of(edit_users, &now);
    if (ctl.args.purge &&
        strcmp(now.directory.path, removal.directory.path) != 0)
        fail(EX_TEMPFAIL,
             "%s: its directory was changed just now, to %s; nothing was "
             "removed; try again",
             ctl.args.word[2], now.directory.path);
    if (ctl.args.purge)
        home_check_alone(edit_users, now.row, now.directory.path,
                         "run it without --purge");
    if (now.gid != 0)
        edit_rename_entries("shares", slice_from(ctl.args.word[2]), NULL);
    edit_remove(now.line);
}

static void rename_purged(void)
{
    removed_rename(&removal.directory);
}

/* Looks for waiting uploads of the home itself: those in a share stay there.
 * The letter i may have been taken away since they came. */
static void check_waiting(void)
{
    const bool share = removal.gid != 0;
    unsigned count = 0;
    struct statvfs room;
    struct complaint why;
    int code;

    if (disk_room(removal.directory.path, &room) == -ENOENT)
        return;
    code = inspect_count(share ? NULL : removal.row, share ? removal.row : NULL,
                         &count, &why);
    if (code)
        fail(code,
             "%s; so it isn't known whether uploads wait for inspection "
             "there; --waiting removes it all the same",
             why.text);
    if (count == 0)
        return;
    if (terminal_confirm("%s has uploads that wait for inspection (%u), and no "
                         "command will find them any more. Go on? [y/N] ",
                         ctl.args.word[2], count) != 1)
        fail(EX_USAGE,
             "%s has uploads that wait for inspection (%u; see: sallyportctl "
             "inspect list --all), and no command would find them any more; "
             "nothing "
             "was removed; release or reject them, or give --waiting",
             ctl.args.word[2], count);
}

/* Asks on a terminal; a script isn't asked. */
static void confirm_taken(const char *what, size_t members)
{

    if (members == 0 || ctl.args.yes || ctl.args.purge || !isatty(STDIN_FILENO))
        return;
    if (terminal_confirm("Take the %s %s from %zu user%s? [y/N] ", what,
                         ctl.args.word[2], members,
                         members == 1 ? "" : "s") != 1)
        fail(EXIT_FAILURE, "nothing was removed");
}

/* Prepares before the lock: the disk may be slow, or dead. */
static void del_prepare(void)
{
    const struct settings *s = &ctl.settings;
    const struct users *u = &ctl.users;
    const char *path = removal.directory.path;
    size_t members = 0;

    removal_of(u, &removal);
    if (!removal.gid)
        user_refuse_synced(removal.row, SYNC_GONE,
                           "make the user again; lock the user (sallyportctl "
                           "user lock), or");
    if (!ctl.args.waiting)
        check_waiting();
    for (size_t i = 0; removal.gid && i < u->count; i++)
        for (size_t n = 0; n < u->row[i].grants; n++)
            members += &u->share[u->row[i].grant[n].share] == removal.row;
    confirm_taken("share", members);
    if (!ctl.args.purge)
        return;
    const int answer =
        ctl.args.yes
            ? 1
            : terminal_confirm("Remove %s and all in it? [y/N] ", path);
    if (answer == 0)
        fail(EXIT_FAILURE, "nothing was removed");
    if (answer < 0)
        fail(EX_USAGE,
             "nothing was removed; to remove %s without being asked give --yes",
             path);
    home_check_alone(u, removal.row, path, "run it without --purge");
    removed_open(&removal.directory, removal.gid ? s->shares : s->homes);
    edit_after = rename_purged;
}

void line_del(void)
{
    char rest[PATH_MAX];
    const char *path = removal.directory.path;
    struct complaint why = { "" };
    int code = 0;

    del_prepare();
    edit_run(remove_line, NULL);
    if (ctl.args.purge)
        code = removed_empty(&removal.directory, false, &why);
    output_done(ctl.args.word[0], ctl.args.word[2],
                json_pack("{s:o, s:b}", "directory", json_text(path), "purged",
                          ctl.args.purge && code == 0),
                "removed; %s %s %s%s", removal.gid ? "directory" : "home", path,
                !ctl.args.purge ? "kept"
                : code          ? "only partly removed; the rest is "
                                : "removed",
                code ? removed_path(&removal.directory, rest) : "");
    if (code)
        fail(code, "%s", why.text);
}

static void remove_team(void *given)
{
    const struct team *team = team_named(edit_users);

    (void)given;
    edit_rename_entries("teams", slice_from(team->name), NULL);
    edit_remove(team->line);
}

void team_del(void)
{
    struct list_entry entry;
    size_t members = 0;

    team_named(&ctl.users);
    for (size_t i = 0; i < ctl.users.count; i++)
        members += entry_find(ctl.users.row[i].teams,
                              slice_from(ctl.args.word[2]), &entry);
    confirm_taken("team", members);
    edit_run(remove_team, NULL);
    output_done("team", ctl.args.word[2], json_object(), "removed");
}
