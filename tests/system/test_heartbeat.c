/* Processes that hang: the heartbeat finds them, and another generation serves.
 * A crash is in test_deaths.c. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "generation.h"
#include "sallyport/base/clock.h"
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

    session_init(&s);
    session_open(&s, server, "anna");
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
