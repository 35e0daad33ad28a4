/* Directories that were late: how long the pauses between two tries are. */
#include <criterion/criterion.h>

#include "master/start/start.h"

#define PLACE  7
#define MINUTE 60000

static struct master m;
static struct master_parts parts;
static struct hanging_table *table;

static void set_up(void)
{
    master_init(&m);
    parts_attach(&m, &parts);
    table = &m.sessions->hanging;
    cr_assert_eq(loop_init(&m.loop), 0);
    cr_assert_eq(hanging_init(table, 8), 0);
}

static void tear_down(void)
{
    hanging_release(table);
    loop_release(&m.loop);
}

TestSuite(hanging, .init = set_up, .fini = tear_down);

/* Many logins wait for one directory: the first new try still comes soon. */
Test(hanging, many_logins_are_one_reason)
{
    for (int i = 0; i < 20; i++)
        hanging_mark(&m, PLACE, "/nowhere");
    cr_expect(hanging_is_late(table, PLACE));
    cr_expect_not(hanging_is_late(table, PLACE + 1));
    cr_expect_eq(table->mark[0].pause, m.deadlines.mark);
    cr_expect_not(table->mark[1].late);
}

/* As many forks wait for it as may: there is no other one. */
Test(hanging, pauses_have_a_bound)
{
    struct hanging_mark *k = &table->mark[0];
    uint64_t before;

    hanging_mark(&m, PLACE, "/nowhere");
    for (size_t i = 0; i < 3; i++)
        m.errand[i] = (struct errand){ .pid = 1, .owner = k };
    for (int i = 0; i < 20; i++) {
        before = k->pause;
        loop_timer_clear(&m.loop, &k->timer);
        k->timer.on_timer(k);
        cr_expect(k->timer.armed && k->late);
        cr_expect_eq(k->pause, 2 * before < MINUTE ? 2 * before : MINUTE);
    }
    cr_expect_eq(m.errand[3].pid, 0);
}
