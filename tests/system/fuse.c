/* Mounts and unmounts the file system of fuse.py. */
#include "fuse.h"

#include <sys/mount.h>

#include "support/scratch.h"
#include "support/server.h"
#include "support/test.h"
#include "support/wait.h"

void fuse_begin(void)
{
    if (geteuid() != 0)
        cr_skip_test("needs root");
    cr_assert(mounts_own(), "unshare: %m");
}

static pid_t fuse_start(const char *folder, const char *how, const char *lack,
                        const char *other)
{
    struct pollfd one = { .events = POLLIN };
    char uid[16];
    struct stat at;
    int ends[2];
    pid_t pid;

    cr_assert_eq(stat(folder, &at), 0);
    const char *script = in_source("tests/system/fuse.py");
    snprintf(uid, sizeof(uid), "%u", (unsigned)at.st_uid);
    cr_assert_eq(pipe(ends), 0);
    pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], 1);
        execl("/usr/bin/python3", "python3", "-S", script, folder, uid, how,
              lack, other, NULL);
        _exit(127);
    }
    close(ends[1]);
    one.fd = ends[0];
    cr_assert_eq(poll(&one, 1, WAIT_MS), 1);
    cr_assert(one.revents & POLLIN, "nothing is mounted");
    close(ends[0]);
    return pid;
}

pid_t fuse_mount(const char *folder)
{
    return fuse_start(folder, NULL, NULL, NULL);
}

pid_t fuse_mount_remote(const char *folder)
{
    return fuse_start(folder, "remote", NULL, NULL);
}

pid_t fuse_mount_without(const char *folder, const char *lack)
{
    char how[64];

    snprintf(how, sizeof(how), "lacks=%s", lack);
    return fuse_start(folder, "remote", how, NULL);
}

pid_t fuse_mount_tree_without(const char *folder, const char *lack)
{
    char how[64];

    snprintf(how, sizeof(how), "lacks=%s", lack);
    return fuse_start(folder, "remote", how, "tree=0");
}

pid_t fuse_mount_twice(const char *folder, const char *other)
{
    char second[SERVER_PATH_MAX + 8];

    snprintf(second, sizeof(second), "other=%s", other);
    return fuse_start(folder, "remote", "lacks=openness", second);
}

unsigned fuse_requests(const char *folder, const char *kind)
{
    char path[SERVER_PATH_MAX], name[32];
    unsigned count, sum = 0;
    FILE *file;

    snprintf(path, sizeof(path), "%s/requests", folder);
    file = fopen(path, "r");
    cr_assert_not_null(file, "%s: %m", path);
    while (fscanf(file, "%31s %u", name, &count) == 2)
        if (!kind || strcmp(kind, name) == 0)
            sum += count;
    fclose(file);
    return sum;
}

void fuse_hang(pid_t pid)
{
    cr_assert_eq(kill(pid, SIGUSR1), 0);
}

pid_t fuse_mount_hung(const char *folder)
{
    pid_t pid = fuse_mount(folder);

    fuse_hang(pid);
    return pid;
}

void fuse_unmount(const char *folder, pid_t pid)
{
    umount2(folder, MNT_DETACH);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}
