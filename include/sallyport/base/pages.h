/* Whole pages of memory: tables that no fork inherits, and advice for the
 * kernel. */
#ifndef SALLYPORT_BASE_PAGES_H
#define SALLYPORT_BASE_PAGES_H

#include <stdbool.h>
#include <stddef.h>

/* Puts a variable that each process sets among the others of that kind. So an
 * idle process has no page for this variable alone. */
#define IN_DATA __attribute__((section(".data")))
/* Puts a large one at the beginning of a page, so that the page of each of its
 * members is the same in each build. */
#define AT_PAGE __attribute__((aligned(4096)))

/* Gives ADVICE, as for madvise(2), for the whole pages of a block of memory.
 * Its first and last bytes may share their pages with other blocks, and are
 * left out. Returns whether the kernel took it; true if there is no whole page.
 */
bool pages_advise(void *block, size_t size, int advice);

/* Returns N zeroed elements of SIZE bytes, or NULL. No fork inherits them, so a
 * session or a user's process files doesn't know who else is served. Never
 * grows. */
void *pages_new(size_t n, size_t size);
void pages_free(void *p, size_t n, size_t size);

#endif
