/* Directories read by getdents64(2), in the process files: no malloc, no
 * sorting, and no more memory for 100,000 names than for one. */
#include "directory.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/types.h>

void directory_begin(struct directory *d, int fd)
{
    d->fd = fd;
    d->len = d->at = 0;
}

static int directory_fill(struct directory *d)
{
    ssize_t n = getdents64(d->fd, d->bytes, sizeof(d->bytes));

    if (n < 0)
        return -errno;
    d->len = (size_t)n;
    d->at = 0;
    return n > 0;
}

int directory_next(struct directory *d, const char **name)
{
    for (;;) {
        if (d->at >= d->len) {
            int r = directory_fill(d);
            if (r <= 0)
                return r;
        }
        const struct dirent64 *e = (const void *)(d->bytes + d->at);
        d->at += e->d_reclen;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        *name = e->d_name;
        d->maybe_directory = e->d_type == DT_DIR || e->d_type == DT_UNKNOWN;
        return 1;
    }
}
