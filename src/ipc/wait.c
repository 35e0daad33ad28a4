/* Processes that do nothing else while they wait for a message: a child in its
 * set-up, and sallyportctl. Master never waits in this way: no process of root
 * calls it. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/complain.h"
#include "sallyport/ipc/channel.h"

int channel_wait(struct channel *c, struct message *m, int ms)
{
    uint64_t end = clock_ms() + (uint64_t)ms;
    struct pollfd one = { .fd = c->fd, .events = POLLIN };

    for (;;) {
        int r = channel_receive(c, m);
        uint64_t now = clock_ms();

        if (r != 0)
            return r;
        if (now >= end)
            return -ETIMEDOUT;
        if (poll(&one, 1, (int)(end - now)) < 0 && errno != EINTR)
            return -errno;
    }
}

/* Handles one message. Returns 0 after go. */
static int setup_step(struct channel *c, const struct handler *table, size_t n,
                      void *owner, uint64_t end)
{
    uint64_t now = clock_ms();
    struct message m;
    int r = channel_wait(c, &m, now < end ? (int)(end - now) : 0);

    if (r < 0 || m.kind == MSG_go)
        return r < 0 ? r : 0;
    r = channel_handle(c, table, n, owner, &m);
    return r < 0 ? r : 1;
}

int channel_setup(struct channel *c, const struct handler *table, size_t n,
                  void *owner, int ms, struct complaint *why)
{
    uint64_t end = clock_ms() + (uint64_t)ms;
    int r;

    do
        r = setup_step(c, table, n, owner, end);
    while (r > 0);
    if (r < 0)
        complain(why, "%s: set-up: %s", process_name(c->self),
                 r == -EPROTO ? c->wrong : strerrordesc_np(-r));
    return r;
}

void channel_failed(struct channel *c, const struct complaint *why)
{
    SEND(c, failed, 0, .why = slice_from(why->text));
}
