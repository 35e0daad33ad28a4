/* Reads a private key from PEM. Runs in keys, before its sandbox closes. The
 * text of the key is in a buffer that is wiped. It must never ask for a
 * passphrase: nobody is there to type one. */
#include "key.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "pem.h"

/* OpenSSL calls it for a passphrase. It notes the question and gives none. */
static int no_passphrase(char *into, int size, int writing, void *asked)
{
    (void)into;
    (void)size;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

static EVP_PKEY *parse_private_key(BIO *b, const char *name,
                                   struct complaint *c)
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
    EVP_PKEY *key = b ? parse_private_key(b, name, c) : NULL;
    BIO_free(b);
    buf_release(&text);
    return key;
}

/* At least 112 bits of security, as in OpenSSL's security level 2; more for EC,
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
