/* An attacker guesses a password. Checks how often he can try, and how long the
 * user must wait meanwhile. */
#include "ctl.h"
#include "sallyport/base/buf.h"
#include "sallyport/base/clock.h"
#include "support/processes.h"
#include "support/run.h"
#include "support/served.h"
#include "support/server.h"
#include "support/server_log.h"
#include "support/test.h"

#define SECONDS     "20"
#define CONNECTIONS "16" /* of each address */
#define ADDRESSES   4

/* Guesses from one address in 20 s: 5 at once, and then 4 at a time, after
 * waits of 1, 2, 4, 8 and 10 s. */
#define MOST_OF_ONE 24

static void attack(struct running *r, const struct server *s, size_t addresses)
{
    static char address[ADDRESSES][32];
    char port[16];
    char *argv[8 + ADDRESSES + 1] = { "/usr/bin/python3",
                                      (char *)in_source(
                                          "tests/system/guess.py"),
                                      port,
                                      SECONDS,
                                      CONNECTIONS,
                                      "anna",
                                      "mallory",
                                      SERVER_PASSWORD };

    snprintf(port, sizeof(port), "%u", s->port);
    for (size_t i = 0; i < addresses; i++) {
        snprintf(address[i], sizeof(address[i]), "127.0.1.%zu", i + 1);
        argv[8 + i] = address[i];
    }
    run_start(r, NULL, argv);
}

static unsigned long guesses(struct running *r)
{
    struct run_result result;
    unsigned long n;

    run_finish(r, &result);
    cr_assert_eq(result.status, 0, "%s", result.text);
    n = strtoul(result.text, NULL, 10);
    run_release(&result);
    return n;
}

/* Returns the milliseconds from PASS to its answer. */
static uint64_t log_in(const struct server *server, const char *from,
                       const char *name, const char *password, int code)
{
    uint64_t began, took;
    struct session s;

    session_init(&s);
    snprintf(s.from, sizeof(s.from), "%s", from);
    session_connect(&s, server->port);
    session_start_tls(&s);
    session_do(&s, "331 {*}", "USER %s", name);
    began = clock_ms();
    session_send(&s, "PASS %s", password);
    cr_assert_eq(session_reply(&s), code, "%s", s.reply.data);
    took = clock_ms() - began;
    session_drop(&s);
    return took;
}

static bool is_failure(struct slice line, void *unused)
{
    (void)unused;
    return memmem(line.ptr, line.len, "wrong password", 14) != NULL;
}

/* During the attack the user logs in at once from an address that he has just
 * used, and from another address within 10 s. The rest of the allowed time is
 * for a machine under load. */
ServerTest(guesses, of_many_addresses, 180,
           PLAN(USERS({ .name = "anna" }, { .name = "mallory" }),
                .no_ban = "192.0.2.1", .settings = "ban_after = 0\n",
                .login_delay = "1s", .guess_delay = "10s"))
{
    uint64_t known = UINT64_MAX, unknown;
    struct running r;
    unsigned long n;

    log_in(server, "127.0.2.1", "anna", SERVER_PASSWORD, 230);
    attack(&r, server, ADDRESSES);
    /* now the delay is at its longest */
    cr_assert(server_log_await(server, 16, is_failure, NULL));
    unknown = log_in(server, "127.0.2.2", "anna", SERVER_PASSWORD, 230);
    for (int i = 0; i < 10; i++) {
        uint64_t took =
            log_in(server, "127.0.2.1", "anna", SERVER_PASSWORD, 230);

        known = took < known ? took : known;
    }
    n = guesses(&r);
    fprintf(stderr,
            "guess_delay = 10s: %lu guesses in " SECONDS "s of %d addresses; "
            "the user waits %llu ms from a known address, %llu from another\n",
            n, ADDRESSES, (unsigned long long)known,
            (unsigned long long)unknown);
    cr_expect_leq(n, (unsigned long)ADDRESSES * MOST_OF_ONE);
    cr_expect_lt(known, 1000u);
    cr_expect(unknown >= 9990 && unknown < 15000, "%lu ms", unknown);
}

/* The next generation keeps the counts of guesses, and auth's hashes of
 * names. */
ServerTest(guesses, neither_crash_nor_reload_forgives, 120,
           PLAN(.no_ban = "127.0.0.0/8", .guess_delay = "10s",
                .troubles = true))
{
    for (int i = 0; i < 6; i++)
        log_in(server, "127.0.2.1", "anna", "wrong", 530);
    processes_kill(server->pid, "sallyport: master");
    server_log_wait(server, "replaces processes that failed", NULL);
    cr_expect_geq(log_in(server, "127.0.2.2", "anna", "wrong", 530), 1995);
    ctl(server, 0, "reload", "");
    cr_expect_geq(log_in(server, "127.0.2.3", "anna", "wrong", 530), 3995);
}
