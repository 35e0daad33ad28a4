/* Tests of directories that were late: the pauses between two tries, and the
 * limits of forks and marks. */
#include "master/start/start.h"
#include "support/test.h"

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
    while (waitpid(-1, NULL, 0) > 0)
        continue;
    hanging_release(table);
    loop_release(&m.loop);
}

static void mark(uint64_t place)
{
    char path[32];

    snprintf(path, sizeof(path), "/nowhere/%u", (unsigned)place);
    hanging_mark(&m, place, path);
}

static void mark_as_many_as_may(void)
{
    for (uint64_t i = 1; i <= HANGING_MARKS; i++)
        mark(i);
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

/* The most forks that are permitted wait for a directory: master starts no
 * other one, and doubles the pause up to a minute. */
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

static struct errand *errand_of(const void *owner)
{
    for (size_t i = 0; i < ERRANDS_MAX; i++)
        if (m.errand[i].owner == owner && m.errand[i].on_end)
            return &m.errand[i];
    return NULL;
}

static void ignore(void *owner, int status)
{
    (void)owner;
    (void)status;
}

/* Each fork that tries a directory hangs, and none is reaped. Other forks, such
 * as the fork for the users file, still get their places. */
Test(hanging, dead_directories_leave_places)
{
    struct hanging_mark *k = &table->mark[HANGING_MARKS - 1];

    mark_as_many_as_may();
    for (size_t i = 0; i < 3 * (HANGING_MARKS - 1); i++)
        m.errand[i] = (struct errand){ .pid = 1, .owner = &table->mark[i / 3] };
    for (int tries = 0; tries < 5; tries++) {
        struct errand *e;

        loop_timer_clear(&m.loop, &k->timer);
        k->timer.on_timer(k);
        e = errand_of(k);
        if (!e)
            continue;
        loop_timer_clear(&m.loop, &e->timer);
        e->timer.on_timer(e);
    }
    cr_assert(k->late && k->timer.armed);
    cr_expect_eq(errands_hanging(&m, k), 3);
    for (int i = 0; i < 4; i++)
        cr_expect_eq(errand_watch(&m, 0x3fffffff, MINUTE, ignore, &m), 0);
}

/* A late directory has no mark, since there are too few: while a process waits
 * for that directory, no other process opens it. */
Test(hanging, more_directories_than_marks)
{
    const uint64_t place = HANGING_MARKS + 1;

    mark_as_many_as_may();
    mark(place);
    cr_assert(hanging_add(table, 1, PLACE, place));
    cr_expect(hanging_is_late(table, place));
    cr_expect_not(hanging_is_late(table, place + 1));
    cr_expect(hanging_reaped(table, 1));
    cr_expect_not(hanging_is_late(table, place));
}

/* A process can wait for an old mount for ever, while its directory answers
 * again. The directory's mark shows that, and stays until no unused mark is
 * left. */
Test(hanging, an_old_mark_stays)
{
    mark(1);
    loop_timer_clear(&m.loop, &table->mark[0].timer);
    table->mark[0].late = false;
    cr_assert(hanging_add(table, 1, PLACE, 1));
    for (uint64_t i = 2; i <= HANGING_MARKS; i++)
        mark(i);
    cr_expect_not(hanging_is_late(table, 1));
    mark(HANGING_MARKS + 1);
    cr_expect(hanging_is_late(table, HANGING_MARKS + 1));
}
