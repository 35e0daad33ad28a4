/* Tells the kernel how whole pages of memory are used. */
#include "sallyport/base/pages.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

bool pages_advise(void *block, size_t size, int advice)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE),
                    begin = ((uintptr_t)block + page - 1) & ~(page - 1),
                    end = ((uintptr_t)block + size) & ~(page - 1);

    return begin >= end || madvise((void *)begin, end - begin, advice) == 0;
}
