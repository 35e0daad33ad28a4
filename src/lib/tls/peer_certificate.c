/* Requests a client's certificate on one connection, compares it, and reports
 * its claims. Runs in session, within OpenSSL's handshakes. OpenSSL has
 * verified the certificate, but other processes can't trust this result: an
 * attacker in this process could claim it. So this code keeps the handshake's
 * messages, and auth verifies them (sallyport/proof). The certificate's claims
 * are lines, to be compared with the users file. A CA has signed their bytes,
 * but a stranger has chosen them: this code leaves out claims with unprintable
 * bytes. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "sallyport/domain/tls.h"
#include "tls.h"

/* Adds the session's number to a TLS 1.3 request, so that the client's
 * signature is valid for this session only. Clients must ignore the unknown
 * extension (RFC 8446 4.3.2); GREASE (RFC 8701) makes sure that they do. */
static int add_serial(SSL *ssl, unsigned type, unsigned context,
                      const unsigned char **out, size_t *len, X509 *x,
                      size_t index, int *alert, void *unused)
{
    const struct stream *s = SSL_get_app_data(ssl);

    (void)type;
    (void)context;
    (void)x;
    (void)index;
    (void)alert;
    (void)unused;
    if (!s || s->use != STREAM_CONTROL)
        return 0;
    *out = context_of(ssl)->serial;
    *len = PROOF_SERIAL_BYTES;
    return 1;
}

int client_set(SSL_CTX *ssl)
{
    return SSL_CTX_add_custom_ext(ssl, PROOF_EXTENSION,
                                  SSL_EXT_TLS1_3_CERTIFICATE_REQUEST |
                                      SSL_EXT_TLS1_3_ONLY,
                                  add_serial, NULL, NULL, NULL, NULL) == 1
               ? 0
               : -EINVAL;
}

void stream_forget_proof(struct stream *s)
{
    buf_release(&s->proof);
    s->unproved = true;
}

static void client_on_message(int written, int version, int type,
                              const void *bytes, size_t len, SSL *ssl,
                              void *owner)
{
    struct stream *s = owner;

    (void)written;
    (void)version;
    (void)ssl;
    if (type != SSL3_RT_HANDSHAKE || s->open || s->unproved)
        return;
    if (buf_add(&s->proof, bytes, len) < 0)
        stream_forget_proof(s);
}

void tls_context_serial(struct tls_context *t, uint64_t serial)
{
    proof_write_serial(serial, t->serial);
}

void client_ask(struct stream *s)
{
    const struct tls_context *t = context_of(s->ssl);

    if (s->use == STREAM_DATA) {
        if (t->client)
            SSL_set_verify(s->ssl, SSL_VERIFY_PEER, NULL);
        return;
    }
    if (t->clients == CLIENTS_OFF)
        return;
    SSL_set_verify(s->ssl,
                   t->clients == CLIENTS_REQUIRE
                       ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                       : SSL_VERIFY_PEER,
                   NULL);
    buf_init(&s->proof, CLIENT_PROOF_MAX);
    SSL_set_msg_callback(s->ssl, client_on_message);
    SSL_set_msg_callback_arg(s->ssl, s);
}

void client_keep(struct stream *s)
{
    struct tls_context *t = context_of(s->ssl);

    if (s->use != STREAM_CONTROL)
        return;
    SSL_set_msg_callback(s->ssl, NULL);
    X509_free(t->client);
    t->client = SSL_get1_peer_certificate(s->ssl);
    if (!t->client || SSL_version(s->ssl) < TLS1_3_VERSION)
        stream_forget_proof(s);
}

bool stream_same_client(const struct stream *s)
{
    const X509 *first = s->ssl ? context_of(s->ssl)->client : NULL;

    if (!first)
        return true;
    const X509 *mine = s->open ? SSL_get0_peer_certificate(s->ssl) : NULL;
    return mine && SSL_get_verify_result(s->ssl) == X509_V_OK &&
           X509_cmp(first, mine) == 0;
}

/* client_keep() has dropped messages that prove nothing. */
struct slice stream_proof(const struct stream *s)
{
    return s->open ? buf_slice(&s->proof) : SLICE("");
}

#define SUBJECT_MAX 2048
#define CUT         1 /* something didn't fit */

static int add_fingerprint(X509 *x, struct buf *into)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    int r;

    if (X509_digest(x, EVP_sha256(), hash, &len) != 1)
        return -ENOMEM;
    r = buf_add_text(into, PIN_PREFIX);
    for (unsigned i = 0; i < len && r == 0; i++)
        r = buf_add_format(into, "%02x", hash[i]);
    return r ? r : buf_add_text(into, "\n");
}

/* Adds a line; or nothing, and returns CUT, if the whole line doesn't fit. */
static int add_line(struct buf *into, const char *kind, struct slice text)
{
    size_t before = into->len;
    int r =
        text.len > 0 && slice_is_graphic(text)
            ? buf_add_format(into, "%s:%.*s\n", kind, (int)text.len, text.ptr)
            : 0;

    if (r == -ENOBUFS)
        into->len = before;
    return r == -ENOBUFS ? CUT : r;
}

/* Writes a space or ';' as hexadecimal digits, since either byte would end the
 * value in a row of the users file. Drops the backslash that OpenSSL puts
 * before a ';', and before a space at either end. Keeps an escaped backslash,
 * which belongs to the name. */
static int escape_value(struct slice from, struct buf *to)
{
    int r = 0;

    for (size_t i = 0; i < from.len && r == 0; i++) {
        bool pair = from.ptr[i] == '\\' && i + 1 < from.len;
        char c = from.ptr[i + pair];

        if (c == ' ' || c == ';')
            r = buf_add_format(to, "\\%02X", (unsigned)c);
        else
            r = buf_add(to, &from.ptr[i], 1u + pair);
        i += pair;
    }
    return r;
}

/* Adds the subject in the form of RFC 4514; OpenSSL names this form after the
 * older RFC 2253. */
static int add_subject(X509 *x, struct buf *into)
{
    BIO *b = BIO_new(BIO_s_mem());
    struct buf text;
    char *bytes = NULL;
    long len;
    int r = -ENOMEM;

    buf_init(&text, SUBJECT_MAX);
    if (b && X509_NAME_print_ex(b, X509_get_subject_name(x), 0,
                                XN_FLAG_RFC2253) >= 0) {
        len = BIO_get_mem_data(b, &bytes);
        r = escape_value((struct slice){ bytes, len > 0 ? (size_t)len : 0 },
                         &text);
    }
    BIO_free(b);
    if (r == 0)
        r = add_line(into, "subject", buf_slice(&text));
    buf_release(&text);
    return r == -ENOBUFS ? CUT : r;
}

int stream_claims(const struct stream *s, struct buf *into)
{
    X509 *x = s->open ? SSL_get0_peer_certificate(s->ssl) : NULL;
    int r, cut;

    if (!x || SSL_get_verify_result(s->ssl) != X509_V_OK)
        return 0;
    r = add_fingerprint(x, into);
    if (r == 0)
        r = add_subject(x, into);
    cut = r;
    if (r >= 0) {
        GENERAL_NAMES *names =
            X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

        for (int i = 0; i < sk_GENERAL_NAME_num(names) && r >= 0; i++) {
            const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
            const ASN1_STRING *text =
                name->d.ia5; /* each kind below has such a string */
            const char *kind = name->type == GEN_EMAIL ? "email"
                               : name->type == GEN_DNS ? "dns"
                               : name->type == GEN_URI ? "uri"
                                                       : NULL;

            if (kind)
                r = add_line(
                    into, kind,
                    (struct slice){ (const char *)ASN1_STRING_get0_data(text),
                                    (size_t)ASN1_STRING_length(text) });
            cut |= r;
        }
        GENERAL_NAMES_free(names);
    }
    ERR_clear_error();
    return r < 0 ? r : cut;
}
