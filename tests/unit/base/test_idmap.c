/* Which ids a user namespace has. */
#include "sallyport/base/idmap.h"
#include "support/test.h"

Test(idmap, rows)
{
    static const struct {
        const char *text;
        uint64_t first, last, there;
        bool has;
    } rows[] = {
        { "         0          0 4294967295\n", 70000, 79999, 79999, true },
        { "         0     100000      65536\n", 70000, 79999, 69999, false },
        { "         0     100000      75000\n", 70000, 79999, 74999, false },
        { "0 100000 65536\n", 20000, 29999, 29999, true },
        { "75000 1 5000\n0 100000 75000\n", 70000, 79999, 79999, true },
        { "0 100000 75000\n75001 1 5000\n", 70000, 79999, 74999, false },
        { "nonsense\n", 5, 6, 4, false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t there;

        cr_expect_eq(idmap_text_has(slice_from(rows[i].text), rows[i].first,
                                    rows[i].last, &there),
                     rows[i].has, "row %zu", i);
        cr_expect_eq(there, rows[i].there, "row %zu: %lu", i, there);
    }
}

Test(idmap, that_cannot_be_read)
{
    uint64_t there;

    cr_expect(idmap_has("/proc/missing", 5, 6, &there));
    cr_expect_eq(there, 6);
}
