/* The end of the service: a message to all, and nobody can hold it up. */
#include <criterion/criterion.h>
#include <signal.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "stage.h"

Test(stop, kicks_and_waits)
{
    struct stage s;
    struct player p, q;
    struct actor files;
    struct message got;

    stage_with(&s, NULL, &p);
    player_enter(&s, &q, 2);
    player_logs_in(&s, &p, &files);
    kill(s.master, SIGTERM);
    actor_hear(&s.gate, MSG_stop_accepting, &got);
    player_hear(&p, MSG_kick, &got);
    cr_assert_eq(got.kick.why, ENDING_SHUTDOWN);
    player_hear(&q, MSG_kick, &got);
    player_leave(&p);            /* leaves */
    gate_hears(&s, MSG_kill, 2); /* stays */
    channel_hear_end(&q.channel);
    stage_ended(&s, 0);
}

/* files stays until the session's last reply, so that the session has only one
 * reason. (The second session gets its kick after all work for the first
 * one.) */
Test(stop, files_stays_until_the_session_goes)
{
    struct stage s;
    struct player p, q;
    struct actor files;
    struct message got;

    stage_logged_in(&s, NULL, &p, &files);
    player_enter(&s, &q, 2);
    stage_serves(&s); /* so master knows the second one, after the first */
    kill(s.master, SIGTERM);
    player_hear(&p, MSG_kick, &got);
    player_hear(&q, MSG_kick, &got);
    do
        message_close(&got);
    while (channel_receive(&files.channel, &got) == 1);
    cr_assert_eq(channel_receive(&files.channel, &got), 0);
    player_leave(&p);
    channel_hear_end(&files.channel);
    player_leave(&q);
    stage_ended(&s, 0);
}

static void short_stop(struct master *m)
{
    m->deadlines.kick = 100;
    m->deadlines.stop = 500;
}

/* Nobody reacts: files and all children are stopped processes. */
Test(stop, nobody_goes)
{
    struct stage s;
    struct player p;
    struct actor files;
    uint64_t before;

    stage_logged_in(&s, short_stop, &p, &files);
    kill(files.note.pid, SIGSTOP);
    kill(s.gate.note.pid, SIGSTOP);
    kill(s.auth.note.pid, SIGSTOP);
    kill(s.log.note.pid, SIGSTOP);
    before = clock_ms();
    kill(s.master, SIGTERM);
    stage_ended(&s, 0);
    cr_assert(clock_ms() - before < 5000);
}

Test(stop, second_signal_is_at_once)
{
    struct stage s;
    struct player p;
    struct message got;

    stage_with(&s, NULL, &p);
    kill(s.master, SIGTERM);
    player_hear(&p, MSG_kick, &got);
    kill(s.master, SIGINT);
    channel_hear_end(&p.channel);
    stage_ended(&s, 0);
}

/* No session begins any more. */
Test(stop, door_is_closed)
{
    struct stage s;
    struct player p, late;
    struct message got;

    stage_with(&s, NULL, &p);
    kill(s.master, SIGTERM);
    player_hear(&p, MSG_kick, &got);
    player_enter(&s, &late, 2);
    channel_hear_end(&late.channel);
    player_leave(&p);
    stage_ended(&s, 0);
}

Test(stop, during_the_start)
{
    struct stage s;

    stage_raise(&s, NULL);
    actors_enter(&s);
    stage_close(&s);
}

/* SIGHUP is the supervisor's. */
Test(stop, hangup_is_nothing_to_master)
{
    struct stage s;

    stage_open(&s, NULL);
    kill(s.master, SIGHUP);
    stage_serves(&s);
    stage_close(&s);
}
