/* The programs on the disk change while the server runs. Running processes
 * continue with their own build, also after a crash, and a start refuses a
 * mixture of builds. */
#include "ctl.h"
#include "installed.h"
#include "support/files.h"
#include "support/processes.h"
#include "support/run.h"
#include "support/served.h"
#include "support/test.h"
#include "support/wait.h"

/* Each process starts again at most once in 10 s; a machine under load needs
 * more time. */
#define AGAIN_MS 30000

static const char *const programs[] = { "master", "gate", "auth", "keys",
                                        "log" };
#define PROGRAMS (sizeof(programs) / sizeof(programs[0]))

static const struct server_plan plan = { .troubles = true };
static char own_log[SERVER_PATH_MAX], other_log[SERVER_PATH_MAX];

static void install(void)
{
    snprintf(own_log, sizeof(own_log), "%s", server_program("log"));
    snprintf(other_log, sizeof(other_log), "%s",
             server_build("tests/system/other_log"));
    installed_begin();
}

TestSuite(upgrade, .init = install, .fini = installed_end);

/* Replaces the program as a package manager does: another file gets its
 * name. */
static void replace(const char *program, const char *by)
{
    struct buf bytes;
    const char *path = server_program(program);

    buf_init(&bytes, 64 << 20);
    cr_assert(!by || files_read(by, &bytes));
    cr_assert_eq(unlink(path), 0);
    files_write(path, by ? bytes.data : "nonsense", by ? bytes.len : 8, 0755);
    buf_release(&bytes);
}

static void expect_login(const struct server *server)
{
    struct session s;

    session_enter(&s, server, "anna");
    session_close(&s);
}

struct successor {
    pid_t server, before;
    const char *title;
};

static bool has_come(void *argument)
{
    static struct processes p;
    const struct successor *s = argument;
    const struct process_row *row;

    processes_of(s->server, &p);
    row = processes_find(&p, s->title);
    return row && row->pid != s->before;
}

static pid_t pid_of(const struct server *server, const char *title)
{
    static struct processes p;

    processes_wait(server->pid, title, 1, &p);
    return processes_find(&p, title)->pid;
}

static void kill_one(const struct server *server, const char *title)
{
    struct successor s = { server->pid, pid_of(server, title), title };

    cr_assert_eq(kill(s.before, SIGKILL), 0);
    cr_assert(wait_until(has_come, &s, AGAIN_MS), "no other %s", title);
}

/* Only root may ask which file a process that isn't dumpable executes. */
static void expect_deleted(pid_t pid)
{
    char link[64], path[SERVER_PATH_MAX];
    ssize_t n;

    if (geteuid() != 0)
        return;
    snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
    n = readlink(link, path, sizeof(path) - 1);
    cr_assert_gt(n, 0);
    path[n] = '\0';
    cr_expect(strstr(path, " (deleted)"), "%s", path);
}

/* It was executed from the file that was replaced, under its own name. */
static void expect_own_build(const struct server *server, const char *program)
{
    char title[64], name[32];
    pid_t pid;

    snprintf(title, sizeof(title), "sallyport: %s", program);
    pid = pid_of(server, title);
    expect_deleted(pid);
    cr_expect_str_eq(process_status(pid, "Name", name, sizeof(name)), program);
}

ServerTest(upgrade, a_half_installed_package_and_crashes, 120, &plan)
{
    for (size_t i = 0; i < PROGRAMS; i++)
        replace(programs[i], NULL);
    kill_one(server, "sallyport: master");
    expect_login(server);
    kill_one(server, "sallyport: master"); /* this must work a second time */
    expect_login(server);
    kill_one(server, "sallyport: log");
    kill_one(server, "sallyport: keys");
    kill_one(server, "sallyport: gate");
    expect_login(server);
    expect_own_build(server, "master");
    expect_own_build(server, "gate");
    expect_own_build(server, "keys");
    expect_own_build(server, "log");
}

/* One of the programs is of another build already: a start reports it. */
Test(upgrade, a_mixture_of_builds, .timeout = 120)
{
    struct server server;
    struct run_result r;

    server_prepare(&server, &plan);
    replace("log", other_log);
    const char *program = server_program("sallyportd");
    const char *config = server_path(&server, "sallyport.conf");
    run(&r, NULL, program, "--foreground", "--config", config, NULL);
    cr_expect_eq(r.status, EX_SOFTWARE, "%d", r.status);
    cr_expect(strstr(r.text, "log is of build 0.0.1-0123456789abcdef, and "
                             "master of "),
              "%s", r.text);
    cr_expect(strstr(r.text, "install again"), "%s", r.text);
    run_release(&r);
    server_forget(&server);
}

/* A recovery in the middle of an upgrade is of one build. */
ServerTest(upgrade, a_crash_among_two_builds, 120, &plan)
{
    replace("log", other_log);
    kill_one(server, "sallyport: master");
    expect_login(server);
    expect_own_build(server, "log");
}

/* A reload before the installation is complete changes nothing, and one after
 * it uses the new programs. Sessions continue all the time. */
SessionTest(upgrade, a_reload_among_two_builds, 120, &plan)
{
    replace("log", other_log);
    ctl(server, EX_DATAERR, "reload", "log is of build 0.0.1-0123456789abcdef");
    expect_login(server);
    replace("log", own_log);
    ctl(server, 0, "reload", "");
    expect_login(server);
    session_do(s, "200 {*}", "NOOP");
}
