/* The claims of a client's certificate: two subjects never give the same text,
 * whatever blanks and backslashes they have. And what the proof of its
 * handshake contains. */
#include <openssl/ssl.h>

#include "fixture.h"
#include "support/pki.h"
#include "tls/tls.h"

static char folder[64];
static struct pki *pki;

static void set_up(void)
{
    pki = pki_begin(folder, "ca");
}

static void tear_down(void)
{
    pki_end(pki);
}

TestSuite(claims, .init = set_up, .fini = tear_down);

static int use(struct tls_context *t, const char *ca, struct complaint *c)
{
    const struct tls_clients from = { .mode = CLIENTS_REQUEST,
                                      .ca.fd = open(pki_path(pki, ca),
                                                    O_RDONLY | O_CLOEXEC),
                                      .crl.fd = -1,
                                      .ca.name = ca };
    int r = tls_context_clients(t, &from, c);

    close(from.ca.fd);
    return r;
}

/* Makes a handshake in which the client shows NAME (NULL: none). */
static void open_line(struct line *l, struct peer *p, const char *ca,
                      const char *name)
{
    struct complaint c = { "" };
    char file[64];

    line_open(l, CONTROL, 0);
    l->context = context_make();
    cr_assert_eq(use(l->context, ca, &c), 0, "%s", c.text);
    cr_assert_eq(stream_secure(l->s, l->context, STREAM_CONTROL), 0);
    p->play = play_nothing;
    if (name) {
        snprintf(file, sizeof(file), "%s.pem", name);
        p->options.certificate = pki_path(pki, file);
        snprintf(file, sizeof(file), "%s.key", name);
        p->options.key = pki_path(pki, file);
    }
    peer_start(p, l);
    cr_assert_eq(line_handshake(l), STREAM_OK, "%s", stream_cause(l->s));
}

static void close_line(struct line *l, struct peer *p)
{
    shutdown(l->near, SHUT_RDWR);
    peer_join(p);
    line_close(l);
}

static const struct {
    const char *cn, *line;
} subjects[] = {
    { " anna", "subject:CN=\\20anna\n" },
    { "\\20anna", "subject:CN=\\\\20anna\n" },
    { "anna ", "subject:CN=anna\\20\n" },
    { "anna\\20", "subject:CN=anna\\\\20\n" },
    { "a b", "subject:CN=a\\20b\n" },
    { "a\\ b", "subject:CN=a\\\\\\20b\n" },
    { " ", "subject:CN=\\20\n" },
    { "a;b", "subject:CN=a\\3Bb\n" },
    { "a\\;b", "subject:CN=a\\\\\\3Bb\n" },
    { "a\\3Bb", "subject:CN=a\\\\3Bb\n" },
    { "anna\\", "subject:CN=anna\\\\\n" },
    { "#anna", "subject:CN=\\#anna\n" },
    { "a\",+<>b", "subject:CN=a\\\"\\,\\+\\<\\>b\n" },
};

Test(claims, subjects)
{
    for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
        struct peer p = { .play = NULL };
        struct slice rest, line;
        struct buf claims;
        struct line l;

        pki_issue(pki, &(struct pki_leaf){ .name = "anna",
                                           .subject = subjects[i].cn });
        open_line(&l, &p, "ca.pem", "anna");
        buf_init(&claims, CLIENT_CLAIMS_MAX);
        cr_assert_eq(stream_claims(l.s, &claims), 0);
        rest = buf_slice(&claims);
        slice_cut(&rest, '\n', &line); /* the fingerprint */
        cr_expect(slice_equal(rest, slice_from(subjects[i].line)), "'%s': %.*s",
                  subjects[i].cn, (int)rest.len, rest.ptr);
        buf_release(&claims);
        close_line(&l, &p);
    }
}

#define NAME_BYTES 15 /* of a CA's name, without its CN */

/* Makes CAS.pem. Its names take BYTES in a request for a certificate. */
static void make_cas(size_t bytes)
{
    char command[128];

    for (unsigned i = 0; bytes > 0; i++) {
        size_t len = bytes > 200 ? 64 : bytes > 79 ? 30 : bytes - NAME_BYTES;
        char name[80];

        snprintf(name, sizeof(name), "authority-%0*u", (int)len - 10, i);
        pki_free(pki_new(folder, name));
        bytes -= NAME_BYTES + len;
    }
    snprintf(command, sizeof(command), "cd %s && cat authority-*.pem >cas.pem",
             folder);
    cr_assert_eq(system(command), 0);
}

/* Clients get the names of the CAs in all.pem, or none; the proof is valid in
 * either case. */
static void expect_told(struct peer *p, bool named)
{
    struct line l;

    open_line(&l, p, "all.pem", "anna");
    cr_expect_eq(sk_X509_NAME_num(SSL_CTX_get_client_CA_list(l.context->ssl)) >
                     0,
                 named);
    cr_expect_gt(stream_proof(l.s).len, 0);
    close_line(&l, p);
}

Test(claims, as_many_names_as_a_proof_has_room_for)
{
    struct peer p = { .play = NULL };

    pki_issue(pki, &(struct pki_leaf){ .name = "anna", .kind = PKI_RSA });
    make_cas(CLIENT_NAMES_MAX - NAME_BYTES - 2); /* and the name in ca.pem */
    cr_assert_eq(chdir(folder), 0);
    cr_assert_eq(system("cat ca.pem cas.pem >all.pem"), 0);
    expect_told(&p, true);
    pki_free(pki_new(folder, "x"));
    cr_assert_eq(system("cat x.pem >>all.pem"), 0);
    expect_told(&p, false);
}

static const struct {
    const char *name;
    int version;
    bool proof;
} proofs[] = {
    { NULL, TLS1_2_VERSION, false },   { NULL, TLS1_3_VERSION, false },
    { "anna", TLS1_2_VERSION, false }, { "anna", TLS1_3_VERSION, true },
    { "long", TLS1_2_VERSION, false }, { "long", TLS1_3_VERSION, false },
};

/* Issues a certificate with more names than a proof has room for. */
static void issue_long(void)
{
    static char names[16384];
    size_t len = 0;

    for (int i = 0; i < 600; i++)
        len += (size_t)snprintf(names + len, sizeof(names) - len,
                                "%sDNS:n%d.example", i ? "," : "", i);
    pki_issue(pki, &(struct pki_leaf){ .name = "long", .names = names });
}

Test(claims, proofs)
{
    pki_issue(pki, &(struct pki_leaf){ .name = "anna" });
    issue_long();
    for (size_t i = 0; i < sizeof(proofs) / sizeof(proofs[0]); i++) {
        struct peer p = { .options = { .version = proofs[i].version } };
        struct line l;

        open_line(&l, &p, "ca.pem", proofs[i].name);
        cr_expect_eq(stream_proof(l.s).len > 0, proofs[i].proof, "%zu", i);
        stream_forget_proof(l.s);
        cr_expect_eq(stream_proof(l.s).len, 0, "%zu: forgotten", i);
        close_line(&l, &p);
    }
}
