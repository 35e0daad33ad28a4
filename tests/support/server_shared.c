/* One server for a whole test program, and the paths of files. The tests are
 * processes that Criterion executes again, so they get the facts of the server
 * through the environment. */
#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "server.h"

/* Criterion names a hook by its line, and two hooks of one line don't link. No
 * test has its SERVER_SHARED as early as this. */
ReportHook(POST_ALL)(struct criterion_global_stats *stats)
{
    (void)stats;
    server_unshare();
}

#define VARIABLE "SALLYPORT_TEST_SERVER"

static struct server shared; /* in the runner's process only */

void server_share(const struct server_plan *plan)
{
    char text[SERVER_PATH_MAX + 64];

    server_start(&shared, plan);
    snprintf(text, sizeof(text), "%d %u %u %u %s", (int)shared.pid, shared.port,
             shared.port_other, shared.port_tls, shared.folder);
    setenv(VARIABLE, text, 1);
}

const struct server *server_of_runner(void)
{
    return &shared;
}

void server_unshare(void)
{
    server_stop(&shared);
}

void server_shared(struct server *ret)
{
    const char *text = getenv(VARIABLE);
    int pid = 0;

    FAIL_IF(!text, "no server was shared");
    memset(ret, 0, sizeof(*ret));
    FAIL_IF(sscanf(text, "%d %u %u %u %511s", &pid, &ret->port,
                   &ret->port_other, &ret->port_tls, ret->folder) != 5,
            "%s=%s", VARIABLE, text);
    ret->pid = pid;
    snprintf(ret->homes, sizeof(ret->homes), "%.*s/homes", SERVER_PATH_MAX - 7,
             ret->folder);
}

static const char *join(char *out, const char *folder, const char *name)
{
    int n = snprintf(out, SERVER_PATH_MAX, "%s/%s", folder, name);

    FAIL_IF(n >= SERVER_PATH_MAX, "path too long");
    return out;
}

const char *server_build(const char *name)
{
    static char out[SERVER_PATH_MAX];
    const char *build = getenv("SALLYPORT_BUILD");

    return join(out, build ? build : BUILD_DIR, name);
}

const char *server_program(const char *name)
{
    static char out[SERVER_PATH_MAX];
    const char *place = "libexec/sallyport";

    if (strcmp(name, "sallyport") == 0) /* the client */
        place = "bin";
    else if (strncmp(name, "sallyport", 9) == 0)
        place = "sbin";
    return join(out, server_build(place), name);
}

const char *server_source(const char *name)
{
    static char out[SERVER_PATH_MAX];
    const char *source = getenv("SALLYPORT_SOURCE");

    return join(out, source ? source : SOURCE_DIR, name);
}

const char *server_path(const struct server *s, const char *name)
{
    static char out[SERVER_PATH_MAX];

    return join(out, s->folder, name);
}

const char *server_home(const struct server *s, const char *user)
{
    static char out[SERVER_PATH_MAX];

    return join(out, s->homes, user);
}

const char *server_home_file(const struct server *s, const char *user,
                             const char *name)
{
    static char out[SERVER_PATH_MAX];

    return join(out, server_home(s, user), name);
}

const char *server_share_path(const struct server *s, const char *path)
{
    static char out[SERVER_PATH_MAX];
    char shares[SERVER_PATH_MAX];

    return join(out, join(shares, s->folder, "shares"),
                path[0] == '/' ? path + 1 : path);
}

bool server_is_long(void)
{
    const char *value = getenv("SALLYPORT_LONG");

    return value && *value == '1';
}

bool server_is_sanitized(void)
{
#ifdef SALLYPORT_UNFILTERED
    return true;
#else
    return false;
#endif
}
