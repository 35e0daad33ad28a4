/* The requests to gate for data connections, in session, all answers of gate,
 * and the change to a new gate when the old gate has ended. */
#include "transfer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "data.h"
#include "sallyport/base/fd.h"

void data_gate_sent(struct session *s, int r)
{
    /* Ignores -EPIPE: the channel will show that gate has ended. */
    if (r < 0 && r != -EPIPE)
        leave_peer(s, r, &s->gate);
}

/* Asks for a listener. A client can make its session send many messages, and
 * gate slows such a session. So if the channel is full, the session replies
 * "busy" to the client. If there is no gate now, this request, like each other
 * request here, waits for the next gate. */
void data_gate_ask_port(struct session *s)
{
    int r;

    s->data.state = DATA_ASKED;
    if (s->gate.fd < 0)
        return;
    s->data.request = channel_next(&s->gate);
    r = SEND(&s->gate, port, s->data.request);
    if (r == -EAGAIN) {
        s->data.state = DATA_CLOSED;
        control_reply_with(s, REPLY_NO_DATA, SLICE("the server is busy"));
        return;
    }
    data_gate_sent(s, r);
    loop_timer_set(&s->loop, &s->data.timer, s->deadlines->gate);
}

static int data_gate_on_port_none(void *owner, struct msg_port_none *m)
{
    struct session *s = owner;
    const struct port_range *r = &s->settings->ports;
    char text[128];
    int asked = control_expects(s, &s->gate,
                                s->data.state == DATA_ASKED &&
                                    m->request == s->data.request);

    if (asked <= 0)
        return asked;
    loop_timer_clear(&s->loop, &s->data.timer);
    s->data.state = DATA_CLOSED;
    if (m->error != EADDRINUSE) {
        snprintf(text, sizeof(text), "the server can't listen: %s",
                 strerror(m->error));
        control_reply_with(s, REPLY_NO_DATA, slice_from(text));
        return 0;
    }
    if (r->automatic)
        snprintf(text, sizeof(text), "auto");
    else
        snprintf(text, sizeof(text), "%u-%u", r->first, r->last);
    control_reply_with(s, REPLY_NO_PORT, slice_from(text));
    return 0;
}

static const struct handler data_gate_handlers[] = {
    ON(port_is, data_port_on_port_is),
    ON(port_none, data_gate_on_port_none),
    ON(not_admitted, proxied_on_not_admitted),
    ON(ticket_keys, login_on_ticket_keys),
};

/* Called if no new gate has come in time. Ends the session now; or, if a
 * transfer is under way, after this transfer (transfer_over()). */
static void data_gate_none_came(void *owner)
{
    struct session *s = owner;

    s->no_new_gate = true;
    if (s->transfer.state == TRANSFER_NONE)
        control_end(s, ENDING_PEER, REPLY_LOST_SERVICE, NOTHING);
    control_after_event(s);
}

/* Begins to wait for a new gate. Until master sends a channel to it, each
 * request waits. */
static void data_gate_lost(struct session *s)
{
    loop_remove(&s->loop, &s->gate_watch);
    channel_close(&s->gate);
    if (s->data.state == DATA_ASKED)
        loop_timer_clear(&s->loop, &s->data.timer);
    s->gateless =
        (struct loop_timer){ .on_timer = data_gate_none_came, .owner = s };
    loop_timer_set(&s->loop, &s->gateless, s->deadlines->gateless);
}

static void data_gate_on_channel(void *owner, uint32_t events)
{
    struct session *s = owner;
    int r = DISPATCH_ONE(&s->gate, data_gate_handlers, s);

    (void)events;
    if (r == -EPIPE)
        data_gate_lost(s);
    else if (r < 0)
        leave_peer(s, r, &s->gate);
    control_after_event(s);
}

void data_gate_start(struct session *s, int gate)
{
    channel_init(&s->gate, gate, PROCESS_SESSION, PROCESS_GATE, PHASE_RUN);
    if (loop_add_reader(&s->loop, &s->gate_watch, gate, data_gate_on_channel,
                        s) < 0)
        leave(s, ENDING_PEER, "epoll refuses a channel");
}

/* Takes the new channel, perhaps before the session has read the end of the old
 * channel. */
int data_gate_on_gate(void *owner, struct msg_gate *m)
{
    struct session *s = owner;

    if (s->gate.fd >= 0)
        data_gate_lost(s);
    loop_timer_clear(&s->loop, &s->gateless);
    data_gate_start(s, fd_take(&m->gate));
    /* Repeat the requests that the old gate hasn't answered. */
    if (!s->no_new_gate) {
        if (s->control.state == CONTROL_ENTERING)
            proxied_ask(s);
        if (s->data.state == DATA_ASKED)
            data_gate_ask_port(s);
    }
    return 0;
}
