/* Other programs: their output, and their limits. */
#include "sallyport/base/execute.h"
#include "support/test.h"

/* A program that hangs, or says too much, is ended. */
Test(execute, programs, .timeout = 60)
{
    static const struct {
        const char *argv[4];
        int status;
    } rows[] = {
        { { "/bin/sh", "-c", "echo out; echo err >&2; exit 3", NULL }, 3 },
        { { "/bin/sleep", "60", NULL }, -1 },
        { { "/bin/sh", "-c", "while echo more; do :; done", NULL }, -EFBIG },
        { { "/nowhere", NULL }, EX_UNAVAILABLE },
    };

    static char out[EXECUTE_OUTPUT_MAX];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_expect_eq(execute_program(rows[i].argv, i == 1 ? 200 : 10000, true,
                                     out, sizeof(out)),
                     rows[i].status, "%zu", i);
        if (i == 2)
            cr_expect_eq(strlen(out), EXECUTE_OUTPUT_MAX - 1);
        else
            cr_expect_str_eq(out, i == 0 ? "out\nerr\n" : "");
    }
}

Test(execute, inherits_no_descriptor, .timeout = 60)
{
    static const char *const argv[] = { "/bin/sh", "-c",
                                        "test ! -e /proc/self/fd/$0", "100",
                                        NULL };
    static char out[EXECUTE_OUTPUT_MAX];
    int open_here = fcntl(STDERR_FILENO, F_DUPFD, 100);

    cr_assert_eq(open_here, 100);
    cr_expect_eq(execute_program(argv, 10000, true, out, sizeof(out)), 0, "%s",
                 out);
    close(open_here);
}
