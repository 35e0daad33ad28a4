/* Tests of sessions after the end of their gate: the sessions are children of
 * master, and the next gate serves them. Tests of the ends of sessions, which
 * master reaps. */
#include <sys/syscall.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "stage.h"

static void hears(enum message_kind kind)
{
    int r;

    do {
        message_close(&heard);
        r = channel_wait(&stage.gate.channel, &heard, STAGE_WAIT_MS);
    } while (r == 1 && heard.kind == MSG_open);
    cast_check(&stage.gate.channel, r, kind, &heard);
}

/* Checks that gate and the session get the two ends of one channel. */
static void is_adopted(struct player *p)
{
    char byte = 0;
    int session;

    hears(MSG_adopt);
    cr_expect_eq(heard.adopt.serial, p->serial);
    cr_expect(heard.adopt.known && heard.adopt.logged_in &&
              !heard.adopt.proxied);
    session = fd_take(&heard.adopt.session);
    EXPECT(&p->channel, gate);
    cr_assert_eq(send(heard.gate.gate, "x", 1, MSG_NOSIGNAL), 1);
    cr_assert_eq(recv(session, &byte, 1, 0), 1);
    cr_expect_eq(byte, 'x');
    close(session);
    message_close(&heard);
}

static void is_reaped(const struct player *p)
{
    hears(MSG_reaped);
    cr_expect_eq(heard.reaped.serial, p->serial);
}

static void gate_is_replaced(void)
{
    actor_die(&stage.gate);
    actor_again(&stage.gate);
}

UserTest(orphans, live_on, NULL)
{
    for (int i = 0; i < 2; i++) {
        gate_is_replaced();
        is_adopted(&anna);
    }
    /* Master kills a session that breaks a rule. */
    cast_shout(&anna.channel, "garbage", 7, NULL, 0);
    stage_reports(EVENT_END, "kicked: signal 9, serial ");
    is_reaped(&anna);
    cast_skip_to_end(&anna.channel);
}

Test(orphans, are_killed_for_gate, .timeout = 60)
{
    uint64_t before = clock_ms(), begun, killed, ms;

    stage_logged_in(NULL, &anna, &ours);
    begun = clock_ms();
    gate_is_replaced();
    is_adopted(&anna);
    killed = clock_ms();
    SAY(&stage.gate.channel, kill, .serial = anna.serial, .why = ENDING_PEER);
    is_reaped(&anna);
    ms = stage_reports(EVENT_END, "another process failed: signal 9, serial ");
    cr_expect(ms >= killed - begun && ms <= clock_ms() - before, "%lu ms", ms);
    cast_skip_to_end(&anna.channel);
    stage_leave(&anna);
}

UserTest(orphans, die_without_a_gate, NULL)
{
    actor_die(&stage.gate);
    actor_enter(&stage.gate, "gate"); /* so master has reaped the first gate */
    player_ends(&anna, SIGTERM);
    stage_reports(EVENT_END, "crash: signal 15");
    cast_skip_to_end(&anna.channel);
    actor_ready(&stage.gate);
}

static void no_time_to_sync(struct master *m)
{
    m->deadlines.sync = 200;
}

/* A session has closed its channel to master before the next gate starts.
 * Master kills the session, and tells gate nothing about it. */
UserTest(orphans, that_hide_are_not_adopted, no_time_to_sync)
{
    actor_die(&stage.gate);
    actor_enter(&stage.gate, "gate");
    channel_close(&anna.channel);
    stage_reports(EVENT_END, "signal 9");
    actor_ready(&stage.gate);
    EXPECT(&stage.gate.channel, open); /* the first message */
}

/* Gate asks master to kill a session that has closed its channel to master. */
UserTest(orphans, that_hide_are_killed_for_gate, NULL)
{
    gate_is_replaced();
    is_adopted(&anna);
    channel_close(&anna.channel);
    stage_serves(); /* so master has seen the closed channel */
    SAY(&stage.gate.channel, kill, .serial = anna.serial, .why = ENDING_PEER);
    gate_hears(MSG_reaped, anna.serial);
}

/* Forks a session that ends by SIGNAL before gate announces it. Returns its
 * pid. */
static pid_t has_died(int signal)
{
    int rope, pidfd;
    const pid_t pid = stage_bear(&rope);

    pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    cr_assert_eq(send(rope, &signal, sizeof(signal), 0), sizeof(signal));
    cr_assert_eq(
        poll(&(struct pollfd){ .fd = pidfd, .events = POLLIN }, 1, 10000), 1);
    close(pidfd);
    close(rope);
    stage_serves(); /* so master has reaped the session */
    return pid;
}

/* Master has reaped sessions before gate announces them, and remembers how they
 * have ended. */
OpenTest(orphans, die_before_they_are_announced, NULL)
{
    pid_t pid;

    do
        pid = has_died(SIGSEGV);
    while (has_died(SIGKILL) % STRANGERS == pid % STRANGERS); /* one place */
    actor_die(&stage.auth); /* a child of master that is no session */
    actor_again(&stage.auth);
    player_enter_as(&anna, 7, pid);
    cast_skip_to_end(&anna.channel);
    stage_reports(EVENT_END, "crash: signal 11");
    stage_reports(EVENT_BAN, "crashed a session");
    gate_hears(MSG_reaped, 7);
    player_leave(&anna);
}

/* Gate names the process of another session, which has ended, but isn't reaped
 * yet. Master ends both sessions: otherwise it would keep a pid that the kernel
 * can give to another process. */
OpenTest(orphans, have_the_same_process, NULL)
{
    struct player twin;
    int pidfd, status;

    player_enter(&anna, 5);
    player_asks(&anna); /* so master has seen the session */
    cr_assert_eq(kill(stage.master, SIGSTOP), 0);
    cr_assert_eq(waitpid(stage.master, &status, WUNTRACED), stage.master);
    pidfd = (int)syscall(SYS_pidfd_open, anna.pid, 0);
    player_enter_as(&twin, 6, anna.pid); /* master reads this before it reaps */
    player_ends(&anna, SIGTERM);
    cr_assert_eq(
        poll(&(struct pollfd){ .fd = pidfd, .events = POLLIN }, 1, 10000), 1);
    cr_assert_eq(kill(stage.master, SIGCONT), 0);
    gate_hears(MSG_reaped, 5);
    cast_skip_to_end(&anna.channel);
    cast_skip_to_end(&twin.channel);
    close(pidfd);
    player_leave(&twin);
    player_leave(&anna);
}

/* Gate names a process that isn't a child of master. Master ends the session,
 * and doesn't kill that process. */
Test(orphans, are_no_other_process, .timeout = 60)
{
    pid_t other = fork();

    if (other == 0) {
        pause();
        _exit(0);
    }
    stage_open(NULL);
    player_enter_as(&anna, 1, other);
    SAY(&stage.gate.channel, kill, .serial = 1, .why = ENDING_PEER);
    cast_skip_to_end(&anna.channel);
    gate_hears(MSG_reaped, 1);
    stage_serves();
    cr_expect_eq(waitpid(other, NULL, WNOHANG), 0);
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    stage_leave(&anna);
}

/* Sessions without a login end in different ways. An end that the client has
 * caused counts against the client; an end that the server has caused
 * doesn't. */
OpenTest(orphans, who_has_ended_it, NULL)
{
    static const struct {
        int status;
        bool counts;
    } rows[] = {
        { W_EXITCODE(ENDING_QUIT, 0), true },
        { W_EXITCODE(ENDING_CLOSED, 0), true },
        { W_EXITCODE(ENDING_TLS, 0), true },
        { W_EXITCODE(ENDING_LOGIN_TIME, 0), true },
        { W_EXITCODE(ENDING_LOGIN_TRIES, 0), true },
        { W_EXITCODE(ENDING_NOT_FTP, 0), true },
        { W_EXITCODE(ENDING_PEER, 0), false },
        { W_EXITCODE(ENDING_SHUTDOWN, 0), false },
        { W_EXITCODE(ENDING_KICKED, 0), false },
        { W_EXITCODE(ENDING_DRAINED, 0), false },
        { W_EXITCODE(ENDING_NO_LOGIN, 0), false },
        { SIGKILL, true },
        { SIGALRM, true },
    };
    static const struct {
        enum ending why;
        bool counts;
    } kills[] = {
        { ENDING_PEER, true },
        { ENDING_CROWDED, true },
        { ENDING_LOGIN_TIME, true },
        { ENDING_KICKED, false },
    };

    for (uint64_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        player_enter(&anna, 10 + i);
        player_ends(&anna, rows[i].status);
        hears(MSG_reaped);
        cr_expect_eq(heard.reaped.fruitless, rows[i].counts, "%x",
                     rows[i].status);
        if (rows[i].status == SIGALRM)
            stage_reports(EVENT_END, "it hung: signal 14, serial ");
        player_leave(&anna);
    }
    for (uint64_t i = 0; i < sizeof(kills) / sizeof(kills[0]); i++) {
        player_enter(&anna, 100 + i);
        SAY(&stage.gate.channel, kill, .serial = 100 + i, .why = kills[i].why);
        hears(MSG_reaped);
        cr_expect_eq(heard.reaped.fruitless, kills[i].counts, "%lu", i);
        player_leave(&anna);
    }
}
