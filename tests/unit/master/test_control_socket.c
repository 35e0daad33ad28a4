/* The control socket in the file system: made, taken over from a server that
 * was killed, never from one that lives, and removed. */
#include "master/control_socket.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/base/local.h"

static char base[64], path[128];

static void enter(void)
{
    strcpy(base, "/tmp/sallyport-control-XXXXXX");
    cr_assert(mkdtemp(base));
    snprintf(path, sizeof(path), "%s/run/control", base);
}

static void leave(void)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -rf %s", base);
    cr_assert_eq(system(command), 0);
}

TestSuite(control_socket, .init = enter, .fini = leave);

static unsigned mode_of(const char *name)
{
    struct stat st;

    return lstat(name, &st) == 0 ? st.st_mode & 07777u : 0;
}

static bool is_there(void)
{
    return mode_of(path) != 0;
}

static void opens(struct control_socket *s)
{
    struct complaint c = { "" };

    cr_assert_eq(control_socket_open(s, path, &c), 0, "%s", c.text);
}

static void is_refused(int result, const char *words)
{
    struct control_socket s;
    struct complaint c = { "" };

    cr_assert_eq(control_socket_open(&s, path, &c), result, "%s", c.text);
    cr_expect(strstr(c.text, words), "%s", c.text);
    cr_expect(strncmp(c.text, path, strlen(path)) == 0, "%s", c.text);
    cr_expect_eq(s.fd, -1);
    cr_expect_eq(s.folder, -1);
}

static void make_folder(mode_t mode)
{
    char run[128];

    snprintf(run, sizeof(run), "%s/run", base);
    cr_assert_eq(mkdir(run, 0700), 0);
    cr_assert_eq(chmod(run, mode), 0);
}

Test(control_socket, is_made_and_removed)
{
    struct control_socket s;
    char run[128];

    snprintf(run, sizeof(run), "%s/run", base);
    umask(0);
    opens(&s);
    cr_expect_eq(mode_of(run), 0750);
    cr_expect_eq(mode_of(path), 0600);
    cr_expect_eq(umask(0), 0, "the umask is as it was");
    control_socket_close(&s);
    cr_expect_not(is_there());
    control_socket_close(&s); /* once more does no harm */
}

Test(control_socket, another_server_answers)
{
    struct control_socket first;

    opens(&first);
    is_refused(-EAGAIN, "another server answers there");
    cr_assert(is_there());
    control_socket_close(&first);
}

/* Its queue is full: that is a server too, though nobody gets in. */
Test(control_socket, a_busy_server_answers)
{
    struct control_socket first;
    struct sockaddr_un at;
    int size, n = 0;

    opens(&first);
    size = local_address(first.folder, first.name, &at);
    for (;; n++) {
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);

        cr_assert_lt(n, 1000);
        if (connect(fd, (struct sockaddr *)&at, (socklen_t)size) < 0)
            break;
    }
    is_refused(-EAGAIN, "another server answers there");
    cr_assert(is_there());
}

/* As after SIGKILL: the name is there, and nobody behind it. */
Test(control_socket, a_stale_one_is_replaced)
{
    struct control_socket s;

    opens(&s);
    fd_close(&s.fd);
    fd_close(&s.folder);
    cr_assert(is_there());
    opens(&s);
    is_refused(-EAGAIN, "another server answers there");
    control_socket_close(&s);
    cr_assert_not(is_there());
}

/* Tries once all may, tells whether it got the name, and stays. */
static _Noreturn void try_it(int go, int told, int stay)
{
    struct control_socket s;
    struct complaint c = { "" };
    char byte;

    while (read(go, &byte, 1) != 0)
        ;
    byte = control_socket_open(&s, path, &c) == 0 ? '1' : '0';
    if (write(told, &byte, 1) != 1)
        _exit(1);
    while (read(stay, &byte, 1) != 0)
        ;
    _exit(0);
}

#define MANY 8
#define ROUNDS                                                                 \
    60 /* enough for the race to be lost now and then without a lock */

/* Of many that start at once on a stale name one gets it. */
static int race(void)
{
    int go[2], told[2], stay[2], won = 0;
    struct control_socket s;
    char byte;

    opens(&s);
    fd_close(&s.fd);
    fd_close(&s.folder);
    cr_assert(pipe(go) == 0 && pipe(told) == 0 && pipe(stay) == 0);
    for (int i = 0; i < MANY; i++)
        if (fork() == 0) {
            close(go[1]);
            close(stay[1]);
            try_it(go[0], told[1], stay[0]);
        }
    close(go[1]);
    for (int i = 0; i < MANY; i++) {
        cr_assert_eq(read(told[0], &byte, 1), 1);
        won += byte == '1';
    }
    close(stay[1]);
    while (wait(NULL) > 0)
        ;
    close(go[0]);
    close(stay[0]);
    close(told[0]);
    close(told[1]);
    return won;
}

Test(control_socket, one_of_many)
{
    for (int i = 0; i < ROUNDS; i++)
        cr_assert_eq(race(), 1, "round %d", i);
}

/* Somebody holds the folder's lock, for whatever reason: it is told. */
Test(control_socket, the_folder_is_locked)
{
    char run[128];

    make_folder(0700);
    snprintf(run, sizeof(run), "%s/run", base);
    FD_CLEANUP int fd = open(run, O_RDONLY);
    cr_assert_eq(flock(fd, LOCK_EX), 0);
    is_refused(-EAGAIN, "timed out");
    cr_assert_not(is_there());
}

Test(control_socket, what_stands_there_already)
{
    char target[128];

    make_folder(0700);
    cr_assert_eq(close(open(path, O_CREAT | O_WRONLY, 0600)), 0);
    is_refused(-EINVAL, "no socket");
    cr_assert(is_there());
    cr_assert_eq(unlink(path), 0);

    snprintf(target, sizeof(target), "%s/elsewhere", base);
    cr_assert_eq(symlink(target, path), 0);
    is_refused(-EINVAL, "no socket");
    cr_expect_eq(mode_of(target), 0, "nothing is made where a link leads");
}

Test(control_socket, folders_that_are_refused)
{
    make_folder(0770);
    is_refused(-EINVAL, "writable by others");
    snprintf(path, sizeof(path), "%s/no/where/control", base);
    is_refused(-EINVAL, "No such file");
    snprintf(path, sizeof(path), "%s/run/", base);
    is_refused(-EINVAL, "Invalid");
    if (geteuid() == 0) {
        snprintf(path, sizeof(path), "%s/run/control", base);
        char run[128];

        snprintf(run, sizeof(run), "%s/run", base);
        cr_assert_eq(chmod(run, 0700), 0);
        cr_assert_eq(chown(run, 70000, 70000), 0);
        is_refused(-EINVAL, "belongs to uid 70000");
    }
}

/* Another server's by now: it stays. */
Test(control_socket, removes_only_its_own)
{
    struct control_socket s, other;

    opens(&s);
    cr_assert_eq(unlink(path), 0);
    opens(&other);
    control_socket_close(&s);
    cr_expect(is_there());
    control_socket_close(&other);
    cr_expect_not(is_there());
}
