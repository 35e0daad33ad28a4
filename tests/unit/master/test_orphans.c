/* Sessions without their gate: they are children of master now, and the next
 * gate serves them. */
#include <sys/syscall.h>

#include "stage.h"

static void session_of(struct player *p, struct actor *files)
{
    stage_open(NULL);
    stage.session = stage.gate.note.session;
    player_enter(p, 1);
    player_logs_in(p, files);
}

static void hears(enum message_kind kind, struct message *got)
{
    do
        cr_assert_eq(channel_wait(&stage.gate.channel, got, STAGE_WAIT_MS), 1);
    while (got->kind == MSG_open || got->kind == MSG_limits ||
           got->kind == MSG_logged_in);
    message_check(&stage.gate.channel, 1, kind, got);
}

/* Gate and the session get the two ends of one channel. */
static void is_adopted(struct player *p)
{
    struct message got, own;
    char byte = 0;

    hears(MSG_adopt, &got);
    cr_expect_eq(got.adopt.serial, p->serial);
    cr_expect(got.adopt.known && got.adopt.logged_in && !got.adopt.proxied);
    player_hear(p, MSG_gate, &own);
    cr_assert_eq(send(own.gate.gate, "x", 1, MSG_NOSIGNAL), 1);
    cr_assert_eq(recv(got.adopt.session, &byte, 1, 0), 1);
    cr_expect_eq(byte, 'x');
    message_close(&got);
    message_close(&own);
}

static void is_reaped(const struct player *p, uint64_t signal)
{
    struct message got;

    do
        cr_assert_eq(channel_wait(&stage.gate.channel, &got, STAGE_WAIT_MS), 1);
    while (got.kind != MSG_reaped);
    cr_expect_eq(got.reaped.serial, p->serial);
    cr_expect_eq(got.reaped.status, signal);
}

static void gate_is_replaced(void)
{
    actor_die(&stage.gate);
    actor_again(&stage.gate);
}

Test(orphans, live_on, .timeout = 60)
{
    pid_t pid;

    session_of(&anna, &ours);
    pid = stage.gate.note.session;
    for (int i = 0; i < 2; i++) {
        gate_is_replaced();
        is_adopted(&anna);
    }
    cr_assert_eq(kill(pid, SIGTERM), 0);
    is_reaped(&anna, SIGTERM);
    channel_hear_end(&anna.channel);
    stage_leave(&anna);
}

/* It has broken a rule: master is its parent. */
Test(orphans, are_killed_by_master, .timeout = 60)
{
    session_of(&anna, &ours);
    gate_is_replaced();
    is_adopted(&anna);
    channel_shout(&anna.channel, "garbage", 7, NULL, 0);
    hears(MSG_kill, &heard);
    cr_expect_eq(heard.kill.serial, anna.serial);
    is_reaped(&anna, SIGKILL);
    stage_leave(&anna);
}

Test(orphans, are_killed_for_gate, .timeout = 60)
{
    session_of(&anna, &ours);
    gate_is_replaced();
    is_adopted(&anna);
    TELL(&stage.gate.channel, kill_adopted,
         .serial = anna.serial + 1); /* nobody */
    TELL(&stage.gate.channel, kill_adopted, .serial = anna.serial);
    hears(MSG_reaped, &heard); /* and no `kill`, which would be a reason */
    cr_expect_eq(heard.reaped.serial, anna.serial);
    cr_expect_eq(heard.reaped.status, SIGKILL);
    channel_hear_end(&anna.channel);
    stage_leave(&anna);
}

/* Gate would have logged it. */
Test(orphans, die_without_a_gate, .timeout = 60)
{
    pid_t pid;

    session_of(&anna, &ours);
    pid = stage.gate.note.session;
    actor_die(&stage.gate);
    actor_enter(&stage.gate, "gate"); /* so master has reaped the first one */
    cr_assert_eq(kill(pid, SIGTERM), 0);
    stage_reports(EVENT_TROUBLE, "ended by signal 15 while there was no");
    channel_hear_end(&anna.channel);
    actor_ready(&stage.gate);
    stage_leave(&anna);
}

static void no_time_to_sync(struct master *m)
{
    m->deadlines.sync = 200;
}

/* It has closed its channel to master before there is another gate, which hears
 * nothing of it; and it is killed. */
Test(orphans, that_hide_are_not_adopted, .timeout = 60)
{
    int process;

    stage_open(no_time_to_sync);
    stage.session = stage.gate.note.session;
    process = (int)syscall(SYS_pidfd_open, stage.session, 0);
    cr_assert_geq(process, 0);
    player_enter(&anna, 1);
    player_logs_in(&anna, &ours);
    actor_die(&stage.gate);
    actor_enter(&stage.gate, "gate");
    player_leave(&anna);
    cr_expect_eq(poll(&(struct pollfd){ .fd = process, .events = POLLIN }, 1,
                      STAGE_WAIT_MS),
                 1, "lives on");
    actor_ready(&stage.gate);
    actor_hear(&stage.gate, MSG_open, &heard); /* the first message */
    close(process);
    stage_close();
}

/* Gate finds a wrong message of a session that has closed its channel to
 * master. */
Test(orphans, that_hide_are_killed_for_gate, .timeout = 60)
{
    session_of(&anna, &ours);
    gate_is_replaced();
    is_adopted(&anna);
    do
        cr_assert_eq(channel_wait(&stage.gate.channel, &heard, STAGE_WAIT_MS),
                     1);
    while (heard.kind != MSG_limits || !heard.limits.last);
    player_leave(&anna);
    stage_serves(); /* so master has seen it */
    TELL(&stage.gate.channel, kill_adopted, .serial = 1);
    is_reaped(&anna, SIGKILL);
    stage_close();
}

/* Gate has lied about the pid: that process isn't harmed. */
Test(orphans, are_no_other_process, .timeout = 60)
{
    stage_open(NULL);
    stage.session = stage.auth.note.pid;
    player_enter(&anna, 1);
    stage_serves(); /* so master has read it */
    actor_die(&stage.gate);
    channel_hear_end(&anna.channel);
    gate_again();
    stage_leave(&anna);
}
