/* The end of a control connection, in session: the last reply, close_notify,
 * FIN. Then the session waits for the client's end: if a socket is closed
 * before the client's last bytes, the kernel answers them with a reset. This
 * must end before master's deadline for a kick. */
#include <sys/socket.h>

#include "ask.h"
#include "control.h"
#include "data.h"
#include "leave.h"
#include "linger.h"
#include "refusal.h"
#include "transfer.h"

/* Less than master waits after a kick (2 s), else the last events are lost. */
#define CLOSE_MS 1500

/* The client's end has come. It may read its replies before it closes its data
 * connections. */
static void control_client_closed(struct session *s)
{
    loop_remove(&s->loop, &s->control.watch);
    state_control(s, CONTROL_PARTED);
    control_lingered(s);
}

void control_lingered(struct session *s)
{
    if (s->control.state == CONTROL_PARTED && !linger_any(s))
        leave(s, s->ending, "");
}

/* A few rounds at a time, so that a client can't delay the end by sending more.
 */
static void control_drain(struct session *s)
{
    char waste[512];
    size_t got;

    for (int i = 0; i < 16; i++) {
        enum stream_state state =
            stream_read(s->control.stream, waste, sizeof(waste), &got);

        if (state == STREAM_AGAIN)
            return;
        if (state != STREAM_OK) {
            control_client_closed(s);
            return;
        }
    }
}

/* The replies, then close_notify, then FIN: as far as it goes now. */
static void control_finish(struct session *s)
{
    struct control *c = &s->control;

    if (c->out.len > 0 || c->state != CONTROL_CLOSING ||
        stream_shutdown(c->stream) != STREAM_OK)
        return;
    state_control(s, CONTROL_FINISHED);
    shutdown(c->fd, SHUT_WR);
}

void control_closing(struct session *s)
{
    control_finish(s);
    control_drain(s);
}

/* No close_notify after half a reply, or the reply would look complete. */
void control_part(struct session *s)
{
    struct control *c = &s->control;

    if (!c->stream)
        return;
    if (c->state != CONTROL_FINISHED && c->state != CONTROL_PARTED &&
        c->out.len == 0)
        stream_shutdown(c->stream); /* as far as it goes */
    shutdown(c->fd, SHUT_WR);
    linger_drain(c->fd);
}

static void control_on_close_time(void *owner)
{
    struct session *s = owner;

    leave(s, s->ending, "");
}

/* One deadline for the whole end. */
static void control_will_close(struct session *s, enum ending ending)
{
    struct control *c = &s->control;

    s->ending = ending;
    c->closed.on_time = control_on_close_time;
    c->closed.owner = s;
    if (!c->closed.armed)
        loop_timer_set(&s->loop, &c->closed, CLOSE_MS);
    loop_timer_clear(&s->loop, &c->idle);
}

static void control_say_last(struct session *s, enum ending ending,
                             enum reply last, struct slice argument)
{
    struct slice arguments[] = { argument, NOTHING };

    if (!state_of_control(s)->gone)
        state_control(s, CONTROL_CLOSING);
    transfer_end(s, ending, last);
    data_close(s);
    if (state_of_control(s)->gone)
        leave(s, ending, "");
    control_will_close(s, ending);
    refusal_note(s, last, argument);
    if (reply_build(&s->control.out, last, arguments, 2) < 0)
        leave(s, ENDING_PROTOCOL, "the client doesn't read its replies");
    control_flush(s);
    control_finish(s);
    control_wait(s);
}

void control_end(struct session *s, enum ending ending, enum reply last,
                 struct slice argument)
{
    struct control *c = &s->control;

    if (state_of_control(s)->ends)
        return;
    /* No reply may go in plain text now. */
    if (c->state == CONTROL_SECURING || (s->implicit && !control_is_secure(s)))
        leave(s, ending, "");
    if (s->transfer.state != TRANSFER_COMMITTING && !ask_is_change(s)) {
        control_say_last(s, ending, last, argument);
        return;
    }
    /* Otherwise LAST would say that nothing is stored, or a change would not be
     * logged. */
    control_will_close(s, ending);
    c->last = last;
    state_control(s, c->state == CONTROL_GONE ? CONTROL_ABANDONED
                                              : CONTROL_DECIDED);
}

void control_transferred(struct session *s)
{
    struct control *c = &s->control;

    switch (c->state) {
    case CONTROL_GONE:
        leave(s, s->ending, c->cause);
    case CONTROL_ABANDONED:
        leave(s, s->ending, "");
    case CONTROL_DECIDED:
        control_say_last(s, s->ending, c->last, NOTHING);
        break;
    default:
        break;
    }
}
