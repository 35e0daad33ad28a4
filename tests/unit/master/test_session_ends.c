/* Tests of each event at each step of a session, and of each message of master
 * that can fail. The test is master, and calls the callbacks itself, so no race
 * decides the order. */
#include <sys/prctl.h>

#include "master/children/children.h"
#include "master/generations/generations.h"
#include "master/sessions/sessions.h"
#include "master/start/start.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/shared.h"
#include "sallyport/files/files.h"
#include "sallyport/ipc/generation.h"
#include "support/cast.h"
#include "support/long.h"
#include "support/test.h"

#define SERIAL 1

/* The other ends of master's channels. */
enum peer_end { END_SESSION, END_GATE, END_AUTH, ENDS };

static struct master m;
static struct master_parts parts;
static int older_fd;
static int far[ENDS];

/* Runs a process files, which ends when master closes the channel. */
static void files_wait(struct master *own, const struct files_start *start)
{
    struct pollfd one = { .fd = start->master };

    (void)own;
    fd_close_others(3, &start->master, 1);
    while (!(one.revents & POLLHUP))
        poll(&one, 1, -1);
    _exit(0);
}

static struct child *hall_child(const struct child_row *row, enum peer_end end)
{
    struct child *c = &m.children->child[m.children->count];

    children_add(&m, row);
    c->state = CHILD_READY;
    channel_init(&c->channel, channel_ends(&far[end]), PROCESS_MASTER,
                 row->process, PHASE_RUN);
    return c;
}

static void hall_open(void)
{
    static const struct child_row gate = { .process = PROCESS_GATE };
    static const struct child_row auth = { .process = PROCESS_AUTH };

    master_init(&m);
    parts_attach(&m, &parts);
    m.hooks.files = files_wait;
    m.users->path = "users";
    m.settings.max_per_user = m.settings.login_tries = 100;
    m.settings.login_timeout = 60000;
    m.settings.drain_timeout = 60000;
    m.state = MASTER_RUNNING;
    cr_assert_eq(loop_init(&m.loop), 0);
    cr_assert_eq(sessions_init(m.sessions, 8, 8), 0);
    cr_assert_eq(guesses_map(-1, &m.guesses), 0);
    hall_child(&gate, END_GATE)->opened = true;
    hall_child(&auth, END_AUTH);
    m.succession.leads = true;
    cr_assert_eq(roster_map(-1, m.sessions->size, &m.roster), 0);
    older_fd = shared_make("older", roster_size(8));
    cr_assert(older_open(&m.older[0], older_fd));
}

/* Ends the fork that writes a new password, if there is one. */
static void writer_is_reaped(struct session_record *s)
{
    const pid_t pid = m.users->writer.pid;
    int status = 0;

    (void)s;
    if (pid == 0)
        return;
    kill(pid, SIGKILL);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    password_on_written(&m, status);
}

static void hall_close(void)
{
    writer_is_reaped(NULL);
    CHILDREN_EACH(&m, c) {
        loop_timer_clear(&m.loop, &c->timer);
        channel_close(&c->channel);
    }
    older_release(&m);
    loop_timer_clear(&m.loop, &m.retirement->late);
    loop_timer_clear(&m.loop, &m.retirement->deadline);
    roster_unmap(&m.roster);
    fd_close(&older_fd);
    for (int i = 0; i < ENDS; i++)
        fd_close(&far[i]);
    sessions_release(m.sessions);
    SHARED_UNMAP(m.guesses);
    loop_release(&m.loop);
}

static struct session_record *hall_enter(uint64_t serial, int end, bool proxied)
{
    const struct address peer = { .family = 4, .bytes = { 192, 0, 2, 7 } };
    const struct session_ends ends = { .master = end, .log = -1, .keys = -1 };
    struct session_record *s =
        session_open(&m, serial, &peer, &peer, proxied, &ends);

    cr_assert_not_null(s);
    return s;
}

/* --- the steps of a session ---------------------------------------------- */

static struct session_record *greeted(void)
{
    return hall_enter(SERIAL, channel_ends(&far[END_SESSION]), false);
}

static struct session_record *unknown(void)
{
    return hall_enter(SERIAL, channel_ends(&far[END_SESSION]), true);
}

static struct session_record *waiting(void)
{
    struct session_record *s = greeted();

    s->channel.phase = PHASE_VERIFY;
    s->state = SESSION_WAITING;
    session_set_timer(s, 1000);
    return s;
}

static struct session_record *sending(void)
{
    struct session_record *s = waiting();

    login_looked(&m);
    cr_assert_eq(s->state, SESSION_QUEUED);
    cr_assert(s->password.added);
    return s;
}

static void worker_is_ready(bool ready)
{
    children_find(&m, PROCESS_AUTH)->state = ready ? CHILD_READY : CHILD_OFF;
}

static struct session_record *queued(void)
{
    struct session_record *s = sending();

    worker_is_ready(false);
    s->password.on_ready(s, EPOLLIN);
    cr_assert(s->turn.waits);
    worker_is_ready(true);
    return s;
}

static struct session_record *verified(void)
{
    struct session_record *s = queued();

    login_serve(&m);
    cr_assert_eq(s->state, SESSION_VERIFY);
    return s;
}

static struct session_record *delayed_by(bool right)
{
    struct session_record *s = waiting();

    s->state = SESSION_DELAYED;
    s->answer = (struct answer){ .verdict = { .right = right, .delay = 1 } };
    return s;
}

static struct session_record *delayed(void)
{
    return delayed_by(false);
}

static struct session_record *delayed_right(void)
{
    return delayed_by(true);
}

static struct session_record *delayed_too_long(void)
{
    struct session_record *s = delayed_by(true);

    s->answer.busy = true;
    return s;
}

static struct session_record *opening(void)
{
    static char name[] = "anna", home[] = "/home/anna";
    const struct user user = { .name = name, .home = home, .uid = 70000 };
    struct session_record *s = waiting();

    s->state = SESSION_OPENING;
    cr_assert_eq(files_fork(&s->files, &user), 0);
    cr_assert_gt(s->files.pid, 0);
    return s;
}

static struct session_record *logged_in(void)
{
    struct session_record *s = opening();

    login_home_ready(s);
    cr_assert_eq(s->state, SESSION_USER);
    return s;
}

/* Forks a writer that waits, as for a disk, and has no descriptor of the test.
 * Returns its pid. */
static pid_t writer_that_waits(void)
{
    int ready[2];
    pid_t pid;
    char byte;

    cr_assert_eq(pipe2(ready, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        fd_close_others(3, &ready[1], 1);
        if (write(ready[1], "", 1) == 1)
            pause();
        _exit(0);
    }
    cr_assert_gt(pid, 0);
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static struct session_record *writing(void)
{
    struct session_record *s = logged_in();

    m.users->writer = (struct password_writer){ .pid = writer_that_waits(),
                                                .serial = SERIAL };
    s->channel.phase = PHASE_VERIFY;
    s->state = SESSION_WRITING;
    session_set_timer(s, 1000);
    return s;
}

static struct session_record *kicked(void)
{
    struct session_record *s = logged_in();

    session_kick(s, ENDING_KICKED);
    cr_assert_eq(s->state, SESSION_KICKED);
    return s;
}

static struct session_record *of_older(void)
{
    const struct roster_facts f = { .serial = SERIAL };
    struct session_record *s;

    roster_write(m.older[0].roster, 3, &f);
    older_look_all(&m);
    s = sessions_find(m.sessions, SERIAL);
    cr_assert_not_null(s);
    cr_assert_eq(s->state, SESSION_OLDER);
    return s;
}

static const struct {
    const char *what;
    struct session_record *(*reach)(void);
} steps[] = {
    { "unknown client", unknown },
    { "greeted", greeted },
    { "waiting", waiting },
    { "sending", sending },
    { "queued", queued },
    { "verify", verified },
    { "delayed", delayed },
    { "delayed, right", delayed_right },
    { "delayed too long", delayed_too_long },
    { "opening", opening },
    { "user", logged_in },
    { "writing", writing },
    { "kicked", kicked },
    { "of an older generation", of_older },
};

/* --- the events of a session --------------------------------------------- */

static void channel_closes(struct session_record *s)
{
    channel_cut(&far[END_SESSION]);
    if (s->watch.added)
        s->watch.on_ready(s, EPOLLHUP);
}

static void time_is_over(struct session_record *s)
{
    if (!s->timer.armed)
        return;
    loop_timer_clear(&m.loop, &s->timer);
    s->timer.on_timer(s);
}

static void is_gone(struct session_record *s)
{
    session_gone(s, 0);
}

static void is_killed(struct session_record *s)
{
    session_gone(s, SIGKILL);
}

static void is_kicked(struct session_record *s)
{
    session_kick(s, ENDING_KICKED);
}

static void client_is_known(struct session_record *s)
{
    const struct address client = { .family = 4, .bytes = { 192, 0, 2, 9 } };

    session_set_client(s, &client, &client);
}

static void place_is_free(struct session_record *s)
{
    (void)s;
    login_serve(&m);
}

static void users_are_read(struct session_record *s)
{
    (void)s;
    login_looked(&m);
}

static void users_are_away(struct session_record *s)
{
    (void)s;
    complain(&m.users->away, "the disk is gone");
    login_serve(&m);
}

static void password_comes(struct session_record *s)
{
    if (s->password.added)
        s->password.on_ready(s, EPOLLIN);
}

static void verdict_comes(struct session_record *s)
{
    struct msg_verdict no = { .serial = s->serial };
    struct child *auth = children_find(&m, PROCESS_AUTH);

    if (auth->verification.serial == s->serial)
        cr_assert_eq(verdict_on_verdict(auth, &no), 0);
}

static void worker_is_gone(struct session_record *s)
{
    (void)s;
    verdict_on_gone(children_find(&m, PROCESS_AUTH));
}

static void files_is_ready(struct session_record *s)
{
    if (s->files.channel.fd >= 0)
        login_home_ready(s);
}

static void files_closes(struct session_record *s)
{
    if (s->files.channel.fd < 0)
        return;
    files_hang_up(&s->files);
    login_home_lost(s);
}

static void files_is_reaped(struct session_record *s)
{
    int status = 0;

    if (s->files.pid == 0)
        return;
    files_kill(&s->files);
    cr_assert_eq(waitpid(s->files.pid, &status, 0), s->files.pid);
    files_reaped(&s->files, status);
}

static void gate_reads(struct session_record *s)
{
    (void)s;
    sessions_send_news(&m);
}

static void master_retires(struct session_record *s)
{
    (void)s;
    retire_begin(&m);
}

/* Gate gets news about the session's end. */
static void older_reports_its_end(struct session_record *s)
{
    const struct roster_facts f = { .serial = s->serial, .gone = true };

    if (!s->older)
        return;
    roster_write(s->older->roster, s->row, &f);
    older_look_all(&m);
}

static void older_ends(struct session_record *s)
{
    (void)s;
    older_release(&m);
}

static const struct {
    const char *what;
    void (*happen)(struct session_record *s);
} events[] = {
    { "its channel closes", channel_closes },
    { "its time is over", time_is_over },
    { "it is reaped", is_gone },
    { "it was killed", is_killed },
    { "it is kicked", is_kicked },
    { "it must be killed", session_kill },
    { "its client is known", client_is_known },
    { "a worker is free", place_is_free },
    { "the users were read", users_are_read },
    { "the users are away", users_are_away },
    { "the password comes", password_comes },
    { "the verdict comes", verdict_comes },
    { "the worker is gone", worker_is_gone },
    { "files is ready", files_is_ready },
    { "files closes its channel", files_closes },
    { "files is reaped", files_is_reaped },
    { "the writer is reaped", writer_is_reaped },
    { "gate reads again", gate_reads },
    { "the generation retires", master_retires },
    { "the older master reports its end", older_reports_its_end },
    { "the older generation ends", older_ends },
};

/* --- which messages fail ------------------------------------------------- */

static int near_end(const struct session_record *s, enum peer_end end)
{
    if (end == END_SESSION)
        return s->channel.fd;
    return children_find(&m, end == END_GATE ? PROCESS_GATE : PROCESS_AUTH)
        ->channel.fd;
}

/* Ends everything that can still hold the record. */
static void let_go(struct session_record *s)
{
    if (!s->older)
        session_gone(s, 0);
    older_release(&m);
    files_is_reaped(s);
}

/* Checks that only sessions_sweep() frees the record, at the end of a turn: of
 * the first turn, or of the second one, after let_go(). */
static void expect_over(struct session_record *s, const char *step,
                        const char *event)
{
    for (int turn = 0; turn < 2 && sessions_find(m.sessions, SERIAL); turn++) {
        if (turn > 0)
            let_go(s);
        cr_assert_eq(sessions_find(m.sessions, SERIAL), s, "%s, %s: freed",
                     step, event);
        sessions_sweep(&m);
    }
    cr_expect_null(sessions_find(m.sessions, SERIAL), "%s, %s: kept", step,
                   event);
    cr_expect(m.sessions->used == 0 && m.sessions->living == 0 &&
                  TAILQ_EMPTY(&m.sessions->with_news),
              "%s, %s: %zu, %zu", step, event, m.sessions->used,
              m.sessions->living);
    SESSIONS_EACH(m.sessions, t)
        cr_expect_not(t->timer.armed || t->watch.added || t->password.added ||
                          t->turn.waits || t->auth >= 0,
                      "%s, %s", step, event);
}

/* Checks one event at one step. If END is ENDS, no message fails. */
static void check(size_t step, size_t event, enum peer_end end,
                  enum fault fault)
{
    size_t before = open_descriptors();
    struct session_record *s;

    hall_open();
    s = steps[step].reach();
    if (end < ENDS)
        channel_spoil(near_end(s, end), &far[end], fault);
    events[event].happen(s);
    cr_assert_eq(sessions_find(m.sessions, SERIAL), s, "%s, %s: freed",
                 steps[step].what, events[event].what);
    expect_over(s, steps[step].what, events[event].what);
    hall_close();
    cr_expect_eq(open_descriptors(), before, "%s, %s: descriptors",
                 steps[step].what, events[event].what);
}

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* Plays each EACHth pair of a step and an event. */
static void check_all(enum peer_end end, enum fault fault, size_t each)
{
    for (size_t i = 0; i < COUNT(steps); i++)
        for (size_t k = 0; k < COUNT(events); k++)
            if ((i + k + end + fault) % each == 0)
                check(i, k, end, fault);
}

Test(session_ends, at_each_step)
{
    check_all(ENDS, CLOSED, 1);
}

/* In a short run each pair meets one fault at each end; the faults take
 * turns. */
Test(session_ends, when_a_message_fails, WITH_SANITIZERS)
{
    for (int end = 0; end < ENDS; end++)
        for (int fault = 0; fault < FAULTS; fault++)
            check_all((enum peer_end)end, (enum fault)fault,
                      is_long() ? 1 : FAULTS);
}

/* A client that resets its connection while its answer is delayed ends only its
 * own session. The next login of its address continues to wait. */
Test(session_ends, before_a_delayed_answer)
{
    for (int right = 0; right <= 1; right++) {
        struct session_record *s, *next;
        int pair[2];

        hall_open();
        s = delayed_by(right);
        cr_assert_eq(fd_pair(pair), 0);
        next = hall_enter(SERIAL + 1, pair[0], false);
        next->state = SESSION_DELAYED;
        next->answer = s->answer;
        channel_cut(&far[END_SESSION]);
        time_is_over(s);
        sessions_sweep(&m);
        cr_expect_null(sessions_find(m.sessions, SERIAL));
        cr_expect_eq(next->state, SESSION_DELAYED);
        session_end(next);
        fd_close(&pair[1]);
        hall_close();
    }
}

/* Puts FILES in the place of the process files at the other end of its
 * channel. */
static void hear_for_files(struct session_record *s, struct channel *files)
{
    int near = channel_make(files, PROCESS_FILES, PROCESS_MASTER, PHASE_RUN);

    cr_assert_eq(dup2(near, s->files.channel.fd), s->files.channel.fd);
    close(near);
    s->files.channel.phase = PHASE_RUN;
}

/* Master tells files the signal that killed the session: files logs the upload
 * that was under way. */
Test(session_ends, files_learns_the_signal)
{
    struct channel files;
    struct session_record *s;

    hall_open();
    s = logged_in();
    s->pid = getppid(); /* sessions_reaped() only compares it */
    hear_for_files(s, &files);
    channel_closes(s);
    sessions_reaped(m.sessions, s->pid, SIGSEGV);
    cr_expect_eq(EXPECT(&files, session_died)->signal, SIGSEGV);
    files_is_reaped(s);
    channel_close(&files);
    hall_close();
}

static pid_t fork_that_stays(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        alarm(60);
        pause();
        _exit(0);
    }
    return pid;
}

/* A session that an attacker controls closes its channel and stays alive.
 * Master kills it: when its time is over, also if gate ends before that (1) or
 * after it (2), or at once if the administrator kicks it (3), also if it has
 * got the kick before (4). */
Test(session_ends, a_session_outlives_its_channel)
{
    for (int how = 1; how <= 4; how++) {
        struct session_record *s;
        int status = 0;
        pid_t pid;

        hall_open();
        s = greeted();
        pid = s->pid = fork_that_stays();
        if (how == 1)
            gate_on_reaped(children_find(&m, PROCESS_GATE), 0);
        if (how == 4)
            cr_expect(session_expel(s, ENDING_KICKED));
        channel_closes(s);
        sessions_sweep(&m);
        cr_assert_eq(sessions_find(m.sessions, SERIAL), s);
        if (how == 2)
            gate_on_reaped(children_find(&m, PROCESS_GATE), 0);
        sessions_sweep(&m);
        cr_assert_eq(sessions_find(m.sessions, SERIAL), s);
        cr_assert(s->timer.armed);
        if (how == 3) {
            cr_expect(session_expel(s, ENDING_KICKED));
            cr_expect_not(session_expel(s, ENDING_KICKED));
        } else if (how < 3) {
            time_is_over(s);
        }
        cr_assert_eq(waitpid(pid, &status, 0), pid);
        cr_expect_eq(status, SIGKILL);
        sessions_reaped(m.sessions, pid, status);
        expect_over(s, "greeted", "it outlives its channel");
        hall_close();
    }
}

/* A later kill of a process that a disk holds doesn't change what it counts
 * as. */
Test(session_ends, keeps_the_first_cause_of_a_kill)
{
    struct session_record *s;
    int status;

    hall_open();
    s = greeted();
    s->pid = fork_that_stays();
    session_kill_process(s, ENDING_CROWDED);
    session_end(s);
    time_is_over(s);
    cr_expect_eq(s->killed, ENDING_CROWDED);
    cr_assert_eq(waitpid(s->pid, &status, 0), s->pid);
    sessions_reaped(m.sessions, s->pid, status);
    hall_close();
}

/* A worker that takes no message loses no turn: the login keeps its place until
 * the worker reads again. */
Test(session_ends, a_worker_takes_no_message)
{
    struct child *auth;
    struct session_record *s;
    char byte = 0;

    hall_open();
    s = queued();
    auth = children_find(&m, PROCESS_AUTH);
    cr_assert_eq(fcntl(far[END_AUTH], F_SETFL, O_NONBLOCK), 0);
    while (send(auth->channel.fd, &byte, 1, MSG_DONTWAIT) == 1)
        ;
    login_serve(&m);
    cr_expect_eq(s->state, SESSION_QUEUED);
    cr_expect(s->turn.waits && s->turn.due > 0 && s->auth >= 0);
    cr_expect_eq(auth->verification.serial, 0);
    cr_expect(auth->watch.events & EPOLLOUT);
    while (recv(far[END_AUTH], &byte, 1, 0) == 1)
        ;
    verdict_go_on(auth);
    cr_expect_eq(s->state, SESSION_VERIFY);
    cr_expect(!s->turn.waits && s->auth < 0);
    session_end(s);
    cr_expect_eq(auth->verification.serial, SERIAL, "its place stays taken");
    sessions_sweep(&m);
    hall_close();
}

static void send_session(struct msg_session *msg, int end[3])
{
    int *near[] = { &msg->master, &msg->log, &msg->keys };

    for (int i = 0; i < 3; i++) {
        int pair[2];

        cr_assert_eq(fd_pair(pair), 0);
        *near[i] = pair[0];
        end[i] = pair[1];
    }
    cr_assert_eq(gate_on_session(children_find(&m, PROCESS_GATE), msg), 0);
    for (int i = 0; i < 3; i++)
        fd_close(near[i]);
}

/* A session that master's loop can't watch ends at once. */
Test(session_ends, before_it_begins)
{
    for (int retires = 0; retires <= 1; retires++) {
        struct msg_session msg = { .serial = SERIAL };
        int end[3], loop;
        char byte;

        hall_open();
        if (retires)
            retire_begin(&m);
        loop = m.loop.epoll_fd;
        m.loop.epoll_fd = -1;
        msg.pid = (uint64_t)fork_that_stays();
        send_session(&msg, end);
        m.loop.epoll_fd = loop;
        cr_expect_eq(recv(end[0], &byte, 1, MSG_DONTWAIT), 0);
        kill((pid_t)msg.pid, SIGKILL);
        cr_assert_eq(waitpid((pid_t)msg.pid, NULL, 0), (pid_t)msg.pid);
        sessions_reaped(m.sessions, (pid_t)msg.pid, SIGKILL);
        sessions_send_news(&m);
        sessions_sweep(&m);
        cr_expect_eq(m.sessions->used, 0);
        hall_close();
        for (int i = 0; i < 3; i++)
            fd_close(&end[i]);
    }
}

/* The rows have the writer's exit code. If it contains 0x80, the new file has
 * its name already. */
Test(session_ends, after_each_end_of_the_writer)
{
    static const struct {
        int code;
        enum password_fault told;
    } ends[] = {
        { ESTALE, PASSWORD_BUSY },
        { ETIMEDOUT, PASSWORD_BUSY },
        { ENOSPC, PASSWORD_UNWRITTEN },
        { EIO | 0x80, PASSWORD_UNSYNCED },
        { ESTALE | 0x80, PASSWORD_UNSYNCED },
        { ETIMEDOUT | 0x80, PASSWORD_UNSYNCED },
    };

    static struct board board;

    for (size_t i = 0; i < COUNT(ends); i++) {
        struct channel session;

        hall_open();
        m.board = &board;
        writing();
        channel_init(&session, far[END_SESSION], PROCESS_SESSION,
                     PROCESS_MASTER, PHASE_VERIFY);
        EXPECT(&session, granted);
        kill(m.users->writer.pid, SIGKILL);
        waitpid(m.users->writer.pid, NULL, 0);
        password_on_written(&m, W_EXITCODE(ends[i].code, 0));
        cr_expect_eq(EXPECT(&session, password_is)->fault, ends[i].told, "%zu",
                     i);
        let_go(sessions_find(m.sessions, SERIAL));
        sessions_sweep(&m);
        m.board = NULL;
        hall_close();
    }
}
