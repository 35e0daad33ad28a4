/* Reads a certificate with OpenSSL. */
#include "certificate.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "show.h"

static void certificate_name(X509_NAME *name, char out[CERTIFICATE_TEXT_MAX])
{
    char text[CERTIFICATE_TEXT_MAX] = "";
    BIO *bio = BIO_new(BIO_s_mem());

    if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
        int n = BIO_read(bio, text, sizeof(text) - 1);
        text[n > 0 ? n : 0] = '\0';
    }
    BIO_free(bio);
    show_text(text, out, CERTIFICATE_TEXT_MAX);
}

static void certificate_time(const ASN1_TIME *t, char out[32])
{
    struct tm tm = { 0 };

    ASN1_TIME_to_tm(t, &tm);
    strftime(out, 32, "%Y-%m-%d %H:%M:%S UTC", &tm);
}

static void certificate_hex(const unsigned char *bytes, unsigned len,
                            char out[CERTIFICATE_HEX_MAX])
{
    for (unsigned i = 0; i < len && 3 * i + 3 < CERTIFICATE_HEX_MAX; i++)
        snprintf(out + (size_t)3 * i, 4, "%02X%s", bytes[i],
                 i + 1 < len ? ":" : "");
}

static int certificate_pin(X509 *x, char out[CERTIFICATE_PIN_MAX])
{
    unsigned char *key = NULL, hash[SHA256_DIGEST_LENGTH];
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &key);

    if (len <= 0)
        return -1;
    SHA256(key, (size_t)len, hash);
    OPENSSL_free(key);
    memcpy(out, "sha256//", 9);
    EVP_EncodeBlock((unsigned char *)out + 8, hash, sizeof(hash));
    return 0;
}

int certificate_read(X509 *x, struct certificate *ret)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    *ret = (struct certificate){ 0 };
    if (X509_digest(x, EVP_sha256(), hash, &len) != 1)
        return -1;
    certificate_hex(hash, len, ret->fingerprint);
    certificate_name(X509_get_subject_name(x), ret->subject);
    certificate_name(X509_get_issuer_name(x), ret->issuer);
    certificate_time(X509_get0_notBefore(x), ret->begins);
    certificate_time(X509_get0_notAfter(x), ret->ends);
    ret->valid_now = X509_cmp_current_time(X509_get0_notBefore(x)) < 0 &&
                     X509_cmp_current_time(X509_get0_notAfter(x)) > 0;
    ret->self_signed = X509_self_signed(x, 0) == 1;
    return certificate_pin(x, ret->pin);
}
