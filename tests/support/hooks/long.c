/* Disables the tests and suites with IN_LONG_RUN, WITH_SANITIZERS or
 * WITHOUT_SANITIZERS where they don't run. A run that counts lines has the
 * latter two. */
#include "../long.h"

#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <stdlib.h>
#include <string.h>

static bool has_mark(const struct criterion_test_extra_data *data,
                     const char *mark)
{
    return data && data->description && strcmp(data->description, mark) == 0;
}

static bool runs_here(const struct criterion_test_extra_data *data)
{
    static const struct criterion_test_extra_data in_long = { IN_LONG_RUN },
                                                  with = { WITH_SANITIZERS },
                                                  without = {
                                                      WITHOUT_SANITIZERS
                                                  };

    return !has_mark(data, in_long.description) &&
           (IS_SANITIZED || getenv("LLVM_PROFILE_FILE") ||
            !has_mark(data, with.description)) &&
           !(IS_SANITIZED && has_mark(data, without.description));
}

/* Criterion names a hook by its line number, so no hook of a test that is
 * linked with this one may be in a line with this number. */
ReportHook(PRE_ALL)(struct criterion_test_set *set)
{
    if (is_long())
        return;
    FOREACH_SET(struct criterion_suite_set *suite, set->suites)
        FOREACH_SET(struct criterion_test *test, suite->tests)
            if (!runs_here(test->data) || !runs_here(suite->suite.data))
                test->data->disabled = true;
}
