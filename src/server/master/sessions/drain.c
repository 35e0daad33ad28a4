/* The command "sallyportctl drain". During a drain the service takes no new
 * sessions, and each session ends after its transfer. "drain --off" or a
 * restart of the service ends the drain; a reload or a crash doesn't. The board
 * has the time at which the drain begins. Gate reads this time for each client.
 * All masters share it, since the leading master can get the order while the
 * next generation starts. Runs in master. */
#include "sallyport/base/clock.h"
#include "sessions.h"

bool drain_is_on(const struct master *m)
{
    return m->board && board_drains(m->board);
}

uint64_t drain_begins(const struct master *m)
{
    return m->board ? board_get(&m->board->drains) : 0;
}

/* A session that begins later gets the order from gate_on_session(). */
void drain_follow(void *master)
{
    struct master *m = master;
    const uint64_t begins = drain_begins(m), now = clock_ms();

    if (m->state != MASTER_RUNNING)
        return;
    if (drain_is_on(m)) {
        SESSIONS_EACH(m->sessions, s)
            session_finish(s);
    } else if (begins > 0) {
        m->drain.on_timer = drain_follow; /* the timer may be armed already */
        m->drain.owner = m;
        loop_timer_set(&m->loop, &m->drain, begins > now ? begins - now : 0);
    }
}

/* If an earlier beginning is set already, the drain begins at that time. */
void drain_set(struct master *m, enum drain_order order, uint64_t ms)
{
    const uint64_t before = drain_begins(m), begins = clock_ms() + ms;

    if (order == DRAIN_OFF)
        board_set(&m->board->drains, 0);
    else if (before == 0 || begins < before)
        board_set(&m->board->drains, begins);
    drain_follow(m);
}
