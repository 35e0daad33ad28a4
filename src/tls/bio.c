/* A BIO over the stream's buffers. Runs in session. OpenSSL moves records
 * between memory and memory here; it must never reach the socket by itself,
 * or each record would be a system call. */
#include "bio.h"

#include "io.h"

static int take(BIO *b, char *into, int len)
{
    BIO_clear_retry_flags(b);
    size_t n = len > 0 ? io_take(BIO_get_data(b), into, (size_t)len) : 0;
    if (n > 0)
        return (int)n;
    BIO_set_retry_read(b);
    return -1;
}

static int put(BIO *b, const char *from, int len)
{
    BIO_clear_retry_flags(b);
    int n = len > 0 ? io_put(BIO_get_data(b), from, (size_t)len) : 0;
    if (n > 0)
        return n;
    if (n == 0)
        BIO_set_retry_write(b);
    return -1;
}

/* OpenSSL "flushes" after each flight; when bytes leave is the stream's
 * decision. The end of the stream is the stream's to see as well. */
static long control(BIO *b, int what, long number, void *pointer)
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
    BIO_meth_set_read(m, take);
    BIO_meth_set_write(m, put);
    BIO_meth_set_ctrl(m, control);
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
