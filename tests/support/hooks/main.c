/* Runs the tests of a program. Criterion finds the tests and reads the
 * arguments, and its macros make them; but Criterion executes the program again
 * for each test, and talks to it through two threads. Here each test is a fork:
 * it begins with the memory of a program that has run no test, and costs a
 * tenth. The output is Criterion's. */
/* Criterion declares these as constants, to those who don't change them. */
#define criterion_current_test  constant_test
#define criterion_current_suite constant_suite
#include <criterion/criterion.h>
#undef criterion_current_test
#undef criterion_current_suite
#include <criterion/hooks.h>
#include <criterion/options.h>
#include <criterion/parameterized.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <locale.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* In the programs that have it. */
#include "../allocation.h"
#pragma weak allocation_share

#define JOBS_MAX 64

/* A test tells the runner this, also by its own forks. */
struct told {
    pid_t pid;
    _Atomic unsigned failed; /* assertions */
    _Atomic bool skipped, ended;
    char why[512]; /* it was skipped */
};

/* A test that runs; pid 0: a free place. */
struct job {
    pid_t pid;
    int end; /* a pidfd */
    const struct criterion_test *test;
    struct timespec begun;
    double limit; /* in seconds; 0: none */
    struct told *told;
};

static struct job jobs[JOBS_MAX];
static size_t running;
static size_t passed, failed, crashed, skipped;

/* These belong to a test's process. */
static struct told *told;
static jmp_buf before;
static void *parameter;

const struct criterion_test *criterion_current_test;
const struct criterion_suite *criterion_current_suite;

/* The macros of Criterion call these in a test. */
void criterion_skip_test(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
void cr_log(enum criterion_severity severity, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void cri_asserts_passed_incr(void)
{
}

void criterion_continue_test(void)
{
}

void criterion_abort_test(void)
{
    /* A hook has no test, and a fork of a test doesn't go on as the test. */
    if (!told || getpid() != told->pid)
        _exit(1);
    longjmp(before, 1);
}

void criterion_skip_test(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(told->why, sizeof(told->why), format, args);
    va_end(args);
    told->skipped = true;
    exit(0);
}

void criterion_send_assert(struct criterion_assert_stats *stats)
{
    fprintf(stderr, "[----] %s:%u: Assertion Failed\n[----]   %s\n",
            stats->file, stats->line, stats->message);
    if (told)
        told->failed++;
}

void cr_log(enum criterion_severity severity, const char *format, ...)
{
    va_list args;

    (void)severity;
    va_start(args, format);
    fputs("[----] ", stderr);
    vfprintf(stderr, format, args);
    fputs("\n", stderr);
    va_end(args);
}

static void call(void (*function)(void))
{
    if (function)
        function();
}

void criterion_internal_test_setup(void)
{
    const struct criterion_suite *suite = criterion_current_suite;

    if (setjmp(before))
        exit(1);
    call(suite->data ? suite->data->init : NULL);
    call(criterion_current_test->data->init);
}

void criterion_internal_test_main(void (*function)(void))
{
    if (setjmp(before))
        return;
    if (criterion_current_test->data->param_)
        ((void (*)(void *))function)(parameter);
    else
        function();
}

void criterion_internal_test_teardown(void)
{
    const struct criterion_suite *suite = criterion_current_suite;

    if (!setjmp(before)) {
        call(criterion_current_test->data->fini);
        call(suite->data ? suite->data->fini : NULL);
    }
    told->ended = true;
}

/* The runner. */

/* Calls the hooks of a kind, from which Criterion makes a section. */
static void call_hooks(f_report_hook *hook, const f_report_hook *end,
                       void *argument)
{
    for (; hook < end; hook++)
        if (*hook)
            (*hook)(argument);
}
#define CALL_HOOKS(section, argument)                                          \
    do {                                                                       \
        extern f_report_hook __start_##section[] __attribute__((weak)),        \
            __stop_##section[] __attribute__((weak));                          \
        call_hooks(__start_##section, __stop_##section, argument);             \
    } while (0)

/* Runs the test in this fork, with an empty standard input. */
static _Noreturn void become(const struct criterion_suite *suite,
                             const struct job *j)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);
    signal(SIGTERM, SIG_DFL); /* Criterion's runner has a handler */
    close_range(3, ~0u, 0);
    close(0);
    if (open("/dev/null", O_RDONLY) != 0)
        _exit(1);
    if (allocation_share)
        allocation_share();
    told = j->told;
    told->pid = getpid();
    criterion_current_suite = suite;
    criterion_current_test = j->test;
    j->test->test();
    exit(0);
}

static void start(const struct criterion_suite *suite,
                  const struct criterion_test *test)
{
    struct job *j = jobs;

    while (j->pid)
        j++;
    memset(j->told, 0, sizeof(*j->told));
    j->test = test;
    j->limit = suite->data ? suite->data->timeout : 0;
    if (test->data->timeout > 0)
        j->limit = test->data->timeout;
    clock_gettime(CLOCK_MONOTONIC, &j->begun);
    if (criterion_options.logging_threshold <= CRITERION_INFO)
        fprintf(stderr, "[RUN ] %s::%s\n", test->category, test->name);
    fflush(NULL);
    j->pid = fork();
    if (j->pid == 0)
        become(suite, j);
    j->end = j->pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, j->pid, 0);
    if (j->end < 0) {
        perror("a test");
        exit(1);
    }
    running++;
}

static double seconds_of(const struct job *j)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - j->begun.tv_sec) +
           (double)(now.tv_nsec - j->begun.tv_nsec) / 1e9;
}

static double processor_of(const struct timeval *t)
{
    return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

/* Returns why the test has failed, or NULL if it passed. A test that ends its
 * own process hasn't passed. */
static const char *fault_of(const struct job *j, int status)
{
    static char text[64];

    if (WIFSIGNALED(status) && WTERMSIG(status) == j->test->data->signal &&
        j->told->failed == 0)
        return NULL;
    if (WIFSIGNALED(status)) {
        snprintf(text, sizeof(text), "CRASH! %s", strsignal(WTERMSIG(status)));
        return text;
    }
    if (WEXITSTATUS(status) != j->test->data->exit_code)
        snprintf(text, sizeof(text), "exited with %d", WEXITSTATUS(status));
    else if (j->test->data->signal || !(j->told->ended || j->told->skipped))
        snprintf(text, sizeof(text), "ended before its end");
    else
        return j->told->failed > 0 ? "" : NULL;
    return text;
}

static void finish(struct job *j, bool late)
{
    const struct criterion_test *t = j->test;
    const double seconds = seconds_of(j);
    const bool tells = criterion_options.logging_threshold <= CRITERION_INFO;
    const char *fault;
    struct rusage use;
    int status = 0;

    if (late)
        kill(-j->pid, SIGKILL), kill(j->pid, SIGKILL);
    wait4(j->pid, &status, 0, &use);
    close(j->end);
    fault = late ? "Timed out." : fault_of(j, status);
    if (fault) {
        failed++;
        crashed += !late && *fault != '\0';
        fprintf(stderr, "[FAIL] %s::%s: %s (%.2fs)\n", t->category, t->name,
                fault, seconds);
    } else if (j->told->skipped) {
        skipped++;
        if (tells)
            fprintf(stderr, "[SKIP] %s::%s: %s\n", t->category, t->name,
                    *j->told->why ? j->told->why : "Test was skipped");
    } else {
        passed++;
        if (tells)
            fprintf(stderr, "[PASS] %s::%s: (%.2fs, processor %.2fs)\n",
                    t->category, t->name, seconds,
                    processor_of(&use.ru_utime) + processor_of(&use.ru_stime));
    }
    j->pid = 0;
    running--;
}

/* Waits until fewer than LIMIT tests run. */
static void wait_for(size_t limit)
{
    while (running >= limit) {
        struct pollfd ends[JOBS_MAX];
        int ms = -1;

        for (size_t i = 0; i < JOBS_MAX; i++) {
            const double rest = jobs[i].limit - seconds_of(&jobs[i]);
            const int in = rest > 0 ? (int)(rest * 1e3) + 1 : 0;

            ends[i] = (struct pollfd){ .fd = jobs[i].pid ? jobs[i].end : -1,
                                       .events = POLLIN };
            if (jobs[i].pid && jobs[i].limit > 0 && (ms < 0 || in < ms))
                ms = in;
        }
        poll(ends, JOBS_MAX, ms);
        for (size_t i = 0; i < JOBS_MAX; i++)
            if (jobs[i].pid && ends[i].revents)
                finish(&jobs[i], false);
            else if (jobs[i].pid && jobs[i].limit > 0 &&
                     seconds_of(&jobs[i]) >= jobs[i].limit)
                finish(&jobs[i], true);
    }
}

static void run_test(const struct criterion_suite *suite,
                     const struct criterion_test *test)
{
    const char *pattern = criterion_options.pattern;
    struct criterion_test_params rows = { .length = 1 };

    if (pattern && fnmatch(pattern, test->data->identifier_, FNM_EXTMATCH))
        return;
    if (test->data->disabled || (suite->data && suite->data->disabled)) {
        if (criterion_options.logging_threshold <= CRITERION_INFO)
            fprintf(stderr, "[SKIP] %s::%s: Test is disabled\n", test->category,
                    test->name);
        return;
    }
    if (test->data->param_)
        rows = test->data->param_();
    for (size_t i = 0; i < rows.length; i++) {
        parameter = (char *)rows.params + i * rows.size;
        wait_for(criterion_options.jobs);
        start(suite, test);
    }
}

static bool run_all(struct criterion_test_set *set)
{
    struct criterion_global_stats none = { 0 };
    struct told *all =
        mmap(NULL, JOBS_MAX * sizeof(*all), PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (all == MAP_FAILED)
        return false;
    for (size_t i = 0; i < JOBS_MAX; i++)
        jobs[i].told = &all[i];
    if (criterion_options.jobs < 1 || criterion_options.jobs > JOBS_MAX)
        criterion_options.jobs = (size_t)sysconf(_SC_NPROCESSORS_ONLN);
    setlocale(LC_ALL, "C"); /* again: processes in a sandbox read no catalog */
    CALL_HOOKS(cr_pra, set);
    FOREACH_SET(struct criterion_suite_set *s, set->suites)
        if (s->tests)
            FOREACH_SET(struct criterion_test *test, s->tests)
                run_test(&s->suite, test);
    wait_for(1);
    CALL_HOOKS(cr_poa, &none);
    if (passed + failed + skipped == 0) {
        fprintf(stderr, "no test has a name like that, or only with "
                        "SALLYPORT_LONG=1\n");
        failed = 1;
    }
    fprintf(stderr,
            "[====] Synthesis: Tested: %zu | Passing: %zu | Failing: %zu | "
            "Crashing: %zu \n",
            passed + failed, passed, failed, crashed);
    munmap(all, JOBS_MAX * sizeof(*all));
    return failed == 0;
}

int main(int argc, char **argv)
{
    struct criterion_test_set *set = criterion_initialize();
    bool good = true;
    if (criterion_handle_args(argc, argv, true))
        good = run_all(set);
    criterion_finalize(set);
    return good ? 0 : 1;
}
