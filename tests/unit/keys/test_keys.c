/* The process keys from its set-up on: the test is master, and the sessions
 * that ask for signatures, or for something else. */
#include <criterion/criterion.h>
#include <errno.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "keys/setup.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

#define WAIT_MS 20000
#define ECDSA   0x0403 /* ecdsa_secp256r1_sha256 */
#define PSS     0x0804 /* rsa_pss_rsae_sha256 */
#define PEERS   4

#define TLS13                                                                  \
    "                                                                "         \
    "TLS 1.3, server CertificateVerify\0"                                      \
    "0123456789abcdef0123456789abcdef"
#define HANDSHAKE SLICE(TLS13)

struct stage {
    pid_t pid;
    struct channel keys;
};

static _Noreturn void be_keys(int fd)
{
    static struct keys k;
    struct setup s;
    int r;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    keys_init(&k, fd);
    setup_init(&s, &k);
    if (setup_receive(&s) < 0) {
        setup_failed(&s);
        keys_release(&k);
        _exit(EX_CONFIG);
    }
    fd_close(&s.root_fd);
    r = keys_run(&k);
    keys_release(&k);
    _exit(r == 0 ? 0 : EX_OSERR);
}

static void raise_keys(struct stage *s)
{
    int ends[2];

    alarm(120);
    cr_assert_eq(fd_pair(ends), 0);
    s->pid = fork();
    cr_assert(s->pid >= 0);
    if (s->pid == 0) {
        close(ends[0]);
        be_keys(ends[1]);
    }
    close(ends[1]);
    channel_init(&s->keys, ends[0], PROCESS_MASTER, PROCESS_KEYS, PHASE_START);
}

static void tell(struct stage *s, struct packet p)
{
    int r = channel_send(&s->keys, &p);

    cr_assert_eq(r, 0, "%s: %s", message_name(p.message), strerror(-r));
}

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

static void send_key(struct stage *s, uint64_t number, int fd)
{
    tell(s, (struct packet){
                .message = MSG_KEY,
                .value = { NUMBER(number), TEXT(SLICE("/x/key.pem")) },
                .fd = { fd } });
    close(fd);
}

static void send_rest(struct stage *s)
{
    tell(s, (struct packet){ .message = MSG_CAGE, .fd = { 0 } });
    tell(s,
         (struct packet){ .message = MSG_PEERS, .value = { NUMBER(PEERS) } });
    tell(s, (struct packet){ .message = MSG_GO });
}

static void hear(struct channel *c, enum message m, struct packet *p)
{
    int r = channel_wait(c, p, WAIT_MS);

    cr_assert_eq(r, 1, "instead of %s: %s", message_name(m), strerror(-r));
    cr_assert_eq(p->message, m, "instead of %s: %s", message_name(m),
                 message_name(p->message));
}

static void open_keys(struct stage *s)
{
    struct packet p;

    raise_keys(s);
    send_key(s, 7, key_fd());
    send_rest(s);
    hear(&s->keys, MSG_READY, &p);
    s->keys.phase = PHASE_RUN;
}

static void ended(struct stage *s, int status)
{
    int how;

    cr_assert_eq(waitpid(s->pid, &how, 0), s->pid);
    cr_assert(WIFEXITED(how), "signal %d", WTERMSIG(how));
    cr_assert_eq(WEXITSTATUS(how), status, "%d", WEXITSTATUS(how));
}

static void close_keys(struct stage *s)
{
    channel_close(&s->keys);
    ended(s, 0);
}

static void peer(struct stage *s, struct channel *c, uint64_t process)
{
    int ends[2];

    cr_assert_eq(fd_pair(ends), 0);
    tell(s, (struct packet){ .message = MSG_KEYS_PEER,
                             .value = { NUMBER(process), NUMBER(11) },
                             .fd = { ends[1] } });
    close(ends[1]);
    channel_init(c, ends[0], (enum process)process, PROCESS_KEYS, PHASE_RUN);
}

static void ask(struct channel *c, uint64_t key, uint64_t scheme,
                struct slice message)
{
    struct packet p = { .message = MSG_SIGN,
                        .request = channel_next(c),
                        .value = { NUMBER(key), NUMBER(scheme),
                                   TEXT(message) } };

    cr_assert_eq(channel_send(c, &p), 0);
}

static void is_closed(struct channel *c)
{
    struct packet p;

    cr_assert_eq(channel_wait(c, &p, WAIT_MS), -EPIPE);
    channel_close(c);
}

Test(keys, signs_handshakes)
{
    struct stage s;
    struct channel c;
    struct packet p;

    open_keys(&s);
    peer(&s, &c, PROCESS_SESSION);
    ask(&c, 7, ECDSA, HANDSHAKE);
    hear(&c, MSG_SIGNED, &p);
    cr_assert_eq(p.request, 1);
    cr_assert(p.value[0].text.len > 60 && p.value[0].text.len < 73);
    ask(&c, 8, ECDSA, HANDSHAKE);
    hear(&c, MSG_NOT_SIGNED, &p);
    cr_assert_eq(p.value[0].number, ENOKEY);
    ask(&c, 7, PSS, HANDSHAKE);
    hear(&c, MSG_NOT_SIGNED, &p);
    cr_assert_eq(p.value[0].number, EINVAL);
    channel_close(&c);
    close_keys(&s);
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

/* Each ends who asked, and nobody else. */
Test(keys, nothing_but_handshakes)
{
    struct stage s;
    struct channel good;
    struct packet p;

    open_keys(&s);
    peer(&s, &good, PROCESS_SESSION);
    for (size_t i = 0; i < sizeof(no_handshakes) / sizeof(*no_handshakes);
         i++) {
        struct channel c;

        peer(&s, &c, PROCESS_SESSION);
        ask(&c, 7, no_handshakes[i].scheme,
            (struct slice){ no_handshakes[i].message, no_handshakes[i].len });
        is_closed(&c);
    }
    ask(&good, 7, ECDSA, HANDSHAKE);
    hear(&good, MSG_SIGNED, &p);
    channel_close(&good);
    close_keys(&s);
}

static void send_garbage(struct channel *c)
{
    cr_assert_eq(send(c->fd, "garbage", 7, MSG_NOSIGNAL), 7);
}

/* What master alone may say. */
static void send_masters(struct channel *c)
{
    struct channel as_master = *c;
    struct packet p = { .message = MSG_KEYS_PEER, .fd = { c->fd } };

    as_master.self = PROCESS_MASTER;
    cr_assert_eq(channel_send(&as_master, &p), 0);
}

static void send_overlong(struct channel *c)
{
    static char bytes[20000];

    cr_assert_eq(send(c->fd, bytes, sizeof(bytes), MSG_NOSIGNAL),
                 (ssize_t)sizeof(bytes));
}

Test(keys, hostile_sessions)
{
    static void (*const acts[])(struct channel * c) = {
        send_garbage,
        send_masters,
        send_overlong,
    };
    struct stage s;
    struct channel good;
    struct packet p;

    open_keys(&s);
    peer(&s, &good, PROCESS_SESSION);
    for (size_t i = 0; i < sizeof(acts) / sizeof(*acts); i++) {
        struct channel c;

        peer(&s, &c, PROCESS_SESSION);
        acts[i](&c);
        is_closed(&c);
    }
    ask(&good, 7, ECDSA, HANDSHAKE);
    hear(&good, MSG_SIGNED, &p);
    channel_close(&good);
    close_keys(&s);
}

/* One asks for more than it may have: it gets them, later; another is served at
 * once meanwhile. */
Test(keys, a_rate_for_each)
{
    struct stage s;
    struct channel greedy, other;
    struct packet p;
    uint64_t began = clock_ms();
    const unsigned asked = SIGN_BURST + SIGN_PER_SECOND;

    open_keys(&s);
    peer(&s, &greedy, PROCESS_SESSION);
    peer(&s, &other, PROCESS_SESSION);
    for (unsigned i = 0; i < asked; i++)
        ask(&greedy, 7, ECDSA, HANDSHAKE);
    for (unsigned i = 0; i < SIGN_BURST; i++)
        hear(&greedy, MSG_SIGNED, &p);
    ask(&other, 7, ECDSA, HANDSHAKE);
    hear(&other, MSG_SIGNED, &p);
    cr_assert_lt(clock_ms() - began, 900, "the other waited");
    for (unsigned i = SIGN_BURST; i < asked; i++)
        hear(&greedy, MSG_SIGNED, &p);
    cr_assert_geq(clock_ms() - began, 900, "faster than the rate");
    channel_close(&greedy);
    channel_close(&other);
    close_keys(&s);
}

/* Gate proves a key of each certificate. */
Test(keys, no_rate_for_gate)
{
    struct stage s;
    struct channel c;
    struct packet p;

    open_keys(&s);
    peer(&s, &c, PROCESS_GATE);
    for (unsigned i = 0; i < 2 * SIGN_BURST; i++) {
        ask(&c, 7, ECDSA, HANDSHAKE);
        hear(&c, MSG_SIGNED, &p);
    }
    channel_close(&c);
    close_keys(&s);
}

Test(keys, no_more_than_so_many)
{
    struct stage s;
    struct channel c[PEERS + 1];
    struct packet p;

    open_keys(&s);
    for (int i = 0; i <= PEERS; i++)
        peer(&s, &c[i], PROCESS_SESSION);
    is_closed(&c[PEERS]);
    channel_close(&c[0]);
    ask(&c[1], 7, ECDSA, HANDSHAKE);
    hear(&c[1], MSG_SIGNED, &p);
    for (int i = 1; i < PEERS; i++)
        channel_close(&c[i]);
    close_keys(&s);
}

/* The place of one that has gone is free again. */
Test(keys, places_are_given_back)
{
    struct stage s;
    struct channel c;
    struct packet p;

    open_keys(&s);
    for (int i = 0; i < 10 * PEERS; i++) {
        peer(&s, &c, PROCESS_SESSION);
        ask(&c, 7, ECDSA, HANDSHAKE);
        hear(&c, MSG_SIGNED, &p);
        cr_assert_eq(shutdown(c.fd, SHUT_WR), 0);
        is_closed(&c);
    }
    close_keys(&s);
}

static void fails_with(struct stage *s, const char *words)
{
    struct packet p;
    char text[1025];

    hear(&s->keys, MSG_FAILED, &p);
    slice_copy(p.value[0].text, text, sizeof(text));
    cr_assert(strstr(text, words), "%s", text);
    channel_close(&s->keys);
    ended(s, EX_CONFIG);
}

Test(keys, a_key_that_is_none)
{
    struct stage s;

    raise_keys(&s);
    send_key(&s, 1, text_fd("hello\n", 6));
    fails_with(&s, "/x/key.pem: holds no private key");
}

Test(keys, no_key)
{
    struct stage s;

    raise_keys(&s);
    send_rest(&s);
    fails_with(&s, "something is missing");
}

Test(keys, too_many_keys)
{
    struct stage s;

    raise_keys(&s);
    for (int i = 0; i <= KEYS_MAX; i++)
        send_key(&s, (uint64_t)i, key_fd());
    fails_with(&s, "too many keys");
}

/* Master doesn't lie, or is no master. */
Test(keys, one_who_has_nothing_to_sign)
{
    struct stage s;
    struct channel c;

    open_keys(&s);
    peer(&s, &c, PROCESS_SESSION);
    channel_close(&c);
    tell(&s, (struct packet){ .message = MSG_KEYS_PEER,
                              .value = { NUMBER(PROCESS_FILES) },
                              .fd = { 0 } });
    channel_close(&s.keys);
    ended(&s, EX_PROTOCOL);
}

static void take(struct stage *s, uint64_t generation, enum message answer,
                 const char *why)
{
    struct packet p;

    tell(s, (struct packet){ .message = MSG_TAKE,
                             .value = { NUMBER(generation) } });
    hear(&s->keys, answer, &p);
    cr_assert_eq(p.value[0].number, generation);
    if (why)
        cr_assert_eq(memcmp(p.value[1].text.ptr, why, strlen(why)), 0, "%.*s",
                     (int)p.value[1].text.len, p.value[1].text.ptr);
}

/* A reload's keys sign as soon as all are taken, beside the old ones, until
 * master says that nobody needs them. */
Test(keys, a_reload)
{
    struct stage s;
    struct channel a;
    struct packet p;

    open_keys(&s);
    peer(&s, &a, PROCESS_SESSION);
    send_key(&s, 8, key_fd());
    send_key(&s, 9, key_fd());
    take(&s, 2, MSG_TAKEN, NULL);
    for (uint64_t key = 7; key <= 9; key++) {
        ask(&a, key, ECDSA, HANDSHAKE);
        hear(&a, MSG_SIGNED, &p);
    }
    tell(&s,
         (struct packet){ .message = MSG_KEY_GONE, .value = { NUMBER(7) } });
    tell(&s,
         (struct packet){ .message = MSG_KEY_GONE, .value = { NUMBER(99) } });
    take(&s, 3, MSG_TAKEN, NULL); /* it has heard of both */
    ask(&a, 7, ECDSA, HANDSHAKE);
    hear(&a, MSG_NOT_SIGNED, &p);
    ask(&a, 9, ECDSA, HANDSHAKE);
    hear(&a, MSG_SIGNED, &p);
    channel_close(&a);
    close_keys(&s);
}

Test(keys, a_reload_with_a_bad_key)
{
    struct stage s;
    struct channel a;
    struct packet p;

    open_keys(&s);
    peer(&s, &a, PROCESS_SESSION);
    send_key(&s, 8, key_fd());
    send_key(&s, 9, text_fd("nonsense", 8));
    send_key(&s, 10, key_fd());
    take(&s, 2, MSG_NOT_TAKEN, "/x/key.pem: holds no private key");
    ask(&a, 8, ECDSA, HANDSHAKE);
    hear(&a, MSG_NOT_SIGNED, &p);
    ask(&a, 7, ECDSA, HANDSHAKE);
    hear(&a, MSG_SIGNED, &p);
    send_key(&s, 11, key_fd());
    take(&s, 3, MSG_TAKEN, NULL);
    ask(&a, 11, ECDSA, HANDSHAKE);
    hear(&a, MSG_SIGNED, &p);
    channel_close(&a);
    close_keys(&s);
}
