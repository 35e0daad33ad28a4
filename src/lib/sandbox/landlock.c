/* Landlock confines a process to directories, and to certain rights in each of
 * them. The process then can't open anything else, even with a descriptor of
 * another directory, or by a mistake in resolving a path. Landlock needs no
 * rights of root. This file must never permit a right that isn't in the lists
 * below. */
#include "steps.h"

#include <errno.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

/* Numbers that the installed header, of ABI 2, lacks. */
#define ACCESS_TRUNCATE        (UINT64_C(1) << 14) /* ABI 3 */
#define ACCESS_IOCTL_DEV       (UINT64_C(1) << 15) /* ABI 5 */
#define NET_BIND_TCP           UINT64_C(1)         /* ABI 4 */
#define NET_CONNECT_TCP        UINT64_C(2)         /* ABI 4 */
#define SCOPE_ABSTRACT_SOCKETS UINT64_C(1)         /* ABI 6 */
#define SCOPE_SIGNALS          UINT64_C(2)         /* ABI 6 */

/* The layout of ABI 6. An older kernel accepts it if the fields that it doesn't
 * know are zero. */
struct ruleset {
    uint64_t handled_files;
    uint64_t handled_network;
    uint64_t scoped;
};

#define ALL_OF_ABI_1                                                           \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |              \
     LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |              \
     LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |          \
     LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |              \
     LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |              \
     LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |            \
     LANDLOCK_ACCESS_FS_MAKE_SYM)

/* The rights. No row permits to execute a file, or to make a device, a socket,
 * a FIFO or a symbolic link. BENEATH_WRITE also permits to remove files: an
 * upload gets its name by a rename, which removes the old name. */
static const struct {
    unsigned may;
    uint64_t access;
} accesses[] = {
    { BENEATH_READ, LANDLOCK_ACCESS_FS_READ_FILE },
    { BENEATH_LIST, LANDLOCK_ACCESS_FS_READ_DIR },
    { BENEATH_WRITE, LANDLOCK_ACCESS_FS_WRITE_FILE |
                         LANDLOCK_ACCESS_FS_MAKE_REG | ACCESS_TRUNCATE |
                         LANDLOCK_ACCESS_FS_REMOVE_FILE },
    { BENEATH_DELETE, LANDLOCK_ACCESS_FS_REMOVE_FILE },
    { BENEATH_RENAME,
      LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE |
          LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR |
          LANDLOCK_ACCESS_FS_REFER },
    { BENEATH_DIRECTORY,
      LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR },
};

static struct ruleset ruleset_of(int abi)
{
    struct ruleset r = { .handled_files = ALL_OF_ABI_1 };

    if (abi >= 2)
        r.handled_files |= LANDLOCK_ACCESS_FS_REFER;
    if (abi >= 3)
        r.handled_files |= ACCESS_TRUNCATE;
    if (abi >= 4)
        r.handled_network = NET_BIND_TCP | NET_CONNECT_TCP;
    if (abi >= 5)
        r.handled_files |= ACCESS_IOCTL_DEV;
    if (abi >= 6)
        r.scoped = SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS;
    return r;
}

int landlock_confine(const struct beneath *directories, size_t n)
{
    int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
                           LANDLOCK_CREATE_RULESET_VERSION);
    struct ruleset rights = ruleset_of(abi);
    FD_CLEANUP int ruleset = -1;

    if (abi < 0)
        return -errno;
    ruleset =
        (int)syscall(SYS_landlock_create_ruleset, &rights, sizeof(rights), 0);
    if (ruleset < 0)
        return -errno;
    for (size_t i = 0; i < n; i++) {
        struct landlock_path_beneath_attr rule = { .parent_fd =
                                                       directories[i].fd };

        for (size_t k = 0; k < sizeof(accesses) / sizeof(accesses[0]); k++)
            if (directories[i].may & accesses[k].may)
                rule.allowed_access |= accesses[k].access;
        rule.allowed_access &= rights.handled_files;
        /* The kernel refuses a rule that permits nothing. */
        if (rule.allowed_access &&
            syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH,
                    &rule, 0))
            return -errno;
    }
    return syscall(SYS_landlock_restrict_self, ruleset, 0) ? -errno : 0;
}
