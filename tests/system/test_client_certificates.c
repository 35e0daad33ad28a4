/* Clients' certificates against a real server: which certificate lets which
 * user in, in both versions of TLS, with the password and instead of it; what a
 * data connection must show; reloads; curl, lftp and sallyport. */
#include "ctl.h"
#include "support/long.h"
#include "support/pki.h"
#include "support/processes.h"
#include "support/served.h"
#include "support/server_log.h"
#include "support/test.h"

#define DAY 86400L

#define WHERE "SALLYPORT_TEST_PKI"

static char folder[64];
static struct pki *pki;

/* Returns more names than fit into a proof. */
static const char *many_names(void)
{
    static char names[16384];
    size_t len = 0;

    for (int i = 0; i < 600; i++)
        len += (size_t)snprintf(names + len, sizeof(names) - len,
                                "%sDNS:n%d.example", i ? "," : "", i);
    return names;
}

/* Makes all certificates that the clients show. */
static void make_pki(void)
{
    const struct pki_leaf leaves[] = {
        { .name = "anna", .names = "email:anna@example.org" },
        { .name = "bert", .names = "email:bert@example.org", .kind = PKI_RSA },
        { .name = "carl", .subject = "Carl Cash" },
        { .name = "late",
          .names = "email:bert@example.org",
          .from = -DAY,
          .to = -60 },
        { .name = "early",
          .names = "email:bert@example.org",
          .from = 3600,
          .to = DAY },
        { .name = "revoked", .names = "email:bert@example.org" },
        { .name = "long", .names = many_names() },
    };
    struct pki *other;

    strcpy(folder, "/tmp/sallyport-pki-XXXXXX");
    cr_assert(mkdtemp(folder));
    pki = pki_new(folder, "ca");
    for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++)
        pki_issue(pki, &leaves[i]);
    other = pki_new(folder, "other-ca");
    pki_issue(other, &(struct pki_leaf){ .name = "foreign",
                                         .names = "email:bert@example.org" });
    pki_free(other);
    pki_list(pki, "crl.pem", DAY, "revoked", NULL);
}

static void remove_pki(void)
{
    char command[128];

    pki_free(pki);
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    if (system(command) != 0)
        perror(folder);
}

static char anna_keys[256], any_keys[256], emma_keys[256];

static void name_fingerprints(void)
{
    snprintf(anna_keys, sizeof(anna_keys),
             "certificate=sha256:%s login=certificate",
             pki_fingerprint(pki, "anna"));
    snprintf(emma_keys, sizeof(emma_keys),
             "certificate=sha256:%s login=certificate",
             pki_fingerprint(pki, "long"));
    snprintf(any_keys, sizeof(any_keys),
             "data_binding=address "
             "certificate=sha256:%s;email:bert@example.org",
             pki_fingerprint(pki, "anna"));
}

static const struct server_user users[] = {
    { .name = "anna", .keys = anna_keys },
    { .name = "bert", .keys = "certificate=email:bert@example.org" },
    { .name = "carl", .keys = "certificate=subject:CN=Carl\\20Cash" },
    { .name = "dora" },
    { .name = "any", .keys = any_keys },
    { .name = "emma", .keys = emma_keys },
};

/* Returns the plan of a server with this mode and this list of revoked
 * certificates (NULL: none). */
static const struct server_plan *plan_of(const char *mode, const char *crl)
{
    static struct server_plan p = { .users = users,
                                    .user_count =
                                        sizeof(users) / sizeof(users[0]) };
    static char text[1024];

    snprintf(text, sizeof(text),
             "client_certificates = %s\nclient_ca = %s/ca.pem\n"
             "client_crl = %s%s%s\n",
             mode, folder, crl ? folder : "", crl ? "/" : "", crl ? crl : "");
    p.settings = text;
    return &p;
}

ReportHook(PRE_ALL)(struct criterion_test_set *set)
{

    (void)set;
    make_pki();
    name_fingerprints();
    setenv(WHERE, folder, 1);
    server_share(plan_of("request", "crl.pem"));
}

ReportHook(POST_ALL)(struct criterion_global_stats *stats)
{
    (void)stats;
    server_unshare();
    remove_pki();
}

static void set_up(void)
{
    snprintf(folder, sizeof(folder), "%s", getenv(WHERE));
    pki = pki_open(folder, "ca");
    name_fingerprints();
}

static void tear_down(void)
{
    pki_free(pki);
}

TestSuite(client_certificates, .init = set_up, .fini = tear_down);
TestSuite(long_client_certificates, .init = set_up, .fini = tear_down,
          IN_LONG_RUN);

static void show(struct session *s, const char *name)
{
    char file[64];

    s->certificate = s->key = NULL;
    if (!name)
        return;
    snprintf(file, sizeof(file), "%s.pem", name);
    s->certificate = pki_path(pki, file);
    snprintf(file, sizeof(file), "%s.key", name);
    s->key = pki_path(pki, file);
}

/* Makes the handshake, and sends NOOP: with TLS 1.3 the handshake ends for the
 * client before the server has seen the certificate. Returns false if NOOP gets
 * no answer. */
static bool shake(struct session *s, const struct server *server)
{
    const struct tls_client_options o = { .version = s->version,
                                          .certificate = s->certificate,
                                          .key = s->key };
    char byte = 0;

    session_connect(s, server->port);
    session_expect(s, "220 {*}");
    session_do(s, "234 {*}", "AUTH TLS");
    s->tls = tls_client_new(s->fd, &o);
    if (!s->tls || !tls_client_write(s->tls, "NOOP\r\n", 6) ||
        tls_client_read(s->tls, &byte, 1) != 1)
        return false;
    cr_assert_eq(byte, '2');
    session_line(s);
    return true;
}

/* Returns 230, 530, or 0 if TLS refuses the client. */
static int try_login(const struct server *server, int version,
                     const char *certificate, const char *user,
                     const char *password)
{
    struct session s;
    int code = 0;

    session_init(&s);
    s.version = version;
    show(&s, certificate);
    if (shake(&s, server))
        code = session_try_login(&s, user, password);
    session_drop(&s);
    return code;
}

static const struct {
    const char *user, *certificate, *password;
    int tls12, tls13;
} logins[] = {
    /* These users have a certificate instead of the password, which needs TLS
     * 1.3. */
    { "anna", "anna", "nonsense", 530, 230 },
    { "anna", "anna", SERVER_PASSWORD, 530, 230 },
    { "anna", "bert", SERVER_PASSWORD, 530, 530 },
    { "anna", NULL, SERVER_PASSWORD, 530, 530 },
    { "emma", "long", SERVER_PASSWORD, 530, 530 },
    /* These users need a certificate and the password. */
    { "bert", "bert", SERVER_PASSWORD, 230, 230 },
    { "bert", "bert", "nonsense", 530, 530 },
    { "bert", "anna", SERVER_PASSWORD, 530, 530 },
    { "bert", NULL, SERVER_PASSWORD, 530, 530 },
    { "carl", "carl", SERVER_PASSWORD, 230, 230 },
    { "carl", "bert", SERVER_PASSWORD, 530, 530 },
    /* This user needs no certificate. */
    { "dora", NULL, SERVER_PASSWORD, 230, 230 },
    { "dora", "bert", SERVER_PASSWORD, 230, 230 },
    { "dora", "bert", "nonsense", 530, 530 },
    { "nobody", "anna", SERVER_PASSWORD, 530, 530 },
    /* If the certificate isn't valid, TLS ends the connection, whatever the
     * user's name is. */
    { "bert", "late", SERVER_PASSWORD, 0, 0 },
    { "bert", "early", SERVER_PASSWORD, 0, 0 },
    { "bert", "revoked", SERVER_PASSWORD, 0, 0 },
    { "bert", "foreign", SERVER_PASSWORD, 0, 0 },
    { "dora", "foreign", SERVER_PASSWORD, 0, 0 },
};

SharedTest(client_certificates, users_and_their_certificates, 120)
{
    for (size_t i = 0; i < sizeof(logins) / sizeof(logins[0]); i++) {
        cr_expect_eq(try_login(server, SESSION_TLS_12, logins[i].certificate,
                               logins[i].user, logins[i].password),
                     logins[i].tls12, "%zu: %s, %s, TLS 1.2", i, logins[i].user,
                     logins[i].certificate);
        cr_expect_eq(try_login(server, SESSION_TLS_13, logins[i].certificate,
                               logins[i].user, logins[i].password),
                     logins[i].tls13, "%zu: %s, %s, TLS 1.3", i, logins[i].user,
                     logins[i].certificate);
    }
    server_log_wait(server, "end", "certificate has expired", NULL);
    server_log_wait(server, "end", "certificate is not yet valid", NULL);
    server_log_wait(server, "end", "certificate revoked", NULL);
    server_log_wait(server, "end", "unable to get local issuer", NULL);
    server_log_wait(server, "login-failed", "user=anna",
                    "no client certificate was shown", NULL);
    server_log_wait(server, "login-failed", "user=anna",
                    "login=certificate needs TLS 1.3", NULL);
    server_log_wait(server, "login-failed", "user=emma",
                    "a handshake of at most 9500 bytes", NULL);
    server_log_wait(server, "login-failed", "user=bert", "wrong password",
                    NULL);
    server_log_wait(server, "login-failed", "user=bert",
                    "certificate is not one of the user's", NULL);
    server_log_wait(server, "login-failed", "user=nobody", "unknown user",
                    NULL);
    server_log_wait(server, "login", "user=anna", pki_fingerprint(pki, "anna"),
                    NULL);
}

/* A client without a certificate can't send a command. */
ServerTest(client_certificates, required, 120, plan_of("require", NULL))
{
    static const int versions[] = { SESSION_TLS_12, SESSION_TLS_13 };

    for (size_t i = 0; i < 2; i++) {
        cr_expect_eq(
            try_login(server, versions[i], NULL, "dora", SERVER_PASSWORD), 0);
        cr_expect_eq(
            try_login(server, versions[i], "foreign", "dora", SERVER_PASSWORD),
            0);
        cr_expect_eq(
            try_login(server, versions[i], "carl", "dora", SERVER_PASSWORD),
            230);
        cr_expect_eq(
            try_login(server, versions[i], "revoked", "bert", SERVER_PASSWORD),
            230, "there is no list");
    }
    server_log_wait(server, "end", "peer did not return a certificate", NULL);
}

static void enter(struct session *s, const struct server *server, int version,
                  const char *certificate, const char *user)
{
    session_init(s);
    s->version = version;
    show(s, certificate);
    session_open(s, server, user);
}

/* The certificate on the data connection; the control connection has "anna". */
static const struct {
    const char *certificate;
    bool anew; /* resumes no session */
    const char *fate;
} channels[] = {
    { "anna", false, "226 {*}" },
    { NULL, false, "226 {*}" },
    { "anna", true, "226 {*}" },
    { NULL, true, "425 {*}client certificate{*}" },
    { "bert", true, "425 {*}client certificate{*}" },
};

static void transfer(struct session *s, size_t i, const char *command)
{
    const char *mine = s->certificate, *key = s->key;
    char waste[256];
    struct data d;

    data_connect(s, &d);
    session_send(s, "%s", command);
    session_expect(s, "150 {*}");
    show(s, channels[i].certificate);
    s->anew = channels[i].anew;
    data_secure(s, &d);
    if (command[0] == 'S')
        data_write(&d, "new", 3);
    while (tls_client_read(d.tls, waste, sizeof(waste)) > 0)
        cr_expect_eq(channels[i].fate[0], '2', "bytes of a file");
    data_close(&d);
    session_expect(s, channels[i].fate);
    s->certificate = mine;
    s->key = key;
    s->anew = false;
}

SharedTest(client_certificates, data_connections, 120)
{
    static const int versions[] = { SESSION_TLS_12, SESSION_TLS_13 };

    for (size_t v = 0; v < 2; v++) {
        struct session s;

        enter(&s, server, versions[v], "anna", "any");
        session_store(&s, "STOR", "file", "old", 3);
        for (size_t i = 0; i < sizeof(channels) / sizeof(channels[0]); i++)
            transfer(&s, i, "RETR file");
        session_close(&s);
    }
}

static void set_lines(const struct server *s, const char *mode, const char *crl)
{
    char path[128] = "";

    if (crl)
        snprintf(path, sizeof(path), "%s/%s", folder, crl);
    server_set(s, "client_certificates", mode);
    server_set(s, "client_crl", path);
}

/* A reload changes new sessions; existing sessions continue unchanged. */
ServerTest(client_certificates, reload, 120, plan_of("request", NULL))
{
    struct session old;

    enter(&old, server, SESSION_TLS_13, "revoked", "bert");
    set_lines(server, "request", "crl.pem");
    ctl(server, 0, "reload", "");
    ctl(server, 0, "status", "/ca.pem, expires 20");
    ctl(server, 0, "status", "/crl.pem, expires 20");
    cr_expect_eq(try_login(server, 0, "revoked", "bert", SERVER_PASSWORD), 0);
    cr_expect_eq(try_login(server, 0, "bert", "bert", SERVER_PASSWORD), 230);
    cr_expect_eq(try_login(server, 0, "anna", "anna", ""), 230);
    session_store(&old, "STOR", "file", "bytes", 5);
    pki_list(pki, "late-crl.pem", -60, NULL);
    set_lines(server, "request", "late-crl.pem");
    ctl(server, EX_DATAERR, "reload",
        "late-crl.pem: revocation list 1 has expired");
    cr_expect_eq(try_login(server, 0, "revoked", "bert", SERVER_PASSWORD), 0);
    set_lines(server, "require", "crl.pem");
    ctl(server, 0, "reload", "");
    cr_expect_eq(try_login(server, 0, NULL, "dora", SERVER_PASSWORD), 0);
    set_lines(server, "off", NULL);
    ctl(server, 0, "reload", "");
    cr_expect_eq(try_login(server, 0, "foreign", "dora", SERVER_PASSWORD), 230);
    cr_expect_eq(try_login(server, 0, "anna", "anna", SERVER_PASSWORD), 530);
    session_close(&old);
}

static void expect_only_without(const struct server *server)
{
    cr_expect_eq(try_login(server, 0, NULL, "dora", SERVER_PASSWORD), 230);
    cr_expect_eq(try_login(server, 0, "bert", "bert", SERVER_PASSWORD), 0);
}

/* A revocation list expires. The log warns in time. Then clients with a
 * certificate can't log in, but clients without one can, also after gate has
 * died, after a reload for another reason, and after a new start. */
Test(client_certificates, a_list_that_expires_in_use)
{
    struct server server;

    pki_list(pki, "soon-crl.pem", 15, NULL);
    server_start(&server, plan_of("request", "soon-crl.pem"));
    server_log_wait(&server, "soon-crl.pem: revocation list 1 expires in 0 h",
                    NULL);
    server_log_wait(&server, "soon-crl.pem: revocation list 1 has expired",
                    NULL);
    processes_kill(server.pid, "sallyport: gate");
    expect_only_without(&server);
    ctl(&server, 0, "reload", "");
    expect_only_without(&server);
    server_kill(&server);
    server_again(&server);
    expect_only_without(&server);
    pki_list(pki, "soon-crl.pem", DAY, NULL);
    ctl(&server, 0, "reload", "");
    cr_expect_eq(try_login(&server, 0, "bert", "bert", SERVER_PASSWORD), 230);
    server_stop(&server);
}

/* The logins that each program tries. */
static const struct {
    const char *user, *certificate, *password;
    bool in;
} tried[] = {
    { "anna", "anna", "nonsense", true },
    { "bert", "bert", SERVER_PASSWORD, true },
    { "bert", "foreign", SERVER_PASSWORD, false },
    { "bert", "revoked", SERVER_PASSWORD, false },
    { "carl", "bert", SERVER_PASSWORD, false },
};
#define TRIED (sizeof(tried) / sizeof(tried[0]))

/* Runs a line of the shell with the certificate, the user, the password and the
 * server's port in the environment. The password "nonsense" is wrong: curl and
 * lftp send it, while sallyport is given no password, since the certificate is
 * enough. */
static void expect_run(const struct server *server, size_t i, const char *line,
                       bool in)
{
    const char *name = tried[i].certificate;
    char cert[128], key[128], port[16];
    struct run_result r;

    snprintf(cert, sizeof(cert), "%s/%s.pem", folder, name);
    snprintf(key, sizeof(key), "%s/%s.key", folder, name);
    snprintf(port, sizeof(port), "%u", server->port);
    setenv("CERT", cert, 1);
    setenv("KEY", key, 1);
    setenv("WHO", tried[i].user, 1);
    setenv("PASSWORD", tried[i].password, 1);
    setenv("PORT", port, 1);
    setenv("CA", server_path(server, "certificate.pem"), 1);
    setenv("SALLYPORT", server_program("sallyport"), 1);
    setenv("HOME", folder, 1);
    run(&r, NULL, "/bin/sh", "-c", line, NULL);
    cr_expect_eq(r.status == 0, in, "%s, %s with %s: %d\n%s", line,
                 tried[i].user, name, r.status, r.text);
    run_release(&r);
}

#define CURL                                                                   \
    " -sSk --ssl-reqd --tls-max $MAX --cert $CERT --key $KEY "                 \
    "-u \"$WHO:$PASSWORD\" ftp://127.0.0.1:$PORT/by-curl"
#define SALLYPORT(verb)                                                        \
    "test \"$PASSWORD\" = nonsense || export "                                 \
    "SALLYPORT_PASSWORD=\"$PASSWORD\"; "                                       \
    "said=$($SALLYPORT " verb " --cacert $CA --cert $CERT --key $KEY "         \
    "ftps://$WHO@127.0.0.1:$PORT/)"
#define LS     SALLYPORT("ls")
#define DOCTOR SALLYPORT("doctor") " && echo \"$said\" | grep 'logged in as'"

/* A line of each program. With TLS 1.2 a certificate can't replace the
 * password. */
static const struct {
    const char *line, *most;
} programs[] = {
    { "curl -T $CERT" CURL " && curl" CURL " | grep 'END CERTIFICATE'", "1.3" },
    { "curl -T $CERT" CURL " && curl" CURL " | grep 'END CERTIFICATE'", "1.2" },
    { LS, "1.3" },
    { DOCTOR, "1.3" },
    { "lftp -c \"set net:max-retries 1; set net:timeout 20; "
      "set ftp:ssl-force yes; set ftp:ssl-protect-data yes; "
      "set ssl:verify-certificate no; set ssl:cert-file $CERT; "
      "set ssl:key-file $KEY; open -u $WHO,'$PASSWORD' -p $PORT 127.0.0.1; "
      "put $CERT -o by-lftp && cat by-lftp\"",
      "1.3" },
};

SharedTest(long_client_certificates, by_programs, 600)
{
    for (size_t p = 0; p < sizeof(programs) / sizeof(programs[0]); p++) {
        const bool old = strcmp(programs[p].most, "1.2") == 0;

        setenv("MAX", programs[p].most, 1);
        for (size_t i = 0; i < TRIED; i++)
            expect_run(server, i, programs[p].line,
                       tried[i].in &&
                           !(old && strcmp(tried[i].user, "anna") == 0));
    }
}

/* sallyport shows its certificate to a server that requires one. */
ServerTest(client_certificates, required_of_sallyport, 120,
           plan_of("require", NULL))
{
    expect_run(server, 0, LS, true);
    expect_run(server, 0, DOCTOR, true);
}
