#include "scratch.h"

#include <ftw.h>
#include <sched.h>
#include <sys/mount.h>

#include "fail.h"
#include "test.h"

char scratch[SCRATCH_SIZE];

void scratch_make(void)
{
    const char *in = getenv("TMPDIR");
    const int n = snprintf(scratch, sizeof(scratch), "%s/sallyport-test-XXXXXX",
                           in && *in ? in : "/tmp");

    FAIL_IF(n >= (int)sizeof(scratch), "TMPDIR is too long: %s", in);
    FAIL_IF(!mkdtemp(scratch), "mkdtemp: %s", strerror(errno));
}

void scratch_enter(void)
{
    scratch_make();
    FAIL_IF(chdir(scratch), "chdir: %s", strerror(errno));
}

static int remove_one(const char *path, const struct stat *st, int kind,
                      struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

void scratch_remove_tree(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

void scratch_remove(void)
{
    chmod(scratch, 0700);
    scratch_remove_tree(scratch);
}

const char *in_scratch(const char *name)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", scratch, name);
    return path;
}

bool mounts_own(void)
{
    return geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
           mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}
