/* The kernel's TLS (kTLS): it gets the keys of one direction, seals by itself
 * what goes that way, and takes a file without a detour. Runs in session, on
 * data channels that send a file as it is. Must never leave a tail behind: a
 * record that the kernel has sealed while its memory was full waits in a queue
 * of its TLS, and is lost when the socket is shut, without a word. So it never
 * gets more than it has memory for. */
#include <errno.h>
#include <openssl/err.h>
#include <sys/epoll.h>

#include "bio.h"
#include "context_inside.h"
#include "stream_inside.h"

/* Records of this size are full ones. */
#define RECORD SSL3_RT_MAX_PLAIN_LENGTH

int stream_let_kernel(struct stream *s)
{
    const struct tls_context *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(s->ssl));
    BIO *bio = bio_over_kernel(t->bio, &s->io);

    if (!bio)
        return -ENOMEM;
    io_bound_by_memory(&s->io);
    SSL_set0_wbio(s->ssl, bio);
    SSL_set_options(s->ssl, SSL_OP_ENABLE_KTLS);
    return 0;
}

void kernel_begin(struct stream *s)
{
    s->kernel = BIO_get_ktls_send(SSL_get_wbio(s->ssl));
}

bool stream_kernel_seals(const struct stream *s)
{
    return s->kernel;
}

static enum stream_state wait_for_room(struct stream *s)
{
    s->events = EPOLLOUT;
    return STREAM_AGAIN;
}

/* What the call of SSL that returned R has met. (OpenSSL before 3.0.14 calls a
 * close_notify that must wait an error.) */
static enum stream_state met(struct stream *s, int r, int error)
{
    if (SSL_get_error(s->ssl, r) == SSL_ERROR_WANT_WRITE || error == EAGAIN)
        return wait_for_room(s);
    return stream_failed(s, error ? error : EIO);
}

/* Half of what is free, since the kernel counts its own housekeeping, too. */
static size_t portion(size_t memory, size_t len)
{
    size_t most = memory / 2;

    if (most > RECORD)
        most -= most % RECORD;
    return len < most ? len : most;
}

enum stream_state stream_send_file(struct stream *s, int fd, uint64_t offset,
                                   size_t len, size_t *took)
{
    size_t memory = io_memory(&s->io);

    *took = 0;
    if (!stream_begin(s))
        return STREAM_FAILED;
    if (memory == 0)
        return wait_for_room(s);
    ERR_clear_error();
    errno = 0;
    ossl_ssize_t n =
        SSL_sendfile(s->ssl, fd, (off_t)offset, portion(memory, len), 0);
    if (n < 0)
        return met(s, (int)n, errno);
    *took = (size_t)n;
    s->io.traffic += (uint64_t)n;
    return STREAM_OK;
}

enum stream_state kernel_shutdown(struct stream *s)
{
    if (s->parted)
        return STREAM_OK;
    if (io_memory(&s->io) == 0)
        return wait_for_room(s);
    ERR_clear_error();
    errno = 0;
    int r = SSL_shutdown(s->ssl);
    if (r < 0)
        return met(s, r, errno);
    s->parted = true;
    return STREAM_OK;
}
