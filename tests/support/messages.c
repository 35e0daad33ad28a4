#include "messages.h"

#include "sallyport/base/fd.h"
#include "test.h"
#include "wait.h"

void message_hear(struct channel *c, enum message_kind kind, struct message *m)
{
    message_check(c, channel_wait(c, m, WAIT_MS), kind, m);
}

void message_check(const struct channel *c, int r, enum message_kind kind,
                   const struct message *m)
{
    cr_assert_eq(r, 1, "instead of %s: %s %s", message_name(kind),
                 strerrordesc_np(-r), r == -EPROTO ? c->wrong : "");
    cr_assert_eq(m->kind, kind, "instead of %s: %s", message_name(kind),
                 message_name(m->kind));
}

void message_hear_end(struct channel *c)
{
    struct message m;

    cr_assert_eq(channel_wait(c, &m, WAIT_MS), -EPIPE);
    channel_close(c);
}

int channel_ends(int *far)
{
    int ends[2];

    cr_assert_eq(fd_pair(ends), 0);
    *far = ends[1];
    return ends[0];
}

int channel_make(struct channel *c, enum process self, enum process peer,
                 unsigned phase)
{
    int far;

    channel_init(c, channel_ends(&far), self, peer, phase);
    return far;
}

void channel_make_both(struct channel *a, enum process self, struct channel *b,
                       enum process peer, unsigned phase)
{
    channel_init(b, channel_make(a, self, peer, phase), peer, self, phase);
}

void channel_cut(int *far)
{
    shutdown(*far, SHUT_RDWR);
    fd_close(far);
}

static void fill(int fd)
{
    const int least = 0;
    char byte = 0;

    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &least, sizeof(least)),
                 0);
    while (send(fd, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1)
        ;
}

void channel_spoil(int near, int *far, enum fault fault)
{
    if (fault == CLOSED)
        channel_cut(far);
    else if (near >= 0)
        fill(near);
}

size_t open_descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    size_t n = 0;

    cr_assert_not_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}
