/* Tests of the metrics that master sends to sallyportctl: the gauges have the
 * present values. */
#include "caller.h"
#include "sallyport/event/metrics.h"

static void asks(struct channel *c)
{
    caller_looks(c, SHOW_METRICS, 0);
}

static void hears(struct channel *c, struct metrics *all)
{
    EXPECT(c, metrics_are);
    cr_assert_eq(heard.metrics_are.metrics.len, sizeof(*all));
    memcpy(all, heard.metrics_are.metrics.ptr, sizeof(*all));
}

Test(gauges, are_those_of_now, .timeout = 60)
{
    const uint64_t now = (uint64_t)time(NULL);
    struct player in, out;
    struct metrics all;

    stage_open(NULL);
    caller_enter(&ctl);
    player_enter(&in, 1);
    player_logs_in(&in, &ours);
    player_enter(&out, 2);
    player_asks(&out); /* so master has seen the session */
    asks(&ctl);
    hears(&ctl, &all);
    cr_expect_eq(all.gauge[GAUGE_LOGGED_IN], 1);
    cr_expect_eq(all.gauge[GAUGE_GREETED], 1);
    cr_expect_eq(all.gauge[GAUGE_MAX_SESSIONS], 8, "of the stage");
    cr_expect_eq(all.gauge[GAUGE_USERS], STAGE_USERS);
    cr_expect_eq(all.gauge[GAUGE_VERIFIED], 1);
    cr_expect_eq(all.gauge[GAUGE_WAITING], 0);
    player_leave(&in);
    asks(&ctl);
    hears(&ctl, &all);
    cr_expect_geq(all.gauge[GAUGE_SINCE], now - 60);
    channel_close(&ctl);
    stage_leave(&out);
}
