/* Homes and shares in which systemd doesn't let the service write. systemd is
 * only asked, never told. */
#include "ctl.h"

#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* Another configuration isn't the unit's. */
static void ask_unit(const struct context *x, struct unit *u)
{
    if (geteuid() == 0 && strcmp(x->settings.file, SETTINGS_FILE) == 0)
        unit_ask(u);
}

void (*paths_unit)(const struct context *x, struct unit *u) = ask_unit;

/* Systemd is asked once, also for the forks of this process. */
static struct unit permitting;
static bool was_asked;

void paths_ask(const struct context *x)
{
    if (!was_asked)
        paths_unit(x, &permitting);
    was_asked = true;
}

bool paths_forbid(const struct context *x, const char *what, const char *path,
                  struct complaint *c)
{
    paths_ask(x);
    return unit_forbids(&permitting, what, path, c);
}

int paths_permit(struct context *x, const char *what, const char *path)
{
    struct complaint c = { "" };

    return paths_forbid(x, what, path, &c)
               ? ctl_fail(x, EX_CONFIG, "%s", c.text)
               : 0;
}
