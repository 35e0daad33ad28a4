/* Many connections at once. */
#include "fault.h"
#include "support/files.h"
#include "support/served.h"
#include "support/server_log.h"
#include "support/test.h"

#define CLIENTS 50
#define PIECE   (8 * FAULT_KIB)
#define PIECES  12

/* One of many clients, each with an address of its own. */
struct client {
    struct session session;
    struct data data;
    char name[16];
    unsigned char *bytes; /* PIECES * PIECE, different for each client */
    struct buf got;
};

static void client_begin(struct client *c, const struct server *server,
                         unsigned i)
{
    session_init(&c->session);
    snprintf(c->session.from, sizeof(c->session.from), "127.0.0.%u", 101 + i);
    session_open(&c->session, server, "anna");
    snprintf(c->name, sizeof(c->name), "f%u", i);
    c->bytes = malloc(PIECES * PIECE);
    cr_assert(c->bytes);
    files_noise(c->bytes, PIECES * PIECE, i + 1);
    buf_init(&c->got, FAULT_MIB);
}

static void client_end(struct client *c)
{
    session_close(&c->session);
    buf_release(&c->got);
    free(c->bytes);
}

/* All clients get a port before the first client connects, and they connect in
 * another order. */
static void open_all(struct client *clients, const char *verb)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct client *c = &clients[i];

        session_do(&c->session, "229 {*}(|||{port}|){*}", "EPSV");
        session_do(&c->session, "150 {*}", "%s %s", verb, c->name);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct client *c = &clients[i * 7 % CLIENTS];

        data_connect_to(&c->session, &c->data, c->session.port);
    }
    for (unsigned i = 0; i < CLIENTS; i++)
        data_secure(&clients[i].session, &clients[i].data);
}

static void close_all(struct client *clients)
{
    for (unsigned i = 0; i < CLIENTS; i++)
        data_close(&clients[i].data);
    for (unsigned i = 0; i < CLIENTS; i++)
        session_expect(&clients[i].session, "226 {*}");
}

/* Sends a piece from each client in turn. */
static void upload_all(struct client *clients)
{
    open_all(clients, "STOR");
    for (unsigned k = 0; k < PIECES; k++)
        for (unsigned i = 0; i < CLIENTS; i++)
            data_write(&clients[i].data, clients[i].bytes + k * PIECE, PIECE);
    close_all(clients);
}

static void download_all(struct client *clients)
{
    open_all(clients, "RETR");
    for (unsigned i = 0; i < CLIENTS; i++)
        data_read_all(&clients[i].data, &clients[i].got);
    close_all(clients);
}

/* Each client has an address of its own. */
ServerTest(network, fifty_clients_at_a_time, 120,
           PLAN(.settings = "max_per_user = 60\n"))
{
    static struct client clients[CLIENTS];

    for (unsigned i = 0; i < CLIENTS; i++)
        client_begin(&clients[i], server, i);
    upload_all(clients);
    for (unsigned i = 0; i < CLIENTS; i++)
        fault_expect_whole(server, "anna", clients[i].name, clients[i].bytes,
                           PIECES * PIECE);
    download_all(clients);
    for (unsigned i = 0; i < CLIENTS; i++) {
        const struct client *c = &clients[i];

        cr_assert(c->got.len == PIECES * PIECE &&
                      memcmp(c->got.data, c->bytes, c->got.len) == 0,
                  "%s got another's bytes", c->session.from);
    }
    for (unsigned i = 0; i < CLIENTS; i++)
        client_end(&clients[i]);
}

/* Opens as many sessions as an address and a user may have by default, all at
 * the same step at the same time. The server must serve all of them. */
ServerTest(network, all_at_once, 200,
           PLAN(.settings = "login_timeout = 10min\n"))
{
    static struct session s[64];

    for (int i = 0; i < 64; i++)
        session_reach(&s[i], server);
    for (int i = 0; i < 64; i++)
        session_start_tls(&s[i]);
    for (int i = 0; i < 64; i++)
        session_send(&s[i], "USER anna\r\nPASS " SERVER_PASSWORD);
    for (int i = 0; i < 64; i++) {
        session_expect(&s[i], "331 {*}");
        session_expect(&s[i], "230 {*}");
    }
    for (int i = 0; i < 64; i++)
        session_close(&s[i]);
}
