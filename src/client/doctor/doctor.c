/* The command doctor tests a server from outside, and changes nothing on it.
 * This file has the checks, in their order, and their connections. Each check
 * prints its findings. */
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "doctor.h"

enum trial_result {
    FINDING_GOOD,
    FINDING_NOTE,    /* good to know */
    FINDING_WARNING, /* some clients will have trouble */
    FINDING_BAD,     /* insecure, or doesn't work */
    FINDING_COUNT,
};

struct doctor {
    const struct options *options;
    struct site site; /* its trust is the pin of the checked certificate */
    struct link link; /* logged in, after the check "login" */
    bool unasked;     /* the user must be asked for the password before the
                       * login */
    bool unreachable; /* or the server refuses this client: no other check
                       * makes sense */
    bool logged_in;
    bool trusted;        /* a CA or a pin confirms the server */
    bool transfers;      /* a data connection has worked */
    char features[8192]; /* the reply to FEAT */
    size_t found[FINDING_COUNT];
};

static const char *const doctor_words[FINDING_COUNT] = {
    [FINDING_GOOD] = "good",
    [FINDING_NOTE] = "note",
    [FINDING_WARNING] = "warning",
    [FINDING_BAD] = "bad",
};

/* The check under way; "" after its first line of text. */
static const char *doctor_running = "";

/* Prints one finding of the check under way: a sentence, and ADVICE, what to do
 * (or NULL). */
__attribute__((format(printf, 4, 5))) static void
doctor_find(struct doctor *d, enum trial_result what, const char *advice,
            const char *format, ...)
{
    char text[2 * FAILURE_TEXT], safe[2 * FAILURE_TEXT];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    show_text(text, safe, sizeof(safe));
    d->found[what]++;
    if (d->options->json) {
        event_print(json_pack("{s:s, s:s, s:s, s:s*}", "check", doctor_running,
                              "finding", doctor_words[what], "text", safe,
                              "advice", advice));
        return;
    }
    printf("%-16s %-8s %s\n", doctor_running, doctor_words[what], safe);
    if (advice)
        printf("%-16s %-8s   %s\n", "", "", advice);
    doctor_running = "";
}

/* A reply that came without TLS. */
struct heard {
    int code; /* 0: none came */
    char text[LINK_REPLY_MAX];
    char ip[ADDRESS_TEXT_MAX];
};

/* Connects by IPv4 or IPv6 (FAMILY 4 or 6), or by any address (FAMILY 0). Gets
 * the server's greeting (NUMBER 1), or its reply to USER anonymous without TLS
 * (NUMBER 2). Returns 0, or -1 with the reason if there is no connection. */
static int check_hear(const struct doctor *d, int family, unsigned number,
                      struct heard *ret, struct failure *why)
{
    static const long resolve[] = { [0] = CURL_IPRESOLVE_WHATEVER,
                                    [4] = CURL_IPRESOLVE_V4,
                                    [6] = CURL_IPRESOLVE_V6 };
    struct address literal;
    const char *ip = NULL;
    struct options bare = *d->options;
    struct site site = d->site;
    struct link l;

    /* The server isn't verified yet. */
    bare.cert = bare.key = NULL;
    site.options = &bare;
    *ret = (struct heard){ 0 };
    if (family != 0 &&
        address_parse(slice_from(d->site.url.host), &literal) == 0 &&
        literal.family != family)
        return fail(why, EX_NOHOST, "another family");
    if (link_open(&l, &site, why) == 0) {
        link_begin(&l, "", NULL);
        LINK_SET(&l, CURLOPT_IPRESOLVE, resolve[family]);
        LINK_SET(&l, CURLOPT_USE_SSL, (long)CURLUSESSL_NONE);
        LINK_SET(&l, CURLOPT_USERNAME, "anonymous");
        LINK_SET(&l, CURLOPT_PASSWORD, "");
        LINK_SET(&l, CURLOPT_NOBODY, 1L);
        l.replies = number;
        link_run(&l, why);
        curl_easy_getinfo(l.curl, CURLINFO_PRIMARY_IP, &ip);
        ret->code = l.replies == 0 ? l.reply : 0;
        memcpy(ret->text, l.text, sizeof(ret->text));
        snprintf(ret->ip, sizeof(ret->ip), "%s", ip ? ip : "");
    }
    link_close(&l);
    return ret->ip[0] ? 0 : -1;
}

/* Checks IPv4 and IPv6. With a proxy, connects only once: the proxy chooses the
 * address. */
static void check_addresses(struct doctor *d)
{
    const char *proxy = d->site.proxy.name;
    struct failure why;
    struct heard h;
    size_t reached = 0;

    for (int family = proxy[0] ? 0 : 4; family <= (proxy[0] ? 0 : 6);
         family += 2) {
        bool connected = check_hear(d, family, 1, &h, &why) == 0;

        reached += connected;
        if (connected && proxy[0])
            doctor_find(d, FINDING_GOOD, NULL, "connects through the proxy %s",
                        proxy);
        else if (connected)
            doctor_find(d, FINDING_GOOD, NULL, "IPv%d: connects to %s", family,
                        h.ip);
        else if (proxy[0])
            doctor_find(d, FINDING_BAD, "check the proxy, or add --proxy none",
                        "%s", why.text);
        else if (why.code == EX_NOHOST)
            doctor_find(d, FINDING_NOTE, NULL, "IPv%d: %s has no IPv%d address",
                        family, d->site.url.host, family);
        else
            doctor_find(d, FINDING_WARNING,
                        "clients may try this address first, and wait",
                        "IPv%d: %s", family, why.text);
    }
    d->unreachable = reached == 0;
    if (d->unreachable && !proxy[0])
        doctor_find(d, FINDING_BAD, "check the name, the port and the firewall",
                    "no address can be reached");
}

static void check_greeting(struct doctor *d)
{
    struct failure why;
    struct heard h;

    if (d->site.url.implicit)
        return;
    check_hear(d, 0, 1, &h, &why);
    d->unreachable = h.code == 421; /* all other checks would get it, too */
    if (d->unreachable)
        doctor_find(d, FINDING_BAD,
                    "ask its administrator, or wait: it is busy, or has "
                    "banned this address",
                    "the server turns this client away: %s", h.text);
    else if (h.code != 220)
        doctor_find(d, FINDING_BAD,
                    "if the server speaks TLS from the first byte, use "
                    "ftps+implicit://",
                    "no greeting: %s", h.code == 0 ? why.text : h.text);
    else
        doctor_find(d, FINDING_GOOD, NULL, "\"%s\"", h.text);
    if (h.code != 220)
        return;
    check_hear(d, 0, 2, &h, &why);
    if (h.code == 331)
        doctor_find(d, FINDING_WARNING,
                    "have the server require TLS for logins",
                    "the server asks anonymous for a password without TLS; "
                    "other users weren't tried");
    else if (h.code == 230)
        doctor_find(d, FINDING_BAD, "have the server require TLS for logins",
                    "the server accepts USER without TLS: clients can send "
                    "passwords in plain text");
    else if (h.code > 0)
        doctor_find(d, FINDING_GOOD, NULL, "USER without TLS is refused");
}

/* TLS and the certificate. */

static void check_versions(struct doctor *d)
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

    /* Try each version alone, with all suites that OpenSSL still knows. */
    for (size_t i = 0; i < 4; i++) {
        struct link_glance g = { .version = rows[i].version };
        bool works = link_glance(d->options, &d->site.url, &d->site.proxy, &g,
                                 &why) == 0;

        X509_free(g.certificate);
        if (!works && why.code == EX_NOINPUT)
            return; /* --cacert; check_certificate() tells the reason */
        good += works && rows[i].wanted;
        if (works)
            doctor_find(d, rows[i].wanted ? FINDING_GOOD : FINDING_BAD,
                        rows[i].wanted ? NULL : "switch it off on the server",
                        "the server accepts %s", rows[i].name);
        else if (rows[i].version == TLS1_3_VERSION)
            doctor_find(d, FINDING_NOTE, NULL,
                        why.code == EX_TEMPFAIL ? "TLS 1.3 is untested"
                                                : "the server has no TLS 1.3");
    }
    if (good == 0 && why.code != EX_TEMPFAIL)
        doctor_find(d, FINDING_BAD, NULL,
                    "the server has neither TLS 1.2 nor TLS 1.3");
}

/* Finds out whether the server is trusted, by the same rule as for transfers:
 * without --cacert a pin alone decides. */
static void find_trust(struct doctor *d, long verified, bool named,
                       const char *pin)
{
    struct options quiet = *d->options;
    struct failure why;
    struct trust t;

    quiet.trust_new = false;
    if (trust_decide(&quiet, &d->site.url, &d->site.proxy, &t, &why) < 0) {
        doctor_find(d, FINDING_BAD, NULL, "%s", why.text);
        return;
    }
    bool pinned = t.pin[0];
    bool same = pinned && strcmp(t.pin, pin) == 0;

    d->trusted =
        pinned ? same && (t.by_pin_alone || (verified == X509_V_OK && named))
               : verified == X509_V_OK && named;
    if (pinned)
        doctor_find(
            d, same ? FINDING_GOOD : FINDING_BAD,
            same ? NULL : "ask the administrator whether the key has changed",
            same ? "its key is trusted here" : "another key is trusted here");
    if (verified == X509_V_OK)
        doctor_find(d, FINDING_GOOD, NULL, "a trusted CA has issued it");
    else if (!same)
        doctor_find(d, FINDING_WARNING,
                    "give clients the CA (--cacert) or the pin (--pin), or "
                    "get a certificate from a public CA",
                    "this machine doesn't trust it: %s",
                    X509_verify_cert_error_string(verified));
}

static void check_certificate(struct doctor *d)
{
    struct server_certificate c = { 0 };
    struct link_glance g = { 0 };
    const char *host = d->site.url.host;
    struct failure why;

    if (link_glance(d->options, &d->site.url, &d->site.proxy, &g, &why) < 0) {
        doctor_find(d, FINDING_BAD, NULL, "%s", why.text);
        return;
    }
    /* If the certificate gives no pin, the login could reach another server. */
    if (certificate_read(g.certificate, &c) < 0) {
        doctor_find(d, FINDING_BAD, "renew the certificate",
                    "the certificate can't be read");
        X509_free(g.certificate);
        return;
    }
    doctor_find(d, FINDING_NOTE, NULL, "for %s, issued by %s%s", c.subject,
                c.issuer, c.self_signed ? " (itself)" : "");
    doctor_find(d, c.valid_now ? FINDING_GOOD : FINDING_BAD,
                c.valid_now ? NULL : "renew the certificate",
                "valid from %s to %s", c.begins, c.ends);
    doctor_find(d, FINDING_NOTE, NULL, "SHA-256 fingerprint %s", c.fingerprint);
    doctor_find(d, FINDING_NOTE, NULL, "--pin %s", c.pin);
    d->site.trust.by_pin_alone = true;
    memcpy(d->site.trust.pin, c.pin, sizeof(c.pin));
    /* Compare the name alone: an empty trust has no pin. */
    bool named = trust_fits(&(struct trust){ 0 }, host, g.certificate);
    find_trust(d, g.verified, named, c.pin);
    doctor_find(d, named ? FINDING_GOOD : FINDING_BAD,
                named ? NULL : "the certificate must name this host", "%s %s",
                named ? "it names" : "it doesn't name", host);
    X509_free(g.certificate);
}

/* The login, and checks that need it. */

/* Logs in. The pin makes sure that the server shows the certificate that was
 * checked. */
static void check_login(struct doctor *d)
{
    struct failure why;

    if (!d->site.url.user[0]) {
        doctor_find(d, FINDING_NOTE, "name a user: ftps://USER@HOST",
                    "no user: tests that need a login were left out");
        return;
    }
    if (!d->trusted) {
        doctor_find(d, FINDING_WARNING, "give --cacert or --pin",
                    "no password is sent to a server that isn't trusted");
        return;
    }
    if (d->found[FINDING_BAD] > 0 && !d->options->yes) {
        doctor_find(d, FINDING_WARNING,
                    "correct the bad results above, or add --yes",
                    "the password isn't sent, since a result is bad");
        return;
    }
    bool asked = !d->unasked || password_ask(d->options, &d->site.url,
                                             &d->site.password, &why) == 0;
    if (asked && link_open(&d->link, &d->site, &why) == 0) {
        d->link.steady = true;
        d->logged_in = link_command(&d->link, &why, "NOOP") == 0;
    }
    if (d->logged_in)
        doctor_find(d, FINDING_GOOD, NULL, "logged in as %s, with %s",
                    d->site.url.user, d->link.cipher);
    else
        doctor_find(d, FINDING_BAD, NULL, "%s", why.text);
}

static void check_features(struct doctor *d)
{
    static const struct {
        const char *line, *good, *missing;
        enum trial_result finding;
    } rows[] = {
        { "\n UTF8", "names are UTF-8", "names may have any encoding",
          FINDING_NOTE },
        { "\n MLST", "exact listings (MLSD)",
          "no MLSD: clients must guess what LIST means", FINDING_WARNING },
        { "\n REST", "downloads can be resumed",
          "no REST: a cut transfer begins "
          "again",
          FINDING_WARNING },
        { "\n SIZE", "sizes of files (SIZE)",
          "no SIZE: uploads can't be resumed", FINDING_WARNING },
        { "\n EPSV", "EPSV", "no EPSV in FEAT", FINDING_NOTE },
        { "\n HASH", "checksums can be compared",
          "no HASH: transfers can't be verified", FINDING_NOTE },
        { "\n MFMT", "times can be set",
          "no MFMT: times are kept only if MDTM sets them", FINDING_NOTE },
    };
    struct failure why;

    if (link_command(&d->link, &why, "FEAT") == 0)
        slice_copy(buf_slice(&d->link.lines), d->features, sizeof(d->features));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool there = strcasestr(d->features, rows[i].line);
        doctor_find(d, there ? FINDING_GOOD : rows[i].finding, NULL, "%s",
                    there ? rows[i].good : rows[i].missing);
    }
}

/* Checks the address in "227 ... (h,h,h,h,p,p)": a client that uses PASV
 * connects to it. */
static void check_address(struct doctor *d)
{
    char said[ADDRESS_TEXT_MAX], *ip = NULL;
    struct failure why;
    struct address a = { .family = 4 }, peer = { 0 };

    if (d->site.proxy.name[0]) {
        doctor_find(d, FINDING_NOTE, NULL,
                    "not tested, since the proxy hides the server's address");
        return;
    }
    if (link_command(&d->link, &why, "PASV") < 0 || d->link.reply != 227) {
        doctor_find(d, FINDING_NOTE, NULL, "PASV is refused: \"%s\"",
                    d->link.text);
        return;
    }
    curl_easy_getinfo(d->link.curl, CURLINFO_PRIMARY_IP, &ip);
    address_parse(slice_from(ip), &peer);
    struct slice rest = slice_from(strchr(d->link.text, '(')), part;
    for (int i = 0; i < 4 && rest.ptr; i++) {
        uint64_t byte = 0;
        slice_cut(&rest, ',', &part);
        if (i == 0 && part.len > 0)
            part = (struct slice){ part.ptr + 1, part.len - 1 };
        slice_number(part, 255, &byte);
        a.bytes[i] = (uint8_t)byte;
    }
    if (address_same_host(&a, &peer))
        doctor_find(d, FINDING_GOOD, NULL, "PASV gives the right address, %s",
                    address_text(&a, said));
    else
        doctor_find(d, FINDING_WARNING, "give the server its public address",
                    "PASV gives %s, but the server is at %s%s",
                    address_text(&a, said), ip,
                    address_is_private(&a) ? ": it is behind NAT" : "");
}

/* Data connections: their TLS, its end, and its sessions. */

#define READ_MAX (64 * 1024 * 1024)

static size_t data_count(void *of, const char *bytes, size_t len)
{
    size_t *sum = of;

    (void)bytes;
    *sum += len;
    return *sum < READ_MAX && !link_interrupted ? len : 0;
}

/* Returns the command that lists a directory at this server. */
static const char *data_verb(const struct doctor *d)
{
    return strcasestr(d->features, "\n MLST") ? "MLSD" : "LIST";
}

/* Lists the login directory. If RESUME, the data connection may resume a TLS
 * session. *bytes gets the length of the listing. Returns 0, or -1 with the
 * reason. */
static int data_list(struct doctor *d, bool resume, size_t *bytes,
                     struct failure *why)
{
    const struct link_io io = { .take = data_count, .of = bytes };
    struct link *l = &d->link;

    *bytes = 0;
    link_begin(l, "", &io);
    if (!resume)
        LINK_SET(l, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    /* Limit the whole listing: a server that sends a byte now and then must not
     * prolong it. */
    LINK_SET(l, CURLOPT_TIMEOUT, (long)d->options->timeout);
    LINK_SET(l, CURLOPT_CUSTOMREQUEST, data_verb(d));
    return link_run(l, why);
}

/* Checks whether the server accepts PROT C. The login has sent PROT P, and no
 * transfer was made without it. */
static void check_protection(struct doctor *d)
{
    struct failure why;

    if (link_command(&d->link, &why, "PROT C") < 0) {
        if (why.reply >= 500)
            doctor_find(d, FINDING_GOOD, NULL,
                        "data connections without TLS are refused");
        else
            doctor_find(d, FINDING_NOTE, NULL, "it couldn't be tested: %s",
                        why.text);
        return;
    }
    doctor_find(d, FINDING_WARNING, "have the server refuse PROT C",
                "the server permits data connections without TLS: a client "
                "can send files in plain text");
    if (link_command(&d->link, &why, "PROT P") < 0)
        doctor_find(d, FINDING_BAD, NULL, "PROT P after PROT C fails: \"%s\"",
                    d->link.text);
}

static void check_data(struct doctor *d)
{
    struct link *l = &d->link;
    struct failure why;
    size_t bytes;

    d->transfers = data_list(d, true, &bytes, &why) == 0;
    if (!d->transfers) {
        doctor_find(d, FINDING_BAD,
                    "let the passive ports through the firewall, and set the "
                    "server's public address",
                    "%s fails: %s", data_verb(d), why.text);
        return;
    }
    doctor_find(d, FINDING_GOOD, NULL, "%s transfers %zu bytes", data_verb(d),
                bytes);
    doctor_find(d, l->resumed ? FINDING_GOOD : FINDING_NOTE, NULL,
                l->resumed ? "the data connection resumes the TLS session"
                           : "the data connection doesn't resume the TLS "
                             "session: nothing proves that it is the same "
                             "client");
    doctor_find(d, l->whole ? FINDING_GOOD : FINDING_WARNING, NULL,
                l->whole
                    ? "close_notify marks the end of the data"
                    : "no close_notify: a listing that was cut looks whole");
}

static void check_binding(struct doctor *d)
{
    struct link *l = &d->link;
    struct failure why;
    size_t bytes;

    if (!d->transfers)
        return;
    /* libcurl 8.23 switches the TLS sessions off only at a login. */
    l->unresumed = l->renew = true;
    bool again = link_command(l, &why, "NOOP") == 0;
    bool works = again && data_list(d, false, &bytes, &why) == 0;
    if (!again || l->resumed)
        doctor_find(d, FINDING_NOTE, NULL,
                    "it couldn't be tested whether a data connection must "
                    "resume: %s",
                    again ? "libcurl always resumes" : why.text);
    else if (works)
        doctor_find(d, FINDING_WARNING, "have the server require resumption",
                    "the server doesn't require resumption: whoever reaches "
                    "the port first gets the file");
    else
        doctor_find(d, FINDING_GOOD, NULL,
                    "a data connection without resumption is refused: %s",
                    why.text);
}

static const struct {
    const char *name;
    bool needs_login;
    void (*run)(struct doctor *d);
} doctor_checks[] = {
    { "addresses", false, check_addresses },
    { "greeting", false, check_greeting },
    { "TLS versions", false, check_versions },
    { "certificate", false, check_certificate },
    { "login", false, check_login },
    { "features", true, check_features },
    { "address", true, check_address },
    { "protection", true, check_protection },
    { "data connection", true, check_data },
    { "binding", true, check_binding },
};

int doctor_run(struct client *c, struct word *w, int n)
{
    static struct doctor d;
    const size_t *found = d.found;
    struct failure why;

    (void)n;
    d = (struct doctor){ .options = &c->options,
                         .site = { .url = *w[0].url, .options = &c->options } };
    int r = proxy_find(&c->options, d.site.url.host, &d.site.proxy, &why);
    if (r == 0 && (d.site.url.user[0] || c->options.user))
        r = password_find(&c->options, &d.site.url, &d.site.password,
                          &d.site.place, &why);
    d.unasked = r == 1;
    for (size_t i = 0;
         r >= 0 && i < sizeof(doctor_checks) / sizeof(doctor_checks[0]) &&
         !link_interrupted && !d.unreachable;
         i++) {
        if (doctor_checks[i].needs_login && !d.logged_in)
            continue;
        doctor_running = doctor_checks[i].name;
        doctor_checks[i].run(&d);
        fflush(stdout);
    }
    if (r >= 0 && !c->options.json)
        printf("\n%zu bad, %zu warning%s, %zu good\n", found[FINDING_BAD],
               found[FINDING_WARNING], found[FINDING_WARNING] == 1 ? "" : "s",
               found[FINDING_GOOD]);
    int code = r < 0                    ? client_error("doctor", &why)
               : found[FINDING_BAD] > 0 ? EX_UNAVAILABLE
                                        : 0;
    link_close(&d.link);
    site_close(&d.site);
    return code;
}
