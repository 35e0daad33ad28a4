/* Waiting for a message: children in their set-up, sessions for a signature,
 * sallyportctl for an answer. Master and the supervisor never do. Waiting for
 * room: for messages that are rare and must not be lost. */
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

/* If too many descriptors are under way, the result is -EAGAIN although poll()
 * reports room. So it pauses. */
int channel_send_by(struct channel *c, enum message_kind kind, const void *body,
                    uint64_t end)
{
    struct pollfd one = { .fd = c->fd, .events = POLLOUT };
    int r = channel_send(c, kind, body);

    while (r == -EAGAIN && clock_ms() < end) {
        if (poll(&one, 1, 100) > 0)
            poll(NULL, 0, 1);
        r = channel_send(c, kind, body);
    }
    return r;
}
