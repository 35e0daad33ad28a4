/* The buffers between a stream and its socket, and the BIO by which OpenSSL
 * uses them. Runs in session (and in tests). This file calls only send(2),
 * recv(2) and two socket options, so that the session's sandbox can refuse
 * other calls. It must never wait and never raise SIGPIPE. */
#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tls.h"

void io_release(struct io *io)
{
    free(io->in);
    free(io->out);
    io->in = io->out = NULL;
    io->in_at = io->in_end = io->out_at = io->out_end = 0;
}

/* Frees an empty buffer of a control channel. A data channel keeps its buffers,
 * since fresh pages would cost more than the copying. */
static void free_if_small(const struct io *io, unsigned char **buffer)
{
    if (io->size > IO_SMALL)
        return;
    free(*buffer);
    *buffer = NULL;
}

int io_fill(struct io *io)
{
    if (!io->in) /* the whole size: untouched pages cost nothing */
        io->in = malloc(io->size);
    if (!io->in)
        return -ENOMEM;

    ssize_t n;
    do
        n = recv(io->fd, io->in, io->size, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);

    int r = n < 0 ? -errno : (int)n;
    if (n == 0 && io->lost)
        r = -io->lost;
    io->traffic += n > 0 ? (uint64_t)n : 0;
    io->in_at = 0;
    io->in_end = n > 0 ? (size_t)n : 0;
    if (n <= 0)
        free_if_small(io, &io->in);
    return r;
}

/* Fails without harm on a socket that isn't TCP. */
void io_acknowledge(const struct io *io)
{
    const int on = 1;

    setsockopt(io->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

size_t stream_queued(const struct stream *s)
{
    uint32_t of[SK_MEMINFO_VARS] = { 0 };
    socklen_t len = sizeof(of);

    if (getsockopt(s->io.fd, SOL_SOCKET, SO_MEMINFO, of, &len) < 0)
        return 0;
    return of[SK_MEMINFO_WMEM_QUEUED];
}

size_t io_take(struct io *io, void *into, size_t len)
{
    size_t have_bytes = io->in_end - io->in_at;
    size_t n = len < have_bytes ? len : have_bytes;
    if (n == 0)
        return 0;

    memcpy(into, io->in + io->in_at, n);
    io->in_at += n;
    if (io->in_at == io->in_end) {
        io->in_at = io->in_end = 0;
        free_if_small(io, &io->in);
    }
    return n;
}

int io_put(struct io *io, const void *from, size_t len)
{
    if (!io->out)
        io->out = malloc(io->size);
    if (!io->out)
        return -ENOMEM;

    size_t room = io_room(io);
    size_t n = len < room ? len : room;
    memcpy(io->out + io->out_end, from, n);
    io->out_end += n;
    return (int)n;
}

int io_send(struct io *io)
{
    const int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (io->last ? MSG_MORE : 0);

    while (io_unsent(io)) {
        ssize_t n =
            send(io->fd, io->out + io->out_at, io->out_end - io->out_at, flags);
        if (n < 0 && errno == EINTR)
            continue;
        /* The kernel reports a reset once. After that recv(2) returns 0, as at
         * a FIN. EPIPE means that the FIN has come, or that our end is shut
         * down. */
        if (n < 0 && errno != EAGAIN && errno != EPIPE)
            io->lost = errno;
        if (n < 0)
            return -errno;
        io->out_at += (size_t)n;
        io->traffic += (uint64_t)n;
    }
    io_drop(io);
    return 0;
}

void io_drop(struct io *io)
{
    io->out_at = io->out_end = 0;
    free_if_small(io, &io->out);
}

/* Returns how many bytes io_put() can add. Sent bytes make no room until all
 * bytes are sent: so io_put() and io_send() copy each byte only once. */
size_t io_room(const struct io *io)
{
    return io->size - io->out_end;
}

bool io_received(const struct io *io)
{
    return io->in_at < io->in_end;
}

bool io_unsent(const struct io *io)
{
    return io->out_at < io->out_end;
}

/* OpenSSL copies records between its memory and these buffers. OpenSSL must
 * never reach the socket by itself: otherwise each record would cost a system
 * call. */
static int bio_read(BIO *b, char *into, int len)
{
    BIO_clear_retry_flags(b);
    size_t n = len > 0 ? io_take(BIO_get_data(b), into, (size_t)len) : 0;
    if (n > 0)
        return (int)n;
    BIO_set_retry_read(b);
    return -1;
}

static int bio_write(BIO *b, const char *from, int len)
{
    BIO_clear_retry_flags(b);
    int n = len > 0 ? io_put(BIO_get_data(b), from, (size_t)len) : 0;
    if (n > 0)
        return n;
    if (n == 0)
        BIO_set_retry_write(b);
    return -1;
}

/* Ignores OpenSSL's "flush" after each flight: the stream decides when bytes
 * are sent, and also notices the end of the input. */
static long bio_ctrl(BIO *b, int what, long number, void *pointer)
{
    (void)b;
    (void)number;
    (void)pointer;
    return what == BIO_CTRL_FLUSH;
}

BIO_METHOD *bio_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
                                 "sallyport stream");
    if (!m)
        return NULL;
    BIO_meth_set_read(m, bio_read);
    BIO_meth_set_write(m, bio_write);
    BIO_meth_set_ctrl(m, bio_ctrl);
    return m;
}

BIO *bio_over(const BIO_METHOD *method, struct io *io)
{
    BIO *b = BIO_new(method);
    if (!b)
        return NULL;
    BIO_set_data(b, io);
    BIO_set_init(b, 1);
    return b;
}
