/* The listeners of data connections. Each session has its own listener while it
 * transfers, accepts connections there without gate, and closes it again. */
#include "support/long.h"
#include "support/ports.h"
#include "support/processes.h"
#include "support/served.h"
#include "support/test.h"
#include "support/wait.h"

#define BYTES "whose port is it?"
/* An idle session gives its port back after 10 s. */
#define REST_MS 30000

static struct server_plan plan = { USERS({ .name = "anna" },
                                         { .name = "bob" }) };

/* Starts a server with COUNT ports for data connections. */
static void start_with_ports(struct server *server, unsigned count)
{
    static char range[32];
    unsigned first = ports_free(count);

    snprintf(range, sizeof(range), "%u-%u", first, first + count - 1);
    plan.ports = range;
    server_start(server, &plan);
}

/* COUNT sessions of bob ask for a port, and end without a connection to it. */
static void leave_ports(const struct server *server, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct session bob;

        session_enter(&bob, server, "bob");
        session_send(&bob, "EPSV");
        session_reply(&bob); /* 229; 425: an ended session has the port */
        session_close(&bob);
    }
}

/* Asks for a port. Returns false if there is none, since a session that had the
 * port can still be ending. */
static bool has_port(void *session)
{
    struct session *s = session;
    const char *port;

    session_send(s, "EPSV");
    if (session_reply(s) != 229)
        return false;
    port = strstr(s->reply.data, "(|||");
    return port && sscanf(port, "(|||%u|)", &s->port) == 1;
}

static void store_at(struct session *s, struct data *d)
{
    session_do(s, "150 {*}", "STOR file");
    data_secure(s, d);
    data_finish(s, d, BYTES, strlen(BYTES), "226 {*}");
}

static void store(struct session *s)
{
    struct data d;

    data_connect_to(s, &d, s->port);
    store_at(s, &d);
}

/* Several EPSV of a session get the same port, since the session doesn't ask
 * gate again. */
SessionTest(passive, a_session_keeps_its_port, 120, &plan)
{
    unsigned port;

    cr_assert(has_port(s));
    port = s->port;
    for (int i = 0; i < 5; i++) {
        store(s);
        cr_assert(has_port(s));
        cr_expect_eq(s->port, port);
    }
}

/* Somebody else with the client's address connects first, and sends nothing or
 * no TLS. */
SessionTest(passive, a_neighbour_comes_first, 60, &plan)
{
    for (int says = 0; says < 2; says++) {
        struct data other;

        cr_assert(has_port(s));
        data_connect_to(s, &other, s->port);
        if (says)
            cr_assert_eq(write(other.fd, "hello", 5), 5);
        store(s);
        data_cut(&other, false);
    }
    session_expect_fetch(s, "RETR file", BYTES, strlen(BYTES));
}

/* While gate is stopped, a session that has its listener can transfer. */
SessionTest(passive, transfers_without_gate, 60, &plan)
{
    pid_t gate;

    session_store(s, "STOR", "file", BYTES, strlen(BYTES));
    gate = processes_pid(server->pid, "sallyport: gate");
    cr_assert_eq(kill(gate, SIGSTOP), 0);
    session_store(s, "STOR", "file", BYTES, strlen(BYTES));
    session_expect_fetch(s, "RETR file", BYTES, strlen(BYTES));
    cr_assert_eq(kill(gate, SIGCONT), 0);
}

/* Two sessions hold all ports, and a third session gets a 425. When one of the
 * two ends, the third session gets its port. */
Test(passive, all_ports_in_use, .timeout = 60)
{
    struct session one, two, three;
    struct server server;
    char busy[64];

    start_with_ports(&server, 2);
    snprintf(busy, sizeof(busy), "425 No data port free (range %s busy){*}",
             plan.ports);
    session_enter(&one, &server, "anna");
    session_enter(&two, &server, "anna");
    session_enter(&three, &server, "bob");
    session_do(&one, "229 {*}", "EPSV");
    session_do(&two, "229 {*}", "EPSV");
    session_do(&three, busy, "EPSV");
    session_do(&three, busy, "PASV");
    session_do(&three, "425 Send EPSV or PASV first.", "STOR f");
    session_close(&one);
    cr_assert(wait_until(has_port, &three, WAIT_MS));
    store(&three);
    session_store(&two, "STOR", "f", BYTES, strlen(BYTES));
    session_close(&two);
    session_end(&three, &server);
}

/* The only port belongs to a session that has transferred and is idle now. */
Test(passive, an_idle_session_frees_its_port, .timeout = 90)
{
    struct session idle, next;
    struct server server;

    start_with_ports(&server, 1);
    session_enter(&idle, &server, "anna");
    session_store(&idle, "STOR", "f", BYTES, strlen(BYTES));
    session_enter(&next, &server, "bob");
    cr_expect(!has_port(&next));
    cr_assert(wait_until(has_port, &next, REST_MS));
    store(&next);
    cr_expect(!has_port(&idle)); /* it must ask for another one */
    session_close(&next);
    cr_assert(wait_until(has_port, &idle, WAIT_MS));
    store(&idle);
    session_end(&idle, &server);
}

/* Each of anna's transfers succeeds, although another user's sessions take all
 * ports again and again, and end. */
Test(passive, ports_that_others_left, .timeout = 120)
{
    unsigned rounds = is_long() ? 100 : 8;
    struct server server;
    struct session anna;

    start_with_ports(&server, 4);
    leave_ports(&server, 4);
    session_enter(&anna, &server, "anna");
    for (unsigned i = 0; i < rounds; i++) {
        leave_ports(&server, 1);
        cr_assert(wait_until(has_port, &anna, WAIT_MS));
        store(&anna);
    }
    session_end(&anna, &server);
}
