/* Multiplies the time limits of all tests by SALLYPORT_PATIENCE. tests/run sets
 * it on machines that start processes slowly. */
#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <stdlib.h>

#define PATIENCE_MAX 10

static void stretch(struct criterion_test_extra_data *data, double times)
{
    if (data)
        data->timeout *= times;
}

ReportHook(PRE_ALL)(struct criterion_test_set *set)
{
    const char *text = getenv("SALLYPORT_PATIENCE");
    const long times = text ? strtol(text, NULL, 10) : 1;

    if (times <= 1 || times > PATIENCE_MAX)
        return;
    FOREACH_SET(struct criterion_suite_set *suite, set->suites) {
        stretch(suite->suite.data, (double)times);
        FOREACH_SET(struct criterion_test *test, suite->tests)
            stretch(test->data, (double)times);
    }
}
