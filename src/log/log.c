/* Log at work: new senders from master, events from senders, and one loop. It
 * has nothing but the descriptors it was given. */
#include "log.h"

#include <errno.h>
#include <sysexits.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"

/* For the last words of all others once master is gone: more than a session
 * takes to leave, and as long as master waits for a log that it stops. */
#define LAST_MS 2000

static void on_last(void *owner)
{
    loop_stop(&((struct log *)owner)->loop);
}

void log_init(struct log *l, int fd)
{
    *l = (struct log){ .output = -1,
                       .loop.epoll_fd = -1,
                       .last = { .on_time = on_last, .owner = l } };
    rates_init(&l->users, clock_ms());
    channel_init(&l->master, fd, PROCESS_LOG, PROCESS_MASTER, PHASE_START);
}

void log_release(struct log *l)
{
    senders_release(l);
    channel_close(&l->master);
    fd_close(&l->output);
    loop_release(&l->loop);
}

static const struct handler handlers[] = {
    { MSG_LOG_PEER, senders_on_peer },
};

/* Master is gone, and so is the service. Its sessions find out now, and what
 * each has to say of a transfer that was under way comes yet. */
static void wait_for_senders(struct log *l)
{
    loop_remove(&l->loop, &l->master_watch);
    channel_close(&l->master);
    loop_timer_set(&l->loop, &l->last, LAST_MS);
    log_sender_ended(l);
}

void log_sender_ended(struct log *l)
{
    if (l->last.armed && l->used == 0)
        loop_stop(&l->loop);
}

static void on_master(void *owner, uint32_t events)
{
    struct log *l = owner;
    int r = channel_dispatch(&l->master, handlers,
                             sizeof(handlers) / sizeof(handlers[0]), l);

    (void)events;
    if (r == -EPROTO)
        die(EX_PROTOCOL, "master sent %s", l->master.wrong);
    if (r < 0)
        wait_for_senders(l);
}

int log_run(struct log *l)
{
    struct packet ready = { .message = MSG_READY };
    int r;

    l->master_watch = (struct loop_watch){
        .fd = l->master.fd, .events = EPOLLIN, .on_ready = on_master, .owner = l
    };
    r = loop_add(&l->loop, &l->master_watch);
    if (r == 0)
        r = channel_send(&l->master, &ready);
    l->master.phase = PHASE_RUN;
    if (r == 0)
        r = loop_run(&l->loop);
    senders_drain(l);
    return r;
}
