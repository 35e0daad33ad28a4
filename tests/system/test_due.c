/* Each session's end, while log is quick, stands still, or has died: each
 * upload and each change that was made has one line, and each session its
 * beginning and its end; or a line says how many lines are missing. The metrics
 * count what the lines say. */
#include "ctl.h"
#include "generation.h"
#include "sallyport/base/clock.h"
#include "support/dimensions.h"
#include "support/fail.h"
#include "support/long.h"
#include "support/processes.h"
#include "support/served.h"
#include "support/server_log.h"
#include "support/test.h"
#include "support/wait.h"

#define RESTARTS 5   /* restarts of log that master makes at once */
#define FLOOD    300 /* more refusals than a socket to log takes */
#define LOG      "sallyport: log"

struct ended {
    struct server server;
    struct session s;
};

static void quit(struct ended *e)
{
    session_send(&e->s, "QUIT");
    while (session_reply(&e->s) != 221)
        continue;
}

static void cut(struct ended *e)
{
    session_drop(&e->s);
}

static void kick(struct ended *e)
{
    ctl(&e->server, 0, "kick eve", "");
}

static void lock(struct ended *e)
{
    ctl(&e->server, 0, "user lock eve", "");
}

static void time_out(struct ended *e)
{
    (void)e; /* idle_timeout is short, but a login takes less */
}

static void drain(struct ended *e)
{
    ctl(&e->server, 0, "drain", "");
}

static void reload(struct ended *e)
{
    ctl(&e->server, 0, "reload", "");
    quit(e);
}

static void retire(struct ended *e)
{
    ctl(&e->server, 0, "reload", ""); /* drain_timeout is short */
}

static void stop(struct ended *e)
{
    server_halt(&e->server);
}

/* The lines are due of what the session has answered. */
static void die(struct ended *e)
{
    while (session_reply(&e->s) != 250)
        continue;
    processes_kill(e->server.pid, "sallyport: session");
}

static const struct way {
    void (*end)(struct ended *e);
    const char *settings, *why_not;
} ways[] = {
    [END_BY_QUIT] = { quit, "", NULL },
    [END_BY_CUT] = { cut, "", NULL },
    [END_BY_KICK] = { kick, "", NULL },
    [END_BY_LOCK] = { lock, "", NULL },
    [END_BY_TIME] = { time_out, "idle_timeout = 5s\n", NULL },
    [END_BY_DRAIN] = { drain, "", NULL },
    [END_BY_RELOAD] = { reload, "", NULL },
    [END_BY_RETIREMENT] = { retire, "drain_timeout = 1s\n", NULL },
    [END_BY_STOP] = { stop, "", NULL },
    [END_BY_DEATH] = { die, "", NULL },
};
DIMENSION_ROWS(ways, END_BY_COUNT);

/* .ms: how long log stands still; -1: it dies until its restarts must wait.
 * First the values of the list, and then others. */
static const struct pause {
    const char *name;
    int ms;
    bool in_short_run, reloaded;
} pauses[] = {
    [HOW_LONG_YOUNG] = { "quick", 0, false, false },
    [HOW_LONG_SILENT] = { "stopped for 15 s", 15000, false, false },
    [HOW_LONG_RELOADED] = { "of a new generation", 0, false, true },
    { "stopped for 1 s", 1000, true, false },
    { "dead", -1, false, false },
};
DIMENSION_ROWS(pauses, HOW_LONG_COUNT);
#define PAUSES (sizeof(pauses) / sizeof(pauses[0]))

struct row {
    unsigned way, pause;
    bool flood;
};

/* Forks a process that lets LOG go on after MS. */
static void go_on_later(pid_t log, int ms)
{
    if (fork() != 0)
        return;
    poll(NULL, 0, ms);
    kill(log, SIGCONT);
    _exit(0);
}

static void break_log(const struct server *server, int ms)
{
    pid_t log;

    for (int i = 0; ms < 0 && i <= RESTARTS; i++)
        processes_kill(server->pid, LOG);
    if (ms <= 0)
        return;
    log = processes_pid(server->pid, LOG);
    cr_assert_eq(kill(log, SIGSTOP), 0);
    go_on_later(log, ms);
}

/* Uploads a file, sends refused commands, and deletes another file. The session
 * answers them when log permits it, so this function reads no reply. */
static void work(struct ended *e, bool flood)
{
    static const char refused[] = "EPRT |1|127.0.0.1|5000|\r\n";
    char lines[FLOOD * sizeof(refused) + 16] = "";
    size_t len = 0;

    session_store(&e->s, "STOR", "new", "bytes", 5);
    for (unsigned i = 0; flood && i < FLOOD; i++, len += sizeof(refused) - 1)
        memcpy(lines + len, refused, sizeof(refused) - 1);
    memcpy(lines + len, "DELE old\r\n", 10);
    session_raw(&e->s, lines, len + 10);
}

/* Adds up the numbers behind WORD in the log. */
static unsigned sum_of(const char *log, const char *word)
{
    unsigned sum = 0;

    for (const char *at = log; (at = strstr(at, word)); at += strlen(word))
        sum += (unsigned)strtoul(at + strlen(word), NULL, 10);
    return sum;
}

static unsigned count_of(const char *log, const char *word)
{
    unsigned n = 0;

    for (const char *at = log; (at = strstr(at, word)); at += strlen(word))
        n++;
    return n;
}

static const char *const events[] = { " connect process=", " login process=",
                                      " transfer process=", " change process=",
                                      " end process=" };
#define EVENTS_OF_IT (sizeof(events) / sizeof(events[0]))

/* Returns how many of the lines are missing that the session must have; fails
 * the test if there are too many. */
static unsigned missing_lines(const struct ended *e)
{
    const bool deleted =
        !files_exists(server_home_file(&e->server, "eve", "old"));
    unsigned missing = 0;
    struct buf log;

    server_log(&e->server, &log);
    for (size_t i = 0; i < EVENTS_OF_IT; i++) {
        const unsigned due = i == 3 ? deleted : 1,
                       found = count_of(log.data, events[i]);

        cr_assert_leq(found, due, "%u lines with \"%s\"", found, events[i]);
        missing += due - found;
    }
    buf_release(&log);
    return missing;
}

static bool has_its_lines(void *argument)
{
    return missing_lines(argument) == 0;
}

/* Do the metrics count as many events as the log has lines? */
static bool metrics_agree(void *argument)
{
    const struct ended *e = argument;
    struct run_result metrics;
    struct running running;
    bool agree = true;
    struct buf log;

    server_log(&e->server, &log);
    ctl_start(&e->server, "metrics", &running);
    run_finish(&running, &metrics);
    for (size_t i = 0; i < EVENTS_OF_IT; i++) {
        char name[64], *end;

        snprintf(name, sizeof(name), "sallyport_events_total{event=\"%s",
                 events[i] + 1);
        end = strchr(name, ' ');
        cr_assert_not_null(end);
        strcpy(end, "\"} ");
        agree &= sum_of(metrics.text, name) == count_of(log.data, events[i]);
    }
    run_release(&metrics);
    buf_release(&log);
    return agree;
}

static void play(const struct row *row)
{
    const struct way *way = &ways[row->way];
    const struct pause *pause = &pauses[row->pause];
    struct server_plan plan = { USERS({ .name = "eve" }),
                                .settings = way->settings, .troubles = true };
    struct ended e;
    struct buf log;

    server_start(&e.server, &plan);
    server_put(&e.server, "eve", "old", "bytes", 5);
    if (pause->reloaded)
        ctl(&e.server, 0, "reload", "");
    break_log(&e.server, pause->ms);
    session_enter(&e.s, &e.server, "eve");
    work(&e, row->flood);
    way->end(&e);
    if (e.server.pid == 0) {
        server_log(&e.server, &log);
        cr_expect_leq(missing_lines(&e), sum_of(log.data, "no log took "), "%s",
                      log.data);
        buf_release(&log);
        server_forget(&e.server);
        return;
    }
    if (!wait_until(has_its_lines, &e, 2 * WAIT_MS)) {
        server_log(&e.server, &log);
        FAIL("%u lines are missing:\n%s", missing_lines(&e), log.data);
    }
    cr_expect(wait_until(metrics_agree, &e, WAIT_MS));
    generation_wait_at_most(&e.server, 1);
    server_stop(&e.server);
}

ParameterizedTestParameters(due, each_end)
{
    static struct row rows[END_BY_COUNT * PAUSES * 2];
    size_t count = 0;

    for (unsigned i = 0; i < END_BY_COUNT * PAUSES * 2; i++) {
        struct row row = { i / 2 % END_BY_COUNT, i / 2 / END_BY_COUNT, i % 2 };

        if (!dimension_plays(end_by_words[row.way], ways[row.way].end,
                             ways[row.way].why_not))
            continue;
        if (is_long() || (pauses[row.pause].in_short_run && row.flood &&
                          row.way != END_BY_DEATH)) /* any_death plays it */
            rows[count++] = row;
    }
    return cr_make_param_array(struct row, rows, count);
}

ParameterizedTest(struct row *row, due, each_end, .timeout = 240)
{
    printf("%s, log is %s%s\n", end_by_words[row->way], pauses[row->pause].name,
           row->flood ? ", after many refusals" : "");
    play(row);
}

/* While log stands still, a user's sessions end. A login waits until log goes
 * on, and nobody is refused. */
ServerTest(due, logins_after_a_pause, 120, PLAN(.settings = "startups = 100\n"))
{
    enum { SESSIONS = 24 };
    const pid_t log = processes_pid(server->pid, LOG);
    struct session s;

    cr_assert_eq(kill(log, SIGSTOP), 0);
    go_on_later(log, 4000);
    for (int i = 0; i < SESSIONS; i++) {
        session_enter(&s, server, "anna");
        session_close(&s);
    }
    server_log_expect(server, SESSIONS, " end process=session", NULL);
}
