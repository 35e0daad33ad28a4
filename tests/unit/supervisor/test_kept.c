/* Tests descriptors that the supervisor keeps by name: it finds and lists
 * them. */
#include <netinet/in.h>

#include "sallyport/base/fd.h"
#include "sallyport/ipc/generation.h"
#include "supervisor/supervisor.h"
#include "support/test.h"

static int some_file(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void expect_names(const struct kept *k, const char *wanted)
{
    int fd = kept_names(k, "generation", 7);
    struct buf text;

    buf_init(&text, 4096);
    cr_assert(fd >= 0);
    cr_assert_eq(fd_read_file(fd, &text), 0);
    cr_expect(slice_equal(buf_slice(&text), slice_from(wanted)), "%.*s",
              (int)text.len, text.data);
    buf_release(&text);
    fd_close(&fd);
}

Test(kept, names)
{
    struct kept k = { 0 };
    char wanted[128];

    expect_names(&k, "generation 7\n");
    cr_assert_eq(kept_add(&k, SLICE("listen 127.0.0.1:21 0"), some_file()), 0);
    cr_assert_eq(kept_add(&k, SLICE("passive 127.0.0.1:0 3"), some_file()), 0);
    cr_expect_geq(k.row[0].fd, GENERATION_FIRST_FD);
    snprintf(wanted, sizeof(wanted),
             "generation 7\n%d listen 127.0.0.1:21 0\n"
             "%d passive 127.0.0.1:0 3\n",
             k.row[0].fd, k.row[1].fd);
    expect_names(&k, wanted);
    kept_release(&k);
}

/* When a generation has ended, its table of sessions is marked, so that each
 * process that maps the table sees the end. No later generation inherits the
 * table. */
Test(kept, table_of_sessions)
{
    struct kept k = { 0 }, other = { 0 }; /* other: of a new master */
    const int fd = memfd_create("sessions", MFD_CLOEXEC);
    const int mine = dup(fd);
    char mark = 0;

    cr_assert_eq(ftruncate(fd, 8), 0);
    cr_assert_eq(kept_add(&k, SLICE("sessions 1"), fd), 0);
    cr_assert_eq(kept_add(&k, SLICE("sessions 12"), some_file()), 0);
    cr_assert_eq(kept_add(&other, SLICE("sessions 12"), some_file()), 0);
    cr_assert_eq(kept_add(&other, SLICE("sessions 1"), dup(mine)), 0);
    kept_end_sessions(&k, 2);
    cr_expect_eq(k.count, 2);
    kept_drop_ended(&other);
    cr_expect_eq(other.count, 2);
    kept_end_sessions(&k, 1);
    cr_expect_eq(pread(mine, &mark, 1, 0), 1);
    cr_expect_neq(mark, 0);
    cr_expect_eq(k.count, 1);
    cr_expect_eq(kept_find(&k, "sessions 1"), -1);
    cr_expect_geq(kept_find(&k, "sessions 12"), 0);
    kept_drop_ended(&other);
    cr_expect_eq(other.count, 1);
    cr_expect_geq(kept_find(&other, "sessions 12"), 0);
    kept_release(&k);
    kept_release(&other);
    close(mine);
}

/* kept_replace() closes the descriptor that it replaces, and no other. */
Test(kept, replaced)
{
    struct kept k = { 0 };
    int before = some_file(), after;

    for (int i = 0; i < 200; i++)
        cr_assert_eq(kept_replace(&k, SLICE("users"), some_file()), 0);
    cr_expect_eq(k.count, 1);
    kept_release(&k);
    after = some_file();
    cr_expect_eq(after, before + 1);
    close(before);
    close(after);
}

Test(kept, many)
{
    struct kept k = { 0 };
    char name[32];

    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof(name), "passive %d", i);
        cr_assert_eq(kept_add(&k, slice_from(name), some_file()), 0);
    }
    cr_expect_eq(k.count, 500);
    cr_expect_str_eq(k.row[499].name, "passive 499");
    kept_release(&k);
}

Test(kept, passed_on)
{
    struct kept k = { 0 };

    cr_assert_eq(kept_add(&k, SLICE("a"), some_file()), 0);
    cr_expect_eq(fcntl(k.row[0].fd, F_GETFD), FD_CLOEXEC);
    cr_assert_eq(kept_pass_on(&k), 0);
    cr_expect_eq(fcntl(k.row[0].fd, F_GETFD), 0);
    kept_release(&k);
}

static int listen_ipv6(int only)
{
    struct sockaddr_in6 where = { .sin6_family = AF_INET6 };
    int fd = socket(AF_INET6, SOCK_STREAM, 0);

    if (fd < 0)
        cr_skip_test("no IPv6 here");
    cr_assert_eq(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)),
                 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&where, sizeof(where)), 0);
    cr_assert_eq(listen(fd, 1), 0);
    return fd;
}

/* The supervisor keeps a listener of systemd only if it accepts IPv6 alone.
 * Otherwise it would accept more clients than `listen` names. */
Test(kept, a_listener_of_both_families)
{
    for (int only = 0; only < 2; only++) {
        static struct supervisor s;
        int fd = listen_ipv6(only), status;
        pid_t pid = fork();

        if (pid == 0) {
            dup2(fd, 3);
            activation_take(&s, 1);
            _exit((int)s.kept.count);
        }
        cr_assert_eq(waitpid(pid, &status, 0), pid);
        cr_expect_eq(status, W_EXITCODE(only, 0));
        close(fd);
    }
}
