/* The supervisor in a fork, and masters that the test plays in its forks. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/generation.h"
#include "supervisor/supervisor.h"

static struct channel channel;
static char heading[64]; /* "generation 1" */

static void enter(uint64_t version)
{
    ssize_t n = pread(GENERATION_NAMES_FD, heading, sizeof(heading) - 1, 0);

    heading[n < 0 ? 0 : n] = '\0';
    channel_init(&channel, GENERATION_CHANNEL_FD, PROCESS_MASTER,
                 PROCESS_SUPERVISOR, PHASE_RUN);
    if (SEND(&channel, hello, 0, .version = version) < 0)
        _exit(99);
}

static bool is_number(const char *number)
{
    return strncmp(strchr(heading, ' ') + 1, number, strlen(number)) == 0;
}

static void hear(enum message_kind kind, struct message *m)
{
    if (channel_wait(&channel, m, 10000) != 1 || m->kind != kind)
        _exit(98);
}

static void come_up(void)
{
    struct message m;

    enter(GENERATION_VERSION);
    if (SEND(&channel, up, 0) < 0)
        _exit(99);
    if (!is_number("1"))
        return;
    hear(MSG_lead, &m);
    SEND(&channel, leading, 0);
}

static void stay(void)
{
    while (pause() < 0)
        ;
}

static void on_term(int number)
{
    (void)number;
    _exit(7);
}

static void is_mistaken(const struct supervisor *s, int master)
{
    (void)master;
    _exit(s->argv[1] ? EX_CONFIG : EX_OSERR);
}

static void stop_all(void)
{
    signal(SIGTERM, on_term);
    kill(getppid(), SIGTERM);
    stay();
}

static void ends_by_term(const struct supervisor *s, int master)
{
    (void)s;
    (void)master;
    come_up();
    stop_all();
}

/* Its own child lives on, and ignores everything. */
static void leaves_an_orphan(const struct supervisor *s, int master)
{
    (void)s;
    (void)master;
    come_up();
    if (fork() > 0)
        stop_all();
    signal(SIGTERM, SIG_IGN);
    stay();
}

/* The first one keeps its channel, and dies; the next one finds that. */
static void dies_once(const struct supervisor *s, int master)
{
    struct message m;
    int fd = -1;

    (void)s;
    (void)master;
    come_up();
    if (is_number("1")) {
        SEND(&channel, keep, 0, .name = SLICE("a listener"),
             .file = GENERATION_NAMES_FD);
        raise(SIGKILL);
    }
    hear(MSG_lead, &m);
    SEND(&channel, leading, 0);
    if (sscanf(heading, "recovery 2\n%d a listener\n", &fd) != 1 ||
        fcntl(fd, F_GETFD) != 0)
        _exit(97);
    stop_all();
}

/* A recovery executes the program that was kept, and a reload the installed
 * one, though another is kept. */
static void is_executed_again(const struct supervisor *s, int master)
{
    bool is_recovery;

    (void)s;
    come_up();
    is_recovery = strncmp(heading, "recovery", 8) == 0;
    if (is_recovery ? master < 0 || fcntl(master, F_GETFD) < 0 : master >= 0)
        _exit(91);
    if (!is_number("1")) /* else come_up() has */
        SEND(&channel, leading, 0);
    SEND(&channel, keep, 0, .name = SLICE(GENERATION_MASTER),
         .file = GENERATION_NAMES_FD);
    if (is_number("1"))
        raise(SIGKILL);
    if (is_number("3"))
        stop_all();
    SEND(&channel, renew, 5);
    stay();
}

/* The first one asks for a reload. */
static void hands_over(const struct supervisor *s, int master)
{
    struct message a, b;
    char byte = 'x';

    (void)s;
    (void)master;
    come_up();
    if (is_number("1")) {
        SEND(&channel, renew, 5);
        hear(MSG_step_down, &a);
        hear(MSG_successor, &b);
        if (write(a.step_down.gate, &byte, 1) != 1)
            _exit(96);
        hear(MSG_renewed, &b);
        _exit(b.renewed.done && b.request == 5 ? 0 : 95);
    }
    hear(MSG_take_over, &a);
    hear(MSG_predecessor, &b);
    if (b.predecessor.generation != 1)
        _exit(94);
    hear(MSG_lead, &b);
    SEND(&channel, leading, 0);
    fd_set_nonblock(a.take_over.gate, false);
    if (read(a.take_over.gate, &byte, 1) != 1 || byte != 'x')
        _exit(93);
    stop_all();
}

/* The third one is a reload's, and no recovery. */
static void expect_reload(void)
{
    if (strncmp(heading, "generation", 10) != 0)
        kill(getppid(), SIGKILL);
    stop_all();
}

/* Its gate dies, and then it ends, since it has no sessions: one failure. */
static void fails_in_two_steps(const struct supervisor *s, int master)
{
    struct message m;

    (void)s;
    (void)master;
    signal(SIGTERM, on_term);
    come_up();
    if (is_number("1")) {
        SEND(&channel, gate_lost, 0, .handed_over = false);
        _exit(0);
    }
    if (is_number("3"))
        expect_reload();
    hear(MSG_lead, &m);
    SEND(&channel, leading, 0);
    SEND(&channel, renew, 5);
    stay();
}

/* A reload that is under way then is the recovery as well. */
static void fails_in_a_reload(const struct supervisor *s, int master)
{
    (void)s;
    (void)master;
    signal(SIGTERM, on_term);
    come_up();
    if (is_number("3"))
        expect_reload();
    if (is_number("2"))
        SEND(&channel, leading, 0);
    SEND(&channel, renew, 5);
    if (is_number("1"))
        SEND(&channel, gate_lost, 0, .handed_over = false);
    stay();
}

static void has_a_mistake(const struct supervisor *s, int master)
{
    struct message m;

    (void)s;
    (void)master;
    enter(GENERATION_VERSION);
    if (!is_number("1")) {
        SEND(&channel, start_failed, 0, .why = SLICE("a mistake"));
        _exit(EX_CONFIG);
    }
    SEND(&channel, up, 0);
    hear(MSG_lead, &m);
    SEND(&channel, leading, 0);
    SEND(&channel, renew, 6);
    hear(MSG_renewed, &m); /* for the log of the one that leads */
    if (m.renewed.done || m.request != 0 ||
        !slice_equal(m.renewed.why, SLICE("a mistake")))
        _exit(91);
    hear(MSG_renewed, &m);
    if (m.renewed.done || m.request != 6 ||
        !slice_equal(m.renewed.why, SLICE("a mistake")))
        _exit(92);
    stop_all();
}

static void is_of_another_version(const struct supervisor *s, int master)
{
    (void)s;
    (void)master;
    enter(99);
    stay();
}

static void is_too_slow(const struct supervisor *s, int master)
{
    (void)s;
    (void)master;
    enter(GENERATION_VERSION);
    stay();
}

/* SIGHUP comes before it leads: another one follows it. */
static void is_hung_up_early(const struct supervisor *s, int master)
{
    (void)s;
    (void)master;
    enter(GENERATION_VERSION);
    if (is_number("2")) {
        SEND(&channel, up, 0);
        stop_all();
    }
    signal(SIGTERM, on_term);
    kill(getppid(), SIGHUP);
    SEND(&channel, up, 0);
    SEND(&channel, leading, 0);
    stay();
}

static const struct {
    const char *what;
    void (*execute)(const struct supervisor *s, int master);
    int status;
} ends[] = {
    { "a mistake is the supervisor's own exit status", is_mistaken, EX_CONFIG },
    { "SIGTERM goes on to master, whose status counts", ends_by_term, 7 },
    { "nobody of a group outlives it", leaves_an_orphan, 7 },
    { "another one follows one that dies", dies_once, 7 },
    { "what is executed after a crash", is_executed_again, 7 },
    { "SIGHUP during a start isn't lost", is_hung_up_early, 7 },
    { "a gate's death and its generation's end are one", fails_in_two_steps,
      7 },
    { "a gate's death in a reload", fails_in_a_reload, 7 },
    { "a reload", hands_over, 7 },
    { "a reload that fails", has_a_mistake, 7 },
    { "messages of another version", is_of_another_version, EX_SOFTWARE },
    { "not up in time", is_too_slow, EX_SOFTWARE },
};

static int supervise(void (*execute)(const struct supervisor *s, int master))
{
    static struct supervisor s;
    char *argv[] = { "sallyportd", "--foreground", NULL };
    int status;

    if (supervisor_init(&s, "/nowhere", argv) < 0)
        return 97;
    s.execute = execute;
    s.deadlines = (struct supervisor_deadlines){ .start = 500,
                                                 .take = 2000,
                                                 .stop = 2000,
                                                 .group = 200,
                                                 .recovery = 60000 };
    status = supervisor_run(&s);
    supervisor_release(&s);
    return waitpid(-1, NULL, 0) < 0 ? status : 96; /* all are reaped */
}

Test(supervisor, ends, .timeout = 60)
{
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        pid_t pid = fork();
        int status;

        cr_assert(pid >= 0);
        if (pid == 0)
            _exit(supervise(ends[i].execute));
        cr_assert_eq(waitpid(pid, &status, 0), pid);
        cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == ends[i].status,
                  "%s: 0x%x", ends[i].what, (unsigned)status);
    }
}

static void works(const struct supervisor *s, int master)
{
    (void)s;
    (void)master;
    come_up();
    dprintf(STDOUT_FILENO, "%d\n", (int)getpid());
    stay();
}

/* Its death closes the pipe that it writes to. */
Test(supervisor, no_master_outlives_it, .timeout = 60)
{
    int ends_of_pipe[2];
    struct pollfd one;
    char text[32];
    pid_t pid;

    cr_assert_eq(pipe(ends_of_pipe), 0);
    pid = fork();
    if (pid == 0) {
        dup2(ends_of_pipe[1], STDOUT_FILENO);
        close(ends_of_pipe[0]);
        close(ends_of_pipe[1]);
        _exit(supervise(works));
    }
    close(ends_of_pipe[1]);
    cr_assert_gt(read(ends_of_pipe[0], text, sizeof(text)), 1);
    cr_assert_eq(kill(pid, SIGKILL), 0);
    one = (struct pollfd){ .fd = ends_of_pipe[0], .events = POLLIN };
    cr_assert_eq(poll(&one, 1, 20000), 1);
    cr_expect_eq(read(ends_of_pipe[0], text, sizeof(text)), 0);
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

static void falls(const struct supervisor *s, int master)
{
    struct message m;

    (void)s;
    (void)master;
    enter(GENERATION_VERSION);
    SEND(&channel, up, 0);
    hear(MSG_lead, &m);
    SEND(&channel, leading, 0);
    (void)!write(STDOUT_FILENO, "f", 1);
    raise(SIGKILL);
}

/* The first one and ten after it; the next one would come in a minute. */
Test(supervisor, a_burst_of_recoveries, .timeout = 60)
{
    int ends_of_pipe[2], status;
    char byte;
    pid_t pid;

    cr_assert_eq(pipe(ends_of_pipe), 0);
    pid = fork();
    if (pid == 0) {
        dup2(ends_of_pipe[1], STDOUT_FILENO);
        close(ends_of_pipe[0]);
        close(ends_of_pipe[1]);
        _exit(supervise(falls));
    }
    close(ends_of_pipe[1]);
    for (int i = 0; i < 1 + RECOVERIES_BURST; i++)
        cr_assert_eq(read(ends_of_pipe[0], &byte, 1), 1);
    cr_assert_eq(kill(pid, SIGTERM), 0);
    cr_assert_eq(read(ends_of_pipe[0], &byte, 1), 0);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect(WIFEXITED(status));
}
