/* A private key from PEM. Runs in keys, before its sandbox and at a reload. The
 * key's text lies in a buffer that is wiped; must never ask for a passphrase:
 * nobody sits there. */
#include "key.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

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

/* OpenSSL asks for a passphrase: note it, and give none. */
static int no_passphrase(char *into, int size, int writing, void *asked)
{
    (void)into;
    (void)size;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

static EVP_PKEY *parse(BIO *b, const char *name, struct complaint *c)
{
    bool asked = false;

    ERR_clear_error();
    EVP_PKEY *key = PEM_read_bio_PrivateKey(b, NULL, no_passphrase, &asked);
    if (!key && asked)
        complain(c,
                 "%s: the key is protected by a passphrase, which nobody can "
                 "type into a server (openssl pkey -in OLD -out NEW takes it "
                 "off)",
                 name);
    else if (!key)
        complain(c, "%s: holds no private key in PEM form", name);
    ERR_clear_error();
    return key;
}

EVP_PKEY *key_read(int fd, const char *name, struct complaint *c)
{
    struct buf text;

    buf_init(&text, PEM_MAX);
    BIO *b = pem_open(fd, name, &text, c);
    EVP_PKEY *key = b ? parse(b, name, c) : NULL;
    BIO_free(b);
    buf_release(&text);
    return key;
}

/* 112 bits at least, as OpenSSL's security level 2 has it, and more for EC,
 * where no smaller curve is in use. */
static const struct kind {
    const char *name;
    int least;
} kinds[] = { { "RSA", 2048 }, { "EC", 256 }, { "ED25519", 0 } };

int key_check(EVP_PKEY *key, const char *name, struct complaint *c)
{
    for (size_t i = 0; key && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!EVP_PKEY_is_a(key, kinds[i].name))
            continue;
        if (EVP_PKEY_get_bits(key) >= kinds[i].least)
            return 0;
        return complain(c, "%s: a key of %d bits is too weak (%d at least)",
                        name, EVP_PKEY_get_bits(key), kinds[i].least);
    }
    return complain(c, "%s: neither RSA, EC nor Ed25519", name);
}
