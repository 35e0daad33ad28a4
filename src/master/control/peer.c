/* See peer.h. A hostile, slow or dead peer takes up one place and no more. Runs
 * in master. */
#include "peer.h"

#include "core/master.h"

void peer_wait(struct peer *p)
{
    const struct deadlines *d = &p->master->deadlines;
    const uint64_t ms[] = {
        [PEER_IDLE] = p->home.pid > 0 ? d->walk : d->ask,
        [PEER_OPENING] = d->files,
        [PEER_ENDED] = d->kick,
    };

    loop_timer_set(&p->master->loop, &p->timer, ms[p->state]);
}

void peer_end(struct peer *p)
{
    if (p->state == PEER_FREE || p->state == PEER_ENDED)
        return;
    loop_remove(&p->master->loop, &p->watch);
    loop_timer_clear(&p->master->loop, &p->timer);
    channel_close(&p->channel);
    home_close(&p->home);
    p->state = p->home.pid > 0 ? PEER_ENDED : PEER_FREE;
    if (p->state == PEER_ENDED)
        peer_wait(p);
    p->master->hooks.settle(p->master);
}

void peer_sent(struct peer *p, int result)
{
    if (result < 0)
        peer_end(p);
}

void peer_answered(struct peer *p, int result)
{
    peer_sent(p, result);
    if (p->state == PEER_FREE || p->state == PEER_ENDED)
        return;
    p->state = PEER_IDLE;
    p->channel.phase = PHASE_IDLE;
    peer_wait(p);
}

void peer_refuse(struct peer *p, enum refusal why, const char *words)
{
    peer_answered(p, SEND(&p->channel, control_refused, p->request,
                          .refusal = why, .why = slice_from(words)));
}
