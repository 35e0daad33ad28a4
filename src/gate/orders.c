/* The messages of master while gate works. gate believes master: a message that
 * master may not send is a broken invariant, and ends gate. */
#include <string.h>

#include "gate.h"
#include "handover.h"
#include "orders.h"
#include "sallyport/base/fd.h"
#include "tell.h"

/* A session may have ended while master's message was on its way. */
int orders_on_logged_in(void *owner, struct msg_logged_in *m)
{
    struct child *c = children_find(owner, m->serial);

    if (c)
        child_logged_in(c, m->user);
    return 0;
}

int orders_on_kill(void *owner, struct msg_kill *m)
{
    struct child *c = children_find(owner, m->serial);

    if (c)
        child_kill(c, ENDING_KICKED);
    return 0;
}

int orders_on_stop_accepting(void *owner, struct msg_stop_accepting *m)
{
    struct gate *g = owner;

    (void)m;
    for (size_t i = 0; i < g->listeners; i++)
        acceptor_close(&g->listener[i].acceptor);
    queue_close(g);
    return 0;
}

/* For the next PASV. A client that got the older address may still use it. */
int orders_on_public_address(void *owner, struct msg_public_address *m)
{
    struct gate *g = owner;
    struct public_address *a = settings_public(&g->settings, m->number);

    if (!a || !a->host[0])
        return channel_refuse(&g->frame.master, "the address of no host name");
    a->ip = m->address;
    return 0;
}

int orders_on_open(void *owner, struct msg_open *m)
{
    (void)m;
    gate_open(owner);
    return 0;
}

/* No further message of master is read until all sessions have arrived. */
int orders_on_adopt(void *owner, struct msg_adopt *m)
{
    adopt_begin(owner, fd_take(&m->gate));
    return FRAME_PAUSE;
}

int orders_on_hand_over(void *owner, struct msg_hand_over *m)
{
    struct gate *g = owner;
    int r = handover(g, fd_take(&m->gate));

    if (r == 0)
        loop_stop(&g->frame.loop);
    else
        tell_service(g, "the next gate has not taken over: %s", strerror(-r));
    return FRAME_PAUSE;
}

int orders_on_adopted_gone(void *owner, struct msg_adopted_gone *m)
{
    struct child *c = children_find(owner, m->serial);

    if (c)
        child_adopted_gone(c, (int)m->status);
    return 0;
}

int orders_on_health(void *owner, struct msg_health *m)
{
    (void)m;
    gate_tell_healthy(owner);
    return 0;
}
