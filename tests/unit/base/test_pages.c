/* Advice about a block: its whole pages, and no byte beside them. */
#include "sallyport/base/pages.h"
#include "support/test.h"

Test(pages, only_whole_ones)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), size = 4 * page;
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    cr_assert_neq(p, MAP_FAILED);
    memset(p, 'x', size);
    cr_expect(pages_advise(p + 1, page, MADV_DONTNEED), "no whole page");
    cr_expect(pages_advise(NULL, 0, MADV_DONTNEED));
    cr_expect(pages_advise(p + 1, 3 * page, MADV_DONTNEED));
    for (size_t i = 0; i < size; i++)
        cr_assert_eq(p[i], i < page || i >= 3 * page ? 'x' : '\0', "%zu", i);
    cr_expect_not(pages_advise(p, size, -1), "no advice");
    munmap(p, size);
}
