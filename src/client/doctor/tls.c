/* The checks of doctor that need no login: versions of TLS, the certificate and
 * whether it is trusted. */
#include <openssl/x509v3.h>
#include <string.h>

#include "doctor.h"

void doctor_check_versions(struct doctor *d)
{
    static const struct {
        int version;
        const char *name;
        bool wanted;
    } rows[] = {
        { TLS1_VERSION, "TLS 1.0", false },
        { TLS1_1_VERSION, "TLS 1.1", false },
        { TLS1_2_VERSION, "TLS 1.2", true },
        { TLS1_3_VERSION, "TLS 1.3", true },
    };
    struct failure why;
    size_t good = 0;

    /* Each alone, with all suites that OpenSSL still knows. */
    for (size_t i = 0; i < 4; i++) {
        struct link_glance g = { .version = rows[i].version };
        bool works = link_glance(d->options, &d->site.url, &d->site.proxy, &g,
                                 &why) == 0;

        X509_free(g.certificate);

        good += works && rows[i].wanted;
        if (works)
            doctor_find(d, rows[i].wanted ? FINDING_GOOD : FINDING_BAD,
                        rows[i].wanted ? NULL : "switch it off on the server",
                        "%s is spoken", rows[i].name);
        else if (rows[i].version == TLS1_3_VERSION)
            doctor_find(d, FINDING_NOTE, NULL, "the server has no TLS 1.3");
    }
    if (good == 0)
        doctor_find(d, FINDING_BAD, NULL,
                    "the server has neither TLS 1.2 nor TLS 1.3");
}

static void find_certificate(struct doctor *d,
                             const struct server_certificate *c)
{
    doctor_find(d, FINDING_NOTE, NULL, "for %s, issued by %s%s", c->subject,
                c->issuer, c->self_signed ? " (itself)" : "");
    doctor_find(d, c->valid_now ? FINDING_GOOD : FINDING_BAD,
                c->valid_now ? NULL : "renew the certificate",
                "valid from %s to %s", c->begins, c->ends);
    doctor_find(d, FINDING_NOTE, NULL, "SHA-256 fingerprint %s",
                c->fingerprint);
    doctor_find(d, FINDING_NOTE, NULL, "--pin %s", c->pin);
}

/* Uses the same rule as transfers: without --cacert a pin alone decides. */
static void find_trust(struct doctor *d, long verified, bool named,
                       const char *pin)
{
    struct options quiet = *d->options;
    struct failure why;
    struct trust t;

    quiet.trust_new = false;
    bool known =
        trust_decide(&quiet, &d->site.url, &d->site.proxy, &t, &why) == 0;
    bool pinned = known && t.pin[0];
    bool same = pinned && strcmp(t.pin, pin) == 0;

    d->trusted =
        pinned ? same && (t.by_pin_alone || (verified == X509_V_OK && named))
               : verified == X509_V_OK && named;
    if (pinned)
        doctor_find(d, same ? FINDING_GOOD : FINDING_BAD,
                    same ? NULL
                         : "ask the administrator whether the key has changed",
                    same ? "its key is the one that is trusted here"
                         : "its key is not the one that is trusted here");
    if (verified == X509_V_OK)
        doctor_find(d, FINDING_GOOD, NULL, "a trusted CA has issued it");
    else if (!same)
        doctor_find(d, FINDING_WARNING,
                    "give clients the CA (--cacert), the pin, or take a "
                    "certificate of a public CA",
                    "this machine doesn't trust it: %s",
                    X509_verify_cert_error_string(verified));
}

void doctor_check_certificate(struct doctor *d)
{
    struct server_certificate c = { 0 };
    struct link_glance g = { 0 };
    const char *host = d->site.url.host;
    struct failure why;

    if (link_glance(d->options, &d->site.url, &d->site.proxy, &g, &why) < 0) {
        doctor_find(d, FINDING_BAD, NULL, "%s", why.text);
        return;
    }
    /* Unless a pin is set, nothing would hold the login to this server. */
    if (certificate_read(g.certificate, &c) < 0) {
        doctor_find(d, FINDING_BAD, "renew the certificate",
                    "the certificate can't be read");
        X509_free(g.certificate);
        return;
    }
    find_certificate(d, &c);
    d->site.trust.by_pin_alone = true;
    memcpy(d->site.trust.pin, c.pin, sizeof(c.pin));
    bool named = X509_check_host(g.certificate, host, 0, 0, NULL) == 1 ||
                 X509_check_ip_asc(g.certificate, host, 0) == 1;
    find_trust(d, g.verified, named, c.pin);
    doctor_find(d, named ? FINDING_GOOD : FINDING_BAD,
                named ? NULL : "the certificate must name this host", "%s %s",
                named ? "it names" : "it doesn't name", host);
    X509_free(g.certificate);
}
