/* The calls that change a name, with the faults and the stops that a test
 * sets. */
#include "renames.h"

#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/syscall.h>

#include "steps.h"
#include "syncs.h"

struct rename_faults rename_faults;

static bool is_bad(const char *to)
{
    bool bad = rename_faults.bad && strstr(to, rename_faults.bad);

    if (bad)
        errno = EINVAL;
    return bad;
}

static bool is_one_too_many(void)
{
    static unsigned calls;

    if (rename_faults.most == 0 || ++calls <= rename_faults.most)
        return false;
    errno = EIO;
    return true;
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to,
              unsigned flags)
{
    if (flags && rename_faults.no_flags)
        return fails(EINVAL);
    if (is_bad(to) || is_one_too_many())
        return -1;
    steps_on_change();
    return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
}

/* Is NAME the name that has this FAULT? */
static bool is_named(const char *fault, const char *name)
{
    return fault && strcmp(fault, name) == 0;
}

/* Sets EIO, clears *ONCE, and returns true if *ONCE is the name TO. */
static bool fails_now(const char **once, const char *to)
{
    if (!is_named(*once, to))
        return false;
    *once = NULL;
    errno = EIO;
    return true;
}

static bool is_repeated(const char *name, int error)
{
    if (is_named(rename_faults.repeated, name))
        errno = error;
    return is_named(rename_faults.repeated, name);
}

static void come_late(int folder, const char *name)
{
    struct open_how how = { .flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                            .mode = 0600 };

    if (!is_named(rename_faults.late, name))
        return;
    rename_faults.late = NULL;
    long fd = syscall(SYS_openat2, folder, name, &how, sizeof(how));
    if (fd >= 0)
        close((int)fd);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to,
           int flags)
{
    if (rename_faults.no_links)
        return fails(EPERM);
    if (is_bad(to) || is_one_too_many() || fails_now(&rename_faults.once, to))
        return -1;
    come_late(to_folder, to);
    steps_on_change();
    int r = (int)syscall(SYS_linkat, from_folder, from, to_folder, to, flags);
    if (r == 0 && rename_faults.dies)
        _exit(77);
    return r == 0 && is_repeated(to, EEXIST) ? -1 : r;
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    if (is_bad(to) || fails_now(&rename_faults.once, to))
        return -1;
    if (is_named(rename_faults.vanishes, to))
        syscall(SYS_unlinkat, from_folder, from, 0);
    come_late(to_folder, to);
    steps_on_change();
    int r = (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, 0u);
    return r == 0 && is_repeated(to, ENOENT) ? -1 : r;
}

int unlinkat(int folder, const char *name, int flags)
{
    steps_on_change();
    clock_on_unlink();
    if (is_named(rename_faults.kept, name))
        return fails(rename_faults.kept_error);
    int r = (int)syscall(SYS_unlinkat, folder, name, flags);

    free_always += r == 0 ? free_per_name : 0;
    return r;
}

static bool needs_another_mode(int fd, int operation)
{
    int mode = fcntl(fd, F_GETFL) & O_ACCMODE;

    return (operation & LOCK_SH && mode == O_WRONLY) ||
           (operation & LOCK_EX && mode == O_RDONLY);
}

int flock(int fd, int operation)
{
    struct stat st;
    bool directory = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);

    if (rename_faults.spared && operation & LOCK_EX &&
        st.st_ino == rename_faults.spared)
        __builtin_trap();
    if (rename_faults.locks_are_lost || (rename_faults.nodes && directory))
        return 0;
    if (rename_faults.modes && !directory && needs_another_mode(fd, operation))
        return fails(EBADF);
    return steps_flock(fd, operation);
}
