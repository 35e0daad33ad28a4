/* See link.h. The master at the other end may be of another build. Runs in
 * master. */
#include "link.h"

#include <errno.h>

#include "sallyport/ipc/generation.h"

void link_init(struct link *l, struct loop *loop)
{
    *l = (struct link){ .loop = loop };
    channel_init(&l->channel, -1, PROCESS_MASTER, PROCESS_MASTER, PHASE_START);
}

int link_open(struct link *l, int fd,
              void (*on_ready)(void *owner, uint32_t events), void *owner)
{
    int r;

    channel_init(&l->channel, fd, PROCESS_MASTER, PROCESS_MASTER, PHASE_START);
    r = loop_add_reader(l->loop, &l->watch, fd, on_ready, owner);
    return r < 0 ? r
                 : SEND(&l->channel, hello, 0, .version = GENERATION_VERSION);
}

void link_close(struct link *l)
{
    loop_remove(l->loop, &l->watch);
    channel_close(&l->channel);
}

int link_greeted(struct link *l, const struct msg_hello *msg)
{
    if (msg->version != GENERATION_VERSION)
        return channel_refuse(&l->channel, "messages of another version");
    l->channel.phase = PHASE_RUN;
    return 0;
}

void link_sent(struct link *l, int r)
{
    loop_change(l->loop, &l->watch,
                r == -EAGAIN ? EPOLLIN | EPOLLOUT : EPOLLIN);
}
