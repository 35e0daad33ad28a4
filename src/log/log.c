/* Log at work: new senders from master, events from senders, and one loop. It
 * has nothing but the descriptors it was given. */
#include "log.h"

#include <errno.h>
#include <sysexits.h>

#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"

void log_init(struct log *l, int fd)
{
    *l = (struct log){ .output = -1, .loop.epoll_fd = -1 };
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

static void on_master(void *owner, uint32_t events)
{
    struct log *l = owner;
    int r = channel_dispatch(&l->master, handlers,
                             sizeof(handlers) / sizeof(handlers[0]), l);

    (void)events;
    if (r == -EPROTO)
        die(EX_PROTOCOL, "master sent %s", l->master.wrong);
    if (r < 0) /* master is gone, and so is the service */
        loop_stop(&l->loop);
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
