/* "doctor": runs the checks of its table, and prints what they find. It changes
 * nothing. What sallyportd --check knows is relayed, so that both say the
 * same. */
#include "doctor.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/execute.h"
#include "sallyport/base/harmless.h"

#define CHECK_MS 90000 /* --check itself waits 60 s for homes */

static const char *const finding_words[FINDING_COUNT] = {
    [FINDING_GOOD] = "good",
    [FINDING_NOTE] = "note",
    [FINDING_WARNING] = "warning",
    [FINDING_BAD] = "bad",
};

void doctor_find(struct server_doctor *d, enum finding what, const char *advice,
                 const char *format, ...)
{
    char text[2 * COMPLAINT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    harmless_make(text, strlen(text)); /* other programs wrote some of it */
    d->found[what]++;
    if (d->list) {
        json_array_append_new(
            d->list, json_pack("{s:s, s:s, s:o, s:s*}", "check", d->check,
                               "finding", finding_words[what], "text",
                               json_text(text), "advice", advice));
        return;
    }
    printf("%-13s %-8s %s\n", d->check, finding_words[what], text);
    if (advice)
        printf("%-13s %-8s   %s\n", "", "", advice);
}

/* A line of --check says what to do by itself. */
static void relay_line(struct server_doctor *d, struct slice line)
{
    static const struct {
        const char *has;
        enum finding finding;
    } kinds[] = {
        { "hint: ", FINDING_WARNING },
        { "warning: ", FINDING_WARNING },
        { "weaker: ", FINDING_NOTE },
        { "as allow_weaker permits", FINDING_NOTE },
        { "configuration is fine", FINDING_GOOD },
    };
    const struct slice title = SLICE("sallyportd: ");
    enum finding what = FINDING_BAD;

    if (slice_starts(line, title))
        line = (struct slice){ line.ptr + title.len, line.len - title.len };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (memmem(line.ptr, line.len, kinds[i].has, strlen(kinds[i].has)))
            what = kinds[i].finding;
    doctor_find(d, what,
                what == FINDING_BAD ? "correct it, then run: sallyportctl "
                                      "reload"
                                    : NULL,
                "%.*s", (int)line.len, line.ptr);
}

/* sallyportd is beside this program. */
static void check_configuration(struct server_doctor *d)
{
    char program[SETTINGS_PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 16);
    const char *const argv[] = { program, "--check", "--config",
                                 d->x->settings.file, NULL };
    struct slice rest, line;
    static char out[EXECUTE_OUTPUT_MAX];
    int status;

    program[n > 0 ? n : 0] = '\0';
    snprintf(n > 0 ? strrchr(program, '/') : program, 16, "/sallyportd");
    status = execute_program(argv, CHECK_MS, out);
    rest = slice_from(out);
    while (slice_cut(&rest, '\n', &line))
        if (line.len > 0)
            relay_line(d, line);
    if (status < 0 || status == EX_UNAVAILABLE)
        doctor_find(d, FINDING_BAD, "run: sallyportd --check", "%s --check %s",
                    program,
                    status < 0 ? "doesn't end in time" : "can't be executed");
}

static const struct {
    const char *name;
    void (*run)(struct server_doctor *d);
} doctor_checks[] = {
    { "configuration", check_configuration },
    { "server", doctor_server },
    { "TLS", doctor_tls },
    { "address", doctor_address },
    { "data ports", doctor_ports },
    { "firewall", doctor_firewall },
    { "clock", doctor_clock },
    { "disk", doctor_disk },
};

int doctor_run(struct context *x)
{
    struct server_doctor d = { .x = x,
                               .list = x->args.json ? json_array() : NULL };
    int code = 0;

    signal(SIGPIPE, SIG_IGN); /* a server that hangs up */
    for (size_t i = 0; i < sizeof(doctor_checks) / sizeof(doctor_checks[0]);
         i++) {
        d.check = doctor_checks[i].name;
        doctor_checks[i].run(&d);
        fflush(stdout);
    }
    if (d.list)
        code = json_write(x, d.list);
    else
        printf("\n%zu bad, %zu warning%s, %zu good\n", d.found[FINDING_BAD],
               d.found[FINDING_WARNING],
               d.found[FINDING_WARNING] == 1 ? "" : "s", d.found[FINDING_GOOD]);
    if (code == 0)
        code = d.found[FINDING_BAD] > 0 ? 2 : d.found[FINDING_WARNING] > 0;
    return code;
}
