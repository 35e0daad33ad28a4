/* Filters from policies: their size, and policies that can't become one.
 * tests/unit/sandbox tests what the filters permit and refuse. */
#include <linux/filter.h>

#include "seccomp/compile.h"
#include "support/test.h"

static int compile(const struct policy *policy, size_t *ret)
{
    struct buf program;
    int r;

    buf_init(&program, BPF_MAXINSNS * sizeof(struct sock_filter));
    r = compile_policy(policy, &program);
    *ret = program.len / sizeof(struct sock_filter);
    cr_expect_eq(program.len % sizeof(struct sock_filter), 0);
    buf_release(&program);
    return r;
}

Test(compile, each_policy_of_a_process)
{
    for (int p = 0; p < PROCESS_SANDBOXED; p++) {
        enum process which = (enum process)p;
        size_t len;

        cr_expect_eq(compile(policy_of(which), &len), 0);
        cr_expect(len > 50 && len < BPF_MAXINSNS, "%s: %zu",
                  process_name(which), len);
    }
}

Test(compile, too_many_lines_are_refused)
{
    static struct permission rows[POLICY_MAX + 2];
    static char names[POLICY_MAX + 1][8];
    const struct policy policy = { rows, { NULL } };
    size_t len;

    for (size_t i = 0; i <= POLICY_MAX; i++) {
        snprintf(names[i], sizeof(names[i]), "c%zu", i);
        rows[i] = (struct permission){ .call = names[i], .why = "a test" };
    }
    cr_expect_eq(compile(&policy, &len), -E2BIG);
    cr_expect_eq(len, 0);
}
