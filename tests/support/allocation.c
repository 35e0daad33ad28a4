/* Replaces the C library's allocator by functions that call it and can fail. */
#include "allocation.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>

static unsigned left;
static bool *failed; /* shared with forks */

void allocation_share(void)
{
    failed = mmap(NULL, sizeof(*failed), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

void allocation_fail(unsigned n)
{
    left = n;
    *failed = false;
}

bool allocation_failed(void)
{
    return *failed;
}

#ifdef __SANITIZE_ADDRESS__

bool allocation_can_fail(void)
{
    return false;
}

#else

bool allocation_can_fail(void)
{
    return true;
}

static bool fails(void)
{
    if (left == 0 || --left > 0)
        return false;
    *failed = true;
    errno = ENOMEM;
    return true;
}

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
    return fails() ? NULL : __libc_realloc(old, size);
}

#endif
