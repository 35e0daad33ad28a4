/* "share add": a line in the users file, a directory, and a
 * gid that no other share, user or group of the system has. The gid is recorded
 * as used before the directory gets it, so that it is never assigned twice. */
#include "edit/edit.h"

#include <errno.h>
#include <grp.h>
#include <unistd.h>

struct new_share {
    char path[USER_HOME_MAX + 1]; /* place_tidy()'s */
    gid_t gid;
    bool local; /* the gid is that of a group of the system */
    bool next;  /* the gid is the next one that was never used */
    bool made;
};

/* The homes and the other shares need the directories of the settings. */
static int check_above(struct context *x, const struct new_share *a,
                       const char *setting)
{
    if (!user_path_within(setting, a->path))
        return 0;
    return ctl_fail(x, EX_USAGE,
                    "--path %s contains %s; give a directory for this share "
                    "alone",
                    a->path, setting);
}

static int share_take_path(struct context *x, struct new_share *a)
{
    int code;
    char path[USER_HOME_MAX + 2];

    snprintf(path, sizeof(path), "%s/%s", x->settings.shares, x->args.word[2]);
    if (x->args.path &&
        slice_copy(slice_from(x->args.path), path, sizeof(path)))
        path[0] = '\0'; /* too long */
    if (!user_home_ok(slice_from(path)) ||
        place_tidy(slice_from(path), a->path, sizeof(a->path)))
        return ctl_fail(
            x, EX_USAGE, "--path %s: use %s",
            x->args.path ? x->args.path : path,
            user_home_wanted(slice_from(x->args.path ? x->args.path : path)));
    code = check_above(x, a, x->settings.homes);
    if (code == 0)
        code = check_above(x, a, x->settings.shares);
    if (code == 0 && geteuid() != 0 &&
        !user_path_within(a->path, x->settings.shares))
        code = ctl_fail(x, EX_USAGE,
                        "--path %s: without root it must lie beneath %s",
                        a->path, x->settings.shares);
    return code;
}

static int share_take_gid(struct context *x, struct new_share *a)
{
    const struct settings *s = &x->settings;
    uint64_t gid = 0;

    if (x->args.gid && x->args.local_group)
        return ctl_fail(x, EX_USAGE, "give --gid or --local-group, not both");
    if (x->args.local_group) {
        a->local = true;
        return given_group(x, x->args.local_group, &a->gid);
    }
    if (x->args.gid &&
        (slice_number(slice_from(x->args.gid), s->gid_last, &gid) ||
         gid < s->gid_first))
        return ctl_fail(x, EX_USAGE,
                        "--gid %s: use a number from %llu to %llu (gid_first, "
                        "gid_last), or --local-group for a group of the system",
                        x->args.gid, (unsigned long long)s->gid_first,
                        (unsigned long long)s->gid_last);
    a->gid = (gid_t)gid;
    return 0;
}

static int check_lines(struct context *x, const struct new_share *a,
                       const struct users *u)
{
    const char *name = x->args.word[2];
    const struct share *same = share_find(u, slice_from(name));

    if (same)
        return ctl_fail(x, EX_DATAERR,
                        "%s:%zu: %s is there already; run: sallyportctl share "
                        "grant %s USER",
                        x->settings.users, same->line, name, name);
    return home_check_alone(x, u, NULL, a->path, "give another --path DIR");
}

/* The line that uses the gid, or 0. */
static size_t line_of_gid(const struct users *u, gid_t gid)
{
    for (size_t i = 0; i < u->shares; i++)
        if (u->share[i].gid == gid)
            return u->share[i].line;
    for (size_t i = 0; i < u->count; i++)
        if (u->row[i].gid == gid)
            return u->row[i].line;
    return 0;
}

/* A home of --local-group: the members of a share with its gid could enter
 * it. */
static const struct user *home_of_gid(const struct context *x,
                                      const struct users *u, gid_t gid)
{
    for (size_t i = 0; i < u->count; i++) {
        const struct known *home = known_of(x, u->row[i].home);

        if (home && home->directory && home->gid == gid)
            return &u->row[i];
    }
    return NULL;
}

static int check_gid(struct context *x, const struct new_share *a,
                     const struct users *u)
{
    const size_t line = line_of_gid(u, a->gid);
    const struct user *user = a->local ? home_of_gid(x, u, a->gid) : NULL;
    const struct group *group;
    int r;

    errno = 0;
    group = a->local ? NULL : getgrgid(a->gid);
    r = group ? 0 : nss_result(errno);
    if (line)
        return ctl_fail(x, EX_DATAERR,
                        "%s:%zu: gid %u is used in this line; %s",
                        x->settings.users, line, (unsigned)a->gid,
                        a->local ? "each share needs a group of its own"
                                 : "leave out --gid");
    if (user)
        return ctl_fail(x, EX_DATAERR,
                        "%s:%zu: gid %u is that of the home of %s, which the "
                        "members of the share could enter; make another group",
                        x->settings.users, user->line, (unsigned)a->gid,
                        user->name);
    if (r < 0)
        return nss_fail(x, r);
    if (group)
        return ctl_fail(x, EX_DATAERR,
                        "gid %u is that of the group %s; leave out --gid, or "
                        "give --local-group %s",
                        (unsigned)a->gid, group->gr_name, group->gr_name);
    return 0;
}

/* A share that was removed without its files gets its gid again. */
static gid_t gid_of_directory(const struct context *x,
                              const struct new_share *a, const struct users *u)
{
    const struct known *there = known_of(x, a->path);

    if (!there || !there->directory || there->link || there->uid != geteuid() ||
        there->gid < x->settings.gid_first ||
        there->gid > x->settings.gid_last || line_of_gid(u, there->gid) ||
        gid_is_of_system(there->gid) != 0)
        return 0;
    return there->gid;
}

/* The files of a removed share may be there still. */
static int check_given_gid(struct context *x, const struct new_share *a,
                           const struct users *u, const struct spent *spent)
{
    int code = check_gid(x, a, u);

    if (code || a->local || !spent_has(spent, a->gid) ||
        a->gid == gid_of_directory(x, a, u))
        return code;
    return ctl_fail(x, EX_DATAERR,
                    "gid %u may have been another share's, whose files the "
                    "members of this one could open; leave out --gid",
                    (unsigned)a->gid);
}

static int next_gid(struct context *x, const struct users *u,
                    const struct spent *spent, gid_t *ret)
{
    const struct settings *s = &x->settings;
    uint64_t gid = spent->last < s->gid_first ? s->gid_first : spent->last + 1;
    int taken = 1;

    for (; gid <= s->gid_last; gid++) {
        if (spent_has(spent, gid) || line_of_gid(u, (gid_t)gid))
            continue;
        taken = gid_is_of_system(gid);
        if (taken <= 0)
            break;
    }
    if (taken < 0)
        return nss_fail(x, taken);
    *ret = (gid_t)gid;
    return gid <= s->gid_last
               ? 0
               : ctl_fail(x, EX_CONFIG,
                          "no gid is left up to %llu; raise gid_last",
                          (unsigned long long)s->gid_last);
}

static int choose_gid(struct context *x, struct new_share *a, struct edit *e)
{
    const bool given = a->gid != 0;
    struct spent spent;
    int code = edit_spent(e, EDIT_LAST_GID, &spent);

    if (code == 0 && given)
        code = check_given_gid(x, a, e->users, &spent);
    if (code || given)
        return code;
    a->gid = gid_of_directory(x, a, e->users);
    a->next = a->gid == 0;
    return a->next ? next_gid(x, e->users, &spent, &a->gid) : 0;
}

/* What is made on the share's disk: in a fork, since the disk may be dead. */
struct share_making {
    const struct new_share *share;
    bool only_check, made;
};

/* Without root the caller owns everything, and only a group that the caller is
 * in can be set. */
static int share_on_disk(struct context *x, void *data)
{
    struct share_making *m = data;
    const struct new_share *a = m->share;
    const struct home_wanted h = {
        .path = a->path,
        .below = x->settings.shares,
        .gid = a->gid,
        .mode = geteuid() == 0 || a->local ? 02770 : 0700,
        .share = true,
    };
    int code = m->only_check ? paths_permit(x, "share", a->path) : 0;

    if (code || m->only_check)
        return code ? code : home_check(&h, &x->complaint);
    if (user_path_within(x->settings.shares, x->settings.homes))
        code = home_make_homes(x->settings.homes, &x->complaint);
    return code ? code : home_make(&h, &m->made, &x->complaint);
}

/* The gid is recorded before the directory has it. */
static int make_directory(struct context *x, struct new_share *a,
                          struct edit *e)
{
    struct share_making m = { .share = a, .only_check = true };
    int code = disk_run_locked(x, share_on_disk, &m, sizeof(m), a->path);

    if (code == 0 && !a->local)
        code = edit_spend_id(e, EDIT_LAST_GID, a->gid, !a->next);
    m.only_check = false;
    if (code == 0)
        code = disk_run_locked(x, share_on_disk, &m, sizeof(m), a->path);
    a->made = m.made;
    if (a->made)
        edit_made(e, a->path);
    return code;
}

static int append_share(struct context *x, const struct new_share *a,
                        struct edit *e)
{
    struct row row;
    int r = row_parse(&row, SLICE("@share::::")), code;

    if (r == 0)
        r = row_set_column(&row, SHARE_NAME, x->args.word[2]);
    if (r == 0)
        r = row_set_number(&row, SHARE_GID, a->gid);
    if (r == 0)
        r = row_set_column(&row, SHARE_PATH, a->path);
    code = row_exit(r, &x->complaint);
    if (code == 0)
        code = given_set(x, &row);
    if (code == 0)
        code = edit_append(e, &row);
    row_release(&row);
    return code ? code : edit_commit(e);
}

static int add_share(struct context *x, struct edit *e, void *given)
{
    struct new_share *a = given;
    int code = check_lines(x, a, e->users);

    if (code == 0)
        code = share_grant_members(x, e);
    if (code == 0)
        code = choose_gid(x, a, e);
    if (code == 0)
        code = make_directory(x, a, e);
    return code ? code : append_share(x, a, e);
}

int share_add(struct context *x)
{
    struct new_share a = { .gid = 0 };
    int code = given_check(x);

    if (code == 0)
        code = share_take_path(x, &a);
    if (code == 0)
        code = share_take_gid(x, &a);
    if (code == 0)
        code = check_lines(x, &a, &x->users);
    if (code == 0)
        code = edit_run(x, add_share, &a);
    if (code)
        return code;
    printf("share %s: gid %u, directory %s%s\n", x->args.word[2],
           (unsigned)a.gid, a.path, a.made ? "" : " (was there, kept)");
    for (size_t i = 3; i < x->args.words; i++)
        printf("share %s: granted to %s\n", x->args.word[2], x->args.word[i]);
    given_hint(x);
    return 0;
}
