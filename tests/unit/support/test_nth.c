/* The Nth system call fails, in a function and in a program, as root and as
 * another user. */
#include "sallyport/base/fd.h"
#include "support/fail.h"
#include "support/nth.h"
#include "support/test.h"

#define NOBODY 65534

static void remove_all(const char *directory)
{
    char command[96];

    snprintf(command, sizeof(command), "rm -r %s", directory);
    FAIL_IF(system(command) != 0, "%s", command);
}

static struct nth *start(void)
{
    struct nth *nth = nth_new();

    if (!nth)
        cr_skip_test(NTH_MISSING);
    return nth;
}

/* Returns 10 times the number of the call that failed, and 1 for its errno. */
static int write_and_rename(void *directory)
{
    char a[64], b[64];

    snprintf(a, sizeof(a), "%s/a", (char *)directory);
    snprintf(b, sizeof(b), "%s/b", (char *)directory);
    FD_CLEANUP int fd = open(a, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return 10 + (errno == ENOSPC);
    if (write(fd, "x", 1) != 1)
        return 20 + (errno == ENOSPC);
    if (fsync(fd) < 0)
        return 30 + (errno == ENOSPC);
    return rename(a, b) < 0 ? 40 + (errno == ENOSPC) : 0;
}

static void expect_each_call_fails(struct nth *nth, char *directory)
{
    static const int status[] = { 11, 21, 31, 41, 0 };
    static const char *const names[] = { "openat", "write", "fsync", "rename" };
    unsigned n;

    for (n = 1; nth_goes_on(nth); n++) {
        nth_arm(nth, n, ENOSPC, NULL);
        int r = nth_run(nth, write_and_rename, directory);
        FAIL_IF(n > 5 || r != status[n - 1], "call %u: status %d", n, r);
        FAIL_IF(n < 5 && strncmp(nth_call(nth), names[n - 1], 6) != 0,
                "call %u is %s", n, nth_call(nth));
    }
    FAIL_IF(n != 6 || nth_count(nth) != 4 || nth_call(nth)[0], "%u calls",
            nth_count(nth));
}

Test(nth, each_call_fails_once)
{
    struct nth *nth = start();
    char directory[] = "/tmp/sallyport-nth-XXXXXX";

    cr_assert_not_null(mkdtemp(directory));
    expect_each_call_fails(nth, directory);
    nth_free(nth);
    remove_all(directory);
}

Test(nth, each_call_of_another_user_fails_once)
{
    int status;
    pid_t pid;

    nth_free(start());
    pid = fork();
    if (pid == 0) {
        char directory[] = "/tmp/sallyport-nth-XXXXXX";

        fail_in_child();
        FAIL_IF(geteuid() == 0 && (setgid(NOBODY) < 0 || setuid(NOBODY) < 0),
                "setuid: %d", errno);
        FAIL_IF(!mkdtemp(directory), "mkdtemp: %d", errno);
        struct nth *nth = nth_new();
        expect_each_call_fails(nth, directory);
        nth_free(nth);
        remove_all(directory);
        _exit(0);
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert_eq(status, 0);
}

Test(nth, a_process_is_killed_before_its_call)
{
    struct nth *nth = start();
    char directory[] = "/tmp/sallyport-nth-XXXXXX", path[64];

    cr_assert_not_null(mkdtemp(directory));
    nth_arm(nth, 4, NTH_KILL, NULL);
    cr_assert_eq(nth_run(nth, write_and_rename, directory), 128 + 9);
    cr_expect_eq(strncmp(nth_call(nth), "rename", 6), 0);
    snprintf(path, sizeof(path), "%s/a", directory);
    cr_expect_eq(access(path, F_OK), 0);
    nth_arm(nth, 1, NTH_KILL, NULL);
    cr_expect_not(nth_disarm(nth));
    nth_free(nth);
    remove_all(directory);
}

static int cat(void *path)
{
    close(STDERR_FILENO);
    execlp("cat", "cat", path, NULL);
    return 99;
}

/* Not the calls of the dynamic linker. */
Test(nth, only_files_below_a_directory_count)
{
    struct nth *nth = start();
    char directory[] = "/tmp/sallyport-nth-XXXXXX", path[64];
    unsigned n;

    cr_assert_not_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/file", directory);
    FD_CLEANUP int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    cr_assert_geq(fd, 0);
    for (n = 1; nth_goes_on(nth); n++) {
        nth_arm(nth, n, EIO, directory);
        int status = nth_run(nth, cat, path);
        cr_expect_eq(status, nth_disarm(nth) ? 1 : 0, "call %u, %s: %d", n,
                     nth_call(nth), status);
    }
    cr_expect_geq(nth_count(nth), 2, "open and read");
    cr_expect_leq(nth_count(nth), 6, "%u", nth_count(nth));
    nth_free(nth);
    remove_all(directory);
}
