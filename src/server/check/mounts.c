/* Tries the disks of the users file, the homes and the shares: owners, locks,
 * extended attributes, names; and the options of NFS. Root tries each network
 * disk once, and a user tries each disk once, in the first directory to which
 * they can write. Runs in check; a disk that hangs can block it. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/domain/rights.h"
#include "sallyport/sandbox/sandbox.h"

#define MOUNT_ENTER (O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK)

static bool mount_has(const struct mount_info *m, const char *option)
{
    const struct mntent entry = { .mnt_opts = (char *)(uintptr_t)m->options };

    return hasmntopt(&entry, option) != NULL;
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

bool mount_gives_up(const struct mount_info *m)
{
    return mount_has(m, "soft") || mount_has(m, "softerr");
}

/* Finds the mount of DIRECTORY: of the mounts at or above it, the mount with
 * the longest path; of equal paths the last mount. If there is none, *ret
 * doesn't change. */
static void mount_of(const char *directory, struct mount_info *ret)
{
    FILE *table = setmntent("/proc/self/mounts", "re");
    char real[PATH_MAX];
    struct mntent *m;
    size_t longest = 0;

    if (!realpath(directory, real))
        real[0] = '\0';
    while (table && (m = getmntent(table))) {
        const size_t len = strlen(m->mnt_dir);

        if (len < longest || (len > 1 && !user_path_within(real, m->mnt_dir)))
            continue;
        longest = len;
        snprintf(ret->point, sizeof(ret->point), "%s", m->mnt_dir);
        snprintf(ret->type, sizeof(ret->type), "%s", m->mnt_type);
        snprintf(ret->options, sizeof(ret->options), "%s", m->mnt_opts);
    }
    if (table)
        endmntent(table);
}

/* A device that contains one or more of the directories. */
struct seen {
    dev_t device;
    bool tried, as_user;
    bool far;
    const char *directory; /* the first of its directories that was tried */
    int error;             /* why the first directory couldn't be tried */
};

struct rounds {
    const struct check *check;
    bool wrong;
    size_t *passing; /* as in struct look */
    struct seen *seen;
    size_t count;
    const char *directory;   /* the directory that is being tried */
    struct mount_info mount; /* the mount of `directory` */
};

static void rounds_say(struct rounds *r, bool wrong, const char *what,
                       const char *then)
{
    r->wrong |= wrong;
    stderr_print("%s%s: the file system on %s (%s) %s: %s",
                 wrong ? "" : "warning: ", r->directory, r->mount.point,
                 r->mount.type, what, then);
}

static void rounds_on_loss(void *owner, const struct probe_loss *loss,
                           int error)
{
    /* ESTALE is an answer of a trial. */
    const bool untried = error != ESTALE && fd_may_pass(error);
    struct rounds *r = owner;
    char what[128];

    *r->passing += untried && error != ENOSPC && error != EDQUOT;
    snprintf(what, sizeof(what), "%s (%s)",
             untried ? "can't be tried" : loss->what, strerror(error));
    rounds_say(r, loss->wrong && !untried, what,
               untried ? "try again later" : loss->then);
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

/* Tries r->directory with the present ids. Doesn't report a missing directory:
 * check_users() and check_shares() report it. Returns true if it has tried a
 * disk. */
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
    mount_of(r->directory, &r->mount);
    error = probe_directory(fd, rounds_on_loss, r);
    seen->error = seen->error ? seen->error : -error;
    seen->tried = error == 0;
    return seen->tried;
}

/* Visits a directory. USER: NULL for a directory of root's. SHARE: NULL for a
 * home. */
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
        die(EX_OSERR, "can't be root again: %s", strerror(errno));
    if (tried && strncmp(r->mount.type, "nfs", 3) == 0) {
        if (mount_gives_up(&r->mount))
            rounds_say(r, false, "gives up requests",
                       "its server can execute them later, and files can be "
                       "lost; mount it with hard");
        /* These options matter only if another server uses these files, too;
         * check can't find that out. */
        if (mount_keeps_locks(&r->mount))
            rounds_say(
                r, false, "keeps locks on this machine",
                "another server on the same files doesn't see them; mount "
                "it without nolock and local_lock");
        if (mount_remembers(&r->mount))
            rounds_say(
                r, false, "remembers names and attributes",
                "a server sees late what another one on the same files has "
                "changed; mount it with actimeo=0,lookupcache=none");
    }
}

bool check_mounts(const struct check *k, size_t *passing)
{
    const struct settings *s = &k->settings;
    const struct users *u = &k->users;
    struct rounds r = { .check = k,
                        .passing = passing,
                        .seen = calloc(2 * (u->count + u->shares) + 3,
                                       sizeof(*r.seen)) };
    char users[PATH_MAX], above[PATH_MAX];

    if (!r.seen)
        die(EX_OSERR, "no memory to look at the mounts");
    check_users_path(s, users, above);
    rounds_visit(&r, above, NULL, NULL);
    rounds_visit(&r, s->homes, NULL, NULL);
    rounds_visit(&r, s->shares, NULL, NULL);
    for (size_t i = 0; i < u->shares; i++)
        rounds_visit(&r, u->share[i].path, NULL, NULL);
    for (const struct user *user = u->row; user < u->row + u->count; user++) {
        if (user->locked)
            continue;
        rounds_visit(&r, user->home, user, NULL);
        /* The shares to which the user may write. */
        for (size_t i = 0; i < user->grants; i++) {
            const struct share *share = &u->share[user->grant[i].share];

            if (user->grant[i].rights & RIGHT_WRITE)
                rounds_visit(&r, share->path, user, share);
        }
    }
    for (size_t i = 0; i < r.count; i++)
        if (!r.seen[i].tried && r.seen[i].far)
            stderr_print("warning: %s: check couldn't try its network disk, "
                         "since it can't make a file there: %s",
                         r.seen[i].directory, strerror(r.seen[i].error));
    free(r.seen);
    return r.wrong;
}
