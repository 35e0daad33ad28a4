/* Whole pages of memory. See pages.h. */
#include "sallyport/base/pages.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sallyport/base/shared.h"

bool pages_advise(void *block, size_t size, int advice)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE),
                    begin = ((uintptr_t)block + page - 1) & ~(page - 1),
                    end = ((uintptr_t)block + size) & ~(page - 1);

    return begin >= end || madvise((void *)begin, end - begin, advice) == 0;
}

void *pages_new(size_t n, size_t size)
{
    size_t bytes;

    return __builtin_mul_overflow(n, size, &bytes)
               ? NULL
               : shared_map(-1, bytes, PROT_READ | PROT_WRITE);
}

void pages_free(void *p, size_t n, size_t size)
{
    shared_unmap(p, n * size);
}
