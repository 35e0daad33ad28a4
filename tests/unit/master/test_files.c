/* Tests of processes files that fail, lie, die or send nothing: master denies
 * the login or ends the session, and affects no other session. */
#include <sched.h>

#include "sallyport/base/fd.h"
#include "stage.h"
#include "support/processes.h"

static void fails(struct actor *a)
{
    SAY(&a->channel, failed, .error = ENOENT);
}

static void fails_away(struct actor *a)
{
    SAY(&a->channel, failed, .error = ENOTCONN);
}

static void garbage(struct actor *a)
{
    cast_shout(&a->channel, "ready", 5, NULL, 0);
}

static void silence(struct actor *a)
{
    (void)a;
}

static const struct {
    const char *what;
    void (*act)(struct actor *a);
} starts[] = {
    { "it can't enter the home", fails },
    { "it dies", actor_die },
    { "it closes its channel and lives on", actor_leave },
    { "garbage", garbage },
    { "its disk is away", fails_away },
    { "it says nothing", silence },
};

static void impatient(struct master *m)
{
    m->deadlines.files = 1500;
    m->deadlines.mark = 60000;
}

/* Does the same as impatient(), but master retries the directory at once. */
static void forgiving(struct master *m)
{
    impatient(m);
    m->deadlines.mark = 1;
}

/* Master denies the login, and continues to serve. */
OpenTest(files, does_not_come_up, impatient)
{
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        player_enter(&anna, i + 1);
        player_asks(&anna);
        auth_says(i + 1, "anna");
        actor_enter(&ours, "files");
        starts[i].act(&ours);
        player_is_denied(&anna,
                         starts[i].act == silence || starts[i].act == fails_away
                             ? DENIAL_LATE
                             : DENIAL_HOME);
        player_leave(&anna);
        channel_close(&ours.channel);
    }
    stage_serves();
}

/* Logs the user in once more. LATE: files must get the share /contracts marked
 * as late. */
static void second_is_let_in(bool late)
{
    struct player second;
    struct actor next;

    player_enter(&second, 2);
    player_asks(&second);
    auth_says(2, "anna");
    actor_enter(&next, "files");
    cr_expect_eq(strstr(next.note.mounts, "late /contracts ") != NULL, late);
    cr_expect(strstr(next.note.mounts, "/contracts "));
    player_is_let_in(&second, &next);
    player_leave(&second);
    channel_close(&next.channel);
}

/* The disk of a share doesn't answer: the user logs in without the share. The
 * next login leaves it out at once. */
AskedTest(files, a_share_that_is_late, impatient)
{
    struct actor late;

    auth_says(1, "anna");
    actor_enter(&late, "files");
    cr_expect(strstr(late.note.mounts, "/contracts "));
    SAY(&late.channel, files_opens, .at = SLICE("/"));
    SAY(&late.channel, files_opens, .at = SLICE("/contracts"));
    actor_enter(&ours, "files");
    stage_reports(EVENT_CHILD, "in time: share /contracts at ");
    cr_expect(strstr(ours.note.mounts, "late /contracts "), "%s",
              ours.note.mounts);
    cr_expect_null(strstr(ours.note.mounts, "late /offers "));
    player_is_let_in(&anna, &ours);
    second_is_let_in(true);
    channel_close(&late.channel);
}

/* Files gets the names only of users who have a share together with its
 * user. */
AskedTest(files, asks_for_names, NULL)
{
    static const struct {
        uint64_t uid;
        const char *name;
    } rows[] = {
        { 70000, "anna" }, { 70001, "bert" }, { 70002, "" },
        { 70003, "" },     { 0, "" },         { UINT64_MAX, "" },
    };

    auth_says(1, "anna");
    actor_enter(&ours, "files");
    SAY(&ours.channel, ready);
    ours.channel.phase = PHASE_RUN;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {

        SAY(&ours.channel, owner_of, .uid = rows[i].uid);
        EXPECT(&ours.channel, owner_is);
        cr_expect_eq(heard.owner_is.uid, rows[i].uid);
        cr_expect(slice_equal(heard.owner_is.name, slice_from(rows[i].name)),
                  "%lu", (unsigned long)rows[i].uid);
    }
}

/* The disk of the share answers again: the next login opens the share. */
AskedTest(files, a_share_that_is_back, forgiving)
{
    struct actor late;

    auth_says(1, "anna");
    actor_enter(&late, "files");
    SAY(&late.channel, files_opens, .at = SLICE("/contracts"));
    actor_enter(&ours, "files");
    player_is_let_in(&anna, &ours);
    stage_reports(EVENT_SERVICE, "its disk answers again");
    second_is_let_in(false);
    channel_close(&late.channel);
}

/* The path of the home leads to another directory than the process has open:
 * after two looks the session ends. */
AskedTest(files, a_home_that_is_replaced, NULL)
{
    struct stat st;

    auth_says(1, "anna");
    actor_enter(&ours, "files");
    cr_assert_eq(mkdir(ours.note.home, 0700), 0);
    cr_assert_eq(stat(ours.note.home, &st), 0);
    SAY(&ours.channel, files_opened, .number = 0, .device = st.st_dev,
        .inode = st.st_ino + 1);
    player_is_let_in(&anna, &ours);
    cr_expect_eq(EXPECT(&anna.channel, kick)->why, ENDING_MOVED);
    cr_assert_eq(rmdir(ours.note.home), 0);
}

/* A subverted process names a directory that isn't its user's: no fork of
 * master opens that directory, and the login is denied. */
AskedTest(files, a_strange_directory_is_late, impatient)
{
    struct stage_note next;
    struct actor late;

    auth_says(1, "anna");
    actor_enter(&late, "files");
    SAY(&late.channel, files_opens, .at = SLICE("/../../etc"));
    player_is_denied(&anna, DENIAL_LATE);
    cr_expect_lt(recv(stage.control, &next, sizeof(next), MSG_DONTWAIT), 0);
    channel_close(&late.channel);
}

/* The disk of the home doesn't answer: master denies the next login without a
 * process. */
AskedTest(files, a_home_that_is_late, impatient)
{
    struct actor late;

    auth_says(1, "anna");
    actor_enter(&late, "files");
    SAY(&late.channel, files_opens, .at = SLICE("/"));
    player_is_denied(&anna, DENIAL_LATE);
    player_asks(&anna);
    auth_says(1, "anna");
    player_is_denied(&anna, DENIAL_LATE);
    channel_close(&late.channel);
}

static const struct {
    const char *what;
    void (*act)(struct actor *a);
} ends[] = {
    { "failed, after it was ready", fails },
    { "it dies", actor_die },
    { "it closes its channel and lives on", actor_leave },
    { "garbage", garbage },
};

/* Master kicks the session, and kills it if it doesn't leave. */
OpenTest(files, ends_its_session, NULL)
{
    struct player other;

    player_enter(&other, 100);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        player_enter(&anna, i + 1);
        player_logs_in(&anna, &ours);
        ends[i].act(&ours);
        cr_assert_eq(EXPECT(&anna.channel, kick)->why, ENDING_PEER);
        gate_hears(MSG_reaped, i + 1);
        cast_skip_to_end(&anna.channel);
        channel_close(&ours.channel);
        player_leave(&anna);
    }
    player_logs_in(&other, &ours); /* the other session isn't affected */
    player_leave(&other);
}

/* If a session dies, files reports its last event, so master tells files the
 * signal. Master can reap the session before or after its channel ends. */
static const struct {
    int status, signal; /* 0: the session left by itself */
} session_ends[] = { { SIGKILL, SIGKILL },
                     { SIGSEGV, SIGSEGV },
                     { ENDING_CLOSED << 8, 0 },
                     { 0, 0 } };

static void expect_told(struct actor *files, int signal)
{
    if (signal != 0)
        cr_assert_eq(EXPECT(&files->channel, session_died)->signal,
                     (uint64_t)signal);
    cast_hear_end(&files->channel);
}

/* Master kills no session that has closed its channel, however late it ends. */
static void waits_for_sessions(struct master *m)
{
    m->deadlines.sync = 60000;
}

OpenTest(files, hears_how_its_session_ended, waits_for_sessions)
{
    for (size_t i = 0; i < 2 * sizeof(session_ends) / sizeof(*session_ends);
         i++) {
        bool channel_first = i % 2 == 0;

        player_enter(&anna, 10 + i);
        player_logs_in(&anna, &ours);
        if (channel_first)
            channel_close(&anna.channel);
        player_ends(&anna, session_ends[i / 2].status);
        expect_told(&ours, session_ends[i / 2].signal);
        player_leave(&anna);
        channel_close(&ours.channel);
    }
}

/* Gate dies when the session has left: files receives no SESSION_DIED. */
Test(files, hears_nothing_when_gate_dies)
{
    stage_logged_in(NULL, &anna, &ours);
    player_leave(&anna);
    actor_die(&stage.gate);
    expect_told(&ours, 0);
    stage_close();
}

/* Waits until the process is in STATE: 'T': stopped; 'Z': dead, and not reaped
 * yet. */
static void wait_for_state(pid_t pid, char state)
{
    char text[64] = "";

    while (process_status(pid, "State", text, sizeof(text))[0] != state)
        sched_yield();
}

/* Master sees the end of files first, and then the end of the session: it frees
 * their record while it reaps files. */
Test(files, dies_with_its_session)
{
    stage_logged_in(NULL, &anna, &ours);
    kill(stage.master, SIGSTOP);
    wait_for_state(stage.master, 'T');
    kill(ours.note.pid, SIGKILL);
    wait_for_state(ours.note.pid, 'Z');
    player_leave(&anna);
    kill(stage.master, SIGCONT);
    stage_serves();
    stage_close();
}
