/* Tests the datagrams of sd_notify, to a path and to an abstract name. */
#include <sys/un.h>

#include "sallyport/base/fd.h"
#include "supervisor/supervisor.h"
#include "support/test.h"

static int listen_on(const char *where)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    size_t len = strlen(where);
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

    memcpy(a.sun_path, where, len);
    if (where[0] == '@')
        a.sun_path[0] = '\0';
    cr_assert(fd >= 0);
    cr_assert_eq(
        bind(fd, (struct sockaddr *)&a,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
        0);
    return fd;
}

static void expect_word(const char *where)
{
    int n;
    char got[64] = "";
    int fd = listen_on(where);

    cr_assert_eq(notify_open(&n, where), 0);
    notify_send(n, "READY=1");
    cr_assert_eq(recv(fd, got, sizeof(got), MSG_DONTWAIT), 7);
    cr_assert_str_eq(got, "READY=1");
    close(fd);
    notify_send(n, "STOPPING=1"); /* no reader is left */
    fd_close(&n);
}

Test(notify, both_kinds)
{
    char folder[] = "/tmp/sallyport-notify-XXXXXX", path[64], name[64];

    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/socket", folder);
    expect_word(path);
    unlink(path);
    rmdir(folder);
    snprintf(name, sizeof(name), "@%s", folder);
    expect_word(name);
}

Test(notify, nobody_asked)
{
    int n;

    cr_assert_eq(notify_open(&n, NULL), 0);
    notify_send(n, "READY=1");
    cr_assert_eq(notify_open(&n, ""), 0);
    notify_send(n, "READY=1");
    fd_close(&n);
}

Test(notify, refused)
{
    char longest[200];
    int n;

    memset(longest, 'x', sizeof(longest));
    longest[0] = '/';
    longest[sizeof(longest) - 1] = '\0';
    cr_assert_eq(notify_open(&n, "relative"), -EINVAL);
    cr_assert_eq(notify_open(&n, longest), -EINVAL);
    cr_assert_eq(notify_open(&n, "/nonexistent/socket"), -ENOENT);
    cr_assert_eq(n, -1);
}
