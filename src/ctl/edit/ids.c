/* The numbers of users and shares. None is assigned twice, even if its user is
 * removed: files with it may still exist. Those that were ever assigned are in
 * USERS.last-uid and .last-gid: a line with the highest one, and one with each
 * number above it that somebody has chosen. They are recorded before anything
 * else is written. */
#include "edit.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>

#include "sallyport/base/fd.h"

static int bad_last_id(struct edit *e, enum edit_last which, size_t line)
{
    complain(e->complaint,
             "%s%s:%zu: not a number; write the highest %s ever used",
             e->file.path, edit_last_ids[which], line,
             which == EDIT_LAST_UID ? "uid" : "gid");
    return EX_DATAERR;
}

static int take_spent(struct edit *e, enum edit_last which, struct slice text,
                      struct spent *s)
{
    struct slice line = { NULL, 0 };

    for (size_t n = 1; n == 1 || text.len > 0; n++) {
        uint64_t id;

        slice_cut(&text, '\n', &line);
        if (n > SPENT_MAX + 1 || slice_number(line, UINT32_MAX, &id))
            return bad_last_id(e, which, n);
        if (n == 1)
            s->last = id;
        else
            s->chosen[s->count++] = (uint32_t)id;
    }
    return 0;
}

int edit_spent(struct edit *e, enum edit_last which, struct spent *s)
{
    FD_CLEANUP int fd = users_file_open_current(&e->file, edit_last_ids[which]);
    struct buf text;
    int code;

    *s = (struct spent){ .last = 0 };
    if (fd == -ENOENT)
        return 0;
    if (fd < 0)
        return edit_fail(e, -fd, edit_last_ids[which]);
    buf_init(&text, SPENT_TEXT);
    code = fd_read_file(fd, &text);
    code = code ? edit_fail(e, -code, edit_last_ids[which])
                : take_spent(e, which, buf_slice(&text), s);
    buf_release(&text);
    return code;
}

bool spent_has(const struct spent *s, uint64_t id)
{
    for (size_t i = 0; i < s->count && id > s->last; i++)
        if (s->chosen[i] == id)
            return true;
    return id <= s->last;
}

static int spent_text(const struct spent *s, struct buf *text)
{
    int r = buf_add_format(text, "%llu\n", (unsigned long long)s->last);

    for (size_t i = 0; i < s->count && r == 0; i++)
        if (s->chosen[i] > s->last)
            r = buf_add_format(text, "%lu\n", (unsigned long)s->chosen[i]);
    return r;
}

bool spent_choose(struct spent *s, uint64_t id)
{
    if (spent_has(s, id))
        return true;
    if (s->count == SPENT_MAX)
        return false;
    s->chosen[s->count++] = (uint32_t)id;
    return true;
}

int edit_record_spent(struct edit *e, enum edit_last which,
                      const struct spent *s)
{
    char name[NAME_MAX + 1], what[40];
    int n = snprintf(name, sizeof(name), "%s%s", e->file.name,
                     edit_last_ids[which]);
    struct buf text;
    bool stands;
    int r;

    buf_init(&text, SPENT_TEXT);
    r = n > NAME_MAX ? -ENAMETOOLONG : spent_text(s, &text);
    if (r == 0)
        r = users_file_replace(e->file.directory_fd, name, buf_slice(&text),
                               NULL, NULL, NULL, &stands);
    buf_release(&text);
    snprintf(what, sizeof(what), "%s can't be written", edit_last_ids[which]);
    return r ? edit_fail(e, -r, what) : 0;
}

int edit_spend_id(struct edit *e, enum edit_last which, uint64_t id,
                  bool chosen)
{
    struct spent s;
    int code = edit_spent(e, which, &s);

    if (code || spent_has(&s, id))
        return code;
    if (!chosen)
        s.last = id;
    else if (!spent_choose(&s, id))
        return edit_fail(e, E2BIG, edit_last_ids[which]);
    return edit_record_spent(e, which, &s);
}

/* getpwuid(3): these mean that there is none. */
int nss_result(int error)
{
    switch (error) {
    case 0:
    case ENOENT:
    case ESRCH:
    case EBADF:
    case EPERM:
        return 0;
    default:
        return -error;
    }
}

int uid_is_of_system(uint64_t uid)
{
    errno = 0;
    return getpwuid((uid_t)uid) ? 1 : nss_result(errno);
}

int gid_is_of_system(uint64_t gid)
{
    errno = 0;
    return getgrgid((gid_t)gid) ? 1 : nss_result(errno);
}

int nss_fail(struct context *x, int result)
{
    return ctl_fail(x, EX_TEMPFAIL,
                    "the accounts and groups of the system couldn't be asked, "
                    "so no number was assigned: %s; see: getent passwd",
                    strerror(-result));
}

static bool is_in_range(const struct context *x, uint64_t uid)
{
    return uid >= x->settings.uid_first && uid <= x->settings.uid_last;
}

/* The gid is the same number, so no group of the system may have it either. The
 * directory of a row that is lost keeps its uid. */
static int uids_next(struct context *x, const struct spent *s, uint64_t *ret)
{
    uint64_t uid =
        s->last < x->settings.uid_first ? x->settings.uid_first : s->last + 1;
    int taken = 1;

    for (; uid <= x->settings.uid_last; uid++) {
        if (spent_has(s, uid) || known_owner(x, uid))
            continue;
        taken = uid_is_of_system(uid);
        if (taken == 0)
            taken = gid_is_of_system(uid);
        if (taken <= 0)
            break;
    }
    *ret = uid;
    return taken < 0 ? nss_fail(x, taken) : 0;
}

/* The file of spent uids is lost, or was never there: all up to the highest one
 * of a row count as spent, as long as others are left. */
static int spend_unknown(struct context *x, struct spent *s,
                         const struct users *u)
{
    uint64_t next;
    int code;

    for (size_t i = 0; i < u->count; i++)
        if (is_in_range(x, u->row[i].uid) && u->row[i].uid > s->last)
            s->last = u->row[i].uid;
    code = uids_next(x, s, &next);
    if (code == 0 && next > x->settings.uid_last)
        s->last = 0;
    return code;
}

int uids_choose(struct context *x, struct uids *u, uint64_t uid)
{
    if (!is_in_range(x, uid) || spent_has(&u->spent, uid))
        return 0;
    u->changed = true;
    return spent_choose(&u->spent, uid)
               ? 0
               : ctl_fail(x, EX_CONFIG,
                          "more than %d uids were chosen by hand; leave out "
                          "--uid",
                          SPENT_MAX);
}

int uids_open(struct context *x, struct uids *u, struct edit *e)
{
    int code = edit_spent(e, EDIT_LAST_UID, &u->spent);

    u->changed = code == 0 && u->spent.last == 0 && u->spent.count == 0;
    if (u->changed)
        code = spend_unknown(x, &u->spent, e->users);
    for (size_t i = 0; i < e->users->count && code == 0; i++)
        code = uids_choose(x, u, e->users->row[i].uid);
    return code;
}

void uids_hint(const struct uids *u, struct slice name, uint64_t uid)
{
    if (spent_has(&u->spent, uid))
        fprintf(stderr,
                "sallyportctl: uid %llu may have been another user's; files "
                "of that user are now %.*s's\n",
                (unsigned long long)uid, (int)name.len, name.ptr);
}

int uids_assign(struct context *x, struct uids *u, struct slice name,
                uint64_t *uid, uint64_t *gid)
{
    int code = 0;

    if (*uid == 0) {
        uint64_t next;

        code = uids_next(x, &u->spent, &next);
        if (code)
            return code;
        *uid = next;
        if (next > x->settings.uid_last)
            return ctl_fail(x, EX_CONFIG,
                            "no uid is left up to %llu; give --uid N, the "
                            "number of a removed user whose files are gone, or "
                            "raise uid_last, but not to gid_first",
                            (unsigned long long)x->settings.uid_last);
        u->spent.last = *uid;
        u->changed = true;
    } else {
        uids_hint(u, name, *uid);
        code = uids_choose(x, u, *uid);
    }
    if (*gid == 0)
        *gid = *uid;
    return code;
}

int uids_record(struct uids *u, struct edit *e)
{
    return u->changed ? edit_record_spent(e, EDIT_LAST_UID, &u->spent) : 0;
}

int uids_spend(struct context *x, struct edit *e, uint64_t uid)
{
    struct uids u;
    int code = uids_open(x, &u, e);

    if (code == 0)
        code = uids_choose(x, &u, uid);
    return code ? code : uids_record(&u, e);
}

/* What the command line gives. */

int given_ids_free(struct context *x)
{
    uint64_t uid = 0;
    int account = 0, group = 0;

    if (!x->args.uid)
        return 0;
    slice_number(slice_from(x->args.uid), UINT32_MAX, &uid);
    account = uid_is_of_system(uid);
    if (!x->args.gid)
        group = gid_is_of_system(uid);
    if (account < 0 || group < 0)
        return nss_fail(x, account < 0 ? account : group);
    if (account)
        return ctl_fail(x, EX_USAGE,
                        "--uid %s: an account of the system has it (getent "
                        "passwd %s); leave out --uid, or give another one",
                        x->args.uid, x->args.uid);
    if (group)
        return ctl_fail(x, EX_USAGE,
                        "--uid %s: a group of the system has this number, and "
                        "the user would be in it; leave out --uid, or give "
                        "--gid, too",
                        x->args.uid);
    return 0;
}

int given_group(struct context *x, const char *group, gid_t *ret)
{
    uint64_t number;
    const bool named = slice_number(slice_from(group), USER_ID_MAX, &number);
    const struct group *found;
    int r;

    errno = 0;
    found = named ? getgrnam(group) : getgrgid((gid_t)number);
    r = found ? 0 : nss_result(errno);
    if (r < 0)
        return nss_fail(x, r);
    if (!found)
        return ctl_fail(x, EX_USAGE,
                        "%s: there is no such group; make it with: groupadd "
                        "--system %s%s%s",
                        group, named ? "" : "--gid ", group,
                        named ? "" : " NAME");
    if (found->gr_gid < SHARE_GID_MIN)
        return ctl_fail(x, EX_USAGE,
                        "%s is a group of the system, with gid %u; use one "
                        "with a gid from %d on",
                        group, (unsigned)found->gr_gid, SHARE_GID_MIN);
    *ret = found->gr_gid;
    return 0;
}
