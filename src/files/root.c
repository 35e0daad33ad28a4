/* How the process files gets its root: it opens the home with the user's ids,
 * so that a wrong home in the users file shows nothing that this user couldn't
 * see anyway. Then it gives everything else up. */
#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "resolve.h"
#include "sallyport/base/fd.h"
#include "sallyport/sandbox/sandbox.h"

/* Far more than the two dozen that it holds at once. The kernel also limits by
 * it what all processes of the uid have sent and not yet received, and without
 * root all sessions share one uid. */
#define ROOT_MAX_FILES 1024

/* Asks the kernel whether the user may search the home: one that can't be
 * entered is reported at login. */
static int root_searchable(int fd)
{
    return fd < 0 ? fd : resolve_in(fd, ".", O_PATH | O_DIRECTORY, 0);
}

static int root_open_home(const char *home)
{
    FD_CLEANUP int fd = open(home, O_PATH | O_DIRECTORY | O_CLOEXEC);

    return root_searchable(fd < 0 ? -errno : fd);
}

static int root_open_as_user(const struct files_start *start)
{
    int r = sandbox_become(start->uid, start->gid, NULL, 0);

    if (r < 0)
        return r;
    FD_CLEANUP int fd = root_open_home(start->home);
    r = sandbox_regain();
    if (r < 0)
        return r;
    return fd < 0 ? fd : fd_take(&fd);
}

/* The only comparison of strings: it finds the end of the homes' directory in
 * the home's path. The kernel decides whether the rest stays beneath it. */
static const char *root_beneath_homes(const char *homes, const char *home)
{
    size_t len = strlen(homes);

    while (len > 0 && homes[len - 1] == '/')
        len--;
    if (strncmp(home, homes, len) != 0 || home[len] != '/')
        return NULL;
    home += len;
    while (*home == '/')
        home++;
    return *home ? home : NULL;
}

/* Without root, a users file that somebody else may edit could name any of the
 * caller's directories; so all homes lie in one place. */
static int root_open_as_caller(const struct files_start *start)
{
    const char *rest = root_beneath_homes(start->homes, start->home);

    if (!rest)
        return -EXDEV;
    FD_CLEANUP int homes = open(start->homes, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (homes < 0)
        return -errno;
    FD_CLEANUP int fd = resolve_beneath(homes, rest, O_PATH | O_DIRECTORY);
    return root_searchable(fd);
}

int root_open(const struct files_start *start)
{
    return start->root ? root_open_as_user(start) : root_open_as_caller(start);
}

int root_enter_sandbox(const struct files_start *start, int root,
                       struct complaint *c)
{
    struct sandbox_plan plan = {
        .root = start->root,
        .uid = start->uid,
        .gid = start->gid,
        .root_fd = root,
        .beneath = &root,
        .beneath_count = 1,
        .filter = &filter_files,
        .max_files = ROOT_MAX_FILES,
        .allow_weaker = start->rules.allow_weaker,
    };
    unsigned weaker = 0; /* master reports at start what is weaker */

    return sandbox_enter(PROCESS_FILES, &plan, &weaker, c) == 0 ? 0 : -EPERM;
}
