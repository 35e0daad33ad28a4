/* The TLS that a server's settings define, on control and data connections, and
 * its lines in the log. */
#include <openssl/x509_vfy.h>

#include "ctl.h"
#include "support/fail.h"
#include "support/served.h"
#include "support/server_log.h"
#include "support/test.h"

#define WITH(more)                                                             \
    PLAN(.listen = "127.0.0.1:0, 127.0.0.1:0 tls", .settings = (more))

static void enter(struct session *s, const struct server *server, int version)
{
    session_enter_as(s, server, "anna", version);
}

static const struct version {
    int version;
    const char *control, *resumed, *full; /* in the words of the log */
} versions[] = {
    { SESSION_TLS_12, "tls=\"TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256\"",
      "tls=\"TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256 resumed\"",
      "tls=\"TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256\"" },
    { SESSION_TLS_13, "tls=\"TLSv1.3 TLS_AES_128_GCM_SHA256\"",
      "tls=\"TLSv1.3 TLS_AES_128_GCM_SHA256 resumed\"",
      "tls=\"TLSv1.3 TLS_AES_128_GCM_SHA256\"" },
};

/* The events login and end have the version and the suite, and each transfer
 * says if it resumed a session. */
ServerTest(policy, log_tells_it, 60, WITH("data_binding = address\n"))
{
    for (size_t i = 0; i < 2; i++) {
        const struct version *v = &versions[i];
        char again[16], anew[16];
        struct session s;

        snprintf(again, sizeof(again), "path=/again%zu", i);
        snprintf(anew, sizeof(anew), "path=/anew%zu", i);
        enter(&s, server, v->version);
        session_store(&s, "STOR", again + 5, "1", 1);
        s.anew = true;
        session_store(&s, "STOR", anew + 5, "1", 1);
        session_close(&s);
        server_log_wait(server, "login ", v->control, NULL);
        server_log_wait(server, "end ", v->control, "quit", NULL);
        server_log_wait(server, "transfer ", again, v->resumed, NULL);
        server_log_wait(server, "transfer ", anew, v->full, NULL);
    }
}

/* Makes a handshake on a new control connection. Returns NULL, or the client's
 * error. */
static const char *shake(const struct server *server, bool implicit,
                         const struct tls_client_options *o)
{
    static char error[256];
    struct tls_client *t;
    struct session s;

    session_init(&s);
    session_connect(&s, implicit ? server->port_tls : server->port);
    if (!implicit) {
        session_expect(&s, "220 {*}");
        session_do(&s, "234 {*}", "AUTH TLS");
    }
    t = tls_client_new(s.fd, o);
    snprintf(error, sizeof(error), "%s", t ? "" : tls_client_error());
    tls_client_free(t);
    session_drop(&s);
    return error[0] ? error : NULL;
}

static const struct refusal {
    struct tls_client_options options;
    const char *client, *log;
} refusals[] = {
    { { .version = SESSION_TLS_12, .without_ems = true },
      "alert handshake failure",
      "TLS failed: no extended master secret" },
    { { .alpn = "http/1.1" },
      "alert no application protocol",
      "TLS failed: no application protocol" },
    { { .alpn = "h2", .version = SESSION_TLS_12 },
      "alert no application protocol",
      "TLS failed: no application protocol" },
    { { .alpn = "ftp-data" },
      "alert no application protocol",
      "TLS failed: no application protocol" },
    { { .version = SESSION_TLS_12, .ciphers = "ECDHE-ECDSA-AES128-SHA256" },
      "alert handshake failure",
      "TLS failed: no shared cipher" },
    { { .distrust = X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN },
      "certificate verify failed",
      "TLS failed: the client doesn't trust the certificate (alert "
      "unknown_ca)" },
    { { .distrust = X509_V_ERR_CERT_HAS_EXPIRED, .version = SESSION_TLS_12 },
      "certificate verify failed",
      "TLS failed: the client finds the certificate expired" },
    { { .distrust = X509_V_ERR_CERT_REVOKED },
      "certificate verify failed",
      "TLS failed: the client finds the certificate revoked" },
    { { .distrust = X509_V_ERR_HOSTNAME_MISMATCH },
      "certificate verify failed",
      "TLS failed: the client refuses the certificate (alert " },
    { { .distrust = X509_V_ERR_SUBTREE_MINMAX },
      "certificate verify failed",
      "TLS failed: the client refuses the certificate (alert "
      "certificate_unknown)" },
    { { .distrust = X509_V_ERR_INVALID_PURPOSE },
      "certificate verify failed",
      "TLS failed: the client can't use this kind of certificate" },
};
#define REFUSALS (sizeof(refusals) / sizeof(refusals[0]))

/* On both ports an alert ends these handshakes, and the log has the reason. */
Test(policy, control_refusals, .timeout = 60)
{
    static const struct tls_client_options ftp = { .alpn = "ftp" };

    for (size_t i = 0; i < REFUSALS; i++) {
        struct server server;

        server_start(&server, WITH(NULL));
        for (int implicit = 0; implicit < 2; implicit++) {
            const char *error = shake(&server, implicit, &refusals[i].options);

            cr_assert(error && strstr(error, refusals[i].client), "%zu: %s", i,
                      error ? error : "accepted");
            server_log_expect(&server, (unsigned)implicit + 1, "end ",
                              refusals[i].log, NULL);
            cr_assert_null(shake(&server, implicit, &ftp));
        }
        server_stop(&server);
    }
}

/* A client can check the certificate only after the handshake, and then simply
 * leaves. */
ServerTest(policy, leaves_at_the_certificate, 60, WITH(NULL))
{
    for (int implicit = 0; implicit < 2; implicit++) {
        static const struct tls_client_options modern;

        cr_assert_null(shake(server, implicit, &modern));
        server_log_expect(server, (unsigned)implicit + 1, "end ",
                          "closed by the client: at once after the TLS "
                          "handshake; it may not trust",
                          NULL);
    }
}

/* Uploads on a data connection that resumes its session, with the options O of
 * its handshake. Expects REPLY. */
static void store(struct session *s, const struct tls_client_options *o,
                  const char *reply)
{
    struct tls_session *own = tls_client_session(s->tls);
    struct tls_client_options options = *o;
    struct data d;

    options.show = own;
    options.version = s->version;
    data_connect(s, &d);
    session_do(s, "150 {*}", "STOR f");
    d.tls = tls_client_new(d.fd, &options);
    if (d.tls) {
        cr_expect_str_eq(tls_client_protocol(d.tls), o->alpn ? o->alpn : "");
        data_write(&d, "bytes", 5);
        data_close(&d);
    } else {
        data_cut(&d, false);
    }
    tls_session_free(own);
    session_expect(s, reply);
}

static const struct offer {
    struct tls_client_options options;
    const char *reply;
} offers[] = {
    { { .alpn = "http/1.1" },
      "425 TLS failed on the data connection: no application protocol{*}" },
    { { .alpn = "ftp" }, "226 {*}" },
    { { .alpn = "ftp-data" },
      "425 TLS failed on the data connection: no application protocol{*}" },
    { { .alpn = NULL }, "226 {*}" },
};
#define OFFERS (sizeof(offers) / sizeof(offers[0]))

/* The same rules hold for data connections, and the session survives a
 * refusal. */
ServerTest(policy, data_refusals, 60, WITH(NULL))
{
    for (size_t v = 0; v < 2; v++) {
        struct session s;

        enter(&s, server, versions[v].version);
        for (size_t i = 0; i < OFFERS; i++) {
            fail_context("TLS %zu, offer %zu: ", v, i);
            store(&s, &offers[i].options, offers[i].reply);
        }
        session_close(&s);
    }
    server_log_expect(server, 4, "transfer ", "result=425",
                      "handshake of the data connection failed: "
                      "no application protocol",
                      NULL);
}

/* A client that can't resume makes a new TLS 1.2 session, which needs the
 * extended master secret as well. */
ServerTest(policy, data_without_ems, 60, WITH("data_binding = address\n"))
{
    static const struct tls_client_options o = { .version = SESSION_TLS_12,
                                                 .without_ems = true };
    struct session s;
    struct data d;

    enter(&s, server, SESSION_TLS_12);
    data_connect(&s, &d);
    session_do(&s, "150 {*}", "STOR f");
    cr_assert_null(tls_client_new(d.fd, &o));
    data_cut(&d, false);
    session_expect(&s, "425 {*}: no extended master secret{*}");
    session_close(&s);
}
