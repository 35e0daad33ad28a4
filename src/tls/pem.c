/* Reads files of PEM blocks. Runs in keys for private keys, and in gate (in
 * sallyportd --check too) for certificates and revocation lists. It never opens
 * a file: the caller has the descriptor. */
#include "pem.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "context_inside.h"
#include "sallyport/base/fd.h"

BIO *pem_open(int fd, const char *name, struct buf *text, struct complaint *c)
{
    int r = fd_read_file(fd, text);

    if (r == -EFBIG)
        complain(c, "%s: too large for a PEM file (more than %zu KiB)", name,
                 text->max >> 10);
    else if (r != 0)
        complain(c, "%s: %s", name, strerror(-r));
    if (r != 0)
        return NULL;
    BIO *b = BIO_new_mem_buf(text->len > 0 ? text->data : "", (int)text->len);
    if (!b)
        complain(c, "%s: no memory", name);
    return b;
}

/* Did the last parse fail because no further block begins? */
static bool is_end(void)
{
    unsigned long e = ERR_peek_last_error();

    return ERR_GET_LIB(e) == ERR_LIB_PEM &&
           ERR_GET_REASON(e) == PEM_R_NO_START_LINE;
}

static int end_reading(const struct pem_file *f, const struct pem_kind *kind,
                       int number, struct complaint *c)
{
    if (!is_end())
        return complain(c, "%s: %s %d can't be read: %s", f->name, kind->what,
                        number, tls_error(ERR_peek_error()));
    if (number == 1)
        return complain(c, "%s: holds no %s in PEM form", f->name, kind->what);
    return 0;
}

static int take_each(BIO *b, const struct pem_file *f,
                     const struct pem_kind *kind, void *owner,
                     struct complaint *c)
{
    int r = 0;

    for (int number = 1; r == 0; number++) {
        ERR_clear_error();
        void *thing = kind->parse(b);
        if (!thing)
            return end_reading(f, kind, number, c);
        r = kind->take(owner, thing, number);
    }
    return r;
}

int pem_each(const struct pem_file *f, const struct pem_kind *kind, void *owner,
             struct complaint *c)
{
    struct buf text;

    buf_init(&text, f->max);
    BIO *b = pem_open(f->fd, f->name, &text, c);
    int r = b ? take_each(b, f, kind, owner, c) : -EINVAL;
    BIO_free(b);
    buf_release(&text);
    ERR_clear_error();
    return r;
}
