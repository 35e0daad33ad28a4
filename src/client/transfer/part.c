/* Local partial files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "transfer.h"

bool part_is_name(const char *name)
{
    return strncmp(name, PART_PREFIX, strlen(PART_PREFIX)) == 0;
}

/* Number of hexadecimal digits that identify the target and the server's
 * file. */
#define PART_WHICH 16
#define PART_HEAD  (strlen(PART_PREFIX) + PART_WHICH)

static void part_digits(const char *text, char out[PART_WHICH + 1])
{
    unsigned char hash[SHA256_DIGEST_LENGTH];

    SHA256((const unsigned char *)text, strlen(text), hash);
    for (size_t i = 0; i < PART_WHICH / 2; i++)
        snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

#define LARGE_LEAST (1024 * 1024)

/* The partial files of the directory that was read last: they are kept, since a
 * directory can have very many files. The directory is read again after this
 * call has left a partial file. */
static struct {
    pthread_mutex_t lock;
    atomic_bool again;
    struct stat directory;
    struct dirent **file;
    int count;
} parts = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int part_is_entry(const struct dirent *e)
{
    return part_is_name(e->d_name);
}

/* Has an earlier call left this regular file with one name? Then this call has
 * its lock, and its facts. */
static bool part_is_left(int fd, struct stat *st)
{
    return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, st) == 0 &&
           S_ISREG(st->st_mode) && st->st_nlink == 1;
}

/* Removes what a killed call of this user has left if this call can't continue
 * it: the call had made it as read-only as the target, or as root had given it
 * the target's OWNER. A part of any other owner is another user's. */
static bool part_remove_strange(const struct part *p, uid_t owner)
{
    struct stat st, there;
    FD_CLEANUP int fd = openat(p->directory, p->name,
                               O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    return part_is_left(fd, &st) &&
           (st.st_uid == geteuid() ? !(st.st_mode & S_IWUSR)
                                   : st.st_uid == owner) &&
           fstatat(p->directory, p->name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           there.st_ino == st.st_ino && unlinkat(p->directory, p->name, 0) == 0;
}

/* Removes partial files of other states of the same file, since no call resumes
 * them. Keeps a partial file that another call has locked, and everything that
 * isn't a regular file of this user with one name. */
static void part_remove_stale(const struct part *p)
{
    struct stat st = { 0 };

    pthread_mutex_lock(&parts.lock);
    if (fstat(p->directory, &st) < 0 || st.st_ino != parts.directory.st_ino ||
        st.st_dev != parts.directory.st_dev ||
        atomic_exchange(&parts.again, false)) {
        while (parts.count > 0)
            free(parts.file[--parts.count]);
        free(parts.file);
        parts.file = NULL;
        parts.count =
            scandirat(p->directory, ".", &parts.file, part_is_entry, NULL);
        parts.directory = st;
    }
    for (int i = 0; i < parts.count; i++) {
        const char *name = parts.file[i]->d_name;

        if (strncmp(name, p->name, PART_HEAD) != 0 ||
            strcmp(name, p->name) == 0)
            continue;
        FD_CLEANUP int fd = openat(
            p->directory, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (part_is_left(fd, &st) && st.st_uid == geteuid())
            unlinkat(p->directory, name, 0);
    }
    pthread_mutex_unlock(&parts.lock);
}

/* Locks the part, which must be this user's. MADE: this call has made it, so
 * any owner is right, since some disks give all files an owner of their own. */
static int part_lock(struct part *p, const char *target, bool made,
                     struct failure *why)
{
    struct stat st, there;

    /* Ignore other errors: some file systems have no locks. */
    if (flock(p->fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
        return fail(why, EX_TEMPFAIL,
                    "%s: another sallyport is downloading this file", target);
    if (fstat(p->fd, &st) < 0)
        return fail_errno(why, errno, target);
    if (!S_ISREG(st.st_mode) || st.st_nlink != 1 ||
        (!made && st.st_uid != geteuid()) ||
        fstatat(p->directory, p->name, &there, AT_SYMLINK_NOFOLLOW) < 0 ||
        there.st_ino != st.st_ino)
        return fail(why, EX_TEMPFAIL,
                    "%s: its partial file was replaced or changed; try again, "
                    "or remove %s",
                    target, p->name);
    p->length = (uint64_t)st.st_size;
    return 0;
}

/* Refuses a file that doesn't fit, so that this is noticed before the first
 * byte, not after hours. A smaller file may still fit. */
static int part_fits(const struct part *p, const char *target, uint64_t more,
                     struct failure *why)
{
    struct statvfs disk;

    if (more < LARGE_LEAST || fstatvfs(p->fd, &disk) < 0 ||
        disk.f_blocks == 0 || more / disk.f_frsize < disk.f_bavail)
        return 0;
    if (p->length == 0)
        unlinkat(p->directory, p->name, 0);
    return fail(why, EX_CANTCREAT, "%s: %s", target, strerror(ENOSPC));
}

static int part_begin(struct part *p, const char *target,
                      const struct part_source *from, struct failure *why)
{
    char text[2 * PATH_MAX + 1024], which[PART_WHICH + 1];
    char state[PART_WHICH + 1];
    struct stat old, part;
    int len = snprintf(text, sizeof(text), "%s\n%s\n%s", url_base(target),
                       from->server, from->path);

    if (len < 0 || len >= (int)sizeof(text))
        return fail(why, EX_USAGE, "%s: the name is too long", target);
    /* The name contains two hashes of 64 bits: of the target with the server's
     * file, and of the state of the server's file. */
    part_digits(text, which);
    snprintf(text, sizeof(text), "%llu\n%lld", (unsigned long long)from->size,
             (long long)from->modified);
    part_digits(text, state);
    snprintf(p->name, NAME_MAX, PART_PREFIX "%s%s" PART_SUFFIX, which, state);
    const bool secret =
        from->replaces && fstatat(p->directory, url_base(target), &old, 0) == 0;
    /* A kill between link and unlink in part_rename() leaves both names. */
    if (secret && old.st_nlink > 1 &&
        fstatat(p->directory, p->name, &part, AT_SYMLINK_NOFOLLOW) == 0 &&
        part.st_ino == old.st_ino && part.st_dev == old.st_dev)
        unlinkat(p->directory, p->name, 0);
    const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    const mode_t mode = secret ? 0600 : 0666;
    p->fd = openat(p->directory, p->name, flags | O_EXCL, mode);
    const uid_t owner = secret && geteuid() == 0 ? old.st_uid : geteuid();
    if (p->fd < 0 && part_remove_strange(p, owner))
        p->fd = openat(p->directory, p->name, flags | O_EXCL, mode);
    const bool made = p->fd >= 0;
    if (!made)
        p->fd = openat(p->directory, p->name, flags, mode);
    if (p->fd < 0)
        return fail_errno(why, errno, target);
    if (part_lock(p, target, made, why) < 0)
        return -1;
    if (secret && !made && fchmod(p->fd, 0600) < 0)
        return fail_errno(why, errno, target);
    /* For a small file, reading the directory would cost more than the
     * transfer. */
    if (from->size >= LARGE_LEAST)
        part_remove_stale(p);
    if (p->length > from->size || !from->resume) {
        if (p->length > 0 && ftruncate(p->fd, 0) < 0)
            return fail_errno(why, errno, target);
        p->length = 0;
    }
    return part_fits(p, target, from->size - p->length, why);
}

int part_open(struct part *p, const char *target, size_t named,
              const struct part_source *from, struct failure *why)
{
    *p = PART_NONE;
    p->directory = names_open_above(target, named, O_PATH);
    if (p->directory < 0)
        return fail_errno(why, errno, target);
    if (part_begin(p, target, from, why) == 0)
        return 0;
    fd_close(&p->fd);
    fd_close(&p->directory);
    return -1;
}

/* Finds lost writes, which some file systems report only when the file is
 * closed. Closing a copy of the descriptor makes them report, and the lock
 * stays. Returns 0, or -1 with errno. */
static int part_flush(const struct part *p)
{
    int copy = fcntl(p->fd, F_DUPFD_CLOEXEC, 0);

    return copy < 0 ? -1 : close(copy);
}

static void part_drop(struct part *p)
{
    unlinkat(p->directory, p->name, 0);
    p->name[0] = '\0';
}

/* Renames the part, as part_finish() does. */
static int part_rename(struct part *p, const char *target, bool replace,
                       struct failure *why)
{
    const char *base = url_base(target);
    struct stat old;

    if (renameat2(p->directory, p->name, p->directory, base,
                  replace ? 0 : RENAME_NOREPLACE) == 0) {
        p->name[0] = '\0';
        return 0;
    }
    if (errno == EEXIST && !replace)
        return 1;
    if (errno != EINVAL && errno != ENOSYS)
        return fail_errno(why, errno, target);
    /* If the file system has no renameat2 (NFS), use a hard link, which never
     * replaces a file. */
    if (linkat(p->directory, p->name, p->directory, base, 0) == 0) {
        part_drop(p);
        return 0;
    }
    if (errno == EEXIST ||
        fstatat(p->directory, base, &old, AT_SYMLINK_NOFOLLOW) == 0)
        return 1;
    /* Some file systems have neither renameat2 nor hard links. */
    if (renameat(p->directory, p->name, p->directory, base) < 0)
        return fail_errno(why, errno, target);
    p->name[0] = '\0';
    return 0;
}

/* Does the disk ignore the case of names? */
static bool part_folds(const struct part *p)
{
    char other[sizeof(p->name)];
    struct stat st;

    memcpy(other, p->name, sizeof(other));
    other[1] = 'S';
    return fstatat(p->directory, other, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

int part_finish(struct part *p, const char *target, bool replace, bool again,
                time_t when, struct failure *why)
{
    /* So no other file of this command gets the name meanwhile. */
    static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
    const char *base = url_base(target);
    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
                                 { .tv_sec = when } };
    struct stat old, new;

    if (part_flush(p) < 0) {
        fail_errno(why, errno, target);
        part_drop(p);
        return -1;
    }
    if (replace && fstatat(p->directory, base, &old, 0) == 0) {
        /* without the group its bits would be another group's */
        const bool kept = fchown(p->fd, old.st_uid, old.st_gid) == 0 ||
                          fchown(p->fd, (uid_t)-1, old.st_gid) == 0 ||
                          (fstat(p->fd, &new) == 0 && new.st_gid == old.st_gid);

        fchmod(p->fd, old.st_mode & (kept ? 0777 : 0707));
    }
    if (when > 0)
        futimens(p->fd, times);
    pthread_mutex_lock(&one);
    const bool twin = names_twin(target, true);
    bool taken = replace && !again &&
                 fstatat(p->directory, base, &old, AT_SYMLINK_NOFOLLOW) == 0 &&
                 (names_are_kept(&old, target) || (twin && part_folds(p)));
    int r = -1;
    if (taken)
        fail(why, EX_CANTCREAT,
             "%s: on this disk another file of this command has this name; get "
             "one of them under another name",
             target);
    else if (fstat(p->fd, &new) < 0)
        fail_errno(why, errno, target);
    else if (names_keep(&new) < 0)
        fail(why, EX_OSERR, "out of memory");
    else
        r = part_rename(p, target, replace, why);
    pthread_mutex_unlock(&one);
    if (taken)
        part_drop(p);
    return r;
}

void part_close(struct part *p, bool keep)
{
    struct stat st;

    if (p->fd >= 0 && p->name[0] &&
        (!keep || fstat(p->fd, &st) < 0 || st.st_size == 0 ||
         st.st_uid != geteuid() || part_flush(p) < 0))
        part_drop(p);
    if (p->name[0])
        atomic_store(&parts.again, true);
    fd_close(&p->fd);
    fd_close(&p->directory);
}
