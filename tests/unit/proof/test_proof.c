/* Proofs of a client's key: only an unchanged handshake for this session and
 * this server counts. */
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <pthread.h>

#include "sallyport/proof/proof.h"
#include "sallyport/tls/stream.h"
#include "support/long.h"
#include "support/pki.h"
#include "support/signer.h"
#include "support/test.h"
#include "support/tls_client.h"
#include "support/wait.h"

#define SERIAL 0x0123456789abcdefu
#define DAY    86400L

static char folder[64];
static struct pki *pki;
static struct proof_servers servers;
static struct buf messages; /* of the last handshake */

static void set_up(void)
{
    int fd;

    signal(SIGPIPE, SIG_IGN);
    buf_init(&messages, 65536);
    cr_assert_eq(proof_begin(), 0);
    pki = pki_begin(folder, "ca");
    pki_issue(pki, &(struct pki_leaf){ .name = "server", .server = true });
    fd = open(pki_path(pki, "server.pem"), O_RDONLY | O_CLOEXEC);
    servers = (struct proof_servers){ .count = 0 };
    cr_assert_eq(proof_servers_add(&servers, fd), 0);
    close(fd);
}

static void tear_down(void)
{
    pki_end(pki);
    signer_free_all();
    buf_release(&messages);
}

TestSuite(proof, .init = set_up, .fini = tear_down);

static struct tls_context *make_context(void)
{
    struct complaint c = { "" };
    const struct key_files files = {
        open(pki_path(pki, "server.pem"), O_RDONLY | O_CLOEXEC), "server.pem",
        open(pki_path(pki, "server.key"), O_RDONLY | O_CLOEXEC), "server.key"
    };
    const struct tls_clients clients = { .mode = CLIENTS_REQUIRE,
                                         .ca.fd = open(pki_path(pki, "ca.pem"),
                                                       O_RDONLY | O_CLOEXEC),
                                         .crl.fd = -1,
                                         .ca.name = "ca.pem" };
    struct tls_context *t = signer_context(&files, &c);

    cr_assert(t, "%s", c.text);
    cr_assert_eq(tls_context_clients(t, &clients, &c), 0, "%s", c.text);
    tls_context_serial(t, SERIAL);
    close(files.certificate_fd);
    close(files.key_fd);
    close(clients.ca.fd);
    return t;
}

struct client {
    int fd;
    struct tls_client_options options;
    pthread_t thread;
};

static void *run_client(void *argument)
{
    struct client *c = argument;
    char byte;
    struct tls_client *t = tls_client_new(c->fd, &c->options);

    if (t)
        tls_client_read(t, &byte, 1);
    tls_client_free(t);
    return NULL;
}

/* Makes the messages of a handshake in which the client shows NAME. */
static void make_proof(const char *name, const char *groups)
{
    char certificate[64], key[64];
    struct client c = { .options = { .groups = groups } };
    struct tls_context *t = make_context();
    struct stream *s;
    enum stream_state state;
    int ends[2];

    snprintf(certificate, sizeof(certificate), "%s.pem", name);
    snprintf(key, sizeof(key), "%s.key", name);
    c.options.certificate = pki_path(pki, certificate);
    c.options.key = pki_path(pki, key);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    c.fd = ends[1];
    s = stream_plain(ends[0], 20u << 10);
    cr_assert_eq(stream_secure(s, t, STREAM_CONTROL), 0);
    cr_assert_eq(pthread_create(&c.thread, NULL, run_client, &c), 0);
    while ((state = stream_handshake(s)) == STREAM_AGAIN) {
        struct pollfd p = { ends[0], (short)stream_events(s), 0 };

        cr_assert_eq(poll(&p, 1, 30000), 1);
    }
    cr_assert_eq(state, STREAM_OK, "%s", stream_cause(s));
    buf_clear(&messages);
    cr_assert_eq(buf_add_slice(&messages, stream_proof(s)), 0);
    shutdown(ends[0], SHUT_RDWR);
    pthread_join(c.thread, NULL);
    stream_free(s);
    tls_context_free(t);
    close(ends[0]);
    close(ends[1]);
}

static void make_proof_of_anna(void)
{
    pki_issue(pki, &(struct pki_leaf){ .name = "anna" });
    make_proof("anna", NULL);
}

static void pin(const char *name, uint8_t out[PIN_BYTES])
{
    const char *text = pki_fingerprint(pki, name);
    char digits[3] = "";

    for (size_t i = 0; i < PIN_BYTES; i++) {
        memcpy(digits, text + 2 * i, 2);
        out[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
}

static bool holds(struct slice proof, uint64_t serial, const char *name)
{
    uint8_t hash[1][PIN_BYTES];
    const struct proof_pins pins = { (const uint8_t(*)[PIN_BYTES])hash, 1 };

    pin(name, hash[0]);
    return proof_holds(&servers, proof, serial, &pins);
}

Test(proof, of_each_kind_of_key, WITH_SANITIZERS)
{
    for (int kind = PKI_EC; kind <= PKI_ED25519; kind++) {
        pki_issue(pki, &(struct pki_leaf){ .name = "anna",
                                           .kind = (enum pki_kind)kind });
        make_proof("anna", NULL);
        cr_expect(holds(buf_slice(&messages), SERIAL, "anna"), "%d", kind);
    }
}

/* The client guesses a group that the server doesn't want and gets a retry
 * request. Then its first ClientHello counts by its hash. */
Test(proof, behind_a_retry, WITH_SANITIZERS)
{
    pki_issue(pki, &(struct pki_leaf){ .name = "anna" });
    make_proof("anna", "ffdhe8192:P-256");
    cr_expect(holds(buf_slice(&messages), SERIAL, "anna"));
}

Test(proof, of_nothing_else)
{
    struct proof_servers none = { .count = 0 };
    const struct proof_pins no_pins = { NULL, 0 };
    uint8_t hash[1][PIN_BYTES];
    const struct proof_pins pins = { (const uint8_t(*)[PIN_BYTES])hash, 1 };

    make_proof_of_anna();
    pki_issue(pki, &(struct pki_leaf){ .name = "bert" });
    cr_assert(holds(buf_slice(&messages), SERIAL, "anna"));
    cr_expect_not(holds(buf_slice(&messages), SERIAL + 1, "anna"),
                  "another session's");
    cr_expect_not(holds(buf_slice(&messages), SERIAL, "bert"));
    cr_expect_not(holds(SLICE(""), SERIAL, "anna"));
    pin("anna", hash[0]);
    cr_expect_not(proof_holds(&none, buf_slice(&messages), SERIAL, &pins),
                  "made with another server");
    cr_expect_not(
        proof_holds(&servers, buf_slice(&messages), SERIAL, &no_pins));
}

static bool is_over(void *end)
{
    return time(NULL) > *(time_t *)end &&
           !holds(buf_slice(&messages), SERIAL, "anna");
}

/* Auth doesn't trust the session for the certificate's validity either. */
Test(proof, an_expired_certificate)
{
    time_t end = time(NULL) + 12;

    pki_issue(pki,
              &(struct pki_leaf){ .name = "anna", .from = -DAY, .to = 12 });
    make_proof("anna", NULL);
    cr_expect(wait_until(is_over, &end, WAIT_MS));
}

/* Each byte counts, except the client's last message, which comes after its
 * signature. */
Test(proof, changed_anywhere)
{
    uint8_t hash[1][PIN_BYTES];
    const struct proof_pins pins = { (const uint8_t(*)[PIN_BYTES])hash, 1 };
    size_t last;

    make_proof_of_anna();
    last = messages.len - 36; /* Finished with SHA-256 is 4 and 32 bytes */
    if (messages.data[last] != 20)
        last = messages.len - 52; /* SHA-384 */
    cr_assert_eq(messages.data[last], 20);
    pin("anna", hash[0]);
    for (size_t i = 0; i < last + 4; i++) {
        messages.data[i] ^= 1;
        cr_expect_not(
            proof_holds(&servers, buf_slice(&messages), SERIAL, &pins),
            "byte %zu", i);
        messages.data[i] ^= 1;
    }
    cr_expect(proof_holds(&servers, buf_slice(&messages), SERIAL, &pins));
}

Test(proof, cut_anywhere)
{
    uint8_t hash[1][PIN_BYTES];
    const struct proof_pins pins = { (const uint8_t(*)[PIN_BYTES])hash, 1 };

    make_proof_of_anna();
    pin("anna", hash[0]);
    for (size_t len = 0; len < messages.len; len++) {
        char *copy = malloc(len ? len : 1); /* the sanitizer notices its end */

        memcpy(copy, messages.data, len);
        cr_expect_not(
            proof_holds(&servers, (struct slice){ copy, len }, SERIAL, &pins));
        free(copy);
    }
    buf_add(&messages, "", 1);
    cr_expect_not(proof_holds(&servers, buf_slice(&messages), SERIAL, &pins));
}

static int add_server(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int r = proof_servers_add(&servers, fd);

    close(fd);
    return r;
}

/* As "openssl x509 -trustout" writes it: gate reads it, too. */
Test(proof, a_trusted_certificate)
{
    FILE *in = fopen(pki_path(pki, "server.pem"), "r"), *out = tmpfile();
    X509 *x = PEM_read_X509(in, NULL, NULL, NULL);

    cr_assert(x && out);
    cr_assert_eq(X509_alias_set1(x, (const unsigned char *)"a", 1), 1);
    cr_assert_eq(PEM_write_X509_AUX(out, x), 1);
    cr_assert_eq(fflush(out), 0);
    servers.count = 0;
    cr_expect_eq(proof_servers_add(&servers, fileno(out)), 0);
    make_proof_of_anna();
    cr_expect(holds(buf_slice(&messages), SERIAL, "anna"));
    X509_free(x);
    fclose(in);
    fclose(out);
}

Test(proof, servers)
{
    make_proof_of_anna();
    servers.count = 0;
    cr_expect_not(holds(buf_slice(&messages), SERIAL, "anna"));
    cr_expect_eq(add_server("/dev/null"), -EINVAL);
    for (size_t i = 1; i < CERTIFICATES_MAX; i++)
        cr_expect_eq(add_server(pki_path(pki, "anna.pem")), 0);
    cr_expect_not(holds(buf_slice(&messages), SERIAL, "anna"));
    cr_expect_eq(add_server(pki_path(pki, "server.pem")), 0);
    cr_expect(holds(buf_slice(&messages), SERIAL, "anna"));
    cr_expect_eq(add_server(pki_path(pki, "server.pem")), -ENOSPC);
}
