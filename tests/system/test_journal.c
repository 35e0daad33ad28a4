/* The log in a real journald, in a /run of its own; and the journals of several
 * machines, by systemd-journal-upload and systemd-journal-remote. */
#include <criterion/criterion.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/files.h"
#include "support/ports.h"
#include "support/run.h"
#include "support/server_log.h"
#include "support/session.h"
#include "support/wait.h"

#define JOURNALD "/lib/systemd/systemd-journald"
#define STREAM   "/run/systemd/journal/stdout"

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
    cr_assert(wait_until(is_there, (void *)(uintptr_t)STREAM, WAIT_MS));
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

/* Standard error of a server as systemd opens it: a stream to journald, which
 * JOURNAL_STREAM names. */
static int open_stream(void)
{
    static const char head[] = "sallyport\n\n6\n1\n0\n0\n0\n";
    const struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = STREAM };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char named[64];
    struct stat st;

    cr_assert_eq(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0,
                 "%m");
    cr_assert_eq(write(fd, head, sizeof(head) - 1), sizeof(head) - 1);
    cr_assert_eq(fstat(fd, &st), 0);
    snprintf(named, sizeof(named), "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino);
    setenv("JOURNAL_STREAM", named, 1);
    return fd;
}

static bool reads_port(void *argument)
{
    struct server *server = argument;
    struct run_result r;
    const char *at;

    run(&r, NULL, "journalctl", "-D", "/run/log/journal", "-q", "-o", "cat",
        NULL);
    at = strstr(r.text, "listening on ");
    bool found =
        at && sscanf(at, "listening on 127.0.0.1:%u", &server->port) == 1;
    run_release(&r);
    return found;
}

static void start_into_journal(struct server *server)
{
    const struct server_plan plan = { 0 };
    char program[SERVER_PATH_MAX], settings[SERVER_PATH_MAX];
    int fd = open_stream();

    server_prepare(server, &plan);
    snprintf(program, sizeof(program), "%s", server_program("sallyportd"));
    snprintf(settings, sizeof(settings), "%s",
             server_path(server, "sallyport.conf"));
    server->pid = fork();
    if (server->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(fd, 1);
        dup2(fd, 2);
        execl(program, program, "--foreground", "--config", settings, NULL);
        _exit(127);
    }
    close(fd);
    cr_assert(wait_until(reads_port, server, WAIT_MS));
}

static void stop_in_journal(struct server *server)
{
    int status;

    kill(server->pid, SIGTERM);
    cr_assert(wait_exit(server->pid, &status, WAIT_MS));
    cr_expect_eq(status, 0);
    server_forget(server);
}

Test(journal, lines, .timeout = 60)
{
    struct server server;
    struct session s;
    pid_t journald;

    own_run();
    journald = start_journald();
    start_into_journal(&server);
    session_enter(&s, &server, "anna");
    session_do(&s, "550 {*}", "DELE a\\b=\xff");
    session_close(&s);
    expect_in_journal(
        (struct search){ "SYSLOG_IDENTIFIER=sallyport",
                         { "\"SYSLOG_IDENTIFIER\":\"sallyport\"",
                           "\"PRIORITY\":\"5\"", "\"_COMM\":\"log\"",
                           "service process=master ", "started, version " } });
    expect_in_journal((struct search){
        "_COMM=log",
        { " user=anna verb=DELE ", "/a\\\\x5cb=\\\\xff", " result=550" } });
    stop_in_journal(&server);
    kill(journald, SIGKILL);
    waitpid(journald, NULL, 0);
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
    char line[256];
    struct server server;
    struct session s;
    struct run_result r;
    pid_t journald;

    cr_assert_eq(sethostname(name, strlen(name)), 0, "%m");
    journald = start_journald();
    start_into_journal(&server);
    session_enter(&s, &server, "anna");
    session_do(&s, "550 {*}", "DELE %s", path);
    session_close(&s);
    expect_in_journal((struct search){ "_COMM=log", { path } });
    stop_in_journal(&server);
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

/* Each machine has its own address and gets its own file. The second one is
 * first. */
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
