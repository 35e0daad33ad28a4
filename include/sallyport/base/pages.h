/* Whole pages of memory: tables that no fork inherits, and advice for the
 * kernel. */
#ifndef SALLYPORT_BASE_PAGES_H
#define SALLYPORT_BASE_PAGES_H

#include <stdbool.h>
#include <stddef.h>

/* Puts a variable into .data, beside the other variables that each process
 * sets. So an idle process has no page for this variable alone. */
#define IN_DATA __attribute__((section(".data")))
/* Puts a large variable at the beginning of a page, so that the page of each of
 * its members is the same in each build. */
#define AT_PAGE __attribute__((aligned(4096)))

/* Gives ADVICE, as for madvise(2), for the whole pages of a block of memory.
 * Leaves out the first and last bytes, which can share their pages with other
 * blocks. Returns false if the kernel refuses the advice. */
bool pages_advise(void *block, size_t size, int advice);

/* Returns N zeroed elements of SIZE bytes, or NULL. The number of elements is
 * fixed. No fork inherits the elements, so sessions and the processes files
 * have no data about other clients. */
void *pages_new(size_t n, size_t size);
void pages_free(void *p, size_t n, size_t size);

#endif
