/* "Is anything of this generation left, lines included?": each answer, for each
 * who asks. Nobody ends log while lines wait for it. */
#include "caller.h"
#include "sallyport/base/fd.h"
#include "supervised.h"
#include "support/wait.h"

static int line = -1; /* log's end of the channel of a session that has ended */

static void in_time(struct master *m)
{
    supervised_uses_older(m);
    m->deadlines.stop = m->deadlines.last = 60000;
    m->deadlines.sync = m->deadlines.kick = 60000;
}

static void enters(void)
{
    player_enter(&anna, 1);
    player_logs_in(&anna, &ours);
}

static void session_ends(void)
{
    player_leave(&anna);
    gate_hears(MSG_reaped, 1);
}

static void files_ends(void)
{
    actor_finish(&ours);
    fd_close(&ours.log);
}

static void all_ends(void)
{
    player_leave(&anna);
    files_ends();
}

/* Files hangs, and can't be reaped yet. */
static void leaves_its_files(void)
{
    enters();
    cr_assert_eq(kill(ours.note.pid, SIGSTOP), 0);
    session_ends();
}

static void files_goes_on(void)
{
    cr_assert_eq(kill(ours.note.pid, SIGCONT), 0);
    files_ends();
}

static void leaves_a_line(void)
{
    enters();
    cr_assert_eq(send(anna.log, "w", 1, MSG_NOSIGNAL), 1);
    session_ends();
    files_ends();
}

static void leaves_a_line_of_files(void)
{
    enters();
    cr_assert_eq(send(ours.log, "w", 1, MSG_NOSIGNAL), 1);
    session_ends();
    files_ends();
}

static void leaves_a_line_without_log(void)
{
    enters();
    actor_die(&stage.log);
    channel_close(&stage.events);
    actor_enter(&stage.log, "log");
    cr_assert_eq(send(anna.log, "w", 1, MSG_NOSIGNAL), 1);
    session_ends();
    files_ends();
}

/* Log reads what waits for it. */
static void log_reads(void)
{
    char byte = 0;

    do {
        EXPECT(&stage.log.channel, speaker);
        line = fd_take(&heard.speaker.end);
        recv(line, &byte, 1, MSG_DONTWAIT);
        fd_close(&line);
    } while (byte != 'w');
}

static void log_begins_and_reads(void)
{
    actor_ready(&stage.log);
    log_reads();
}

static void another_log_reads(void)
{
    actor_die(&stage.log);
    actor_again(&stage.log);
    log_reads();
}

static void nothing(void)
{
}

static void generation_ends(void)
{
    *(char *)supervised_older() = 1;
}

static const struct {
    const char *name;
    void (*leave)(void);
    void (*finish)(void);
    bool of_older; /* only the newest master knows it */
} things[] = {
    { "a session", enters, all_ends, false },
    { "files of a session", leaves_its_files, files_goes_on, false },
    { "a line of a session", leaves_a_line, log_reads, false },
    { "a line of files", leaves_a_line_of_files, log_reads, false },
    { "a line, and log dies", leaves_a_line, another_log_reads, false },
    { "a line, and no log", leaves_a_line_without_log, log_begins_and_reads,
      false },
    { "an older generation", nothing, generation_ends, true },
};

static uint64_t asks_drain(void)
{
    uint64_t left;

    REQUEST(&ctl, drain, .order = DRAIN_ASK);
    left = EXPECT(&ctl, drain_is)->sessions;
    return left;
}

static bool is_drained(void *none)
{
    (void)none;
    return asks_drain() == 0;
}

static void drain(const char *name, void (*finish)(void))
{
    caller_enter(&ctl);
    cr_expect_gt(asks_drain(), 0, "%s", name);
    finish();
    cr_expect(wait_until(is_drained, NULL, STAGE_WAIT_MS), "%s", name);
    channel_close(&ctl);
    stage_close();
}

static bool has_ended(void *none)
{
    struct pollfd one = { .fd = stage.control };

    (void)none;
    return poll(&one, 1, 0) != 0;
}

static void expect_end(const char *name, void (*finish)(void))
{
    cr_assert(!wait_until(has_ended, NULL, 300), "%s is lost", name);
    finish();
    stage_ends();
}

static void retire(const char *name, void (*finish)(void))
{
    supervised_replaces();
    SAY(&stage.gate.channel, shut);
    expect_end(name, finish);
}

static void stop(const char *name, void (*finish)(void))
{
    cr_assert_eq(kill(stage.master, SIGTERM), 0);
    expect_end(name, finish);
}

static void ask_each(void (*who)(const char *name, void (*finish)(void)),
                     bool newest)
{
    for (size_t i = 0; i < sizeof(things) / sizeof(things[0]); i++) {
        if (things[i].of_older && !newest)
            continue;
        supervised_make_rosters();
        if (!things[i].of_older)
            generation_ends();
        supervised_open(in_time);
        things[i].leave();
        who(things[i].name, things[i].finish);
        supervised_drop_rosters();
    }
}

Test(left, a_drain_asks, .timeout = 120)
{
    ask_each(drain, true);
}

Test(left, a_retirement_asks, .timeout = 120)
{
    ask_each(retire, false);
}

Test(left, a_stop_asks, .timeout = 120)
{
    ask_each(stop, false);
}

/* The caller has connected to a generation that retires now: only the newest
 * one knows what is left. */
RetireTest(left, a_drain_asks_the_newest, NULL)
{
    caller_enter(&ctl);
    supervised_replaces();
    supervised_heard();
    REQUEST(&ctl, drain, .order = DRAIN_ASK);
    caller_is_refused(&ctl, REFUSAL_BUSY);
    channel_close(&ctl);
    SAY(&stage.gate.channel, shut);
}

/* So does a caller that has changed the users file, even if this generation has
 * no session to end: another one can have it. */
RetireTest(left, an_edit_asks_the_newest, NULL)
{
    caller_enter(&ctl);
    supervised_replaces();
    supervised_heard();
    caller_edits(&ctl);
    caller_is_refused(&ctl, REFUSAL_BUSY);
    channel_close(&ctl);
    SAY(&stage.gate.channel, shut);
}
