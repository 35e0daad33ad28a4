/* Disks hang while the server runs, one at a time. Work that doesn't need the
 * disk goes on, and the server can be stopped meanwhile. Root mounts the file
 * system, which never answers, in a mount namespace that ends with this
 * test. */
#include "ctl.h"
#include "fuse.h"
#include "sallyport/base/clock.h"
#include "support/processes.h"
#include "support/served.h"
#include "support/server_log.h"
#include "support/test.h"
#include "support/wait.h"

#define STOP_MS  20000 /* the supervisor waits for a stop for at most 9.5 s */
#define QUICK_MS 9000  /* a disk that hangs is given up after 10 s */
#define HOME_MS  30000

static const struct server_plan plan = {
    USERS({ .name = "anna" }, { .name = "bert" }, { .name = "carl" }),
    .troubles = true,
};

TestSuite(hangs, .init = fuse_begin);

/* Stops the server during the hang. Returns false if it hasn't ended after
 * STOP_MS. */
static bool stops(const struct server *server, int *status)
{
    const uint64_t begin = clock_ms();
    bool ended;

    cr_assert_eq(kill(server->pid, SIGTERM), 0);
    ended = wait_exit(server->pid, status, STOP_MS);
    cr_log_info("the stop took %llu ms",
                (unsigned long long)(clock_ms() - begin));
    return ended;
}

static void end(struct server *server, const char *place, pid_t fuse)
{
    int status = -1;
    const bool ended = stops(server, &status);

    fuse_unmount(place, fuse);
    cr_assert(ended, "it doesn't stop");
    cr_expect_eq(status, 0, "0x%x", (unsigned)status);
    server->pid = 0;
    server_log_check(server);
    server_forget(server);
}

static void asks(struct session *s, const struct server *server,
                 const char *name)
{
    session_arrive(s, server);
    session_do(s, "331 {*}", "USER %s", name);
    session_send(s, "PASS %s", SERVER_PASSWORD);
}

static void works(const struct server *server, const char *name)
{
    struct session s;

    session_enter(&s, server, name);
    session_store(&s, "STOR", "f", "bytes", 5);
    session_do(&s, "250 {*}", "DELE f");
    session_close(&s);
}

/* Bans are in memory. Only the file of bans, which outlives the service, is
 * written late. */
Test(hangs, state, .timeout = 240)
{
    struct server server;
    struct session s;
    uint64_t begin_ms;
    pid_t fuse;

    server_start(&server, &plan);
    session_enter(&s, &server, "bert");
    const char *state = server_path(&server, "state");
    fuse = fuse_mount_hung(state);
    begin_ms = clock_ms();
    ctl(&server, 0, "ban add 192.0.2.1 --yes", "192.0.2.1: banned");
    ctl(&server, 0, "ban list", "192.0.2.1");
    works(&server, "anna");
    session_store(&s, "STOR", "f", "bytes", 5);
    ctl(&server, 0, "status", "");
    ctl(&server, 0, "kick bert", "");
    session_drop(&s);
    cr_expect_leq(clock_ms() - begin_ms, QUICK_MS);
    end(&server, state, fuse);
}

/* A reload would read a key in the state directory, so it fails. Its error
 * names the path, although no time is left to look up a host name. */
ServerTest(hangs, state_at_a_reload, 240, &plan)
{
    struct session s;
    pid_t fuse;

    session_enter(&s, server, "bert");
    const char *state = server_path(server, "state");
    server_set(server, "address", "127.0.0.1");
    fuse = fuse_mount_hung(state);
    ctl(server, 75, "reload", "state: its disk doesn't answer");
    server_log_wait(server, "reload", state, "its disk doesn't answer", NULL);
    works(server, "anna");
    fuse_unmount(state, fuse);
    ctl(server, 0, "reload", "");
    session_store(&s, "STOR", "f", "bytes", 5);
    session_close(&s);
}

/* The file of the setting KEY hangs at a reload, which fails. Once the disk is
 * back, a reload succeeds. */
static void refused_until_back(const char *key, const char *file)
{
    struct server server;
    struct session s;
    pid_t fuse;

    server_start(&server, &plan);
    session_enter(&s, &server, "bert");
    const char *disk = server_path(&server, "disk");
    const char *from = server_path(&server, file);
    const char *to = server_path(&server, "disk/f");
    cr_assert_eq(mkdir(disk, 0755), 0);
    cr_assert_eq(link(from, to), 0);
    fuse = fuse_mount_hung(disk);
    server_set(&server, key, to);
    ctl(&server, 75, "reload", "disk/f: its disk doesn't answer");
    server_log_wait(&server, "reload", to, "its disk doesn't answer", NULL);
    works(&server, "anna");
    fuse_unmount(disk, fuse);
    ctl(&server, 0, "reload", "");
    session_store(&s, "STOR", "f", "bytes", 5);
    works(&server, "anna");
    session_close(&s);
    server_stop(&server);
}

Test(hangs, certificate, .timeout = 240)
{
    refused_until_back("certificate", "certificate.pem");
}

Test(hangs, key, .timeout = 240)
{
    refused_until_back("key", "key.pem");
}

static bool is_opening(void *server)
{
    static struct processes list;

    processes_of(((struct server *)server)->pid, &list);
    return processes_count(&list, "sallyport: files (anna") == 1;
}

/* All homes hang. New logins get a 421. An open session goes on, since its home
 * is on the disk below the mount. */
ServerTest(hangs, all_homes, 240, &plan)
{
    struct session open, late[2];
    uint64_t begin_ms;
    pid_t fuse;

    session_enter(&open, server, "carl");
    fuse = fuse_mount_hung(server->homes);
    begin_ms = clock_ms();
    asks(&late[0], server, "anna");
    asks(&late[1], server, "bert");
    session_store(&open, "STOR", "f", "bytes", 5);
    session_do(&open, "250 {*}", "DELE f");
    ctl(server, 0, "status", "");
    ctl(server, 0, "who", "carl");
    ctl(server, 0, "user lock carl", "1 session ended");
    session_expect(&open, "530 Your account was locked{*}");
    session_drop(&open);
    cr_expect_leq(clock_ms() - begin_ms, QUICK_MS);
    session_expect(&late[0], "421 Your home doesn't answer now{*}");
    session_expect(&late[1], "421 Your home doesn't answer now{*}");
    cr_expect_leq(clock_ms() - begin_ms, HOME_MS);
    session_drop(&late[0]);
    session_drop(&late[1]);
    fuse_unmount(server->homes, fuse);
}

/* The server stops although processes of logins wait for a disk, and SIGKILL
 * doesn't end these. */
Test(hangs, a_stop_during_logins, .timeout = 240)
{
    struct server server;
    struct session s;
    pid_t fuse;

    server_start(&server, &plan);
    fuse = fuse_mount_hung(server.homes);
    asks(&s, &server, "anna");
    cr_assert(wait_until(is_opening, &server, WAIT_MS));
    end(&server, server.homes, fuse);
    session_drop(&s);
}

/* Starts a server with its log on a pipe. Returns the pipe's end to read
 * from. */
static int start_into_pipe(struct server *server)
{
    int ends[2];

    server_prepare(server, &plan);
    const char *program = server_program("sallyportd");
    const char *settings = server_path(server, "sallyport.conf");
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    server->pid = fork();
    if (server->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], 1);
        dup2(ends[1], 2);
        execl(program, program, "--foreground", "--config", settings, NULL);
        _exit(127);
    }
    close(ends[1]);
    return ends[0];
}

/* Reads the log until the server is ready, and takes its port. */
static void read_port(struct server *server, int from)
{
    struct pollfd one = { .fd = from, .events = POLLIN };
    const char *at = NULL;
    char text[16384];
    size_t len = 0;

    while (!at || !strchr(at, '\n')) {
        ssize_t n;

        cr_assert_eq(poll(&one, 1, WAIT_MS), 1);
        n = read(from, text + len, sizeof(text) - 1 - len);
        cr_assert_gt(n, 0, "it ended: %s", text);
        len += (size_t)n;
        text[len] = '\0';
        at = strstr(text, "listening on ");
    }
    cr_assert_eq(sscanf(at, "listening on 127.0.0.1:%u", &server->port), 1);
}

#define PIPE_BYTES 4096
#define ROUNDS     20 /* they log more than the pipe holds */

/* The test doesn't read the log's pipe. The process log waits; each other
 * process goes on until its channel to log is full. */
Test(hangs, the_log, .timeout = 240)
{
    struct server server;
    struct session s;
    int from, status = -1;

    from = start_into_pipe(&server);
    read_port(&server, from);
    cr_assert_geq(fcntl(from, F_SETPIPE_SZ, PIPE_BYTES), 0);
    session_enter(&s, &server, "bert");
    for (int i = 0; i < ROUNDS; i++)
        works(&server, "anna");
    ctl(&server, 0, "status", "");
    ctl(&server, 0, "who", "bert");
    ctl(&server, 0, "reload", "");
    works(&server, "anna");
    ctl(&server, 0, "kick bert", "");
    session_drop(&s);
    cr_assert(stops(&server, &status), "it doesn't stop");
    cr_expect_eq(status, 0, "0x%x", (unsigned)status);
    close(from);
    server_forget(&server);
}
