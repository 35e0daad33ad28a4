/* Waits for a message, in processes that do nothing else meanwhile: gate in its
 * set-up, a session, and sallyportctl. Master never waits in this way. */
#include <errno.h>
#include <poll.h>

#include "sallyport/base/clock.h"
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

void channel_failed(struct channel *c, const struct complaint *why)
{
    SEND(c, failed, 0, .error = 0, .why = slice_from(why->text));
}
