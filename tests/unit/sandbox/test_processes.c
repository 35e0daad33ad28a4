/* Tests the table of processes. */
#include "sallyport/sandbox/sandbox.h"
#include "support/test.h"

Test(policy, the_table_of_processes)
{
    static const struct {
        bool own_ids, empty_root, forks, landlock, silent;
    } wanted[PROCESS_SANDBOXED] = {
        [PROCESS_MASTER] = { false, false, true, false, false },
        [PROCESS_GATE] = { true, true, true, false, true },
        [PROCESS_SESSION] = { false, false, false, false, false },
        [PROCESS_AUTH] = { true, true, false, false, true },
        [PROCESS_KEYS] = { true, true, false, false, true },
        [PROCESS_FILES] = { true, false, false, true, true },
        [PROCESS_LOG] = { true, true, false, false, false },
        [PROCESS_READER] = { true, false, false, true, false },
        [PROCESS_CHECK] = { false, false, false, true, false },
    };

    for (enum process p = 0; p < PROCESS_SANDBOXED; p++) {
        const struct sandbox_row *row = sandbox_row(p);
        const char *name = process_name(p);

        cr_expect_eq(row->own_ids, wanted[p].own_ids, "%s", name);
        cr_expect_eq(row->empty_root, wanted[p].empty_root, "%s", name);
        cr_expect_eq(row->forks, wanted[p].forks, "%s", name);
        cr_expect_eq(row->landlock, wanted[p].landlock, "%s", name);
        cr_expect_eq(row->silent, wanted[p].silent, "%s", name);
    }
    cr_expect_null(sandbox_row(PROCESS_SANDBOXED));
}
