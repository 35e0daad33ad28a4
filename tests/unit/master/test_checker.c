/* Master executes the program check and waits for it. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "master/children/programs.h"
#include "master/core/master.h"
#include "master/start/checker.h"
#include "sallyport/base/buf.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/users/users.h"

#define PROGRAM BUILD_DIR "/libexec/sallyport/check"
#define HASH    "$5$salt$abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234"

static struct master m;

static void begin(void)
{
    int program = open(PROGRAM, O_PATH | O_CLOEXEC);

    master_init(&m);
    m.programs = 100;
    cr_assert_geq(program, 0);
    cr_assert_geq(dup3(program, programs_find(m.programs, "check"), O_CLOEXEC),
                  0);
    cr_assert_eq(address_parse(SLICE("203.0.113.7"), &m.settings.address.ip),
                 0);
    m.conf = settings_seal(&m.settings);
    cr_assert_geq(m.conf, 0);
}

TestSuite(checker, .init = begin);

/* Of users whose homes are missing. */
static int users_file(size_t n)
{
    struct buf text;
    int fd;

    buf_init(&text, USERS_FILE_MAX);
    for (size_t i = 0; i < n; i++)
        buf_add_format(&text, "user%zu:" HASH ":%zu:70000::/nowhere/%zu::\n", i,
                       70000 + i, i);
    fd = fd_sealed("users", buf_slice(&text));
    cr_assert_geq(fd, 0);
    buf_release(&text);
    return fd;
}

Test(checker, mistakes)
{
    int users = users_file(2), nobody = users_file(0);

    cr_expect(checker_run(&m, "users", users, 20000));
    cr_expect_not(checker_run(&m, "users", nobody, 20000));
    cr_expect_not(checker_run(&m, "remarks", users, 20000));
    cr_expect_eq(waitpid(-1, NULL, WNOHANG), -1, "it was reaped");
}

/* In a millisecond it looks at few of so many. */
Test(checker, that_hangs)
{
    int users = users_file(USERS_MAX), status = 0;
    uint64_t start = clock_ms();

    cr_expect(checker_run(&m, "users", users, 1));
    cr_expect_lt(clock_ms() - start, 10000);
    cr_assert_gt(waitpid(-1, &status, 0), 0);
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

Test(checker, that_is_missing)
{
    close(programs_find(m.programs, "check"));
    cr_expect(checker_run(&m, "users", users_file(0), 20000));
}
