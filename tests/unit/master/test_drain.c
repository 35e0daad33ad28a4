/* A generation that drains. The test plays the supervisor too. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <unistd.h>

#include "caller.h"
#include "sallyport/base/fd.h"
#include "supervised.h"

#define SESSIONS 400 /* their kills are more than gate's channel can hold */

static void is_impatient(struct master *m)
{
    m->deadlines.hand_over = 300;
    m->deadlines.stuck = 60000;
}

static void open_supervised(struct stage *s)
{
    supervised_open(s, is_impatient);
}

static void step_down(void)
{
    int ends[2];

    cr_assert_eq(fd_pair(ends), 0);
    cr_assert_eq(SEND(&supervised_channel, step_down, 0, .gate = ends[0]), 0);
    close(ends[0]);
    close(ends[1]);
}

static void gate_is_lost(bool handed_over)
{
    struct message got = { .kind = MSG_NONE };

    supervised_hears(MSG_gate_lost, &got);
    cr_expect_eq(got.gate_lost.handed_over, handed_over);
}

Test(drain, ends_after_its_gate)
{
    struct message got;
    struct stage s;

    open_supervised(&s);
    step_down();
    actor_hear(&s.gate, MSG_hand_over, &got);
    message_close(&got);
    actor_finish(&s.gate);
    gate_is_lost(true);
    stage_ends(&s);
}

Test(drain, gate_hands_nothing_over)
{
    struct stage s;

    open_supervised(&s);
    kill(s.gate.note.pid, SIGSTOP);
    step_down();
    channel_hear_end(&s.gate.channel);
    gate_is_lost(false);
    stage_ends(&s);
}

static void hurries(struct master *m)
{
    is_impatient(m);
    m->deadlines.sync = 100;
}

/* Its master can't reap it as long as a tracer doesn't, as if it waited for a
 * dead disk. */
Test(drain, files_that_does_not_end)
{
    struct message got;
    struct actor files;
    struct player p;
    struct stage s;

    supervised_open(&s, hurries);
    player_enter(&s, &p, 1);
    player_logs_in(&s, &p, &files);
    cr_assert_eq(ptrace(PTRACE_SEIZE, files.note.pid, NULL, NULL), 0);
    step_down();
    actor_hear(&s.gate, MSG_hand_over, &got);
    message_close(&got);
    actor_finish(&s.gate);
    gate_is_lost(true);
    player_leave(&p);
    stage_ends(&s);
}

/* Messages that gate doesn't read fill its channel, until master has no
 * room. */
static void fill_channel(struct stage *s)
{
    for (uint64_t i = 1; i <= SESSIONS; i++) {
        struct player p;

        player_enter(s, &p, i);
        (void)!send(p.channel.fd, "garbage", 7, MSG_NOSIGNAL);
        channel_hear_end(&p.channel);
        player_leave(&p);
    }
}

static void read_all(struct actor *a)
{
    struct message p = { .kind = MSG_NONE };

    do
        message_close(&p);
    while (channel_receive(&a->channel, &p) == 1);
}

static void has_time(struct master *m)
{
    m->deadlines.hand_over = m->deadlines.stuck = 60000;
}

/* Until all that was sent before has gone: a busy gate isn't killed. */
static void hear_after_all(struct actor *a, enum message_kind kind)
{
    struct message p = { .kind = MSG_NONE };

    do {
        message_close(&p);
        cr_assert_eq(channel_wait(&a->channel, &p, STAGE_WAIT_MS), 1);
    } while (p.kind != kind);
    message_close(&p);
}

Test(drain, gate_with_a_full_channel)
{
    struct stage s;

    supervised_open(&s, has_time);
    kill(s.gate.note.pid, SIGSTOP);
    fill_channel(&s);
    step_down();
    supervised_heard(&s); /* so it has tried by then */
    hear_after_all(&s.gate, MSG_hand_over);
    kill(s.gate.note.pid, SIGCONT);
    actor_finish(&s.gate);
    gate_is_lost(true);
    stage_ends(&s);
}

/* It begins to read when it gets MSG_hand_over. */
Test(drain, gate_that_reads_late_has_no_more_time)
{
    struct stage s;

    open_supervised(&s);
    kill(s.gate.note.pid, SIGSTOP);
    fill_channel(&s);
    kill(s.master, SIGSTOP);
    step_down();
    read_all(&s.gate);
    kill(s.master, SIGCONT);
    channel_hear_end(&s.gate.channel);
    gate_is_lost(false);
    stage_ends(&s);
}

/* The supervisor would take it for master's message. */
Test(drain, gate_that_was_not_told_to_serve)
{
    struct stage s;

    supervised_raise(&s, is_impatient);
    kill(s.gate.note.pid, SIGSTOP);
    supervised_gate_serves(&s);
    gate_is_lost(false);
    stage_ends(&s);
}

static void follows_an_older_one(struct master *m)
{
    is_impatient(m);
    supervised_uses_older(m);
}

/* Gate dies between `up` and `lead`. This generation won't lead, so it has no
 * records of older sessions. */
Test(drain, gate_dies_before_the_takeover)
{
    const struct roster_facts old = { .serial = 7, .peer = { .family = 4 } };
    struct message got;
    struct caller c;
    struct stage s;

    supervised_make_rosters();
    roster_write(supervised_older(), 0, &old);
    supervised_raise(&s, follows_an_older_one);
    caller_enter(&s, &c); /* else this generation would end */
    actor_die(&s.gate);
    gate_is_lost(false);
    cr_assert_eq(SEND(&supervised_channel, lead, 0), 0);
    supervised_heard(&s); /* so it has read `lead` */
    caller_asks(&c, MSG_who);
    caller_hears(&c, MSG_who_end, &got);
    caller_leave(&c);
    stage_ends(&s);
    supervised_drop_rosters();
}

/* The older master got "drain" after this one had started, and steps down. */
Test(drain, order_during_a_reload)
{
    struct message got = { .kind = MSG_NONE };
    struct board *board = stage_board();
    struct player p;
    struct stage s;

    supervised_make_rosters();
    supervised_open(&s, supervised_uses_older);
    player_enter(&s, &p, 1);
    board_set(&board->closed, 1);
    player_hear(&p, MSG_kick, &got);
    cr_expect(got.kick.finish);
    player_leave(&p);
    stage_close(&s);
    supervised_drop_rosters();
}
