/* Describes how a child ended, and decides what its failure means for a start.
 * Runs in master. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "child.h"
#include "core/master.h"

void child_describe(const struct child *c, int status, char *out, size_t size)
{
    int n;

    if (WIFSIGNALED(status))
        n = snprintf(out, size, "ended by signal %d", WTERMSIG(status));
    else
        n = snprintf(out, size, "ended with status %d", WEXITSTATUS(status));
    if (c->failure[0] && n > 0 && (size_t)n < size)
        snprintf(out + n, size - (size_t)n, ": %s", c->failure);
}

/* Returns the status of sysexits.h for a child that didn't start. A complaint
 * of its own means a mistake in the configuration, unless it is about the
 * sandbox. */
static int child_start_status(const struct child *c, int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == EX_OSERR)
        return EX_OSERR;
    if (strncmp(c->failure, "sandbox of ", 8) == 0)
        return EX_OSERR;
    return c->channel.seen[MSG_failed] ? EX_CONFIG : EX_SOFTWARE;
}

/* A complaint of gate about a certificate or key names the file: this adds the
 * line of the configuration. */
static void child_fail_by_complaint(struct child *c, int status)
{
    struct complaint why = { "" };

    complain(&why, "%s", c->failure);
    settings_place_pair(&c->master->settings, &why);
    master_fail(c->master, child_start_status(c, status), why.text);
}

void child_start_failed(struct child *c, int status)
{
    char how[320];
    char why[COMPLAINT_MAX];

    if (c->other_build) {
        master_fail(c->master, EX_SOFTWARE, c->failure);
        return;
    }
    if (c->channel.seen[MSG_failed]) {
        child_fail_by_complaint(c, status);
        return;
    }
    child_describe(c, status, how, sizeof(how));
    snprintf(why, sizeof(why), "%s %s", process_name(c->row->process), how);
    master_fail(c->master, child_start_status(c, status), why);
}
