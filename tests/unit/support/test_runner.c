/* Each fault of a test fails its program, and the output names the test: this
 * program runs itself (tests/support/hooks/main.c). */
#include "support/run.h"
#include "support/test.h"

static bool has(const char *fault)
{
    const char *chosen = getenv("SALLYPORT_TEST_FAULT");

    return chosen && strcmp(chosen, fault) == 0;
}

static void ends(void)
{
    cr_expect_not(has("fini"));
}

Test(runner, of_a_fault, .fini = ends, .timeout = 20)
{
    cr_expect_not(has("expectation"));
    cr_assert_not(has("assertion"));
    if (has("signal"))
        kill(getpid(), SIGKILL);
    if (has("exit"))
        exit(0);
    if (has("fork") && fork() == 0) {
        cr_expect(false);
        _exit(0);
    }
    if (has("loop"))
        alarm(1), pause();
    wait(NULL);
}

static void run_self(struct run_result *r, const char *fault,
                     const char *filter)
{
    char program[32], variable[64];

    snprintf(program, sizeof(program), "/proc/%ld/exe", (long)getpid());
    snprintf(variable, sizeof(variable), "SALLYPORT_TEST_FAULT=%s", fault);
    run(r, NULL, "/usr/bin/env", "-i", variable, program, "--filter", filter,
        NULL);
}

Test(runner, finds_each_fault, .timeout = 120)
{
    static const char *const faults[] = { "expectation", "assertion", "signal",
                                          "exit",        "fork",      "loop",
                                          "fini" };
    struct run_result r;

    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        run_self(&r, faults[i], "runner/of_a_fault");
        cr_expect_eq(r.status, 1, "%s: %d", faults[i], r.status);
        cr_expect(strstr(r.text, "[FAIL] runner::of_a_fault: "), "%s: %s",
                  faults[i], r.text);
        cr_expect(strstr(r.text, "Tested: 1 | Passing: 0 | Failing: 1 "),
                  "%s: %s", faults[i], r.text);
        run_release(&r);
    }
    run_self(&r, "none", "runner/of_a_fault");
    cr_expect_eq(r.status, 0, "%s", r.text);
    run_release(&r);
    run_self(&r, "none", "runner/of_no_name");
    cr_expect_eq(r.status, 1, "%s", r.text);
    run_release(&r);
}
