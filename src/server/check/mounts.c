/* Tries the disks of the users file, the homes and the shares: owners, locks,
 * extended attributes, names; and the options of NFS. Each disk is tried once
 * by root and once by a user, in the first directory that each can write to.
 * Root tries network disks alone. Runs in check; a disk
 * that hangs can block it. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/domain/rights.h"
#include "sallyport/sandbox/sandbox.h"

#define MOUNT_ENTER (O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK)

/* "\040" is a blank. */
static void mount_unescape(struct slice s, char *out, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len && n + 1 < size; i++, n++) {
        const char *at = s.ptr + i;

        if (*at == '\\' && s.len - i > 3) {
            out[n] =
                (char)((at[1] - '0') * 64 + (at[2] - '0') * 8 + at[3] - '0');
            i += 3;
        } else
            out[n] = *at;
    }
    out[n] = '\0';
}

/* ID PARENT DEVICE ROOT POINT OPTIONS [TAG...] - TYPE SOURCE OPTIONS */
bool mount_parse(struct slice line, struct mount_info *ret)
{
    struct slice word, field[5], after[3];

    for (size_t i = 0; i < 5; i++)
        if (!slice_cut(&line, ' ', &field[i]))
            return false;
    do
        if (!slice_cut(&line, ' ', &word))
            return false;
    while (!slice_equal(word, SLICE("-")));
    for (size_t i = 0; i < 3; i++)
        if (!slice_cut(&line, ' ', &after[i]))
            return false;
    mount_unescape(field[4], ret->point, sizeof(ret->point));
    mount_unescape(after[0], ret->type, sizeof(ret->type));
    mount_unescape(after[1], ret->source, sizeof(ret->source));
    mount_unescape(after[2], ret->options, sizeof(ret->options));
    return slice_number(field[0], UINT64_MAX, &ret->id) == 0;
}

bool mount_has(const struct mount_info *m, const char *option)
{
    struct slice rest = slice_from(m->options), one;

    while (slice_cut(&rest, ',', &one))
        if (slice_equal(one, slice_from(option)))
            return true;
    return false;
}

bool mount_keeps_locks(const struct mount_info *m)
{
    return mount_has(m, "nolock") || mount_has(m, "local_lock=all") ||
           mount_has(m, "local_lock=flock");
}

bool mount_remembers(const struct mount_info *m)
{
    return !mount_has(m, "lookupcache=none") ||
           !(mount_has(m, "noac") ||
             (mount_has(m, "acregmax=0") && mount_has(m, "acdirmax=0")));
}

/* Finds the mount of a descriptor. A kernel before 5.8 doesn't tell: then *ret
 * stays as it is. */
static void mount_of(int fd, struct mount_info *ret)
{
    char line[8192];
    struct mount_info one;
    struct statx x;
    bool found = false;
    FILE *table;

    if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &x) < 0 ||
        !(x.stx_mask & STATX_MNT_ID))
        return;
    table = fopen("/proc/self/mountinfo", "re");
    while (table && !found && fgets(line, sizeof(line), table)) {
        line[strcspn(line, "\n")] = '\0';
        found = mount_parse(slice_from(line), &one) && one.id == x.stx_mnt_id;
    }
    if (table)
        fclose(table);
    if (found)
        *ret = one;
}

/* A device that one of our directories is on. */
struct seen {
    dev_t device;
    bool tried, as_user;
    bool far;
    const char *directory; /* the first one; and why it couldn't be tried: */
    int error;
};

struct rounds {
    const struct check *check;
    mounts_report *report;
    void *owner;
    struct seen *seen;
    size_t count;
    const char *directory;   /* that is tried now */
    struct mount_info mount; /* its mount */
};

static void rounds_say(struct rounds *r, bool wrong, const char *what,
                       const char *then)
{
    struct complaint c = { "" };

    complain(&c, "%s: the file system on %s (%s) %s: %s", r->directory,
             r->mount.point, r->mount.type, what, then);
    r->report(r->owner, wrong, c.text);
}

static void rounds_on_loss(void *owner, const struct probe_loss *loss,
                           int error)
{
    char what[128];

    snprintf(what, sizeof(what), "%s (%s)", loss->what, strerror(error));
    rounds_say(owner, loss->wrong, what, loss->then);
}

/* It matters only if another server uses these files, too, and nobody here can
 * know that. */
static void rounds_look_at_nfs(struct rounds *r)
{
    if (mount_keeps_locks(&r->mount))
        rounds_say(r, false, "keeps locks on this machine",
                   "another server on the same files doesn't see them; mount "
                   "it without nolock and local_lock");
    if (mount_remembers(&r->mount))
        rounds_say(r, false, "remembers names and attributes",
                   "a server sees late what another one on the same files has "
                   "changed; mount it with actimeo=0,lookupcache=none");
}

static struct seen *rounds_find(struct rounds *r, dev_t device, bool as_user)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->seen[i].device == device && r->seen[i].as_user == as_user)
            return &r->seen[i];
    r->seen[r->count] = (struct seen){ .device = device,
                                       .as_user = as_user,
                                       .directory = r->directory };
    return &r->seen[r->count++];
}

/* With the ids that the directory is used with. What is missing is reported by
 * others. Returns whether it tried a mount. */
static bool rounds_try(struct rounds *r, bool as_user)
{
    FD_CLEANUP int fd = open(r->directory, MOUNT_ENTER);
    struct seen *seen;
    struct stat st;
    int error;

    if (fd < 0 || fstat(fd, &st) < 0 || (!as_user && !fd_on_network_disk(fd)))
        return false;
    seen = rounds_find(r, st.st_dev, as_user);
    if (seen->tried)
        return false;
    seen->far = fd_on_network_disk(fd);
    r->mount =
        (struct mount_info){ .point = "an unknown mount", .type = "unknown" };
    mount_of(fd, &r->mount);
    error = probe_directory(fd, rounds_on_loss, r);
    seen->error = seen->error ? seen->error : -error;
    seen->tried = error == 0;
    return seen->tried;
}

/* USER: NULL for a directory of root's. SHARE: NULL for a home. */
static void rounds_visit(struct rounds *r, const char *directory,
                         const struct user *user, const struct share *share)
{
    const bool become = user && r->check->root;

    r->directory = directory;
    if (become && sandbox_become(user->uid, user->gid,
                                 share ? &share->gid : NULL, share != NULL) < 0)
        return;
    const bool tried = rounds_try(r, become);
    if (become && sandbox_regain() < 0)
        die(EXIT_FAILURE, "can't be root again: %s", strerror(errno));
    if (tried && strncmp(r->mount.type, "nfs", 3) == 0)
        rounds_look_at_nfs(r);
}

/* The home, and the shares that the user may write to. */
static void rounds_visit_as(struct rounds *r, const struct user *user)
{
    if (user->locked)
        return;
    rounds_visit(r, user->home, user, NULL);
    for (size_t i = 0; i < user->grants; i++)
        if (user->grant[i].rights & RIGHT_WRITE) {
            const struct share *s =
                &r->check->users.share[user->grant[i].share];

            rounds_visit(r, s->path, user, s);
        }
}

static void rounds_report_untried(struct rounds *r)
{
    for (size_t i = 0; i < r->count; i++) {
        struct complaint c = { "" };

        if (r->seen[i].tried || !r->seen[i].far)
            continue;
        complain(&c,
                 "%s: its network disk isn't tried: no file can be made: %s",
                 r->seen[i].directory, strerror(r->seen[i].error));
        r->report(r->owner, false, c.text);
    }
}

void check_mounts(const struct check *k, mounts_report *report, void *owner)
{
    const struct settings *s = &k->settings;
    const struct users *u = &k->users;
    struct rounds r = { .check = k,
                        .report = report,
                        .owner = owner,
                        .seen = calloc(2 * (u->count + u->shares) + 3,
                                       sizeof(*r.seen)) };
    char users[PATH_MAX], above[PATH_MAX];

    if (!r.seen)
        die(EXIT_FAILURE, "no memory to look at the mounts");
    check_users_path(s, users, above);
    rounds_visit(&r, above, NULL, NULL);
    rounds_visit(&r, s->homes, NULL, NULL);
    rounds_visit(&r, s->shares, NULL, NULL);
    for (size_t i = 0; i < u->shares; i++)
        rounds_visit(&r, u->share[i].path, NULL, NULL);
    for (size_t i = 0; i < u->count; i++)
        rounds_visit_as(&r, &u->row[i]);
    rounds_report_untried(&r);
    free(r.seen);
}
