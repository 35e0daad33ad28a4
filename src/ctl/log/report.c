/* "report": executes a script in libexec, which makes the page from the output
 * of other commands of this program. */
#include "log.h"

#include <errno.h>
#include <unistd.h>

void report_run(void)
{
    static const enum option_place passed[] = {
        OPTION_config, OPTION_since, OPTION_until, OPTION_file, OPTION_output,
    };
    enum { options = sizeof(passed) / sizeof(passed[0]) };
    char script[PATH_MAX], self[PATH_MAX], name[options][32];
    const char *argv[2 + 2 * options + 1] = { script, self };
    size_t n = 2;

    ctl_beside(SALLYPORT_REPORT, script);
    ctl_beside("sallyportctl", self);
    for (size_t i = 0; i < options; i++) {
        const char *value = ctl.args.option[passed[i]];

        if (!value)
            continue;
        snprintf(name[i], sizeof(name[i]), "--%s", ctl_options[passed[i]].name);
        argv[n++] = name[i];
        argv[n++] = value;
    }
    execv(script, (char *const *)argv);
    fail(EX_OSFILE, "%s: %s; install sallyport again", script, strerror(errno));
}
