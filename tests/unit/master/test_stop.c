/* Tests of the end of the service: master kicks all sessions, and no process
 * can delay the end for long. */
#include "sallyport/base/clock.h"
#include "stage.h"

/* A session that is announced after SIGTERM ends at once. */
Test(stop, kicks_and_waits)
{
    struct player q, late;

    stage_with(stage_waits, &anna);
    player_enter(&q, 2);
    player_logs_in(&anna, &ours);
    kill(stage.master, SIGTERM);
    EXPECT(&stage.gate.channel, stop_accepting);
    cr_assert_eq(EXPECT(&anna.channel, kick)->why, ENDING_SHUTDOWN);
    EXPECT(&q.channel, kick);
    player_enter(&late, 3);
    cast_skip_to_end(&late.channel);
    player_leave(&late);
    player_leave(&anna);
    SAY(&stage.gate.channel, kill, .serial = 2, .why = ENDING_PEER);
    gate_hears(MSG_reaped, 2);
    cast_skip_to_end(&q.channel);
    stage_ended(0);
}

/* Files stays until its session leaves, so that the session gets only one
 * reason for its end. (Master kicks the second session after all work for the
 * first session.) */
Test(stop, files_stays_until_the_session_goes)
{
    struct player q;

    stage_logged_in(stage_waits, &anna, &ours);
    player_enter(&q, 2);
    /* So master has seen the second session, after the first one. */
    stage_serves();
    kill(stage.master, SIGTERM);
    EXPECT(&anna.channel, kick);
    EXPECT(&q.channel, kick);
    while (channel_receive(&ours.channel, &heard) == 1)
        message_close(&heard);
    cast_hear_nothing(&ours.channel, 0);
    player_leave(&anna);
    cast_skip_to_end(&ours.channel);
    player_leave(&q);
    stage_ended(0);
}

static void short_stop(struct master *m)
{
    m->deadlines.kick = 100;
    m->deadlines.stop = 500;
    m->deadlines.last = 500;
}

/* Files, gate, auth and log are stopped processes, which don't react. */
Test(stop, nobody_goes)
{
    uint64_t before;

    stage_logged_in(short_stop, &anna, &ours);
    kill(ours.note.pid, SIGSTOP);
    kill(stage.gate.note.pid, SIGSTOP);
    kill(stage.auth.note.pid, SIGSTOP);
    kill(stage.log.note.pid, SIGSTOP);
    before = clock_ms();
    kill(stage.master, SIGTERM);
    stage_ended(0);
    cr_assert(clock_ms() - before < 5000);
}

Test(stop, second_signal_is_at_once)
{
    stage_with(NULL, &anna);
    kill(stage.master, SIGTERM);
    EXPECT(&anna.channel, kick);
    kill(stage.master, SIGINT);
    cast_skip_to_end(&anna.channel);
    stage_ended(0);
}

Test(stop, during_the_start)
{
    stage_raise(NULL);
    actors_enter();
    stage_close();
}

/* Master ignores SIGHUP, which is for the supervisor. */
OpenTest(stop, hangup_is_nothing_to_master, NULL)
{
    kill(stage.master, SIGHUP);
    stage_serves();
}
