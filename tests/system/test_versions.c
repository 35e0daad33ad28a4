/* A build with another version is installed over the running programs, and a
 * reload starts it. Transfers under way continue in the old processes to their
 * end. */
#include "ctl.h"
#include "generation.h"
#include "installed.h"
#include "pending.h"
#include "support/processes.h"
#include "support/run.h"
#include "support/served.h"
#include "support/server_log.h"
#include "support/test.h"

#define TRANSFERS 20
#define IDLE      50

TestSuite(versions, .init = installed_begin, .fini = installed_end);

static const struct server_plan plan = {
    .settings = "max_sessions = 200\nmax_per_address = 200\n"
                "max_per_user = 200\nstartups = 200\n",
};

/* A data connection shows the ticket of an old session: it has the same user,
 * so it is valid. */
static void expect_ticket(const struct server *server, struct session *old)
{
    struct tls_session *ticket = tls_client_session(old->tls);
    struct session s;
    struct data d;

    cr_assert(ticket, "no ticket");
    session_enter(&s, server, "anna");
    s.show = ticket;
    data_open(&s, &d, "STOR ticket");
    cr_expect(tls_client_resumed(d.tls), "it was not resumed");
    data_finish(&s, &d, "bytes", 5, "226 {*}");
    session_close(&s);
    tls_session_free(ticket);
}

/* The program that asks is of the new build, too. */
static void expect_status(const struct server *server)
{
    char words[128];

    snprintf(words, sizeof(words), "\nversion:  %s\npid:      %d\n",
             installed_version(), (int)server->pid);
    ctl(server, 0, "status", words);
}

static struct pending transfers[TRANSFERS];
static struct session idle[IDLE];

static void begin_all(const struct server *server, const unsigned char *bytes)
{
    for (int i = 0; i < IDLE; i++) {
        session_enter(&idle[i], server, "anna");
    }
    for (int i = 0; i < TRANSFERS; i++)
        pending_begin(&transfers[i], i, server, bytes);
}

/* The old sessions end, one after the other; their generation lives until
 * then. */
static void finish_all(pid_t old)
{
    for (int i = 0; i < TRANSFERS; i++)
        pending_finish(&transfers[i]);
    for (int i = 0; i < IDLE; i++) {
        session_do(&idle[i], "200 {*}", "NOOP");
        if (i % 10 == 0)
            session_store(&idle[i], "STOR", "idle", "bytes", 5);
        cr_assert_eq(kill(old, 0), 0, "the old generation has ended");
        session_close(&idle[i]);
    }
}

ServerTest(versions, an_upgrade_under_load, 300, &plan)
{
    static struct processes p;
    unsigned char *bytes;
    pid_t old;

    old = generation_newest(server);
    bytes = pending_prepare(server);
    begin_all(server, bytes);
    installed_upgrade();
    ctl(server, 0, "reload", "");
    server_log_wait(server, "started, version", installed_version(), NULL);
    expect_status(server);
    expect_ticket(server, &idle[0]);
    processes_wait(server->pid, "sallyport: session", TRANSFERS + IDLE, &p);
    finish_all(old);
    generation_wait_at_most(server, 1);
    cr_assert_neq(generation_newest(server), old);
    free(bytes);
}
