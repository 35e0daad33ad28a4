/* The calls with the faults of syncs.h. */
#include "syncs.h"

#include <stdarg.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include "renames.h"
#include "steps.h"
#include "support/test.h"
#include "support/wait.h"

#define CALLS_MAX 4096

bool sync_directories_fail;
unsigned sync_fails_at;
int sync_error = EIO;
const char *look_fails;
bool marks_fail;
int mark_error;
bool marks_repeat;
int lease_error;
long disk_type;
uid_t disk_owner;
uint64_t free_at_first;
uint64_t free_always, free_per_name;
time_t time_ahead;
long clock_jumps, unlinks_last;
bool directories_endless;

static char *calls;
static long clock_ahead; /* ms */

void clock_on_unlink(void)
{
    clock_ahead += unlinks_last;
}

void sync_calls_begin(void)
{
    if (!calls)
        calls = mmap(NULL, CALLS_MAX, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(calls, MAP_FAILED);
    memset(calls, 0, CALLS_MAX);
}

const char *sync_calls(void)
{
    return calls;
}

static void note(char call)
{
    size_t len = calls ? strlen(calls) : CALLS_MAX;

    if (len + 1 < CALLS_MAX)
        calls[len] = call;
}

int fails(int error)
{
    errno = error;
    return -1;
}

static bool is_folder(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) &&
           !(fcntl(fd, F_GETFL) & O_PATH);
}

static bool fails_now(char call)
{
    static unsigned syncs;

    note(call);
    return sync_fails_at > 0 && ++syncs == sync_fails_at;
}

static volatile struct {
    bool wait, waits;
} *sync_gate;

void sync_directories_wait(void)
{
    sync_gate = mmap(NULL, sizeof(*sync_gate), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(sync_gate, MAP_FAILED);
    sync_gate->wait = true;
}

void sync_directories_go_on(void)
{
    sync_gate->wait = false;
}

static bool sync_is_waiting(void *gate)
{
    (void)gate;
    return sync_gate->waits;
}

void sync_directories_expect(void)
{
    cr_assert(wait_until(sync_is_waiting, NULL, WAIT_MS));
}

/* Waits in a loop, since the sandbox permits no call that sleeps. */
static void sync_pass_gate(void)
{
    while (sync_gate && sync_gate->wait)
        sync_gate->waits = true;
}

int fsync(int fd)
{
    if (is_folder(fd))
        sync_pass_gate();
    if (is_folder(fd) ? sync_directories_fail : fails_now('s'))
        return fails(sync_error);
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    if (fails_now('d'))
        return fails(sync_error);
    return (int)syscall(SYS_fdatasync, fd);
}

int fsetxattr(int fd, const char *name, const void *value, size_t size,
              int flags)
{
    if (strcmp(name, "user.sallyport.name") != 0 &&
        strcmp(name, "user.sallyport.directory") != 0)
        note(strcmp(name, "user.sallyport.reported") == 0 ? 'r' : 'm');
    if (marks_fail || mark_error)
        return fails(mark_error ? mark_error : EOPNOTSUPP);
    int r = (int)syscall(SYS_fsetxattr, fd, name, value, size, flags);
    if (r == 0 && marks_repeat && flags & XATTR_CREATE)
        return fails(EEXIST);
    return r;
}

int fstatat(int fd, const char *restrict name, struct stat *restrict ret,
            int flags)
{
    if (look_fails && strcmp(name, look_fails) == 0)
        return fails(EIO);
    int r = (int)syscall(SYS_newfstatat, fd, name, ret, flags);
    if (r < 0 && errno == ENOENT) {
        steps_on_miss();
        return fails(ENOENT);
    }
    return r;
}

int statx(int fd, const char *restrict name, int flags, unsigned mask,
          struct statx *restrict ret)
{
    if (look_fails && strcmp(name, look_fails) == 0)
        return fails(EIO);
    int r = (int)syscall(SYS_statx, fd, name, flags, mask, ret);
    if (r == 0 && disk_owner && S_ISREG(ret->stx_mode))
        ret->stx_uid = disk_owner;
    return r;
}

int ftruncate(int fd, off_t length)
{
    note('t');
    return (int)syscall(SYS_ftruncate, fd, length);
}

time_t time(time_t *ret)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (ret)
        *ret = now.tv_sec + time_ahead;
    return now.tv_sec + time_ahead;
}

int clock_gettime(clockid_t clock, struct timespec *ret)
{
    static struct timespec stood;
    int r = (int)syscall(SYS_clock_gettime, clock, ret);

    if (clock != CLOCK_MONOTONIC)
        return r;
    if (stood.tv_sec == 0)
        stood = *ret;
    if (clock_jumps < 0)
        *ret = stood;
    else
        ret->tv_sec += (clock_ahead += clock_jumps) / 1000;
    return r;
}

ssize_t getdents64(int fd, void *into, size_t size)
{
    if (directories_endless)
        lseek(fd, 0, SEEK_SET);
    return syscall(SYS_getdents64, fd, into, size);
}

int fcntl(int fd, int command, ...)
{
    va_list list;

    va_start(list, command);
    long argument = va_arg(list, long);
    va_end(list);
    if ((command == F_SETLEASE || command == F_OFD_SETLK) && lease_error)
        return fails(lease_error);
    return (int)syscall(SYS_fcntl, fd, command, argument);
}

int fstatfs(int fd, struct statfs *ret)
{
    int r = (int)syscall(SYS_fstatfs, fd, ret);

    if (r == 0 && disk_type)
        ret->f_type = disk_type;
    return r;
}

int fstatvfs(int fd, struct statvfs *ret)
{
    static bool asked;
    struct statfs disk;

    if (fstatfs(fd, &disk) < 0)
        return -1;
    *ret = (struct statvfs){
        .f_bsize = (unsigned long)disk.f_bsize,
        .f_frsize = (unsigned long)disk.f_frsize,
        .f_blocks = disk.f_blocks,
        .f_bfree = disk.f_bfree,
        .f_bavail = disk.f_bavail,
    };
    if (free_at_first > 0 && !asked)
        ret->f_bavail = free_at_first / ret->f_frsize;
    if (free_always > 0)
        ret->f_bavail = free_always / ret->f_frsize;
    asked = true;
    return 0;
}
