/* Deletes the partials of a directory that contains nothing else, for RMD, in
 * the process files: no client can see or delete them, so they must not prevent
 * the removal. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static bool sweep_is_of_other(const struct files *f, const struct mount *m,
                              int fd, const char *name, const struct stat *st)
{
    return m->share && S_ISREG(st->st_mode) &&
           (!partial_is_own(f, st) || partial_is_of_other(f, fd, name));
}

/* Checks that FD contains only partials. A partial of another user can't be
 * locked, so only its age tells whether it has a writer. Returns 0; -ENOTEMPTY:
 * something else is there; OUTCOME_OTHERS_PARTIALS: another user's partial may
 * have a writer; or another -errno. */
static int sweep_only_partials(const struct files *f, const struct mount *m,
                               int fd)
{
    struct directory d;
    const char *name;
    struct stat st;
    int r, busy = 0;

    directory_begin(&d, fd);
    while ((r = directory_next(&d, &name)) == 1) {
        if (strcmp(name, LOCK_FILE) == 0)
            continue;
        if (!partial_is_name(name))
            return -ENOTEMPTY;
        if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            sweep_is_of_other(f, m, fd, name, &st) &&
            st.st_ctime > time(NULL) - PARTIAL_UNTOUCHED_S)
            busy = OUTCOME_OTHERS_PARTIALS;
    }
    return r < 0 ? r : busy;
}

int sweep_all(const struct files *f, const struct mount *m, int fd)
{
    struct directory d;
    const char *name;
    struct stat st;
    int r = sweep_only_partials(f, m, fd);

    if (r != 0)
        return r;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return -errno;
    directory_begin(&d, fd);
    while ((r = directory_next(&d, &name)) == 1) {
        if (strcmp(name, LOCK_FILE) == 0 ||
            fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        const bool others = sweep_is_of_other(f, m, fd, name, &st);
        if (others && st.st_ctime > time(NULL) - PARTIAL_UNTOUCHED_S)
            continue;
        if (others && !partial_is_own(f, &st))
            unlinkat(fd, name, 0);
        else
            partial_remove(f, fd, name, 0, 0);
    }
    if (r < 0 || lseek(fd, 0, SEEK_SET) < 0)
        return r < 0 ? r : -errno;
    /* Removes the lock file last, and only if nothing else is left: a session
     * that has the lock has another file in this directory. */
    directory_begin(&d, fd);
    while ((r = directory_next(&d, &name)) == 1)
        if (strcmp(name, LOCK_FILE) != 0)
            return -ENOTEMPTY;
    return r < 0 || unlinkat(fd, LOCK_FILE, 0) == 0 || errno == ENOENT ? r
                                                                       : -errno;
}
