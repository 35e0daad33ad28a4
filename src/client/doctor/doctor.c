/* Runs the checks and prints the report: a table on a terminal, or JSON. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "client.h"
#include "doctor.h"
#include "sallyport/base/slice.h"

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
    char text[2 * FAILURE_TEXT], safe[2 * FAILURE_TEXT];
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
    for (size_t i = 0; r >= 0 && i < doctor_check_count && !link_interrupted &&
                       !d.unreachable;
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
