/* Folders read by getdents64(2), in the process files: no malloc, no sorting,
 * and no more memory for 100,000 names than for one. */
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/types.h>

void folder_begin(struct folder *d, int fd)
{
    d->fd = fd;
    d->len = d->at = 0;
}

static int fill(struct folder *d)
{
    ssize_t n = getdents64(d->fd, d->bytes, sizeof(d->bytes));

    if (n < 0)
        return -errno;
    d->len = (size_t)n;
    d->at = 0;
    return n > 0;
}

int folder_next(struct folder *d, const char **name)
{
    for (;;) {
        if (d->at >= d->len) {
            int r = fill(d);
            if (r <= 0)
                return r;
        }
        const struct dirent64 *e = (const void *)(d->bytes + d->at);
        d->at += e->d_reclen;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        *name = e->d_name;
        d->maybe_folder = e->d_type == DT_DIR || e->d_type == DT_UNKNOWN;
        return 1;
    }
}
