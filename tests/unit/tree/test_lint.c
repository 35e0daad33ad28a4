/* The rules of etc/lint: the tree and the programs of this build keep them, and
 * each rule finds a fault. What etc/check finds in a repository of its own.
 * CTest executes the rows of tests/table. */
#include "support/files.h"
#include "support/long.h"
#include "support/test.h"

/* In a short run etc/check does this. */
Test(lint, rules, IN_LONG_RUN)
{
    cr_expect_eq(system(in_source("etc/lint")), 0);
}

Test(lint, hardening)
{
    cr_expect_eq(system(in_source("etc/lint --programs '" BUILD_DIR "'")), 0);
}

Test(lint, each_rule_finds_its_faults)
{
    cr_expect_eq(system(in_source("tests/unit/tree/faults")), 0);
}

Test(check, a_late_release_and_a_file_that_no_analyzer_compiles)
{
    cr_expect_eq(system(in_source("tests/unit/tree/check")), 0);
}

Test(version, sorts_before_at_and_after_a_release)
{
    cr_expect_eq(system(in_source("tests/unit/tree/version")), 0);
}

/* With a clean environment, since Criterion passes its own on to its tests. */
Test(ctest, executes_a_row_of_root)
{
    cr_expect_eq(system("env -i PATH=\"$PATH\" ctest --test-dir '" BUILD_DIR
                        "' -FA . -R '^unit_seccomp[.]release[.]root$' -V |"
                        " grep '(release, root): [1-9]'"),
                 0);
}
