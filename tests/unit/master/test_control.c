/* Tests of the control socket: master answers sallyportctl, and a hostile, slow
 * or dead sallyportctl does master no harm. */
#include <sched.h>

#include "caller.h"
#include "sallyport/base/address.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/generation.h"
#include "supervised.h"

static const char *reads(struct channel *c, const char *name)
{
    return caller_reads(c, SHOWN_WHOLE, name);
}

OpenTest(control, status, NULL)
{
    struct player in, out;

    caller_enter(&ctl);
    cr_expect_str_eq(reads(&ctl, "state"), "running");
    cr_expect_leq(atoll(reads(&ctl, "since")), time(NULL));
    cr_expect_geq(atoll(reads(&ctl, "since")), time(NULL) - 100);
    cr_expect_eq(strncmp(reads(&ctl, "listening"), "127.0.0.1:", 10), 0);
    cr_expect_str_eq(reads(&ctl, "sessions"), "0");
    cr_expect_str_eq(reads(&ctl, "max_sessions"), "8", "of the stage");
    cr_expect_eq(atoi(reads(&ctl, "users")), STAGE_USERS);
    cr_expect_eq(atoi(reads(&ctl, "generation_pid")), stage.master);
    cr_expect_str_eq(reads(&ctl, "generations"), "1");
    cr_expect_str_eq(reads(&ctl, "bans"), "0");
    cr_expect_str_eq(reads(&ctl, "away"), "");
    cr_expect_str_eq(reads(&ctl, "users_refused"), "");
    cr_expect_str_neq(caller_reads(&ctl, "+certificates", "file"), "");
    cr_expect_str_eq(caller_reads(&ctl, "totals", "complete"), "0");
    player_enter(&in, 1);
    player_logs_in(&in, &ours);
    player_enter(&out, 2);
    player_asks(&out); /* so master has seen the session */
    cr_expect_str_eq(reads(&ctl, "sessions"), "2");
    cr_expect_str_eq(reads(&ctl, "logged_in"), "1");
    channel_close(&ctl);
    player_leave(&in);
    player_leave(&out);
}

static void garbage(struct channel *c)
{
    cast_shout(c, "status\n", 7, NULL, 0);
}

static void what_nobody_can_show(struct channel *c)
{
    SAY(c, show, 1, .build = slice_from(build_name()), .what = SHOW_COUNT);
}

/* Sends a second request before the first reload is answered. */
static void two_at_once(struct channel *c)
{
    const unsigned char bytes[8] = { MSG_reload, 0, 0, 0, 1 };

    cast_shout(c, bytes, sizeof(bytes), NULL, 0);
    cast_shout(c, bytes, sizeof(bytes), NULL, 0);
}

static void half_a_hang_up(struct channel *c)
{
    cr_assert_eq(shutdown(c->fd, SHUT_WR), 0);
}

/* No honest sallyportctl sends these right after WELCOME. (unit_ipc has all
 * malformed messages.) */
OpenTest(control, hostile, NULL)
{
    static void (*const lies[])(struct channel *c) = {
        garbage, what_nobody_can_show, two_at_once, half_a_hang_up
    };

    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        caller_enter(&ctl);
        lies[i](&ctl);
        cast_skip_to_end(&ctl);
        if (i == 0)
            stage_reports(EVENT_PEER, "unknown or malformed");
        channel_close(&ctl);
    }
    stage_serves();
}

static void impatient(struct master *m)
{
    m->deadlines.ask = 2000;
}

/* All places are taken: master refuses one more caller. Callers that ask
 * nothing are disconnected at their deadline. */
OpenTest(control, places_and_their_deadline, impatient)
{
    struct channel c[MASTER_CALLERS], one_more;

    for (size_t i = 0; i < MASTER_CALLERS; i++)
        caller_enter(&c[i]);
    channel_init(&one_more, caller_connect(), PROCESS_CTL, PROCESS_MASTER,
                 PHASE_START);
    caller_is_refused(&one_more, REFUSAL_BUSY);
    cast_skip_to_end(&one_more);
    channel_close(&one_more);
    for (size_t i = 0; i < MASTER_CALLERS; i++) {
        cast_skip_to_end(&c[i]); /* this caller never asked */
        channel_close(&c[i]);
    }
    caller_enter(&one_more);
    reads(&one_more, "state");
    channel_close(&one_more);
}

/* Master refuses SHOW to a sallyportctl of another build, since the rows have
 * other names there. It answers requests that are the same in all builds. */
CallerTest(control, another_build, NULL)
{
    REQUEST(&ctl, show, .build = SLICE("0.9.9-0"), .what = 77);
    caller_is_refused(&ctl, REFUSAL_BUSY);
    REQUEST(&ctl, who);
    EXPECT(&ctl, end);
}

/* A caller that doesn't read its answers is disconnected. */
CallerTest(control, does_not_read, NULL)
{
    const uint64_t end = clock_ms() + STAGE_WAIT_MS;
    int r = 0;

    while (r != -EPIPE && clock_ms() < end) {
        r = TRY(&ctl, show, 1, .build = slice_from(build_name()));
        if (r == -EAGAIN)
            sched_yield();
    }
    cr_assert_eq(r, -EPIPE);
    stage_serves();
}

/* A sallyportctl connects and leaves a thousand times. */
OpenTest(control, a_flood_of_connections, NULL)
{
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(close(caller_connect()), 0);
    stage_serves();
    do { /* the last connections can still have the places */
        channel_init(&ctl, caller_connect(), PROCESS_CTL, PROCESS_MASTER,
                     PHASE_START);
        if (cast_hear(&ctl) == MSG_welcome)
            break;
        cr_assert_eq(heard.kind, MSG_control_refused);
        channel_close(&ctl);
    } while (true);
    ctl.phase = PHASE_ASKED;
    reads(&ctl, "state");
    channel_close(&ctl);
}

/* The service stops, but waits for a session: master still answers a caller. */
Test(control, status_during_the_stop)
{
    stage_with(stage_waits, &anna);
    caller_enter(&ctl);
    kill(stage.master, SIGTERM);
    EXPECT(&anna.channel, kick);
    cr_expect_str_eq(reads(&ctl, "state"), "stopping");
    player_leave(&anna);
    cast_skip_to_end(&ctl);
    channel_close(&ctl);
    stage_ended(0);
}

/* If a start makes a new control socket, master answers from its beginning. It
 * refuses a reload then, and the start continues. */
Test(control, is_there_during_the_start)
{
    stage_raise(NULL);
    actors_enter();
    caller_enter(&ctl);
    cr_expect_str_eq(reads(&ctl, "state"), "starting");
    cr_expect_str_eq(reads(&ctl, "since"), "0");
    REQUEST(&ctl, reload);
    caller_is_refused(&ctl, REFUSAL_BUSY);
    channel_close(&ctl);
    actors_ready();
    stage_serves();
    stage_close();
}

/* Master refuses a reload before UP: the supervisor would kill a generation
 * that asks for a reload then. */
Test(control, no_reload_during_the_start)
{
    supervised_begin(NULL);
    caller_enter(&ctl);
    REQUEST(&ctl, reload);
    caller_is_refused(&ctl, REFUSAL_BUSY);
    supervised_come_up(); /* UP is the next message */
    REQUEST(&ctl, reload);
    EXPECT(&supervised_channel, renew);
    channel_close(&ctl);
    stage_close();
}

static const struct {
    const char *why, *logged;
    enum refusal refusal;
} failures[] = {
    { "a mistake", "reload: the old configuration and certificates stay: a m",
      REFUSAL_BAD_FILE },
    { GENERATION_WAITS "8 generations",
      "reload: the old configuration and certificates stay: the reload waits",
      REFUSAL_BUSY },
    { GENERATION_AGAIN "it was not ready in time",
      "reload: the old configuration and certificates stay: try again later",
      REFUSAL_BUSY },
    { GENERATION_NOT_TAKEN "(its gate has ended)",
      "reload: the takeover failed (its gate has ended)", REFUSAL_BUSY },
};

Test(control, a_reload_that_fails)
{
    supervised_open(NULL);
    caller_enter(&ctl);
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        struct slice why = slice_from(failures[i].why);

        REQUEST(&ctl, reload);
        EXPECT(&supervised_channel, renew);
        SAY(&supervised_channel, renewed, .why = why);
        SAY_BACK(&supervised_channel, renewed, .why = why);
        stage_reports_admin("reload", "", 0);
        stage_reports(EVENT_TROUBLE, failures[i].logged);
        caller_is_refused(&ctl, failures[i].refusal);
    }
    channel_close(&ctl);
    stage_close();
}

#define READER 12345 /* a uid and gid that no account has */

static void has_group(struct master *m)
{
    m->account[ACCOUNT_CONTROL].gid = READER;
}

/* Connects with the uid and gid READER. Opens the socket to all, since another
 * test checks its mode. */
static int connect_as_reader(void)
{
    char path[128];
    int fd;

    snprintf(path, sizeof(path), "%s/control", stage.folder);
    cr_assert_eq(chmod(path, 0666) | chmod(stage.folder, 0711), 0);
    cr_assert_eq(setegid(READER) | seteuid(READER), 0);
    fd = caller_connect();
    cr_assert_eq(seteuid(0) | setegid(0), 0);
    return fd;
}

static void reader_enter(struct channel *c)
{
    channel_init(c, connect_as_reader(), PROCESS_CTL, PROCESS_MASTER,
                 PHASE_START);
    EXPECT(c, welcome);
    c->phase = PHASE_ASKED;
}

/* Master refuses each request of a reader that does more than look, and
 * continues to serve the connection. Readers leave places to root. */
Test(control, members_of_the_group_only_look, .timeout = 60)
{
    static const enum message_kind forbidden[] = {
        MSG_reload,
        MSG_end_sessions,
        MSG_ban_add,
        MSG_ban_remove,
    };
    struct channel reader[MASTER_CALLERS / 2], c;

    if (geteuid() != 0)
        cr_skip_test("only root takes another uid");
    stage_open(has_group);
    for (size_t i = 0; i < MASTER_CALLERS / 2; i++)
        reader_enter(&reader[i]);
    for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
        struct message none = { .request = channel_next(&reader[0]) };

        cast_say(&reader[0], forbidden[i], &none.request);
        caller_is_refused(&reader[0], REFUSAL_DENIED);
    }
    reads(&reader[0], "state");
    caller_edits(&reader[0]);
    caller_is_refused(&reader[0], REFUSAL_DENIED);
    caller_looks(&reader[0], SHOW_DOING, 0);
    EXPECT(&reader[0], end);
    channel_init(&c, connect_as_reader(), PROCESS_CTL, PROCESS_MASTER,
                 PHASE_START);
    caller_is_refused(&c, REFUSAL_BUSY);
    channel_close(&c);
    caller_enter(&c);
    channel_close(&c);
    for (size_t i = 0; i < MASTER_CALLERS / 2; i++)
        channel_close(&reader[i]);
    stage_close();
}

static void says_garbage(bool as_reader)
{
    struct channel c;

    if (as_reader)
        reader_enter(&c);
    else
        caller_enter(&c);
    garbage(&c);
    cast_skip_to_end(&c);
    channel_close(&c);
}

/* Master reports the first of many wrong messages of readers: otherwise log
 * would have no room for master's own lines. */
Test(control, members_of_the_group_fill_no_log, .timeout = 60)
{
    struct event_record r;
    int lines = 0;

    if (geteuid() != 0)
        cr_skip_test("only root takes another uid");
    stage_open(has_group);
    for (int i = 0; i < 20; i++)
        says_garbage(true);
    says_garbage(false);
    while (channel_receive(&stage.events, &heard) == 1) {
        cr_assert_eq(event_decode(heard.event.event, &r), 0);
        lines += r.event == EVENT_PEER;
    }
    cr_expect_eq(lines, 2, "%d lines", lines);
    stage_close();
}

/* If control_group is empty, nobody is a member, whatever the mode of the
 * socket. */
Test(control, nobody_is_in_no_group, .timeout = 60)
{
    struct channel c;

    if (geteuid() != 0)
        cr_skip_test("only root takes another uid");
    stage_open(NULL);
    channel_init(&c, connect_as_reader(), PROCESS_CTL, PROCESS_MASTER,
                 PHASE_START);
    caller_is_refused(&c, REFUSAL_DENIED);
    channel_close(&c);
    stage_close();
}
