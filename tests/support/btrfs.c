/* Runs mkfs.btrfs of btrfs-progs and mount(8), and calls the kernel for the
 * rest. */
#include "btrfs.h"

#include <linux/btrfs.h>
#include <sys/mount.h>

#include "files.h"
#include "run.h"
#include "scratch.h"
#include "test.h"

static void must_run(char *const arguments[])
{
    struct run_result r;

    run_arguments(&r, NULL, arguments);
    cr_assert_eq(r.status, 0, "%s: %s", arguments[0], r.text);
    run_release(&r);
}

bool btrfs_mount(const char *directory)
{
    char image[256], *at = (char *)(uintptr_t)directory;

    if (!mounts_own() || mount("tmpfs", directory, "tmpfs", 0, NULL))
        return false;
    snprintf(image, sizeof(image), "%s/image", directory);
    files_write(image, "", 0, 0600);
    cr_assert_eq(truncate(image, (off_t)BTRFS_MIB << 20), 0);
    must_run((char *[]){ "mkfs.btrfs", "-q", "--mixed", image, NULL });
    must_run(
        (char *[]){ "mount", "-t", "btrfs", "-o", "loop", image, at, NULL });
    return true;
}

static void call(const char *directory, unsigned long request, void *argument)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    cr_assert_geq(fd, 0, "%s", directory);
    cr_assert_eq(ioctl(fd, request, argument), 0, "%m");
    close(fd);
}

void btrfs_enable_quotas(const char *directory)
{
    struct btrfs_ioctl_quota_ctl_args enable = { .cmd =
                                                     BTRFS_QUOTA_CTL_ENABLE };

    call(directory, BTRFS_IOC_QUOTA_CTL, &enable);
    call(directory, BTRFS_IOC_QUOTA_RESCAN_WAIT, NULL);
}

void btrfs_sync(const char *directory)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    cr_assert_eq(syncfs(fd), 0);
    close(fd);
}

void btrfs_unmount(const char *directory)
{
    umount2(directory, MNT_DETACH); /* first btrfs, then the tmpfs below it */
    umount2(directory, MNT_DETACH);
}
