/* Processes that hang: the heartbeat finds them, and another process or another
 * generation serves. A crash is in test_deaths.c. */
#include "fault.h"
#include "generation.h"
#include "sallyport/base/clock.h"
#include "support/processes.h"
#include "support/server_log.h"
#include "support/session.h"
#include "support/test.h"

/* With this src/server/supervisor/heartbeat.c sends one `ping` a second. */
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

static void says_ms(const char *what, uint64_t begin, uint64_t most)
{
    uint64_t ms = clock_ms() - begin;

    printf("heartbeat: %s stopped, a login after %llu ms\n", what,
           (unsigned long long)ms);
    cr_expect_leq(ms, BEAT_MS + most + (uint64_t)START_MS);
}

Test(heartbeat, master, .timeout = 120)
{
    struct server server;
    uint64_t begin;

    setenv("WATCHDOG_USEC", WATCHDOG_USEC, 1);
    server_start(&server, &plan);
    expect_service(&server);
    begin = clock_ms();
    cr_assert_eq(kill(generation_newest(&server), SIGSTOP), 0);
    server_log_wait(&server, "replaces processes that failed", NULL);
    expect_service(&server);
    says_ms("master", begin, MASTER_MS);
    server_stop(&server);
}

/* Another one serves, in the same generation, and no session notices it: an
 * upload is under way, and then the session needs another port. */
static void is_replaced(const char *name)
{
    struct server server;
    struct session before;
    char title[64];
    uint64_t begin;
    struct data d;

    setenv("WATCHDOG_USEC", WATCHDOG_USEC, 1);
    server_start(&server, &plan);
    session_enter(&before, &server, "anna");
    data_open(&before, &d, "STOR g");
    data_write(&d, "by", 2);
    const pid_t master = generation_newest(&server);
    snprintf(title, sizeof(title), "sallyport: %s", name);
    begin = clock_ms();
    cr_assert_eq(kill(generation_child(&server, title), SIGSTOP), 0);
    server_log_wait(&server, "does not answer", name, NULL);
    expect_service(&server);
    says_ms(name, begin, GATE_MS);
    cr_expect_eq(generation_newest(&server), master);
    data_finish(&before, &d, "tes", 3, "226 {*}");
    session_store(&before, "STOR", "h", "bytes", 5);
    session_close(&before);
    server_stop(&server);
}

Test(heartbeat, gate, .timeout = 120)
{
    is_replaced("gate");
}

Test(heartbeat, keys, .timeout = 120)
{
    is_replaced("keys");
}

/* A process of the old generation hangs: the new one doesn't wait for it, and
 * serves every client. When the old one goes on, it accepts nobody, and its
 * session ends as it would have. */
static void stop_before_a_takeover(const char *title)
{
    struct server server;
    struct session before;
    uint64_t begin;
    pid_t victim;

    server_start(&server, &plan);
    session_enter(&before, &server, "anna");
    victim = strcmp(title, "master") == 0 ? generation_newest(&server)
                                          : generation_child(&server, title);
    begin = clock_ms();
    cr_assert_eq(kill(victim, SIGSTOP), 0);
    cr_assert_eq(kill(server.pid, SIGHUP), 0);
    server_log_wait(&server, "reload: the new configuration", NULL);
    for (int i = 0; i < 8; i++)
        expect_service(&server);
    says_ms(title, begin, 0);
    cr_assert_eq(kill(victim, SIGCONT), 0);
    session_store(&before, "STOR", "g", "bytes", 5);
    session_close(&before);
    generation_wait_at_most(&server, 1);
    expect_service(&server);
    server_stop(&server);
}

Test(takeover, old_master, .timeout = 120)
{
    stop_before_a_takeover("master");
}

Test(takeover, old_gate, .timeout = 120)
{
    stop_before_a_takeover("sallyport: gate");
}
