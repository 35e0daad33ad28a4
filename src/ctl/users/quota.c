/* "quota set", "quota show" and "quota report". The kernel has the limits and
 * counts: these commands set and show them, on the file system of the user's
 * home or of the share. The line of the users file says only that there is a
 * quota, and how large, so that --check finds one that the kernel doesn't know
 * (a home that was moved, a disk mounted without quotas). */
#include "edit/edit.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/quota/quota.h"

#define SHARE_PREFIX "share:" /* of a share's name beside users' */
#define NOTE_MAX     128

/* What a quota is for: a user, or a share, whose files all have its gid. */
struct quota_account {
    char name[sizeof(SHARE_PREFIX) + USER_NAME_MAX];
    const char *path, *below; /* home_open()'s */
    enum quota_owner owner;
    uint32_t id, was;      /* the directory may be of either; 0: of ID only */
    struct user_quota row; /* what the users file says */
    size_t line;
};

static void account_of_user(const struct context *x, const struct user *user,
                            struct quota_account *ret)
{
    *ret = (struct quota_account){ .path = user->home,
                                   .below = x->settings.homes,
                                   .owner = QUOTA_USER,
                                   .id = user->uid,
                                   .row = user->quota,
                                   .line = user->line };
    snprintf(ret->name, sizeof(ret->name), "%s", user->name);
}

static void account_of_share(const struct context *x, const struct share *share,
                             struct quota_account *ret)
{
    *ret = (struct quota_account){ .path = share->path,
                                   .below = x->settings.shares,
                                   .owner = QUOTA_GROUP,
                                   .id = share->gid,
                                   .row = share->quota,
                                   .line = share->line };
    snprintf(ret->name, sizeof(ret->name), SHARE_PREFIX "%s", share->name);
}

static int account_find(struct context *x, const struct users *u,
                        struct quota_account *ret)
{
    struct slice name = slice_from(x->args.word[2]);
    const struct share *share;
    const struct user *user;

    if (!slice_starts(name, SLICE(SHARE_PREFIX))) {
        user = users_find(u, name);
        if (!user && share_find(u, name))
            return ctl_fail(
                x, EX_NOUSER,
                "there is no user %s; for the share say: " SHARE_PREFIX "%s",
                name.ptr, name.ptr);
        if (!user)
            return ctl_missing(x, "user", name);
        account_of_user(x, user, ret);
        return 0;
    }
    share = share_find(u, slice_from(name.ptr + sizeof(SHARE_PREFIX) - 1));
    if (!share)
        return ctl_fail(x, EX_NOUSER,
                        "there is no %s; run: sallyportctl share list",
                        name.ptr);
    account_of_share(x, share, ret);
    return 0;
}

static int quota_fail(struct context *x, const struct quota_account *a, int fd,
                      int r)
{
    char hint[QUOTA_HINT_MAX];

    if (r == -EPERM || r == -EACCES)
        return ctl_fail(x, EX_NOPERM,
                        geteuid() == 0
                            ? "%s: root of this container may not set or read "
                              "this quota; run it outside"
                            : "%s: only root can set or read this quota",
                        a->name);
    if (r == -EXDEV)
        return ctl_fail(x, EX_UNAVAILABLE,
                        "%s: %s is a directory, and btrfs has quotas of "
                        "subvolumes only; make it one: mv %s %s.old && btrfs "
                        "subvolume create %s && cp -a --reflink=always "
                        "%s.old/. %s && rm -r %s.old",
                        a->name, a->path, a->path, a->path, a->path, a->path,
                        a->path, a->path);
    if (r == -EINVAL && quota_is_btrfs(fd))
        return ctl_fail(x, EX_UNAVAILABLE,
                        "%s: btrfs can't limit the number of files", a->name);
    if (r == -ENOTSUP)
        return ctl_fail(x, EX_UNAVAILABLE,
                        "%s: no quotas are enabled on the file system of %s; "
                        "%s",
                        a->name, a->path, quota_hint(fd, a->path, hint));
    return ctl_fail(x, EX_IOERR, "%s: the quota on %s: %s", a->name, a->path,
                    strerror(-r));
}

/* Another's directory may be on another file system. */
static int account_check_owner(struct context *x, const struct quota_account *a,
                               int fd)
{
    const bool group = a->owner == QUOTA_GROUP;
    struct stat st;

    if (fstat(fd, &st) < 0)
        return ctl_fail(x, EX_NOINPUT, "%s: %s: %s", a->name, a->path,
                        strerror(errno));
    uint32_t id = group ? st.st_gid : st.st_uid;
    return id == a->id || (a->was != 0 && id == a->was)
               ? 0
               : ctl_fail(x, EX_DATAERR,
                          "%s: %s belongs to %s %" PRIu32 ", not to %" PRIu32,
                          a->name, a->path, group ? "gid" : "uid", id, a->id);
}

struct asking {
    const struct quota_account *account;
    const struct user_quota *set; /* in the kernel; NULL: nothing */
    struct quota old, quota;      /* before and after that */
};

static int account_on_disk(struct context *x, void *data)
{
    struct asking *asking = data;
    const struct quota_account *a = asking->account;
    const struct user_quota *set = asking->set;
    FD_CLEANUP int fd = home_open(a->path, a->below);
    int r = 0;

    if (fd < 0)
        return ctl_fail(x, EX_NOINPUT, "%s: %s: %s", a->name, a->path,
                        strerror(-fd));
    int code = set ? account_check_owner(x, a, fd) : 0;
    if (code)
        return code;
    if (set)
        r = quota_enforced(fd, a->owner);
    if (r == 0)
        r = quota_get(fd, a->owner, a->id, &asking->old);
    if (set && r == 0)
        r = quota_set(fd, a->owner, a->id, set->bytes, set->files);
    if (r == 0)
        r = quota_get(fd, a->owner, a->id, &asking->quota);
    return r < 0 ? quota_fail(x, a, fd, r) : 0;
}

/* Its disk may be dead, and the users file is locked, so it is asked once. */
static int account_in_kernel(struct context *x, struct asking *asking)
{
    return disk_run_locked(x, account_on_disk, asking, sizeof(*asking),
                           asking->account->path);
}

static int take_limit(struct context *x, const char *text, const char *what,
                      uint64_t *ret)
{
    *ret = 0;
    if (!strcmp(text, "none") || (slice_size(slice_from(text), ret) == 0 &&
                                  *ret > 0 && *ret <= QUOTA_LIMIT_MAX))
        return 0;
    return ctl_fail(x, EX_USAGE,
                    "%s: %s is a number, also with K, M, G or T, or none", text,
                    what);
}

/* "none" without --files removes both limits. */
static int take_limits(struct context *x, struct user_quota *ret)
{
    int code = take_limit(x, x->args.word[3], "SIZE", &ret->bytes);

    ret->files = ret->bytes == 0 ? 0 : QUOTA_KEEP;
    if (code == 0 && x->args.files)
        code = take_limit(x, x->args.files, "--files", &ret->files);
    return code;
}

static int set_key(struct edit *e, size_t line, const char *key, uint64_t limit)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, limit);
    return edit_set_key(e, line, key, limit > 0 ? text : NULL);
}

static const char *limit_text(const struct quota_amount *a, bool bytes,
                              const char *none, char out[SIZE_TEXT_MAX])
{
    if (a->limit == 0)
        snprintf(out, SIZE_TEXT_MAX, "%s", none);
    else if (bytes)
        size_text(a->limit, out);
    else
        snprintf(out, SIZE_TEXT_MAX, "%" PRIu64, a->limit);
    return out;
}

static void print_quota(const char *name, const struct quota *q)
{
    char bytes[SIZE_TEXT_MAX], used[SIZE_TEXT_MAX], files[SIZE_TEXT_MAX];

    printf("%s: %s, %s used", name,
           limit_text(&q->bytes, true, "no limit", bytes),
           size_text(q->bytes.used, used));
    if (!q->uncounted)
        printf("; files: %s, %" PRIu64 " used",
               limit_text(&q->files, false, "no limit", files), q->files.used);
    putchar('\n');
}

static json_t *json_quota(const char *name, const struct quota *q)
{
    return json_pack(
        "{s:s, s:o, s:I, s:o, s:o}", "name", name, "bytes",
        json_limit(q->bytes.limit), "bytes_used", (json_int_t)q->bytes.used,
        "files", json_limit(q->files.limit), "files_used",
        q->uncounted ? json_null() : json_integer((json_int_t)q->files.used));
}

static int set_row(struct edit *e, const struct quota_account *a,
                   const struct quota *q)
{
    int code = set_key(e, a->line, "quota", q->bytes.limit);

    if (code == 0)
        code = set_key(e, a->line, "quota_files", q->files.limit);
    return code ? code : edit_commit(e);
}

/* The row couldn't be written: the kernel gets its old limits again. */
static void set_back(struct context *x, const struct quota_account *a,
                     const struct quota *old)
{
    const struct user_quota limits = { old->bytes.limit, old->files.limit };
    const struct complaint why = x->complaint;

    if (account_in_kernel(
            x, &(struct asking){ .account = a, .set = &limits }) == 0)
        return;
    x->complaint.text[0] = '\0';
    complain(&x->complaint, "%s; but the kernel has the new limits", why.text);
}

/* The kernel first: a line never promises what nothing enforces. */
static int set_locked(struct context *x, struct edit *e, void *given)
{
    struct quota_account a;
    struct asking q = { .account = &a, .set = given };
    int code = account_find(x, e->users, &a);

    if (code == 0)
        code = account_in_kernel(x, &q);
    if (code)
        return code;
    code = set_row(e, &a, &q.quota);
    if (code == 0)
        print_quota(a.name, &q.quota);
    else
        set_back(x, &a, &q.old);
    return code;
}

void quota_end(struct context *x, bool share, const char *path, uint32_t id)
{
    FD_CLEANUP int fd =
        home_open(path, share ? x->settings.shares : x->settings.homes);
    int r =
        fd < 0 ? fd : quota_set(fd, share ? QUOTA_GROUP : QUOTA_USER, id, 0, 0);

    if (r < 0)
        stderr_print("the kernel still has the quota of %s %" PRIu32
                     " on the file system of %s: %s",
                     share ? "gid" : "uid", id, path, strerror(-r));
}

static void print_not_limited(struct context *x, const struct quota_account *a)
{
    char bytes[24] = "none", files[40] = "";

    if (a->row.bytes > 0)
        snprintf(bytes, sizeof(bytes), "%" PRIu64, a->row.bytes);
    if (a->row.files > 0)
        snprintf(files, sizeof(files), " --files %" PRIu64, a->row.files);
    stderr_print("the kernel doesn't limit %s now: %s; mend that, and run: "
                 "sallyportctl quota set %s %s%s",
                 a->name, x->complaint.text, a->name, bytes, files);
    x->complaint.text[0] = '\0';
}

void quota_follow(struct context *x, const struct slice *name, const uid_t *was,
                  size_t n)
{
    struct quota_account a;

    if (edit_read_again(x))
        x->complaint.text[0] = '\0'; /* it was written just now */
    for (size_t i = 0; i < n; i++) {
        const struct user *user = users_find(&x->users, name[i]);

        if (!user || (user->quota.bytes == 0 && user->quota.files == 0))
            continue;
        account_of_user(x, user, &a);
        a.was = was ? was[i] : 0;
        if (account_in_kernel(x,
                              &(struct asking){ .account = &a, .set = &a.row }))
            print_not_limited(x, &a);
    }
}

int quota_set_limit(struct context *x)
{
    struct user_quota limits;
    int code = take_limits(x, &limits);

    if (code == 0 && geteuid() != 0)
        code =
            ctl_fail(x, EX_NOPERM, "only root can set a quota: run it by sudo");
    return code ? code : edit_run(x, set_locked, &limits);
}

int quota_show(struct context *x)
{
    struct quota_account a;
    struct asking q = { .account = &a };
    int code = account_find(x, &x->users, &a);

    if (code == 0)
        code = account_in_kernel(x, &q);
    if (code == 0 && x->args.json)
        code = json_write(x, json_quota(a.name, &q.quota));
    else if (code == 0)
        print_quota(a.name, &q.quota);
    return code;
}

static bool is_unknown(int r)
{
    return geteuid() != 0 && (r == -EPERM || r == -EACCES);
}

/* "" if the kernel has what the line says. A quota that was set by another
 * tool, and isn't in the line, is no fault. */
static void report_note(const struct quota_account *a, int r,
                        const struct quota *q, char out[NOTE_MAX])
{
    bool promised = a->row.bytes > 0 || a->row.files > 0;

    out[0] = '\0';
    if (is_unknown(r))
        snprintf(out, NOTE_MAX, "unknown: only root can read it");
    else if (r < 0)
        snprintf(out, NOTE_MAX, "%s%s", promised ? "not enforced: " : "",
                 r == -ENOTSUP ? promised
                                     ? "no quotas there"
                                     : "none set; no quotas are enabled there"
                 : r == -EXDEV ? "no subvolume of its own"
                               : strerror(-r));
    else if (promised &&
             (a->row.bytes != q->bytes.limit || a->row.files != q->files.limit))
        snprintf(out, NOTE_MAX,
                 "not what the users file says: run quota set again");
}

static void report_plain(const struct quota_account *a, const struct quota *q,
                         const char *note)
{
    char bytes[SIZE_TEXT_MAX], used[SIZE_TEXT_MAX], files[SIZE_TEXT_MAX];
    char count[24] = "-";

    if (!q->uncounted)
        snprintf(count, sizeof(count), "%" PRIu64, q->files.used);
    printf("%-24s %10s %12s %10s %10s %s\n", a->name,
           limit_text(&q->bytes, true, "-", bytes),
           size_text(q->bytes.used, used),
           limit_text(&q->files, false, "-", files), count, note);
}

/* True: the line promises what the kernel doesn't enforce. */
static bool report_account(const struct quota_account *a, json_t *list)
{
    FD_CLEANUP int fd = home_open(a->path, a->below);
    int r = fd < 0 ? fd : quota_enforced(fd, a->owner);
    struct quota q = { 0 };
    char note[NOTE_MAX];

    if (r == 0)
        r = quota_get(fd, a->owner, a->id, &q);
    report_note(a, r, &q, note);
    if (list) {
        json_t *row = json_quota(a->name, &q);

        json_object_set_new(row, "note", json_string(note));
        json_array_append_new(list, row);
    } else {
        report_plain(a, &q, note);
    }
    return note[0] && !is_unknown(r) && (a->row.bytes > 0 || a->row.files > 0);
}

static bool report_all(const struct context *x, json_t *list)
{
    const struct users *u = &x->users;
    struct quota_account a;
    bool bad = false;

    for (size_t i = 0; i < u->count; i++) {
        account_of_user(x, &u->row[i], &a);
        bad |= report_account(&a, list);
    }
    for (size_t i = 0; i < u->shares; i++) {
        account_of_share(x, &u->share[i], &a);
        bad |= report_account(&a, list);
    }
    return bad;
}

int quota_report(struct context *x)
{
    json_t *list = x->args.json ? json_array() : NULL;
    int code = 0;

    if (!list)
        printf("%-24s %10s %12s %10s %10s %s\n", "NAME", "LIMIT", "USED",
               "FILES", "USED", "NOTE");
    bool bad = report_all(x, list);
    if (list)
        code = json_write(x, list);
    return code || !bad
               ? code
               : ctl_fail(
                     x, EX_CONFIG,
                     "the kernel doesn't enforce what the users file says");
}
