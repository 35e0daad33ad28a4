/* Makes file systems on loop devices, and cuts their power. */
#include "blockdev.h"

#include <sys/mount.h>
#include <sys/statvfs.h>

#include "fault.h"
#include "sallyport/base/fd.h"
#include "support/fail.h"
#include "support/files.h"
#include "support/run.h"
#include "support/test.h"
#include "support/wait.h"

/* EXT4_IOC_SHUTDOWN and XFS_IOC_GOINGDOWN are the same number. */
#define GOING_DOWN _IOR('X', 125, uint32_t)

static void must_run(char *const arguments[])
{
    struct run_result r;

    run_arguments(&r, NULL, arguments);
    cr_assert_eq(r.status, 0, "%s: %s", arguments[0], r.text);
    run_release(&r);
}

static void mount_it(struct blockdev *b)
{
    must_run((char *[]){ "mount", "-t", b->type, "-o", "loop", b->image,
                         b->home, NULL });
}

static void mount_store(struct blockdev *b, unsigned long mib,
                        unsigned long flags)
{
    char options[64];

    snprintf(options, sizeof(options), "size=%lum", mib);
    cr_assert_eq(mount("tmpfs", b->store, "tmpfs", flags, options), 0, "%s",
                 strerror(errno));
}

static void make_filesystem(struct blockdev *b)
{
    files_write(b->image, "", 0, 0600);
    cr_assert_eq(truncate(b->image, (off_t)b->mib << 20), 0);
    if (strcmp(b->type, "ext4") == 0)
        must_run((char *[]){ "mkfs.ext4", "-q", "-m", "0", "-J", "size=4",
                             b->image, NULL });
    else if (strcmp(b->type, "btrfs") == 0)
        must_run((char *[]){ "mkfs.btrfs", "-q", b->image, NULL });
    else
        must_run((char *[]){ "mkfs.xfs", "-q", b->image, NULL });
}

void blockdev_make(struct blockdev *b, const struct server *server,
                   const char *user, const char *type, unsigned mib)
{
    struct stat st;
    char name[64];

    *b = (struct blockdev){ .server = server, .mib = mib };
    snprintf(b->user, sizeof(b->user), "%s", user);
    snprintf(b->type, sizeof(b->type), "%s", type);
    snprintf(b->home, sizeof(b->home), "%s", server_home(server, user));
    snprintf(name, sizeof(name), "store-%s", user);
    snprintf(b->store, sizeof(b->store), "%s", server_path(server, name));
    snprintf(b->image, sizeof(b->image), "%s/image", b->store);
    files_make_folder(b->store, 0700);
    mount_store(b, 2 * b->mib, 0);
    make_filesystem(b);
    cr_assert_eq(stat(b->home, &st), 0);
    mount_it(b);
    cr_assert_eq(chown(b->home, st.st_uid, st.st_gid), 0);
    cr_assert_eq(chmod(b->home, 0700), 0);
    /* The first power cut must not lose the owner and the mode. */
    must_run((char *[]){ "sync", "-f", b->home, NULL });
}

static void write_file(const char *path, size_t len)
{
    static char block[65536];
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    cr_assert_geq(fd, 0);
    for (size_t at = 0; at < len; at += sizeof(block))
        cr_assert_eq(fd_write_all(fd, block, sizeof(block)), 0);
    cr_assert_eq(fsync(fd), 0);
    close(fd);
    cr_assert_eq(unlink(path), 0);
}

/* Fills the journal once, and makes metadata for MIB MiB of data, so that later
 * only data needs room in the store. Otherwise the file system itself would
 * fail, too. */
static void write_metadata(struct blockdev *b, unsigned mib)
{
    char path[SERVER_PATH_MAX + 8];

    snprintf(path, sizeof(path), "%s/warm", b->home);
    write_file(path, (size_t)mib * FAULT_MIB);
    for (int i = 0; i < 800; i++)
        write_file(path, 1);
}

static unsigned long used_mib(const struct blockdev *b)
{
    struct statvfs disk;

    cr_assert_eq(statvfs(b->store, &disk), 0);
    return (disk.f_blocks - disk.f_bfree) * disk.f_frsize / FAULT_MIB;
}

struct trim {
    struct blockdev *b;
    unsigned long most;
};

/* Trims, since the file system frees deleted blocks late. Returns true if the
 * store uses at most .most MiB. */
static bool is_trimmed(void *argument)
{
    const struct trim *t = argument;

    must_run((char *[]){ "sync", "-f", t->b->home, NULL });
    must_run((char *[]){ "fstrim", t->b->home, NULL });
    return used_mib(t->b) <= t->most;
}

void blockdev_leave_room(struct blockdev *b, unsigned mib)
{
    struct trim t = { b, used_mib(b) + mib / 2 };

    write_metadata(b, 4 * mib);
    cr_assert(wait_until(is_trimmed, &t, WAIT_MS), "%lu MiB, not %lu",
              used_mib(b), t.most);
    mount_store(b, used_mib(b) + mib, MS_REMOUNT);
}

void blockdev_give_room(struct blockdev *b)
{
    mount_store(b, 2 * b->mib, MS_REMOUNT);
}

void blockdev_power_cut(struct blockdev *b, enum blockdev_cut cut)
{
    uint32_t flag = cut;
    int fd = open(b->home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    cr_assert_geq(fd, 0);
    cr_assert_eq(ioctl(fd, GOING_DOWN, &flag), 0, "%s", strerror(errno));
    close(fd);
}

/* Unmounting fails while the user's last process is still ending. */
static bool is_unmounted(void *argument)
{
    const struct blockdev *b = argument;

    return umount2(b->home, 0) == 0;
}

void blockdev_again(struct blockdev *b)
{
    fault_wait_gone(b->server, b->user);
    if (!wait_until(is_unmounted, b, WAIT_MS))
        cr_assert_fail("%s: %s", b->home, strerror(errno));
    mount_it(b);
}

void blockdev_remove(struct blockdev *b)
{
    umount2(b->home, MNT_DETACH);
    umount2(b->store, MNT_DETACH);
    rmdir(b->store); /* for the next disk of this user */
}

void stage_open(struct stage *t, const struct server_plan *plan,
                const char *type, unsigned mib, size_t bytes)
{
    server_start(&t->server, plan);
    blockdev_make(&t->disk, &t->server, "anna", type, mib);
    t->bytes = fault_noise(bytes);
    session_enter(&t->s, &t->server, "anna");
}

void stage_close(struct stage *t)
{
    session_close(&t->s);
    server_stop(&t->server);
    blockdev_remove(&t->disk);
    free(t->bytes);
}

/* tests/table makes the namespace before it executes this program. Criterion
 * executes the program again by /proc/self/exe, and under a chroot a program of
 * another namespace has no path there. */
void blockdev_need_namespace(void)
{
    struct stat own, init;

    FAIL_IF(
        geteuid() != 0 || stat("/proc/self/ns/mnt", &own) < 0 ||
            (stat("/proc/1/ns/mnt", &init) == 0 && own.st_ino == init.st_ino),
        "start it as tests/table does: as root, by unshare --mount");
}
