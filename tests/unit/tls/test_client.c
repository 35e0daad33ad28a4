/* Tests certificates of clients: which of them are accepted, in both TLS
 * versions and both modes; their claims; which certificate a data channel must
 * show; which files are refused. */
#include <openssl/ssl.h>

#include "authority.h"
#include "support/long.h"
#include "tls/tls.h"

TestSuite(client, .init = authority_begin, .fini = authority_end);

static struct tls_context *context_of_files(enum client_certificates mode,
                                            const char *ca, const char *crl)
{
    const struct tls_clients from = { .mode = mode };
    struct tls_context *t = context_make();
    struct complaint c = { "" };

    cr_assert_eq(use_files(t, from, ca, crl, &c), 0, "%s", c.text);
    return t;
}

static void open_line(struct line *l, enum client_certificates mode,
                      const char *ca, const char *crl)
{
    line_open(l, CONTROL, 0);
    l->context = context_of_files(mode, ca, crl);
    cr_assert_eq(stream_secure(l->s, l->context, STREAM_CONTROL), 0);
}

static void claims_of(struct line *l, struct buf *ret)
{
    buf_init(ret, CLIENT_CLAIMS_MAX);
    cr_assert_eq(stream_claims(l->s, ret), 0);
}

static void show(struct peer *p, const char *name, int version)
{
    char file[2][64];

    p->options.version = version;
    if (!name)
        return;
    snprintf(file[0], sizeof(file[0]), "%s.pem", name);
    snprintf(file[1], sizeof(file[1]), "%s.key", name);
    p->options.certificate = pki_path(pki, file[0]);
    p->options.key = pki_path(pki, file[1]);
}

/* Makes the handshake with a client that shows the certificate NAME (NULL:
 * none). */
static enum stream_state meet(struct line *l, struct peer *p, const char *name,
                              int version)
{
    show(p, name, version);
    peer_start(p, l);
    return line_handshake(l);
}

static void part(struct line *l, struct peer *p)
{
    shutdown(l->near, SHUT_RDWR);
    peer_join(p);
    line_close(l);
}

static const struct {
    const char *name;    /* the certificate that the client shows; NULL: none */
    const char *request; /* why CLIENTS_REQUEST refuses it; NULL: accepted */
    const char *require;
} cases[] = {
    { "good", NULL, NULL },
    { "good-rsa", NULL, NULL },
    { "good-ed25519", NULL, NULL },
    { NULL, NULL, "peer did not return a certificate" },
    { "late", "certificate has expired", "certificate has expired" },
    { "early", "certificate is not yet valid", "certificate is not yet valid" },
    { "revoked", "certificate revoked", "certificate revoked" },
    { "server", "unsuitable certificate purpose",
      "unsuitable certificate purpose" },
    { "other", "unable to get local issuer certificate",
      "unable to get local issuer certificate" },
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

static void issue_all(void)
{
    static const struct pki_leaf leaves[] = {
        { .name = "good" },
        { .name = "good-rsa", .kind = PKI_RSA },
        { .name = "good-ed25519", .kind = PKI_ED25519 },
        { .name = "late", .from = -DAY, .to = -60 },
        { .name = "early", .from = 600, .to = DAY },
        { .name = "revoked" },
        { .name = "server", .server = true },
    };
    struct pki *other = pki_new(folder, "other-ca");

    for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++)
        pki_issue(pki, &leaves[i]);
    pki_issue(other, &(struct pki_leaf){ .name = "other" });
    pki_list(pki, "crl.pem", DAY, "revoked", NULL);
    pki_free(other);
}

static void try_one(struct tls_context *t, size_t i,
                    enum client_certificates mode, int version)
{
    const char *cause =
        mode == CLIENTS_REQUEST ? cases[i].request : cases[i].require;
    enum stream_state expected = cause ? STREAM_FAILED : STREAM_OK;
    struct peer p = { .fd = -1 };
    struct buf claims;
    struct line l;

    line_open(&l, CONTROL, 0);
    cr_assert_eq(stream_secure(l.s, t, STREAM_CONTROL), 0);
    cr_expect_eq(meet(&l, &p, cases[i].name, version), expected, "%s, %d, %x",
                 cases[i].name, (int)mode, version);
    if (cause)
        cr_expect(strstr(stream_cause(l.s), cause), "%s: %s", cases[i].name,
                  stream_cause(l.s));
    claims_of(&l, &claims);
    cr_expect_eq(claims.len > 0, !cause && cases[i].name, "%s", cases[i].name);
    cr_expect_eq(stream_proof(l.s).len > 0,
                 !cause && cases[i].name && version == TLS1_3_VERSION, "%s",
                 cases[i].name);
    buf_release(&claims);
    part(&l, &p);
}

Test(client, taken_or_not, WITH_SANITIZERS)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

    issue_all();
    for (int m = CLIENTS_REQUEST; m <= CLIENTS_REQUIRE; m++) {
        const enum client_certificates mode = (enum client_certificates)m;
        struct tls_context *t = context_of_files(mode, "ca.pem", "crl.pem");

        for (size_t i = 0; i < CASES; i++)
            for (size_t v = 0; v < 2; v++)
                try_one(t, i, mode, versions[v]);
        tls_context_free(t);
    }
}

/* lines: the claims after the first line, which is the fingerprint. */
static const struct {
    const char *subject, *names, *lines;
} said[] = {
    { "anna", NULL, "subject:CN=anna\n" },
    { "Anna Bell", "email:anna@example.org,DNS:anna.example",
      "subject:CN=Anna\\20Bell\nemail:anna@example.org\ndns:anna.example\n" },
    { "a;b,c", "URI:https://example.org/anna,IP:127.0.0.1",
      "subject:CN=a\\3Bb\\,c\nuri:https://example.org/anna\n" },
    { "a\nsha256:1", "email:a b@example.org",
      "subject:CN=a\\0Asha256:1\n" }, /* not a line of its own */
    { "\xc3\xa4", NULL, "subject:CN=\\C3\\A4\n" },
    /* Two subjects never give the same text, whatever blanks and backslashes
     * they have. */
    { " anna", NULL, "subject:CN=\\20anna\n" },
    { "\\20anna", NULL, "subject:CN=\\\\20anna\n" },
    { "anna ", NULL, "subject:CN=anna\\20\n" },
    { "anna\\20", NULL, "subject:CN=anna\\\\20\n" },
    { "a b", NULL, "subject:CN=a\\20b\n" },
    { "a\\ b", NULL, "subject:CN=a\\\\\\20b\n" },
    { " ", NULL, "subject:CN=\\20\n" },
    { "a;b", NULL, "subject:CN=a\\3Bb\n" },
    { "a\\;b", NULL, "subject:CN=a\\\\\\3Bb\n" },
    { "a\\3Bb", NULL, "subject:CN=a\\\\3Bb\n" },
    { "anna\\", NULL, "subject:CN=anna\\\\\n" },
    { "#anna", NULL, "subject:CN=\\#anna\n" },
    { "a\",+<>b", NULL, "subject:CN=a\\\"\\,\\+\\<\\>b\n" },
};

static void expect_said(size_t i)
{
    struct peer p = { .fd = -1 };
    struct buf claims, expected;
    struct line l;

    pki_issue(pki, &(struct pki_leaf){ .name = "anna",
                                       .subject = said[i].subject,
                                       .names = said[i].names });
    open_line(&l, CLIENTS_REQUEST, "ca.pem", NULL);
    cr_assert_eq(meet(&l, &p, "anna", 0), STREAM_OK, "%s", stream_cause(l.s));
    claims_of(&l, &claims);
    buf_init(&expected, CLIENT_CLAIMS_MAX);
    buf_add_format(&expected, "sha256:%s\n%s", pki_fingerprint(pki, "anna"),
                   said[i].lines);
    cr_expect(slice_equal(buf_slice(&claims), buf_slice(&expected)),
              "%.*s\nis not\n%.*s", (int)claims.len, claims.data,
              (int)expected.len, expected.data);
    cr_expect_gt(stream_proof(l.s).len, 0);
    stream_forget_proof(l.s);
    cr_expect_eq(stream_proof(l.s).len, 0, "forgotten");
    buf_release(&claims);
    buf_release(&expected);
    part(&l, &p);
}

Test(client, says, WITH_SANITIZERS)
{
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
        expect_said(i);
}

/* If there are too many names, the claims contain only whole lines, and no more
 * than fits. */
Test(client, says_no_more_than_fits)
{
    static char names[32768];
    struct peer p = { .fd = -1 };
    struct buf claims;
    struct line l;

    for (int all = 100; all <= 1000; all *= 10) {
        size_t len = 0;

        for (int i = 0; i < all; i++)
            len += (size_t)snprintf(names + len, sizeof(names) - len,
                                    "%sDNS:n%d.example", i ? "," : "", i);
        pki_issue(pki, &(struct pki_leaf){ .name = "anna", .names = names });
        open_line(&l, CLIENTS_REQUEST, "ca.pem", NULL);
        cr_assert_eq(meet(&l, &p, "anna", 0), STREAM_OK, "%s",
                     stream_cause(l.s));
        buf_init(&claims, CLIENT_CLAIMS_MAX);
        cr_expect_eq(stream_claims(l.s, &claims), all > 100);
        cr_expect_eq(claims.len > CLIENT_CLAIMS_MAX - 32, all > 100);
        cr_expect_leq(claims.len, CLIENT_CLAIMS_MAX);
        cr_expect_eq(claims.data[claims.len - 1], '\n');
        cr_expect_eq(stream_proof(l.s).len == 0, all > 100, "%d", all);
        buf_release(&claims);
        part(&l, &p);
    }
}

#define NAME_BYTES 15 /* bytes of a CA's name, without the text of its CN */

/* Makes cas.pem, with CAs whose names take BYTES in a request for a
 * certificate. */
static void make_cas(size_t bytes)
{
    for (unsigned i = 0; bytes > 0; i++) {
        size_t len = bytes > 200 ? 64 : bytes > 79 ? 30 : bytes - NAME_BYTES;
        char name[80];

        snprintf(name, sizeof(name), "authority-%0*u", (int)len - 10, i);
        pki_free(pki_new(folder, name));
        bytes -= NAME_BYTES + len;
    }
    join_files("cas.pem", "authority-*.pem");
}

/* Expects that the server sends clients the names of the CAs in all.pem
 * (NAMED), or no names. There is a proof in both cases. */
static void expect_told(bool named)
{
    struct peer p = { .fd = -1 };
    struct line l;

    open_line(&l, CLIENTS_REQUEST, "all.pem", NULL);
    cr_assert_eq(meet(&l, &p, "anna", 0), STREAM_OK, "%s", stream_cause(l.s));
    cr_expect_eq(sk_X509_NAME_num(SSL_CTX_get_client_CA_list(l.context->ssl)) >
                     0,
                 named);
    cr_expect_gt(stream_proof(l.s).len, 0);
    part(&l, &p);
}

Test(client, as_many_names_as_a_proof_has_room_for, WITH_SANITIZERS)
{
    pki_issue(pki, &(struct pki_leaf){ .name = "anna", .kind = PKI_RSA });
    make_cas(CLIENT_NAMES_MAX - NAME_BYTES - 2); /* ca.pem has the rest */
    join_files("all.pem", "ca.pem cas.pem");
    expect_told(true);
    pki_free(pki_new(folder, "x"));
    join_files("all.pem", "ca.pem cas.pem x.pem");
    expect_told(false);
}

static int use(struct tls_context *t, const char *ca, const char *crl,
               struct complaint *c)
{
    return use_files(t, (struct tls_clients){ .mode = CLIENTS_REQUEST }, ca,
                     crl, c);
}

static void write_text(const char *file, const char *text)
{
    FILE *f = fopen(pki_path(pki, file), "w");

    cr_assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void write_bad_files(void)
{
    struct pki *other = pki_new(folder, "other-ca");

    pki_issue(pki,
              &(struct pki_leaf){ .name = "late", .from = -DAY, .to = -60 });
    pki_issue(pki,
              &(struct pki_leaf){ .name = "early", .from = 3600, .to = DAY });
    pki_list(pki, "late-crl.pem", -60, NULL);
    pki_list(other, "other-crl.pem", DAY, NULL);
    write_text("empty.pem", "");
    write_text("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n"
                             "-----END CERTIFICATE-----\n");
    write_text("broken-crl.pem", "-----BEGIN X509 CRL-----\nAAAA\n"
                                 "-----END X509 CRL-----\n");
    pki_free(other);
}

Test(client, bad_files)
{
    static const struct {
        const char *ca, *crl, *why;
    } rows[] = {
        { "empty.pem", NULL, "the-ca.pem: holds no certificate in PEM form" },
        { "broken.pem", NULL, "the-ca.pem: certificate 1 can't be read: " },
        { "late.pem", NULL, "the-ca.pem: certificate 1 has expired on 20" },
        { "early.pem", NULL, "the-ca.pem: certificate 1 is not valid yet" },
        { "ca.pem", "late-crl.pem",
          "the-crl.pem: revocation list 1 has expired" },
        { "ca.pem", "other-crl.pem",
          "the-crl.pem: revocation list 1 is signed by none of the CAs in "
          "the-ca.pem" },
        { "ca.pem", "ca.pem",
          "the-crl.pem: holds no revocation list in PEM form" },
        { "ca.pem", "broken-crl.pem",
          "the-crl.pem: revocation list 1 can't be read: " },
        { "ca.pem", "empty.pem",
          "the-crl.pem: holds no revocation list in PEM form" },
    };

    write_bad_files();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tls_context *t = context_make();
        struct complaint c = { "" };

        cr_expect_lt(use(t, rows[i].ca, rows[i].crl, &c), 0);
        cr_expect(strncmp(c.text, rows[i].why, strlen(rows[i].why)) == 0, "%s",
                  c.text);
        tls_context_free(t);
    }
}

/* Returns the last date that T has noted of FILE. */
static struct tls_date date_of(const struct tls_context *t, const char *file)
{
    struct tls_date d, found = { 0 };

    for (size_t i = 0; tls_context_date(t, i, &d); i++)
        if (strcmp(d.file, file) == 0)
            found = d;
    cr_assert(found.file, "%s", file);
    return found;
}

/* If a file is already in use, an expired certificate or list in it is no
 * mistake. The server then only lets no client in. */
Test(client, expired_in_use)
{
    static const char *const files[][2] = { { "late.pem", NULL },
                                            { "ca.pem", "late-crl.pem" } };
    const struct tls_clients again = { .mode = CLIENTS_REQUEST,
                                       .ca.in_use = true,
                                       .crl.in_use = true };

    write_bad_files();
    for (size_t i = 0; i < 2; i++) {
        struct tls_context *t = context_make();
        struct complaint c = { "" };
        struct tls_date d;

        cr_expect_eq(use_files(t, again, files[i][0], files[i][1], &c), 0, "%s",
                     c.text);
        d = date_of(t, i == 0 ? "the-ca.pem" : "the-crl.pem");
        cr_expect_str_eq(d.what, i == 0 ? "certificate" : "revocation list");
        cr_expect_eq(d.number, 1);
        cr_expect_leq(d.expires, time(NULL) - 59);
        tls_context_free(t);
    }
}

/* The warning is due in the last quarter of a list's time (the lists were made
 * a day ago), but at most 30 days before its end; for a certificate, 30 days
 * before its end. */
Test(client, when_they_expire)
{
    static const struct {
        long lasts, warn;
    } rows[] = { { DAY, DAY / 2 }, { 3 * DAY, DAY }, { 400 * DAY, 30 * DAY } };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tls_context *t = context_make();
        struct complaint c = { "" };
        struct tls_date d;

        cr_assert(tls_context_date(t, 0, &d));
        cr_expect_str_eq(d.what, "certificate");
        cr_expect_eq(d.expires - d.warn, 30 * DAY);
        pki_list(pki, "dated.pem", rows[i].lasts, NULL);
        cr_assert_eq(use(t, "ca.pem", "dated.pem", &c), 0);
        d = date_of(t, "the-ca.pem");
        cr_expect_eq(d.expires - d.warn, 30 * DAY);
        d = date_of(t, "the-crl.pem");
        cr_expect_eq(d.expires - d.warn, rows[i].warn);
        cr_expect_lt(labs((long)(d.expires - time(NULL)) - rows[i].lasts), 60);
        tls_context_free(t);
    }
}

static const struct {
    const char *name, *ca, *crl, *why;
} below[] = {
    { "leaf", "cas.pem", NULL, NULL },
    { "leaf", "cas.pem", "lists.pem", NULL },
    { "gone", "cas.pem", "lists.pem", "certificate revoked" },
    { "leaf", "cas.pem", "no-longer.pem",
      "certificate revoked" }, /* the CA `between` is revoked */
    { "leaf", "cas.pem", "one.pem", "unable to get certificate CRL" },
    /* The file of CAs has a client's own certificate. */
    { "leaf", "leaf.pem", NULL, NULL },
    { "gone", "leaf.pem", NULL, "unable to get local issuer certificate" },
};

static void try_below(size_t i, int version)
{
    struct peer p = { .fd = -1 };
    struct line l;

    open_line(&l, CLIENTS_REQUIRE, below[i].ca, below[i].crl);
    cr_expect_eq(meet(&l, &p, below[i].name, version),
                 below[i].why ? STREAM_FAILED : STREAM_OK, "row %zu: %s", i,
                 stream_cause(l.s));
    if (below[i].why)
        cr_expect(strstr(stream_cause(l.s), below[i].why), "row %zu: %s", i,
                  stream_cause(l.s));
    part(&l, &p);
}

/* Tests two levels of CAs. Each CA has its list. */
Test(client, of_a_ca_below_another)
{
    struct pki *between = pki_below(pki, "between");
    struct tls_context *t = context_make();
    struct complaint c = { "" };

    pki_issue(between, &(struct pki_leaf){ .name = "leaf" });
    pki_issue(between, &(struct pki_leaf){ .name = "gone" });
    pki_list(between, "between-list.pem", DAY, "gone", NULL);
    pki_list(pki, "one.pem", DAY, NULL);
    pki_list(pki, "no-between.pem", DAY, "between", NULL);
    join_files("cas.pem", "ca.pem between.pem");
    join_files("lists.pem", "one.pem between-list.pem");
    join_files("no-longer.pem", "no-between.pem between-list.pem");
    for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
        try_below(i, TLS1_2_VERSION);
        try_below(i, TLS1_3_VERSION);
    }
    cr_expect_lt(use(t, "between.pem", "between-list.pem", &c), 0);
    cr_expect(strstr(c.text, "certificate 1 isn't there, which client_crl"),
              "%s", c.text);
    tls_context_free(t);
    pki_free(between);
}

/* control, data: the certificates that the client shows on the two channels;
 * resumes: the data channel resumes the session of the control channel; same:
 * the result of stream_same_client(). */
static const struct {
    const char *control, *data;
    bool resumes, same;
} channels[] = {
    { "anna", "anna", false, true },  { "anna", NULL, false, false },
    { "anna", "bert", false, false }, { "anna", NULL, true, true },
    { NULL, NULL, false, true },      { NULL, "bert", false, true },
};

static void play_ticket(struct tls_client *c, struct peer *p)
{
    char byte;

    tls_client_read(c, &byte, 1);
    p->options.show = tls_client_session(c);
    p->ok = true;
}

static void play_byte(struct tls_client *c, struct peer *p)
{
    p->ok = tls_client_resumed(c);
}

static void use_channels(size_t i, int version)
{
    const struct ticket_owner owner = { "anna", { .family = 4 }, 7, 1 };
    struct peer p = { .play = play_ticket }, q = { .play = play_byte };
    struct line l, d;
    size_t took;

    open_line(&l, CLIENTS_REQUEST, "ca.pem", NULL);
    cr_assert_eq(meet(&l, &p, channels[i].control, version), STREAM_OK, "%s",
                 stream_cause(l.s));
    tls_context_owner(l.context, &owner);
    cr_assert_eq(stream_offer_ticket(l.s), STREAM_OK);
    cr_assert_eq(stream_write(l.s, "x", 1, &took), STREAM_OK);
    cr_assert_eq(line_flush(&l), STREAM_OK);
    peer_join(&p);

    line_open(&d, DATA, 0);
    cr_assert_eq(stream_secure(d.s, l.context, STREAM_DATA), 0);
    show(&q, channels[i].data, version);
    q.options.show = channels[i].resumes ? p.options.show : NULL;
    peer_start(&q, &d);
    cr_assert_eq(line_handshake(&d), STREAM_OK, "%s", stream_cause(d.s));
    cr_expect_eq(stream_same_client(d.s), channels[i].same, "%zu, %x", i,
                 version);
    peer_join(&q);
    cr_expect_eq(q.ok, channels[i].resumes, "%zu, %x", i, version);
    tls_session_free((struct tls_session *)(uintptr_t)p.options.show);
    line_close(&d);
    line_close(&l);
}

Test(client, data_channels)
{
    pki_issue(pki, &(struct pki_leaf){ .name = "anna" });
    pki_issue(pki, &(struct pki_leaf){ .name = "bert" });
    for (size_t i = 0; i < sizeof(channels) / sizeof(channels[0]); i++) {
        use_channels(i, TLS1_2_VERSION);
        use_channels(i, TLS1_3_VERSION);
    }
}
