/* Certificates of a running server: which one a client gets, and the effect of
 * a reload with good and with bad ones. No session may notice it. */
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "ctl.h"
#include "support/files.h"
#include "support/processes.h"
#include "support/served.h"
#include "support/server_log.h"
#include "support/test.h"
#include "support/wait.h"

#define DAY 86400L

struct made {
    long serial;
    long seconds;      /* its lifetime; 0: a day */
    long from;         /* seconds from now; 0: two days ago */
    const char *names; /* NULL: localhost */
    bool rsa;
};

static X509 *make(EVP_PKEY *key, const struct made *m)
{
    X509 *x = X509_new();
    const char *names = m->names ? m->names : "DNS:localhost";
    X509_EXTENSION *e =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);

    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), m->serial);
    X509_gmtime_adj(X509_getm_notBefore(x), m->from ? m->from : -2 * DAY);
    X509_gmtime_adj(X509_getm_notAfter(x), m->seconds ? m->seconds : DAY);
    X509_set_pubkey(x, key);
    cr_assert(X509_add_ext(x, e, -1) == 1);
    X509_EXTENSION_free(e);
    cr_assert(X509_sign(x, key, EVP_sha256()) > 0);
    return x;
}

/* Each file is replaced by a rename, as certbot does. */
static FILE *open_new(const struct server *s, const char *name)
{
    char new[SERVER_PATH_MAX];
    FILE *f;

    snprintf(new, sizeof(new), "%s.new", server_path(s, name));
    f = fopen(new, "w");
    cr_assert(f, "%s", new);
    fchmod(fileno(f), 0600);
    return f;
}

/* Dates the file an hour back, since master doesn't trust the times of files
 * that have just changed. */
static void put(const struct server *s, const char *name, FILE *f)
{
    const struct timespec then = { .tv_sec = time(NULL) - 3600 };
    const struct timespec an_hour_ago[] = { then, then };
    char new[SERVER_PATH_MAX];

    cr_assert_eq(fflush(f), 0);
    cr_assert_eq(futimens(fileno(f), an_hour_ago), 0);
    cr_assert_eq(fclose(f), 0);
    snprintf(new, sizeof(new), "%s.new", server_path(s, name));
    cr_assert_eq(rename(new, server_path(s, name)), 0);
}

static void write_pair(const struct server *s, const char *certificate,
                       const char *key, const struct made *m)
{
    EVP_PKEY *pair = m->rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    X509 *x = make(pair, m);
    FILE *f = open_new(s, certificate);

    cr_assert(PEM_write_X509(f, x));
    put(s, certificate, f);
    if (key) {
        f = open_new(s, key);
        cr_assert(PEM_write_PrivateKey(f, pair, NULL, NULL, 0, NULL, NULL));
        put(s, key, f);
    }
    X509_free(x);
    EVP_PKEY_free(pair);
}

static size_t count_words(const struct server *s, const char *words)
{
    struct buf log;
    size_t n = 0;

    server_log(s, &log);
    for (const char *at = (const char *)log.data; (at = strstr(at, words));
         at++)
        n++;
    buf_release(&log);
    return n;
}

struct awaited {
    const struct server *server;
    const char *words;
    size_t count; /* earlier lines with these words */
};

static bool is_there(void *argument)
{
    const struct awaited *a = argument;

    return count_words(a->server, a->words) > a->count;
}

/* Waits until one more line has these words. */
static void reload(const struct server *s, const char *words)
{
    struct awaited a = { s, words, count_words(s, words) };
    struct buf log;

    cr_assert_eq(kill(s->pid, SIGHUP), 0);
    if (wait_until(is_there, &a, WAIT_MS))
        return;
    server_log(s, &log);
    cr_assert_fail("no \"%s\" in:\n%s", words, (const char *)log.data);
}

#define GOOD "reload: the new configuration and certificates are in use"
#define STAY "reload: the old configuration and certificates stay: "

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
    write_pair(s, "other.pem", "key.pem", &(struct made){ .serial = 1 });
}

static void spoil_file(const struct server *s)
{
    cr_assert_eq(unlink(server_path(s, "certificate.pem")), 0);
}

static void spoil_mode(const struct server *s)
{
    cr_assert_eq(chmod(server_path(s, "key.pem"), 0644), 0);
}

static void spoil_date(const struct server *s)
{
    write_pair(s, "certificate.pem", "key.pem",
               &(struct made){ .serial = 1, .seconds = -60 });
}

/* As cp and the shell do it, and some deploy hooks. */
static void overwrite(const struct server *s, const char *name)
{
    struct buf text;
    const char *by = server_path(s, "by.pem");

    buf_init(&text, 1 << 20);
    cr_assert(files_read(by, &text));
    files_write(server_path(s, name), text.data, text.len, 0600);
    buf_release(&text);
}

static void spoil_date_in_place(const struct server *s)
{
    const struct made m = { .serial = 1, .seconds = -60 };

    write_pair(s, "by.pem", "key.pem", &m);
    overwrite(s, "certificate.pem");
}

static void spoil_begin(const struct server *s)
{
    write_pair(s, "certificate.pem", "key.pem",
               &(struct made){ .serial = 1, .from = 3600 });
}

static void spoil_text(const struct server *s)
{
    files_write(server_path(s, "key.pem"), "nonsense", 8, 0600);
}

static void spoil_setting(const struct server *s)
{
    server_set(s, "nosuch", "1");
}

static const struct {
    void (*spoil)(const struct server *s);
    const char *words; /* of the event */
} bad[] = {
    /* the first one: the file that is overwritten is in use */
    { spoil_date_in_place, "certificate.pem: the certificate has expired" },
    { spoil_key, "key.pem: not the key of the certificate in" },
    { spoil_date, "certificate.pem: the certificate has expired" },
    { spoil_begin, "certificate.pem: the certificate is not valid yet" },
    { spoil_text, "key.pem: holds no private key" },
    { spoil_mode, "key.pem: open to others" },
    { spoil_file, "certificate.pem: No such file" },
    { spoil_setting, "unknown key" },
};

/* Whatever is wrong, new sessions get the old certificate. When all mistakes
 * are mended, the next reload uses the new one. */
ServerTest(certificates, no_bad_pair_is_taken, 120, PLAN(0))
{
    struct session s;

    write_pair(server, "certificate.pem", "key.pem",
               &(struct made){ .serial = 77 });
    reload(server, GOOD);
    enter(&s, server);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        size_t before = count_words(server, bad[i].words);

        bad[i].spoil(server);
        reload(server, STAY);
        cr_expect_gt(count_words(server, bad[i].words), before, "%s",
                     bad[i].words);
        cr_expect_eq(serial_for(server, NULL, NULL), 77, "%s", bad[i].words);
        transfer(&s);
        if (bad[i].spoil != spoil_setting)
            write_pair(server, "certificate.pem", "key.pem",
                       &(struct made){ .serial = 78 });
    }
    session_close(&s);
}

static void set_file(const struct server *s, const char *what,
                     const char *label, const char *file)
{
    char key[64];

    snprintf(key, sizeof(key), "%s.%s", what, label);
    const char *path = server_path(s, file);
    server_set(s, key, path);
}

static void add_pair(const struct server *s, const char *label,
                     const struct made *m)
{
    char certificate[64], key[64];

    snprintf(certificate, sizeof(certificate), "%s.pem", label);
    snprintf(key, sizeof(key), "%s-key.pem", label);
    write_pair(s, certificate, key, m);
    set_file(s, "certificate", label, certificate);
    set_file(s, "key", label, key);
}

ServerTest(certificates, names_and_kinds, 120, PLAN(0))
{
    struct session s;

    enter(&s, server);
    write_pair(server, "certificate.pem", "key.pem",
               &(struct made){ .serial = 1, .names = "DNS:one.example" });
    add_pair(
        server, "rsa",
        &(struct made){ .serial = 2, .names = "DNS:one.example", .rsa = true });
    add_pair(server, "two",
             &(struct made){ .serial = 3, .names = "DNS:*.two.example" });
    reload(server, GOOD);
    cr_expect_eq(serial_for(server, NULL, NULL), 1);
    cr_expect_eq(serial_for(server, "one.example", "ECDSA+SHA256"), 1);
    cr_expect_eq(serial_for(server, "one.example", "RSA-PSS+SHA256"), 2);
    cr_expect_eq(serial_for(server, NULL, "RSA-PSS+SHA256"), 2);
    cr_expect_eq(serial_for(server, "ftp.two.example", NULL), 3);
    cr_expect_eq(serial_for(server, "ftp.three.example", NULL), 1);
    transfer(&s);
    session_close(&s);
}

/* A client that got the certificate of one host can't continue to another. The
 * name that it asks for on data connections means nothing. */
ServerTest(certificates, host_and_data_by_name, 120, PLAN(0))
{
    static const char *const data[] = { NULL, "one.example", "two.example",
                                        "192.0.2.1" };
    static const int versions[] = { SESSION_TLS_12, SESSION_TLS_13 };
    struct session s;

    write_pair(server, "certificate.pem", "key.pem",
               &(struct made){ .serial = 1, .names = "DNS:one.example" });
    add_pair(server, "two",
             &(struct made){ .serial = 2, .names = "DNS:two.example" });
    reload(server, GOOD);
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

#define ROUNDS 7 /* with the first one: as many generations as may live */

/* Each generation has a session. None is dropped, and each continues with its
 * first certificate. While all generations live, a reload waits, and its caller
 * is refused. */
ServerTest(certificates, sessions_of_many_generations, 120, PLAN(0))
{
    struct session s[ROUNDS + 1], late;
    struct awaited waits;

    enter(&s[0], server);
    for (int i = 1; i <= ROUNDS; i++) {
        write_pair(server, "certificate.pem", "key.pem",
                   &(struct made){ .serial = 100 + i });
        reload(server, GOOD);
        enter(&s[i], server);
        cr_assert_eq(tls_client_serial(s[i].tls), 100 + i);
    }
    write_pair(server, "certificate.pem", "key.pem",
               &(struct made){ .serial = 200 });
    ctl(server, EX_TEMPFAIL, "reload", "8 generations have sessions");
    for (int i = 0; i <= ROUNDS; i++)
        transfer(&s[i]);
    waits = (struct awaited){ server, GOOD, count_words(server, GOOD) };
    session_close(&s[0]);
    cr_assert(wait_until(is_there, &waits, WAIT_MS));
    enter(&late, server);
    cr_expect_eq(tls_client_serial(late.tls), 200);
    for (int i = 1; i <= ROUNDS; i++) {
        transfer(&s[i]);
        session_close(&s[i]);
    }
    transfer(&late);
    session_close(&late);
}

/* The directories as certbot makes them: live/ has links, and a renewal makes
 * new ones. */
static void renew(const struct server *s, int number, long serial)
{
    static const char *const names[] = { "certificate", "key" };
    char file[2][32], new[SERVER_PATH_MAX];

    for (int i = 0; i < 2; i++)
        snprintf(file[i], sizeof(file[i]), "%s%d.pem", names[i], number);
    write_pair(s, file[0], file[1], &(struct made){ .serial = serial });
    for (int i = 0; i < 2; i++) {
        snprintf(file[0], sizeof(file[0]), "%s.pem", names[i]);
        snprintf(new, sizeof(new), "%s.link", server_path(s, file[0]));
        snprintf(file[1], sizeof(file[1]), "%s%d.pem", names[i], number);
        cr_assert_eq(symlink(file[1], new), 0);
        cr_assert_eq(rename(new, server_path(s, file[0])), 0);
    }
}

/* Runs what the deploy hook of docs/admin/tls.md runs; the reload is over when
 * it returns. */
ServerTest(certificates, a_deploy_hook, 120, PLAN(0))
{
    struct session s;

    enter(&s, server);
    for (int i = 1; i <= 3; i++) {
        renew(server, i, 500 + i);
        ctl(server, 0, "reload", "reloaded");
        cr_assert_eq(serial_for(server, NULL, NULL), 500 + i);
    }
    spoil_key(server);
    ctl(server, EX_DATAERR, "reload", "sallyport.conf:4: key = ");
    cr_assert_eq(serial_for(server, NULL, NULL), 503);
    transfer(&s);
    session_close(&s);
}

/* The server's own certificate lasts longer; each of those that don't is
 * named. */
ServerTest(certificates, what_expires_soon_is_told, 120, PLAN(0))
{
    cr_expect(!server_log_has(server, "expires"));
    write_pair(server, "certificate.pem", "key.pem",
               &(struct made){ .serial = 1, .seconds = 30 * DAY - 60 });
    add_pair(server, "two",
             &(struct made){
                 .serial = 2, .names = "DNS:two.example", .seconds = 3600 });
    add_pair(server, "late",
             &(struct made){ .serial = 3,
                             .names = "DNS:late.example",
                             .seconds = 30 * DAY + 3600 });
    add_pair(server, "one",
             &(struct made){ .serial = 4,
                             .names = "DNS:one.example",
                             .seconds = 2 * DAY - 60 });
    reload(server, GOOD);
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

/* Clients decide about an expired certificate. Those that accept it are still
 * served, also after gate has to start again, or after a reload of something
 * else. */
ServerTest(certificates, one_expires_in_use, 120, PLAN(.troubles = true))
{
    time_t end;

    write_pair(server, "certificate.pem", "key.pem",
               &(struct made){ .serial = 5, .seconds = 10 });
    end = time(NULL) + 10;
    reload(server, GOOD);
    cr_assert(wait_until(is_over, &end, WAIT_MS));
    processes_kill(server->pid, "sallyport: gate");
    cr_expect_eq(serial_for(server, NULL, NULL), 5);
    add_pair(server, "two",
             &(struct made){ .serial = 2, .names = "DNS:two.example" });
    reload(server, GOOD);
    cr_expect_eq(serial_for(server, NULL, NULL), 5);
    spoil_date(server);
    reload(server, "certificate.pem: the certificate has expired");
    cr_expect(
        server_log_has(server, "certificate.pem: certificate 1 has expired"));
}

/* A reboot mustn't end the service because of a date. --check still refuses
 * it. */
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

    server_start(&server, &(struct server_plan){ .troubles = true });
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
    reload(&server, GOOD);
    server_kill(&server);
    write_pair(&server, "certificate.pem", "key.pem",
               &(struct made){ .serial = 2 });
    spoil_key(&server);
    ctl_check(&server, EX_CONFIG, "not the key of the certificate");
    write_pair(&server, "certificate.pem", "key.pem",
               &(struct made){ .serial = 2 });
    add_pair(&server, "two", &(struct made){ .serial = 3 });
    ctl_check(&server, EX_CONFIG,
              "two.pem has the same names and the same kind of");
    server_again(&server);
    server_log_wait(&server, "warning: ", "two.pem: no client gets it", NULL);
    cr_expect_eq(serial_for(&server, NULL, NULL), 2);
    reload(&server, GOOD);
    server_kill(&server);
    server_forget(&server);
}

/* systemd's $CREDENTIALS_DIRECTORY: only root may enter it, and nobody may
 * write there. */
Test(certificates, of_systemd)
{
    char path[SERVER_PATH_MAX + 32];
    struct server server;

    server_prepare(&server, &(struct server_plan){ .settings = NULL });
    const char *directory = server_path(&server, "credentials");
    cr_assert_eq(mkdir(directory, 0700), 0);
    write_pair(&server, "credentials/certificate.pem", "credentials/key.pem",
               &(struct made){ .serial = 41 });
    snprintf(path, sizeof(path), "%s/certificate.pem", directory);
    cr_assert_eq(chmod(path, 0400), 0);
    server_set(&server, "certificate", path);
    snprintf(path, sizeof(path), "%s/key.pem", directory);
    cr_assert_eq(chmod(path, 0400), 0);
    server_set(&server, "key", path);
    cr_assert_eq(chmod(directory, 0500), 0);
    setenv("CREDENTIALS_DIRECTORY", directory, 1);
    server_again(&server);
    cr_expect_eq(serial_for(&server, NULL, NULL), 41);
    reload(&server, GOOD);
    ctl_check(&server, 0, "configuration is fine");
    cr_assert_eq(chmod(directory, 0700), 0);
    server_stop(&server);
}

/* A gate that hangs holds up no reload. Its sessions live on with the next
 * gate, and have the certificate of their generation. */
ServerTest(certificates, gate_hangs, 60, PLAN(.troubles = true))
{
    struct processes all;
    struct session s;
    const struct process_row *gate;

    enter(&s, server);
    processes_of(server->pid, &all);
    gate = processes_find(&all, "sallyport: gate");
    cr_assert(gate);
    write_pair(server, "certificate.pem", "key.pem",
               &(struct made){ .serial = 901 });
    cr_assert_eq(kill(gate->pid, SIGSTOP), 0);
    ctl(server, 0, "reload", "reloaded");
    cr_expect_eq(serial_for(server, NULL, NULL), 901);
    server_log_wait(server, "does not answer", "process=gate", NULL);
    transfer(&s);
    session_close(&s);
}
