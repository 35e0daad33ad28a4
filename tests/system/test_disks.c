/* Disks that are full, read-only or broken. All tests need root, which mounts
 * file systems in a mount namespace of this program. */
#include <sys/mount.h>
#include <sys/statvfs.h>

#include "blockdev.h"
#include "clock.h"
#include "fault.h"
#include "support/files.h"
#include "support/run.h"
#include "support/served.h"
#include "support/test.h"
#include "support/wait.h"

#define LEN (600 * FAULT_KIB)

ReportHook(PRE_ALL)(struct criterion_test_set *set)
{
    (void)set;
    blockdev_need_namespace();
    server_share(PLAN(USERS({ .name = "full" }, { .name = "inodes" },
                            { .name = "readonly" }, { .name = "write" },
                            { .name = "fsync" }, { .name = "folder" },
                            { .name = "rename" })));
}

/* Mounts a file system with these limits on the user's home. */
static void mount_home(const struct server *server, const char *user,
                       const char *limits)
{
    const char *home = server_home(server, user);
    char options[128];
    struct stat st;

    cr_assert_eq(stat(home, &st), 0);
    snprintf(options, sizeof(options), "%s,mode=0700,uid=%u,gid=%u", limits,
             (unsigned)st.st_uid, (unsigned)st.st_gid);
    cr_assert_eq(mount("tmpfs", home, "tmpfs", 0, options), 0, "%s", options);
}

static void end(struct session *s, const struct server *server,
                const char *user)
{
    session_close(s);
    umount2(server_home(server, user), MNT_DETACH);
}

/* The disk is full in the middle of an upload, and before an upload that ALLO
 * announces. */
SharedTest(disks, full, 60)
{
    unsigned char *bytes = fault_noise(2 * FAULT_MIB);
    struct session s;
    struct data d;

    mount_home(server, "full", "size=1m");
    const char *filler = server_home_file(server, "full", "filler");
    files_write(filler, bytes, LEN, 0600);
    files_give_to_owner_of(server_home(server, "full"), filler);
    server_shared(server);
    session_enter(&s, server, "full");
    data_open(&s, &d, "STOR f");
    fault_write(&d, bytes, LEN);
    session_expect(&s, "452 {*}");
    data_cut(&d, false);
    fault_expect_absent(server, "full", "f");
    /* No part of the upload keeps the disk full. */
    session_do(&s, "550 {*}", "SIZE f");
    cr_expect_eq(fault_count_partials(server, "full"), 0);
    session_do(&s, "552 {*}", "ALLO %u", LEN);
    session_do(&s, "250 {*}", "DELE filler");
    fault_retry(&s, server, "full", "f", bytes, LEN);
    fault_expect_event(server, "full", "f", 452, "no space");
    end(&s, server, "full");
    free(bytes);
}

/* There is room for bytes, but not for another file. */
SharedTest(disks, no_inodes, 60)
{
    struct session s;
    struct data d;

    mount_home(server, "inodes", "size=1m,nr_inodes=2");
    server_shared(server);
    session_enter(&s, server, "inodes");
    session_store(&s, "STOR", "other", "x", 1);
    data_connect(&s, &d);
    session_do(&s, "452 {*}", "STOR f");
    data_cut(&d, false);
    fault_expect_absent(server, "inodes", "f");
    session_do(&s, "250 {*}", "DELE other");
    fault_retry(&s, server, "inodes", "f", "y", 1);
    fault_expect_event(server, "inodes", "f", 452, "no space");
    end(&s, server, "inodes");
}

SharedTest(disks, read_only, 60)
{
    unsigned long bind = MS_REMOUNT | MS_BIND;
    struct session s;
    struct data d;

    const char *home = server_home(server, "readonly");
    cr_assert_eq(mount(home, home, NULL, MS_BIND, NULL), 0);
    cr_assert_eq(mount(NULL, home, NULL, bind | MS_RDONLY, NULL), 0);
    server_shared(server);
    session_enter(&s, server, "readonly");
    data_connect(&s, &d);
    session_do(&s, "550 Read-only file system.", "STOR f");
    data_cut(&d, false);
    session_do(&s, "550 Read-only file system.", "MKD d");
    fault_expect_absent(server, "readonly", "f");
    cr_assert_eq(mount(NULL, home, NULL, bind, NULL), 0);
    fault_retry(&s, server, "readonly", "f", "x", 1);
    fault_expect_event(server, "readonly", "f", 550, "read-only");
    end(&s, server, "readonly");
}

/* Makes a system call of one process fail, as on a broken disk. strace does it,
 * since a preload can't do it for the server. */
static bool is_attached(void *argument)
{
    const struct running *strace = argument;
    char text[512];
    ssize_t n = pread(strace->out, text, sizeof(text) - 1, 0);

    text[n > 0 ? n : 0] = '\0';
    return strstr(text, " attached") != NULL;
}

static void break_calls(struct running *strace, int pid, const char *inject)
{
    char number[16];

    snprintf(number, sizeof(number), "%d", pid);
    run_start(strace, NULL,
              (char *[]){ "strace", "-o", "/dev/null", "-p", number, "-e",
                          (char *)(uintptr_t)inject, NULL });
    if (!wait_until(is_attached, strace, WAIT_MS))
        cr_assert_fail("strace did not attach");
}

static void mend(struct running *strace)
{
    struct run_result r;

    kill(strace->pid, SIGTERM);
    run_finish(strace, &r);
    run_release(&r);
}

static void broken(const char *user, const char *kind, const char *inject,
                   const char *reply, const char *reason)
{
    unsigned char *bytes = fault_noise(LEN);
    bool stored = strstr(reply, "complete") != NULL;
    struct running strace;
    struct server server;
    struct session s;
    struct data d;

    server_shared(&server);
    session_enter(&s, &server, user);
    data_open(&s, &d, "STOR f");
    break_calls(&strace, fault_process(&server, user, kind), inject);
    fault_write(&d, bytes, LEN);
    tls_client_shutdown(d.tls);
    session_expect(&s, reply);
    mend(&strace);
    data_cut(&d, false);
    if (stored)
        fault_expect_whole(&server, user, "f", bytes, LEN);
    else
        fault_expect_absent(&server, user, "f");
    fault_retry(&s, &server, user, "f", bytes, LEN);
    fault_expect_event(&server, user, "f", 451, reason);
    session_close(&s);
    free(bytes);
}

/* The rename makes the file visible. If an error comes after it, the file is
 * there, but it isn't certain that it stays. */
Test(disks, errors, .timeout = 240)
{
    static const char error[] = "451 Error on the server: input/output error.";

    broken("write", "sallyport: session",
           "inject=pwrite64:error=EIO:syscall=getpid",
           "451 Error on the server: write failed.", "write failed");
    broken("fsync", "sallyport: files", "inject=fsync:error=EIO:syscall=getpid",
           error, "input/output error");
    broken("rename", "sallyport: files",
           "inject=renameat,renameat2:error=EIO:syscall=getpid", error,
           "input/output error");
    broken("folder", "sallyport: files",
           "inject=fsync:error=EIO:when=2:syscall=getpid",
           "451 The file is complete{*}", "after the rename");
}

#define OLD_PARTIALS 4
#define OLD_LEN      (8 * FAULT_MIB)

static uint64_t free_bytes(const struct blockdev *b)
{
    struct statvfs disk;

    cr_assert_eq(statvfs(b->home, &disk), 0);
    return (uint64_t)disk.f_bavail * disk.f_frsize;
}

struct look {
    const struct blockdev *disk;
    uint64_t free;
};

static bool is_as_before(void *argument)
{
    struct look *look = argument;
    const uint64_t before = look->free;

    look->free = free_bytes(look->disk);
    return look->free == before;
}

/* Fills the disk until a few MiB are free. Then waits, since xfs frees in the
 * background the room that it had kept for growing files. */
static void fill(const struct blockdev *b)
{
    char path[SERVER_PATH_MAX + 32];
    uint64_t len = free_bytes(b);

    for (int i = 0; i < 30 && free_bytes(b) > 2 * FAULT_MIB; i++) {
        snprintf(path, sizeof(path), "%s/filler-%d", b->home, i);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        cr_assert_geq(fd, 0);
        if (posix_fallocate(fd, 0, (off_t)len) != 0)
            len /= 2;
        cr_assert_eq(syncfs(fd), 0);
        close(fd);
    }
    cr_assert(wait_until(is_as_before, &(struct look){ .disk = b }, WAIT_MS));
}

/* Waits for files: on a full disk files deletes the partial when the upload
 * ends. */
static void cut_upload(struct session *s, const char *name, const void *bytes)
{
    struct data d;

    data_open(s, &d, "STOR %s", name);
    data_write(&d, bytes, OLD_LEN);
    data_cut(&d, false);
    cr_assert_geq(session_reply(s), 400);
    session_wait_files(s);
}

/* Appends until the disk is full, whether the server shares blocks or copies
 * them. The old file must stay, and the server must remove the old partials as
 * room for the next upload. */
static void fill_by_append(struct stage *t, size_t len)
{
    char longer[64];

    data_open(&t->s, &t->d, "APPE new");
    fault_write(&t->d, t->bytes, 4 * OLD_LEN);
    session_expect(&t->s, "452 {*}");
    data_cut(&t->d, false);
    session_wait_files(&t->s);
    fault_expect_whole(&t->server, "anna", "new", t->bytes, len);
    cr_expect_eq(fault_count_partials(&t->server, "anna"), 0);
    session_store(&t->s, "APPE", "new", t->bytes, FAULT_MIB);
    snprintf(longer, sizeof(longer), "213 %zu", len + FAULT_MIB);
    session_do(&t->s, longer, "SIZE new");
}

/* The server removes old partials for an announced upload, but no more than
 * needed, even if the file system reports the removed bytes as free only
 * later. */
static void almost_full(const char *type, unsigned mib)
{
    char name[64];
    volatile time_t *ahead = clock_take(name, sizeof(name));
    struct stage t;
    size_t len;

    setenv("SALLYPORT_TEST_CLOCK", name, 1);
    setenv("LD_PRELOAD", server_build(CLOCK_PRELOAD), 1);
    stage_open(&t, PLAN(0), type, mib, 4 * OLD_LEN);
    unsetenv("LD_PRELOAD");
    for (int i = 0; i < OLD_PARTIALS; i++)
        cut_upload(&t.s, (char[]){ 'a', (char)('0' + i), 0 }, t.bytes);
    cr_assert_eq(fault_count_partials(&t.server, "anna"), OLD_PARTIALS);
    *ahead = 2 * 3600;
    fill(&t.disk);
    len = free_bytes(&t.disk) + 4 * FAULT_MIB;
    cr_assert_leq(len, 4 * OLD_LEN, "%zu", len);
    session_do(&t.s, "200 {*}", "ALLO %zu", len);
    session_store(&t.s, "STOR", "new", t.bytes, len);
    unsigned rest = fault_count_partials(&t.server, "anna");
    cr_expect_eq(rest, OLD_PARTIALS - 1, "%u", rest);
    fault_expect_whole(&t.server, "anna", "new", t.bytes, len);
    fill_by_append(&t, len);
    stage_close(&t);
    unlink(name);
}

Test(disks, almost_full_ext4, .timeout = 120)
{
    almost_full("ext4", 128);
}

Test(disks, almost_full_xfs, .timeout = 120)
{
    almost_full("xfs", 320);
}

Test(disks, almost_full_btrfs, .timeout = 120)
{
    almost_full("btrfs", 256);
}
