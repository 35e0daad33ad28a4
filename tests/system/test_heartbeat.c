/* Processes that hang: the heartbeat finds them, and another generation serves.
 * A crash is in test_deaths.c. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generation.h"
#include "sallyport/base/clock.h"
#include "support/processes.h"
#include "support/server_log.h"
#include "support/session.h"

/* With this src/supervisor/heartbeat.c sends one `ping` a second. */
#define WATCHDOG_USEC "2000000"
#define BEAT_MS       1000
#define MASTER_MS     15000
#define GATE_MS       11000
/* Time to the login. A start takes a third of a second on an idle machine. */
#define START_MS (server_is_sanitized() ? 8000 : 3000)

static const struct server_plan plan = { .troubles = true };

static void expect_service(const struct server *server)
{
    struct session s;

    session_enter(&s, server, "anna");
    session_store(&s, "STOR", "f", "bytes", 5);
    session_close(&s);
}

static void stop_and_wait(const char *what, pid_t (*victim)(struct server *s),
                          uint64_t most)
{
    struct server server;
    uint64_t begin, ms;

    setenv("WATCHDOG_USEC", WATCHDOG_USEC, 1);
    server_start(&server, &plan);
    expect_service(&server);
    begin = clock_ms();
    cr_assert_eq(kill(victim(&server), SIGSTOP), 0);
    server_log_wait(&server, "replaces processes that failed", NULL);
    expect_service(&server);
    ms = clock_ms() - begin;
    printf("heartbeat: %s stopped, a login after %llu ms\n", what,
           (unsigned long long)ms);
    cr_expect_leq(ms, BEAT_MS + most + (uint64_t)START_MS);
    server_stop(&server);
}

static pid_t its_master(struct server *s)
{
    return generation_newest(s);
}

static pid_t its_gate(struct server *s)
{
    return generation_child(s, "sallyport: gate");
}

Test(heartbeat, master, .timeout = 120)
{
    stop_and_wait("master", its_master, MASTER_MS);
}

Test(heartbeat, gate, .timeout = 120)
{
    stop_and_wait("gate", its_gate, GATE_MS);
}

/* Another keys serves, in the same generation, and no session notices it. */
Test(heartbeat, keys, .timeout = 120)
{
    struct server server;
    struct session before;

    setenv("WATCHDOG_USEC", WATCHDOG_USEC, 1);
    server_start(&server, &plan);
    session_enter(&before, &server, "anna");
    const pid_t master = generation_newest(&server);
    cr_assert_eq(kill(generation_child(&server, "sallyport: keys"), SIGSTOP),
                 0);
    server_log_wait(&server, "does not answer", "keys", NULL);
    expect_service(&server);
    cr_expect_eq(generation_newest(&server), master);
    session_store(&before, "STOR", "g", "bytes", 5);
    session_close(&before);
    server_stop(&server);
}

/* The old gate's messages. Its own master kills it if it hangs; if that one
 * hangs, the supervisor kills both. */
#define HAND_OVER_MS 6000
#define TAKE_MS      12000

static const char gates[] = "sallyport: gate";

static void expect_one_gate(const struct server *server)
{
    static struct processes list;
    size_t n = 0;

    processes_of(server->pid, &list);
    for (size_t i = 0; i < list.count; i++)
        n += strncmp(list.row[i].title, gates, strlen(gates)) == 0 &&
             !process_is_killed(list.row[i].pid);
    cr_expect_eq(n, 1, "%zu gates accept", n);
}

/* While the old gate may accept, the new one must not. */
static void stop_before_a_takeover(const char *what,
                                   pid_t (*victim)(struct server *s),
                                   uint64_t most)
{
    struct server server;
    uint64_t begin, ms;

    server_start(&server, &plan);
    expect_service(&server);
    begin = clock_ms();
    cr_assert_eq(kill(victim(&server), SIGSTOP), 0);
    cr_assert_eq(kill(server.pid, SIGHUP), 0);
    server_log_wait(&server, "reload: the new configuration", NULL);
    expect_one_gate(&server);
    for (int i = 0; i < 8; i++)
        expect_service(&server);
    ms = clock_ms() - begin;
    printf("takeover: %s stopped, logins after %llu ms\n", what,
           (unsigned long long)ms);
    cr_expect_leq(ms, most + (uint64_t)START_MS);
    server_stop(&server);
}

Test(takeover, old_master, .timeout = 120)
{
    stop_before_a_takeover("old master", its_master, START_MS + TAKE_MS);
}

Test(takeover, old_gate, .timeout = 120)
{
    stop_before_a_takeover("old gate", its_gate, START_MS + HAND_OVER_MS);
}

/* The old gate is stopped until the new one waits for it. */
static void stop_in_a_takeover(const char *what,
                               pid_t (*victim)(struct server *s))
{
    struct server server;
    uint64_t begin, ms;
    pid_t old;

    server_start(&server, &plan);
    expect_service(&server);
    old = its_gate(&server);
    cr_assert_eq(kill(old, SIGSTOP), 0);
    cr_assert_eq(kill(server.pid, SIGHUP), 0);
    server_log_expect(&server, 2, "started, version", NULL);
    cr_assert_eq(kill(victim(&server), SIGSTOP), 0);
    cr_assert_eq(kill(old, SIGCONT), 0);
    begin = clock_ms();
    server_log_wait(&server, "replaces processes that failed", NULL);
    expect_one_gate(&server);
    expect_service(&server);
    ms = clock_ms() - begin;
    printf("takeover: %s stopped, a login after %llu ms\n", what,
           (unsigned long long)ms);
    cr_expect_leq(ms, TAKE_MS + (uint64_t)START_MS);
    server_stop(&server);
}

Test(takeover, new_master, .timeout = 120)
{
    stop_in_a_takeover("new master", its_master);
}

Test(takeover, new_gate, .timeout = 120)
{
    stop_in_a_takeover("new gate", its_gate);
}
