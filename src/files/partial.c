/* Partials in the process files: names, locks, ends. A lock (flock) belongs to
 * the open file that this process keeps; the session gets another open file of
 * the same partial, so nothing it does gives the lock up. It never follows a
 * link and never touches a file of another user. */
#include "partial.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "resolve.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/secret.h"
#include "state.h"

#define SUFFIX     ".part"
#define PREFIX_LEN (sizeof(PATH_RESERVED) - 1)
#define LOCK_TRIES 16

static void format_name(char out[PARTIAL_NAME_MAX], uint64_t a, uint64_t b)
{
    snprintf(out, PARTIAL_NAME_MAX, "%s%016llx%016llx%s", PATH_RESERVED,
             (unsigned long long)a, (unsigned long long)b, SUFFIX);
}

/* Of user and name only: the folder is where the partial stands, so one that
 * is renamed or brought back from a backup keeps its partials. Two hashes,
 * told apart by their first byte, make 128 bits. */
void partial_name(const struct files *f, const char *name,
                  char out[PARTIAL_NAME_MAX])
{
    char text[1 + 255 + 1 + NAME_MAX + 1];
    uint64_t half[2];
    int len =
        snprintf(text + 1, sizeof(text) - 1, "%.255s%c%s", f->user, 0, name);

    for (int i = 0; i < 2; i++) {
        text[0] = (char)i;
        half[i] = siphash(f->name_key, text, (size_t)len + 1);
    }
    format_name(out, half[0], half[1]);
}

bool partial_is_name(const char *name)
{
    static const char digits[] = "0123456789abcdef";

    return strncmp(name, PATH_RESERVED, PREFIX_LEN) == 0 &&
           strspn(name + PREFIX_LEN, digits) == PARTIAL_DIGITS &&
           strcmp(name + PREFIX_LEN + PARTIAL_DIGITS, SUFFIX) == 0;
}

/* A second name would let somebody read what this upload overwrites. */
bool partial_is_own(const struct files *f, const struct stat *st)
{
    return S_ISREG(st->st_mode) && st->st_uid == f->uid && st->st_nlink == 1;
}

/* One that is begun anew is another inode; one that is written to has another
 * ctime, which no user can set, or length. */
uint64_t partial_state(const struct files *f, const struct stat *st)
{
    const uint64_t facts[] = {
        st->st_dev,
        st->st_ino,
        (uint64_t)st->st_size,
        (uint64_t)st->st_ctim.tv_sec,
        (uint64_t)st->st_ctim.tv_nsec,
    };

    return siphash(f->name_key, facts, sizeof(facts));
}

uint64_t partial_resumable(const struct files *f, int folder, const char *name,
                           struct stat *st)
{
    char partial[PARTIAL_NAME_MAX];

    if (!f->rules.resume)
        return 0;
    partial_name(f, name, partial);
    if (fstatat(folder, partial, st, AT_SYMLINK_NOFOLLOW) < 0 ||
        !partial_is_own(f, st))
        return 0;
    return resume_length((uint64_t)st->st_size);
}

/* Does FD still stand under NAME? Between open and lock its writer may have
 * renamed or deleted it. */
static bool still_there(const struct files *f, int folder, const char *name,
                        int fd)
{
    struct stat there, open;

    return fstat(fd, &open) == 0 && partial_is_own(f, &open) &&
           fstatat(folder, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           there.st_ino == open.st_ino && there.st_dev == open.st_dev;
}

/* Opens and locks it; -EBUSY for one that is locked or isn't ours. */
static int open_locked(const struct files *f, int folder, const char *name,
                       int flags)
{
    for (int tries = 0; tries < LOCK_TRIES; tries++) {
        FD_CLEANUP int fd = resolve_in(
            folder, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | flags,
            flags & O_CREAT ? 0600 : 0);

        if (fd < 0)
            return fd == -ELOOP ? -EBUSY : fd;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
            return errno == EWOULDBLOCK ? -EBUSY : -errno;
        if (still_there(f, folder, name, fd))
            return fd_take(&fd);
    }
    return -EBUSY;
}

int partial_cut(const struct files *f, int folder, const char *name,
                uint64_t state, uint64_t first, struct partial *ret)
{
    struct partial p = { .own = true };
    FD_CLEANUP int fd = -1;
    struct stat st;

    partial_name(f, name, p.name);
    fd = open_locked(f, folder, p.name, 0);
    if (fd < 0)
        return fd == -ENOENT ? -EBUSY : fd;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (partial_state(f, &st) != state)
        return -EBUSY;
    if (ftruncate(fd, (off_t)first) < 0)
        return -errno;
    p.fd = fd_take(&fd);
    *ret = p;
    return 0;
}

int partial_new_random(const struct files *f, int folder, struct partial *ret)
{
    struct partial p = { .own = false };
    uint64_t half[2];

    random_bytes(half, sizeof(half));
    format_name(p.name, half[0], half[1]);
    p.fd = open_locked(f, folder, p.name, O_CREAT | O_EXCL);
    if (p.fd < 0)
        return p.fd;
    *ret = p;
    return 0;
}

/* What is there goes and isn't emptied: a session that wrote it may still have
 * a handle. It stays open and locked until the new one is there, so that this
 * gets another inode and nobody comes in between. */
static int new_own(const struct files *f, int folder, const char *name)
{
    FD_CLEANUP int old = open_locked(f, folder, name, 0);

    if (old < 0 && old != -ENOENT)
        return old;
    if (old >= 0 && unlinkat(folder, name, 0) < 0)
        return -errno;
    int fd = open_locked(f, folder, name, O_CREAT | O_EXCL);
    return fd == -EEXIST ? -EBUSY : fd;
}

int partial_new(const struct files *f, int folder, const char *name,
                struct partial *ret)
{
    struct partial p = { .own = true };

    partial_name(f, name, p.name);
    p.fd = new_own(f, folder, p.name);
    if (p.fd == -EBUSY)
        return partial_new_random(f, folder, ret);
    if (p.fd < 0)
        return p.fd;
    *ret = p;
    return 0;
}

int partial_writer(const struct partial *p, int folder, int mode)
{
    struct stat a, b;
    FD_CLEANUP int fd = resolve_in(
        folder, p->name, mode | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);

    if (fd < 0)
        return fd;
    if (fstat(fd, &a) < 0 || fstat(p->fd, &b) < 0)
        return -errno;
    if (a.st_ino != b.st_ino || a.st_dev != b.st_dev)
        return -EBUSY;
    return fd_take(&fd);
}

void partial_delete(int folder, struct partial *p)
{
    if (p->fd >= 0)
        unlinkat(folder, p->name, 0); /* while it is locked, it is ours */
    fd_close(&p->fd);
}

void partial_end(const struct files *f, int folder, struct partial *p)
{
    struct stat st;

    if (p->fd >= 0 && p->own && f->rules.resume && fstat(p->fd, &st) == 0 &&
        resume_length((uint64_t)st.st_size) > 0)
        fd_close(&p->fd);
    else
        partial_delete(folder, p);
}

int partial_remove(const struct files *f, int folder, const char *name)
{
    FD_CLEANUP int fd = open_locked(f, folder, name, 0);

    if (fd < 0)
        return fd;
    return unlinkat(folder, name, 0) < 0 ? -errno : 0;
}

bool partial_in_use(const struct files *f, int folder, const char *name)
{
    FD_CLEANUP int fd = open_locked(f, folder, name, 0);

    return fd == -EBUSY;
}
