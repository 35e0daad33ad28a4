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

#include "generation.h"
#include "support/files.h"
#include "support/processes.h"
#include "support/run.h"
#include "support/server_log.h"
#include "support/session.h"
#include "support/wait.h"

/* Clients don't connect to it, so PASV must announce another address. */
#define LISTEN   "127.0.0.3:0"
#define SETTINGS "uid.lookup = 69993\n"
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
        .settings = SETTINGS "address = localhost\n",
    };
    struct server server;
    struct session s;

    server_start(&server, &plan);
    server_log_wait(&server,
                    "hint: localhost is 127.0.0.1, which is private; if "
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
        .settings = SETTINGS "address = localhost\n",
    };
    struct server server;
    struct run_result r;

    server_prepare(&server, &plan);
    run(&r, NULL, server_program("sallyportd"), "--check", "--config",
        server_path(&server, "sallyport.conf"), NULL);
    cr_expect_eq(r.status, 0, "%s", r.text);
    cr_expect(strstr(r.text, "hint: localhost is 127.0.0.1"), "%s", r.text);
    cr_expect(strstr(r.text, "configuration is fine"), "%s", r.text);
    run_release(&r);
    server_forget(&server);
}

/* Gate starts late, while the ports that are no longer configured are open in
 * master. */
Test(hosts, after_far_fewer_ports, .timeout = 60)
{
    const struct server_plan plan = {
        .listen = LISTEN,
        .ports = "auto 1000",
        .settings = SETTINGS "address = localhost\nmax_sessions = 10\n",
    };
    struct server server;
    struct session s;

    server_start(&server, &plan);
    server_set(&server, "ports", "auto 4");
    generation_reload(&server, GENERATION_CTL);
    open_session(&s, &server);
    session_do(&s, "227 {*}(127,0,0,1,{p1},{p2}){*}", "PASV");
    session_end(&s, &server);
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
    .ports = "auto 64", /* a port that isn't used stays blocked for a while */
    .settings = SETTINGS "address = name.example\n",
};

static void expect_told(const struct server *server, const char *reply)
{
    struct session s;

    open_session(&s, server);
    session_do(&s, reply, "PASV");
    session_close(&s);
}

static void expect_no_lookup(const struct server *server)
{
    static struct processes p;

    processes_wait(server->pid, "sallyport: lookup", 0, &p);
}

/* When each name has its address, no process is left that could ask. */
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
        expect_no_lookup(&server);
        server_stop(&server);
    }
    net_close(&n);
}

/* A reload while the name server is away: PASV announces the same address as
 * before. */
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
    say(&n, "A 192.0.2.3");
    server_log_wait(&server, " is 192.0.2.3", NULL);
    expect_told(&server, TOLD("192,0,2,3"));
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
    expect_no_lookup(&server);
    expect_told(&server, TOLD("192,0,2,1"));
    say(&n, "A 192.0.2.2");
    generation_reload(&server, GENERATION_CTL);
    expect_told(&server, TOLD("192,0,2,2"));
    expect_no_lookup(&server);
    server_stop(&server);
    net_close(&n);
}

/* The log may have the address before gate does. */
static bool is_told(void *session)
{
    struct session *s = session;

    session_send(s, "PASV");
    session_reply(s);
    return strstr(s->reply.data, "192,0,2,1,");
}

/* The right address comes, and the process that looked it up ends. */
static void expect_late_answer(const struct net *n, const struct server *server)
{
    struct session s;

    open_session(&s, server);
    session_do(&s, ON_ITS_OWN, "PASV");
    say(n, "A 192.0.2.1");
    server_log_wait(server, "process=lookup", "name.example is 192.0.2.1",
                    NULL);
    cr_expect(wait_until(is_told, &s, WAIT_MS), "%s", s.reply.data);
    session_close(&s);
    expect_no_lookup(server);
}

/* After a boot in which the name server is late, or answers that it doesn't
 * know: the server runs, and announces the right address as soon as it can. */
Test(hosts, addresses_come_late, .init = need_root, .timeout = 120)
{
    static const struct {
        const char *answer, *hint;
    } rows[] = {
        { "silent", "hint: name.example: no answer of a name server" },
        { "fail", "hint: name.example: no answer of a name server" },
        { "garbage", "hint: name.example: no answer of a name server" },
        { "nothing", "hint: name.example: no such host" },
        { "empty", "hint: name.example: no IPv4 address that clients can" },
        { "A 0.0.0.0", "hint: name.example: no IPv4 address that clients can" },
    };
    struct net n;

    net_open(&n, "");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct server server;

        say(&n, rows[i].answer);
        server_start(&server, &plan_of_a_name);
        server_log_wait(&server, rows[i].hint, "until it has an address", NULL);
        expect_late_answer(&n, &server);
        server_stop(&server);
    }
    net_close(&n);
}

static bool is_there(void *path)
{
    return access(path, F_OK) == 0;
}

/* A start whose control socket is new answers from its beginning. A reload that
 * is asked of it then doesn't end it. */
Test(hosts, a_reload_while_a_start_waits, .init = need_root, .timeout = 60)
{
    struct server server;
    static const char slow[] =
        "nameserver 127.0.0.53\noptions timeout:9 attempts:1\n";
    struct net n;
    char path[SERVER_PATH_MAX];

    net_open(&n, "A 192.0.2.1");
    server_start(&server, &plan_of_a_name);
    say(&n, "silent");
    files_write("/etc/resolv.conf", slow, strlen(slow), 0644);
    snprintf(path, sizeof(path), "%s", server_path(&server, "control2"));
    server_set(&server, "control", path);
    cr_assert_eq(kill(server.pid, SIGHUP), 0);
    cr_assert(wait_until(is_there, path, WAIT_MS));
    generation_ask(&server, EX_TEMPFAIL, "the server is starting");
    server_log_expect(&server, 2, "ready: listening", NULL);
    generation_ask(&server, 0, "reloaded");
    server_stop(&server);
    net_close(&n);
}

/* Finds a process whose parent is called lookup, too. */
static const struct process_row *find_try(const struct processes *p)
{
    const struct process_row *lookup = processes_find(p, "sallyport: lookup");

    for (size_t i = 0; i < p->count && lookup; i++)
        if (p->row[i].parent == lookup->pid)
            return &p->row[i];
    return NULL;
}

static bool kill_a_try(void *argument)
{
    const struct server *server = argument;
    const struct process_row *try;
    static struct processes p;

    processes_of(server->pid, &p);
    try = find_try(&p);
    return try && kill(try->pid, SIGTRAP) == 0;
}

/* The process that parses the network's bytes may crash: it is started
 * again. */
Test(hosts, a_try_that_crashes_is_not_the_last, .init = need_root,
     .timeout = 60)
{
    struct server_plan plan = plan_of_a_name;
    struct server server;
    struct net n;

    plan.troubles = true;
    net_open(&n, "silent");
    server_start(&server, &plan);
    cr_assert(wait_until(kill_a_try, &server, WAIT_MS));
    server_log_wait(&server, "child", "a lookup ended by signal 5", NULL);
    expect_late_answer(&n, &server);
    server_stop(&server);
    net_close(&n);
}

/* Lookup isn't started again, since master can't do so, but the log reports
 * it. */
Test(hosts, without_lookup_all_goes_on, .init = need_root, .timeout = 60)
{
    struct server_plan plan = plan_of_a_name;
    struct server server;
    struct net n;

    plan.troubles = true;
    net_open(&n, "nothing");
    server_start(&server, &plan);
    processes_kill(server.pid, "sallyport: lookup");
    server_log_wait(&server, "process=lookup",
                    "ended before each host name had an address", NULL);
    expect_told(&server, ON_ITS_OWN);
    server_stop(&server);
    net_close(&n);
}

static void expect_rights(const struct process_row *row)
{
    char text[128];

    cr_expect_str_eq(process_status(row->pid, "Uid", text, sizeof(text)),
                     "69993\t69993\t69993\t69993");
    cr_expect_str_eq(process_status(row->pid, "CapEff", text, sizeof(text)),
                     "0000000000000000");
    cr_expect_str_eq(process_status(row->pid, "NoNewPrivs", text, sizeof(text)),
                     "1");
    if (!server_is_sanitized())
        cr_expect_str_eq(
            process_status(row->pid, "Seccomp", text, sizeof(text)), "2");
}

Test(hosts, lookup_has_no_rights, .init = need_root, .timeout = 60)
{
    static struct processes p;
    struct server server;
    struct net n;

    net_open(&n, "nothing");
    server_start(&server, &plan_of_a_name);
    processes_of(server.pid, &p);
    cr_assert(processes_find(&p, "sallyport: lookup"));
    expect_rights(processes_find(&p, "sallyport: lookup"));
    server_stop(&server);
    net_close(&n);
}

Test(hosts, of_the_hosts_file_first, .init = need_root, .timeout = 60)
{
    const struct server_plan plan = {
        .listen = LISTEN,
        .settings = SETTINGS "address = written.example\n",
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

static void hook_prepare(const struct net *n, const struct server *server)
{
    char path[512];

    snprintf(path, sizeof(path), "%s:%s", n->folder, getenv("PATH"));
    setenv("PATH", path, 1);
    setenv("RUNTIME_DIRECTORY", n->folder, 1);
    hook_reaches(n, server);
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

/* It reloads after a change and at no other time; not while there is no answer,
 * since the server would lose its address. */
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
    server_stop(&server);
    net_close(&n);
}
