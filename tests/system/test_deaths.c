/* Any process may die at any moment. Master survives each of these deaths, a
 * login works again soon, and nothing is left at the end. The deaths of a
 * session and of its files: transcripts/server/upload-faults.txt. */
#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl.h"
#include "fault.h"
#include "support/files.h"
#include "support/processes.h"
#include "support/server_log.h"
#include "support/session.h"
#include "support/tls_client.h"
#include "support/wait.h"

/* After a burst a process is started again at most once in 10 s; a machine
 * under load needs more time. */
#define AGAIN_MS 30000

static const char *from = ""; /* the address of can_log_in() */

static bool can_log_in(void *argument)
{
    const struct server *server = argument;
    struct session s;
    bool ok;

    session_init(&s);
    snprintf(s.from, sizeof(s.from), "%s", from);
    ok = session_may_open(&s, server, "anna");
    session_drop(&s);
    return ok;
}

/* The upload continues, and the session. */
static void expect_upload(struct server *server, struct session *s,
                          struct data *d)
{
    data_write(d, "and more", 8);
    data_close(d);
    session_expect(s, "226 {*}");
    fault_expect_whole(server, "anna", "f", "some and more", 13);
    session_do(s, "200 {*}", "NOOP");
}

static void kill_one(struct server *server, const char *title)
{
    static struct processes p;

    processes_wait(server->pid, "sallyport: files", 1, &p);
    processes_kill(server->pid,
                   title); /* a dying process could still get a request */
    if (strcmp(title, "sallyport: keys") == 0)
        server_log_wait(server, "signal 9", "process=keys", NULL);
    if (strcmp(title, "sallyport: log") == 0)
        server_log_wait(server, " child process=log", "signal 9", NULL);
}

/* With active mode, for which gate and master have other filters. */
static void die_once(const char *title)
{
    const struct server_plan plan = { .troubles = true,
                                      .settings = "active = yes\n" };
    struct server server;
    struct session s;
    struct data d;

    session_begin(&s, &server, &plan);
    data_open(&s, &d, "STOR f");
    data_write(&d, "some ", 5);
    fault_wait_partial(&server, "anna", 1);
    kill_one(&server, title);
    expect_upload(&server, &s, &d);
    session_drop(&s);
    cr_assert(wait_until(can_log_in, &server, AGAIN_MS),
              "no login after the death of %s", title);
    session_enter(&s, &server, "anna");
    fault_retry(&s, &server, "anna", "f", "again", 5);
    session_end(&s, &server);
}

Test(deaths, auth, .timeout = 90)
{
    die_once("sallyport: auth");
}

Test(deaths, log, .timeout = 90)
{
    die_once("sallyport: log");
}

Test(deaths, gate, .timeout = 90)
{
    die_once("sallyport: gate");
}

Test(deaths, keys, .timeout = 90)
{
    die_once("sallyport: keys");
}

#define RESTARTS 5 /* that master makes at once */
#define SHAKERS  3

/* Runs in a process of its own, since the handshake can't end before the
 * stopped keys has died. */
static pid_t shake_hands(const struct session *s)
{
    pid_t pid = fork();

    cr_assert_geq(pid, 0);
    if (pid == 0)
        _exit(tls_client_new(s->fd, NULL) ? 0 : 1);
    return pid;
}

static void kill_keys_during_handshakes(struct server *server)
{
    struct session s[SHAKERS];
    static struct processes p;
    pid_t keys, pid[SHAKERS];
    int status;

    for (int i = 0; i < SHAKERS; i++) {
        session_init(&s[i]);
        session_connect(&s[i], server->port);
        session_expect(&s[i], "220 {*}");
        session_do(&s[i], "234 {*}", "AUTH TLS");
    }
    processes_wait(server->pid, "sallyport: keys", 1, &p);
    keys = processes_find(&p, "sallyport: keys")->pid;
    cr_assert_eq(kill(keys, SIGSTOP), 0);
    for (int i = 0; i < SHAKERS; i++)
        pid[i] = shake_hands(&s[i]);
    cr_assert_eq(kill(keys, SIGKILL), 0);
    for (int i = 0; i < SHAKERS; i++) {
        cr_assert(wait_exit(pid[i], &status, WAIT_MS));
        cr_expect_eq(status, 0, "a handshake failed");
        session_drop(&s[i]);
    }
}

/* The next keys makes the waiting signatures. Master starts it at once; a
 * session would give up after 5 s. */
Test(deaths, keys_during_handshakes, .timeout = 90)
{
    const struct server_plan plan = { .troubles = true };
    struct server server;

    server_start(&server, &plan);
    for (int i = 0; i < RESTARTS; i++)
        kill_keys_during_handshakes(&server);
    server_stop(&server);
}

/* If a log dies, the next one writes all that was unread: also the last events
 * of a session that has ended meanwhile. */
Test(deaths, log_loses_nothing, .timeout = 90)
{
    enum { CHANGES = 40 };
    const struct server_plan plan = { .troubles = true };
    const struct process_row *log;
    static struct processes p;
    struct server server;
    struct session s;
    char path[32];

    session_begin(&s, &server, &plan);
    processes_wait(server.pid, "sallyport: files", 1, &p);
    log = processes_find(&p, "sallyport: log");
    cr_assert(log && kill(log->pid, SIGSTOP) == 0);
    for (int i = 0; i < CHANGES; i++)
        session_do(&s, "257 {*}", "MKD d%d", i);
    session_close(&s);
    cr_assert_eq(kill(log->pid, SIGKILL), 0);
    for (int i = 0; i < CHANGES; i++) {
        snprintf(path, sizeof(path), "path=/d%d ", i);
        server_log_wait(&server, "change ", "verb=MKD", path, NULL);
    }
    server_log_wait(&server, " end ", "user=anna ", NULL);
    server_stop(&server);
}

/* After master's end no process stays alive. */
static bool none_lives(void *argument)
{
    const struct processes *p = argument;

    for (size_t i = 0; i < p->count; i++)
        if (process_lives(&p->row[i]))
            return false;
    return true;
}

static bool has_ended(void *argument)
{
    return !process_lives(argument);
}

Test(deaths, master, .timeout = 90)
{
    const struct server_plan plan = { 0 };
    static struct processes p;
    struct server server;
    struct session s;
    int status;

    session_begin(&s, &server, &plan);
    processes_wait(server.pid, "sallyport: files", 1, &p);
    kill(server.pid, SIGKILL);
    cr_assert(wait_exit(server.pid, &status, WAIT_MS));
    cr_assert(wait_until(none_lives, &p, WAIT_MS), "something lives on");
    session_drop(&s);
    server_forget(&server);
}

/* The supervisor starts another one, which inherits the listeners: the port is
 * the same, and a client that connects meanwhile waits in the backlog. */
Test(deaths, master_comes_back, .timeout = 90)
{
    const struct server_plan plan = { .troubles = true };
    static struct processes p;
    struct process_row first;
    struct server server;
    struct session s;
    struct data d;

    session_begin(&s, &server, &plan);
    data_open(&s, &d, "STOR f");
    data_write(&d, "some ", 5);
    fault_wait_partial(&server, "anna", 1);
    processes_wait(server.pid, "sallyport: master", 1, &p);
    first = *processes_find(&p, "sallyport: master");
    cr_assert_eq(kill(first.pid, SIGKILL), 0);
    fault_expect_no_226(&s);
    data_cut(&d, false);
    fault_expect_absent(&server, "anna", "f");
    session_drop(&s);
    cr_assert(wait_until(can_log_in, &server, AGAIN_MS), "no login");
    processes_wait(server.pid, "sallyport: master", 1, &p);
    cr_expect_neq(processes_find(&p, "sallyport: master")->pid, first.pid);
    session_enter(&s, &server, "anna");
    fault_retry(&s, &server, "anna", "f", "again", 5);
    session_end(&s, &server);
}

/* The control socket stays: a caller between two masters waits. */
Test(deaths, sallyportctl_waits_for_the_next_master, .timeout = 90)
{
    const struct server_plan plan = { .troubles = true };
    struct stat before, after;
    struct server server;
    char path[SERVER_PATH_MAX];

    server_start(&server, &plan);
    snprintf(path, sizeof(path), "%s", server_path(&server, "control"));
    cr_assert_eq(stat(path, &before), 0);
    for (int i = 0; i < 3; i++) {
        processes_kill(server.pid, "sallyport: master");
        ctl(&server, 0, "status", "");
        cr_assert_eq(stat(path, &after), 0);
        cr_expect_eq(after.st_ino, before.st_ino);
    }
    server_stop(&server);
    cr_expect_neq(stat(path, &after), 0, "its name is left");
}

static void spoil(const struct server *server, const char *name)
{
    files_write(server_path(server, name), "nonsense", 8, 0600);
}

/* A crash in the middle of an edit is no outage: the settings in force
 * count. */
Test(deaths, master_while_the_disk_is_in_disorder, .timeout = 90)
{
    const struct server_plan plan = { .troubles = true };
    static struct processes p;
    struct server server;
    struct session s;

    server_start(&server, &plan);
    spoil(&server, "sallyport.conf");
    spoil(&server, "users");
    spoil(&server, "certificate.pem");
    spoil(&server, "key.pem");
    processes_kill(server.pid, "sallyport: keys");
    cr_assert(wait_until(can_log_in, &server, AGAIN_MS), "no keys");
    cr_assert_eq(unlink(server_path(&server, "certificate.pem")), 0);
    cr_assert_eq(unlink(server_path(&server, "key.pem")), 0);
    processes_kill(server.pid, "sallyport: master");
    cr_assert(wait_until(can_log_in, &server, AGAIN_MS), "no login");
    session_enter(&s, &server, "anna");
    session_close(&s);
    processes_kill(server.pid, "sallyport: master");
    cr_assert(wait_until(can_log_in, &server, AGAIN_MS), "no login again");
    processes_wait(server.pid, "sallyport: master", 1, &p);
    server_stop(&server);
}

/* The directory of the sandboxes isn't empty any more: that is a mistake for a
 * start, and none for a recovery, or for a process that replaces another. */
Test(deaths, while_empty_is_not_empty, .timeout = 90)
{
    const struct server_plan plan = { .troubles = true };
    struct server server;

    if (geteuid() != 0)
        cr_skip_test("root's part");
    server_start(&server, &plan);
    files_write(server_path(&server, "empty/file"), "x", 1, 0644);
    for (int i = 0; i < 2; i++) {
        processes_kill(server.pid, "sallyport: gate");
        cr_assert(wait_until(can_log_in, &server, AGAIN_MS), "no login");
        processes_kill(server.pid, "sallyport: master");
        cr_assert(wait_until(can_log_in, &server, AGAIN_MS), "no login");
    }
    server_stop(&server);
}

/* A stopped process doesn't notice that master has gone. It is woken, and sends
 * its last events as others do. */
static void stop_and_orphan(const char *stopped)
{
    const struct server_plan plan = { .troubles = true };
    const struct process_row *row;
    static struct processes p;
    struct process_row victim;
    struct server server;
    struct session s;
    int status;

    session_begin(&s, &server, &plan);
    processes_wait(server.pid, "sallyport: files", 1, &p);
    row = processes_find(&p, stopped);
    cr_assert(row, "no %s", stopped);
    victim = *row;
    cr_assert_eq(kill(victim.pid, SIGSTOP), 0);
    cr_assert_eq(kill(server.pid, SIGKILL), 0);
    cr_assert(wait_until(has_ended, &victim, WAIT_MS), "%s lives on", stopped);
    session_drop(&s);
    cr_assert(wait_exit(server.pid, &status, WAIT_MS));
    cr_assert(wait_until(none_lives, &p, WAIT_MS), "something lives on");
    server_forget(&server);
}

/* The session is woken, and lives on with another gate. */
Test(deaths, gate_of_a_stopped_session, .timeout = 90)
{
    const struct server_plan plan = { .troubles = true };
    const struct process_row *victim;
    static struct processes p;
    struct server server;
    struct session s;

    session_begin(&s, &server, &plan);
    processes_wait(server.pid, "sallyport: files", 1, &p);
    victim = processes_find(&p, "sallyport: session");
    cr_assert(victim && kill(victim->pid, SIGSTOP) == 0);
    processes_kill(server.pid, "sallyport: gate");
    session_do(&s, "200 {*}", "NOOP");
    session_store(&s, "STOR", "f", "bytes", 5);
    session_end(&s, &server);
}

Test(deaths, master_of_a_stopped_files, .timeout = 90)
{
    stop_and_orphan("sallyport: files");
}

Test(deaths, master_of_a_stopped_gate, .timeout = 90)
{
    stop_and_orphan("sallyport: gate");
}

Test(deaths, master_of_a_stopped_log, .timeout = 90)
{
    stop_and_orphan("sallyport: log");
}

/* The kernel's timer sends SIGALRM to a session that has hung for more than ten
 * minutes (unit_session, suite alive). When a stopped session goes on after it,
 * it ends with its upload. A session of the same age in a very slow upload
 * continues. */
Test(deaths, a_stopped_session, .timeout = 90)
{
    static const struct server_user users[] = { { .name = "anna" },
                                                { .name = "bert" } };
    const struct server_plan plan = { .settings = "idle_timeout = 1s\n",
                                      .users = users,
                                      .user_count = 2,
                                      .troubles = true };
    struct session s, witness;
    struct data d, goes_on;
    struct server server;
    pid_t stopped;

    server_start(&server, &plan);
    session_enter(&witness, &server, "bert");
    data_open(&witness, &goes_on, "STOR f");
    data_write(&goes_on, "some", 4);
    session_enter(&s, &server, "anna");
    data_open(&s, &d, "STOR f");
    data_write(&d, "some", 4);
    stopped = fault_process(&server, "anna", "sallyport: session");
    cr_assert_eq(kill(stopped, SIGSTOP), 0);
    cr_assert_eq(kill(stopped, SIGALRM), 0);
    cr_assert_eq(kill(stopped, SIGCONT), 0);
    server_log_wait(&server, " end ", "peer=127.0.0.1:", "it hung: signal 14",
                    NULL);
    fault_expect_no_226(&s);
    data_cut(&d, false);
    fault_wait_gone(&server, "anna");
    fault_expect_absent(&server, "anna", "f");
    session_drop(&s);
    data_write(&goes_on, " more", 5);
    data_close(&goes_on);
    session_expect(&witness, "226 {*}");
    session_end(&witness, &server);
}

static void crash_a_session(struct server *server)
{
    const struct process_row *victim;
    static struct processes p;
    struct session s;

    session_enter(&s, server, "anna");
    processes_wait(server->pid, "sallyport: session", 1, &p);
    victim = processes_find(&p, "sallyport: session");
    cr_assert(victim && kill(victim->pid, SIGABRT) == 0);
    server_log_wait(server, " ban ", "peer=127.0.0.1 ",
                    "crashed a session: signal 6", NULL);
    session_drop(&s);
}

static void expect_banned(struct server *server)
{
    struct session s;

    session_init(&s);
    session_connect(&s, server->port);
    cr_expect(session_is_refused(&s));
    session_drop(&s);
}

/* After a session has crashed, its address is refused for a while; other
 * addresses aren't. The table of bans survives each gate and each master. */
Test(deaths, a_ban_outlives_gate_and_master, .timeout = 90)
{
    const struct server_plan plan = { .no_ban = "192.0.2.1", .troubles = true };
    static const char *const titles[] = { "sallyport: gate",
                                          "sallyport: master" };
    struct server server;

    server_start(&server, &plan);
    crash_a_session(&server);
    expect_banned(&server);
    server_log_wait(&server, " refused ", "peer=127.0.0.1:", "reason=ban",
                    NULL);
    from = "127.0.0.2";
    cr_assert(can_log_in(&server));
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
        processes_kill(server.pid, titles[i]);
        cr_assert(wait_until(can_log_in, &server, AGAIN_MS), "no login");
        expect_banned(&server);
    }
    server_stop(&server);
}
