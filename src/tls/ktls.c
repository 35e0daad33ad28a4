/* Kernel TLS (kTLS): the kernel gets the keys of one direction, encrypts what
 * is sent, and takes a file without a copy. Runs in session, on data channels
 * that send a file unchanged. It must never leave a record behind: one that the
 * kernel encrypts while its memory is full waits in a queue of kTLS, and is
 * lost silently when the socket is closed. So the kernel never gets more than
 * it has memory for. */
#include <errno.h>
#include <openssl/err.h>
#include <sys/epoll.h>

#include "tls.h"

/* A full record. */
#define RECORD SSL3_RT_MAX_PLAIN_LENGTH

int stream_enable_ktls(struct stream *s)
{
    BIO *bio = bio_over_ktls(context_of(s->ssl)->bio, &s->io);

    if (!bio)
        return -ENOMEM;
    io_bound_by_memory(&s->io);
    SSL_set0_wbio(s->ssl, bio);
    SSL_set_options(s->ssl, SSL_OP_ENABLE_KTLS);
    return 0;
}

void ktls_begin(struct stream *s)
{
    s->ktls = BIO_get_ktls_send(SSL_get_wbio(s->ssl));
}

bool stream_uses_ktls(const struct stream *s)
{
    return s->ktls;
}

static enum stream_state wait_for_room(struct stream *s)
{
    s->events = EPOLLOUT;
    return STREAM_AGAIN;
}

/* Handles a failed call of OpenSSL that returned R with the errno ERROR.
 * (OpenSSL before 3.0.14 reports a close_notify that must wait as an error.) */
static enum stream_state handle_failure(struct stream *s, int r, int error)
{
    if (SSL_get_error(s->ssl, r) == SSL_ERROR_WANT_WRITE || error == EAGAIN)
        return wait_for_room(s);
    return stream_failed(s, error ? error : EIO);
}

/* Half of the free memory, since the kernel counts its own overhead too. */
static size_t send_size(size_t memory, size_t len)
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
        SSL_sendfile(s->ssl, fd, (off_t)offset, send_size(memory, len), 0);
    if (n < 0)
        return handle_failure(s, (int)n, errno);
    *took = (size_t)n;
    s->io.traffic += (uint64_t)n;
    return STREAM_OK;
}

enum stream_state ktls_shutdown(struct stream *s)
{
    if (s->parted)
        return STREAM_OK;
    if (io_memory(&s->io) == 0)
        return wait_for_room(s);
    ERR_clear_error();
    errno = 0;
    int r = SSL_shutdown(s->ssl);
    if (r < 0)
        return handle_failure(s, r, errno);
    s->parted = true;
    return STREAM_OK;
}
