/* Tests of a generation that retires. The test plays the supervisor, too. */
#include <sys/ptrace.h>

#include "caller.h"
#include "supervised.h"
#include "support/processes.h"
#include "support/wait.h"

#define SESSIONS 400 /* gate's channel can't hold so many ends */

/* Plays the next gate, which must get no listener. */
static void another_gate(void)
{
    const struct stage_note *note = &stage.gate.note;

    channel_close(&stage.gate.channel);
    actor_enter(&stage.gate, "gate");
    for (size_t i = 0; i < SETUP_LISTENERS; i++)
        cr_expect_not(note->given[SETUP_LISTENER + i]);
    actor_ready(&stage.gate);
}

static void gets_adopted(void)
{
    cast_check(&stage.gate.channel,
               channel_wait(&stage.gate.channel, &heard, STAGE_WAIT_MS),
               MSG_adopt, &heard);
}

/* Gate serves the connections that wait, and sends SHUT. A connection has
 * waited, and its session logs in late. Auth ends only after that login; gate
 * stays to the end. */
RetireTest(retire, ends_with_its_last_session, NULL)
{
    supervised_replaces();
    player_enter(&anna, 1);
    SAY(&stage.gate.channel, shut);
    player_logs_in(&anna, &ours);
    cast_skip_to_end(&stage.auth.channel);
    supervised_heard();
    player_leave(&anna);
    actor_finish(&ours);
}

/* An edit, such as a lock, that only the newest generation reads: no login that
 * is under way gets in by the older rows, before auth's answer or after it. */
Test(retire, a_login_under_way_beside_an_edit, .timeout = 60)
{
    struct board *board = stage_board();
    struct player other;

    supervised_open(NULL);
    player_enter(&anna, 1);
    player_enter(&other, 2);
    player_asks(&anna);
    auth_says(1, "anna");
    actor_enter(&ours, "files");
    player_asks(&other);
    supervised_replaces();
    board_set(&board->edits, board_get(&board->edits) + 1);
    actor_ready(&ours);
    player_is_denied(&anna, DENIAL_CHANGED);
    auth_says(2, "anna");
    player_is_denied(&other, DENIAL_CHANGED);
    SAY(&stage.gate.channel, shut);
    player_leave(&anna);
    player_leave(&other);
    stage_ends();
}

static void hurries(struct master *m)
{
    m->deadlines.sync = 100;
}

/* The test traces files, so master can't reap it, as if files waited for a dead
 * disk. */
RetireTest(retire, files_that_does_not_end, hurries)
{
    player_enter(&anna, 1);
    player_logs_in(&anna, &ours);
    cr_assert_eq(ptrace(PTRACE_SEIZE, ours.note.pid, NULL, NULL), 0);
    supervised_replaces();
    SAY(&stage.gate.channel, shut);
    player_leave(&anna);
}

static void has_time(struct master *m)
{
    m->deadlines.stuck = 60000;
    m->settings.max_sessions = SESSIONS;
}

/* Receives messages until KIND comes, as a busy gate does, which master must
 * not kill. */
static void hear_after_all(struct actor *a, enum message_kind kind)
{
    while (cast_hear(&a->channel) != kind)
        cr_assert_neq(heard.kind, MSG_NONE);
}

RetireTest(retire, gate_with_a_full_channel, has_time)
{
    players_end(1, SESSIONS); /* gate reads nothing */
    SAY(&supervised_channel, replaced);
    supervised_heard(); /* so master has tried to send */
    hear_after_all(&stage.gate, MSG_stop_accepting);
    SAY(&stage.gate.channel, shut);
}

/* Gate sends SERVING before master has told it to open: master replaces gate.
 * Otherwise the supervisor would blame master. */
Test(retire, gate_that_was_not_told_to_serve)
{
    supervised_raise(NULL);
    supervised_gate_serves();
    cast_skip_to_end(&stage.gate.channel);
    actor_again(&stage.gate);
    SAY(&supervised_channel, lead);
    EXPECT(&stage.gate.channel, open);
    supervised_gate_serves();
    EXPECT(&supervised_channel, leading);
    stage_close();
}

/* Gate dies between UP and LEAD, or after it has received OPEN: the next gate
 * serves. The supervisor receives LEADING once. */
Test(retire, gate_dies_in_the_takeover)
{
    for (int late = 0; late <= 1; late++) {
        supervised_raise(NULL);
        if (late) {
            SAY(&supervised_channel, lead);
            EXPECT(&stage.gate.channel, open);
        }
        actor_die(&stage.gate);
        actor_again(&stage.gate);
        if (!late)
            SAY(&supervised_channel, lead);
        EXPECT(&stage.gate.channel, open);
        supervised_gate_serves();
        EXPECT(&supervised_channel, leading);
        actor_die(&stage.gate);
        actor_again(&stage.gate);
        EXPECT(&stage.gate.channel, open);
        supervised_gate_serves();
        supervised_heard();
        cast_hear_nothing(&supervised_channel, 0);
        stage_close();
    }
}

/* Gate dies while its generation retires: the next gate has no listeners, and
 * accepts nobody. */
RetireTest(retire, gate_dies, NULL)
{
    player_enter(&anna, 1);
    player_asks(&anna); /* so master has seen the session */
    supervised_replaces();
    supervised_heard();
    actor_die(&stage.gate);
    another_gate();
    gets_adopted();
    player_leave(&anna);
}

static void is_patient(struct master *m)
{
    m->deadlines.setup = 60000;
}

/* Gate dies just before its generation retires: the next gate has its
 * listeners, but isn't ready. */
RetireTest(retire, gate_that_has_begun_just_now, is_patient)
{
    player_enter(&anna, 1);
    player_asks(&anna);
    actor_die(&stage.gate);
    channel_close(&stage.gate.channel);
    actor_enter(&stage.gate, "gate");
    cr_expect(stage.gate.note.given[SETUP_LISTENER]);
    SAY(&supervised_channel, replaced);
    supervised_heard();
    actor_ready(&stage.gate);
    EXPECT(&stage.gate.channel, stop_accepting);
    gets_adopted();
    player_leave(&anna);
}

static void hurries_gate(struct master *m)
{
    m->deadlines.shut = 100;
    m->settings.login_timeout = 100;
}

/* An attacker controls gate, which begins a session after SHUT. Master ends
 * gate and that session. The next gate has no listener, and must not begin a
 * session, either. */
static void expect_no_session(uint64_t serial)
{
    struct player other;

    player_enter(&other, serial);
    cast_skip_to_end(&other.channel);
    cast_skip_to_end(&stage.gate.channel);
    player_leave(&other);
}

RetireTest(retire, gate_that_goes_on_accepting, NULL)
{
    player_enter(&anna, 1);
    player_asks(&anna);
    supervised_replaces();
    SAY(&stage.gate.channel, shut);
    expect_no_session(2);
    another_gate();
    gets_adopted();
    expect_no_session(3);
    another_gate();
    gets_adopted();
    player_leave(&anna);
}

static bool master_has_ended(void *stage_control)
{
    struct pollfd one = { .fd = *(int *)stage_control };

    return poll(&one, 1, 0) != 0;
}

/* Leaves an event that log hasn't read. */
static void leave_an_event(void)
{
    player_enter(&anna, 1);
    player_logs_in(&anna, &ours);
    supervised_replaces();
    cr_assert_eq(send(anna.log, "w", 1, MSG_NOSIGNAL), 1);
    SAY(&stage.gate.channel, shut);
    player_leave(&anna);
    actor_finish(&ours);
    cr_assert(!wait_until(master_has_ended, &stage.control, 300),
              "an event is lost");
}

/* Receives log's end of anna's channel, and reads it. */
static void read_the_event(void)
{
    char byte;

    do {
        EXPECT(&stage.log.channel, speaker);
        if (heard.speaker.process == PROCESS_SESSION)
            cr_assert_eq(recv(heard.speaker.end, &byte, 1, MSG_DONTWAIT), 1);
        message_close(&heard);
    } while (heard.speaker.process != PROCESS_SESSION);
}

/* The generation ends only when log has read the last events. Meanwhile another
 * log can take its place. */
RetireTest(retire, waits_for_the_next_log, NULL)
{
    leave_an_event();
    actor_die(&stage.log);
    channel_close(&stage.events);
    actor_enter(&stage.log, "log");
    actor_ready(&stage.log);
    read_the_event();
}

static void forgetful(struct master *m)
{
    m->deadlines.unread = 1000;
}

RetireTest(retire, waits_for_log_in_vain, forgetful)
{
    leave_an_event();
}

static bool counts(void *row)
{
    static uint64_t first;
    const uint64_t now = board_get(&((struct board_row *)row)->master);

    first = first ? first : now;
    return now > first + 3;
}

/* Until an actor waits it has copies of other channels' ends. */
static bool waits(void *pid)
{
    char state[32];

    return *process_status(*(pid_t *)pid, "State", state, sizeof(state)) == 'S';
}

/* Log has read everything, and writes it. Master counts, so that the supervisor
 * doesn't kill it. */
Test(retire, waits_until_log_has_written, .timeout = 60)
{
    struct board *board = stage_board();

    supervised_open(NULL);
    cr_assert(wait_until(waits, &stage.log.note.pid, STAGE_WAIT_MS));
    cr_assert_eq(kill(stage.log.note.pid, SIGSTOP), 0);
    supervised_replaces();
    SAY(&stage.gate.channel, shut);
    cast_skip_to_end(&stage.log.channel);
    cr_assert(wait_until(counts, &board->row[0], STAGE_WAIT_MS));
    cr_assert_eq(kill(stage.log.note.pid, SIGCONT), 0);
    stage_ends();
}

RetireTest(retire, gate_that_never_shuts, hurries_gate)
{
    supervised_replaces();
}

/* The older master gets "drain" after this master has started. This master sees
 * the drain on the board. */
Test(retire, order_during_a_reload)
{
    struct board *board = stage_board();

    supervised_make_rosters();
    supervised_open(supervised_uses_older);
    player_enter(&anna, 1);
    board_set(&board->drains, 1);
    EXPECT(&anna.channel, kick);
    cr_expect(heard.kick.finish);
    cr_expect_eq(heard.kick.why, ENDING_DRAINED);
    player_leave(&anna);
    stage_close();
    supervised_drop_rosters();
}
