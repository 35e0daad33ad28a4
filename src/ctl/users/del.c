/* "user del", "share del" and "team del". With --purge, removes the line before
 * the directory, so that nobody can log in meanwhile. Empties the directory
 * without the lock, since a large one takes long. */
#include "edit/edit.h"
#include "edit/purge.h"
#include "uploads/search.h"

#include <errno.h>
#include <unistd.h>

struct removal {
    const struct user *user; /* one of these three is set */
    const struct share *share;
    const struct team *team;
    struct removed directory; /* the home, or the directory of the share */
};

static struct removal removal;

static void removal_of(const struct users *u, struct removal *r)
{
    const char *group = ctl.args.word[0];

    r->share = strcmp(group, "share") == 0 ? share_named(u) : NULL;
    r->team = strcmp(group, "team") == 0 ? team_named(u) : NULL;
    r->user = r->share || r->team ? NULL : user_named(u);
    r->directory.uid = r->user ? r->user->uid : 0;
    if (!r->team)
        place_tidy(slice_from(r->user ? r->user->home : r->share->path),
                   r->directory.path, sizeof(r->directory.path));
}

static const void *row_of(const struct removal *r)
{
    return r->user ? (const void *)r->user : r->share;
}

/* Removes the line. With --purge the directory must be the directory that the
 * caller has confirmed, and no other line may name a directory in it; somebody
 * can have written such a line by hand. */
static void remove_line(void *given)
{
    struct removal now = { .user = NULL };

    (void)given;
    removal_of(edit_users, &now);
    if (ctl.args.purge &&
        strcmp(now.directory.path, removal.directory.path) != 0)
        fail(EX_TEMPFAIL,
             "%s: its directory was changed just now, to %s; nothing was "
             "removed; try again",
             ctl.args.word[2], now.directory.path);
    if (ctl.args.purge)
        home_check_alone(edit_users, row_of(&now), now.directory.path,
                         "run the command without --purge");
    if (!now.user)
        edit_rename_entries(now.team ? "teams" : "shares",
                            slice_from(ctl.args.word[2]), NULL);
    if (now.user)
        ids_lose(NULL, now.user->uid);
    if (!now.team)
        ids_lose(NULL, now.user ? now.user->gid : now.share->gid);
    edit_remove(now.user    ? now.user->line
                : now.share ? now.share->line
                            : now.team->line);
}

static void rename_purged(void)
{
    removed_rename(&removal.directory);
}

static void check_mounted(void *path)
{
    home_check_mounted(path);
}

/* Asks before uploads that wait for inspection are lost. Searches only the
 * home, or the share: a user's uploads in shares stay there. Searches also if
 * nobody has the letter i, which can have been taken away. */
static void check_waiting(void)
{
    unsigned count = 0;
    struct statvfs room;
    struct complaint why;
    const bool none = disk_room(removal.directory.path, &room) == -ENOENT;
    const int code =
        none ? fail_caught(check_mounted, removal.directory.path, &why)
             : inspect_count(removal.user, removal.share, &count, &why);

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
             "%s has uploads that wait for inspection (%u), and no command "
             "would find them any more; nothing was removed; release or "
             "reject them, or give --waiting; to see them run: sallyportctl "
             "inspect list --all",
             ctl.args.word[2], count);
}

static void open_removed(void *removed)
{
    removed_open(removed,
                 removal.share ? ctl.settings.shares : ctl.settings.homes);
}

/* Prepares the removal before the lock: the disk can be slow, or dead. */
static void del_prepare(void)
{
    const struct users *u = &ctl.users;
    const char *path = removal.directory.path;
    const char *group = ctl.args.word[0], *name = ctl.args.word[2];
    struct list_entry entry;
    size_t members = 0;

    removal_of(u, &removal);
    if (removal.user)
        user_refuse_synced(removal.user, SYNC_GONE,
                           "make the user again; lock the user, or");
    if (!ctl.args.waiting && !removal.team)
        check_waiting();
    for (size_t i = 0; i < u->count; i++) {
        const struct user *one = &u->row[i];

        members +=
            removal.team && entry_find(one->teams, slice_from(name), &entry);
        for (size_t n = 0; removal.share && n < one->grants; n++)
            members += &u->share[one->grant[n].share] == removal.share;
    }
    /* Ask on a terminal only, so that no script is asked. */
    if (members > 0 && !ctl.args.yes && !ctl.args.purge &&
        isatty(STDIN_FILENO) &&
        terminal_confirm("Remove the %s %s, which %s%zu user%s%s? [y/N] ",
                         group, name, removal.team ? "has " : "", members,
                         members == 1 ? "" : "s",
                         removal.team   ? ""
                         : members == 1 ? " has"
                                        : " have") != 1)
        fail(EXIT_FAILURE, "nothing was removed");
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
    home_check_alone(u, row_of(&removal), path,
                     "run the command without --purge");
    /* The first call ends even if the disk hangs. */
    disk_run(open_removed, &removal.directory, sizeof(removal.directory),
             removal.directory.now);
    open_removed(&removal.directory);
    edit_after = rename_purged;
}

void line_del(void)
{
    const char *path = removal.directory.path;
    struct complaint why = { "" };
    int code = 0;

    del_prepare();
    edit_run(remove_line, NULL);
    if (removal.team) {
        output_done("team", ctl.args.word[2], json_object(), "removed");
        return;
    }
    if (ctl.args.purge)
        code = removed_empty(&removal.directory, false, &why);
    output_done(ctl.args.word[0], ctl.args.word[2],
                json_pack("{s:o, s:b}", "directory", json_text(path), "purged",
                          ctl.args.purge && code == 0),
                "removed; %s %s %s%s", removal.share ? "directory" : "home",
                path,
                !ctl.args.purge ? "kept"
                : code          ? "not removed, or only partly; see "
                                : "removed",
                code ? removal.directory.now : "");
    if (code)
        fail(code, "%s", why.text);
}
