/* Permission to connect to a passive port, and many connections at once. */
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
    unsigned char *bytes; /* PIECES of them, different for each client */
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

/* All get a port before the first of them connects, and they connect in another
 * order. */
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

/* Sends a piece of each client in turn. */
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

/* Each from an address of its own. */
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

/* The stranger gets no byte, the log gets a line, and the expected client still
 * gets in. */
static void knock(struct session *s, const char *from)
{
    struct session stranger;
    char byte;

    session_init(&stranger);
    snprintf(stranger.from, sizeof(stranger.from), "%s", from);
    session_connect(&stranger, s->port);
    cr_assert_leq(recv(stranger.fd, &byte, 1, 0), 0, "%s got in", from);
    session_drop(&stranger);
}

ServerTest(network, a_stranger_at_the_port, 60, PLAN(0))
{
    struct session s;
    struct buf got;
    struct data d;

    session_init(&s);
    strcpy(s.from, "127.0.0.2");
    session_open(&s, server, "anna");
    buf_init(&got, FAULT_MIB);
    session_store(&s, "STOR", "secret", "bytes", 5);
    session_do(&s, "229 {*}(|||{port}|){*}", "EPSV");
    knock(&s, "127.0.0.3");
    session_do(&s, "150 {*}", "RETR secret");
    knock(&s, "127.0.0.4");
    session_do(&s, "200 {*}", "NOOP");
    data_connect_to(&s, &d, s.port);
    data_secure(&s, &d);
    data_read_all(&d, &got);
    data_close(&d);
    session_expect(&s, "226 {*}");
    cr_assert(got.len == 5 && memcmp(got.data, "bytes", 5) == 0);
    /* Two hosts together may cause one line a second, so there may be none for
     * the second host. */
    server_log_wait(server, "data-refused ", "peer=127.0.0.2:",
                    "stranger=127.0.0.3:", "reason=\"not who is expected\"",
                    NULL);
    buf_release(&got);
    session_close(&s);
}
