/* The lines of the kernel's table of mounts, and the options of NFS in them.
 * tests/system/test_mounts.c has a mount that lacks something. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "check/check.h"

Test(mounts, nfs)
{
    static const struct {
        const char *options;
        bool keeps_locks, remembers;
    } rows[] = {
        { "rw,vers=4.2,acregmin=0,acregmax=0,acdirmin=0,acdirmax=0,hard,"
          "lookupcache=none,local_lock=none,addr=10.0.0.1",
          false, false },
        { "rw,noac,lookupcache=none,local_lock=none", false, false },
        { "rw,vers=4.2,hard,local_lock=none", false, true },
        { "rw,noac,hard,local_lock=none", false, true },
        { "rw,acregmax=0,lookupcache=none,local_lock=none", false, true },
        { "rw,vers=3,nolock,local_lock=all,lookupcache=none,noac", true,
          false },
        { "rw,local_lock=flock,lookupcache=none,noac", true, false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mount_info m = { .type = "nfs4" };

        snprintf(m.options, sizeof(m.options), "%s", rows[i].options);
        cr_expect_eq(mount_keeps_locks(&m), rows[i].keeps_locks, "%zu", i);
        cr_expect_eq(mount_remembers(&m), rows[i].remembers, "%zu", i);
    }
}

Test(mounts, lines)
{
    struct mount_info m;

    cr_assert(mount_parse(
        SLICE("162 42 0:43 / /srv/a\\040b rw,relatime shared:1 master:2 - "
              "fuse.glusterfs localhost:/drop rw,user_id=0,allow_other"),
        &m));
    cr_expect_eq(m.id, 162);
    cr_expect_str_eq(m.point, "/srv/a b");
    cr_expect_str_eq(m.type, "fuse.glusterfs");
    cr_expect_str_eq(m.source, "localhost:/drop");
    cr_expect(mount_has(&m, "user_id=0") && mount_has(&m, "allow_other"));
    cr_expect_not(mount_has(&m, "user_id") || mount_has(&m, "allow"));
    cr_assert(mount_parse(SLICE("1 2 0:5 / / rw - tmpfs tmp\\ rw"), &m));
    cr_expect_str_eq(m.source, "tmp\\");
    cr_expect_not(mount_parse(SLICE(""), &m));
    cr_expect_not(mount_parse(SLICE("1 2 0:5 / /srv rw shared:1"), &m));
    cr_expect_not(mount_parse(SLICE("1 2 0:5 / /srv rw - nfs4 a:/b"), &m));
    cr_expect_not(mount_parse(SLICE("x 2 0:5 / /srv rw - nfs4 a:/b rw"), &m));
}
