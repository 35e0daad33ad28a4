#include "cast.h"

#include "sallyport/base/fd.h"
#include "test.h"
#include "wait.h"

struct message heard;
static bool forked;

void cast_in_fork(void)
{
    forked = true;
}

/* Ends the test, or its fork, unless the condition HOLDS. */
#define MUST(holds, ...)                                                       \
    do {                                                                       \
        if (forked && !(holds))                                                \
            _exit(98);                                                         \
        cr_assert(holds, __VA_ARGS__);                                         \
    } while (0)

void cast_say(struct channel *c, enum message_kind kind, const void *body)
{
    int r = channel_send(c, kind, body);

    MUST(r == 0, "%s: %s", message_name(kind), strerrordesc_np(-r));
}

static bool comes_by_the_way(enum message_kind kind)
{
    return kind == MSG_open || kind == MSG_reaped || kind == MSG_keep ||
           kind == MSG_working || kind == MSG_files_opens ||
           kind == MSG_files_opened;
}

/* Receives a message into `heard`. Returns the result of channel_wait(). */
static int hear(struct channel *c, enum message_kind kind)
{
    int r;

    do {
        message_close(&heard);
        heard.kind = MSG_NONE;
        r = channel_wait(c, &heard, WAIT_MS);
    } while (r == 1 && heard.kind != kind && comes_by_the_way(heard.kind));
    return r;
}

enum message_kind cast_hear(struct channel *c)
{
    return hear(c, MSG_NONE) == 1 ? heard.kind : MSG_NONE;
}

/* Returns the first text of the message, which can be a reason, or "". */
static struct slice words_of(const struct message *m)
{
    const struct message_field *f = message_row(m->kind)->fields();

    while (f->type != TYPE_END && f->type != TYPE_WHY && f->type != TYPE_TEXT)
        f++;
    return f->type == TYPE_END
               ? SLICE("")
               : *(const struct slice
                       *)(const void *)((const char *)&m->request + f->offset);
}

void cast_check(const struct channel *c, int r, enum message_kind kind,
                const struct message *m)
{
    struct slice words = SLICE("");

    MUST(r == 1, "instead of %s: %s %s", message_name(kind),
         strerrordesc_np(-r), r == -EPROTO ? c->wrong : "");
    if (m->kind != kind)
        words = words_of(m);
    MUST(m->kind == kind, "instead of %s: %s %.*s", message_name(kind),
         message_name(m->kind), (int)words.len, words.ptr);
}

/* Files answers each message of a session, and each process that sallyportctl
 * asks answers each of its messages. `renewed` can come unasked. */
static bool is_answer(const struct channel *c, enum message_kind kind)
{
    return (message_row(kind)->answers != MSG_NONE && kind != MSG_renewed) ||
           c->self == PROCESS_CTL ||
           (c->self == PROCESS_SESSION && c->peer == PROCESS_FILES);
}

struct message *cast_expect(struct channel *c, enum message_kind kind)
{
    cast_check(c, hear(c, kind), kind, &heard);
    MUST(!is_answer(c, kind) || heard.request == c->last_request,
         "%s to request %u instead of %u", message_name(kind), heard.request,
         c->last_request);
    return &heard;
}

void cast_hear_nothing(struct channel *c, int ms)
{
    struct message m;
    int r = channel_wait(c, &m, ms);

    cr_assert_eq(r, -ETIMEDOUT, "%s", r == 1 ? message_name(m.kind) : "end");
}

void cast_hear_end(struct channel *c)
{
    struct message m;

    cr_assert_eq(channel_wait(c, &m, WAIT_MS), -EPIPE);
    channel_close(c);
}

void cast_skip_to_end(struct channel *c)
{
    int r;

    do
        r = hear(c, MSG_NONE);
    while (r == 1 || r == -EPROTO);
    cr_assert_eq(r, -EPIPE, "%s instead of the end", strerror(-r));
}

union ancillary {
    char bytes[CMSG_SPACE(RAW_FDS * sizeof(int))];
    struct cmsghdr head;
};

ssize_t raw_send(int to, const void *bytes, size_t len, const int *fd, size_t n)
{
    union ancillary a = { .head = { .cmsg_level = SOL_SOCKET,
                                    .cmsg_type = SCM_RIGHTS,
                                    .cmsg_len = CMSG_LEN(n * sizeof(int)) } };
    struct iovec part = { (void *)(uintptr_t)bytes, len };
    struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };

    if (n > 0) {
        m.msg_control = a.bytes;
        m.msg_controllen = CMSG_SPACE(n * sizeof(int));
        memcpy(CMSG_DATA(&a.head), fd, n * sizeof(int));
    }
    return sendmsg(to, &m, MSG_NOSIGNAL);
}

ssize_t raw_receive(int from, void *bytes, size_t size, int *fd, size_t *n)
{
    union ancillary a = { .bytes = "" };
    struct iovec part = { bytes, size };
    struct msghdr m = { .msg_iov = &part,
                        .msg_iovlen = 1,
                        .msg_control = a.bytes,
                        .msg_controllen = sizeof(a.bytes) };
    ssize_t len = recvmsg(from, &m, MSG_CMSG_CLOEXEC);

    *n = 0;
    if (len >= 0 && CMSG_FIRSTHDR(&m))
        *n = (a.head.cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(fd, CMSG_DATA(&a.head), *n * sizeof(int));
    return len;
}

void cast_shout(struct channel *c, const void *bytes, size_t len, const int *fd,
                size_t n)
{
    cr_assert_eq(raw_send(c->fd, bytes, len, fd, n), (ssize_t)len);
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
