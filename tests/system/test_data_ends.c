/* Ends data connections for each reason. The server must send close_notify if
 * it has sent all or if the client is the sender, and a bare FIN if a part of a
 * file is missing. It must never send a reset, whatever the client still
 * sends. */
#include "fault.h"
#include "parting.h"
#include "support/fail.h"
#include "support/served.h"
#include "support/server_log.h"
#include "support/test.h"

#define USER  "anna"
#define SMALL 5000
#define BIG   (16 * FAULT_MIB) /* more than all buffers on the way can hold */
#define LIMIT 100000

static const int versions[] = { SESSION_TLS_12, SESSION_TLS_13 };

SERVER_SHARED(.settings = "max_file_size = 100000\n");

static void make_files(const struct server *server)
{
    fault_make_sparse(server, USER, "small", SMALL);
    fault_make_sparse(server, USER, "big", BIG);
}

static void begin(struct session *s, const struct server *server, int version)
{
    session_enter_as(s, server, USER, version);
}

/* An action of the client, before it reads the reply or after it. */
typedef void doing(struct session *s, struct data *d);

static void nothing(struct session *s, struct data *d)
{
    (void)s;
    (void)d;
}

/* Sends bytes to a server that is sending. */
static void talk(struct session *s, struct data *d)
{
    (void)s;
    parting_write_junk(d->fd, d->tls);
}

static void store(struct session *s, struct data *d)
{
    (void)s;
    data_write(d, "hello", 5);
    cr_assert(tls_client_shutdown(d->tls));
}

static void store_and_talk(struct session *s, struct data *d)
{
    store(s, d);
    parting_write_junk(d->fd, NULL);
}

static void store_too_much(struct session *s, struct data *d)
{
    static const char bytes[4 * LIMIT];

    (void)s;
    fault_write(d, bytes, sizeof(bytes));
}

static void abort_it(struct session *s, struct data *d)
{
    (void)d;
    session_send(s, "ABOR");
}

static void store_and_abort(struct session *s, struct data *d)
{
    data_write(d, "hello", 5);
    session_send(s, "ABOR");
    parting_write_junk(d->fd, d->tls);
}

/* Asks for a port after the reply, with the data connection still open. */
static void ask_port(struct session *s, struct data *d)
{
    (void)d;
    session_do(s, "229 {*}", "EPSV");
}

static void finish_abort(struct session *s, struct data *d)
{
    (void)d;
    session_expect(s, "226 {*}");
}

static void quit(struct session *s, struct data *d)
{
    (void)d;
    session_do(s, "221 {*}", "QUIT");
    parting_expect_control(s, PARTING_NOTIFIED);
}

static const struct kind {
    const char *line;
    doing *doing;
    const char *reply;
    doing *behind;
    enum parting wanted;
} kinds[] = {
    { "RETR small", nothing, "226 {*}", nothing, PARTING_NOTIFIED },
    { "RETR small", nothing, "226 {*}", ask_port, PARTING_NOTIFIED },
    { "RETR small", nothing, "226 {*}", quit, PARTING_NOTIFIED },
    { "RETR small", talk, "226 {*}", nothing, PARTING_NOTIFIED },
    { "RETR small", talk, "226 {*}", quit, PARTING_NOTIFIED },
    { "RETR big", abort_it, "426 {*}", finish_abort, PARTING_BARE },
    { "LIST", nothing, "226 {*}", nothing, PARTING_NOTIFIED },
    { "LIST", talk, "226 {*}", quit, PARTING_NOTIFIED },
    { "STOR f", store, "226 {*}", ask_port, PARTING_NOTIFIED },
    { "STOR f", store, "226 {*}", quit, PARTING_NOTIFIED },
    { "STOR f", store_and_talk, "226 {*}", nothing, PARTING_NOTIFIED },
    { "STOR f", store_too_much, "552 {*}", nothing, PARTING_NOTIFIED },
    { "STOR f", store_and_abort, "426 {*}", finish_abort, PARTING_NOTIFIED },
};

static void end_one(const struct server *server, const struct kind *k, int i)
{
    struct session s;
    struct data d;

    fail_context("%s, kind %zd, TLS 1.%d: ", k->line, k - kinds, 2 + i);
    begin(&s, server, versions[i]);
    data_open(&s, &d, "%s", k->line);
    k->doing(&s, &d);
    session_expect(&s, k->reply);
    k->behind(&s, &d);
    parting_expect_data(&d, k->wanted);
    if (s.fd >= 0)
        session_close(&s);
}

SharedTest(data_ends, of_transfers, 120)
{
    make_files(server);
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
        for (int i = 0; i < 2; i++)
            end_one(server, &kinds[k], i);
}

/* A client can close at once after its close_notify. If a ticket or other bytes
 * are unread, the client's close becomes a reset. */
SharedTest(data_ends, a_reset_behind_the_end, 60)
{
    for (int i = 0; i < 20; i++) {
        struct session s;
        struct data d;
        char name[32];

        snprintf(name, sizeof(name), "reset-%d", i);
        begin(&s, server, versions[i % 2]);
        data_open(&s, &d, "STOR %s", name);
        data_write(&d, "hello", 5);
        cr_assert(tls_client_shutdown(d.tls));
        if (i % 4 < 2) /* the server has read the whole upload */
            session_expect(&s, "226 {*}");
        data_cut(&d, true);
        if (i % 4 >= 2)
            session_expect(&s, "226 {*}");
        fault_expect_whole(server, USER, name, "hello", 5);
        session_close(&s);
    }
}

/* When the server stops, the client must be able to distinguish a cut file from
 * a whole one. */
Test(data_ends, by_a_shutdown, .timeout = 100)
{
    static const struct {
        const char *line;
        enum parting wanted;
    } rows[] = { { "STOR f", PARTING_NOTIFIED }, { "RETR big", PARTING_BARE } };

    for (size_t k = 0; k < 4; k++) {
        struct server server;
        struct session s;
        struct data d;

        fail_context("%s: ", rows[k / 2].line);
        server_start(&server, PLAN(0));
        make_files(&server);
        begin(&s, &server, versions[k % 2]);
        data_open(&s, &d, "%s", rows[k / 2].line);
        kill(server.pid, SIGTERM);
        session_expect(&s, "421 {*}");
        parting_expect_data(&d, rows[k / 2].wanted);
        parting_expect_control(&s, PARTING_NOTIFIED);
        server_log_wait(&server, "transfer ", " result=421 ",
                        "reason=\"the server stops\"", NULL);
        fault_expect_absent(&server, USER, "f");
        server_stop(&server);
    }
}
