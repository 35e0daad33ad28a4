/* The disks of homes and shares, for the metrics. Master never looks at them
 * itself, since a dead disk would block it. Runs in check. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "sallyport/base/fd.h"
#include "sallyport/event/metrics.h"

/* A directory that is missing has no users yet: its gauges are 0. Returns false
 * if a directory that is there can't be looked at. */
static bool disk_measure(struct metrics *m, const char *path, enum gauge size,
                         enum gauge left)
{
    FD_CLEANUP int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct statvfs s = { 0 };
    bool known = fd < 0 ? errno == ENOENT : fstatvfs(fd, &s) == 0;

    metrics_gauge(m, size, (uint64_t)s.f_blocks * s.f_frsize);
    metrics_gauge(m, left, (uint64_t)s.f_bavail * s.f_frsize);
    return known;
}

/* Opens the memory again, for a lock that ends with this process. */
static int disks_lock(int fd)
{
    char path[32];
    int own;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    own = open(path, O_RDONLY | O_CLOEXEC);
    if (own >= 0 && flock(own, LOCK_EX | LOCK_NB) < 0)
        fd_close(&own);
    return own;
}

void disks_measure(const struct settings *s, int fd)
{
    FD_CLEANUP int lock = disks_lock(fd);
    struct metrics *m;

    if (lock < 0 || metrics_map(&m, fd, PROT_READ | PROT_WRITE) < 0)
        return;
    bool known = disk_measure(m, s->homes, GAUGE_HOMES_SIZE, GAUGE_HOMES_FREE);
    known &= disk_measure(m, s->shares, GAUGE_SHARES_SIZE, GAUGE_SHARES_FREE);
    if (known)
        metrics_gauge(m, GAUGE_DISKS_AT, (uint64_t)time(NULL));
    munmap(m, sizeof(*m));
}
