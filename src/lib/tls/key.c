/* Code that keys and gate share: reads PEM files, and knows the accepted kinds
 * of keys and signature schemes. Runs in keys and gate, and for sallyportd
 * --check. It never opens a file: the caller has the descriptor. */
#include "key.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "sallyport/base/fd.h"

const char *tls_error(unsigned long error)
{
    const char *reason = ERR_reason_error_string(error);
    return reason ? reason : "unknown error";
}

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

int pem_each(const struct pem_file *f, const struct pem_kind *kind, void *owner,
             struct complaint *c)
{
    struct buf text;
    int r = 0;

    buf_init(&text, f->max);
    BIO *b = pem_open(f->fd, f->name, &text, c);
    if (!b)
        r = -EINVAL;
    for (int number = 1; r == 0; number++) {
        ERR_clear_error();
        void *thing = kind->parse(b);
        unsigned long e = thing ? 0 : ERR_peek_last_error();
        bool is_end = ERR_GET_LIB(e) == ERR_LIB_PEM &&
                      ERR_GET_REASON(e) == PEM_R_NO_START_LINE;

        if (thing)
            r = kind->take(owner, thing, number);
        else if (!is_end)
            r = complain(c, "%s: %s %d can't be read: %s", f->name, kind->what,
                         number, tls_error(ERR_peek_error()));
        else if (number == 1)
            r = complain(c, "%s: holds no %s in PEM form", f->name, kind->what);
        else
            break;
    }
    BIO_free(b);
    buf_release(&text);
    ERR_clear_error();
    return r;
}

/* The accepted kinds of keys, and the least bits of a key: at least 112 bits of
 * security, as in OpenSSL's security level 2. EC keys need 256 bits, since
 * smaller curves aren't in use. */
static const struct key_kind {
    const char *name;
    int least;
} key_kinds[] = { { "RSA", 2048 }, { "EC", 256 }, { "ED25519", 0 } };

int key_check(EVP_PKEY *key, const char *name, struct complaint *c)
{
    for (size_t i = 0; key && i < sizeof(key_kinds) / sizeof(key_kinds[0]);
         i++) {
        if (!EVP_PKEY_is_a(key, key_kinds[i].name))
            continue;
        if (EVP_PKEY_get_bits(key) >= key_kinds[i].least)
            return 0;
        return complain(c, "%s: a key of %d bits is too weak (%d at least)",
                        name, EVP_PKEY_get_bits(key), key_kinds[i].least);
    }
    return complain(c, "%s: neither RSA, EC nor Ed25519", name);
}

static const struct scheme schemes[] = {
    { 0x0403, "EC", "SHA2-256", 0, true },
    { 0x0503, "EC", "SHA2-384", 0, true },
    { 0x0603, "EC", "SHA2-512", 0, true },
    { 0x0804, "RSA", "SHA2-256", RSA_PKCS1_PSS_PADDING, true },
    { 0x0805, "RSA", "SHA2-384", RSA_PKCS1_PSS_PADDING, true },
    { 0x0806, "RSA", "SHA2-512", RSA_PKCS1_PSS_PADDING, true },
    { 0x0807, "ED25519", NULL, 0, true },
    { 0x0401, "RSA", "SHA2-256", RSA_PKCS1_PADDING, false },
    { 0x0501, "RSA", "SHA2-384", RSA_PKCS1_PADDING, false },
    { 0x0601, "RSA", "SHA2-512", RSA_PKCS1_PADDING, false },
};
#define SCHEMES (sizeof(schemes) / sizeof(schemes[0]))

const struct scheme *scheme_find(uint16_t code)
{
    for (size_t i = 0; i < SCHEMES; i++)
        if (schemes[i].code == code)
            return &schemes[i];
    return NULL;
}

/* Returns true if ASKED and ROW name the same digest. OpenSSL has several names
 * for a digest, such as "SHA256" and "SHA2-256". */
static bool is_digest(const char *asked, const char *row)
{
    if (!row || !*asked)
        return !row && !*asked;
    EVP_MD *md = EVP_MD_fetch(NULL, asked, NULL);
    bool same = md && EVP_MD_is_a(md, row);
    EVP_MD_free(md);
    return same;
}

const struct scheme *scheme_of(const char *key, const char *digest, int padding)
{
    for (size_t i = 0; i < SCHEMES; i++)
        if (schemes[i].padding == padding &&
            strcasecmp(schemes[i].key, key) == 0 &&
            is_digest(digest, schemes[i].digest))
            return &schemes[i];
    return NULL;
}
