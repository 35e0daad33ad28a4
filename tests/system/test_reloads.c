/* Reloads that change listeners and passive ports. */
#include "ctl.h"
#include "support/ports.h"
#include "support/served.h"
#include "support/test.h"
#include "support/wait.h"

static const struct server_plan plan = { .listen = "127.0.0.1:0, 127.0.0.1:0" };

static void reload(const struct server *server, const char *key,
                   const char *value)
{
    server_set(server, key, value);
    ctl(server, 0, "reload", "");
}

static bool is_refused(void *port)
{
    struct session s;
    bool refused;

    session_init(&s);
    refused = !session_may_connect(&s, *(unsigned *)port);
    session_drop(&s);
    return refused;
}

/* Waits, since a process that ends loses its title before its sockets are
 * closed. */
static void expect_refused(unsigned port)
{
    cr_expect(wait_until(is_refused, &port, WAIT_MS), "%u is open", port);
}

/* A reload removes a port and adds an address. The other port stays the same,
 * and a session on the removed port continues. */
ServerTest(reloads, listeners, 120, &plan)
{
    struct session by_other, s;
    char listen[64];

    session_init(&by_other);
    session_connect(&by_other, server->port_other);
    session_expect(&by_other, "220 {*}");
    snprintf(listen, sizeof(listen), "127.0.0.1:0, 127.0.0.3:%u", server->port);
    reload(server, "listen", listen);
    expect_refused(server->port_other);
    session_do(&by_other, "{*}", "NOOP");
    session_drop(&by_other);
    for (int i = 0; i < 2; i++) {
        session_init(&s);
        strcpy(s.host, i ? "127.0.0.3" : "127.0.0.1");
        session_open(&s, server, "anna");
        session_store(&s, "STOR", "f", "bytes", 5);
        session_close(&s);
    }
}

/* A reload changes the passive ports. A port that was announced before it works
 * for its client, and is then closed. The session gets further ports of its own
 * configuration, and a new session gets ports of the new configuration. */
SessionTest(reloads, ports, 120, &plan)
{
    unsigned first = ports_free(2), told;
    struct data d;
    struct session fresh;
    char ports[32];

    session_do(s, "229 {*}(|||{port}|){*}", "EPSV");
    told = s->port;
    snprintf(ports, sizeof(ports), "%u-%u", first, first + 1);
    reload(server, "ports", ports);
    data_connect_to(s, &d, told);
    session_do(s, "150 {*}", "STOR f");
    data_secure(s, &d);
    data_finish(s, &d, "bytes", 5, "226 {*}");
    expect_refused(told);
    session_store(s, "STOR", "g", "bytes", 5);
    session_enter(&fresh, server, "anna");
    session_do(&fresh, "229 {*}(|||{port}|){*}", "EPSV");
    cr_expect(fresh.port == first || fresh.port == first + 1, "%u", fresh.port);
    session_close(&fresh);
}
