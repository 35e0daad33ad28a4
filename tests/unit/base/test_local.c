/* Paths of unix sockets, and the process at the other end. */
#include "sallyport/base/address.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

Test(local, folder_and_name)
{
    static const struct {
        const char *path, *folder, *name;
        int result;
    } rows[] = {
        { "/run/sallyport/control", "/run/sallyport", "control", 0 },
        { "/control", "/", "control", 0 },
        { "control", ".", "control", 0 },
        { "./a/control", "./a", "control", 0 },
        { "/run/", NULL, NULL, -EINVAL },
        { "", NULL, NULL, -EINVAL },
        { "/0123456789012345/control", NULL, NULL, -ENAMETOOLONG },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char folder[16];
        const char *name;

        cr_assert_eq(local_split(rows[i].path, folder, sizeof(folder), &name),
                     rows[i].result, "%s", rows[i].path);
        if (rows[i].result < 0)
            continue;
        cr_expect_str_eq(folder, rows[i].folder);
        cr_expect_str_eq(name, rows[i].name);
    }
}

/* A path that is too long for struct sockaddr_un. */
Test(local, a_long_path_and_its_peer)
{
    char base[] = "/tmp/sallyport-local-XXXXXX", name[251], far[512];
    struct sockaddr_un at;
    struct ucred who;
    int size;

    cr_assert(mkdtemp(base));
    memset(name, 'a', 250);
    name[250] = '\0';
    snprintf(far, sizeof(far), "%s/%s", base, name);
    cr_assert_eq(mkdir(far, 0700), 0);
    FD_CLEANUP int folder = open(far, O_PATH | O_DIRECTORY);
    FD_CLEANUP int server = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    FD_CLEANUP int client = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    size = local_address(folder, "control", &at);
    cr_assert_gt(size, 0);
    cr_assert_eq(bind(server, (struct sockaddr *)&at, (socklen_t)size), 0);
    cr_assert_eq(listen(server, 1), 0);
    cr_assert_eq(connect(client, (struct sockaddr *)&at, (socklen_t)size), 0);
    cr_assert_eq(local_peer(client, &who), 0);
    cr_expect_eq(who.uid, geteuid());
    cr_expect_eq(who.pid, getpid());
    cr_assert_eq(unlinkat(folder, "control", 0), 0);
    cr_assert_eq(rmdir(far), 0);
    cr_assert_eq(rmdir(base), 0);
}

Test(local, what_is_no_address)
{
    char name[110];
    struct sockaddr_un at;
    struct ucred who;

    memset(name, 'a', 109);
    name[109] = '\0';
    cr_expect_eq(local_address(3, name, &at), -ENAMETOOLONG);
    cr_expect_lt(local_peer(-1, &who), 0);
}
