/* Two results that Criterion takes for a success. A filter that no test matches
 * runs nothing: Criterion disables each test that the filter doesn't match. And
 * a failed assertion of a test's .fini comes after the test's result. It names
 * a hook by its line: no other hook has this one. */
#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <stdio.h>

ReportHook(POST_ALL)(struct criterion_global_stats *stats)
{
    bool any = false;

    for (struct criterion_suite_stats *s = stats->suites; s; s = s->next)
        for (struct criterion_test_stats *t = s->tests; t; t = t->next) {
            any = any || !t->test->data || !t->test->data->disabled;
            if (t->failed_asserts == 0 || t->test_status != CR_STATUS_PASSED)
                continue;
            fprintf(stderr, "%s/%s: its .fini failed\n", t->test->category,
                    t->test->name);
            stats->tests_failed++;
        }
    if (any)
        return;
    fprintf(stderr, "no test has a name like that\n");
    stats->tests_failed = 1;
}
