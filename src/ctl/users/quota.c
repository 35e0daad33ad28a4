/* "quota set" and "quota list". The kernel has the limits and counts. These
 * commands set and show them, on the file system of a user's home or of a
 * share. */
#include "edit/edit.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/quota/quota.h"

/* Distinguishes a share's name from users' names. */
#define SHARE_PREFIX "share:"
#define BATCH_MS     100 /* a small part of the time that a fork has */

/* The owner of a quota, and a fork's question about it. The owner is a user, or
 * a share, which owns all files with its gid. */
struct quota_account {
    char name[sizeof(SHARE_PREFIX) + USER_NAME_MAX];
    const char *path, *below; /* arguments of home_open() */
    enum quota_owner owner;
    uint32_t id;
    bool sets, alone;      /* set the limits; ask about no other account */
    uint64_t bytes, files; /* the new limits */
    struct quota quota;
    int error; /* 0 or -errno */
};

/* Returns the account of USER; if USER is NULL, the account of SHARE. */
static struct quota_account account_of(const struct user *user,
                                       const struct share *share)
{
    struct quota_account a = {
        .path = user ? user->home : share->path,
        .below = user ? ctl.settings.homes : ctl.settings.shares,
        .owner = user ? QUOTA_USER : QUOTA_GROUP,
        .id = user ? user->uid : share->gid,
    };

    snprintf(a.name, sizeof(a.name), "%s%s", user ? "" : SHARE_PREFIX,
             user ? user->name : share->name);
    return a;
}

static struct quota_account account_find(void)
{
    const struct users *u = &ctl.users;
    const struct slice name = slice_from(ctl.args.word[2]);
    const struct share *share;

    if (!slice_starts(name, SLICE(SHARE_PREFIX))) {
        if (!users_find(u, name) && share_find(u, name))
            fail(EX_NOUSER,
                 "there is no user %s; for the share say: " SHARE_PREFIX "%s",
                 name.ptr, name.ptr);
        return account_of(user_named(u), NULL);
    }
    share = share_find(u, slice_from(name.ptr + sizeof(SHARE_PREFIX) - 1));
    if (!share)
        fail(EX_NOUSER, "there is no %s; run: sallyportctl share list",
             name.ptr);
    return account_of(NULL, share);
}

static noreturn void quota_fail(const struct quota_account *a, int fd, int r)
{
    char hint[QUOTA_HINT_MAX];

    if (r == -EPERM || r == -EACCES)
        fail(EX_NOPERM,
             geteuid() == 0
                 ? "%s: root of this container may not set or read this quota; "
                   "run the command outside the container"
                 : "%s: only root can set or read this quota",
             a->name);
    if (r == -EXDEV)
        fail(EX_UNAVAILABLE,
             "%s: %s is a directory, and btrfs has quotas of subvolumes only; "
             "docs/admin/teams.md in /usr/share/doc/sallyport has the commands "
             "that make it one",
             a->name, a->path);
    if (r == -EINVAL && quota_is_btrfs(fd))
        fail(EX_UNAVAILABLE, "%s: btrfs can't limit the number of files",
             a->name);
    if (r == -ENOTSUP)
        fail(EX_UNAVAILABLE,
             "%s: no quotas are enabled on the file system of %s; %s", a->name,
             a->path, quota_hint(fd, a->path, hint));
    fail(EX_IOERR, "%s: the quota on %s: %s", a->name, a->path, strerror(-r));
}

static void quota_on_disk(void *data)
{
    struct quota_account *a = data;
    FD_CLEANUP int fd = home_open(a->path, a->below);
    const bool group = a->owner == QUOTA_GROUP;
    struct stat st = { 0 };
    struct quota old;

    if (fd >= 0 && a->sets && fstat(fd, &st) < 0)
        fd = -errno;
    if (fd < 0 && a->alone)
        fail(EX_NOINPUT, "%s: %s: %s", a->name, a->path, strerror(-fd));
    const uint32_t id = group ? st.st_gid : st.st_uid;
    /* Fail for a directory of another owner: it can be on another file system
     * than the account's files. */
    if (a->sets && id != a->id)
        fail(EX_DATAERR, "%s: %s belongs to %s %" PRIu32 ", not to %" PRIu32,
             a->name, a->path, group ? "gid" : "uid", id, a->id);
    a->error = fd < 0 ? fd : quota_enforced(fd, a->owner);
    if (a->error == 0 && a->sets) /* set nothing if this fails */
        a->error = quota_get(fd, a->owner, a->id, &old);
    if (a->error == 0 && a->sets)
        a->error = quota_set(fd, a->owner, a->id, a->bytes, a->files);
    if (a->error == 0)
        a->error = quota_get(fd, a->owner, a->id, &a->quota);
    if (a->error && a->alone)
        quota_fail(a, fd, a->error);
}

/* Accounts on one disk, about which one fork asks. */
struct quota_batch {
    struct quota_account account[16];
    size_t first, count, asked; /* after ASKED answers the disk hung */
};

static void quotas_on_disk(void *data)
{
    struct quota_batch *b = data;
    const uint64_t begin = clock_ms();

    do /* a slow disk leaves the others to the next fork, with its own time */
        quota_on_disk(&b->account[b->asked]);
    while (++b->asked < b->count && clock_ms() - begin < BATCH_MS);
}

static uint64_t take_limit(const char *text, const char *what)
{
    uint64_t n = 0;

    if (strcmp(text, NONE) != 0 &&
        (slice_size(slice_from(text), &n) || n == 0 || n > QUOTA_LIMIT_MAX))
        fail(EX_USAGE,
             "%s: %s must be a number, which can end in K, M, G or T, or " NONE,
             text, what);
    return n;
}

static json_t *json_quota(const struct quota_account *a, const char *note)
{
    const struct quota *q = &a->quota;
    const bool known = !note[0];

    return json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:s}", "name", a->name, "bytes",
        json_count(q->bytes.limit > 0, q->bytes.limit), "bytes_used",
        json_count(known, q->bytes.used), "files",
        json_count(q->files.limit > 0, q->files.limit), "files_used",
        json_count(known && !q->uncounted, q->files.used), "note", note);
}

static const struct output_field columns[] = {
    { .title = "NAME", .key = "name", .width = -24 },
    { .title = "LIMIT", .key = "bytes", .width = 10, .none = "-" },
    { .title = "USED", .key = "bytes_used", .width = 12, .none = "-" },
    { .title = "FILES", .key = "files", .width = 10, .none = "-" },
    { .title = "USED", .key = "files_used", .width = 10, .none = "-" },
    { .title = "NOTE", .key = "note" },
    { 0 },
};

static void quota_ask(struct quota_account *a)
{
    a->alone = true;
    disk_run(quota_on_disk, a, sizeof(*a), a->path);
    table_print(json_pack("[o]", json_quota(a, "")), columns, NULL);
}

/* Sets the limits. The size "none" without --files removes both limits. */
void quota_set_limit(void)
{
    const uint64_t bytes = take_limit(ctl.args.word[3], "SIZE");
    const uint64_t files = ctl.args.files
                               ? take_limit(ctl.args.files, "--files")
                           : bytes == 0 ? 0
                                        : QUOTA_KEEP;
    struct quota_account a = account_find();

    a.sets = true;
    a.bytes = bytes;
    a.files = files;
    if (geteuid() != 0)
        fail(EX_NOPERM, "only root can set a quota: run it by sudo");
    quota_ask(&a);
}

/* Asks about account I, a user or after them a share, and about the next ones
 * as long as they are on the same disk. */
static void ask_from(struct quota_batch *b, size_t i)
{
    const struct users *u = &ctl.users;
    const size_t most = sizeof(b->account) / sizeof(b->account[0]);
    char mount[PATH_MAX], next[PATH_MAX];
    struct complaint why;

    *b = (struct quota_batch){ .first = i };
    for (; b->count < most && i < u->count + u->shares; i++, b->count++) {
        const bool user = i < u->count;
        const struct quota_account a = account_of(
            user ? &u->row[i] : NULL, user ? NULL : &u->share[i - u->count]);

        disk_mount_of(a.path, b->count ? next : mount);
        if (b->count && strcmp(next, mount) != 0)
            break;
        b->account[b->count] = a;
    }
    if (disk_try_each(quotas_on_disk, b, sizeof(*b), b->account[0].path,
                      &why) == 0)
        b->count = b->asked;
}

static json_t *describe_quota(size_t i)
{
    static struct quota_batch b;

    if (i >= b.first + b.count)
        ask_from(&b, i);
    const struct quota_account a = b.account[i - b.first];
    const int e = i - b.first < b.asked ? a.error : -ETIMEDOUT;
    return json_quota(&a, e == 0            ? ""
                          : e == -ENOTSUP   ? "no quotas are enabled there"
                          : e == -EXDEV     ? "not a subvolume"
                          : e == -ETIMEDOUT ? "its disk doesn't answer"
                          : geteuid() != 0 && (e == -EPERM || e == -EACCES)
                              ? "only root can read it"
                              : strerror(-e));
}

void quota_print(void)
{
    struct quota_account a;

    if (!ctl.args.word[2]) {
        output_list(ctl.users.count + ctl.users.shares, describe_quota,
                    columns);
        return;
    }
    a = account_find();
    quota_ask(&a);
}
