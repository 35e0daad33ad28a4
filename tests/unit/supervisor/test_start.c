/* Tests which generation follows a crash or a reload, and when. */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/un.h>

#include "played.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/generation.h"
#include "support/processes.h"

/* Facts that all masters share. */
static struct {
    pid_t first;
    bool done, reported;
} *shared;

static void share(void)
{
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(shared, MAP_FAILED);
}

TestSuite(start, .timeout = 60, .init = share);

/* Defines a test in which the last generation stops all, so that the supervisor
 * ends with status 7. */
#define StartTest(suite, name, master)                                         \
    Test(suite, name)                                                          \
    {                                                                          \
        cr_expect_eq(played_status(master), 7);                                \
    }

static void fall(void)
{
    played_lead();
    (void)!write(STDOUT_FILENO, "f", 1);
    raise(SIGKILL);
}

static void falls(void)
{
    played_enter(GENERATION_VERSION);
    fall();
}

static void falls_are(played_master *execute, int n)
{
    struct played p;

    played_begin(&p, execute);
    for (int i = 0; i < n; i++)
        cr_assert_eq(played_byte(p.output), 'f');
    played_end(&p);
}

/* Generation 1 falls, and ten recoveries after it. The next recovery would come
 * after a minute. */
Test(start, a_burst_of_recoveries)
{
    falls_are(falls, 1 + RECOVERIES_BURST);
}

static void leave_a_child(void)
{
    if (fork() == 0) {
        alarm(60); /* in case the test fails */
        played_stay();
    }
}

static void falls_and_leaves_a_child(void)
{
    leave_a_child();
    falls();
}

/* Each generation keeps its place until its process group has ended. */
Test(start, a_burst_that_leaves_processes)
{
    played_deadlines.group = 60000;
    falls_are(falls_and_leaves_a_child, 1 + RECOVERIES_BURST);
}

static void leads(void)
{
    played_enter(GENERATION_VERSION);
    played_lead();
    (void)!write(STDOUT_FILENO, "l", 1);
    if (played_is("1"))
        dprintf(STDERR_FILENO, "%d\n", (int)getpid());
    played_stay();
}

static void limit_files(pid_t pid, rlim_t most, struct rlimit *old)
{
    struct rlimit limit = { .rlim_cur = most, .rlim_max = RLIM_INFINITY };

    cr_assert_eq(prlimit(pid, RLIMIT_NOFILE, NULL, old), 0);
    limit.rlim_max = old->rlim_max;
    cr_assert_eq(prlimit(pid, RLIMIT_NOFILE, &limit, NULL), 0);
}

static void read_line(int fd, char *line, size_t size)
{
    size_t n = 0;

    do
        line[n] = played_byte(fd);
    while (line[n] != '\n' && ++n < size - 1);
    line[n] = '\0';
}

/* A recovery can't begin while the supervisor has no descriptors. These tries
 * don't count for the burst. */
Test(start, a_recovery_that_cannot_begin_is_tried_again)
{
    struct rlimit old;
    struct played p;
    char line[256];

    played_begin(&p, leads);
    cr_assert_eq(played_byte(p.output), 'l');
    read_line(p.errors, line, sizeof(line));
    limit_files(p.supervisor, STDERR_FILENO + 1, &old);
    kill(atoi(line), SIGKILL);
    for (int tries = 0; tries < RECOVERIES_BURST + 2;) {
        read_line(p.errors, line, sizeof(line));
        tries += strstr(line, "can't start a generation") != NULL;
    }
    limit_files(p.supervisor, old.rlim_cur, &old);
    cr_expect_eq(played_byte(p.output), 'l');
    played_end(&p);
}

/* Generation 1 and recoveries fall. All other generations find a mistake in the
 * configuration. */
static void falls_or_is_mistaken(void)
{
    played_enter(GENERATION_VERSION);
    if (played_recovers() || played_is("1"))
        fall();
    (void)!write(STDOUT_FILENO, "m", 1);
    _exit(EX_CONFIG);
}

static void read_deaths(struct played *p, int n)
{
    char line[256];

    while (n > 0) {
        read_line(p->errors, line, sizeof(line));
        n -= strstr(line, "master ended by signal") != NULL;
    }
}

/* The supervisor must stop, although no generation is left whose end it could
 * await. */
Test(start, a_stop_while_a_recovery_waits)
{
    struct played p;

    played_begin(&p, falls);
    read_deaths(&p, 1 + RECOVERIES_BURST);
    played_end(&p);
}

/* A reload fails while the next recovery waits for its time. The recovery must
 * still follow. */
Test(start, a_reload_that_fails_ends_no_recovery)
{
    struct played p;
    char byte;

    played_deadlines.recovery = 5000;
    played_begin(&p, falls_or_is_mistaken);
    read_deaths(&p, 1 + RECOVERIES_BURST);
    cr_assert_eq(kill(p.supervisor, SIGHUP), 0);
    while ((byte = played_byte(p.output)) == 'f')
        ;
    cr_assert_eq(byte, 'm');
    cr_expect_eq(played_byte(p.output), 'f');
    played_end(&p);
}

static void wait_for(const volatile bool *done)
{
    for (int i = 0; i < 20000 && !*done; i++)
        poll(NULL, 0, 1);
}

/* Dies while it takes over, as soon as generation 1 has asked for another
 * reload. */
static void die_taking_over(void)
{
    SEND(&played_channel, up, 0);
    EXPECT(&played_channel, lead);
    wait_for(&shared->done);
    raise(SIGKILL);
}

static void ask_twice(void)
{
    SEND(&played_channel, renew, 5);
    EXPECT(&played_channel, replaced);
    SEND(&played_channel, renew, 6);
    shared->done = true;
    EXPECT(&played_channel, renewed);
    if (heard.request != 5 || heard.renewed.done)
        played_give_up(95);
}

/* Generation 3 is a recovery, which reads no configuration. So generation 4
 * must follow. */
static void asks_before_a_recovery(void)
{
    played_enter(GENERATION_VERSION);
    if (played_is("2"))
        die_taking_over();
    if (played_recovers() != played_is("3"))
        played_give_up(94);
    played_lead();
    if (played_is("1"))
        ask_twice();
    if (played_is("4"))
        played_stop_all();
    if (played_is("3"))
        EXPECT(&played_channel, replaced);
    played_stay();
}

StartTest(start, a_recovery_is_no_reload, asks_before_a_recovery)

/* Waits for the end of the process shared->first. Gives up after 10 s. */
static void first_ends(void)
{
    for (int i = 0; i < 10000; i++, poll(NULL, 0, 1))
        if (kill(shared->first, 0) < 0)
            return;
    played_give_up(90);
}

/* Leads, and asks for a reload, which must fail because of WHY. */
static void lead_and_ask(const char *why)
{
    played_lead();
    SEND(&played_channel, renew, 5);
    while (cast_hear(&played_channel) != MSG_renewed || heard.request != 5)
        if (heard.kind == MSG_NONE)
            played_give_up(91);
    if (heard.renewed.done || !slice_equal(heard.renewed.why, slice_from(why)))
        played_give_up(92);
}

#define NOT_TAKEN(why)                                                         \
    GENERATION_NOT_TAKEN                                                       \
    "(" why "); a recovery continues with the old configuration"

/* Generation 2 is up, but never leads. */
static void does_not_take_over(void)
{
    played_enter(GENERATION_VERSION);
    if (played_recovers())
        played_stop_all();
    SEND(&played_channel, up, 0);
    if (!played_is("1"))
        played_stay();
    played_heed_term();
    EXPECT(&played_channel, lead);
    SEND(&played_channel, leading, 0);
    SEND(&played_channel, renew, 5);
    EXPECT(&played_channel, replaced);
    EXPECT(&played_channel, renewed);
    if (heard.renewed.done ||
        !slice_equal(heard.renewed.why,
                     SLICE(NOT_TAKEN("it has not taken over in time"))))
        played_give_up(92);
    played_stay();
}

Test(start, a_master_that_does_not_take_over_is_killed)
{
    played_deadlines.take = 300;
    cr_expect_eq(played_status(does_not_take_over), 7);
}

static void keep_settings(const char *text)
{
    int fd = fd_sealed("settings", slice_from(text));

    SEND(&played_channel, keep, 0, .name = SLICE("settings"), .file = fd);
    close(fd);
}

static bool inherits_settings(const char *text)
{
    FILE *names = fdopen(dup(GENERATION_NAMES_FD), "r");
    char line[128], got[64] = "";
    int fd, end = 0;

    rewind(names);
    while (fgets(line, sizeof(line), names))
        if (strstr(line, " settings") &&
            sscanf(line, "%d settings%n", &fd, &end) == 1 && end > 0)
            (void)!pread(fd, got, sizeof(got) - 1, 0);
    return strcmp(got, text) == 0;
}

/* Generation 2 dies while it takes over. */
static void dies_taking_over(void)
{
    played_enter(GENERATION_VERSION);
    if (played_is("3") && inherits_settings("old"))
        shared->done = true;
    if (played_is("3"))
        played_stay();
    keep_settings(played_is("1") ? "old" : "new");
    if (played_is("2")) {
        SEND(&played_channel, up, 0);
        EXPECT(&played_channel, lead);
        raise(SIGKILL);
    }
    lead_and_ask(NOT_TAKEN("master ended by signal 9"));
    played_stay();
}

/* The cause of the failure can be the new build or its configuration, so the
 * recovery must have the old configuration. */
Test(start, a_takeover_that_fails_keeps_the_old_configuration)
{
    cr_expect_neq(played_status(dies_taking_over), -1);
    cr_expect(shared->done);
}

/* Generation 1 dies while its reload, generation 2, hangs. */
static void dies_during_a_reload(void)
{
    played_enter(GENERATION_VERSION);
    if (played_is("2")) {
        shared->reported = true;
        played_stay();
    }
    if (played_is("3") && !played_recovers())
        played_give_up(94);
    played_lead();
    if (played_is("1")) {
        SEND(&played_channel, renew, 5);
        wait_for(&shared->reported);
        raise(SIGKILL);
    }
    if (played_is("4") && !played_recovers())
        played_stop_all();
    played_stay();
}

/* The recovery doesn't wait for the reload; the reload follows the recovery. */
StartTest(start, a_recovery_comes_before_a_reload_that_hangs,
          dies_during_a_reload)

/* So many generations have died that no recovery may begin. The reload
 * takes longer than a recovery would wait for it. */
static void dies_often_before_a_reload(void)
{
    played_enter(GENERATION_VERSION);
    if (played_is("12")) {
        shared->reported = true;
        poll(NULL, 0, (int)played_deadlines.put_off + 500);
        played_lead();
        played_stop_all();
    }
    if (played_is("13"))
        played_give_up(94);
    played_lead();
    if (played_is("11")) {
        SEND(&played_channel, renew, 5);
        wait_for(&shared->reported);
    }
    raise(SIGKILL);
}

/* The supervisor must not end this reload, since it can be what ends the
 * crashes. */
StartTest(start, a_reload_is_not_ended_for_nothing, dies_often_before_a_reload)

/* Each start begins as the supervisor runs: the reader of standard error can
 * have ended long ago, and then a line must not end a process. */
static void writes_into_nothing(void)
{
    struct sigaction pipe;

    played_enter(GENERATION_VERSION);
    if (sigaction(SIGPIPE, NULL, &pipe) < 0 || pipe.sa_handler != SIG_IGN)
        played_give_up(94);
    played_lead();
    if (played_is("1"))
        raise(SIGKILL); /* a recovery follows, and then a reload */
    if (!played_is("2"))
        played_stop_all();
    played_heed_term();
    SEND(&played_channel, renew, 5);
    played_stay();
}

StartTest(start, standard_error_without_a_reader, writes_into_nothing)

/* Generation 2, a recovery, fails. */
static void recovers_at_the_second_try(void)
{
    played_enter(GENERATION_VERSION);
    if (played_is("2")) {
        SEND(&played_channel, start_failed, 0, .why = SLICE("a mistake"));
        _exit(EX_CONFIG);
    }
    if (!played_is("1") && !played_recovers())
        played_give_up(94);
    played_lead();
    if (played_is("3"))
        played_stop_all();
    raise(SIGKILL);
}

StartTest(start, a_recovery_that_fails_is_tried_again,
          recovers_at_the_second_try)

/* The supervisor has no descriptor left when generation 2 is up. */
static void needs_no_descriptors(void)
{
    struct rlimit old;

    played_enter(GENERATION_VERSION);
    if (!played_is("1")) {
        limit_files(getppid(), STDERR_FILENO + 1, &old);
        SEND(&played_channel, up, 0);
        EXPECT(&played_channel, lead);
        SEND(&played_channel, leading, 0);
        wait_for(&shared->done);
        played_stop_all();
    }
    played_heed_term();
    played_lead();
    SEND(&played_channel, renew, 5);
    while (cast_hear(&played_channel) != MSG_renewed)
        if (heard.kind == MSG_NONE)
            played_give_up(91);
    if (!heard.renewed.done)
        played_give_up(92);
    shared->done = true;
    played_stay();
}

StartTest(start, a_takeover_needs_no_descriptors, needs_no_descriptors)

/* Generation 2 must come from the reload, and not be a recovery. */
static void keeps_without_descriptors(void)
{
    struct rlimit old;

    played_enter(GENERATION_VERSION);
    if (played_recovers())
        played_give_up(92);
    if (played_is("2"))
        played_stop_all();
    played_lead();
    limit_files(getppid(), STDERR_FILENO + 1, &old);
    SEND(&played_channel, keep, 0, .name = SLICE("users"),
         .file = STDERR_FILENO);
    SEND(&played_channel, renew, 5);
    /* The reload fails, since it can't start. */
    EXPECT(&played_channel, renewed);
    limit_files(getppid(), old.rlim_cur, &old);
    played_heed_term();
    SEND(&played_channel, renew, 6);
    played_stay();
}

/* If the supervisor can't keep a newer copy of a file, the leader lives on: the
 * copy is only for a recovery. */
StartTest(start, a_leader_lives_on_without_a_newer_copy,
          keeps_without_descriptors)

/* Generation 1 asks so often that its channel is full of answers, which it
 * doesn't read. */
static void reads_nothing(void)
{
    played_enter(GENERATION_VERSION);
    if (!played_is("1")) {
        wait_for(&shared->done);
        SEND(&played_channel, up, 0);
        EXPECT(&played_channel, lead);
        first_ends();
        played_stop_all();
    }
    shared->first = getpid();
    played_lead();
    fd_set_nonblock(played_channel.fd, false);
    for (int i = 0; i < 2000;)
        i += SEND(&played_channel, renew, 5) == 0;
    shared->done = true;
    played_stay();
}

StartTest(start, a_master_that_reads_nothing_is_killed, reads_nothing)

/* Stops the supervisor until this master has ended. */
static void stop_the_supervisor(void)
{
    pid_t self = getpid(), supervisor = getppid();
    char state[64];

    kill(supervisor, SIGSTOP);
    while (process_status(supervisor, "State", state, sizeof(state))[0] != 'T')
        poll(NULL, 0, 1);
    if (fork() > 0)
        return;
    fd_close_others(STDERR_FILENO + 1, NULL, 0);
    while (getppid() == self)
        poll(NULL, 0, 1);
    kill(supervisor, SIGCONT);
    _exit(0);
}

static void dies_when_it_is_up(void)
{
    played_enter(GENERATION_VERSION);
    if (!played_is("1")) {
        stop_the_supervisor();
        SEND(&played_channel, up, 0);
        _exit(0);
    }
    played_lead();
    SEND(&played_channel, renew, 5);
    do
        EXPECT(&played_channel, renewed); /* and not `replaced` */
    while (heard.request != 5);
    played_stop_all();
}

/* A master that has died after `up` must not replace the leader. */
StartTest(start, up_of_a_master_that_has_died, dies_when_it_is_up)

static void says_why_last(void)
{
    char name[32];

    played_enter(GENERATION_VERSION);
    if (played_is("1")) {
        lead_and_ask("a mistake");
        played_stop_all();
    }
    stop_the_supervisor();
    for (int i = 0; i < 150; i++) {
        snprintf(name, sizeof(name), "file %d", i);
        if (SEND(&played_channel, keep, 0, .name = slice_from(name),
                 .file = STDERR_FILENO) < 0)
            break;
    }
    SEND(&played_channel, start_failed, 0, .why = SLICE("a mistake"));
    _exit(EX_CONFIG);
}

StartTest(start, all_last_messages_are_read, says_why_last)

/* Generation 2 needs a listener that this machine can't have now. */
static void says_what_to_mend(void)
{
    played_enter(GENERATION_VERSION);
    if (!played_is("1")) {
        SEND(&played_channel, start_failed, 0, .why = SLICE("no such address"));
        _exit(EX_TEMPFAIL);
    }
    lead_and_ask("no such address");
    played_stop_all();
}

/* Generation 2 has messages of another version, so the supervisor kills it. */
static void becomes_another_version(void)
{
    if (shared->first != 0) {
        played_enter(GENERATION_VERSION + 1);
        played_stay();
    }
    shared->first = getpid();
    played_enter(GENERATION_VERSION);
    lead_and_ask("sallyportd: " GENERATION_FOREIGN);
    played_stop_all();
}

/* The answers must not promise that a later reload can succeed. */
Test(start, reloads_that_do_not_succeed_later)
{
    cr_expect_eq(played_status(says_what_to_mend), 7, "an address");
    cr_expect_eq(played_status(becomes_another_version), 7, "another version");
}

/* Generation 1 asks twice, and dies. When the supervisor reads its last
 * messages, it has no descriptors for the files in them. */
static void dies_with_a_request(void)
{
    struct rlimit old;

    played_enter(GENERATION_VERSION);
    if (played_is("3")) {
        (void)!write(STDOUT_FILENO, played_recovers() ? "r" : "a", 1);
        played_stay();
    }
    if (played_is("2")) {
        shared->reported = true;
        wait_for(&shared->done);
        played_lead();
        played_stay();
    }
    played_lead();
    SEND(&played_channel, renew, 5);
    wait_for(&shared->reported);
    limit_files(getppid(), STDERR_FILENO + 1, &old);
    stop_the_supervisor();
    for (int i = 0; i < 3; i++)
        SEND(&played_channel, keep, 0, .name = SLICE("users"),
             .file = STDERR_FILENO);
    SEND(&played_channel, renew, 6);
    raise(SIGKILL);
}

/* Generation 2 replaces generation 1, but can have read the configuration
 * before the second request. So generation 3 follows, and it isn't a
 * recovery. */
Test(start, a_request_after_what_cannot_be_kept)
{
    struct rlimit own, old;
    struct played p;

    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &own), 0);
    played_begin(&p, dies_with_a_request);
    read_deaths(&p, 1);
    limit_files(p.supervisor, own.rlim_max, &old);
    shared->done = true;
    cr_expect_eq(played_byte(p.output), 'a');
    played_end(&p);
}

/* Plays a process that SIGKILL doesn't end, since it waits for a disk. It moves
 * to another process group, where the supervisor's SIGKILL doesn't reach it. */
static noreturn void be_immortal(void)
{
    pid_t own = getpid(), other = fork();

    signal(SIGTERM, SIG_IGN);
    setpgid(other, other);
    if (other == 0) { /* ends with its parent if the parent dies too early */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == own)
            played_stay();
        _exit(0);
    }
    setpgid(0, other);
    shared->first = getpid();
    wait_for(&shared->done);
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    _exit(0);
}

static noreturn void end_the_immortal(void)
{
    shared->done = true;
    first_ends();
    played_stop_all();
}

/* On a busy machine, the deadline can also end a process that isn't immortal
 * yet, or the future leader. */
static void waits_for_a_disk(void)
{
    played_enter(GENERATION_VERSION);
    if (played_is("1")) {
        played_heed_term();
        lead_and_ask(GENERATION_AGAIN "it was not ready in time");
        do
            SEND(&played_channel, renew, 6);
        while (channel_wait(&played_channel, &heard, 60000) == 1 &&
               heard.kind == MSG_renewed);
        played_stay();
    }
    if (shared->first == 0)
        be_immortal();
    played_lead();
    end_the_immortal();
}

Test(start, a_start_that_cannot_be_killed)
{
    played_deadlines.start = 3000;
    cr_expect_eq(played_status(waits_for_a_disk), 7);
}

static void leads_and_waits_for_a_disk(void)
{
    played_enter(GENERATION_VERSION);
    played_lead();
    if (shared->first == 0)
        be_immortal();
    end_the_immortal();
}

/* A recovery doesn't wait for the end of a master that hangs. */
Test(start, a_leader_that_cannot_be_killed)
{
    played_deadlines.look = 50;
    played_deadlines.silence = 1000;
    cr_expect_eq(played_status(leads_and_waits_for_a_disk), 7);
}

/* Leaves a zombie in this master's process group. The zombie stays until its
 * parent, which is in another group, ends. */
static void leave_a_zombie(void)
{
    pid_t parent = fork(), zombie;

    if (parent > 0) {
        while (getpgid(parent) != parent)
            poll(NULL, 0, 1);
        return;
    }
    zombie = fork();
    if (zombie == 0)
        _exit(0);
    setpgid(0, 0);
    wait_for(&shared->done);
    _exit(0);
}

static void falls_and_leaves_a_zombie(void)
{
    played_enter(GENERATION_VERSION);
    leave_a_zombie();
    fall();
}

/* Generations whose processes can't be killed don't keep their places. */
Test(start, processes_that_cannot_be_killed)
{
    struct played p;

    played_deadlines.group = played_deadlines.recovery = 20;
    played_begin(&p, falls_and_leaves_a_zombie);
    for (int i = 0; i < 2 * GENERATION_PLACES; i++)
        cr_assert_eq(played_byte(p.output), 'f');
    shared->done = true;
    cr_assert_eq(kill(p.supervisor, SIGTERM), 0);
    while (played_byte(p.output))
        ;
    cr_assert_eq(waitpid(p.supervisor, NULL, 0), p.supervisor);
}

/* Each generation asks for the next one. Generation 1 doesn't count. */
static void fills_the_places(void)
{
    played_enter(GENERATION_VERSION);
    if (played_is("9")) {
        first_ends();
        played_stop_all();
    }
    played_lead();
    SEND(&played_channel, renew, 5);
    if (!played_is("1"))
        played_count_on();
    shared->first = getpid();
    signal(SIGTERM, SIG_IGN);
    alarm(20);
    played_stay();
}

/* A reload needs the place of the generation that hangs. */
Test(start, a_hung_one_of_eight_is_killed)
{
    played_deadlines.look = 50;
    played_deadlines.silence = 2000;
    cr_expect_eq(played_status(fills_the_places), 7);
}

/* Counts until generation 8 waits for a place, and some time after that. Then
 * hangs. */
static noreturn void hang_later(void)
{
    shared->first = getpid();
    for (int after = 0; after < 100; after += shared->done) {
        played_count();
        poll(NULL, 0, 5);
    }
    alarm(20);
    played_stay();
}

static void hangs_while_a_reload_waits(void)
{
    played_enter(GENERATION_VERSION);
    if (played_is("9")) {
        first_ends();
        played_stop_all();
    }
    played_lead();
    shared->done = played_is("8");
    SEND(&played_channel, renew, 5);
    if (played_is("1"))
        hang_later();
    played_count_on();
}

Test(start, one_of_eight_that_hangs_later_is_killed)
{
    played_deadlines.look = 50;
    played_deadlines.silence = 2000;
    cr_expect_eq(played_status(hangs_while_a_reload_waits), 7);
}

/* Generations 1 to 9 have left a process each, and so keep their places. */
static void leads_in_the_tenth_place(void)
{
    played_enter(GENERATION_VERSION);
    if (played_is("11"))
        played_stop_all();
    if (!played_is("10")) {
        leave_a_child();
        fall();
    }
    played_lead();
    played_stay(); /* it doesn't count */
}

Test(start, any_place_has_a_heartbeat)
{
    played_deadlines.group = 60000;
    played_deadlines.look = 50;
    played_deadlines.silence = 100;
    cr_expect_eq(played_status(leads_in_the_tenth_place), 7);
}

/* The master reads nothing, so the socket pair is full. */
Test(start, a_master_that_cannot_be_told_to_lead)
{
    static struct supervisor s;
    char *argv[] = { "sallyportd", NULL };
    struct generation *g = &s.generation[0];
    int ends[2];

    cr_assert_eq(supervisor_init(&s, "/nowhere", argv), 0);
    cr_assert_eq(fd_pair(ends), 0);
    g->pid = fork();
    if (g->pid == 0)
        played_stay();
    setpgid(g->pid, g->pid);
    g->supervisor = &s;
    g->state = GENERATION_STARTING;
    g->watch.fd = -1;
    channel_init(&g->channel, ends[0], PROCESS_SUPERVISOR, PROCESS_MASTER,
                 PHASE_RUN);
    while (send(ends[0], "full", 4, MSG_DONTWAIT) > 0)
        ;
    s.stopping = true;
    takeover_begin(g);
    cr_expect_eq(g->state, GENERATION_ENDED);
    cr_expect_str_eq(g->failure.text, "its master doesn't read its messages");
    cr_assert_eq(waitpid(g->pid, NULL, 0), g->pid);
    close(ends[1]);
    supervisor_release(&s);
}

/* Generation 2 finds its mistake after a stop has ended generation 1. */
static void is_mistaken_late(void)
{
    played_enter(GENERATION_VERSION);
    if (played_is("2")) {
        signal(SIGTERM, SIG_IGN);
        kill(getppid(), SIGTERM);
        while (kill(shared->first, 0) == 0)
            poll(NULL, 0, 1);
        _exit(EX_CONFIG);
    }
    shared->first = getpid();
    played_heed_term();
    played_lead();
    SEND(&played_channel, renew, 5);
    played_stay();
}

/* Only the leader decides the supervisor's exit status. */
StartTest(start, a_reload_that_fails_during_a_stop, is_mistaken_late)

/* Returns a socket like systemd's, and sets NOTIFY_SOCKET. */
static int notify_socket(void)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    char name[32];

    snprintf(name, sizeof(name), "@sallyport-test-%d", (int)getpid());
    memcpy(a.sun_path + 1, name + 1, strlen(name) - 1);
    cr_assert(fd >= 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&a,
                      (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
                                  strlen(name))),
                 0);
    cr_assert_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
    return fd;
}

static void expect_last_word(int fd, const char *text)
{
    char last[256] = "";
    ssize_t n;

    while ((n = recv(fd, last, sizeof(last) - 1, MSG_DONTWAIT)) > 0)
        last[n] = '\0';
    cr_expect_str_eq(last, text);
}

/* Generation 2 stops all before it has taken over, and SIGTERM ends it.
 * Generation 1 stays a while: it would get the answer for its reload. */
static void stops_taking_over(void)
{
    played_enter(GENERATION_VERSION);
    if (played_is("2")) {
        shared->first = getpid();
        SEND(&played_channel, up, 0);
        EXPECT(&played_channel, lead);
        kill(getppid(), SIGTERM);
        played_stay();
    }
    signal(SIGTERM, SIG_IGN);
    played_lead();
    SEND(&played_channel, renew, 5);
    EXPECT(&played_channel, replaced);
    first_ends();
    shared->reported = channel_wait(&played_channel, &heard, 300) == 1;
    shared->done = true;
    _exit(0);
}

/* No recovery follows, and no message announces one. */
Test(start, a_stop_during_a_takeover)
{
    int fd = notify_socket();

    cr_expect_eq(played_status(stops_taking_over), 0);
    cr_expect(shared->done);
    cr_expect_not(shared->reported);
    expect_last_word(fd, "STOPPING=1");
    close(fd);
}
