/* The options of NFS in the kernel's table of mounts.
 * tests/system/test_mounts.c has a mount that lacks something. */
#include <linux/capability.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check/check.h"
#include "support/scratch.h"
#include "support/test.h"

Test(mounts, nfs)
{
    static const struct {
        const char *options;
        bool keeps_locks, remembers, gives_up;
    } rows[] = {
        { "rw,vers=4.2,acregmin=0,acregmax=0,acdirmin=0,acdirmax=0,hard,"
          "lookupcache=none,local_lock=none,addr=10.0.0.1",
          false, false, false },
        { "rw,noac,lookupcache=none,local_lock=none", false, false, false },
        { "rw,vers=4.2,hard,local_lock=none", false, true, false },
        { "rw,noac,hard,local_lock=none", false, true, false },
        { "rw,acregmax=0,lookupcache=none,local_lock=none", false, true,
          false },
        { "rw,vers=3,nolock,local_lock=all,lookupcache=none,noac", true, false,
          false },
        { "rw,local_lock=flock,lookupcache=none,noac", true, false, false },
        { "rw,soft,lookupcache=none,noac", false, false, true },
        { "rw,softerr,lookupcache=none,noac", false, false, true },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mount_info m = { .type = "nfs4" };

        snprintf(m.options, sizeof(m.options), "%s", rows[i].options);
        cr_expect_eq(mount_keeps_locks(&m), rows[i].keeps_locks, "%zu", i);
        cr_expect_eq(mount_remembers(&m), rows[i].remembers, "%zu", i);
        cr_expect_eq(mount_gives_up(&m), rows[i].gives_up, "%zu", i);
    }
}

static void shows_an_old_file(void *owner, const struct probe_loss *loss,
                              int error)
{
    (void)error;
    *(bool *)owner |= strstr(loss->what, "an old file") != NULL;
}

/* The trials have the ids of a home's user. The unit gives root no capability
 * to look into such a home. */
Test(mounts, a_private_home_without_capabilities, .init = scratch_make,
     .fini = scratch_remove)
{
    const struct __user_cap_header_struct header = {
        .version = _LINUX_CAPABILITY_VERSION_3
    };
    struct __user_cap_data_struct caps[2];
    bool old = false;
    int home, status;
    pid_t pid;

    if (geteuid() != 0)
        cr_skip_test("only root takes another uid");
    cr_assert_eq(mkdir(in_scratch("home"), 0700), 0);
    cr_assert_eq(chown(in_scratch("home"), 70000, 70000), 0);
    home = open(in_scratch("home"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    pid = fork();
    if (pid == 0) {
        memset(caps, 0, sizeof(caps));
        caps[0].permitted = caps[0].effective = 1U << CAP_SETUID;
        if (syscall(SYS_capset, &header, caps) < 0 || seteuid(70000) < 0 ||
            probe_directory(home, shows_an_old_file, &old) < 0)
            _exit(2);
        _exit(old);
    }
    close(home);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect_eq(status, 0, "%x", status);
}
