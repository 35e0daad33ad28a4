/* Resource limits, set by each process for itself on its way into the cage.
 * A core file would hold keys and passwords, so there is none. */
#include "limits.h"

#include <errno.h>
#include <sys/resource.h>

static int set(__rlimit_resource_t resource, rlim_t value)
{
    struct rlimit limit = { .rlim_cur = value, .rlim_max = value };

    return setrlimit(resource, &limit) ? -errno : 0;
}

/* A parent keeps its hard limit: a child may need more than it does, and
 * without root nobody gets a hard limit back. */
static int set_files(const struct cage_row *row, rlim_t max)
{
    struct rlimit limit;

    if (!row->forks)
        return set(RLIMIT_NOFILE, max);
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return -errno;
    limit.rlim_cur = max;
    if (limit.rlim_max < max)
        limit.rlim_max = max;
    return setrlimit(RLIMIT_NOFILE, &limit) ? -errno : 0;
}

int limits_set(const struct cage_row *row, size_t max_files)
{
    int r = set(RLIMIT_CORE, 0);

    if (r == 0 && !row->forks)
        r = set(RLIMIT_NPROC, 0);
    if (r == 0 && max_files > 0)
        r = set_files(row, max_files);
    return r;
}
