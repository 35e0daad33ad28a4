/* Paths of unix sockets, and the process at the other end. */
#include "sallyport/base/address.h"

#include "sallyport/base/fd.h"
#include "support/test.h"

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

/* Connects to AT, as somebody who has logged in with UID, and waits. */
static _Noreturn void connect_as(const struct sockaddr_un *at, socklen_t size,
                                 const char *uid)
{
    int login = open("/proc/self/loginuid", O_WRONLY);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

    if (uid && write(login, uid, strlen(uid)) < 0)
        _exit(1);
    if (connect(fd, (const struct sockaddr *)at, size) < 0)
        _exit(2);
    pause();
    _exit(3);
}

/* Sudo changes the uid of a process, and not by which one somebody logged in. A
 * process that has ended has none: another one may have its pid. */
Test(local, the_login_of_a_peer)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    socklen_t size = sizeof(at);
    uint32_t login = 0;
    pid_t pid;
    int r;

    FD_CLEANUP int server = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    cr_assert_eq(bind(server, (struct sockaddr *)&at, sizeof(sa_family_t)), 0);
    cr_assert_eq(getsockname(server, (struct sockaddr *)&at, &size), 0);
    cr_assert_eq(listen(server, 1), 0);
    pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0)
        connect_as(&at, size, "4321");
    struct pollfd knock = { .fd = server, .events = POLLIN };
    if (poll(&knock, 1, 2000) != 1) {
        kill(pid, SIGKILL);
        cr_skip_test("a process can't set its loginuid here");
    }
    FD_CLEANUP int fd = accept(server, NULL, NULL);
    r = local_peer_login(fd, &login);
    if (r == -ENOPROTOOPT)
        cr_skip_test("this kernel has no SO_PEERPIDFD");
    cr_expect_eq(r, 0);
    cr_expect_eq(login, 4321);
    kill(pid, SIGKILL);
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
    cr_expect_lt(local_peer_login(fd, &login), 0);
    cr_expect_lt(local_peer_login(-1, &login), 0);
}

/* As a process that a timer has started. */
Test(local, a_peer_without_a_login)
{
    uint32_t login;
    int pair[2];
    char text[16] = "";

    FD_CLEANUP int own = open("/proc/self/loginuid", O_RDONLY);
    if (read(own, text, sizeof(text) - 1) < 1 || strcmp(text, "4294967295"))
        cr_skip_test("somebody has logged in, or the kernel doesn't know");
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    cr_expect_lt(local_peer_login(pair[0], &login), 0);
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
