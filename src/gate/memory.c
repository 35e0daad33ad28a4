/* The memory that gates of several generations share. Runs in gate. It is
 * mapped before the sandbox closes. No session inherits it, and no core dump
 * contains it. */
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "sallyport/ipc/memory.h"

_Static_assert(sizeof(struct memory) <= GATE_MEMORY, "it doesn't fit");

/* A file that somebody cuts would end gate by SIGBUS. */
static bool is_sealed(int fd)
{
    struct stat s;
    int seals = fcntl(fd, F_GET_SEALS);

    return seals >= 0 && (seals & F_SEAL_SHRINK) && fstat(fd, &s) == 0 &&
           s.st_size >= (off_t)sizeof(struct memory);
}

static void clear(struct memory *m)
{
    m->version = 0;
    fruitless_init(&m->fruitless);
    m->bans = (struct bans){ 0 };
    m->size = sizeof(*m);
    m->version = MEMORY_VERSION;
}

int memory_map(struct memory **ret, int fd)
{
    struct memory *m;
    int error;

    if (!is_sealed(fd))
        return -EINVAL;
    m = mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (m == MAP_FAILED)
        return -errno;
    if (madvise(m, sizeof(*m), MADV_DONTFORK) < 0 ||
        madvise(m, sizeof(*m), MADV_DONTDUMP) < 0) {
        error = errno;
        munmap(m, sizeof(*m));
        return -error;
    }
    if (m->version != MEMORY_VERSION || m->size != sizeof(*m))
        clear(m);
    *ret = m;
    return 0;
}

void memory_unmap(struct memory **m)
{
    if (*m)
        munmap(*m, sizeof(**m));
    *m = NULL;
}
