/* The end of a control connection, in session: the last reply, close_notify,
 * FIN, and then the client's end is awaited, since closing in front of what a
 * client still sends would be a reset. Must never outlast the deadline that
 * master has for a kick. */
#include <sys/socket.h>

#include "ask.h"
#include "control.h"
#include "data.h"
#include "leave.h"
#include "linger.h"
#include "transfer.h"

/* Less than master waits after a kick (2 s), else the last events are lost. */
#define CLOSE_MS 1500

/* The client's end has come. It may have read its replies before it closes its
 * data connections. */
static void parted(struct session *s)
{
    struct control *c = &s->control;

    loop_remove(&s->loop, &c->watch);
    c->parted = true;
    control_lingered(s);
}

void control_lingered(struct session *s)
{
    if (s->control.parted && !linger_any(s))
        leave(s, s->ending, "");
}

/* A few rounds at a time, so that nobody outlasts the deadline by talking. */
static void drain(struct session *s)
{
    char waste[512];
    size_t got;

    for (int i = 0; i < 16; i++) {
        enum stream_state state =
            stream_read(s->control.stream, waste, sizeof(waste), &got);

        if (state == STREAM_AGAIN)
            return;
        if (state != STREAM_OK) {
            parted(s);
            return;
        }
    }
}

/* The replies, then close_notify, then FIN: as far as it goes now. */
static void finish_output(struct session *s)
{
    struct control *c = &s->control;

    if (c->out.len > 0 || c->finished)
        return;
    if (stream_shutdown(c->stream) != STREAM_OK)
        return;
    c->finished = true;
    shutdown(c->fd, SHUT_WR);
}

void control_closing(struct session *s)
{
    finish_output(s);
    drain(s);
}

/* A reply that isn't whole must not look as if it were. */
void control_part(struct session *s)
{
    struct control *c = &s->control;

    if (!c->stream)
        return;
    if (!c->finished && c->out.len == 0)
        stream_shutdown(c->stream); /* as far as it goes */
    shutdown(c->fd, SHUT_WR);
    linger_drain(c->fd);
}

static void on_closed(void *owner)
{
    struct session *s = owner;

    leave(s, s->ending, "");
}

/* One deadline for all of the end. */
static void will_close(struct session *s, enum ending ending)
{
    struct control *c = &s->control;

    s->ending = ending;
    c->closed.on_time = on_closed;
    c->closed.owner = s;
    if (!c->closed.armed)
        loop_timer_set(&s->loop, &c->closed, CLOSE_MS);
    loop_timer_clear(&s->loop, &c->idle);
}

void control_end(struct session *s, enum ending ending, enum reply last,
                 struct slice argument)
{
    struct control *c = &s->control;

    if (c->closing || c->ending)
        return;
    /* No reply may go in plain text now. */
    if (c->securing || (s->implicit && !c->secured))
        leave(s, ending, "");
    /* Else it would say that nothing is stored, or a change went unlogged. */
    if (transfer_is_committing(s) || ask_is_change(s)) {
        will_close(s, ending);
        c->ending = true;
        c->last = last;
        return;
    }
    transfer_end(s, ending, last);
    data_close(s);
    if (c->gone)
        leave(s, ending, "");
    control_reply_with(s, last, argument, NOTHING);
    will_close(s, ending);
    c->closing = true;
    finish_output(s);
    control_wait(s);
}

void control_transferred(struct session *s)
{
    struct control *c = &s->control;

    if (c->gone)
        leave(s, s->ending, c->ending ? "" : c->cause);
    if (!c->ending)
        return;
    c->ending = false;
    control_end(s, s->ending, c->last, NOTHING);
}
