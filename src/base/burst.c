/* A burst and then a rate, see the header. Pure: the time is an argument. */
#include "sallyport/base/burst.h"

static void burst_refill(struct burst *b, uint64_t each, uint64_t now)
{
    uint64_t more = (now - b->since) / each;

    b->used = more < b->used ? b->used - (unsigned)more : 0;
    b->since += more * each;
}

uint64_t burst_take(struct burst *b, unsigned most, uint64_t each, uint64_t now)
{
    burst_refill(b, each, now);
    if (b->used == 0)
        b->since = now;
    if (b->used == most)
        return b->since + each - now;
    b->used++;
    return 0;
}
