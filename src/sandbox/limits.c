/* Resource limits. Each process sets its own on the way into its sandbox. There
 * is no core file, since it would contain keys and passwords. */
#include "limits.h"

#include <errno.h>
#include <sys/resource.h>

static int set(__rlimit_resource_t resource, rlim_t value)
{
    struct rlimit limit = { .rlim_cur = value, .rlim_max = value };

    return setrlimit(resource, &limit) ? -errno : 0;
}

/* A parent keeps its hard limit: a child may need more than the parent, and
 * without root a lowered hard limit stays. */
static int set_files(const struct sandbox_row *row, rlim_t max)
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

int limits_set(const struct sandbox_row *row, size_t max_files)
{
    int r = set(RLIMIT_CORE, 0);

    if (r == 0 && !row->forks)
        r = set(RLIMIT_NPROC, 0);
    if (r == 0 && max_files > 0)
        r = set_files(row, max_files);
    return r;
}
