/* Tickets: their owners, the keys that seal them, and the TLS sessions that a
 * client can resume. Gate makes the keys; the rest runs in session, within
 * OpenSSL's handshakes. Control channels never resume. A data channel resumes a
 * TLS session of the same user and address, and notes its origin; before a byte
 * is transferred, session decides whether that origin suffices. A data channel
 * never gets a ticket: otherwise a client that has shown no ticket could come
 * back with one and pass for the user.
 *
 * Clients resume in one of three ways, and the callbacks serve them all:
 *
 * - A ticket of TLS 1.3. Gate's keys (t->keys) seal it for all sessions, and it
 *   contains its owner: user, address, session.
 * - A ticket of TLS 1.2, made before the login. A key that this process alone
 *   has (t->own) seals it, so the ticket belongs to this session.
 * - A session number of TLS 1.2. Only the control connection has one
 *   (t->kept). */
#include <endian.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

#include "sallyport/base/random.h"
#include "sallyport/tls/ticket.h"
#include "tls.h"

/* The owner's data in a ticket. A session has sealed the data, but this code
 * checks it like a stranger's input: an attacker who controls another session
 * has the keys, too. */
#define FORMAT 2

#define OPENSSL_3_2 0x30200000ul /* a result of OpenSSL_version_num() */

struct owner_bytes {
    uint8_t format, family, address[16];
    uint64_t serial, version; /* with the most significant byte first */
    uint8_t length;
    char user[USER_NAME_MAX]; /* followed by zeros */
} __attribute__((packed));
_Static_assert(sizeof(struct owner_bytes) == TICKET_OWNER_BYTES,
               "the header has the length");

void ticket_owner_write(const struct ticket_owner *o,
                        unsigned char out[TICKET_OWNER_BYTES])
{
    struct owner_bytes b = { .format = FORMAT,
                             .family = o->address.family,
                             .serial = htobe64(o->serial),
                             .version = htobe64(o->version),
                             .length =
                                 (uint8_t)strnlen(o->user, USER_NAME_MAX) };

    memcpy(b.address, o->address.bytes, sizeof(b.address));
    memcpy(b.user, o->user, b.length);
    memcpy(out, &b, sizeof(b));
}

int ticket_owner_read(const void *bytes, size_t len, struct ticket_owner *ret)
{
    struct owner_bytes b;

    if (len != sizeof(b))
        return -EINVAL;
    memcpy(&b, bytes, len);
    if (b.format != FORMAT || (b.family != 4 && b.family != 6) ||
        b.length == 0 || b.length > sizeof(b.user))
        return -EINVAL;
    for (size_t i = 0; i < sizeof(b.user); i++)
        if ((i < b.length) != (b.user[i] != 0))
            return -EINVAL;
    *ret = (struct ticket_owner){ .address.family = b.family,
                                  .serial = be64toh(b.serial),
                                  .version = be64toh(b.version) };
    memcpy(ret->address.bytes, b.address, sizeof(b.address));
    memcpy(ret->user, b.user, b.length);
    return 0;
}

enum ticket_origin ticket_origin(const struct ticket_owner *self,
                                 const struct ticket_owner *other)
{
    if (strcmp(self->user, other->user) != 0 ||
        self->version != other->version ||
        !address_same_host(&self->address, &other->address))
        return ORIGIN_NOT_OWN;
    return self->serial == other->serial ? ORIGIN_SESSION : ORIGIN_USER;
}

void ticket_keys_turn(struct ticket_keys *k)
{
    k->before = k->now;
    random_bytes(&k->now, sizeof(k->now));
}

/* The lifetime in a TLS 1.2 ticket, in seconds: some clients (JSSE) drop a
 * ticket that claims more than a week. The server itself accepts such a ticket
 * as long as its session lives. */
#define HINT_12  (7 * 24 * 3600)
#define NEVER_12 INT32_MAX
/* Room for a ticket without a client certificate (about 300 bytes), and for
 * replies. If the buffer has less room, the server sends no ticket. */
#define TICKET_ROOM 4096u

static const unsigned char context_name[] = "sallyport";

static bool is_13(const SSL *ssl)
{
    return SSL_version(ssl) >= TLS1_3_VERSION;
}

/* OpenSSL's callback for ticket keys. Returns 1; 0: the key is unknown; -1:
 * OpenSSL failed. */
static int ticket_key_callback(SSL *ssl, unsigned char *name, unsigned char *iv,
                               EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                               int seal)
{
    struct tls_context *t = context_of(ssl);
    const struct ticket_key *k = is_13(ssl) ? &t->keys.now : &t->own;
    OSSL_PARAM params[3];

    if (seal) {
        memcpy(name, k->name, TICKET_NAME_BYTES);
        random_bytes(iv, EVP_MAX_IV_LENGTH);
    } else {
        if (is_13(ssl) && memcmp(k->name, name, TICKET_NAME_BYTES) != 0)
            k = &t->keys.before;
        if (memcmp(k->name, name, TICKET_NAME_BYTES) != 0)
            return 0;
    }
    params[0] = OSSL_PARAM_construct_octet_string(
        OSSL_MAC_PARAM_KEY, (void *)(uintptr_t)k->mac, sizeof(k->mac));
    params[1] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                                 (char[]){ "SHA256" }, 0);
    params[2] = OSSL_PARAM_construct_end();
    if (EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, k->cipher, iv,
                          seal) != 1 ||
        EVP_MAC_CTX_set_params(mac, params) != 1)
        return -1;
    return 1;
}

/* OpenSSL's callback for each new ticket. OpenSSL makes a TLS 1.2 ticket before
 * the login, so it can't contain the owner. The key of the ticket, which no
 * other session has, shows that it belongs to this session. */
static int stamp_ticket(SSL *ssl, void *unused)
{
    const struct tls_context *t = context_of(ssl);
    unsigned char bytes[TICKET_OWNER_BYTES];

    (void)unused;
    if (!is_13(ssl)) {
        SSL_SESSION_set_timeout(SSL_get_session(ssl), HINT_12);
        return 1;
    }
    ticket_owner_write(&t->owner, bytes);
    return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), bytes,
                                           sizeof(bytes));
}

/* OpenSSL's callback for each ticket that a client shows. Reads the owner now,
 * since OpenSSL overwrites it when it makes the next ticket. If the client
 * shows a foreign ticket, this handshake doesn't resume, even if the client
 * also shows a good ticket. */
static SSL_TICKET_RETURN judge_ticket(SSL *ssl, SSL_SESSION *session,
                                      const unsigned char *name,
                                      size_t name_len, SSL_TICKET_STATUS status,
                                      void *unused)
{
    struct stream *s = SSL_get_app_data(ssl);
    struct ticket_owner owner;
    void *bytes = NULL;
    size_t len = 0;

    (void)name;
    (void)name_len;
    (void)unused;
    if (!s) /* gate's own handshake (warm.c) */
        return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE
                                            : SSL_TICKET_RETURN_IGNORE_RENEW;
    /* After IGNORE alone OpenSSL sends no TLS 1.2 ticket in this handshake. */
    if (s->use == STREAM_CONTROL)
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
        return SSL_TICKET_RETURN_IGNORE;
    if (s->shown == ORIGIN_NOT_OWN)
        return SSL_TICKET_RETURN_IGNORE;
    if (!is_13(ssl)) {
        SSL_SESSION_set_timeout(session, NEVER_12);
        s->shown = ORIGIN_SESSION;
    } else if (SSL_SESSION_get0_ticket_appdata(session, &bytes, &len) != 1 ||
               ticket_owner_read(bytes, len, &owner) < 0) {
        s->shown = ORIGIN_NOT_OWN;
    } else {
        s->shown = ticket_origin(&context_of(ssl)->owner, &owner);
    }
    return s->shown == ORIGIN_NOT_OWN ? SSL_TICKET_RETURN_IGNORE
                                      : SSL_TICKET_RETURN_USE;
}

/* Finds a session by its number. In TLS 1.2 curl and others turn tickets off,
 * and show a session number; Go's clients can use only tickets (golang/go issue
 * 18607). So the server needs both. This process has one TLS session: its
 * control channel's. Returns a copy, since OpenSSL marks the TLS session of a
 * cut connection as unusable. */
static SSL_SESSION *find_session(SSL *ssl, const unsigned char *id, int len,
                                 int *keep_reference)
{
    const struct tls_context *t = context_of(ssl);
    struct stream *s = SSL_get_app_data(ssl);
    unsigned known_len = 0;
    const unsigned char *known =
        t->kept ? SSL_SESSION_get_id(t->kept, &known_len) : NULL;

    *keep_reference = 0;
    if (!s || s->use == STREAM_CONTROL || is_13(ssl) || len <= 0 ||
        (unsigned)len != known_len || memcmp(id, known, known_len) != 0)
        return NULL;
    s->shown = ORIGIN_SESSION;
    return SSL_SESSION_dup(t->kept);
}

void resume_keep(struct stream *s)
{
    struct tls_context *t = context_of(s->ssl);

    if (s->use != STREAM_CONTROL || is_13(s->ssl))
        return;
    SSL_SESSION_free(t->kept);
    t->kept = SSL_SESSION_dup(SSL_get_session(s->ssl));
    if (t->kept)
        SSL_SESSION_set_timeout(t->kept, NEVER_12);
}

int resume_set(SSL_CTX *ssl, struct tls_context *t)
{
    SSL_CTX_set_app_data(ssl, t);
    /* During a handshake the server sends no ticket of TLS 1.3. The only ticket
     * of TLS 1.2 is sent during the handshake. */
    if (SSL_CTX_set_num_tickets(ssl, 0) != 1 ||
        SSL_CTX_set_session_id_context(ssl, context_name,
                                       sizeof(context_name) - 1) != 1 ||
        SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, ticket_key_callback) != 1 ||
        SSL_CTX_set_session_ticket_cb(ssl, stamp_ticket, judge_ticket, NULL) !=
            1)
        return -EINVAL;
    /* TLS 1.2 sessions get no session id unless CACHE_SERVER is set. OpenSSL's
     * own cache stays empty. */
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_SERVER |
                                            SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_get_cb(ssl, find_session);
    return 0;
}

void tls_context_tickets(struct tls_context *t, const struct ticket_keys *keys)
{
    t->keys = *keys;
}

void tls_context_lifetime(struct tls_context *t, uint64_t seconds)
{
    /* A ticket says in whole seconds when it was made, and OpenSSL 3.5 compares
     * this time with the exact time. */
    SSL_CTX_set_timeout(t->ssl, (long)seconds + 1);
}

void tls_context_forked(struct tls_context *t)
{
    random_bytes(&t->own, sizeof(t->own));
}

void tls_context_owner(struct tls_context *t, const struct ticket_owner *owner)
{
    t->owner = *owner;
}

enum ticket_origin stream_origin(const struct stream *s)
{
    if (!s->open)
        return ORIGIN_NONE;
    if (s->shown == ORIGIN_NOT_OWN || SSL_session_reused(s->ssl))
        return s->shown;
    return ORIGIN_NONE;
}

/* Offers a ticket. If OpenSSL can't make it, that is harmless: the client still
 * has its other tickets. */
enum stream_state resume_offer_ticket(struct stream *s)
{
    /* The ticket contains the client's certificate, so that a data connection
     * that resumes has shown the certificate, too. */
    const X509 *client = SSL_get0_peer_certificate(s->ssl);
    int len = client ? i2d_X509(client, NULL) : 0;

    if (!is_13(s->ssl) || !context_of(s->ssl)->owner.user[0] ||
        io_room(&s->io) < TICKET_ROOM + (len > 0 ? (size_t)len : 0) ||
        SSL_new_session_ticket(s->ssl) != 1)
        return STREAM_OK;
    s->patient = !stream_unsent(s);
    ERR_clear_error();
    int r = SSL_do_handshake(s->ssl);
    int error = r == 1 ? SSL_ERROR_NONE : SSL_get_error(s->ssl, r);
    if (error != SSL_ERROR_NONE && error != SSL_ERROR_WANT_READ)
        return stream_break(s, tls_error(ERR_peek_last_error()));
    /* Before 3.2 OpenSSL keeps a 16 KiB read buffer after this call: free it,
     * but not within a record (CVE-2024-4741). From 3.2 on there is no such
     * buffer, and SSL_free_buffers() would crash. */
    if (OpenSSL_version_num() < OPENSSL_3_2 && !secure_is_within(s))
        SSL_free_buffers(s->ssl);
    return STREAM_OK;
}
