/* Tries whether a file system can do what the server needs, with two files in a
 * directory, which no client can see or make. Runs in check. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/ftp/path.h"

#define NEW_FILE  (O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW)
#define ATTRIBUTE "user.sallyport.check"
/* The name of a partial, with random digits: if this process is killed,
 * retention removes the file. */
#define NAME PATH_RESERVED "%016" PRIx64 "%016" PRIx64 ".temp"

struct probe {
    int directory, fd;         /* descriptors: of the directory, and of the file
                                * ONE */
    char one[64], another[64]; /* names; ANOTHER is free between two trials */
};

/* A trial returns 0, or an errno that says what is missing. */
typedef int probe_trial(struct probe *p);

static int probe_lock(struct probe *p)
{
    return flock(p->fd, LOCK_EX | LOCK_NB) < 0 ? errno : 0;
}

/* Checks that a second descriptor doesn't get the lock that the first
 * descriptor has. */
static int probe_lock_excludes(struct probe *p)
{
    FD_CLEANUP int second =
        openat(p->directory, p->one, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

    if (second < 0)
        return errno;
    return flock(second, LOCK_EX | LOCK_NB) == 0 ? EEXIST : 0;
}

/* Returns true if LINE of /proc/locks is a lock of this process on INODE. In
 * "1: FLOCK ADVISORY WRITE 4711 00:2f:17 0 EOF" the device and the inode (17)
 * follow the process 4711. */
static bool probe_is_own_lock(struct slice line, ino_t inode)
{
    struct slice word, field[6], device;
    uint64_t process, number;
    size_t n = 0;

    while (n < 6 && slice_cut(&line, ' ', &word))
        if (word.len > 0)
            field[n++] = word;
    if (n < 6)
        return false;
    slice_cut(&field[5], ':', &device);
    slice_cut(&field[5], ':', &device);
    return slice_equal(field[1], SLICE("FLOCK")) &&
           slice_number(field[4], INT32_MAX, &process) == 0 &&
           slice_number(field[5], UINT64_MAX, &number) == 0 &&
           (pid_t)process == getpid() && number == inode;
}

/* Checks that other machines see the lock. If FUSE doesn't pass a lock on to
 * its file system, the kernel keeps the lock itself, and lists it. Doesn't
 * check the kernel's own network file systems, since the kernel also lists the
 * locks that these file systems pass on. */
static int probe_lock_is_shared(struct probe *p)
{
    struct statfs disk;
    struct stat st;
    FILE *locks;
    char line[256];
    bool kept = false;

    if (fstatfs(p->fd, &disk) < 0 || fstat(p->fd, &st) < 0)
        return errno;
    if (disk.f_type != FUSE_SUPER_MAGIC ||
        !(locks = fopen("/proc/locks", "re")))
        return 0;
    while (!kept && fgets(line, sizeof(line), locks))
        kept = probe_is_own_lock(slice_from(line), st.st_ino);
    fclose(locks);
    return kept ? ENOLCK : 0;
}

static int probe_attributes(struct probe *p)
{
    char value = '\0';

    if (fsetxattr(p->fd, ATTRIBUTE, "1", 1, XATTR_CREATE) < 0 ||
        fgetxattr(p->fd, ATTRIBUTE, &value, 1) < 0)
        return errno;
    if (value != '1')
        return EPROTO;
    /* The second XATTR_CREATE must fail. */
    return fsetxattr(p->fd, ATTRIBUTE, "2", 1, XATTR_CREATE) == 0 ? EPROTO : 0;
}

static bool probe_renames(struct probe *p)
{
    return renameat2(p->directory, p->one, p->directory, p->another,
                     RENAME_NOREPLACE) == 0 &&
           renameat(p->directory, p->another, p->directory, p->one) == 0;
}

/* Checks that a file can get a name without replacing another file: by a link,
 * or by renameat2(2). */
static int probe_names(struct probe *p)
{
    return (linkat(p->directory, p->one, p->directory, p->another, 0) == 0 &&
            unlinkat(p->directory, p->another, 0) == 0) ||
                   probe_renames(p)
               ? 0
               : EOPNOTSUPP;
}

/* Returns true if the name ONE leads to the new file FD, and the name ANOTHER
 * is gone. SEEN_BY is the descriptor of the directory through which this
 * process has seen the old file. */
static bool probe_is_new(const struct probe *p, int seen_by, int fd)
{
    struct stat now, wanted;
    char byte = '\0';
    FD_CLEANUP int opened =
        openat(seen_by, p->one, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    return opened >= 0 && fstat(opened, &now) == 0 && fstat(fd, &wanted) == 0 &&
           now.st_ino == wanted.st_ino && read(opened, &byte, 1) == 1 &&
           byte == '2' &&
           faccessat(seen_by, p->another, F_OK,
                     AT_SYMLINK_NOFOLLOW | AT_EACCESS) < 0 &&
           errno == ENOENT;
}

static int probe_is_fresh(struct probe *p)
{
    FD_CLEANUP int seen_by =
        openat(p->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    FD_CLEANUP int fd = openat(p->directory, p->another, NEW_FILE, 0600);
    struct stat old;

    if (seen_by < 0 || fd < 0 || fstatat(seen_by, p->one, &old, 0) < 0 ||
        write(fd, "2", 1) != 1 ||
        renameat(p->directory, p->another, p->directory, p->one) < 0)
        return errno;
    return probe_is_new(p, seen_by, fd) ? 0 : ESTALE;
}

/* Checks that a new file gets its user's uid: some disks give all files another
 * owner. */
static int probe_owner(struct probe *p)
{
    struct stat st;

    if (fstat(p->fd, &st) < 0)
        return errno;
    return st.st_uid == geteuid() ? 0 : EOWNERDEAD;
}

/* Checks that a rename keeps the inode: rclone's mount makes the inode from the
 * path. */
static int probe_inode(struct probe *p)
{
    struct stat before, after;

    if (fstatat(p->directory, p->one, &before, 0) < 0 ||
        renameat(p->directory, p->one, p->directory, p->another) < 0 ||
        fstatat(p->directory, p->another, &after, 0) < 0 ||
        renameat(p->directory, p->another, p->directory, p->one) < 0)
        return errno;
    return before.st_ino == after.st_ino ? 0 : ESTALE;
}

static const struct {
    probe_trial *try;
    struct probe_loss loss;
} probe_trials[] = {
    { probe_owner,
      { true, "gives new files another owner",
        "each upload gets 550; change its mount (uid=, all_squash)" } },
    { probe_inode,
      { false, "gives a file another inode with its new name",
        "uploads onto a taken name, REST, APPE and renames get 451 or 553; use "
        "another file system" } },
    { probe_lock,
      { true, "has no locks",
        "two uploads of one name can mix their bytes; mount it with locks" } },
    { probe_lock_excludes,
      { true, "grants one lock twice",
        "two uploads of one name can mix their bytes; mount it with locks" } },
    { probe_lock_is_shared,
      { false, "keeps locks on this machine",
        "another server on the same files doesn't see them; use a file system "
        "or mount options that share them, if there is one" } },
    { probe_attributes,
      { false, "has no extended attributes that only one can set",
        "unfinished uploads aren't resumed; mount it with user_xattr, or use "
        "another file system (NFS: 4.2)" } },
    { probe_names,
      { false, "can neither link files nor rename without replacing",
        "an upload onto a name that is taken gets 553 unless on_conflict = "
        "overwrite; use another file system" } },
    { probe_is_fresh,
      { true, "shows an old file after a rename",
        "users and files can be lost; turn its caches off" } },
};

int probe_directory(int directory, probe_report *report, void *owner)
{
    uint64_t number;
    struct probe p = { .directory = directory };

    random_bytes(&number, sizeof(number));
    snprintf(p.one, sizeof(p.one), NAME, number, UINT64_C(1));
    snprintf(p.another, sizeof(p.another), NAME, number, UINT64_C(2));
    FD_CLEANUP int fd = openat(directory, p.one, NEW_FILE, 0600);
    if (fd < 0)
        return -errno;
    p.fd = fd;
    for (size_t i = 0; i < sizeof(probe_trials) / sizeof(probe_trials[0]);
         i++) {
        int error = probe_trials[i].try(&p);

        if (error)
            report(owner, &probe_trials[i].loss, error);
        unlinkat(directory, p.another, 0);
    }
    unlinkat(directory, p.one, 0);
    return 0;
}
