/* All links share one point in time: when the bytes moved so far are within the
 * rate. */
#include "pace.h"

#include <pthread.h>
#include <time.h>

#include "link.h"
#include "sallyport/base/clock.h"

#define PIECE_LEAST 1024
/* Shorter waits cost more than they help. */
#define AHEAD_US 20000
#define SLICE_US 100000

static pthread_mutex_t pace_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t pace_paid_us;

static uint64_t pace_spend(uint64_t rate, size_t bytes)
{
    uint64_t now = clock_us();

    pthread_mutex_lock(&pace_lock);
    if (pace_paid_us < now)
        pace_paid_us = now;
    pace_paid_us += (uint64_t)((double)bytes * 1e6 / (double)rate);
    uint64_t paid = pace_paid_us;
    pthread_mutex_unlock(&pace_lock);
    return paid;
}

void pace_keep(uint64_t rate, size_t bytes)
{
    if (rate == 0)
        return;
    uint64_t until = pace_spend(rate, bytes), now;
    while (!link_interrupted && (now = clock_us()) + AHEAD_US < until) {
        uint64_t us = until - now < SLICE_US ? until - now : SLICE_US;
        struct timespec t = { .tv_nsec = (long)us * 1000 };

        nanosleep(&t, NULL);
    }
}

size_t pace_piece(uint64_t rate, size_t len)
{
    uint64_t piece = rate / 10 > PIECE_LEAST ? rate / 10 : PIECE_LEAST;

    return rate == 0 || len < piece ? len : (size_t)piece;
}
