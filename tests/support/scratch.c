#include "scratch.h"

#include <fts.h>
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

void scratch_remove_tree(const char *path)
{
    char *const paths[] = { (char *)(uintptr_t)path, NULL };
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_XDEV, NULL);

    for (FTSENT *e; tree && (e = fts_read(tree));)
        if (e->fts_info != FTS_D)
            remove(e->fts_accpath);
        else if (e->fts_dev == tree->fts_dev) /* no disk is mounted there */
            chmod(e->fts_accpath, 0700);      /* a test may have closed it */
    if (tree)
        fts_close(tree);
}

void scratch_remove(void)
{
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
