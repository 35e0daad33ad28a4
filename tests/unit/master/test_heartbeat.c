/* The supervisor's `ping`. The test plays the supervisor and gate. */
#include <criterion/criterion.h>
#include <signal.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "supervised.h"

/* Gate is late at once, and then has a minute. */
static void doubts(struct master *m)
{
    m->deadlines.heartbeat = 0;
    m->deadlines.doubt = 60000;
}

static void is_impatient(struct master *m)
{
    m->deadlines.heartbeat = m->deadlines.doubt = 50;
}

static void gate_is_asked(struct stage *s, uint32_t request)
{
    struct message got = { .kind = MSG_NONE };

    cr_assert_eq(SEND(&supervised_channel, ping, request), 0);
    actor_hear(&s->gate, MSG_health, &got);
}

static void gate_answers(struct stage *s)
{
    TELL(&s->gate.channel, healthy);
}

static void master_answers(uint32_t request)
{
    struct message got = { .kind = MSG_NONE };

    supervised_hears(MSG_pong, &got);
    cr_expect_eq(got.request, request);
}

/* An answer of gate to no request is no heartbeat of master. */
Test(heartbeat, master_answers_after_gate)
{
    struct stage s;

    supervised_open(&s, doubts);
    gate_answers(&s);
    for (uint32_t i = 1; i <= 3; i++) {
        gate_is_asked(&s, i);
        gate_answers(&s);
        master_answers(i);
    }
    stage_close(&s);
}

Test(heartbeat, gate_that_does_not_answer)
{
    struct message got = { .kind = MSG_NONE };
    struct stage s;

    supervised_open(&s, is_impatient);
    gate_is_asked(&s, 1);
    channel_hear_end(&s.gate.channel);
    supervised_hears(MSG_gate_lost, &got);
    cr_expect_eq(got.gate_lost.handed_over, false);
    stage_ends(&s);
}

static void has_little_patience(struct master *m)
{
    m->deadlines.heartbeat = m->deadlines.doubt = 500;
}

static void keys_is_asked(struct stage *s)
{
    struct message got = { .kind = MSG_NONE };

    do {
        message_close(&got);
        cr_assert_eq(channel_wait(&s->keys.channel, &got, STAGE_WAIT_MS), 1);
    } while (got.kind == MSG_keys_client);
    cr_assert_eq(got.kind, MSG_health, "%s", message_name(got.kind));
}

/* Only keys is replaced. The next one is asked, too, and may stay. */
Test(heartbeat, keys_that_does_not_answer)
{
    struct stage s;

    supervised_open(&s, has_little_patience);
    gate_is_asked(&s, 1);
    gate_answers(&s);
    master_answers(1);
    keys_is_asked(&s);
    channel_hear_end(&s.keys.channel);
    channel_close(&s.keys.channel);
    actor_enter(&s, &s.keys, "keys");
    actor_ready(&s, &s.keys);
    for (uint32_t i = 2; i <= 4; i++) {
        gate_is_asked(&s, i);
        gate_answers(&s);
        master_answers(i);
        keys_is_asked(&s);
        TELL(&s.keys.channel, healthy);
    }
    stage_close(&s);
}

/* A generation that drains isn't asked, but a `ping` may cross its report. */
Test(heartbeat, gate_has_ended)
{
    struct message got = { .kind = MSG_NONE };
    struct stage s;

    supervised_open(&s, is_impatient);
    kill(s.master, SIGSTOP);
    SEND(&supervised_channel, ping, 1);
    actor_die(&s.gate);
    kill(s.master, SIGCONT);
    do
        cr_assert_eq(channel_wait(&supervised_channel, &got, STAGE_WAIT_MS), 1);
    while (got.kind != MSG_gate_lost);
    stage_ends(&s);
}

static void knows_load(struct master *m)
{
    m->succession.takes_load = true;
}

/* The supervisor gets the numbers once, and not again while they stay. */
Test(heartbeat, master_reports_its_load)
{
    struct message got = { .kind = MSG_NONE };
    struct stage s;

    supervised_open(&s, knows_load);
    gate_is_asked(&s, 1);
    gate_answers(&s);
    supervised_hears(MSG_load, &got);
    cr_expect_eq(got.load.sessions, 0);
    cr_expect_eq(got.load.transfers, 0);
    master_answers(1);
    gate_is_asked(&s, 2);
    gate_answers(&s);
    master_answers(2);
    stage_close(&s);
}

/* It shows that it doesn't hang, even while its gate does. */
Test(heartbeat, a_master_that_drains)
{
    struct message got = { .kind = MSG_NONE };
    struct stage s;
    int ends[2];

    supervised_open(&s, NULL);
    cr_assert_eq(fd_pair(ends), 0);
    cr_assert_eq(SEND(&supervised_channel, step_down, 0, .gate = ends[0]), 0);
    close(ends[0]);
    close(ends[1]);
    cr_assert_eq(SEND(&supervised_channel, ping, 8), 0);
    master_answers(8);
    actor_hear(&s.gate, MSG_hand_over, &got);
    message_close(&got);
    actor_finish(&s.gate);
    supervised_hears(MSG_gate_lost, &got);
    stage_ends(&s);
}
