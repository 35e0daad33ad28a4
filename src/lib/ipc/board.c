/* The board and the pages of the heartbeat. See board.h. */
#include "sallyport/ipc/board.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/shared.h"

_Static_assert(sizeof(struct board) <= 4096, "it is one page");

int board_make(void)
{
    return shared_make("board", sizeof(struct board));
}

struct board_row *board_find(struct board *b, uint64_t generation)
{
    for (size_t i = 0; i < BOARD_ROWS; i++)
        if (board_get(&b->row[i].generation) == generation)
            return &b->row[i];
    return NULL;
}

bool board_announces_drain(const struct board *b)
{
    return board_get(&b->drains) != 0;
}

bool board_drains(const struct board *b)
{
    const uint64_t begins = board_get(&b->drains);

    return begins > 0 && begins <= clock_ms();
}

bool board_accepts(const struct board *b, uint64_t generation)
{
    return board_get(&b->accepts) == generation;
}

int beat_make(struct beat **ret)
{
    FD_CLEANUP int fd = shared_make("beat", sizeof(**ret));

    *ret = fd < 0 ? NULL : shared_map(fd, sizeof(**ret), PROT_READ);
    return *ret ? fd_take(&fd) : -errno;
}

bool pulse_look(struct pulse *p, uint64_t count, uint64_t ms)
{
    bool counted = count != p->count;

    p->silent = counted ? 0 : p->silent + ms;
    p->count = count;
    return counted;
}
