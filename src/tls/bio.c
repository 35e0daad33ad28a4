/* A BIO over the stream's buffers. Runs in session. OpenSSL copies records
 * between its memory and these buffers; it must never reach the socket by
 * itself, or each record would cost a system call. There is one exception: with
 * kTLS OpenSSL's own socket BIO lies beneath. The few records that OpenSSL
 * still makes then (tickets, alerts) go through that BIO, which can tell the
 * kernel their type. */
#include "bio.h"

#include <errno.h>
#include <stdbool.h>

#include "io.h"

static int bio_read(BIO *b, char *into, int len)
{
    BIO_clear_retry_flags(b);
    size_t n = len > 0 ? io_take(BIO_get_data(b), into, (size_t)len) : 0;
    if (n > 0)
        return (int)n;
    BIO_set_retry_read(b);
    return -1;
}

static bool is_sealed(BIO *b)
{
    return BIO_next(b) && BIO_get_ktls_send(BIO_next(b));
}

static int write_sealed(BIO *b, const char *from, int len)
{
    int n = BIO_write(BIO_next(b), from, len);

    BIO_copy_next_retry(b);
    return n;
}

static int bio_write(BIO *b, const char *from, int len)
{
    BIO_clear_retry_flags(b);
    if (is_sealed(b))
        return write_sealed(b, from, len);
    int n = len > 0 ? io_put(BIO_get_data(b), from, (size_t)len) : 0;
    if (n > 0)
        return n;
    if (n == 0)
        BIO_set_retry_write(b);
    return -1;
}

/* Once the kernel has the keys it would encrypt the buffered bytes a second
 * time, so they must be sent before. Any other failure of the socket appears at
 * the stream's next send. */
static long bio_flush(BIO *b)
{
    if (!BIO_next(b))
        return 1;
    BIO_clear_retry_flags(b);
    if (io_send(BIO_get_data(b)) != -EAGAIN)
        return 1;
    BIO_set_retry_write(b);
    return -1;
}

/* OpenSSL "flushes" after each flight, but the stream decides when bytes are
 * sent. The stream also notices the end of the input. */
static long bio_ctrl(BIO *b, int what, long number, void *pointer)
{
    if (what == BIO_CTRL_FLUSH)
        return bio_flush(b);
    return BIO_next(b) ? BIO_ctrl(BIO_next(b), what, number, pointer) : 0;
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

BIO *bio_over_ktls(const BIO_METHOD *method, struct io *io)
{
    BIO *b = bio_over(method, io);
    BIO *socket = b ? BIO_new_socket(io->fd, BIO_NOCLOSE) : NULL;
    if (!socket) {
        BIO_free(b);
        return NULL;
    }
    return BIO_push(b, socket);
}
