/* Where a session allocates: beyond what gate has. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#include "gate/memory.h"

#ifndef __SANITIZE_ADDRESS__ /* which has a malloc of its own */
#define PIECES 400

/* Some small, some large. */
static size_t size_of(size_t i)
{
    return 16 + i * 37 % 1500 + i / 100 * 3000;
}

Test(heap, no_hole_is_left)
{
    char *piece[PIECES], *last = NULL;

    for (size_t i = 0; i < PIECES; i++) {
        piece[i] = malloc(size_of(i));
        cr_assert_not_null(piece[i]);
        if (piece[i] > last)
            last = piece[i];
    }
    for (size_t i = 0; i < PIECES; i += 2)
        free(piece[i]);
    heap_fill_holes();
    for (size_t i = 0; i < PIECES; i += 2) {
        piece[i] = malloc(size_of(i));
        cr_expect_gt(piece[i], last, "%zu bytes", size_of(i));
    }
    for (size_t i = 0; i < PIECES; i++)
        free(piece[i]);
}
#endif
