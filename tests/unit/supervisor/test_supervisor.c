/* Tests the supervisor in a fork, with masters that the test plays. */
#include "played.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/generation.h"

static void is_mistaken(void)
{
    _exit(played_arguments[1] ? EX_CONFIG : EX_OSERR);
}

static void ends_by_term(void)
{
    played_come_up();
    played_stop_all();
}

/* The master's child stays alive, and ignores SIGTERM. */
static void leaves_an_orphan(void)
{
    played_come_up();
    if (fork() > 0)
        played_stop_all();
    signal(SIGTERM, SIG_IGN);
    played_stay();
}

/* Generation 1 lets the supervisor keep a descriptor, and dies. Generation 2
 * finds the descriptor. */
static void dies_once(void)
{
    int fd = -1;

    played_come_up();
    if (played_is("1")) {
        SEND(&played_channel, keep, 0, .name = SLICE("a listener"),
             .file = GENERATION_NAMES_FD);
        raise(SIGKILL);
    }
    EXPECT(&played_channel, lead);
    SEND(&played_channel, leading, 0);
    if (sscanf(played_heading, "recovery 2\n%d a listener\n", &fd) != 1 ||
        fcntl(fd, F_GETFD) != 0)
        _exit(97);
    played_stop_all();
}

static void keep_as(const char *name)
{
    SEND(&played_channel, keep, 0, .name = slice_from(name),
         .file = GENERATION_NAMES_FD);
}

/* A recovery executes the program that is kept. A reload executes the installed
 * program, although another one is kept. */
static void is_executed_again(void)
{
    played_enter(GENERATION_VERSION);
    if (played_recovers()
            ? played_program < 0 || fcntl(played_program, F_GETFD) < 0
            : played_program >= 0)
        _exit(91);
    keep_as(GENERATION_MASTER);
    played_lead();
    if (played_is("1"))
        raise(SIGKILL);
    if (played_is("3"))
        played_stop_all();
    SEND(&played_channel, renew, 5);
    played_stay();
}

/* After `up`, master is in its sandbox. An attacker there must not choose a
 * program that the supervisor executes. */
static void keeps_a_program_late(void)
{
    played_come_up();
    if (played_is("2"))
        played_stop_all();
    keep_as("program gate");
    poll(NULL, 0, 10000);
    played_give_up(90); /* the supervisor should have killed it */
}

/* Generation 1 asks for a reload. When it gets `replaced`, the board must
 * already let generation 2 accept. */
static void is_replaced(void)
{
    played_come_up();
    if (played_is("1")) {
        if (!board_accepts(played_board(), 1))
            _exit(97);
        SEND(&played_channel, renew, 5);
        EXPECT(&played_channel, replaced);
        if (!board_accepts(played_board(), 2))
            _exit(96);
        EXPECT(&played_channel, renewed);
        _exit(heard.renewed.done && heard.request == 5 ? 0 : 95);
    }
    EXPECT(&played_channel, lead);
    if (!board_accepts(played_board(), 2))
        _exit(94);
    SEND(&played_channel, leading, 0);
    played_stop_all();
}

/* Each generation asks for the next one, and generation 8 dies when it leads.
 * Its place is free for the recovery, so all other generations live on. */
static void needs_no_place(void)
{
    played_enter(GENERATION_VERSION);
    played_lead();
    if (played_is("9"))
        played_stop_all();
    if (played_is("8"))
        raise(SIGKILL);
    SEND(&played_channel, renew, 5);
    played_stay();
}

static void has_a_mistake(void)
{
    played_enter(GENERATION_VERSION);
    if (!played_is("1")) {
        SEND(&played_channel, start_failed, 0, .why = SLICE("a mistake"));
        _exit(EX_CONFIG);
    }
    SEND(&played_channel, up, 0);
    EXPECT(&played_channel, lead);
    SEND(&played_channel, leading, 0);
    SEND(&played_channel, renew, 6);
    EXPECT(&played_channel, renewed); /* for the leader's log */
    if (heard.renewed.done || heard.request != 0 ||
        !slice_equal(heard.renewed.why, SLICE("a mistake")))
        _exit(91);
    EXPECT(&played_channel, renewed);
    if (heard.renewed.done || heard.request != 6 ||
        !slice_equal(heard.renewed.why, SLICE("a mistake")))
        _exit(92);
    played_stop_all();
}

static void is_of_another_version(void)
{
    played_enter(99);
    played_stay();
}

static void is_too_slow(void)
{
    played_enter(GENERATION_VERSION);
    played_stay();
}

/* SIGHUP comes before generation 1 leads. So generation 2 must follow. */
static void is_hung_up_early(void)
{
    played_enter(GENERATION_VERSION);
    if (played_is("2")) {
        SEND(&played_channel, up, 0);
        played_stop_all();
    }
    played_heed_term();
    kill(getppid(), SIGHUP);
    SEND(&played_channel, up, 0);
    SEND(&played_channel, leading, 0);
    played_stay();
}

static const struct {
    const char *what;
    played_master *execute;
    int status;
} ends[] = {
    { "a mistake is the supervisor's own exit status", is_mistaken, EX_CONFIG },
    { "SIGTERM goes on to master, whose status counts", ends_by_term, 7 },
    { "nobody of a group outlives it", leaves_an_orphan, 7 },
    { "another one follows one that dies", dies_once, 7 },
    { "what is executed after a crash", is_executed_again, 7 },
    { "a program that is kept late", keeps_a_program_late, 7 },
    { "SIGHUP during a start isn't lost", is_hung_up_early, 7 },
    { "a recovery beside eight", needs_no_place, 7 },
    { "a reload", is_replaced, 7 },
    { "a reload that fails", has_a_mistake, 7 },
    { "messages of another version", is_of_another_version, EX_SOFTWARE },
};

Test(supervisor, ends, .timeout = 60)
{
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        cr_expect_eq(played_status(ends[i].execute), ends[i].status, "%s",
                     ends[i].what);
}

Test(supervisor, a_start_that_takes_too_long, .timeout = 60)
{
    played_deadlines.start = 300;
    cr_expect_eq(played_status(is_too_slow), EX_SOFTWARE);
}

static void works(void)
{
    played_come_up();
    (void)!write(STDOUT_FILENO, "w", 1);
    played_stay();
}

/* The master's death closes the pipe to which it writes. */
Test(supervisor, no_master_outlives_it, .timeout = 60)
{
    struct played p;

    played_begin(&p, works);
    cr_assert_eq(played_byte(p.output), 'w');
    cr_assert_eq(kill(p.supervisor, SIGKILL), 0);
    cr_expect_eq(played_byte(p.output), '\0');
    cr_assert_eq(waitpid(p.supervisor, NULL, 0), p.supervisor);
}
