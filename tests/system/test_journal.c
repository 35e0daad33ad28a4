/* The server logs to a real journald in a /run of its own. */
#include <sys/mount.h>
#include <sys/un.h>

#include "fuse.h"
#include "sallyport/base/fd.h"
#include "support/run.h"
#include "support/session.h"
#include "support/test.h"
#include "support/wait.h"

#define JOURNALD "/lib/systemd/systemd-journald"
#define STREAM   "/run/systemd/journal/stdout"

static void own_run(void)
{
    if (access(JOURNALD, X_OK) < 0)
        cr_skip_test("needs " JOURNALD);
    fuse_begin();
    cr_assert_eq(mount("run", "/run", "tmpfs", 0, NULL), 0);
    cr_assert_eq(mount("log", "/var/log", "tmpfs", 0, NULL), 0);
    mkdir("/run/log", 0755);
    mkdir("/run/log/journal", 0755);
}

static bool listens(void *unused)
{
    const struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = STREAM };
    FD_CLEANUP int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)unused;
    return connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0;
}

static pid_t start_journald(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execl(JOURNALD, JOURNALD, NULL);
        _exit(127);
    }
    cr_assert(wait_until(listens, NULL, WAIT_MS));
    return pid;
}

/* Do the lines that journalctl finds by .match contain all .words? */
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

/* Opens a stream to journald for the server's standard error, and names it in
 * JOURNAL_STREAM, as systemd does. */
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
    int fd = open_stream();

    server_prepare(server, PLAN(0));
    const char *program = server_program("sallyportd");
    const char *settings = server_path(server, "sallyport.conf");
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
