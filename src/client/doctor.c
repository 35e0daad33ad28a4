/* Runs the checks and prints the report: a table on a terminal, or JSON. */
#include "doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "client.h"
#include "event.h"
#include "password.h"
#include "show.h"

static const char *const words[FINDING_COUNT] = {
    [FINDING_GOOD] = "good",
    [FINDING_NOTE] = "note",
    [FINDING_WARNING] = "warning",
    [FINDING_BAD] = "bad",
};

/* The check under way: the lines of doctor_find() belong to it. */
static const char *doctor_running = "";

void doctor_find(struct doctor *d, enum finding what, const char *advice,
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
    return password_find(o, &d->url, &d->password, why);
}

static void doctor_end(struct doctor *d)
{
    dial_close(&d->control);
    SSL_SESSION_free(d->session);
    SSL_CTX_free(d->ctx);
    secret_wipe(&d->password);
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
