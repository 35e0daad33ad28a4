/* Reloads: a new generation beside the old one, and no client notices. Clients
 * are neither refused nor cut, and transfers are whole. Beside the clients of
 * test_soak.c nothing is left. */
#include "ctl.h"
#include "fault.h"
#include "generation.h"
#include "pending.h"
#include "support/processes.h"
#include "support/served.h"
#include "support/server_log.h"
#include "support/test.h"

static const struct server_plan plan = {
    .settings = "max_sessions = 200\nmax_per_address = 200\n"
                "max_per_user = 200\nstartups = 200\n",
};

/* Gate accepts nobody: the clients wait in the listener's backlog while the
 * next generation starts, and then each gets its greeting. */
ServerTest(generations, clients_in_the_backlog, 120, &plan)
{
    enum { WAITING = 20 };
    struct session s[WAITING];
    pid_t gate;

    gate = generation_child(server, "sallyport: gate");
    cr_assert_eq(kill(gate, SIGSTOP), 0);
    for (int i = 0; i < WAITING; i++) {
        session_reach(&s[i], server);
    }
    cr_assert_eq(kill(server->pid, SIGHUP), 0);
    cr_assert_eq(kill(gate, SIGCONT), 0);
    for (int i = 0; i < WAITING; i++) {
        session_start_tls(&s[i]);
        cr_assert_eq(session_try_login(&s[i], "anna", SERVER_PASSWORD), 230);
        session_close(&s[i]);
    }
}

/* Asks for a port before a takeover, which is used after it. */
static void ask_port(struct session *s, const struct server *server)
{
    session_enter(s, server, "anna");
    session_do(s, "227 Entering Passive Mode (127,0,0,1,{p1},{p2}).", "PASV");
}

static void use_port(struct session *s)
{
    struct data d;

    data_connect_to(s, &d, s->port);
    session_do(s, "150 {*}", "STOR told");
    data_secure(s, &d);
    data_finish(s, &d, "bytes", 5, "226 {*}");
    session_close(s);
}

/* Each gate lends listeners to the sessions of its generation, from the same
 * range of ports. */
ServerTest(generations, ports, 180, &plan)
{
    enum { EACH = 7, GENERATIONS = 3 };
    static struct pending t[EACH * GENERATIONS];
    struct session told;
    unsigned char *bytes;

    bytes = pending_prepare(server);
    for (int g = 0; g < GENERATIONS; g++) {
        for (int i = 0; i < EACH; i++)
            pending_begin(&t[g * EACH + i], g * EACH + i, server, bytes);
        ask_port(&told, server);
        ctl(server, 0, "reload", "");
        use_port(&told);
    }
    for (int i = 0; i < EACH * GENERATIONS; i++)
        pending_finish(&t[i]);
    generation_wait_at_most(server, 1);
    free(bytes);
}

/* The newest of eight generations dies, with its session: the seven others
 * finish their transfers, and a recovery serves. */
Test(generations, a_crash_beside_seven, .timeout = 120)
{
    enum { EIGHT = 8 };
    struct server_plan troubled = plan;
    struct session s[EIGHT], late;
    struct data d[EIGHT];
    struct server server;

    troubled.troubles = true;
    server_start(&server, &troubled);
    for (int i = 0; i < EIGHT; i++) {
        if (i > 0)
            ctl(&server, 0, "reload", "");
        session_enter(&s[i], &server, "anna");
        data_open(&s[i], &d[i], "STOR f-%d", i);
        data_write(&d[i], "bytes", 5);
    }
    cr_assert_eq(kill(generation_newest(&server), SIGKILL), 0);
    fault_expect_no_226(&s[EIGHT - 1]);
    data_cut(&d[EIGHT - 1], false);
    session_drop(&s[EIGHT - 1]);
    server_log_wait(&server, "replaces processes that failed", NULL);
    session_enter(&late, &server, "anna");
    session_close(&late);
    for (int i = 0; i < EIGHT - 1; i++) {
        data_close(&d[i]);
        session_expect(&s[i], "226 {*}");
        session_drop(&s[i]);
    }
    server_stop(&server);
}
