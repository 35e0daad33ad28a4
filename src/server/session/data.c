/* The data connection, in session. The client connects to the session's own
 * listener (data_port.c). */
#include "transfer.h"

#include "data.h"
#include "sallyport/base/fd.h"

#define REFUSED_MS 5000

static void data_on_socket(void *owner, uint32_t events)
{
    struct session *s = owner;

    switch (s->data.state) {
    case DATA_HEADER:
        proxied_on_data_header(s);
        break;
    case DATA_REFUSED:
        /* The session no longer answers the client's handshake. It waits until
         * the client closes. */
        if (!linger_read(s->data.fd))
            data_close(s);
        break;
    default:
        transfer_on_data(s, events);
    }
    control_after_event(s);
}

static void data_on_timer(void *owner)
{
    struct session *s = owner;

    switch (s->data.state) {
    case DATA_ASKED:
        leave_peer(s, channel_refuse(&s->gate, "no port in time"),
                   &s->gate); /* doesn't return */
    case DATA_HEADER:
        proxied_turn_away(s, &s->data.via, NO_PROXY_HEADER);
        break;
    case DATA_REFUSED:
        data_close(s);
        break;
    case DATA_CONNECTED:
        transfer_on_slow(s);
        break;
    default:
        break;
    }
    control_after_event(s);
}

void data_init(struct session *s)
{
    s->data.fd = s->port.fd = -1;
    s->data.timer =
        (struct loop_timer){ .on_timer = data_on_timer, .owner = s };
    for (size_t i = 0; i < LINGERING_MAX; i++)
        s->lingering[i] = (struct lingering){ .session = s, .fd = -1 };
}

void data_drop_slow(struct session *s)
{
    struct data *d = &s->data;

    while (d->slow_count > 0) {
        stream_free(d->slow[--d->slow_count].stream);
        fd_close(&d->slow[d->slow_count].fd);
    }
}

void data_release(struct session *s, enum data_state next)
{
    struct data *d = &s->data;
    int fd = state_of_data(s)->socket ? fd_take(&d->fd) : -1;

    loop_change(&s->loop, &s->port.watch, EPOLLIN);
    if (state_of_data(s)->expects && next == DATA_CLOSED)
        data_port_idle(s);
    loop_timer_clear(&s->loop, &d->timer);
    loop_remove(&s->loop, &d->watch);
    if (next != DATA_EXPECTED)
        data_drop_slow(s);
    stream_free(d->stream);
    d->stream = NULL;
    fd_close(&d->fd);
    if (fd >= 0)
        linger_begin(s, fd);
    s->data.state = next;
}

void data_close(struct session *s)
{
    data_release(s, DATA_CLOSED);
}

void data_finish(struct session *s)
{
    if (s->data.stream)
        stream_shutdown(s->data.stream); /* sends as much as the socket takes */
    loop_remove(&s->loop, &s->data.watch);
}

void data_after_transfer(struct session *s)
{
    struct data *d = &s->data;

    if (d->state != DATA_CONNECTED)
        return;
    loop_remove(&s->loop, &d->watch); /* transfer.c may have done so already */
    s->data.state = DATA_REFUSED;
    d->watch.events = EPOLLIN;
    if (loop_add(&s->loop, &d->watch) < 0)
        data_close(s);
    else
        loop_timer_set(&s->loop, &d->timer, REFUSED_MS);
}

bool data_adopt(struct session *s, int fd, enum data_state state,
                uint32_t events)
{
    struct data *d = &s->data;

    d->fd = fd;
    s->data.state = state;
    d->watch = (struct loop_watch){
        .fd = fd, .events = events, .on_ready = data_on_socket, .owner = s
    };
    if (loop_add(&s->loop, &d->watch) == 0)
        return true;
    data_close(s);
    return false;
}
