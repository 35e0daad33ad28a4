/* Which TLS this server speaks. Runs in gate, before its sandbox closes. Groups
 * and signature algorithms are OpenSSL's defaults, so that a newer OpenSSL
 * brings newer ones. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "context_inside.h"

#define LIST_MAX 512 /* bytes of all suite names */

/* 112 bits of security: RSA and DH from 2048 bits, EC from 224. */
#define SECURITY_LEVEL 2

/* RFC 8879, from OpenSSL 3.2 on. Proofs (sallyport/proof) are verified as they
 * were sent, and nothing is decompressed for clients that haven't logged in. */
#ifdef SSL_OP_NO_RX_CERTIFICATE_COMPRESSION
#define NO_PACKED_CERTIFICATES                                                 \
    (SSL_OP_NO_RX_CERTIFICATE_COMPRESSION |                                    \
     SSL_OP_NO_TX_CERTIFICATE_COMPRESSION)
#else
#define NO_PACKED_CERTIFICATES 0
#endif

#define OPTIONS                                                                \
    (SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |                         \
     SSL_OP_CIPHER_SERVER_PREFERENCE | NO_PACKED_CERTIFICATES)

/* A system's openssl.cnf may have turned these on. An end without close_notify
 * must stay an error, or a cut file would look complete. A resumed session must
 * have a secret of its own, or a thief of the ticket keys could read recorded
 * traffic. */
#define NOT_OPTIONS                                                            \
    (SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_LEGACY_SERVER_CONNECT |             \
     SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION |                                \
     SSL_OP_NO_EXTENDED_MASTER_SECRET | SSL_OP_ENABLE_KTLS |                   \
     SSL_OP_ALLOW_NO_DHE_KEX | SSL_OP_PRIORITIZE_CHACHA | SSL_OP_NO_TICKET |   \
     SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TLSv1_3)

/* A client that offers protocols without "ftp" was sent here by an attacker who
 * mixes protocols (ALPACA; RFC 7301 3.2). This holds for data connections too:
 * FileZilla offers "ftp-data" there, but only to a server that has chosen its
 * own "x-filezilla-ftp" on the control connection. */
static int choose_protocol(SSL *ssl, const unsigned char **chosen,
                           unsigned char *chosen_len,
                           const unsigned char *offer, unsigned offer_len,
                           void *unused)
{
    static const unsigned char ftp[] = { 3, 'f', 't', 'p' };
    (void)ssl;
    (void)unused;
    for (unsigned at = 0; at + sizeof(ftp) <= offer_len; at += offer[at] + 1u) {
        if (memcmp(offer + at, ftp, sizeof(ftp)) != 0)
            continue;
        *chosen = offer + at + 1;
        *chosen_len = offer[at];
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* "A:B:C", as OpenSSL expects it. */
static char *suites_string(const struct tls_policy *policy, enum tls_version v)
{
    struct buf text;
    char *copy = NULL;

    buf_init(&text, LIST_MAX);
    if (suites_text(&policy->suites[v], v, ":", &text) == 0)
        copy = strndup(text.data, text.len);
    buf_release(&text);
    return copy;
}

static bool set_suites(SSL_CTX *ssl, const struct tls_policy *policy)
{
    char *suites_12 = suites_string(policy, TLS_12),
         *suites_13 = suites_string(policy, TLS_13);
    bool ok = suites_12 && suites_13 &&
              SSL_CTX_set_cipher_list(ssl, suites_12) == 1 &&
              SSL_CTX_set_ciphersuites(ssl, suites_13) == 1;

    free(suites_12);
    free(suites_13);
    return ok;
}

int policy_set(SSL_CTX *ssl, const struct tls_policy *policy)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

    if (policy->least >= TLS_VERSIONS ||
        !SSL_CTX_set_min_proto_version(ssl, versions[policy->least]) ||
        !SSL_CTX_set_max_proto_version(ssl, TLS1_3_VERSION) ||
        !set_suites(ssl, policy))
        return -EINVAL;
    if (SSL_CTX_get_security_level(ssl) < SECURITY_LEVEL)
        SSL_CTX_set_security_level(ssl, SECURITY_LEVEL);
    SSL_CTX_set_options(ssl, OPTIONS);
    SSL_CTX_clear_options(ssl, NOT_OPTIONS);
    SSL_CTX_set_max_early_data(ssl, 0);
    SSL_CTX_set_recv_max_early_data(ssl, 0);
    SSL_CTX_set_alpn_select_cb(ssl, choose_protocol, NULL);
    return 0;
}
