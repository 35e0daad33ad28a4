/* A generation that drains. The test plays the supervisor too. */
#include <criterion/criterion.h>
#include <signal.h>
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

/* Master answers a `ping` itself when it drains, so it has tried by then. */
Test(drain, gate_with_a_full_channel)
{
    struct message got = { .kind = MSG_NONE };
    struct stage s;

    supervised_open(&s, has_time);
    kill(s.gate.note.pid, SIGSTOP);
    fill_channel(&s);
    step_down();
    cr_assert_eq(SEND(&supervised_channel, ping, 1), 0);
    supervised_hears(MSG_pong, &got);
    hear_after_all(&s.gate, MSG_hand_over);
    kill(s.gate.note.pid, SIGCONT);
    actor_finish(&s.gate);
    gate_is_lost(true);
    stage_ends(&s);
}

/* So does the heartbeat. */
Test(drain, a_heartbeat_with_a_full_channel)
{
    struct message got = { .kind = MSG_NONE };
    struct stage s;

    supervised_open(&s, has_time);
    fill_channel(&s);
    cr_assert_eq(SEND(&supervised_channel, ping, 1), 0);
    hear_after_all(&s.gate, MSG_health);
    TELL(&s.gate.channel, healthy);
    supervised_hears(MSG_pong, &got);
    stage_close(&s);
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
    cr_assert_eq(SEND(&supervised_channel, ping, 1), 0);
    got.kind = MSG_NONE;
    supervised_hears(MSG_pong, &got); /* so it has read `lead`, too */
    caller_asks(&c, MSG_who);
    caller_hears(&c, MSG_who_end, &got);
    caller_leave(&c);
    stage_ends(&s);
    supervised_drop_rosters();
}

static int closed_memory;

static void shares_closed(struct master *m)
{
    struct inherited *one = calloc(1, sizeof(*one));

    cr_assert(one);
    *one = (struct inherited){ .name = CLOSED_NAME, .fd = closed_memory };
    m->succession.inherited = one;
    m->succession.count = 1;
    supervised_uses_older(m);
}

/* The older master got "drain", or "drain --off", after this one had started.
 */
static void older_was_told(struct stage *s, bool on)
{
    struct message got = { .kind = MSG_NONE };

    cr_assert_eq(pwrite(closed_memory, &on, sizeof(on), 0), sizeof(on));
    actor_hear(&s->gate, MSG_turn_away, &got);
    cr_expect_eq(got.turn_away.why, on ? TURN_DRAIN : TURN_NOBODY);
}

static void make_closed_memory(void)
{
    closed_memory = memfd_create("closed", MFD_CLOEXEC);
    cr_assert_eq(ftruncate(closed_memory, sizeof(bool)), 0);
    supervised_make_rosters();
}

Test(drain, order_during_a_reload)
{
    struct stage s;

    make_closed_memory();
    supervised_open(&s, shares_closed);
    older_was_told(&s, true);
    older_was_told(&s, false);
    stage_close(&s);
    close(closed_memory);
    supervised_drop_rosters();
}

static void shares_closed_among_many(struct master *m)
{
    shares_closed(m);
    m->settings.max_sessions = 600;
}

#define MANY 590

/* Gate's channel is full of news: the order waits until it has room. */
Test(drain, order_to_a_gate_that_is_busy)
{
    bool on = true, turned = false;
    struct stage s;
    int kills = 0;

    make_closed_memory();
    supervised_open(&s, shares_closed_among_many);
    for (uint64_t serial = 1; serial <= MANY; serial++) {
        struct player p;

        player_enter(&s, &p, serial);
        channel_shout(&p.channel, "garbage", 7, NULL, 0);
        channel_hear_end(&p.channel);
        player_leave(&p);
    }
    cr_assert_eq(pwrite(closed_memory, &on, sizeof(on), 0), sizeof(on));
    while (!turned || kills < MANY) {
        struct message m;

        cr_assert_eq(channel_wait(&s.gate.channel, &m, STAGE_WAIT_MS), 1,
                     "%d kills, %d", kills, turned);
        kills += m.kind == MSG_kill;
        turned |= m.kind == MSG_turn_away && m.turn_away.why == TURN_DRAIN;
    }
    stage_close(&s);
    close(closed_memory);
    supervised_drop_rosters();
}
