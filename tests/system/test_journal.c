/* The log in a real journald, in a /run of its own. */
#include <criterion/criterion.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/run.h"
#include "support/server_log.h"
#include "support/session.h"
#include "support/wait.h"

#define JOURNALD "/lib/systemd/systemd-journald"
#define SOCKET   "/run/systemd/journal/socket"

static void own_run(void)
{
    if (geteuid() != 0 || access(JOURNALD, X_OK) < 0)
        cr_skip_test("needs root and " JOURNALD);
    cr_assert_eq(unshare(CLONE_NEWNS), 0, "unshare: %m");
    cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    cr_assert_eq(mount("run", "/run", "tmpfs", 0, NULL), 0);
    cr_assert_eq(mount("log", "/var/log", "tmpfs", 0, NULL), 0);
    mkdir("/run/log", 0755);
    mkdir("/run/log/journal", 0755);
}

static bool is_there(void *path)
{
    return access(path, F_OK) == 0;
}

static pid_t start_journald(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execl(JOURNALD, JOURNALD, NULL);
        _exit(127);
    }
    cr_assert(wait_until(is_there, (void *)(uintptr_t)SOCKET, WAIT_MS));
    return pid;
}

/* Does a line that journalctl finds contain all words? */
struct search {
    const char *match, *words[8];
};

static bool journal_has(void *argument)
{
    const struct search *s = argument;
    struct run_result r;
    bool has = true;

    run(&r, NULL, "journalctl", "-D", "/run/log/journal", "-q", "-o", "json",
        "-p", "notice", s->match, NULL);
    cr_assert_eq(r.status, 0, "%s", r.text);
    for (const char *const *w = s->words; *w; w++)
        has = has && strstr(r.text, *w);
    run_release(&r);
    return has;
}

static void expect_in_journal(struct search s)
{
    cr_expect(wait_until(journal_has, &s, WAIT_MS), "%s", s.match);
}

Test(journal, fields, .timeout = 60)
{
    const struct server_plan plan = { .settings = "log_format = journal\n" };
    struct server server;
    struct session s;
    pid_t journald;

    own_run();
    journald = start_journald();
    session_begin(&s, &server, &plan);
    session_do(&s, "550 {*}", "DELE a\\b=\xff");
    session_close(&s);
    expect_in_journal((struct search){
        "SALLYPORT_EVENT=service",
        { "\"SALLYPORT_PROCESS\":\"master\"",
          "\"SALLYPORT_REASON\":\"started, version ",
          "\"SYSLOG_IDENTIFIER\":\"sallyport\"", "\"PRIORITY\":\"5\"",
          "\"_COMM\":\"log\"", "\"MESSAGE\":\"service process=master " } });
    expect_in_journal((struct search){
        "SALLYPORT_USER=anna",
        { "\"SALLYPORT_EVENT\":\"change\"", "\"SALLYPORT_VERB\":\"DELE\"",
          "\"SALLYPORT_PATH\":\"/a\\\\x5cb=\\\\xff\"",
          "\"SALLYPORT_RESULT\":\"550\"", "\"SALLYPORT_PEER\":\"127.0.0.1:",
          "\"SALLYPORT_SERIAL\":\"", "\"PRIORITY\":\"5\"" } });
    cr_expect(!server_log_has(&server, "transfer "));
    server_stop(&server);
    kill(journald, SIGKILL);
    waitpid(journald, NULL, 0);
}

/* The start fails, and says what to do. */
Test(journal, where_there_is_none, .timeout = 60)
{
    const struct server_plan plan = { .settings = "log_format = journal\n" };
    char settings[SERVER_PATH_MAX];
    struct server server;
    struct run_result r;

    own_run();
    server_prepare(&server, &plan);
    snprintf(settings, sizeof(settings), "%s",
             server_path(&server, "sallyport.conf"));
    run(&r, NULL, server_program("sallyportd"), "--foreground", "--config",
        settings, NULL);
    cr_expect_eq(r.status, 78, "%d", r.status);
    cr_expect(strstr(r.text, "log_format = journal: journald's socket " SOCKET
                             ": No such file or directory; use text or json"),
              "%s", r.text);
    run_release(&r);
    server_forget(&server);
}
