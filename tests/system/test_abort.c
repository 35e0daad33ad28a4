/* Sends ABOR before, during and after a transfer, as a line and after telnet's
 * Interrupt and Synch. Checks the number and order of the replies, and the
 * files. */
#include "fault.h"
#include "support/fail.h"
#include "support/served.h"
#include "support/test.h"

#define LEN    (300 * FAULT_KIB)
#define BIG    (16 * FAULT_MIB) /* more than all buffers on the way can hold */
#define URGENT "\xff\xf4\xff\xf2"

SERVER_SHARED(USERS({ .name = "before" }, { .name = "during" },
                    { .name = "event" }, { .name = "after" }));

/* Each piece is sent as a TLS record of its own. */
static const struct form {
    const char *piece[3];
} forms[] = {
    { { "ABOR\r\n" } },
    { { URGENT "ABOR\r\n" } },
    { { "\xff\xf4", "\xff\xf2", "ABOR\r\n" } },
};

#define FORMS (sizeof(forms) / sizeof(*forms))

static void send_abor(struct session *s, const struct form *form)
{
    for (size_t i = 0; i < 3 && form->piece[i]; i++)
        session_raw(s, form->piece[i], strlen(form->piece[i]));
}

/* ABOR has no transfer to abort, and closes the passive port: STOR needs a new
 * EPSV. */
static void expect_idle_abor(struct session *s, const struct form *form)
{
    send_abor(s, form);
    session_expect(s, "225 {*}");
    session_do(s, "425 {*}", "STOR f");
}

SharedSessionTest(abort, before, 60, "before")
{
    struct data d;
    char byte;

    for (size_t i = 0; i < FORMS; i++) {
        fail_context("form %zu: ", i);
        expect_idle_abor(s, &forms[i]);
        session_do(s, "229 {*}", "EPSV");
        expect_idle_abor(s, &forms[i]);
        data_connect(s, &d);
        expect_idle_abor(s, &forms[i]);
        cr_assert_leq(recv(d.fd, &byte, 1, 0), 0, "still open");
        data_cut(&d, false);
    }
    fault_expect_absent(server, "before", "f");
}

/* The transfer has got its 150, and has no data connection yet. */
static void no_connection(struct session *s, struct data *d, const char *line)
{
    d->fd = -1;
    d->tls = NULL;
    session_do(s, "229 {*}", "EPSV");
    session_do(s, "150 {*}", "%s", line);
}

static void no_handshake(struct session *s, struct data *d, const char *line)
{
    data_connect(s, d);
    session_do(s, "150 {*}", "%s", line);
}

static void flowing(struct session *s, struct data *d, const char *line)
{
    data_open(s, d, "%s", line);
    if (strcmp(line, "RETR big") != 0)
        data_write(d, "some bytes", 10);
}

static void computing(struct session *s, struct data *d, const char *line)
{
    d->fd = -1;
    d->tls = NULL;
    session_send(s, "%s", line);
}

static const struct moment {
    void (*begin)(struct session *s, struct data *d, const char *line);
    const char *line;
} moments[] = {
    { no_connection, "STOR f" },  { no_handshake, "STOR f" },
    { flowing, "STOR f" },        { no_connection, "RETR big" },
    { no_handshake, "RETR big" }, { flowing, "RETR big" },
    { no_connection, "MLSD" },    { no_handshake, "LIST" },
    { computing, "HASH huge" },
};

#define MOMENTS (sizeof(moments) / sizeof(*moments))

/* The transfer and ABOR each get a reply, and the next command gets its own. */
static void abort_once(struct session *s, const struct moment *m,
                       const struct form *form)
{
    struct data d;

    m->begin(s, &d, m->line);
    send_abor(s, form);
    session_expect(s, "426 {*}");
    session_expect(s, "226 {*}");
    session_do(s, "200 {*}", "NOOP");
    expect_idle_abor(s, form);
    if (d.fd >= 0)
        data_cut(&d, false);
}

SharedSessionTest(abort, during, 120, "during")
{
    fault_make_sparse(server, "during", "big", BIG);
    fault_make_sparse(server, "during", "huge", UINT64_C(1) << 36);
    for (size_t i = 0; i < MOMENTS * FORMS; i++) {
        const struct moment *m = &moments[i / FORMS];

        fail_context("%s, moment %zu, form %zu: ", m->line, i / FORMS,
                     i % FORMS);
        abort_once(s, m, &forms[i % FORMS]);
        fault_expect_absent(server, "during", "f");
        cr_assert_eq(fault_count_partials(server, "during"), 0);
    }
    session_store(s, "STOR", "after", "bytes", 5);
    session_expect_fetch(s, "RETR after", "bytes", 5);
}

/* The log has one event with the cause, and the same upload succeeds
 * afterwards. */
SharedSessionTest(abort, event, 60, "event")
{
    unsigned char *bytes = fault_noise(LEN);

    abort_once(s, &(struct moment){ flowing, "STOR f" }, &forms[1]);
    fault_retry(s, server, "event", "f", bytes, LEN);
    fault_expect_event(server, "event", "f", 426, "reason=ABOR");
    free(bytes);
}

/* The client sends ABOR right after the last byte. Either ABOR comes too late
 * and the file is there, or ABOR comes in time and the file isn't there. */
SharedSessionTest(abort, after_the_last_byte, 120, "after")
{
    unsigned char *bytes = fault_noise(LEN);

    for (unsigned i = 0; i < 30; i++) {
        struct data d;
        char name[16];

        snprintf(name, sizeof(name), "f%u", i);
        data_open(s, &d, "STOR %s", name);
        data_write(&d, bytes, LEN);
        tls_client_shutdown(d.tls);
        send_abor(s, &forms[i % FORMS]);
        if (session_reply(s) == 226) {
            session_expect(s, "225 {*}");
            fault_expect_whole(server, "after", name, bytes, LEN);
        } else {
            cr_assert(strncmp(s->reply.data, "426 ", 4) == 0, "%s",
                      s->reply.data);
            session_expect(s, "226 {*}");
            fault_expect_absent(server, "after", name);
        }
        data_cut(&d, false);
        session_do(s, "200 {*}", "NOOP");
    }
    free(bytes);
}
