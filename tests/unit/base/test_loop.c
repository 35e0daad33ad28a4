/* The event loop. */
#include "sallyport/base/loop.h"

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "support/test.h"

struct seen {
    struct loop loop;
    struct loop_watch watch[2];
    struct loop_timer timer[3];
    int ready[2];
    char order[8];
    size_t count;
};

static struct seen seen;

static void begin(void)
{
    cr_assert_eq(loop_init(&seen.loop), 0);
}

static void end(void)
{
    loop_release(&seen.loop);
}

TestSuite(loop, .init = begin, .fini = end, .timeout = 10);

static void note(char c)
{
    if (seen.count < sizeof(seen.order) - 1)
        seen.order[seen.count++] = c;
}

static void first(void *owner)
{
    (void)owner;
    note('1');
}

static void second(void *owner)
{
    (void)owner;
    note('2');
}

static void stop(void *owner)
{
    (void)owner;
    note('s');
    loop_stop(&seen.loop);
}

Test(loop, timers_run_in_order)
{
    seen.timer[0].on_timer = stop;
    seen.timer[1].on_timer = first;
    seen.timer[2].on_timer = second;
    loop_timer_set(&seen.loop, &seen.timer[0], 30);
    loop_timer_set(&seen.loop, &seen.timer[2], 20);
    loop_timer_set(&seen.loop, &seen.timer[1], 500);
    loop_timer_set(&seen.loop, &seen.timer[1], 10); /* set again */
    cr_assert_eq(loop_run(&seen.loop), 0);
    cr_assert_str_eq(seen.order, "12s");
}

static void sweep(void *owner)
{
    (void)owner;
    note('.');
}

/* The sweep comes after all callbacks of a turn, also if one of them stops the
 * loop. */
Test(loop, sweeps_at_the_end_of_a_turn)
{
    seen.loop.on_turn_over = sweep;
    seen.timer[0].on_timer = first;
    seen.timer[1].on_timer = second;
    seen.timer[2].on_timer = stop;
    loop_timer_set(&seen.loop, &seen.timer[0], 0);
    loop_timer_set(&seen.loop, &seen.timer[1], 0);
    cr_assert_eq(loop_once(&seen.loop, 0), 0);
    loop_timer_set(&seen.loop, &seen.timer[2], 0);
    cr_assert_eq(loop_run(&seen.loop), 0);
    cr_assert_str_eq(seen.order, "12.s.");
}

Test(loop, cleared_timer_is_silent)
{
    seen.timer[0].on_timer = stop;
    seen.timer[1].on_timer = first;
    loop_timer_set(&seen.loop, &seen.timer[1], 1);
    loop_timer_set(&seen.loop, &seen.timer[0], 5);
    loop_timer_clear(&seen.loop, &seen.timer[1]);
    loop_timer_clear(&seen.loop, &seen.timer[1]);
    loop_run(&seen.loop);
    cr_assert_str_eq(seen.order, "s");
}

Test(loop, a_cleared_timer_leaves_the_others)
{
    seen.timer[0].on_timer = second;
    seen.timer[1].on_timer = first;
    seen.timer[2].on_timer = stop;
    loop_timer_set(&seen.loop, &seen.timer[0], 2);
    loop_timer_set(&seen.loop, &seen.timer[1], 1);
    loop_timer_set(&seen.loop, &seen.timer[1], 1); /* set again */
    loop_timer_set(&seen.loop, &seen.timer[2], 3);
    loop_timer_clear(&seen.loop, &seen.timer[0]);
    loop_run(&seen.loop);
    cr_assert_str_eq(seen.order, "1s");
}

/* Adds a watch of a pipe that has a byte. */
static void watch_a_byte(int i, uint32_t events,
                         void (*on_ready)(void *, uint32_t))
{
    int ends[2];

    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(write(ends[1], "x", 1), 1);
    seen.watch[i] = (struct loop_watch){ .fd = ends[0],
                                         .events = events,
                                         .on_ready = on_ready,
                                         .owner = &seen.watch[i] };
    cr_assert_eq(loop_add(&seen.loop, &seen.watch[i]), 0);
}

/* Both are ready; the first callback removes the other watch. */
static void remove_other(void *owner, uint32_t events)
{
    struct loop_watch *me = owner;
    struct loop_watch *other = &seen.watch[me == &seen.watch[0]];

    cr_assert(events & EPOLLIN);
    seen.ready[me == &seen.watch[1]]++;
    loop_remove(&seen.loop, other);
    loop_stop(&seen.loop);
}

Test(loop, removing_one_that_is_ready_in_the_same_round)
{
    for (int i = 0; i < 2; i++)
        watch_a_byte(i, EPOLLIN, remove_other);
    loop_run(&seen.loop);
    cr_assert_eq(seen.ready[0] + seen.ready[1], 1);
}

static void again(void *owner)
{
    note('a');
    loop_timer_set(&seen.loop, owner, 0);
}

static void readable(void *owner, uint32_t events)
{
    (void)owner;
    (void)events;
    note('r');
    loop_stop(&seen.loop);
}

Test(loop, an_eager_timer_does_not_starve_descriptors)
{
    seen.timer[0].on_timer = again;
    seen.timer[0].owner = &seen.timer[0];
    loop_timer_set(&seen.loop, &seen.timer[0], 0);
    watch_a_byte(0, 0, readable);
    loop_once(&seen.loop, -1);
    loop_change(&seen.loop, &seen.watch[0], EPOLLIN);
    loop_run(&seen.loop);
    cr_assert_eq(seen.order[0], 'a');
    cr_assert_eq(seen.order[seen.count - 1], 'r');
}

static void slow(void *owner, uint32_t events)
{
    (void)events;
    note('d');
    for (const uint64_t now = clock_ms(); clock_ms() == now;)
        ;
    loop_timer_set(&seen.loop, owner, 0);
}

/* A descriptor that works for long, and goes on by a timer, leaves a turn to
 * the other descriptors. */
Test(loop, a_descriptor_that_goes_on_waits_a_turn)
{
    seen.timer[0].on_timer = stop;
    watch_a_byte(0, EPOLLIN, slow);
    seen.watch[0].owner = &seen.timer[0];
    loop_once(&seen.loop, -1);
    cr_expect_str_eq(seen.order, "d");
    loop_remove(&seen.loop, &seen.watch[0]);
    loop_once(&seen.loop, 0);
    cr_expect_str_eq(seen.order, "ds");
}

Test(loop, a_removed_watch_is_silent)
{
    watch_a_byte(0, EPOLLIN, readable);
    loop_remove(&seen.loop, &seen.watch[0]);
    cr_assert_eq(loop_once(&seen.loop, 0), 0);
    cr_assert_str_eq(seen.order, "");
}
