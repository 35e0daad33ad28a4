/* OCSP responses of a running server: openssl's own responder makes them, and
 * openssl's own client asks for them. */
#include <criterion/criterion.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl.h"
#include "support/files.h"
#include "support/run.h"
#include "support/server_log.h"
#include "support/session.h"

/* Makes certificate.pem, key.pem and ocsp.der in the server's directory, or in
 * a directory in it. */
static void make(const struct server *s, const char *in, const char *name,
                 const char *status)
{
    char script[SERVER_PATH_MAX], folder[SERVER_PATH_MAX];
    struct run_result r;

    snprintf(script, sizeof(script), "%s", server_source("tests/system/ocsp"));
    snprintf(folder, sizeof(folder), "%s", server_path(s, in));
    run(&r, NULL, script, folder, name, status, NULL);
    cr_assert_eq(r.status, 0, "%s", r.text);
    run_release(&r);
}

/* FILE is one of the server's directory. */
static void set_file(const struct server *s, const char *key, const char *file)
{
    char path[SERVER_PATH_MAX];

    snprintf(path, sizeof(path), "%s", server_path(s, file));
    server_set(s, key, path);
}

static void prepare(struct server *s, const char *status)
{
    server_prepare(s, &(struct server_plan){ .settings = NULL });
    make(s, "", "localhost", status);
    set_file(s, "ocsp_file", "ocsp.der");
}

static X509 *read_certificate(const struct server *s, const char *name)
{
    FILE *f = fopen(server_path(s, name), "r");
    X509 *x = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;

    cr_assert(x, "%s", name);
    fclose(f);
    return x;
}

/* Makes a response "good" for this many seconds, which openssl's responder
 * can't do. */
static OCSP_RESPONSE *respond(X509 *leaf, X509 *ca, EVP_PKEY *key, long seconds)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), leaf, ca);
    ASN1_TIME *from = X509_gmtime_adj(NULL, -60);
    ASN1_TIME *until = X509_gmtime_adj(NULL, seconds);
    OCSP_RESPONSE *r;

    cr_assert(OCSP_basic_add1_status(basic, id, V_OCSP_CERTSTATUS_GOOD, 0, NULL,
                                     from, until));
    cr_assert_eq(OCSP_basic_sign(basic, ca, key, EVP_sha256(), NULL, 0), 1);
    r = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    OCSP_BASICRESP_free(basic);
    return r;
}

static EVP_PKEY *read_key(const struct server *s)
{
    FILE *f = fopen(server_path(s, "authority/ca/key.pem"), "r");
    EVP_PKEY *key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;

    cr_assert(key);
    fclose(f);
    return key;
}

static void make_short(const struct server *s, long seconds)
{
    X509 *ca = read_certificate(s, "ca.pem");
    X509 *leaf = read_certificate(s, "certificate.pem");
    EVP_PKEY *key = read_key(s);
    unsigned char *der = NULL;
    OCSP_RESPONSE *r;
    int len;

    r = respond(leaf, ca, key, seconds);
    len = i2d_OCSP_RESPONSE(r, &der);
    files_write(server_path(s, "ocsp.der"), der, (size_t)len, 0644);
    OPENSSL_free(der);
    OCSP_RESPONSE_free(r);
    EVP_PKEY_free(key);
    X509_free(leaf);
    X509_free(ca);
}

/* Checks it with openssl's client. */
static void client(const struct server *s, const char *name, const char *words)
{
    char at[32], ca[SERVER_PATH_MAX];
    struct run_result r;

    snprintf(at, sizeof(at), "127.0.0.1:%u", s->port);
    snprintf(ca, sizeof(ca), "%s", server_path(s, "ca.pem"));
    run(&r, "", "/usr/bin/openssl", "s_client", "-starttls", "ftp", "-status",
        "-CAfile", ca, "-servername", name, "-connect", at, NULL);
    cr_assert(strstr(r.text, words), "no \"%s\" in: %s", words, r.text);
    run_release(&r);
}

#define SENT "OCSP Response Status: successful"
#define NONE "OCSP response: no response sent"

/* A data connection that resumes nothing gets it too. */
static void data_has_it(const struct server *server, int version)
{
    const struct tls_client_options o = { .version = version, .status = true };
    struct session s;
    struct data d;

    session_init(&s);
    s.version = version;
    session_open(&s, server, "anna");
    data_connect(&s, &d);
    session_do(&s, "150 {*}", "LIST");
    d.tls = tls_client_new(d.fd, &o);
    cr_assert(d.tls, "%s", tls_client_error());
    cr_expect_gt(tls_client_staple(d.tls), 0);
    data_close(&d);
    session_expect(&s, "{*}");
    session_close(&s);
}

Test(staple, goes_out, .timeout = 120)
{
    struct server server;

    prepare(&server, "good");
    ctl_check(&server, 0, "is fine");
    server_again(&server);
    client(&server, "localhost", SENT);
    client(&server, "localhost", "Cert Status: good");
    data_has_it(&server, SESSION_TLS_12);
    data_has_it(&server, SESSION_TLS_13);
    ctl(&server, 0, "status", ", OCSP until 20");
    ctl(&server, 0, "status --json", "\"days\": 82");
    server_stop(&server);
}

/* The new certificate's response comes later than the certificate: the reload
 * works without it, and the next one has it. */
Test(staple, comes_and_goes_by_reload, .timeout = 120)
{
    char old[SERVER_PATH_MAX], path[SERVER_PATH_MAX];
    struct server server;

    prepare(&server, "good");
    server_again(&server);
    client(&server, "localhost", SENT);
    snprintf(old, sizeof(old), "%s", server_path(&server, "old.der"));
    snprintf(path, sizeof(path), "%s", server_path(&server, "ocsp.der"));
    cr_assert_eq(rename(path, old), 0);
    ctl(&server, 0, "reload", "reloaded");
    server_log_wait(&server, "ocsp.der: No such file", NULL);
    client(&server, "localhost", NONE);
    make(&server, "", "localhost", "good");
    cr_assert_eq(rename(path, old), 0);
    ctl(&server, 0, "reload", "reloaded");
    client(&server, "localhost", NONE);
    cr_assert_eq(rename(old, path), 0);
    ctl(&server, 0, "reload", "reloaded");
    client(&server, "localhost", SENT);
    server_stop(&server);
}

Test(staple, that_is_wrong, .timeout = 120)
{
    static const char *const words[] = {
        "ocsp.der: says that the certificate is revoked",
        "ocsp.der: is for another certificate",
        "ocsp.der: no OCSP response in DER form",
        "ocsp.der: No such file",
    };
    char other[SERVER_PATH_MAX];
    struct server server;

    prepare(&server, "revoked");
    for (int i = 0; i < 4; i++) {
        if (i == 1) {
            make(&server, "other", "localhost", "good");
            snprintf(other, sizeof(other), "%s",
                     server_path(&server, "other/ocsp.der"));
            cr_assert_eq(rename(other, server_path(&server, "ocsp.der")), 0);
        }
        if (i == 2)
            files_write(server_path(&server, "ocsp.der"), "nonsense", 8, 0644);
        if (i == 3)
            cr_assert_eq(unlink(server_path(&server, "ocsp.der")), 0);
        ctl_check(&server, EX_CONFIG, strchr(words[i], ':'));
        ctl_check(&server, EX_CONFIG, ": ocsp_file = ");
    }
    make(&server, "", "localhost", "revoked");
    server_again(&server);
    server_log_wait(&server, words[0], NULL);
    client(&server, "localhost", NONE);
    ctl(&server, 0, "status", ", no OCSP response that counts");
    make(&server, "other", "localhost", "good");
    cr_assert_eq(rename(other, server_path(&server, "ocsp.der")), 0);
    ctl(&server, 0, "reload", "reloaded");
    server_log_wait(&server, words[1], NULL);
    client(&server, "localhost", NONE);
    server_stop(&server);
}

/* The same certificate, but clients must insist on a response. */
static void make_must_staple(const struct server *s)
{
    X509 *ca = read_certificate(s, "ca.pem");
    X509 *leaf = read_certificate(s, "certificate.pem");
    EVP_PKEY *key = read_key(s);
    X509_EXTENSION *e =
        X509V3_EXT_conf_nid(NULL, NULL, NID_tlsfeature, "status_request");
    FILE *f = fopen(server_path(s, "certificate.pem"), "w");

    cr_assert(f && e && X509_add_ext(leaf, e, -1) == 1);
    cr_assert(X509_sign(leaf, key, EVP_sha256()) > 0);
    cr_assert(PEM_write_X509(f, leaf) == 1 && PEM_write_X509(f, ca) == 1);
    cr_assert_eq(fclose(f), 0);
    X509_EXTENSION_free(e);
    EVP_PKEY_free(key);
    X509_free(leaf);
    X509_free(ca);
}

Test(staple, that_must_be_there, .timeout = 120)
{
    struct server server;

    prepare(&server, "good");
    make_must_staple(&server);
    server_again(&server);
    client(&server, "localhost", SENT);
    cr_expect(!server_log_has(&server, "must-staple"));
    cr_assert_eq(unlink(server_path(&server, "ocsp.der")), 0);
    ctl(&server, 0, "reload", "reloaded");
    server_log_wait(&server,
                    "certificate.pem: goes out without an OCSP response, "
                    "though it says that clients shall insist on one "
                    "(must-staple)",
                    NULL);
    files_write(server_path(&server, "ocsp.der"), "nonsense", 8, 0644);
    ctl(&server, 0, "reload", "reloaded");
    server_log_wait(&server, "goes out without it, though it says that clients",
                    NULL);
    server_stop(&server);
}

/* Seconds that it is valid in use. A reload that takes this long finds it
 * expired. */
#define SHORT_S 8

Test(staple, that_ends, .timeout = 120)
{
    struct server server;

    prepare(&server, "good");
    server_again(&server);
    make_short(&server, SHORT_S);
    ctl(&server, 0, "reload", "reloaded");
    server_log_wait(&server, "is over", NULL);
    client(&server, "localhost", NONE);
    ctl(&server, 0, "status", ", no OCSP response that counts");
    make_short(&server, 3600);
    ctl(&server, 0, "reload", "reloaded");
    client(&server, "localhost", SENT);
    server_stop(&server);
}

/* Each certificate has its own response, by its label. */
Test(staple, a_response_for_each_certificate, .timeout = 120)
{
    struct server server;

    prepare(&server, "good");
    make(&server, "two", "two.example", "good");
    make(&server, "three", "three.example", "good");
    set_file(&server, "certificate.2", "two/certificate.pem");
    set_file(&server, "key.2", "two/key.pem");
    set_file(&server, "ocsp_file.2", "two/ocsp.der");
    set_file(&server, "certificate.3", "three/certificate.pem");
    set_file(&server, "key.3", "three/key.pem");
    server_again(&server);
    client(&server, "localhost", SENT);
    client(&server, "two.example", SENT);
    client(&server, "three.example", NONE);
    server_stop(&server);
}
