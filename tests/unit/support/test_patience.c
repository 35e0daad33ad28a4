/* On a slow machine tests may take longer: this program runs itself. */
#include "support/run.h"
#include "support/test.h"

Test(patience, of_a_slow_test, .timeout = 3)
{
    const struct timespec longer = { .tv_sec = 6 };

    if (getenv("SALLYPORT_TEST_SLOWLY"))
        nanosleep(&longer, NULL);
}

static int run_slow_test(const char *patience)
{
    char program[32];
    struct run_result r;

    snprintf(program, sizeof(program), "/proc/%ld/exe", (long)getpid());
    run(&r, NULL, "/usr/bin/env", "-i", "SALLYPORT_TEST_SLOWLY=1", patience,
        program, "--filter", "patience/of_a_slow_test", NULL);
    run_release(&r);
    return r.status;
}

Test(patience, is_what_the_environment_says, .timeout = 120)
{
    cr_expect_eq(run_slow_test("SALLYPORT_PATIENCE=10"), 0);
    cr_expect_neq(run_slow_test("SALLYPORT_PATIENCE=1"), 0);
    cr_expect_neq(run_slow_test("SALLYPORT_PATIENCE=1000"), 0);
    cr_expect_neq(run_slow_test("SALLYPORT_PATIENCE=a"), 0);
}
