/* What master says while gate works. Master is believed: a message of it that
 * breaks the list is a broken invariant, and the end of gate. */
#include <errno.h>
#include <sysexits.h>

#include "gate.h"
#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"
#include "tell.h"

static int on_log(void *owner, struct packet *p)
{
    struct gate *g = owner;

    tell_open(g, fd_take(&p->fd[0]));
    return 0;
}

static int on_keys(void *owner, struct packet *p)
{
    return gate_sign_by(owner, fd_take(&p->fd[0]));
}

/* A session may have ended while master's message was on its way. */
static int on_logged_in(void *owner, struct packet *p)
{
    struct child *c = child_find(owner, p->value[0].number);

    if (c)
        child_logged_in(c, p->value[1].number);
    return 0;
}

static int on_kill(void *owner, struct packet *p)
{
    struct child *c = child_find(owner, p->value[0].number);

    if (c)
        child_kill(c, ENDING_KICKED);
    return 0;
}

static int on_close_door(void *owner, struct packet *p)
{
    struct gate *g = owner;

    (void)p;
    for (size_t i = 0; i < g->listeners; i++)
        door_close(&g->listener[i].door);
    queue_close(g);
    return 0;
}

/* For the next PASV; who was told another one before may come by that. */
int gate_told(struct gate *g, const struct packet *p)
{
    struct public_address *a =
        settings_public(&g->settings, p->value[0].number);

    if (!a || !a->host[0]) {
        g->master.wrong = "the address of no host name";
        return -EPROTO;
    }
    a->ip = p->value[1].address;
    return 0;
}

static int on_told(void *owner, struct packet *p)
{
    struct gate *g = owner;

    return gate_told(g, p);
}

static const struct handler handlers[] = {
    { MSG_LOG, on_log },
    { MSG_KEYS, on_keys },
    { MSG_LOGGED_IN, on_logged_in },
    { MSG_KILL, on_kill },
    { MSG_TOLD, on_told },
    { MSG_CLOSE_DOOR, on_close_door },
    { MSG_CONF, reload_on_conf },
    { MSG_CERTIFICATE, reload_on_certificate },
    { MSG_STAPLE, reload_on_staple },
    { MSG_CLIENT_CA, reload_on_clients },
    { MSG_CLIENT_CRL, reload_on_clients },
    { MSG_TAKE, reload_on_take },
    { MSG_GIVE_UP, reload_on_give_up },
};

void orders_on_ready(void *owner, uint32_t events)
{
    struct gate *g = owner;
    int r;

    if (events & EPOLLOUT)
        children_report(g);
    r = channel_dispatch(&g->master, handlers,
                         sizeof(handlers) / sizeof(handlers[0]), g);
    if (r == -EPROTO)
        die(EX_PROTOCOL, "master sent %s", g->master.wrong);
    if (r < 0) /* master is gone, and so is the service */
        loop_stop(&g->loop);
}
