/* The log in a real journald, in a /run of its own; and the journals of several
 * machines, by systemd-journal-upload and systemd-journal-remote. */
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

#include "support/files.h"
#include "support/ports.h"
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

/* ---- Several machines ---- */

#define REMOTE "systemd-journal-remote"
#define UPLOAD "systemd-journal-upload"
#define TOP    "/run/machines" /* in the /run of this test */

/* A program of Debian's package, which tests/run unpacks; NULL: there is none.
 */
static const char *journal_program(const char *name)
{
    const char *const places[] = { "build/" REMOTE "/lib/systemd",
                                   "build/" REMOTE "/usr/lib/systemd",
                                   "/usr/lib/systemd" };
    static char path[SERVER_PATH_MAX];

    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        snprintf(path, sizeof(path), "%.400s/%s",
                 places[i][0] == '/' ? places[i] : server_source(places[i]),
                 name);
        if (access(path, X_OK) == 0)
            return path;
    }
    return NULL;
}

/* Journald of the machine NAME gets the log of a server. The entries are
 * appended to TOP/NAME as journald exports them, with the unit and the boot
 * that they have where systemd is process 1. */
static void play_machine(const char *name, const char *path)
{
    const struct server_plan plan = { .settings = "log_format = journal\n" };
    char line[256];
    struct server server;
    struct session s;
    struct run_result r;
    pid_t journald;

    cr_assert_eq(sethostname(name, strlen(name)), 0, "%m");
    journald = start_journald();
    session_begin(&s, &server, &plan);
    session_do(&s, "550 {*}", "DELE %s", path);
    session_close(&s);
    expect_in_journal((struct search){ "SALLYPORT_EVENT=change", { path } });
    server_stop(&server);
    snprintf(line, sizeof(line),
             "journalctl -D /run/log/journal -q -o export "
             "SYSLOG_IDENTIFIER=sallyport | LC_ALL=C sed "
             "'s/^_BOOT_ID=.*/_BOOT_ID=%032d\\n"
             "_SYSTEMD_UNIT=sallyport.service/' >>" TOP "/%s",
             name[4] - '0', name);
    run(&r, NULL, "sh", "-c", line, NULL);
    cr_assert_eq(r.status, 0, "%s", r.text);
    run_release(&r);
    kill(journald, SIGKILL);
    waitpid(journald, NULL, 0);
    run(&r, NULL, "rm", "-rf", "/run/log/journal", "/run/systemd/journal",
        NULL);
    run_release(&r);
    cr_assert_eq(mkdir("/run/log/journal", 0755), 0);
}

static pid_t start_remote(unsigned port)
{
    char listen[64];
    pid_t pid = fork();

    snprintf(listen, sizeof(listen), "--listen-https=%u", port);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execl(journal_program(REMOTE), REMOTE, listen,
              "--output=" TOP "/remote/", "--key=" TOP "/key.pem",
              "--cert=" TOP "/certificate.pem", NULL);
        _exit(127);
    }
    return pid;
}

struct upload {
    char url[64], *from;
};

static bool has_uploaded(void *argument)
{
    const struct upload *u = argument;
    struct run_result r;
    bool good;

    run(&r, NULL, journal_program(UPLOAD), "--url", u->url,
        "--key=" TOP "/key.pem", "--cert=" TOP "/certificate.pem",
        "--trust=" TOP "/ca.pem", u->from, NULL);
    good = r.status == 0;
    run_release(&r);
    return good;
}

/* By addresses of their own, as machines have them: each gets a file. The
 * second one is first. */
static void collect(void)
{
    const unsigned port = ports_free(1);
    struct upload second = { .from = (char[]){ TOP "/node2" } },
                  first = { .from = (char[]){ TOP "/node1" } };
    pid_t remote = start_remote(port);
    int status;

    snprintf(second.url, sizeof(second.url), "https://[::1]:%u", port);
    snprintf(first.url, sizeof(first.url), "https://127.0.0.1:%u", port);
    cr_expect(wait_until(has_uploaded, &second, WAIT_MS));
    cr_expect(wait_until(has_uploaded, &first, WAIT_MS));
    kill(remote, SIGTERM);
    cr_expect(wait_exit(remote, &status, WAIT_MS));
}

/* Does TEXT have a line with both words? Sets TEXT after it. */
static bool next_line(const char **text, const char *machine, const char *path)
{
    for (const char *at = *text, *end; (end = strchr(at, '\n')); at = end + 1)
        if (memmem(at, (size_t)(end - at), machine, strlen(machine)) &&
            memmem(at, (size_t)(end - at), path, strlen(path))) {
            *text = end + 1;
            return true;
        }
    return false;
}

Test(journal, of_several_machines, .timeout = 240)
{
    struct run_result r;
    const char *text;

    own_run();
    if (!journal_program(REMOTE) || !journal_program(UPLOAD))
        cr_skip_test("there is no " REMOTE);
    cr_assert_eq(unshare(CLONE_NEWUTS), 0, "unshare: %m");
    cr_assert_eq(mkdir(TOP, 0755), 0);
    cr_assert_eq(mkdir(TOP "/remote", 0755), 0);
    run(&r, NULL, server_source("certs/make"), "--ca", TOP "/ca", "--out", TOP,
        "127.0.0.1", "::1", NULL);
    cr_assert_eq(r.status, 0, "%s", r.text);
    run_release(&r);
    play_machine("node1", "/one");
    play_machine("node2", "/two");
    play_machine("node1", "/three");
    collect();
    run(&r, NULL, server_program("sallyportctl"), "log", "--directory",
        TOP "/remote", NULL);
    text = r.text;
    cr_expect(r.status == 0 && next_line(&text, " node1 ", "/one") &&
                  next_line(&text, " node2 ", "/two") &&
                  next_line(&text, " node1 ", "/three"),
              "%d: %s", r.status, r.text);
    run_release(&r);
}
