/* Removes a home and all that is in it, as root, while its user may still
 * change it. It resolves no path twice, follows no link and enters no mount.
 * Deep directories are first moved up, so that depth needs no descriptors. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

#include "ctl.h"
#include "home.h"

#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define DEPTH_MAX       32
#define ROUNDS_MAX      100000

struct purge {
    int top_fd;     /* the home */
    unsigned moved; /* number of directories moved up */
    bool changed;   /* something was removed or moved in this round */
};

static int empty_directory(struct purge *p, int fd, unsigned depth);

/* Too deep: moves the directory up into the home, for the next round. */
static int move_up(struct purge *p, int directory, const char *name)
{
    char to[64];

    snprintf(to, sizeof(to), ".sallyport-purge-%d-%u", (int)getpid(),
             p->moved++);
    p->changed = true;
    return renameat(directory, name, p->top_fd, to) ? -errno : 0;
}

/* Only the kernel can detect each mount: one by mount --bind can have the
 * home's own device number. */
static int enter_directory(int directory, const char *name)
{
    const struct open_how how = { .flags = DIRECTORY_FLAGS,
                                  .resolve = RESOLVE_NO_XDEV };
    long fd = syscall(SYS_openat2, directory, name, &how, sizeof(how));

    return fd < 0 ? -errno : (int)fd;
}

static int remove_directory(struct purge *p, int directory, const char *name,
                            unsigned depth)
{
    FD_CLEANUP int fd = enter_directory(directory, name);
    int r;

    if (fd < 0)
        return fd;
    if (depth == DEPTH_MAX)
        return move_up(p, directory, name);
    r = empty_directory(p, fd, depth + 1);
    if (r)
        return r;
    if (unlinkat(directory, name, AT_REMOVEDIR))
        return errno == ENOTEMPTY ? 0 : -errno; /* the next round removes it */
    p->changed = true;
    return 0;
}

static int remove_entry(struct purge *p, int directory, const char *name,
                        unsigned depth)
{
    if (unlinkat(directory, name, 0) == 0) {
        p->changed = true;
        return 0;
    }
    if (errno == EISDIR || errno == EPERM)
        return remove_directory(p, directory, name, depth);
    return errno == ENOENT ? 0 : -errno;
}

static int empty_directory(struct purge *p, int fd, unsigned depth)
{
    int copy = openat(fd, ".", DIRECTORY_FLAGS); /* closedir() closes it */
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    const struct dirent *entry;
    int r = 0;

    if (!dir) {
        r = -errno;
        fd_close(&copy);
        return r;
    }
    while (r == 0 && (entry = readdir(dir))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        r = remove_entry(p, fd, entry->d_name, depth);
        if (r == -ENOENT)
            r = 0; /* the user was faster */
    }
    closedir(dir);
    return r;
}

/* Repeats until the home is gone. Each round removes or moves something. */
static int purge_rounds(struct purge *p, int parent, const char *name)
{
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        int r;

        p->changed = false;
        r = empty_directory(p, p->top_fd, 0);
        if (r)
            return r;
        if (unlinkat(parent, name, AT_REMOVEDIR) == 0)
            return 0;
        if (errno != ENOTEMPTY || !p->changed)
            return -errno;
    }
    return -ENOTEMPTY;
}

static int purge_refuse(struct complaint *c, const char *home, const char *why)
{
    complain(c, "%s was not removed: %s", home, why);
    return EX_CANTCREAT;
}

static int refuse_error(struct complaint *c, const char *home, int error)
{
    if (error == EXDEV)
        return purge_refuse(c, home,
                            "something is mounted in it; unmount that first "
                            "(findmnt shows it)");
    return purge_refuse(c, home, strerror(error));
}

static int check_home(const struct purge *p, uid_t uid, const char *home,
                      struct complaint *c)
{
    uid_t owner = geteuid() == 0 ? uid : geteuid();
    struct stat st;
    int r;

    if (fstat(p->top_fd, &st))
        return refuse_error(c, home, errno);
    if (st.st_uid != owner)
        return purge_refuse(c, home,
                            "it belongs to another uid; look at it first");
    /* Checked here so that nothing is removed at all. Later the kernel checks
     * each directory. */
    r = mounts_within(p->top_fd);
    return r ? refuse_error(c, home, -r) : 0;
}

int purge_home(const char *home, const char *homes, uid_t uid,
               struct complaint *c)
{
    const char *name = strrchr(home, '/') + 1;
    FD_CLEANUP int parent = -1;
    FD_CLEANUP int top = -1;
    struct purge p;
    int r;

    if (!home_beneath(home, homes) || !strcmp(home, homes))
        return purge_refuse(c, home,
                            "it isn't beneath the directory \"homes\"");
    parent = home_open_parent(home, homes);
    if (parent < 0)
        return refuse_error(c, home, -parent);
    top = openat(parent, name, DIRECTORY_FLAGS);
    if (top < 0)
        return refuse_error(c, home, errno);
    p = (struct purge){ .top_fd = top };
    r = check_home(&p, uid, home, c);
    if (r)
        return r;
    r = purge_rounds(&p, parent, name);
    return r ? refuse_error(c, home, -r) : 0;
}
