/* Memory that processes share. It is mapped before a sandbox closes. */
#include "sallyport/base/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

int shared_make(const char *name, size_t size)
{
    FD_CLEANUP int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0 || ftruncate(fd, (off_t)size) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return -errno;
    return fd_take(&fd);
}

/* A file that somebody cuts would end this process by SIGBUS. */
static bool is_sealed(int fd, size_t size)
{
    struct stat s;
    int seals = fcntl(fd, F_GET_SEALS);

    return seals >= 0 && (seals & F_SEAL_SHRINK) && fstat(fd, &s) == 0 &&
           s.st_size >= (off_t)size;
}

int shared_map(int fd, size_t size, int protection, void **ret)
{
    int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    void *p;
    int error;

    if (fd >= 0 && !is_sealed(fd, size))
        return -EINVAL;
    p = mmap(NULL, size, protection, flags, fd, 0);
    if (p == MAP_FAILED)
        return -errno;
    if (madvise(p, size, MADV_DONTFORK) < 0 ||
        madvise(p, size, MADV_DONTDUMP) < 0) {
        error = errno;
        munmap(p, size);
        return -error;
    }
    *ret = p;
    return 0;
}
