/* Runs the checks and prints the report: a table on a terminal, or JSON. Makes
 * the logins and data connections of the checks. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "client.h"
#include "doctor.h"
#include "sallyport/base/slice.h"

/* Logins and data connections. */

#define READ_MAX (64 * 1024 * 1024)

/* Checks the certificate again, since each connection may reach another
 * machine. */
static int doctor_same_server(const struct doctor *d, struct dial *control,
                              struct failure *why)
{
    X509 *x = SSL_get1_peer_certificate(control->tls);
    struct server_certificate c;
    int r = x ? certificate_read(x, &c) : -1;

    X509_free(x);
    if (r == 0 && strcmp(c.pin, d->pin) == 0)
        return 0;
    return fail(why, EX_NOPERM,
                "another certificate than before is shown, and nothing was "
                "sent");
}

int doctor_login(struct doctor *d, struct dial *control, struct failure *why)
{
    char line[SECRET_MAX + 16], text[DIAL_LINE_MAX];
    static const char *const after[] = { "PBSZ 0", "PROT P", "TYPE I" };

    if (dial_control(control, &d->url, &d->proxy, d->ctx,
                     (unsigned)d->options->timeout, why) < 0 ||
        doctor_same_server(d, control, why) < 0)
        return -1;
    snprintf(line, sizeof(line), "USER %s", d->url.user);
    int code = dial_ask(control, line, text, why);
    if (code == 331) {
        snprintf(line, sizeof(line), "PASS %s", d->password.bytes);
        code = dial_ask(control, line, text, why);
        explicit_bzero(line, sizeof(line));
    }
    if (code < 0)
        return -1;
    /* 232: the client certificate was enough, without a password. */
    if (code != 230 && code != 232)
        return fail(why, EX_NOPERM, "the login is refused: \"%s\"", text);
    for (size_t i = 0; i < 3; i++) {
        code = dial_ask(control, after[i], text, why);
        if (code < 200 || code > 299)
            return fail(why, EX_PROTOCOL, "%s is refused: \"%s\"", after[i],
                        text);
    }
    return 0;
}

const char *doctor_feature(const struct doctor *d, const char *word)
{
    size_t len = strlen(word);

    for (size_t i = 0; i < d->features; i++)
        if (strncasecmp(d->feature[i], word, len) == 0 &&
            (d->feature[i][len] == '\0' || d->feature[i][len] == ' '))
            return d->feature[i] + len;
    return NULL;
}

/* Reads the port of "229 Entering extended passive mode (|||50000|)". */
static unsigned doctor_port(const char *text)
{
    const char *at = strstr(text, "(|||");
    uint64_t port = 0;

    if (!at)
        return 0;
    struct slice rest = slice_from(at + 4), digits;
    slice_cut(&rest, '|', &digits);
    return slice_number(digits, 65535, &port) == 0 ? (unsigned)port : 0;
}

static int doctor_open(struct doctor *d, struct dial *data, struct failure *why)
{
    char text[DIAL_LINE_MAX], host[ADDRESS_TEXT_MAX];
    int code = dial_ask(&d->control, "EPSV", text, why);

    if (code < 0)
        return -1;
    unsigned port = code == 229 ? doctor_port(text) : 0;
    if (port == 0)
        return fail(why, EX_PROTOCOL, "EPSV is answered \"%s\"", text);
    return dial_connect(data, &d->proxy,
                        d->proxy.name[0] ? d->url.host
                                         : address_text(&d->control.peer, host),
                        port, 0, (unsigned)d->options->timeout, why);
}

static void doctor_read(struct dial *data, struct doctor_data *ret)
{
    char block[16384];
    int n;

    while (!link_interrupted && ret->bytes < READ_MAX &&
           (n = dial_read(data, block, sizeof(block), &ret->whole)) > 0)
        ret->bytes += (size_t)n;
}

const char *doctor_list(const struct doctor *d)
{
    return doctor_feature(d, "MLST") ? "MLSD" : "LIST";
}

int doctor_data(struct doctor *d, bool resume, struct doctor_data *ret,
                struct failure *why)
{
    struct dial data;
    struct failure handshake;

    *ret = (struct doctor_data){ 0 };
    if (doctor_open(d, &data, why) < 0)
        return -1;
    ret->reply = dial_ask(&d->control, doctor_list(d), ret->text, why);
    if (ret->reply >= 100 && ret->reply < 200) {
        if (dial_tls(&data, d->ctx, d->url.host, resume ? d->session : NULL,
                     &handshake) == 0) {
            ret->resumed = SSL_session_reused(data.tls) == 1;
            doctor_read(&data, ret);
        }
        dial_close(&data);
        ret->reply = dial_ask(&d->control, NULL, ret->text, why);
    }
    dial_close(&data);
    return ret->reply < 0 ? -1 : 0;
}

/* The login has turned PROT P on, and without it no transfer was made. */
void doctor_check_protection(struct doctor *d)
{
    char text[DIAL_LINE_MAX];
    struct failure why;

    if (dial_ask(&d->control, "PROT C", text, &why) != 200) {
        doctor_find(d, FINDING_GOOD, NULL,
                    "data connections without TLS are refused");
        return;
    }
    doctor_find(d, FINDING_WARNING,
                "have the server refuse PROT C (vsftpd: "
                "force_local_data_ssl)",
                "data connections without TLS are possible: a client that asks "
                "for none sends its files in plain text");
    if (dial_ask(&d->control, "PROT P", text, &why) != 200)
        doctor_find(d, FINDING_BAD, NULL, "PROT P after PROT C fails: \"%s\"",
                    text);
}

/* The report. */

static const char *const words[FINDING_COUNT] = {
    [FINDING_GOOD] = "good",
    [FINDING_NOTE] = "note",
    [FINDING_WARNING] = "warning",
    [FINDING_BAD] = "bad",
};

/* The check under way: the lines of doctor_find() belong to it. */
static const char *doctor_running = "";

void doctor_find(struct doctor *d, enum trial_result what, const char *advice,
                 const char *format, ...)
{
    char text[DIAL_LINE_MAX + 256], safe[DIAL_LINE_MAX + 256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    show_text(text, safe, sizeof(safe));
    d->found[what]++;
    if (d->options->json) {
        event_print(json_pack("{s:s, s:s, s:s, s:s*}", "check", doctor_running,
                              "finding", words[what], "text", safe, "advice",
                              advice));
        return;
    }
    printf("%-16s %-8s %s\n", doctor_running, words[what], safe);
    if (advice)
        printf("%-16s %-8s   %s\n", "", "", advice);
    doctor_running = "";
}

static int doctor_on_session(SSL *tls, SSL_SESSION *session)
{
    struct doctor *d = SSL_CTX_get_app_data(SSL_get_SSL_CTX(tls));

    /* Only sessions of the control connection count; those of data connections
     * don't. */
    if (tls != d->control.tls)
        return 0;
    SSL_SESSION_free(d->session);
    d->session = session;
    return 1;
}

static int doctor_begin(struct doctor *d, const struct options *o,
                        const struct url *url, struct failure *why)
{
    *d = (struct doctor){ .options = o, .url = *url, .control.fd = -1 };
    if (proxy_find(o, url->host, &d->proxy, why) < 0)
        return -1;
    d->ctx = dial_context(o, why);
    if (!d->ctx)
        return -1;
    SSL_CTX_set_app_data(d->ctx, d);
    SSL_CTX_set_session_cache_mode(d->ctx, SSL_SESS_CACHE_CLIENT |
                                               SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(d->ctx, doctor_on_session);
    if ((o->cacert ? SSL_CTX_load_verify_file(d->ctx, o->cacert)
                   : SSL_CTX_set_default_verify_paths(d->ctx)) != 1)
        return fail(why, EX_NOINPUT, "%s: can't be read as certificates",
                    o->cacert ? o->cacert : "the system's CAs");
    if (!url->user[0] && !o->user)
        return 0;
    const char *place;
    int r = password_find(o, &d->url, &d->password, &place, why);
    d->unasked = r == 1;
    return r < 0 ? -1 : 0;
}

static void doctor_end(struct doctor *d)
{
    dial_close(&d->control);
    SSL_SESSION_free(d->session);
    SSL_CTX_free(d->ctx);
    secret_wipe(&d->password);
    secret_wipe(&d->proxy.password);
}

int doctor_run(struct client *c, struct word *w, int n)
{
    static struct doctor d;
    struct failure why;

    (void)n;
    if (doctor_begin(&d, &c->options, w[0].url, &why) < 0) {
        doctor_end(&d);
        return client_error("doctor", &why);
    }
    for (size_t i = 0;
         i < doctor_check_count && !link_interrupted && !d.unreachable; i++) {
        if (doctor_checks[i].needs_login && !d.logged_in)
            continue;
        doctor_running = doctor_checks[i].name;
        doctor_checks[i].run(&d);
        fflush(stdout);
    }
    if (!c->options.json)
        printf("\n%zu bad, %zu warning%s, %zu good\n", d.found[FINDING_BAD],
               d.found[FINDING_WARNING],
               d.found[FINDING_WARNING] == 1 ? "" : "s", d.found[FINDING_GOOD]);
    int code = d.found[FINDING_BAD] > 0 ? EX_UNAVAILABLE : 0;
    doctor_end(&d);
    return code;
}
