/* Certificate chain and private key, from PEM. Runs in gate before its cage,
 * and in sallyportd --check by way of gate. The key's text lies in a buffer
 * that is wiped; must never ask for a passphrase: nobody sits there. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "context_inside.h"
#include "sallyport/base/buf.h"
#include "sallyport/base/fd.h"

#define PEM_MAX      (256u << 10)
#define CHAIN_MAX    16
#define RSA_BITS_MIN 2048
#define EC_BITS_MIN  256

/* Reads FD whole; a BIO over TEXT, which must outlive it. */
static BIO *open_text(int fd, const char *name, struct buf *text,
                      struct complaint *c)
{
    int r = fd_read_file(fd, text);
    if (r == -EFBIG)
        complain(c, "%s: too large for a PEM file (more than %u KiB)", name,
                 PEM_MAX >> 10);
    else if (r != 0)
        complain(c, "%s: %s", name, strerror(-r));
    if (r != 0)
        return NULL;
    BIO *b = BIO_new_mem_buf(text->len > 0 ? text->data : "", (int)text->len);
    if (!b)
        complain(c, "%s: no memory", name);
    return b;
}

/* PEM's way to say that there is nothing more. */
static bool is_end(void)
{
    unsigned long e = ERR_peek_last_error();
    return ERR_GET_LIB(e) == ERR_LIB_PEM &&
           ERR_GET_REASON(e) == PEM_R_NO_START_LINE;
}

static int check_dates(X509 *x, int number, const char *name,
                       struct complaint *c)
{
    if (X509_cmp_time(X509_get0_notAfter(x), NULL) > 0)
        return 0;
    if (number == 1)
        return complain(c, "%s: the certificate has expired", name);
    return complain(c, "%s: certificate %d of the chain has expired", name,
                    number);
}

static int check_strength(X509 *x, const char *name, struct complaint *c)
{
    EVP_PKEY *key = X509_get0_pubkey(x);
    int type = key ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE;
    int bits = key ? EVP_PKEY_get_bits(key) : 0;

    if (type != EVP_PKEY_RSA && type != EVP_PKEY_EC)
        return complain(c, "%s: neither an RSA nor an EC certificate", name);
    int least = type == EVP_PKEY_RSA ? RSA_BITS_MIN : EC_BITS_MIN;
    if (bits < least)
        return complain(c, "%s: a key of %d bits is too weak (%d at least)",
                        name, bits, least);
    return 0;
}

static int use_leaf(SSL_CTX *ssl, X509 *x, const char *name,
                    struct complaint *c)
{
    int r = check_dates(x, 1, name, c);
    if (r == 0)
        r = check_strength(x, name, c);
    if (r == 0 && SSL_CTX_use_certificate(ssl, x) != 1)
        r = complain(c, "%s: %s", name, tls_error(ERR_peek_error()));
    X509_free(x);
    return r;
}

static int use_issuer(SSL_CTX *ssl, X509 *x, int number, const char *name,
                      struct complaint *c)
{
    int r = check_dates(x, number, name, c);
    if (r == 0 && number > CHAIN_MAX)
        r = complain(c, "%s: more than %d certificates", name, CHAIN_MAX);
    if (r == 0 && SSL_CTX_add0_chain_cert(ssl, x) == 1)
        return 0; /* X is the context's now */
    X509_free(x);
    return r != 0 ? r
                  : complain(c, "%s: certificate %d of the chain: %s", name,
                             number, tls_error(ERR_peek_error()));
}

static int read_chain(SSL_CTX *ssl, BIO *b, const char *name,
                      struct complaint *c)
{
    X509 *x;
    for (int number = 1;; number++) {
        ERR_clear_error();
        x = PEM_read_bio_X509_AUX(b, NULL, NULL, NULL);
        if (!x && number > 1 && is_end())
            return 0;
        if (!x && is_end())
            return complain(c, "%s: holds no certificate in PEM form", name);
        if (!x)
            return complain(c, "%s: certificate %d can't be read: %s", name,
                            number, tls_error(ERR_peek_error()));
        int r = number == 1 ? use_leaf(ssl, x, name, c)
                            : use_issuer(ssl, x, number, name, c);
        if (r != 0)
            return r;
    }
}

static int load_chain(SSL_CTX *ssl, const struct pem_files *f,
                      struct complaint *c)
{
    struct buf text;
    buf_init(&text, PEM_MAX);
    BIO *b = open_text(f->certificate_fd, f->certificate, &text, c);
    int r = b ? read_chain(ssl, b, f->certificate, c) : -EINVAL;
    BIO_free(b);
    buf_release(&text);
    return r;
}

/* OpenSSL asks for a passphrase: note it, and give none. */
static int no_passphrase(char *into, int size, int writing, void *asked)
{
    (void)into;
    (void)size;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

static int use_key(SSL_CTX *ssl, EVP_PKEY *key, const struct pem_files *f,
                   struct complaint *c)
{
    X509 *leaf = SSL_CTX_get0_certificate(ssl);
    if (X509_check_private_key(leaf, key) != 1)
        return complain(c, "%s: not the key of the certificate in %s", f->key,
                        f->certificate);
    if (SSL_CTX_use_PrivateKey(ssl, key) != 1)
        return complain(c, "%s: %s", f->key, tls_error(ERR_peek_error()));
    return 0;
}

static int read_key(SSL_CTX *ssl, BIO *b, const struct pem_files *f,
                    struct complaint *c)
{
    bool asked = false;
    ERR_clear_error();
    EVP_PKEY *key = PEM_read_bio_PrivateKey(b, NULL, no_passphrase, &asked);
    if (!key && asked)
        return complain(c,
                        "%s: the key is protected by a passphrase, which "
                        "nobody can type into a server (openssl pkey -in OLD "
                        "-out NEW takes it off)",
                        f->key);
    if (!key)
        return complain(c, "%s: holds no private key in PEM form", f->key);
    int r = use_key(ssl, key, f, c);
    EVP_PKEY_free(key);
    return r;
}

static int load_key(SSL_CTX *ssl, const struct pem_files *f,
                    struct complaint *c)
{
    struct buf text;
    buf_init(&text, PEM_MAX);
    BIO *b = open_text(f->key_fd, f->key, &text, c);
    int r = b ? read_key(ssl, b, f, c) : -EINVAL;
    BIO_free(b);
    buf_release(&text);
    return r;
}

int pem_load(SSL_CTX *ssl, const struct pem_files *files, struct complaint *c)
{
    int r = load_chain(ssl, files, c);
    return r != 0 ? r : load_key(ssl, files, c);
}
