/* Channels: sending, receiving, and the check of each received message against
 * the list. Runs in every process. */
#include "sallyport/ipc/channel.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "codec.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

/* The buffers of a process, which sends and receives one message at a time.
 * Only used bytes are wiped: if a fork wiped all bytes, it would get pages of
 * its own for the unused bytes. */
static char inbox[MESSAGE_MAX + 1];
static char outbox[MESSAGE_MAX];
static size_t inbox_used, outbox_used;

static void note_used(size_t *used, size_t len)
{
    if (len > *used)
        *used = len;
}

static void wipe(char *box, size_t *used)
{
    explicit_bzero(box, *used);
    *used = 0;
}

void channel_init(struct channel *c, int fd, enum process self,
                  enum process peer, unsigned phase)
{
    *c = (struct channel){
        .fd = fd, .self = self, .peer = peer, .phase = phase, .wrong = ""
    };
}

void channel_close(struct channel *c)
{
    fd_close(&c->fd);
}

int channel_waits(int fd)
{
    char byte;

    return (int)recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
}

void channel_forget(void)
{
    wipe(inbox, &inbox_used);
    wipe(outbox, &outbox_used);
}

uint32_t channel_next(struct channel *c)
{
    if (++c->last_request == 0) /* 0 means: no request */
        c->last_request = 1;
    return c->last_request;
}

void message_close(struct message *m)
{
    static const int none[MESSAGE_FIELDS_MAX] = { -1, -1, -1, -1, -1, -1, -1,
                                                  -1, -1, -1, -1, -1, -1, -1 };
    int fd[MESSAGE_FIELDS_MAX];
    size_t n = m->kind ? codec_fds(m->kind, &m->request, fd) : 0;

    for (size_t i = 0; i < n; i++)
        fd_close(&fd[i]);
    if (n > 0)
        codec_set_fds(m, none);
}

static bool row_is_between(const struct message_row *row, enum process from,
                           enum process to)
{
    return (row->from & PROCESS_BIT(from)) && (row->to & PROCESS_BIT(to));
}

union ancillary {
    char bytes[CMSG_SPACE(sizeof(int) * MESSAGE_FIELDS_MAX)];
    struct cmsghdr align;
};

/* Returns true if the message has a secret or a key, which must not stay in a
 * buffer. */
static bool is_secret(enum message_kind kind)
{
    const struct message_row *row = message_row(kind);

    return message_count(row, TYPE_SECRET) + message_count(row, TYPE_KEY) > 0;
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

int channel_send(struct channel *c, enum message_kind kind, const void *body)
{
    const struct message_row *row = message_row(kind);
    struct iovec part = { .iov_base = outbox };
    struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };
    int fd[MESSAGE_FIELDS_MAX];
    union ancillary control;
    struct cmsghdr *head;
    size_t fds;
    ssize_t n;

    if (c->fd < 0)
        return -EPIPE;
    if (!row || !row_is_between(row, c->self, c->peer))
        return -EINVAL;
    n = codec_encode(kind, body, outbox);
    note_used(&outbox_used, n < 0 ? sizeof(outbox) : (size_t)n);
    if (n < 0)
        return (int)n;
    part.iov_len = (size_t)n;
    fds = codec_fds(kind, body, fd);
    if (fds > 0) {
        memset(&control, 0, sizeof(control));
        m.msg_control = control.bytes;
        m.msg_controllen = CMSG_SPACE(sizeof(int) * fds);
        head = CMSG_FIRSTHDR(&m);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int) * fds);
        memcpy(CMSG_DATA(head), fd, sizeof(int) * fds);
    }
    do
        n = sendmsg(c->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (is_secret(kind))
        wipe(outbox, &outbox_used);
    return n < 0 ? send_errno() : 0;
}

/* Takes all received descriptors, even if the message should have none:
 * otherwise they would stay open. */
static size_t take_descriptors(struct msghdr *m, int *ret)
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
            if (count < MESSAGE_FIELDS_MAX)
                ret[count] = fd;
            else
                close(fd);
            count++;
        }
    }
    return count;
}

int channel_refuse(struct channel *c, const char *why)
{
    wipe(inbox, &inbox_used);
    c->wrong = why;
    return -EPROTO;
}

static int check_message(struct channel *c, struct message *m, ssize_t len,
                         const struct msghdr *head, size_t fds)
{
    const struct message_row *row;

    if (len > MESSAGE_MAX || (head->msg_flags & MSG_TRUNC))
        return channel_refuse(c, "an overlong message");
    if (codec_decode(inbox, (size_t)len, m) < 0)
        return channel_refuse(c, "an unknown or malformed message");
    row = message_row(m->kind);
    if (!row_is_between(row, c->peer, c->self))
        return channel_refuse(c, "a message that is not this peer's");
    if (!(row->phases & c->phase))
        return channel_refuse(c, "a message in the wrong phase");
    if (row->once && c->seen[m->kind])
        return channel_refuse(c, "a message for the second time");
    /* Checks the descriptors. The kernel also drops descriptors if this process
     * has no room for them, which isn't the peer's mistake. */
    size_t due = message_count(row, TYPE_FD);
    bool dropped = head->msg_flags & MSG_CTRUNC;

    if (dropped && fds < due) {
        channel_refuse(c,
                       "a message that needs more descriptors than are left");
        return -EMFILE;
    }
    return dropped || fds != due
               ? channel_refuse(c, "a wrong number of descriptors")
               : 1;
}

int channel_receive(struct channel *c, struct message *m)
{
    struct iovec part = { .iov_base = inbox, .iov_len = sizeof(inbox) };
    union ancillary control;
    struct msghdr head = { .msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = control.bytes,
                           .msg_controllen = sizeof(control.bytes) };
    int fd[MESSAGE_FIELDS_MAX], r;
    size_t fds;
    ssize_t n;

    m->kind = MSG_NONE;
    if (c->fd < 0)
        return -EPIPE;
    /* If a peer closes before it has read all our messages, the first receive
     * fails with a reset. After that the peer's last messages can still be
     * read. */
    do
        n = recvmsg(c->fd, &head, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && (errno == EINTR || errno == ECONNRESET));
    if (n < 0 && errno == EAGAIN)
        return 0;
    if (n < 0)
        return -EPIPE;
    note_used(&inbox_used, (size_t)n);
    fds = take_descriptors(&head, fd);
    r = n == 0 && fds == 0 ? -EPIPE : check_message(c, m, n, &head, fds);
    if (r == 1) {
        codec_set_fds(m, fd);
        c->seen[m->kind] = true;
        return 1;
    }
    m->kind = MSG_NONE;
    for (size_t i = 0; i < fds && i < MESSAGE_FIELDS_MAX; i++)
        close(fd[i]);
    return r;
}

int channel_handle(struct channel *c, const struct handler *table, size_t n,
                   void *owner, struct message *m)
{
    const enum message_kind kind = m->kind;
    enum message_kind handled = kind;
    size_t i = 0;
    int r = -EPROTO;

    while (i < n && table[i].kind != kind)
        i++;
    if (i == n)
        handled = MSG_NONE;
    switch (handled) {
#define MESSAGE(name, ...)                                                     \
    case MSG_##name:                                                           \
        r = table[i].on.name(owner, &m->name);                                 \
        break;
#define FIELD(c_type, type, name, count)
#define END
#include "sallyport/ipc/list.h"
    default:
        r = channel_refuse(c, "a message that nobody handles here");
    }
    message_close(m);
    if (is_secret(kind))
        wipe(inbox, &inbox_used);
    return r;
}

int channel_dispatch(struct channel *c, const struct handler *table, size_t n,
                     void *owner, int most)
{
    for (int i = 0; i < most; i++) {
        struct message m;
        int r = channel_receive(c, &m);

        if (r == 0)
            return 0;
        if (r > 0)
            r = channel_handle(c, table, n, owner, &m);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Gate uses this function for messages to master, and master for messages to
 * the supervisor, since these messages must not be lost. If too many
 * descriptors are under way, sendmsg(2) fails although poll(2) reports room, so
 * this function pauses. */
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
