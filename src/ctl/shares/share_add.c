/* "share add": a line in the users file, a directory, and a gid that no other
 * share, user or group of the system has. */
#include "edit/edit.h"

#include <unistd.h>

struct new_share {
    struct home home; /* the share's directory */
    bool local;       /* the gid belongs to a group of the system */
    uid_t owner;      /* owner and group of an existing directory */
    gid_t group;
};

/* Refuses a path that contains the directory of SETTING: homes and other shares
 * need that directory. */
static void check_above(const char *path, const char *setting)
{
    if (user_path_within(setting, path))
        fail(EX_USAGE,
             "--path %s contains %s; give a directory for this share alone",
             path, setting);
}

static void check_lines(const struct new_share *a, const struct users *u)
{
    const char *name = ctl.args.word[2];
    const struct share *same = share_find(u, slice_from(name));

    if (same)
        fail(EX_DATAERR,
             "%s:%zu: %s is there already; give another name, or, for its "
             "files, run: sallyportctl share grant %s USER:ROLE",
             ctl.settings.users, same->line, name, name);
    home_check_alone(u, NULL, a->home.path, "give another --path DIR");
}

/* Does the directory have the gid of a share that was removed without its
 * files? The new share gets that gid again. */
static bool has_old_gid(const struct new_share *a, const struct users *u)
{
    const struct settings *s = &ctl.settings;

    return a->owner == geteuid() && a->group >= s->gid_first &&
           a->group <= s->gid_last && ids_line(u, a->group) == 0;
}

static void look_at_directory(void *data)
{
    struct new_share *a = data;
    struct stat st;

    if (lstat(a->home.path, &st) == 0 && S_ISDIR(st.st_mode)) {
        a->owner = st.st_uid;
        a->group = st.st_gid;
        /* without root nobody else enters it */
        if (geteuid() == 0 && has_old_gid(a, &ctl.users) &&
            ids_system_has_gid(a->group))
            fail(EX_CANTCREAT,
                 "%s has gid %u, which a group or an account of the system "
                 "has; give it with --local-group %u",
                 a->home.path, (unsigned)a->group, (unsigned)a->group);
    }
}

static void add_share(void *given)
{
    struct new_share *a = given;
    struct row row;
    size_t line;

    check_lines(a, edit_users);
    for (size_t i = 3; i < ctl.args.words; i++)
        share_grant(ctl.args.word[i]);
    if (!a->local)
        a->home.gid = has_old_gid(a, edit_users) ? a->group : (gid_t)ids_take();
    line = ids_line(edit_users, a->home.gid);
    if (line)
        fail(EX_DATAERR,
             "%s:%zu: this line has gid %u already; give another --local-group",
             ctl.settings.users, line, (unsigned)a->home.gid);
    home_make(&a->home);
    row_need(row_parse(&row, SLICE("@share::::")));
    row_set_column(&row, SHARE_NAME, ctl.args.word[2]);
    row_set_number(&row, SHARE_GID, a->home.gid);
    row_set_column(&row, SHARE_PATH, a->home.path);
    given_set(&row);
    edit_append(&row);
    row_release(&row);
}

void share_add(void)
{
    struct new_share a = { .home = { .share = true }, .owner = (uid_t)-1 };
    const struct settings *s = &ctl.settings;
    char path[USER_HOME_MAX + 2];
    const char *given = ctl.args.path ? ctl.args.path : path;

    given_check();
    snprintf(path, sizeof(path), "%s/%s", s->shares, ctl.args.word[2]);
    given_tidy("--path", given, s->shares, a.home.path);
    check_above(a.home.path, s->homes);
    check_above(a.home.path, s->shares);
    home_canonical(a.home.path);
    check_lines(&a, &ctl.users);
    home_check_mounted(a.home.path);
    if (ctl.args.local_group) {
        a.local = true;
        a.home.gid = ids_of_group(ctl.args.local_group);
    } else {
        ids_ask(true, 1, a.home.path);
        disk_run(look_at_directory, &a, sizeof(a), a.home.path);
        a.home.gid = has_old_gid(&a, &ctl.users) ? a.group : ids_likely(0);
    }
    /* A caller who isn't root can give files only to groups of the caller. So
     * without --local-group nobody else can use the directory. */
    a.home.mode = geteuid() == 0 || a.local ? 02770 : 0700;
    home_check(&a.home);
    edit_run(add_share, &a);
    output_done("share", ctl.args.word[2],
                json_pack("{s:I, s:o, s:b}", "gid", (json_int_t)a.home.gid,
                          "directory", json_text(a.home.path), "made",
                          a.home.made),
                "gid %u, directory %s%s", (unsigned)a.home.gid, a.home.path,
                a.home.made ? "" : " (existed, and is used)");
    for (size_t i = 3; i < ctl.args.words; i++)
        output_done("share", ctl.args.word[2],
                    json_pack("{s:s}", "member", ctl.args.word[i]),
                    "granted to %s", ctl.args.word[i]);
}
