/* The lists themselves: each line names a call and a reason, and the filters of
 * a process's parents permit all that the process may do. */
#include <seccomp.h>

#include "sallyport/seccomp/policy.h"
#include "support/test.h"

static void check_rows(const struct permission *rows, const char *list)
{
    for (const struct permission *row = rows; row->call; row++) {
        cr_expect_neq(seccomp_syscall_resolve_name(row->call), __NR_SCMP_ERROR,
                      "%s: no call %s", list, row->call);
        cr_expect(row->why && strlen(row->why) > 2, "%s: %s has no reason",
                  list, row->call);
    }
}

Test(policy, every_line_names_a_call_and_its_reason)
{
    check_rows(policy_dangerous, "dangerous");
    check_rows(policy_common.may, "common");
    for (int p = 0; p < PROCESS_SANDBOXED; p++)
        check_rows(policy_of((enum process)p)->may,
                   process_name((enum process)p));
}

static bool has(const struct permissions *all, const struct permission *p)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct permission *row = all->rows[i];

        if (strcmp(row->call, p->call) == 0 &&
            (row->when.kind == WHATEVER ||
             (memcmp(&row->when, &p->when, sizeof(p->when)) == 0 &&
              memcmp(&row->and, &p->and, sizeof(p->and)) == 0 &&
              memcmp(&row->too, &p->too, sizeof(p->too)) == 0)))
            return true;
    }
    return false;
}

/* Returns the process that starts P in its sandbox, or P itself if it starts in
 * none. */
static enum process above_of(enum process p)
{
    if (p == PROCESS_CHECK)
        return p;
    return p == PROCESS_SESSION ? PROCESS_GATE : PROCESS_MASTER;
}

Test(policy, a_parent_may_all_that_its_child_may)
{
    for (int p = 0; p < PROCESS_SANDBOXED; p++) {
        enum process above = above_of((enum process)p);
        struct permissions child, parent;

        cr_assert_eq(policy_collect(policy_of((enum process)p), &child), 0);
        cr_assert_eq(policy_collect(policy_of(above), &parent), 0);
        for (size_t i = 0; i < child.count; i++)
            cr_expect(has(&parent, child.rows[i]), "%s lacks %s of %s",
                      process_name(above), child.rows[i]->call,
                      process_name((enum process)p));
    }
}

/* gate's filter is within master's. */
static bool is_gate_or_above(enum process p)
{
    return p == PROCESS_GATE || p == PROCESS_MASTER;
}

/* For the listeners that gate lends to sessions. */
Test(policy, gate_alone_makes_listeners)
{
    static const char *const calls[] = { "socket", "bind", "listen" };

    for (int p = 0; p < PROCESS_SANDBOXED; p++) {
        struct permissions all;

        cr_assert_eq(policy_collect(policy_of((enum process)p), &all), 0);
        for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
            cr_expect_eq(policy_permits(&all, calls[i]) != PERMITTED_NEVER,
                         is_gate_or_above((enum process)p), "%s: %s",
                         process_name((enum process)p), calls[i]);
    }
}

Test(policy, a_wide_line_stands_alone)
{
    static const struct permission first[] = {
        MAY_IF(read, IS(0, 1), "one"),
        MAY_IF(read, IS(0, 1), "again"),
        MAY_IF(read, IS(0, 2), "two"),
        MAY(write, "all"),
        END_OF_LIST,
    };
    static const struct permission second[] = {
        MAY(read, "all"),
        MAY_IF(write, IS(0, 1), "one"),
        END_OF_LIST,
    };
    static const struct policy inner = { second, { NULL } };
    static const struct policy narrow = { first, { NULL } };
    static const struct policy wide = { first, { &inner, NULL } };
    struct permissions all;

    cr_assert_eq(policy_collect(&narrow, &all), 0);
    cr_expect_eq(all.count, 3, "two ways to read, one to write");
    cr_expect_eq(policy_permits(&all, "read"), PERMITTED_SOMETIMES);
    cr_assert_eq(policy_collect(&wide, &all), 0);
    cr_expect_eq(all.count, 2);
    cr_expect_eq(policy_permits(&all, "read"), PERMITTED_ALWAYS);
    cr_expect_eq(policy_permits(&all, "write"), PERMITTED_ALWAYS);
    cr_expect_eq(policy_permits(&all, "open"), PERMITTED_NEVER);
}

/* A dangerous call doesn't kill if the policy permits exactly that use. */
Test(policy, what_kills)
{
    static const struct permission rows[] = {
        MAY_IF(socket, IS(0, 1), "this one"),
        MAY_IF_BOTH(socket, IS(0, 2), IS(1, 1), "some of these"),
        MAY(connect, "all"),
        END_OF_LIST,
    };
    static const struct policy policy = { rows, { NULL } };
    static const struct {
        struct permission row;
        int kills;
    } table[] = {
        { NEVER(socket, "all of them"), 0 },
        { NEVER_IF(socket, IS(0, 1), "permitted"), 0 },
        { NEVER_IF(socket, IS(0, 2), "not all of them"), 1 },
        { NEVER_IF(socket, IS(0, 3), "not permitted"), 1 },
        { NEVER_IF(connect, IS(0, 3), "all are"), 0 },
        { NEVER(bind, "not permitted"), 1 },
        { NEVER_IF(bind, IS(0, 3), "killed anyway"), 0 },
    };
    struct permissions all;

    cr_assert_eq(policy_collect(&policy, &all), 0);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        cr_expect_eq(policy_kills(&all, &table[i].row), table[i].kills, "%s",
                     table[i].row.why);
}

Test(policy, too_many_lines_are_refused)
{
    static struct permission rows[POLICY_MAX + 2];
    static char names[POLICY_MAX + 1][8];
    const struct policy long_one = { rows, { NULL } };
    struct permissions all;

    for (size_t i = 0; i <= POLICY_MAX; i++) {
        snprintf(names[i], sizeof(names[i]), "c%zu", i);
        rows[i] = (struct permission){ .call = names[i], .why = "a test" };
    }
    cr_expect_eq(policy_collect(&long_one, &all), -E2BIG);
    rows[POLICY_MAX].call = NULL;
    cr_expect_eq(policy_collect(&long_one, &all), 0);
    cr_expect_eq(all.count, POLICY_MAX);
}
