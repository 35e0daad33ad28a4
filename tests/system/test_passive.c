/* Passive ports that one user's sessions leave unused, and another user at the
 * same address. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "support/files.h"
#include "support/server_log.h"
#include "support/session.h"
#include "support/wait.h"

#define BYTES "whose port is it?"

static const struct server_user users[] = { { .name = "anna" },
                                            { .name = "bob" } };
static const struct server_plan plan = { .users = users,
                                         .user_count = 2,
                                         .ports = "auto 4" };

/* COUNT sessions of bob ask for a port, and end without a connection to it. */
static void leave_ports(const struct server *server, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct session bob;

        session_enter(&bob, server, "bob");
        session_send(&bob, "EPSV");
        session_reply(&bob); /* 229, or 425 if bob has all ports */
        session_close(&bob);
    }
}

/* Gate may not have reaped a session that left a port yet. */
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

static void store(struct session *s)
{
    struct data d;

    cr_assert(wait_until(has_port, s, WAIT_MS));
    data_connect_to(s, &d, s->port);
    session_do(s, "150 {*}", "STOR file");
    data_secure(s, &d);
    data_write(&d, BYTES, strlen(BYTES));
    data_close(&d);
    session_expect(s, "226 {*}");
}

/* None of anna's transfers is refused, although no port was ever free. */
Test(passive, ports_that_others_left, .timeout = 120)
{
    unsigned rounds = server_is_long() ? 100 : 8;
    struct server server;
    struct session anna;

    server_start(&server, &plan);
    leave_ports(&server, 4);
    session_enter(&anna, &server, "anna");
    for (unsigned i = 0; i < rounds; i++) {
        leave_ports(&server, 1);
        store(&anna);
    }
    session_end(&anna, &server);
}

/* Bob's late connection shows his ticket, a ticket that this session can't
 * read, or none. */
static const struct {
    const char *name;
    int version;
    bool anew;
} late_clients[] = {
    { "his ticket of TLS 1.3", SESSION_TLS_13, false },
    { "his ticket of TLS 1.2", SESSION_TLS_12, false },
    { "a full handshake", SESSION_TLS_13, true },
};

/* The late connection comes to anna's port before her own: it is refused, and
 * her transfer continues. */
static void come_late(const struct server *server, size_t i)
{
    struct session anna, bob;
    struct data late, own;

    leave_ports(server, 4);
    session_init(&bob);
    bob.version = late_clients[i].version;
    session_open(&bob, server, "bob");
    bob.anew = late_clients[i].anew;
    session_enter(&anna, server, "anna");
    cr_assert(wait_until(has_port, &anna, WAIT_MS));
    data_connect_to(&bob, &late, anna.port);
    data_connect_to(&anna, &own, anna.port);
    session_do(&anna, "150 {*}", "STOR %zu", i);
    data_secure(&bob, &late);
    data_secure(&anna, &own);
    data_write(&own, BYTES, strlen(BYTES));
    data_close(&own);
    session_expect(&anna, "226 {*}");
    server_log_wait(server, " data-refused ", "of another user", NULL);
    data_cut(&late, false);
    session_close(&bob);
    session_close(&anna);
}

Test(passive, a_late_connection_of_another_user, .timeout = 60)
{
    for (size_t i = 0; i < sizeof(late_clients) / sizeof(*late_clients); i++) {
        struct server server;
        char name[8];

        server_start(&server, &plan);
        come_late(&server, i);
        snprintf(name, sizeof(name), "%zu", i);
        cr_expect(files_exists(server_home_file(&server, "anna", name)), "%s",
                  late_clients[i].name);
        server_stop(&server);
    }
}

/* A client that resumes nothing, on a port where another user's connection may
 * come too, still learns in the end why there is no transfer. */
Test(passive, nothing_resumed_in_doubt, .timeout = 60)
{
    struct server_plan quick = plan;
    struct server server;
    struct session anna;
    struct data own;

    quick.settings = "connect_timeout = 1s\n";
    server_start(&server, &quick);
    leave_ports(&server, 4);
    session_enter(&anna, &server, "anna");
    anna.anew = true;
    cr_assert(wait_until(has_port, &anna, WAIT_MS));
    data_connect_to(&anna, &own, anna.port);
    session_do(&anna, "150 {*}", "STOR file");
    data_secure(&anna, &own);
    session_expect(&anna, "425 {*}resumed{*}");
    data_cut(&own, false);
    session_end(&anna, &server);
}

/* If connections prove nothing by TLS, bob's late one could count as anna's:
 * she gets no port that he left. */
Test(passive, no_left_ports_without_a_proof, .timeout = 60)
{
    const struct server_plan by_address = { .users = users,
                                            .user_count = 2,
                                            .ports = "auto 4",
                                            .settings =
                                                "data_binding = address\n" };
    struct server server;
    struct session anna;

    server_start(&server, &by_address);
    leave_ports(&server, 4);
    session_enter(&anna, &server, "anna");
    session_do(&anna, "425 {*}", "EPSV");
    session_end(&anna, &server);
}
