/* How many files a user has stored, in the process files: counted at the home,
 * wherever they were stored and whatever became of them. Who counts holds the
 * home's lock. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Most network disks keep the lock of a directory on one machine. There a file
 * is locked in its place. Opened before the sandbox, in which the home may not
 * be writable. Without it no upload can be counted, and others go on. */
int count_open(struct files *f, int home)
{
    if (f->rules.max_files == 0)
        return 0;
    f->counter = resolve_in(home, ".", O_RDONLY | O_DIRECTORY, 0);
    if (f->counter < 0)
        return f->counter;
    owner_note_disk(f, f->counter);
    f->counter_lock =
        f->locks_die
            ? resolve_in(home, COUNT_LOCK,
                         O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
                         0600)
            : f->counter;
    return 0;
}

static int count_begin(const struct files *f)
{
    return f->counter_lock < 0 ? f->counter_lock
                               : lock_directory(f, f->counter_lock);
}

int count_check(const struct files *f, uint64_t *ret)
{
    char text[24];
    int r = 0;

    *ret = 0;
    if (f->counter < 0)
        return 0;
    ssize_t len = fgetxattr(f->counter, STORED_ATTRIBUTE, text, sizeof(text));
    if (len >= 0)
        r = slice_number((struct slice){ text, (size_t)len }, UINT64_MAX, ret);
    else if (errno != ENODATA)
        r = -errno;
    if (r < 0)
        return r;
    return *ret >= f->rules.max_files ? (int)OUTCOME_MAX_FILES : 0;
}

static int count_set(const struct files *f, uint64_t count)
{
    char text[24];
    int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)count);

    return fsetxattr(f->counter, STORED_ATTRIBUTE, text, (size_t)len, 0) < 0
               ? -errno
               : 0;
}

void count_back(const struct files *f)
{
    uint64_t count;

    if (f->counter < 0 || count_begin(f) != 0)
        return;
    count_check(f, &count);
    if (count > 0)
        count_set(f, count - 1);
    lock_release(f->counter_lock);
}

/* No lock is held at the sync: the home's disk may be slow, and not the one of
 * the target. */
int count_one(const struct files *f)
{
    uint64_t count;
    int r = f->counter < 0 ? 0 : count_begin(f);

    if (f->counter < 0 || r != 0)
        return r;
    r = count_check(f, &count);
    if (r == 0)
        r = count_set(f, count + 1);
    lock_release(f->counter_lock);
    if (r == 0 && f->rules.fsync && fsync(f->counter) < 0) {
        r = -errno;
        count_back(f);
    }
    return r;
}
