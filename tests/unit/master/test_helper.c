/* Tests of the programs check and reader, which master executes and waits
 * for. */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "helpers.h"
#include "master/children/children.h"
#include "master/core/core.h"
#include "master/start/start.h"
#include "sallyport/base/buf.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/userparse/userparse.h"
#include "support/long.h"
#include "support/scratch.h"
#include "support/settings.h"
#include "support/test.h"
#include "support/wait.h"

#define HASH "$5$salt$abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234"

static struct master m;

static void begin(void)
{
    master_init(&m);
    helpers_find(&m);
    helpers_configure(&m, "address = 203.0.113.7\n");
}

TestSuite(helper, .init = begin, .fini = scratch_remove);

/* Sets the limit of descriptors; 0: no other descriptor can be opened. */
static void permit_files(rlim_t most)
{
    const struct rlimit limit = { most, 4096 };

    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* Makes the table of N users without homes. Returns its descriptor. */
static int table_of(size_t n)
{
    struct complaint c = { "" };
    struct buf text;
    int fd, table;

    buf_init(&text, USERS_FILE_MAX);
    for (size_t i = 0; i < n; i++)
        buf_add_format(&text, "user%zu:" HASH ":%zu:70000::/nowhere/%zu::\n", i,
                       70000 + i, i);
    fd = fd_sealed("users", buf_slice(&text));
    cr_assert_geq(fd, 0);
    buf_release(&text);
    table = reader_ask(&m, "users", "users", fd, 20000, &c);
    cr_assert_geq(table, 0, "%s", c.text);
    close(fd);
    return table;
}

Test(helper, mistakes)
{
    int users = table_of(2), nobody = table_of(0);

    cr_expect_eq(helper_check(&m, "homes", users, 20000), EX_CONFIG);
    cr_expect_eq(helper_check(&m, "homes", nobody, 20000), 0);
    cr_expect_eq(helper_check(&m, "remarks", users, 20000), 0);
    cr_expect_eq(waitpid(-1, NULL, WNOHANG), -1, "it was reaped");
}

/* Check gets a millisecond, in which it can't even begin: master kills it. */
Test(helper, check_hangs, WITH_SANITIZERS)
{
    int users = table_of(1000), status = 0;
    uint64_t start = clock_ms();

    cr_expect_eq(helper_check(&m, "homes", users, 1), EX_TEMPFAIL);
    cr_expect_lt(clock_ms() - start, 10000);
    cr_assert_gt(waitpid(-1, &status, 0), 0);
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* Check hangs or dies in each mode. A message mentions homes only if check was
 * asked for homes. */
Test(helper, says_how_check_ended)
{
    static const char hangs[] = "exec sleep 60\n", dies[] = "kill -SEGV $$\n",
                      died[] =
                          "the program check has failed: Segmentation fault";
    static const struct {
        const char *mode, *script, *words;
    } rows[] = {
        { "homes", hangs, "the homes weren't all looked at in time" },
        { "mounts", hangs, "the mounts weren't all tried in time" },
        { "remarks", hangs, "no hints are given" },
        { "homes", dies, died },
        { "mounts", dies, died },
        { "remarks", dies, died },
    };
    FD_CLEANUP int before = dup(STDERR_FILENO);
    int nobody = table_of(0);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        FD_CLEANUP int said = memfd_create("said", MFD_CLOEXEC);
        const bool late = rows[i].script == hangs;
        char text[256] = "";

        helpers_play(&m, "check", "/bin/sh", rows[i].mode, rows[i].script);
        dup2(said, STDERR_FILENO);
        cr_expect_eq(
            helper_check(&m, rows[i].mode, nobody, late ? 100 : WAIT_MS),
            EX_TEMPFAIL, "no mistake");
        dup2(before, STDERR_FILENO);
        cr_assert_gt(pread(said, text, sizeof(text) - 1, 0), 0, "%s",
                     rows[i].mode);
        cr_expect(strstr(text, rows[i].words), "%s", text);
        cr_expect(i == 0 || !strstr(text, "homes"), "%s", text);
    }
}

/* The survey dies before the loop exists, or doesn't start. */
Test(helper, a_survey_that_dies_early)
{
    FD_CLEANUP int before = dup(STDERR_FILENO);
    int nobody = table_of(0);

    m.memory[MEMORY_SURVEY] = memfd_create("survey", MFD_CLOEXEC);
    helpers_play(&m, "check", "/bin/sh", "start", "kill -SEGV $$\n");
    for (int i = 0; i < 2; i++) {
        FD_CLEANUP int said = memfd_create("said", MFD_CLOEXEC);
        siginfo_t end;
        char text[256] = "";

        helper_survey(&m, nobody);
        cr_assert_gt(m.survey, 0);
        cr_assert_eq(waitid(P_PID, (id_t)m.survey, &end, WEXITED | WNOWAIT), 0);
        if (i > 0) {
            waitpid(m.survey, NULL, 0);
            m.survey = -EAGAIN;
        }
        dup2(said, STDERR_FILENO);
        helper_watch_survey(&m);
        dup2(before, STDERR_FILENO);
        cr_assert_gt(pread(said, text, sizeof(text) - 1, 0), 0, "%d", i);
        cr_expect(strstr(text, "warning: not all homes were looked at: "
                               "the program check has failed: "),
                  "%s", text);
    }
}

Test(helper, check_is_missing)
{
    int nobody = table_of(0);

    close(programs_find(m.programs, "check"));
    cr_expect_eq(helper_check(&m, "homes", nobody, 20000), EX_TEMPFAIL);
}

/* --- the settings --------------------------------------------------------- */

static const char *configuration(const char *text)
{
    static char path[64];
    int fd = fd_sealed("configuration", slice_from(text));

    cr_assert_eq(fchmod(fd, 0600), 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return path;
}

Test(helper, settings)
{
    const char *path = configuration("max_sessions = 7\n");
    static struct settings again;
    struct complaint c = { "" };

    cr_assert_eq(helper_settings(&m, path, &c), 0, "%s", c.text);
    cr_expect_eq(m.settings.max_sessions, 7);
    cr_expect_str_eq(m.settings.file, path);
    cr_expect_eq(settings_take(&again, m.conf, &c), 0, "%s", c.text);
    cr_expect_eq(again.max_sessions, 7);
    cr_expect_lt(write(m.conf, "x", 1), 0, "sealed");
}

Test(helper, settings_with_a_mistake)
{
    const char *path = configuration("\nno_such_key = 1\nnor_this = 2\n");
    struct complaint c = { "" };

    cr_expect_eq(helper_settings(&m, path, &c), -EINVAL);
    cr_expect(strstr(c.text, ":2: unknown key \"no_such_key\""), "%s", c.text);
    m.check = true;
    c.text[0] = '\0';
    cr_expect_eq(helper_settings(&m, path, &c), -EINVAL);
    cr_expect_str_eq(c.text, "", "reader has printed them");
}

Test(helper, settings_without_a_file)
{
    struct complaint c = { "" };

    cr_expect_eq(helper_settings(&m, "/nowhere/x", &c), -EINVAL);
    cr_expect(
        strstr(c.text, "No such file or directory; an empty file is enough"),
        "%s", c.text);
}

Test(helper, settings_without_a_reader)
{
    const char *path = configuration("");
    struct complaint c = { "" };

    close(programs_find(m.programs, "reader"));
    cr_expect_eq(helper_settings(&m, path, &c), -EIO);
    cr_expect_str_eq(c.text,
                     "the program reader has failed: see its line above");
}

/* Reader seals its answer so that master can't add its own seals. */
Test(helper, settings_that_cannot_be_sealed)
{
    const char *path = configuration("");
    struct complaint c = { "" };

    helpers_play(
        &m, "reader", "/usr/bin/python3", "settings",
        "import fcntl\nfcntl.fcntl(4, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SEAL)\n");
    cr_expect_eq(helper_settings(&m, path, &c), -EPERM);
    cr_expect_str_eq(c.text, "the answer of reader: Operation not permitted");
}

/* --- the preparation of a start ------------------------------------------ */

static struct prepared all(bool make)
{
    return (struct prepared){ .wanted = { true, true, true, true },
                              .make = make };
}

static void is(const struct prepared *p, enum prepared_part part, int result,
               const char *why)
{
    cr_expect_eq(p->answer[part].result, result, "%d: %d", (int)part,
                 p->answer[part].result);
    cr_expect(strstr(p->answer[part].why.text, why), "%d: %s", (int)part,
              p->answer[part].why.text);
}

Test(helper, prepares)
{
    struct prepared p = all(false);

    helpers_configure(&m, "accounts = 101\nstate = /nowhere/at/all\n");
    p.wanted[PREPARED_EMPTY] = false;
    helper_prepare(&m, &p);
    is(&p, PREPARED_ACCOUNTS, 0, "");
    cr_expect_eq(p.account[PROCESS_AUTH].uid, geteuid() == 0 ? 102 : 0);
    is(&p, PREPARED_SANDBOX, 0, "");
    is(&p, PREPARED_EMPTY, 0, "");
    is(&p, PREPARED_KEY, -ENOENT, "/nowhere/at/all");
}

static void not_done(const struct prepared *p, enum prepared_part part)
{
    cr_expect_eq(p->answer[part].result, -ECANCELED, "%d: %d", (int)part,
                 p->answer[part].result);
    cr_expect_str_eq(p->answer[part].why.text, "");
}

/* A start that will fail makes no file; --check finds all mistakes. */
Test(helper, a_mistake_ends_a_start)
{
    struct prepared p = all(true);
    char text[512];

    scratch_enter();
    snprintf(text, sizeof(text),
             "control_group = no-such-group\n"
             "accounts = 101\n"
             "empty = %s/empty\nstate = %s/state\n",
             scratch, scratch);
    helpers_configure(&m, text);
    helper_prepare(&m, &p);
    is(&p, PREPARED_ACCOUNTS, -EINVAL, "control_group = no-such-group: ");
    not_done(&p, PREPARED_SANDBOX);
    not_done(&p, PREPARED_EMPTY);
    not_done(&p, PREPARED_KEY);
    cr_expect_neq(access("empty", F_OK), 0);
    cr_expect_neq(access("state", F_OK), 0);
    p = all(false);
    helper_prepare(&m, &p);
    is(&p, PREPARED_ACCOUNTS, -EINVAL, "control_group = no-such-group: ");
    is(&p, PREPARED_SANDBOX, 0, "");
    is(&p, PREPARED_EMPTY, -ENOENT, "");
    is(&p, PREPARED_KEY, -ENOENT, "/state");
}

Test(helper, prepares_nothing_without_check)
{
    struct prepared p = all(true);

    close(programs_find(m.programs, "check"));
    helper_prepare(&m, &p);
    is(&p, PREPARED_ACCOUNTS, -EIO,
       "the program check has failed: see its line above");
    for (unsigned i = PREPARED_ACCOUNTS + 1; i < PREPARED_PARTS; i++)
        not_done(&p, i);
}

/* Master lacks a descriptor for the question to check. The result is -EIO,
 * since a second try can succeed. */
Test(helper, prepares_nothing_without_a_file_in_memory)
{
    struct prepared p = all(true);

    permit_files(0);
    helper_prepare(&m, &p);
    permit_files(1024);
    is(&p, PREPARED_ACCOUNTS, -EIO, "memfd: Too many open files");
}

/* Check hangs at a disk: the parts that it has finished count, and the message
 * names the directory on that disk. */
Test(helper, prepares_a_part, .timeout = 60)
{
    struct prepared p = all(true);

    m.helpers_until = clock_ms() + 1000;
    helpers_configure(&m, "empty = /dead/empty\n");
    p.done = PREPARED_EMPTY; /* as if check had finished the parts before */
    helpers_play(&m, "check", "/bin/sh", "prepare",
                 "exec sleep 20 >/dev/null 2>&1\n");
    helper_prepare(&m, &p);
    is(&p, PREPARED_ACCOUNTS, 0, "");
    is(&p, PREPARED_SANDBOX, 0, "");
    is(&p, PREPARED_EMPTY, -ETIMEDOUT, "/dead/empty: its disk doesn't answer");
    not_done(&p, PREPARED_KEY);
}

/* Check has stopped at the first part that was asked for. */
Test(helper, prepares_few_parts)
{
    struct prepared p = { .wanted = { [PREPARED_KEY] = true } };

    close(programs_find(m.programs, "check"));
    helper_prepare(&m, &p);
    is(&p, PREPARED_ACCOUNTS, 0, "");
    is(&p, PREPARED_EMPTY, 0, "");
    is(&p, PREPARED_KEY, -EIO, "the program check has failed: ");
}

/* --- how master waits ---------------------------------------------------- */

static void on_alarm(int number)
{
    (void)number;
}

/* A signal interrupts each wait, many times. */
Test(helper, signals_while_it_waits)
{
    const struct sigaction action = { .sa_handler = on_alarm };
    const struct itimerval often = { { 0, 1000 }, { 0, 1000 } };
    struct prepared p = all(false);

    sigaction(SIGALRM, &action, NULL);
    helpers_play(&m, "check", "/bin/sh", "prepare",
                 "trap '' ALRM\nsleep 0.2\n");
    setitimer(ITIMER_REAL, &often, NULL);
    helper_prepare(&m, &p);
    not_done(&p, PREPARED_ACCOUNTS); /* but check hasn't failed */
}

#define FAILED "the program check has failed: "

/* If SIGCHLD is ignored, the kernel reaps children itself, so pidfd_open() or
 * waitpid() fails. */
Test(helper, nobody_knows_how_it_ended)
{
    struct prepared p = all(false);
    const char *why = p.answer[PREPARED_ACCOUNTS].why.text;

    signal(SIGCHLD, SIG_IGN);
    helpers_play(&m, "check", "/bin/sh", "prepare", "exit 70\n");
    helper_prepare(&m, &p);
    is(&p, PREPARED_ACCOUNTS, -EIO, FAILED);
    cr_expect(strcmp(why, FAILED "No child processes") == 0 ||
                  strcmp(why, FAILED "No such process") == 0,
              "%s", why);
}

/* Master is killed while a helper without a sandbox runs: the kernel kills the
 * helper, too. */
Test(helper, ends_with_master, .timeout = 60)
{
    struct prepared p = all(false);
    int status, fifo;
    pid_t master;
    char byte;

    cr_assert_eq(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
    helpers_play(&m, "check", "/bin/sh", "prepare",
                 "echo > fifo\nexec sleep 20 >/dev/null 2>&1\n");
    cr_assert_eq(mkfifo("fifo", 0600), 0);
    master = fork();
    if (master == 0) {
        helper_prepare(&m, &p);
        _exit(0);
    }
    fifo = open("fifo", O_RDONLY | O_CLOEXEC);
    cr_assert_eq(read(fifo, &byte, 1), 1);
    kill(master, SIGKILL);
    cr_assert_eq(waitpid(master, &status, 0), master);
    cr_assert_gt(waitpid(-1, &status, 0), 0);
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    close(fifo);
}

/* The helpers of a start share one deadline: the supervisor would kill a master
 * that is late. */
Test(helper, all_of_a_start_have_one_deadline, .timeout = 60)
{
    static const char late[] = "the program check has failed: it was late";
    struct prepared p = all(false);

    m.helpers_until = clock_ms() + 300;
    helpers_play(&m, "check", "/bin/sh", "prepare",
                 "exec sleep 20 >/dev/null 2>&1\n");
    helper_prepare(&m, &p);
    is(&p, PREPARED_ACCOUNTS, -EIO, late);
    cr_expect_geq(clock_ms(), m.helpers_until);
    p = all(false);
    helper_prepare(&m, &p);
    is(&p, PREPARED_ACCOUNTS, -EIO, late);
    m.helpers_until = 0;
    helpers_find(&m);
    p = all(false);
    helper_prepare(&m, &p);
    is(&p, PREPARED_SANDBOX, 0, "");
}
