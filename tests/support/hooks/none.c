/* Fails a program in two cases in which Criterion reports success: no test has
 * matched the filter, so all were disabled; or an assertion has failed in a
 * test's .fini, after the test's result. Criterion names a hook by its line
 * number, so no other hook may be in a line with this number. */
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
    fprintf(stderr,
            "no test has a name like that, or only with SALLYPORT_LONG=1\n");
    stats->tests_failed = 1;
}
