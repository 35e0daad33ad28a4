/* Waiting for a message: children in their set-up, sessions for a signature,
 * sallyportctl for an answer. Master and the supervisor never do. */
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
