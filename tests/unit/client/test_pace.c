/* A rate counts for all threads together, and for many small pieces too. */
#include <criterion/criterion.h>
#include <pthread.h>

#include "client/link/link.h"
#include "sallyport/base/clock.h"

#define RATE  (1024 * 1024)
#define PIECE 4096

/* Moves the bytes of a quarter of a second. */
static void *move(void *of)
{
    (void)of;
    for (size_t i = 0; i < RATE / 4 / PIECE; i++)
        pace_keep(RATE, PIECE);
    return NULL;
}

Test(pace, is_kept_by_all_threads)
{
    uint64_t begin = clock_ms();
    pthread_t other[3];

    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(pthread_create(&other[i], NULL, move, NULL), 0);
    move(NULL);
    for (size_t i = 0; i < 3; i++)
        pthread_join(other[i], NULL);
    cr_expect_geq(clock_ms() - begin, 970);
}

Test(pace, ends_with_an_interrupt)
{
    link_interrupted = 1;
    uint64_t begin = clock_ms();
    pace_keep(1, 1000000);
    cr_expect_lt(clock_ms() - begin, 100000);
}

Test(pace, without_a_limit)
{
    uint64_t begin = clock_ms();

    pace_keep(0, SIZE_MAX);
    cr_expect_lt(clock_ms() - begin, 10000);
    cr_expect_eq(pace_piece(0, 1000000), 1000000);
}

Test(pace, pieces)
{
    cr_expect_eq(pace_piece(1000000, 500000), 100000);
    cr_expect_eq(pace_piece(1000000, 50000), 50000);
    cr_expect_eq(pace_piece(1, 50000), 1024);
    cr_expect_eq(pace_piece(1, 10), 10);
}
