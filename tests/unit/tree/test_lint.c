/* The rules of etc/lint: the tree and the programs of this build keep them, and
 * each rule finds a fault. */
#include <criterion/criterion.h>
#include <stdlib.h>

Test(lint, rules)
{
    cr_expect_eq(system(SOURCE_DIR "/etc/lint"), 0);
}

Test(lint, hardening)
{
    cr_expect_eq(system(SOURCE_DIR "/etc/lint --programs '" BUILD_DIR "'"), 0);
}

Test(lint, each_rule_finds_its_faults)
{
    cr_expect_eq(system(SOURCE_DIR "/tests/unit/tree/faults"), 0);
}
