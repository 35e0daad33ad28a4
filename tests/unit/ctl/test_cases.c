/* Plays each file of cases/, or only NAME if the environment has
 * SALLYPORT_CASES=NAME. */
#include <criterion/parameterized.h>

#include "support/rows.h"

#include "cases.h"
#include "support/test.h"

static struct rows rows = { .folder = "tests/unit/ctl/cases",
                            .suffix = ".txt",
                            .only = "SALLYPORT_CASES" };

ParameterizedTestParameters(cases, play)
{
    rows_find(&rows);
    return cr_make_param_array(struct row, rows.row, rows.count);
}

ParameterizedTest(struct row *row, cases, play)
{
    cases_play(rows_file(&rows, row));
}
