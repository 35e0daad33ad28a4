/* "sallyportctl drain": each order in each state, and an announced drain, which
 * begins by itself. */
#include "caller.h"
#include "sallyport/base/clock.h"
#include "supervised.h"

#define SOON 60000

enum { OFF, ANNOUNCED, ON };

static const struct {
    enum drain_order order;
    uint64_t ms;
    int before, after;
} orders[] = {
    { DRAIN_ON, 0, OFF, ON },
    { DRAIN_ON, 0, ANNOUNCED, ON },
    { DRAIN_ON, 0, ON, ON },
    { DRAIN_ON, SOON, OFF, ANNOUNCED },
    { DRAIN_ON, SOON, ANNOUNCED, ANNOUNCED },
    { DRAIN_ON, SOON, ON, ON },
    { DRAIN_OFF, 0, OFF, OFF },
    { DRAIN_OFF, 0, ANNOUNCED, OFF },
    { DRAIN_OFF, 0, ON, OFF },
};

Test(drain, each_order_in_each_state)
{
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        static struct master m;
        struct board board = { 0 };
        const uint64_t now = clock_ms();

        m = (struct master){ .board = &board, .state = MASTER_STARTING };
        board.drains = orders[i].before == ON          ? now
                       : orders[i].before == ANNOUNCED ? now + SOON / 2
                                                       : 0;
        drain_set(&m, orders[i].order, orders[i].ms);
        cr_expect_eq(drain_is_on(&m), orders[i].after == ON, "%zu", i);
        cr_expect_eq(drain_begins(&m) > 0, orders[i].after != OFF, "%zu", i);
        cr_expect_leq(drain_begins(&m), now + SOON + 1000, "%zu", i);
        if (orders[i].before == ANNOUNCED && orders[i].after == ANNOUNCED)
            cr_expect_eq(drain_begins(&m), now + SOON / 2, "not put off");
    }
}

/* An order comes when the timer is armed already. */
Test(drain, announced_again)
{
    static struct master m;
    struct board board = { 0 };

    m = (struct master){ .board = &board, .state = MASTER_RUNNING };
    drain_set(&m, DRAIN_ON, 2 * SOON);
    drain_set(&m, DRAIN_ON, SOON);
    cr_expect_eq(m.loop.timers, &m.drain);
    cr_expect_null(m.drain.next);
    drain_set(&m, DRAIN_OFF, 0);
    drain_set(&m, DRAIN_ON, SOON);
    cr_expect_eq(m.loop.timers, &m.drain);
    cr_expect_null(m.drain.next);
}

/* An announced drain begins although the sallyportctl that announced it has
 * left. */
Test(drain, begins_by_itself, .timeout = 60)
{
    stage_board();
    stage_open(NULL);
    player_enter(&anna, 1);
    caller_enter(&ctl);
    REQUEST(&ctl, drain, .order = DRAIN_ON, .ms = 200);
    EXPECT(&ctl, drain_is);
    cr_expect(heard.drain_is.on && heard.drain_is.ms > 0);
    cr_expect_eq(heard.drain_is.sessions, 1);
    channel_close(&ctl);
    EXPECT(&anna.channel, kick);
    cr_expect(heard.kick.finish);
    cr_expect_eq(heard.kick.why, ENDING_DRAINED);
    player_leave(&anna);
    stage_close();
}

/* The older leader has got the order after this generation was up. */
Test(drain, announced_during_a_takeover, .timeout = 60)
{
    struct board *board = stage_board();

    supervised_raise(NULL);
    board_set(&board->drains, clock_ms() + 1000);
    SAY(&supervised_channel, lead);
    EXPECT(&stage.gate.channel, open);
    supervised_gate_serves();
    player_enter(&anna, 1);
    cr_expect(EXPECT(&anna.channel, kick)->finish);
    player_leave(&anna);
    stage_close();
}
