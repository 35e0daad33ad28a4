/* Channels: sending, receiving, and the permission check that every received
 * message passes. Runs in every process; decides nothing else. */
#include "sallyport/ipc/channel.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "codec.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

#define DISPATCH_MAX 64

/* One of each per process: nothing here runs twice at a time. */
static char inbox[PACKET_MAX + 1];
static char outbox[PACKET_MAX];

void channel_init(struct channel *c, int fd, enum process self,
                  enum process peer, unsigned phase)
{
    *c = (struct channel){
        .fd = fd, .self = self, .peer = peer, .phase = phase, .wrong = ""
    };
    if (fd >= 0)
        fd_set_nonblock(fd, true);
}

void channel_close(struct channel *c)
{
    fd_close(&c->fd);
}

uint32_t channel_next(struct channel *c)
{
    if (++c->last_request == 0) /* 0: not a request */
        c->last_request = 1;
    return c->last_request;
}

static void packet_open(struct packet *p)
{
    *p = (struct packet){ 0 };
    for (size_t i = 0; i < PACKET_FDS; i++)
        p->fd[i] = -1;
}

void packet_close(struct packet *p)
{
    for (size_t i = 0; i < PACKET_FDS; i++)
        fd_close(&p->fd[i]);
}

static bool row_is_between(const struct message_row *row, enum process from,
                           enum process to)
{
    return (row->from & PROCESS_BIT(from)) && (row->to & PROCESS_BIT(to));
}

union control {
    char bytes[CMSG_SPACE(sizeof(int) * PACKET_FDS)];
    struct cmsghdr align;
};

static void attach(struct msghdr *m, union control *control, const int *fd,
                   size_t n)
{
    struct cmsghdr *head;

    if (n == 0)
        return;
    memset(control, 0, sizeof(*control));
    m->msg_control = control->bytes;
    m->msg_controllen = CMSG_SPACE(sizeof(int) * n);
    head = CMSG_FIRSTHDR(m);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int) * n);
    memcpy(CMSG_DATA(head), fd, sizeof(int) * n);
}

/* The buffers must not keep it. */
static bool is_secret(const struct message_row *row)
{
    return strpbrk(row->fields, "sk") != NULL;
}

static int send_errno(void)
{
    switch (errno) {
    case EAGAIN:
    case ENOBUFS:
    case ETOOMANYREFS:
        return -EAGAIN;
    case EPIPE:
    case ECONNRESET:
    case ENOTCONN:
        return -EPIPE;
    default:
        return -errno;
    }
}

int channel_send(struct channel *c, const struct packet *p)
{
    const struct message_row *row = message_row(p->message);
    struct iovec part = { .iov_base = outbox };
    struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };
    union control control;
    ssize_t n;

    if (c->fd < 0)
        return -EPIPE;
    if (!row || !row_is_between(row, c->self, c->peer))
        return -EINVAL;
    n = packet_encode(p, row, outbox);
    if (n < 0)
        return (int)n;
    part.iov_len = (size_t)n;
    attach(&m, &control, p->fd, row->fds);
    do
        n = sendmsg(c->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (is_secret(row))
        explicit_bzero(outbox, part.iov_len);
    return n < 0 ? send_errno() : 0;
}

/* Takes all descriptors that came, wanted or not: what isn't taken leaks. */
static size_t detach(struct msghdr *m, struct packet *p)
{
    size_t count = 0;

    for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
        size_t n;

        if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
            continue;
        n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(int));
            if (count < PACKET_FDS)
                p->fd[count] = fd;
            else
                close(fd);
            count++;
        }
    }
    return count;
}

/* Why the peer may not say this now; NULL if it may. */
static const char *objection(const struct channel *c, const struct packet *p,
                             size_t fds)
{
    const struct message_row *row = message_row(p->message);

    if (!row_is_between(row, c->peer, c->self))
        return "a message that is not this peer's";
    if (!(row->phases & c->phase))
        return "a message in the wrong phase";
    if (row->once && c->seen[p->message])
        return "a message for the second time";
    if (row->fds != fds)
        return "a wrong number of descriptors";
    return NULL;
}

static int refuse(struct channel *c, struct packet *p, const char *why)
{
    packet_close(p);
    explicit_bzero(inbox, sizeof(inbox));
    c->wrong = why;
    return -EPROTO;
}

static int accept_packet(struct channel *c, struct packet *p, ssize_t len,
                         struct msghdr *m)
{
    size_t fds = detach(m, p);
    const char *why;

    if (len == 0 && fds == 0)
        return -EPIPE;
    if (len > PACKET_MAX || (m->msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
        return refuse(c, p, "an overlong message");
    if (packet_decode(inbox, (size_t)len, p) < 0)
        return refuse(c, p, "an unknown or malformed message");
    why = objection(c, p, fds);
    if (why)
        return refuse(c, p, why);
    c->seen[p->message] = true;
    return 1;
}

int channel_receive(struct channel *c, struct packet *p)
{
    struct iovec part = { .iov_base = inbox, .iov_len = sizeof(inbox) };
    union control control;
    struct msghdr m = { .msg_iov = &part,
                        .msg_iovlen = 1,
                        .msg_control = control.bytes,
                        .msg_controllen = sizeof(control.bytes) };
    ssize_t n;

    packet_open(p);
    if (c->fd < 0)
        return -EPIPE;
    /* A peer that left messages of ours unread resets the connection, once;
     * its own last words still lie there. */
    do
        n = recvmsg(c->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && (errno == EINTR || errno == ECONNRESET));
    if (n < 0 && errno == EAGAIN)
        return 0;
    if (n < 0)
        return -EPIPE;
    return accept_packet(c, p, n, &m);
}

int channel_wait(struct channel *c, struct packet *p, int ms)
{
    uint64_t end = clock_ms() + (ms < 0 ? 0 : (uint64_t)ms);
    struct pollfd one = { .fd = c->fd, .events = POLLIN };

    for (;;) {
        int r = channel_receive(c, p);
        uint64_t now = clock_ms();

        if (r != 0)
            return r;
        if (ms >= 0 && now >= end)
            return -ETIMEDOUT;
        if (poll(&one, 1, ms < 0 ? -1 : (int)(end - now)) < 0 && errno != EINTR)
            return -errno;
    }
}

static const struct handler *find(const struct handler *table, size_t n,
                                  enum message message)
{
    for (size_t i = 0; i < n; i++)
        if (table[i].message == message)
            return &table[i];
    return NULL;
}

static int handle(struct channel *c, const struct handler *table, size_t n,
                  void *owner, struct packet *p)
{
    const struct handler *h = find(table, n, p->message);
    int r;

    if (!h)
        return refuse(c, p, "a message that nobody handles here");
    r = h->handle(owner, p);
    packet_close(p);
    if (is_secret(message_row(p->message)))
        explicit_bzero(inbox, sizeof(inbox));
    return r;
}

int channel_dispatch(struct channel *c, const struct handler *table, size_t n,
                     void *owner)
{
    for (int i = 0; i < DISPATCH_MAX; i++) {
        struct packet p;
        int r = channel_receive(c, &p);

        if (r > 0)
            r = handle(c, table, n, owner, &p);
        else
            return r;
        if (r < 0)
            return r;
    }
    return 0;
}

/* One message; 0: it was GO. */
static int setup_step(struct channel *c, const struct handler *table, size_t n,
                      void *owner, uint64_t end)
{
    uint64_t now = clock_ms();
    struct packet p;
    int r = channel_wait(c, &p, now < end ? (int)(end - now) : 0);

    if (r < 0 || p.message == MSG_GO)
        return r < 0 ? r : 0;
    r = handle(c, table, n, owner, &p);
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
    struct packet p = { .message = MSG_FAILED,
                        .value = { TEXT(slice_from(why->text)) } };

    channel_send(c, &p);
}
