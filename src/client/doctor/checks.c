/* The checks of doctor, in their order. Each prints its findings. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "doctor.h"

/* A proxy chooses the address itself. */
static void check_addresses(struct doctor *d)
{
    const char *proxy = d->site.proxy.name;
    struct failure why;
    struct heard h;
    size_t reached = 0;

    for (int family = proxy[0] ? 0 : 4; family <= (proxy[0] ? 0 : 6);
         family += 2) {
        bool connected = doctor_hear(d, family, 1, &h, &why) == 0;

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
    doctor_hear(d, 0, 1, &h, &why);
    d->unreachable = h.code == 421; /* all other checks would get the same */
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
    doctor_hear(d, 0, 2, &h, &why);
    if (h.code == 331 || h.code == 230)
        doctor_find(d, FINDING_BAD, "have the server require TLS for logins",
                    "USER is taken without TLS: passwords can go in plain "
                    "text");
    else if (h.code > 0)
        doctor_find(d, FINDING_GOOD, NULL, "USER without TLS is refused");
}

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
        doctor_find(d, FINDING_WARNING, "mend the above, or add --yes",
                    "no password is sent to a server in that state");
        return;
    }
    bool asked = !d->unasked || password_ask(d->options, &d->site.url,
                                             &d->site.password, &why) == 0;
    d->unasked = false;
    d->logged_in = asked && doctor_login(d, &d->link, &why) == 0;
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
          "no MFMT: uploads get the current time", FINDING_NOTE },
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

/* Checks the address in "227 ... (h,h,h,h,p,p)", which clients that use PASV
 * connect to. */
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

const struct doctor_check doctor_checks[] = {
    { "addresses", false, check_addresses },
    { "greeting", false, check_greeting },
    { "TLS versions", false, doctor_check_versions },
    { "certificate", false, doctor_check_certificate },
    { "login", false, check_login },
    { "features", true, check_features },
    { "address", true, check_address },
    { "protection", true, doctor_check_protection },
    { "data connection", true, doctor_check_data },
    { "binding", true, doctor_check_binding },
};
const size_t doctor_check_count =
    sizeof(doctor_checks) / sizeof(doctor_checks[0]);
