/* `address` with a host name: from /etc/hosts, and from a name server in the
 * test's own network, which is late, fails and lies. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl.h"
#include "generation.h"
#include "sallyport/base/clock.h"
#include "support/files.h"
#include "support/processes.h"
#include "support/run.h"
#include "support/server_log.h"
#include "support/session.h"
#include "support/wait.h"

/* Clients don't connect to it, so PASV must announce another address. */
#define LISTEN "127.0.0.3:0"
#define ON_ITS_OWN                                                             \
    "227 {*}(127,0,0,3,{p1},{p2}){*}" /* no address of the name is known */

static void open_session(struct session *s, const struct server *server)
{
    session_init(s);
    snprintf(s->host, sizeof(s->host), "127.0.0.3");
    session_open(s, server, "anna");
}

Test(hosts, of_the_hosts_file, .timeout = 60)
{
    const struct server_plan plan = {
        .listen = LISTEN,
        .settings = "address = localhost\n",
    };
    struct server server;
    struct session s;

    server_start(&server, &plan);
    server_log_wait(&server,
                    "localhost is 127.0.0.1, which is private; if "
                    "clients come from the internet, look into /etc/hosts",
                    NULL);
    open_session(&s, &server);
    session_do(&s, "227 {*}(127,0,0,1,{p1},{p2}){*}", "PASV");
    session_store(&s, "STOR", "by-epsv", "bytes", 5);
    session_end(&s, &server);
}

/* It isn't an error, and no process of the server is left. */
Test(hosts, check, .timeout = 60)
{
    const struct server_plan plan = {
        .settings = "address = localhost\n",
    };
    struct server server;

    server_prepare(&server, &plan);
    ctl_check(&server, 0, "hint: localhost is 127.0.0.1");
    ctl_check(&server, 0, "configuration is fine");
    server_forget(&server);
}

/* ---- a network of its own with a name server; for root ---- */

struct net {
    char folder[64];
    pid_t dns;
};

static const char *path_in(const struct net *n, const char *name)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%s", n->folder, name);
    return path;
}

static void say(const struct net *n, const char *answer)
{
    char made[128];

    snprintf(made, sizeof(made), "%s", path_in(n, "answer.new"));
    files_write(made, answer, strlen(answer), 0644);
    cr_assert_eq(rename(made, path_in(n, "answer")), 0);
}

static void cover(const struct net *n, const char *path, const char *text)
{
    char mine[128];

    snprintf(mine, sizeof(mine), "%s", path_in(n, strrchr(path, '/') + 1));
    files_write(mine, text, strlen(text), 0644);
    cr_assert_eq(mount(mine, path, NULL, MS_BIND, NULL), 0, "%s: %m", path);
}

static void loopback_up(void)
{
    struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    cr_assert_eq(ioctl(fd, SIOCSIFFLAGS, &lo), 0, "lo: %m");
    close(fd);
}

static void start_dns(struct net *n)
{
    struct pollfd one = { .events = POLLIN };
    char answer[128], script[SERVER_PATH_MAX];
    int ends[2];

    snprintf(answer, sizeof(answer), "%s", path_in(n, "answer"));
    snprintf(script, sizeof(script), "%s",
             server_source("tests/system/dns.py"));
    cr_assert_eq(pipe(ends), 0);
    n->dns = fork();
    if (n->dns == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], 1);
        execlp("python3", "python3", script, "127.0.0.53", answer, NULL);
        _exit(127);
    }
    close(ends[1]);
    one.fd = ends[0];
    cr_assert_eq(poll(&one, 1, WAIT_MS), 1);
    cr_assert(one.revents & POLLIN, "the name server didn't start");
    close(ends[0]);
}

/* Only this process and its children see the mounts. */
static void net_open(struct net *n, const char *answer)
{
    cr_assert_eq(unshare(CLONE_NEWNS | CLONE_NEWNET), 0, "unshare: %m");
    cr_assert_eq(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    loopback_up();
    snprintf(n->folder, sizeof(n->folder), "/tmp/sallyport-net-XXXXXX");
    cr_assert(mkdtemp(n->folder));
    cr_assert_eq(chmod(n->folder, 0755), 0);
    cover(n, "/etc/hosts", "127.0.0.1 localhost\n192.0.2.44 written.example\n");
    cover(n, "/etc/resolv.conf",
          "nameserver 127.0.0.53\noptions timeout:1 attempts:1\n");
    cover(n, "/etc/nsswitch.conf", "hosts: files dns\n");
    say(n, answer);
    start_dns(n);
}

static void net_close(struct net *n)
{
    char command[128];

    kill(n->dns, SIGKILL);
    snprintf(command, sizeof(command), "rm -rf '%s'", n->folder);
    cr_expect_eq(system(command), 0);
}

static void need_root(void)
{
    if (geteuid() != 0)
        cr_skip_test("root's part");
}

#define TOLD(address) "227 {*}(" address ",{p1},{p2}){*}"

static const struct server_plan plan_of_a_name = {
    .listen = LISTEN,
    .settings = "address = name.example\n",
};

static void expect_told(const struct server *server, const char *reply)
{
    struct session s;

    open_session(&s, server);
    session_do(&s, reply, "PASV");
    session_close(&s);
}

Test(hosts, of_a_name_server, .init = need_root, .timeout = 120)
{
    static const struct {
        const char *answer, *told;
    } rows[] = {
        { "A 192.0.2.2", TOLD("192,0,2,2") },
        { "A 192.0.2.3 192.0.2.2 192.0.2.4", TOLD("192,0,2,2") },
        { "A 0.0.0.0 224.0.0.1 192.0.2.5", TOLD("192,0,2,5") },
        { "long", TOLD("192,0,2,99") },
    };
    struct net n;

    net_open(&n, "");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct server server;

        say(&n, rows[i].answer);
        server_start(&server, &plan_of_a_name);
        expect_told(&server, rows[i].told);
        server_stop(&server);
    }
    net_close(&n);
}

/* A reload while the name server is away: PASV announces the same address as
 * before, and the log says so. */
Test(hosts, a_reload_keeps_an_address, .init = need_root, .timeout = 60)
{
    struct server_plan plan = plan_of_a_name;
    struct server server;
    struct net n;

    net_open(&n, "A 192.0.2.1");
    server_start(&server, &plan);
    expect_told(&server, TOLD("192,0,2,1"));
    say(&n, "A 192.0.2.2");
    for (unsigned i = 2; i <= 4; i++) {
        cr_assert_eq(kill(server.pid, SIGHUP), 0);
        server_log_expect(&server, i, "ready: listening", NULL);
        expect_told(&server, TOLD("192,0,2,2"));
        say(&n, "fail");
    }
    server_log_wait(&server,
                    "name.example: no answer of a name server; until a reload "
                    "finds its address, PASV tells clients 192.0.2.2",
                    NULL);
    say(&n, "A 192.0.2.3");
    generation_reload(&server, GENERATION_CTL);
    expect_told(&server, TOLD("192,0,2,3"));
    server_log_wait(&server, "name.example is 192.0.2.3", NULL);
    server_stop(&server);
    net_close(&n);
}

/* Which an answer of the name server never delays. A reload looks it up. */
Test(hosts, a_recovery_has_its_address, .init = need_root, .timeout = 60)
{
    struct server_plan plan = plan_of_a_name;
    struct server server;
    struct net n;

    plan.troubles = true;
    net_open(&n, "A 192.0.2.1");
    server_start(&server, &plan);
    expect_told(&server, TOLD("192,0,2,1"));
    say(&n, "silent");
    processes_kill(server.pid, "sallyport: master");
    server_log_expect(&server, 2, "ready: listening", NULL);
    expect_told(&server, TOLD("192,0,2,1"));
    say(&n, "A 192.0.2.2");
    generation_reload(&server, GENERATION_CTL);
    expect_told(&server, TOLD("192,0,2,2"));
    server_stop(&server);
    net_close(&n);
}

/* After a boot in which the name server is late, or answers that it doesn't
 * know: the server runs. A reload finds the address. */
Test(hosts, addresses_come_late, .init = need_root, .timeout = 120)
{
    static const struct {
        const char *answer, *why;
    } rows[] = {
        { "silent", "name.example: no answer of a name server" },
        { "fail", "name.example: no answer of a name server" },
        { "garbage", "name.example: no answer of a name server" },
        { "nothing", "name.example: no such host" },
        { "empty", "name.example: no IPv4 address that clients can" },
        { "A 0.0.0.0", "name.example: no IPv4 address that clients can" },
    };
    struct net n;

    net_open(&n, "");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct server server;

        say(&n, rows[i].answer);
        server_start(&server, &plan_of_a_name);
        server_log_wait(&server, rows[i].why,
                        "until a reload finds its address", NULL);
        expect_told(&server, ON_ITS_OWN);
        say(&n, "A 192.0.2.1");
        generation_reload(&server, GENERATION_CTL);
        expect_told(&server, TOLD("192,0,2,1"));
        server_stop(&server);
    }
    net_close(&n);
}

/* The resolver would wait for longer. */
Test(hosts, a_start_waits_for_some_seconds, .init = need_root, .timeout = 60)
{
    static const char slow[] =
        "nameserver 127.0.0.53\noptions timeout:20 attempts:2\n";
    const uint64_t begin = clock_ms();
    struct server server;
    struct net n;

    net_open(&n, "silent");
    files_write("/etc/resolv.conf", slow, strlen(slow), 0644);
    server_start(&server, &plan_of_a_name);
    server_log_wait(&server, "name.example: no answer in time", NULL);
    cr_expect_lt(clock_ms() - begin, 19000);
    expect_told(&server, ON_ITS_OWN);
    server_stop(&server);
    net_close(&n);
}

Test(hosts, of_the_hosts_file_first, .init = need_root, .timeout = 60)
{
    const struct server_plan plan = {
        .listen = LISTEN,
        .settings = "address = written.example\n",
    };
    struct server server;
    struct session s;
    struct net n;

    net_open(&n, "A 192.0.2.1");
    server_start(&server, &plan);
    open_session(&s, &server);
    session_do(&s, TOLD("192,0,2,44"), "PASV");
    session_end(&s, &server);
    net_close(&n);
}

/* ---- etc/examples/sallyport-address ---- */

static void hook_speak(const struct net *n, const char *command)
{
    char text[SERVER_PATH_MAX * 2 + 64];

    snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", command);
    files_write(path_in(n, "sallyportctl"), text, strlen(text), 0755);
}

/* The program `sallyportctl` in PATH asks this server. */
static void hook_reaches(const struct net *n, const struct server *server)
{
    char command[SERVER_PATH_MAX * 2 + 32];

    snprintf(command, sizeof(command), "exec '%s' --config '%s' \"$@\"",
             server_program("sallyportctl"),
             server_path(server, "sallyport.conf"));
    hook_speak(n, command);
}

/* getent finds IPv4 addresses only if there is one other than 127.0.0.1. */
static void net_add_address(const char *text)
{
    struct ifreq alias = { .ifr_name = "lo:1" };
    struct sockaddr_in own = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    cr_assert_eq(inet_pton(AF_INET, text, &own.sin_addr), 1);
    memcpy(&alias.ifr_addr, &own, sizeof(own));
    cr_assert_eq(ioctl(fd, SIOCSIFADDR, &alias), 0, "lo:1: %m");
    close(fd);
}

/* The main process of the service, as systemd knows it. */
static void hook_service_is(const struct net *n, const char *pid)
{
    char text[64];

    snprintf(text, sizeof(text), "#!/bin/sh\necho %s\n", pid);
    files_write(path_in(n, "systemctl"), text, strlen(text), 0755);
}

static void hook_prepare(const struct net *n, const struct server *server)
{
    char path[512];

    snprintf(path, sizeof(path), "%s:%s", n->folder, getenv("PATH"));
    setenv("PATH", path, 1);
    setenv("RUNTIME_DIRECTORY", n->folder, 1);
    hook_reaches(n, server);
    hook_service_is(n, "4711");
}

/* RELOADS: of all runs so far. */
static void hook_run(const struct server *server, int status, unsigned reloads)
{
    struct run_result r;

    run(&r, NULL, server_source("etc/examples/sallyport-address"),
        "name.example", "written.example", NULL);
    cr_expect_eq(r.status, status, "%d: %s", r.status, r.text);
    run_release(&r);
    server_log_expect(server, reloads, "reload: the new configuration", NULL);
}

/* It reloads after a change or a restart, and at no other time; not while there
 * is no answer, since the server would lose its address. */
Test(hosts, the_example_reloads, .init = need_root, .timeout = 60)
{
    struct server server;
    struct net n;

    net_open(&n, "A 192.0.2.1");
    net_add_address("198.51.100.1");
    server_start(&server, &plan_of_a_name);
    hook_prepare(&n, &server);
    hook_run(&server, 0, 1);
    hook_run(&server, 0, 1);
    say(&n, "A 192.0.2.2 192.0.2.1");
    hook_run(&server, 0, 2);
    say(&n, "A 192.0.2.1 192.0.2.2");
    hook_run(&server, 0, 2);
    say(&n, "fail");
    hook_run(&server, 75, 2);
    say(&n, "A 192.0.2.1");
    hook_run(&server, 0, 3);
    say(&n, "A 192.0.2.3");
    hook_speak(&n, "exit 69"); /* as if the server didn't run */
    hook_run(&server, 69, 3);
    hook_reaches(&n, &server);
    hook_run(&server, 0, 4);
    hook_service_is(&n, "4712"); /* it was restarted, perhaps without one */
    say(&n, "fail");
    hook_run(&server, 75, 4);
    say(&n, "A 192.0.2.3");
    hook_run(&server, 0, 5);
    hook_run(&server, 0, 5);
    server_stop(&server);
    net_close(&n);
}
