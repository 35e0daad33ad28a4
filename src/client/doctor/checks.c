/* The checks of doctor, in their order. Each prints its findings. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "doctor.h"
#include "sallyport/base/clock.h"

#define DEPTH 5 /* transfers one after another */

/* A proxy chooses the address itself. */
static void check_proxy(struct doctor *d)
{
    struct failure why;
    struct dial dial;

    d->unreachable = dial_connect(&dial, &d->proxy, d->url.host, d->url.port, 0,
                                  (unsigned)d->options->timeout, &why) < 0;
    if (d->unreachable)
        doctor_find(d, FINDING_BAD, "check the proxy, or add --proxy none",
                    "%s", why.text);
    else
        doctor_find(d, FINDING_GOOD, NULL, "connects through the proxy %s",
                    d->proxy.name);
    dial_close(&dial);
}

static void check_addresses(struct doctor *d)
{
    static const int families[] = { 4, 6 };
    size_t reached = 0;

    if (d->proxy.name[0]) {
        check_proxy(d);
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        char host[ADDRESS_TEXT_MAX];
        struct failure why;
        struct dial dial;

        if (dial_connect(&dial, &d->proxy, d->url.host, d->url.port,
                         families[i], (unsigned)d->options->timeout,
                         &why) == 0) {
            reached++;
            doctor_find(d, FINDING_GOOD, NULL, "IPv%d: connects to %s",
                        families[i], address_text(&dial.peer, host));
            dial_close(&dial);
        } else {
            bool named = why.code != EX_NOHOST;

            doctor_find(d, named ? FINDING_WARNING : FINDING_NOTE,
                        named ? "clients may try this address first, and wait"
                              : NULL,
                        "IPv%d: %s", families[i], why.text);
        }
    }
    d->unreachable = reached == 0;
    if (d->unreachable)
        doctor_find(d, FINDING_BAD, "check the name, the port and the firewall",
                    "no address can be reached");
}

/* Products with known problems, found by a part of their greeting. */
static const struct {
    const char *part;
    enum trial_result finding;
    const char *text, *advice;
} products[] = {
    { "vsFTPd 2.3.4", FINDING_BAD,
      "copies of this release gave strangers a shell (CVE-2011-2523)",
      "replace it" },
    { "ProFTPD 1.3.3c", FINDING_BAD,
      "copies of this release gave strangers a shell", "replace it" },
    { "ProFTPD 1.3.5 ", FINDING_BAD,
      "its mod_copy moves files without a login (CVE-2015-3306)",
      "update the server" },
    { "vsFTPd", FINDING_NOTE,
      "it takes the TLS session of any user for a data connection's proof",
      NULL },
    { "pyftpdlib 1.5.", FINDING_NOTE,
      "before 1.5.8 it cuts clients whose data handshake begins at once, as "
      "curl's does",
      "update the server" },
    { "FileZilla Server 0.9", FINDING_WARNING,
      "this product is no longer maintained", "update the server" },
};

static void find_product(struct doctor *d, const char *greeting)
{
    for (size_t i = 0; i < sizeof(products) / sizeof(products[0]); i++)
        if (strstr(greeting, products[i].part)) {
            doctor_find(d, products[i].finding, products[i].advice, "%s",
                        products[i].text);
            return;
        }
}

static void check_greeting(struct doctor *d)
{
    char text[DIAL_LINE_MAX];
    struct failure why;
    struct dial dial;

    if (d->url.implicit ||
        dial_connect(&dial, &d->proxy, d->url.host, d->url.port, 0,
                     (unsigned)d->options->timeout, &why) < 0)
        return;
    int code = dial_ask(&dial, NULL, text, &why);
    d->unreachable = code == 421; /* all other checks would get the same */
    if (d->unreachable)
        doctor_find(d, FINDING_BAD,
                    "ask its administrator, or wait: it is busy, or has "
                    "banned this address",
                    "the server turns this client away: %s", text);
    else if (code != 220)
        doctor_find(d, FINDING_BAD,
                    "if the server speaks TLS from the first byte, use "
                    "ftps+implicit://",
                    "no greeting: %s", code < 0 ? why.text : text);
    else
        doctor_find(d, FINDING_GOOD, NULL, "\"%s\"", text);
    if (code == 220)
        find_product(d, text);
    /* A name that reveals nothing, since it is sent in plain text. */
    code = code == 220 ? dial_ask(&dial, "USER anonymous", text, &why) : -1;
    if (code == 331 || code == 230)
        doctor_find(d, FINDING_BAD, "have the server require TLS for logins",
                    "USER is taken without TLS: passwords can go in plain "
                    "text");
    else if (code > 0)
        doctor_find(d, FINDING_GOOD, NULL, "USER without TLS is refused");
    dial_close(&dial);
}

static void check_login(struct doctor *d)
{
    struct failure why;

    if (!d->url.user[0]) {
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
        doctor_find(d, FINDING_WARNING, "mend the above, or add --yes",
                    "no password is sent to a server in that state");
        return;
    }
    bool asked = !d->unasked ||
                 password_ask(d->options, &d->url, &d->password, &why) == 0;
    d->unasked = false;
    d->logged_in = asked && doctor_login(d, &d->control, &why) == 0;
    if (d->logged_in)
        doctor_find(d, FINDING_GOOD, NULL, "logged in as %s, with %s",
                    d->url.user, SSL_get_cipher_name(d->control.tls));
    else
        doctor_find(d, FINDING_BAD, NULL, "%s", why.text);
}

static void take_feature(void *of, const char *line)
{
    struct doctor *d = of;

    if (line[0] == ' ' && d->features < DOCTOR_LINES)
        snprintf(d->feature[d->features++], DOCTOR_LINE, "%.*s",
                 DOCTOR_LINE - 1, line + 1);
}

static void check_features(struct doctor *d)
{
    static const struct {
        const char *word, *good, *missing;
        enum trial_result finding;
    } rows[] = {
        { "UTF8", "names are UTF-8", "names may have any encoding",
          FINDING_NOTE },
        { "MLST", "exact listings (MLSD)",
          "no MLSD: clients must guess what LIST means", FINDING_WARNING },
        { "REST", "downloads can be resumed",
          "no REST: a cut transfer begins "
          "again",
          FINDING_WARNING },
        { "SIZE", "sizes of files (SIZE)", "no SIZE: uploads can't be resumed",
          FINDING_WARNING },
        { "EPSV", "EPSV", "no EPSV in FEAT", FINDING_NOTE },
        { "HASH", "checksums can be compared",
          "no HASH: transfers can't be verified", FINDING_NOTE },
        { "MFMT", "times can be set", "no MFMT: uploads get the current time",
          FINDING_NOTE },
    };
    char text[DIAL_LINE_MAX];
    struct failure why;

    dial_ask_each(&d->control, "FEAT", text, take_feature, d, &why);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool there = doctor_feature(d, rows[i].word) != NULL;
        doctor_find(d, there ? FINDING_GOOD : rows[i].finding, NULL, "%s",
                    there ? rows[i].good : rows[i].missing);
    }
}

/* Checks the address in "227 ... (h,h,h,h,p,p)", which clients that use PASV
 * connect to. */
static void check_address(struct doctor *d)
{
    char text[DIAL_LINE_MAX], said[ADDRESS_TEXT_MAX], peer[ADDRESS_TEXT_MAX];
    struct failure why;
    struct address a = { .family = 4 };

    if (d->proxy.name[0]) {
        doctor_find(d, FINDING_NOTE, NULL,
                    "not tested, since the proxy hides the server's address");
        return;
    }
    if (dial_ask(&d->control, "PASV", text, &why) != 227) {
        doctor_find(d, FINDING_NOTE, NULL, "PASV is refused: \"%s\"", text);
        return;
    }
    struct slice rest = slice_from(strchr(text, '(')), part;
    for (int i = 0; i < 4 && rest.ptr; i++) {
        uint64_t byte = 0;
        slice_cut(&rest, ',', &part);
        if (i == 0 && part.len > 0)
            part = (struct slice){ part.ptr + 1, part.len - 1 };
        slice_number(part, 255, &byte);
        a.bytes[i] = (uint8_t)byte;
    }
    if (address_same_host(&a, &d->control.peer))
        doctor_find(d, FINDING_GOOD, NULL, "PASV gives the right address, %s",
                    address_text(&a, said));
    else
        doctor_find(d, FINDING_WARNING,
                    "give the server its public address (Sallyport: the "
                    "setting address)",
                    "PASV gives %s, but the server is at %s%s",
                    address_text(&a, said),
                    address_text(&d->control.peer, peer),
                    address_is_private(&a) ? ": it is behind NAT" : "");
}

/* Is this the reply after a transfer that has succeeded? */
static bool is_done(int reply)
{
    return reply == 226 || reply == 250;
}

static void check_data(struct doctor *d)
{
    const char *list = doctor_list(d);
    struct doctor_data r;
    struct failure why;
    int made = doctor_data(d, true, &r, &why);

    if (made < 0 || !is_done(r.reply)) {
        doctor_find(d, FINDING_BAD,
                    "let the passive ports through the firewall, and give the "
                    "server its address",
                    "%s fails: %s", list, made < 0 ? why.text : r.text);
        return;
    }
    doctor_find(d, FINDING_GOOD, NULL, "%s transfers %zu bytes", list, r.bytes);
    doctor_find(d, r.resumed ? FINDING_GOOD : FINDING_NOTE, NULL,
                r.resumed ? "the data connection resumes the TLS session"
                          : "the server resumes no TLS session there: whose a "
                            "data connection is, isn't proved");
    doctor_find(d, r.whole ? FINDING_GOOD : FINDING_WARNING, NULL,
                r.whole
                    ? "its end is marked by close_notify"
                    : "no close_notify: a listing that was cut looks whole");
}

/* Some clients show each ticket only once (curl, Java). Without a new ticket
 * for each transfer, their data connections stop resuming. OpenSSL does the
 * same. */
static void check_depth(struct doctor *d)
{
    unsigned resumed = 0;
    struct doctor_data r;
    struct failure why;

    /* The tickets of this login are used up. */
    dial_close(&d->control);
    SSL_SESSION_free(d->session);
    d->session = NULL;
    d->logged_in = doctor_login(d, &d->control, &why) == 0;
    for (unsigned i = 0; i < DEPTH && d->logged_in; i++)
        resumed += doctor_data(d, true, &r, &why) == 0 && r.resumed;
    if (!d->logged_in)
        doctor_find(d, FINDING_BAD, NULL, "a second login: %s", why.text);
    else
        doctor_find(d, resumed == DEPTH ? FINDING_GOOD : FINDING_NOTE,
                    resumed == DEPTH ? NULL
                                     : "a server that requires resumption must "
                                       "send a ticket for each transfer",
                    "of %d transfers one after another %u resume", DEPTH,
                    resumed);
}

static void check_binding(struct doctor *d)
{
    struct doctor_data r;
    struct failure why;
    int made = doctor_data(d, false, &r, &why);

    if (made == 0 && is_done(r.reply))
        doctor_find(d, FINDING_WARNING,
                    "have the server require resumption (vsftpd: "
                    "require_ssl_reuse)",
                    "a data connection needs no resumption: the first to reach "
                    "the port gets the file");
    else
        doctor_find(d, FINDING_GOOD, NULL,
                    "a data connection without resumption is refused: \"%s\"",
                    made < 0 ? why.text : r.text);
}

static void check_tickets(struct doctor *d)
{
    if (!d->session)
        return;
    unsigned long s = SSL_SESSION_get_ticket_lifetime_hint(d->session);

    if (SSL_SESSION_has_ticket(d->session))
        doctor_find(d, s != 0 && s < 300 ? FINDING_WARNING : FINDING_NOTE, NULL,
                    "TLS tickets last %lu s", s);
}

static void check_abort(struct doctor *d)
{
    char text[DIAL_LINE_MAX];
    struct failure why;
    int code = dial_ask(&d->control, "ABOR", text, &why);

    doctor_find(d, code == 225 || code == 226 ? FINDING_GOOD : FINDING_NOTE,
                NULL, "ABOR without a transfer is answered \"%s\"",
                code < 0 ? why.text : text);
}

#define PARALLEL 10

/* Logs in PARALLEL times, or less often if that takes longer than --timeout: a
 * server may take seconds to hash each password. Returns how many logins the
 * server accepted; *tried gets how many it tried. */
static size_t parallel_logins(struct doctor *d, struct dial *dial,
                              size_t *tried, struct failure *first)
{
    uint64_t end = clock_ms() + 1000 * d->options->timeout;
    struct failure why;
    size_t in = 0;

    for (*tried = 0; *tried < PARALLEL && !link_interrupted; ++*tried) {
        if (clock_ms() >= end)
            break;
        dial[*tried] = (struct dial){ .fd = -1 };
        if (doctor_login(d, &dial[*tried], &why) == 0)
            in++;
        else if (first->code == 0)
            *first = why;
    }
    return in;
}

static void check_parallel(struct doctor *d)
{
    struct dial dial[PARALLEL];
    struct failure first = { 0 };
    size_t tried, in = parallel_logins(d, dial, &tried, &first);

    for (size_t i = 0; i < tried; i++)
        dial_close(&dial[i]);
    if (in < tried)
        doctor_find(d, FINDING_WARNING,
                    "raise the limits of sessions for each address and user",
                    "of %zu sessions at once %zu were let in: %s", tried, in,
                    first.text);
    else if (tried < PARALLEL)
        doctor_find(d, FINDING_NOTE, NULL,
                    "%zu sessions at once took %llu s; no more were tried", in,
                    (unsigned long long)d->options->timeout);
    else
        doctor_find(d, FINDING_GOOD, NULL, "%zu sessions at once", in);
}

const struct doctor_check doctor_checks[] = {
    { "addresses", false, check_addresses },
    { "greeting", false, check_greeting },
    { "TLS versions", false, doctor_check_versions },
    { "certificate", false, doctor_check_certificate },
    { "ALPN", false, doctor_check_alpn },
    { "login", false, check_login },
    { "features", true, check_features },
    { "address", true, check_address },
    { "protection", true, doctor_check_protection },
    { "data connection", true, check_data },
    { "binding", true, check_binding },
    { "tickets", true, check_tickets },
    { "resumption", true, check_depth },
    { "ABOR", true, check_abort },
    { "parallel", true, check_parallel },
};
const size_t doctor_check_count =
    sizeof(doctor_checks) / sizeof(doctor_checks[0]);
