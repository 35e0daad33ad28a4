/* Shares one server between all tests of a program, and makes paths of files.
 * A test is a fork that must not stop the server, so the tests get its facts
 * through the environment. */
#include "server.h"
ReportHook(POST_ALL)(struct criterion_global_stats *stats)
{
    /* Criterion names a hook by its line number, and two hooks with the same
     * number don't link. No test has its SERVER_SHARED as early as this. */
    (void)stats;
    server_unshare();
}

#include "fail.h"
#include "files.h"
#include "test.h"

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

/* Keeps each path that was asked for once, until the program ends. */
#define KEPT_LISTS 1024
struct kept {
    struct kept *next;
    char text[];
};

static const char *keep(const char *text)
{
    static struct kept *lists[KEPT_LISTS];
    const size_t size = strlen(text) + 1;
    struct kept **list, *k;
    unsigned sum = 0;

    for (const char *c = text; *c; c++)
        sum = sum * 31 + (unsigned char)*c;
    list = &lists[sum % KEPT_LISTS];
    for (k = *list; k; k = k->next)
        if (strcmp(k->text, text) == 0)
            return k->text;
    k = malloc(sizeof(*k) + size);
    FAIL_IF(!k, "no memory");
    k->next = *list;
    memcpy(k->text, text, size);
    *list = k;
    return k->text;
}

static const char *join(const char *folder, const char *name)
{
    char out[SERVER_PATH_MAX];

    FAIL_IF(snprintf(out, sizeof(out), "%s/%s", folder, name) >=
                SERVER_PATH_MAX,
            "path too long");
    return keep(out);
}

const char *server_build(const char *name)
{
    const char *build = getenv("SALLYPORT_BUILD");

    return join(build ? build : BUILD_DIR, name);
}

const char *server_program(const char *name)
{
    const char *place = "libexec/sallyport";

    if (strcmp(name, "sallyport") == 0) /* the client */
        place = "bin";
    else if (strncmp(name, "sallyport", 9) == 0)
        place = "sbin";
    return join(server_build(place), name);
}

const char *in_source(const char *name)
{
    const char *source = getenv("SALLYPORT_SOURCE");

    return join(source ? source : SOURCE_DIR, name);
}

const char *server_path(const struct server *s, const char *name)
{
    return join(s->folder, name);
}

const char *server_home(const struct server *s, const char *user)
{
    return join(s->homes, user);
}

const char *server_home_file(const struct server *s, const char *user,
                             const char *name)
{
    return join(server_home(s, user), name);
}

const char *server_share_path(const struct server *s, const char *path)
{
    return join(join(s->folder, "shares"), path[0] == '/' ? path + 1 : path);
}

void server_put(const struct server *s, const char *user, const char *name,
                const void *bytes, size_t len)
{
    const char *path = server_home_file(s, user, name);

    files_write(path, bytes, len, 0600);
    files_give_to_owner_of(server_home(s, user), path);
}

bool server_is_sanitized(void)
{
#ifdef SALLYPORT_UNFILTERED
    return true;
#else
    return false;
#endif
}
