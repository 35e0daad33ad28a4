/* The process keys from its set-up on. The test is master, and the sessions
 * that ask for signatures or send something else. */
#include <openssl/ec.h>
#include <openssl/pem.h>

#include "keys/keys.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/channel.h"
#include "support/cast.h"
#include "support/child.h"
#include "support/test.h"

#define SIGN_BURST (SIGN_CREDIT_MS / SIGN_EACH_MS)

#define ECDSA    0x0403 /* ecdsa_secp256r1_sha256 */
#define PSS      0x0804 /* rsa_pss_rsae_sha256 */
#define SESSIONS 2
#define PEERS    (2 * SESSIONS + 16) /* that it can serve */

#define TLS13                                                                  \
    "                                                                "         \
    "TLS 1.3, server CertificateVerify\0"                                      \
    "0123456789abcdef0123456789abcdef"
#define HANDSHAKE SLICE(TLS13)

#define CLIENT                                                                 \
    ((struct address){ .family = 4, .bytes = { 203, 0, 113, 5 }, .port = 4711 })

static struct stage {
    pid_t pid;
    struct channel keys, log;
} s;

static int text_fd(const char *text, size_t len)
{
    int fd = memfd_create("text", MFD_CLOEXEC);

    cr_assert_eq(write(fd, text, len), (ssize_t)len);
    return fd;
}

static int key_fd(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    BIO *b = BIO_new(BIO_s_mem());
    char *text;

    cr_assert(PEM_write_bio_PrivateKey(b, key, NULL, NULL, 0, NULL, NULL));
    long len = BIO_get_mem_data(b, &text);
    int fd = text_fd(text, (size_t)len);
    BIO_free(b);
    EVP_PKEY_free(key);
    return fd;
}

/* With one key, which is closed. */
static void raise_keys(int key)
{
    static struct keys k;
    static struct setup setup;

    setup_init(&setup);
    setup.sessions = SESSIONS;
    setup.file[SETUP_KEY] =
        (struct setup_file){ .fd = key, .name = "/x/key.pem" };
    child_give_log(&setup, PROCESS_KEYS, &s.log);
    s.pid = child_raise(&s.keys, &k.frame, &keys_row, &setup, NULL);
}

static void open_keys(void)
{
    raise_keys(key_fd());
    child_hear_ready(&s.keys);
}

static void close_keys(void)
{
    channel_close(&s.keys);
    channel_close(&s.log);
    child_reap(s.pid, 0);
}

#define KeysTest(suite, name)                                                  \
    static void suite##_##name(void);                                          \
    Test(suite, name)                                                          \
    {                                                                          \
        open_keys();                                                           \
        suite##_##name();                                                      \
        close_keys();                                                          \
    }                                                                          \
    static void suite##_##name(void)

static void peer(struct channel *c, enum process process)
{
    int far = channel_make(c, process, PROCESS_KEYS, PHASE_RUN);

    SAY(&s.keys, speaker, .process = process, .serial = 11, .peer = CLIENT,
        .end = far);
    close(far);
}

static void ask(struct channel *c, uint64_t key, uint64_t scheme,
                struct slice message)
{
    REQUEST(c, sign, .key = key, .scheme = scheme, .message = message);
}

static void hear_signature(struct channel *c)
{
    cr_assert_eq(cast_hear(c), MSG_signature); /* also to an earlier request */
    cr_assert_eq(heard.signature.error, 0);
}

KeysTest(keys, signs_handshakes)
{
    struct channel c;

    peer(&c, PROCESS_SESSION);
    ask(&c, 1, ECDSA, HANDSHAKE);
    EXPECT(&c, signature);
    cr_assert_eq(heard.request, 1);
    cr_assert(heard.signature.error == 0 &&
              heard.signature.signature.len > 60 &&
              heard.signature.signature.len < 73);
    ask(&c, 2, ECDSA, HANDSHAKE);
    cr_assert_eq(EXPECT(&c, signature)->error, ENOKEY);
    ask(&c, 1, PSS, HANDSHAKE);
    cr_assert_eq(EXPECT(&c, signature)->error, EINVAL);
    channel_close(&c);
}

static const struct {
    uint64_t scheme;
    const char *message;
    size_t len;
} no_handshakes[] = {
    { ECDSA, "pay to the bearer", 17 },  { ECDSA, "", 0 },
    { 0, TLS13, sizeof(TLS13) - 1 },     { 0x10403, TLS13, sizeof(TLS13) - 1 },
    { ECDSA, TLS13, sizeof(TLS13) - 2 },
};

/* Each of these ends the sender, and nobody else. */
KeysTest(keys, nothing_but_handshakes)
{
    struct channel good;

    peer(&good, PROCESS_SESSION);
    for (size_t i = 0; i < sizeof(no_handshakes) / sizeof(*no_handshakes);
         i++) {
        struct channel c;

        peer(&c, PROCESS_SESSION);
        ask(&c, 1, no_handshakes[i].scheme,
            (struct slice){ no_handshakes[i].message, no_handshakes[i].len });
        cast_hear_end(&c);
    }
    ask(&good, 1, ECDSA, HANDSHAKE);
    hear_signature(&good);
    channel_close(&good);
}

/* This event lets an administrator find the session. */
KeysTest(keys, events_name_the_session)
{
    struct event_record r;
    struct channel c;

    peer(&c, PROCESS_SESSION);
    ask(&c, 1, ECDSA, SLICE("pay to the bearer"));
    cast_hear_end(&c);
    cr_assert_eq(event_decode(EXPECT(&s.log, event)->event, &r), 0);
    cr_expect_eq(r.event, EVENT_PEER);
    cr_expect_eq(r.number[FIELD_SERIAL], 11);
    cr_expect(slice_equal(r.text[FIELD_PEER], SLICE("203.0.113.5:4711")));
}

static void send_garbage(struct channel *c)
{
    cr_assert_eq(send(c->fd, "garbage", 7, MSG_NOSIGNAL), 7);
}

/* Sends messages that only master may send. */
static void send_masters(struct channel *c)
{
    struct channel as_master = *c;

    as_master.self = PROCESS_MASTER;
    SAY(&as_master, speaker, .end = c->fd);
}

static void send_overlong(struct channel *c)
{
    static char bytes[20000];

    cr_assert_eq(send(c->fd, bytes, sizeof(bytes), MSG_NOSIGNAL),
                 (ssize_t)sizeof(bytes));
}

KeysTest(keys, hostile_sessions)
{
    static void (*const acts[])(struct channel *c) = {
        send_garbage,
        send_masters,
        send_overlong,
    };
    struct channel good;

    peer(&good, PROCESS_SESSION);
    for (size_t i = 0; i < sizeof(acts) / sizeof(*acts); i++) {
        struct channel c;

        peer(&c, PROCESS_SESSION);
        acts[i](&c);
        cast_hear_end(&c);
    }
    ask(&good, 1, ECDSA, HANDSHAKE);
    hear_signature(&good);
    channel_close(&good);
}

/* One session asks for more than its rate: it gets the rest later; another one
 * is served at once meanwhile. */
KeysTest(keys, a_rate_for_each)
{
    struct channel greedy, other;
    uint64_t began = clock_ms(), asks;
    const unsigned asked = SIGN_BURST + 1000 / SIGN_EACH_MS;

    peer(&greedy, PROCESS_SESSION);
    peer(&other, PROCESS_SESSION);
    for (unsigned i = 0; i < asked; i++)
        ask(&greedy, 1, ECDSA, HANDSHAKE);
    for (unsigned i = 0; i < SIGN_BURST; i++)
        hear_signature(&greedy);
    asks = clock_ms();
    ask(&other, 1, ECDSA, HANDSHAKE);
    hear_signature(&other);
    cr_assert_lt(clock_ms() - asks, 900, "the other waited");
    for (unsigned i = SIGN_BURST; i < asked; i++)
        hear_signature(&greedy);
    cr_assert_geq(clock_ms() - began, 900, "faster than the rate");
    channel_close(&greedy);
    channel_close(&other);
}

/* Gate asks for a proof of each certificate's key. */
KeysTest(keys, no_rate_for_gate)
{
    struct channel c;

    peer(&c, PROCESS_GATE);
    for (unsigned i = 0; i < 2 * SIGN_BURST; i++) {
        ask(&c, 1, ECDSA, HANDSHAKE);
        hear_signature(&c);
    }
    channel_close(&c);
}

/* It would cost keys a line of the log for each answer. */
Test(keys, a_peer_that_reads_no_answer, .timeout = 60)
{
    struct channel c;
    int r;

    open_keys();
    peer(&c, PROCESS_GATE);
    do {
        struct pollfd room = { .fd = c.fd, .events = POLLOUT };

        poll(&room, 1, -1);
        r = SEND(&c, sign, channel_next(&c), .key = 1, .scheme = ECDSA,
                 .message = HANDSHAKE);
    } while (r != -EPIPE);
    channel_close(&c);
    close_keys();
}

KeysTest(keys, no_more_than_so_many)
{
    struct channel c[PEERS + 1];

    for (int i = 0; i <= PEERS; i++)
        peer(&c[i], PROCESS_SESSION);
    cast_hear_end(&c[PEERS]);
    channel_close(&c[0]);
    ask(&c[1], 1, ECDSA, HANDSHAKE);
    hear_signature(&c[1]);
    for (int i = 1; i < PEERS; i++)
        channel_close(&c[i]);
}

/* The place of a session that has gone is free again. */
KeysTest(keys, places_are_given_back)
{
    struct channel c;

    for (int i = 0; i < 10 * PEERS; i++) {
        peer(&c, PROCESS_SESSION);
        ask(&c, 1, ECDSA, HANDSHAKE);
        hear_signature(&c);
        cr_assert_eq(shutdown(c.fd, SHUT_WR), 0);
        cast_hear_end(&c);
    }
}

Test(keys, a_key_that_is_none)
{
    raise_keys(text_fd("hello\n", 6));
    cr_expect(slice_starts(EXPECT(&s.keys, failed)->why,
                           SLICE("/x/key.pem: holds no private key")));
    channel_close(&s.keys);
    channel_close(&s.log);
    child_reap(s.pid, EX_CONFIG);
}

/* Master doesn't lie; a peer that does isn't master. */
Test(keys, one_who_has_nothing_to_sign)
{
    struct channel c;

    open_keys();
    peer(&c, PROCESS_SESSION);
    channel_close(&c);
    SAY(&s.keys, speaker, .process = PROCESS_FILES, .end = 0);
    channel_close(&s.keys);
    child_reap(s.pid, EX_PROTOCOL);
}
