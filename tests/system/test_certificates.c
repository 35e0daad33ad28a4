/* Certificates of a running server: which certificate a client gets, and what a
 * reload does with good and with bad certificates. Sessions continue
 * unchanged. */

#include "ctl.h"
#include "support/files.h"
#include "support/pki.h"
#include "support/processes.h"
#include "support/served.h"
#include "support/server_log.h"
#include "support/test.h"
#include "support/wait.h"

#define DAY 86400L

/* Makes a certificate NAME.pem in the server's directory, and NAME.key. They
 * are dated an hour back, since master doesn't trust the times of files that
 * have just changed. */
static void issue(const struct server *s, const char *name, struct pki_leaf l)
{
    static struct pki *ca;
    char key[64];

    if (!ca)
        ca = pki_new(s->folder, "ca");
    snprintf(key, sizeof(key), "%s.key", name);
    l.name = name;
    l.names = l.names ? l.names : "DNS:localhost";
    l.from = l.from ? l.from : -2 * DAY;
    l.to = l.to ? l.to : DAY;
    l.server = true;
    pki_issue(ca, &l);
    files_set_time(pki_path(ca, key), time(NULL) - 3600);
    snprintf(key, sizeof(key), "%s.pem", name);
    files_set_time(pki_path(ca, key), time(NULL) - 3600);
}

/* Makes the server's own certificate. */
static void issue_own(const struct server *s, struct pki_leaf l)
{
    issue(s, "certificate", l);
    server_set(s, "key", server_path(s, "certificate.key"));
}

static void reload(const struct server *s)
{
    ctl(s, 0, "reload", "reloaded");
}

static void enter(struct session *s, const struct server *server)
{
    session_enter(s, server, "anna");
}

/* Returns the serial of the certificate for a client that asks for NAME with
 * these schemes. */
static long serial_for(const struct server *server, const char *name,
                       const char *schemes)
{
    struct tls_client_options o = { .name = name, .schemes = schemes };
    struct session s;
    long serial;

    session_reach(&s, server);
    session_expect(&s, "220 {*}");
    session_do(&s, "234 {*}", "AUTH TLS");
    s.tls = tls_client_new(s.fd, &o);
    cr_assert(s.tls, "%s: %s", name, tls_client_error());
    serial = tls_client_serial(s.tls);
    session_close(&s);
    return serial;
}

/* Transfers in both directions, with the certificate that the session had from
 * the start. */
static void transfer(struct session *s)
{
    static const char bytes[] = "through a certificate's life";
    long serial = tls_client_serial(s->tls);
    struct data d;

    session_store(s, "STOR", "file", bytes, sizeof(bytes));
    data_open(s, &d, "RETR file");
    cr_expect_eq(tls_client_serial(d.tls), serial);
    data_close(&d);
    session_expect(s, "226 {*}");
}

static void spoil_key(const struct server *s)
{
    issue(s, "other", (struct pki_leaf){ .serial = 1 });
    server_set(s, "key", server_path(s, "other.key"));
}

static void spoil_file(const struct server *s)
{
    cr_assert_eq(unlink(server_path(s, "certificate.pem")), 0);
}

static void spoil_mode(const struct server *s)
{
    cr_assert_eq(chmod(server_path(s, "certificate.key"), 0644), 0);
}

static void spoil_date(const struct server *s)
{
    issue_own(s, (struct pki_leaf){ .serial = 1, .to = -60 });
}

/* Overwrites the file, as cp, the shell and some deploy hooks do. */
static void spoil_date_in_place(const struct server *s)
{
    struct buf text;

    issue(s, "other", (struct pki_leaf){ .serial = 1, .to = -60 });
    server_set(s, "key", server_path(s, "other.key"));
    buf_init(&text, 1 << 20);
    cr_assert(files_read(server_path(s, "other.pem"), &text));
    files_write(server_path(s, "certificate.pem"), text.data, text.len, 0600);
    buf_release(&text);
}

static void spoil_begin(const struct server *s)
{
    issue_own(s, (struct pki_leaf){ .serial = 1, .from = 3600 });
}

static void spoil_text(const struct server *s)
{
    files_write(server_path(s, "certificate.key"), "nonsense", 8, 0600);
}

static void spoil_setting(const struct server *s)
{
    server_set(s, "nosuch", "1");
}

static const struct {
    void (*spoil)(const struct server *s);
    int status;
    const char *words;
} bad[] = {
    /* the first row: the file that it overwrites is in use */
    { spoil_date_in_place, EX_DATAERR, "certificate.pem: the certificate has" },
    { spoil_key, EX_DATAERR, "other.key: not the key of the certificate in" },
    { spoil_date, EX_DATAERR, "certificate.pem: the certificate has expired" },
    { spoil_begin, EX_DATAERR, "the certificate is not valid yet" },
    { spoil_text, EX_DATAERR, "certificate.key: holds no private key" },
    { spoil_mode, EX_DATAERR, "certificate.key: open to others" },
    { spoil_file, EX_DATAERR, "certificate.pem: No such file" },
    { spoil_setting, EX_CONFIG, "unknown key" },
};

/* Whatever is wrong, the reload fails, and new sessions get the old
 * certificate. */
ServerTest(certificates, no_bad_pair_is_taken, 120, PLAN(0))
{
    struct session s;

    issue_own(server, (struct pki_leaf){ .serial = 77 });
    reload(server);
    enter(&s, server);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        bad[i].spoil(server);
        ctl(server, bad[i].status, "reload", bad[i].words);
        cr_expect_eq(serial_for(server, NULL, NULL), 77, "%s", bad[i].words);
        transfer(&s);
        if (bad[i].spoil != spoil_setting)
            issue_own(server, (struct pki_leaf){ .serial = 78 });
    }
    session_close(&s);
}

static void add_pair(const struct server *s, const char *label,
                     struct pki_leaf l)
{
    static const char *const settings[] = { "certificate", "key" };

    issue(s, label, l);
    for (int i = 0; i < 2; i++) {
        char key[64], file[64];

        snprintf(key, sizeof(key), "%s.%s", settings[i], label);
        snprintf(file, sizeof(file), "%s.%s", label, i ? "key" : "pem");
        server_set(s, key, server_path(s, file));
    }
}

ServerTest(certificates, names_and_kinds, 120, PLAN(0))
{
    struct session s;

    enter(&s, server);
    issue_own(server,
              (struct pki_leaf){ .serial = 1, .names = "DNS:one.example" });
    add_pair(server, "rsa",
             (struct pki_leaf){
                 .serial = 2, .names = "DNS:one.example", .kind = PKI_RSA });
    add_pair(server, "two",
             (struct pki_leaf){ .serial = 3, .names = "DNS:*.two.example" });
    reload(server);
    cr_expect_eq(serial_for(server, NULL, NULL), 1);
    cr_expect_eq(serial_for(server, "one.example", "ECDSA+SHA256"), 1);
    cr_expect_eq(serial_for(server, "one.example", "RSA-PSS+SHA256"), 2);
    cr_expect_eq(serial_for(server, NULL, "RSA-PSS+SHA256"), 2);
    cr_expect_eq(serial_for(server, "ftp.two.example", NULL), 3);
    cr_expect_eq(serial_for(server, "ftp.three.example", NULL), 1);
    transfer(&s);
    session_close(&s);
}

/* A client that got the certificate of one host can't choose another one by
 * HOST. The name that it sends in the handshake of a data connection has no
 * effect. */
ServerTest(certificates, host_and_data_by_name, 120, PLAN(0))
{
    static const char *const data[] = { NULL, "one.example", "two.example",
                                        "192.0.2.1" };
    static const int versions[] = { SESSION_TLS_12, SESSION_TLS_13 };
    struct session s;

    issue_own(server,
              (struct pki_leaf){ .serial = 1, .names = "DNS:one.example" });
    add_pair(server, "two",
             (struct pki_leaf){ .serial = 2, .names = "DNS:two.example" });
    reload(server);
    for (size_t i = 0; i < 2 * sizeof(data) / sizeof(data[0]); i++) {
        session_init(&s);
        s.version = versions[i % 2];
        s.name = "two.example";
        s.data_name = data[i / 2];
        session_connect(&s, server->port);
        session_start_tls(&s);
        session_do(&s, "504 {*}", "HOST one.example");
        session_do(&s, "220 {*}", "HOST two.example");
        cr_assert_eq(session_try_login(&s, "anna", SERVER_PASSWORD), 230);
        session_do(&s, "200 {*}", "PBSZ 0");
        session_do(&s, "200 {*}", "PROT P");
        session_do(&s, "200 {*}", "TYPE I");
        session_store(&s, "STOR", "file", "bytes", 5);
        session_close(&s);
    }
}

#define ROUNDS 7 /* with the first generation: as many as may live */

/* Each generation has a session. No session is dropped, and each keeps its
 * first certificate. While all generations live, a reload waits, and its caller
 * gets an error. */
ServerTest(certificates, sessions_of_many_generations, 120, PLAN(0))
{
    struct session s[ROUNDS + 1], late;

    enter(&s[0], server);
    for (int i = 1; i <= ROUNDS; i++) {
        issue_own(server, (struct pki_leaf){ .serial = 100 + i });
        reload(server);
        enter(&s[i], server);
        cr_assert_eq(tls_client_serial(s[i].tls), 100 + i);
    }
    issue_own(server, (struct pki_leaf){ .serial = 200 });
    ctl(server, EX_TEMPFAIL, "reload", "8 generations have sessions");
    for (int i = 0; i <= ROUNDS; i++)
        transfer(&s[i]);
    session_close(&s[0]);
    server_log_expect(server, ROUNDS + 1, "reload: the new configuration",
                      NULL);
    enter(&late, server);
    cr_expect_eq(tls_client_serial(late.tls), 200);
    for (int i = 1; i <= ROUNDS; i++) {
        transfer(&s[i]);
        session_close(&s[i]);
    }
    transfer(&late);
    session_close(&late);
}

/* The log names each certificate that expires within 30 days. */
ServerTest(certificates, what_expires_soon_is_told, 120, PLAN(0))
{
    cr_expect(!server_log_has(server, "expires"));
    issue_own(server, (struct pki_leaf){ .serial = 1, .to = 30 * DAY - 60 });
    add_pair(server, "two",
             (struct pki_leaf){
                 .serial = 2, .names = "DNS:two.example", .to = 3600 });
    add_pair(server, "late",
             (struct pki_leaf){ .serial = 3,
                                .names = "DNS:late.example",
                                .to = 30 * DAY + 3600 });
    add_pair(server, "one",
             (struct pki_leaf){
                 .serial = 4, .names = "DNS:one.example", .to = 2 * DAY - 60 });
    reload(server);
    server_log_wait(server, "certificate.pem: certificate 1 expires in 29 days",
                    NULL);
    server_log_wait(server, "one.pem: certificate 1 expires in 47 h", NULL);
    server_log_wait(server, "two.pem: certificate 1 expires in ", NULL);
    cr_expect(!server_log_has(server, "late.pem: certificate"));
}

static bool is_over(void *argument)
{
    return time(NULL) > *(time_t *)argument;
}

/* Clients decide about an expired certificate: the server still serves them,
 * also after a new start of gate, or after a reload for another reason. */
ServerTest(certificates, one_expires_in_use, 120, PLAN(.troubles = true))
{
    time_t end;

    issue_own(server, (struct pki_leaf){ .serial = 5, .to = 15 });
    end = time(NULL) + 15;
    reload(server);
    cr_assert(wait_until(is_over, &end, WAIT_MS));
    processes_kill(server->pid, "sallyport: gate");
    cr_expect_eq(serial_for(server, NULL, NULL), 5);
    add_pair(server, "two",
             (struct pki_leaf){ .serial = 2, .names = "DNS:two.example" });
    reload(server);
    cr_expect_eq(serial_for(server, NULL, NULL), 5);
    spoil_date(server);
    ctl(server, EX_DATAERR, "reload", "the certificate has expired");
    cr_expect(
        server_log_has(server, "certificate.pem: certificate 1 has expired"));
}

/* The server starts even if a certificate has expired or isn't valid yet, so
 * that a reboot doesn't end the service. --check still refuses the
 * certificate. */
Test(certificates, a_date_keeps_no_server_from_its_start)
{
    static const struct {
        void (*spoil)(const struct server *s);
        const char *log, *status, *check;
    } rows[] = {
        { spoil_date, "warning: ", "has expired",
          "the certificate has expired" },
        { spoil_begin, "is not valid yet", "expires",
          "the certificate is not valid yet" },
    };
    struct server server;
    struct session s;

    server_start(&server, PLAN(.troubles = true));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        server_kill(&server);
        rows[i].spoil(&server);
        ctl_check(&server, EX_CONFIG, rows[i].check);
        server_again(&server);
        server_log_wait(&server, rows[i].log, "certificate.pem: certificate 1",
                        NULL);
        ctl(&server, 0, "status", rows[i].status);
        enter(&s, &server);
        transfer(&s);
        session_close(&s);
    }
    reload(&server);
    server_kill(&server);
    issue_own(&server, (struct pki_leaf){ .serial = 2 });
    spoil_key(&server);
    ctl_check(&server, EX_CONFIG, "not the key of the certificate");
    issue_own(&server, (struct pki_leaf){ .serial = 2 });
    add_pair(&server, "two", (struct pki_leaf){ .serial = 3 });
    ctl_check(&server, EX_CONFIG,
              "two.pem has the same names and the same kind of");
    server_again(&server);
    server_log_wait(&server, "warning: ", "two.pem: no client gets it", NULL);
    cr_expect_eq(serial_for(&server, NULL, NULL), 2);
    reload(&server);
    server_kill(&server);
    server_forget(&server);
}

/* The certificate can be in systemd's $CREDENTIALS_DIRECTORY, which only root
 * may enter, and which is read-only. */
Test(certificates, of_systemd)
{
    struct server server;

    server_prepare(&server, PLAN(0));
    const char *directory = server_path(&server, "credentials");
    const char *pem = server_path(&server, "credentials/own.pem");
    const char *key = server_path(&server, "credentials/own.key");
    cr_assert_eq(mkdir(directory, 0700), 0);
    issue(&server, "credentials/own", (struct pki_leaf){ .serial = 41 });
    cr_assert(chmod(pem, 0400) == 0 && chmod(key, 0400) == 0);
    server_set(&server, "certificate", pem);
    server_set(&server, "key", key);
    cr_assert_eq(chmod(directory, 0500), 0);
    setenv("CREDENTIALS_DIRECTORY", directory, 1);
    server_again(&server);
    cr_expect_eq(serial_for(&server, NULL, NULL), 41);
    reload(&server);
    ctl_check(&server, 0, "configuration is fine");
    cr_assert_eq(chmod(directory, 0700), 0);
    server_stop(&server);
}
