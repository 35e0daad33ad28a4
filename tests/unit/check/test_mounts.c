/* The options of NFS in the kernel's table of mounts.
 * tests/system/test_mounts.c has a mount that lacks something. */
#include "check/check.h"
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
