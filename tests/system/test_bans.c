/* A real server and its bans: by wrong passwords and by the administrator;
 * across reloads, crashes and restarts; their end, and the exceptions. The
 * clients connect from several addresses of 127.0.0.0/8. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl.h"
#include "generation.h"
#include "support/files.h"
#include "support/processes.h"
#include "support/server.h"
#include "support/server_log.h"
#include "support/session.h"
#include "support/wait.h"

#define GUESSER "127.0.1.1"
#define SCANNER "127.0.2.1"
#define OTHER   "127.0.3.1"
#define AFTER   4

static const struct server_plan plan = { .no_ban = "127.0.9.0/24",
                                         .settings = "ban_after = 4\n"
                                                     "ban_time = 1000s\n",
                                         .troubles = true };

static void from(struct session *s, const struct server *server,
                 const char *address)
{
    session_init(s);
    snprintf(s->from, sizeof(s->from), "%s", address);
    session_connect(s, server->port);
}

static bool is_refused(const struct server *server, const char *address)
{
    struct session s;
    bool refused;

    from(&s, server, address);
    refused = session_is_refused(&s);
    session_drop(&s);
    return refused;
}

static void enters(struct session *s, const struct server *server,
                   const char *address)
{
    session_init(s);
    snprintf(s->from, sizeof(s->from), "%s", address);
    session_open(s, server, "anna");
}

static void can_enter(const struct server *server, const char *address)
{
    struct session s;

    enters(&s, server, address);
    session_close(&s);
}

/* Returns the code of the answer, and of the end after the last one. */
static int try(const struct server *server, const char *address,
               const char *password)
{
    struct session s;
    int code;

    from(&s, server, address);
    session_start_tls(&s);
    code = session_try_login(&s, "anna", password);
    session_drop(&s);
    return code;
}

static int guess(const struct server *server, const char *address)
{
    return try(server, address, "wrong");
}

static void guess_times(const struct server *server, const char *address, int n)
{
    for (int i = 0; i < n; i++)
        cr_assert_eq(guess(server, address), 530);
}

Test(bans, wrong_passwords, .timeout = 120)
{
    struct server server;

    server_start(&server, &plan);
    guess_times(&server, GUESSER, AFTER - 1);
    ctl(&server, 0, "status", "3 wrong passwords in the last hour, from 1 ");
    cr_expect_eq(guess(&server, GUESSER), 421);
    server_log_wait(&server, " ban ", "peer=" GUESSER " ", "ms=1000000",
                    "4 wrong passwords", NULL);
    cr_expect(is_refused(&server, GUESSER));
    server_log_wait(&server, " refused ", "peer=" GUESSER ":", "reason=ban",
                    NULL);
    can_enter(&server, OTHER);
    ctl(&server, 0, "ban list", "4 wrong passwords");
    ctl(&server, 0, "status", "4 from " GUESSER "\nbans:      1\n");
    ctl(&server, 0, "ban del " GUESSER, "the ban of " GUESSER " has ended");
    guess_times(&server, GUESSER, AFTER - 1);
    server_stop(&server);
}

/* A right password without the one-time code counts as a wrong one. */
Test(bans, missing_codes, .timeout = 120)
{
    struct server server;

    server_start(&server, &plan);
    ctl(&server, 0, "user totp anna", "secret=");
    for (int i = 1; i < AFTER; i++)
        cr_expect_eq(try(&server, GUESSER, SERVER_PASSWORD), 530);
    cr_expect_eq(try(&server, GUESSER, SERVER_PASSWORD), 421);
    server_log_wait(&server, " ban ", "peer=" GUESSER " ", "4 wrong passwords",
                    NULL);
    cr_expect(is_refused(&server, GUESSER));
    server_stop(&server);
}

/* An address from which users log in isn't banned, nor is one in no_ban. */
Test(bans, exceptions, .timeout = 120)
{
    struct server server;

    server_start(&server, &plan);
    can_enter(&server, GUESSER);
    guess_times(&server, GUESSER, 2 * AFTER);
    guess_times(&server, "127.0.9.1", 2 * AFTER);
    can_enter(&server, GUESSER);
    ctl(&server, 77, "ban add 127.0.9.1 --yes", "the setting no_ban exempts");
    ctl(&server, 0, "ban add 127.0.0.0/16 --yes", "0 sessions ended");
    cr_expect(is_refused(&server, GUESSER));
    can_enter(&server, "127.0.9.1");
    ctl(&server, 0, "ban list", "127.0.0.0/16 ");
    server_set(&server, "no_ban", "127.0.0.0/16");
    generation_reload(&server, GENERATION_CTL);
    can_enter(&server, GUESSER);
    server_stop(&server);
}

/* Sessions of that network end at once, in the middle of whatever they do. */
Test(bans, by_the_administrator, .timeout = 120)
{
    struct session in, other, out;
    struct server server;

    server_start(&server, &plan);
    enters(&in, &server, SCANNER);
    enters(&other, &server, OTHER);
    from(&out, &server, "127.0.2.2");
    session_expect(&out, "220 {*}");
    ctl(&server, 64, "ban add " SCANNER, "this machine itself");
    ctl(&server, 0, "ban add 127.0.2.0/24 --for 1d --reason scanner --yes",
        "banned 127.0.2.0/24; 2 sessions ended");
    session_expect(&in, "421 The administrator closed this connection.");
    session_expect(&out, "421 The administrator closed this connection.");
    session_do(&other, "200 {*}", "NOOP");
    cr_expect(is_refused(&server, SCANNER));
    ctl(&server, 0, "ban list --json", "\"network\": \"127.0.2.0/24\"");
    ctl(&server, 67, "ban del " SCANNER, "no ban of exactly this address");
    ctl(&server, 0, "ban del 127.0.2.0/24", "has ended");
    can_enter(&server, SCANNER);
    ctl(&server, 0, "ban list", "nobody is banned");
    session_drop(&in);
    session_drop(&out);
    session_close(&other);
    server_stop(&server);
}

static void stop(struct server *server)
{
    int status;

    cr_assert_eq(kill(server->pid, SIGTERM), 0);
    cr_assert_eq(waitpid(server->pid, &status, 0), server->pid);
    cr_assert_eq(status, 0);
}

static bool can_log_in(void *server)
{
    struct session s;
    bool in;

    from(&s, server, OTHER);
    in = session_reply(&s) == 220;
    session_drop(&s);
    return in;
}

static void expect_both(const struct server *server)
{
    cr_expect(is_refused(server, GUESSER));
    cr_expect(is_refused(server, SCANNER));
    can_enter(server, OTHER);
}

/* A reload, a crash of gate and one of master, a stop and a start, and a
 * kill of all processes at once. */
Test(bans, survive, .timeout = 180)
{
    static const char *const titles[] = { "sallyport: gate",
                                          "sallyport: master" };
    struct server server;

    server_start(&server, &plan);
    guess_times(&server, GUESSER, AFTER - 1);
    cr_expect_eq(guess(&server, GUESSER), 421);
    ctl(&server, 0, "ban add " SCANNER " --yes", "banned " SCANNER);
    generation_reload(&server, GENERATION_CTL);
    expect_both(&server);
    for (size_t i = 0; i < 2; i++) {
        processes_kill(server.pid, titles[i]);
        cr_assert(wait_until(can_log_in, &server, WAIT_MS));
        expect_both(&server);
    }
    stop(&server);
    server_again(&server);
    expect_both(&server);
    server_kill(&server);
    server_again(&server);
    expect_both(&server);
    ctl(&server, 0, "ban list", "4 wrong passwords");
    ctl(&server, 0, "ban list", "for ever");
    ctl(&server, 0, "ban del " GUESSER, "has ended");
    ctl(&server, 0, "ban del " SCANNER, "has ended");
    stop(&server);
    server_again(&server);
    can_enter(&server, GUESSER);
    can_enter(&server, SCANNER);
    server_stop(&server);
}

/* A damaged file, or none that can be written, keeps no server from starting
 * and no ban from having its effect. */
Test(bans, without_the_file, .timeout = 120)
{
    char away[SERVER_PATH_MAX];
    struct server server;

    server_start(&server, &plan);
    ctl(&server, 0, "ban add " SCANNER " --yes", "banned");
    stop(&server);
    files_write(server_path(&server, "state/bans"), "nonsense", 8, 0600);
    server_again(&server);
    server_log_wait(&server, "state/bans: damaged", NULL);
    can_enter(&server, SCANNER);
    stop(&server);
    snprintf(away, sizeof(away), "%s", server_path(&server, "state.away"));
    cr_assert_eq(rename(server_path(&server, "state"), away), 0);
    files_write(server_path(&server, "state"), "", 0, 0600);
    server_again(&server);
    ctl(&server, 0, "ban add " SCANNER " --yes", "banned");
    server_log_wait(&server, "bans can't be written there", NULL);
    cr_expect(is_refused(&server, SCANNER));
    generation_reload(&server, GENERATION_CTL);
    cr_expect(is_refused(&server, SCANNER));
    stop(&server);
    server_again(&server);
    can_enter(&server, SCANNER);
    server_stop(&server);
}
