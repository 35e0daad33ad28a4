/* Tables that a fork doesn't inherit. Runs in gate only. Code in a forked child
 * must not touch a table: it would die of SIGSEGV, on purpose. */
#include "table.h"

#include <sys/mman.h>

void *table_new(size_t n, size_t size)
{
    size_t bytes;
    void *p;

    if (__builtin_mul_overflow(n, size, &bytes) || bytes == 0)
        return NULL;
    p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
             -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    if (madvise(p, bytes, MADV_DONTFORK) < 0) {
        munmap(p, bytes);
        return NULL;
    }
    return p;
}

void table_free(void *table, size_t n, size_t size)
{
    if (table)
        munmap(table, n * size);
}

size_t table_buckets(size_t n)
{
    size_t buckets = 1;

    while (buckets < n)
        buckets *= 2;
    return buckets;
}
