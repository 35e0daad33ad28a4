/* PORT and EPRT: the accepted and refused arguments, and the requests to
 * gate. */
#include "fake.h"
#include "sallyport/session/session.h"
#include "support/long.h"

static void begin(void)
{
    fake_settings("active", 1);
    fake_open();
    fake_do("PBSZ 0", 200);
    fake_do("PROT P", 200);
}

static void end(void)
{
    shutdown(fake.control, SHUT_WR);
    fake_end();
}

static const struct {
    const char *line;
    int code;
    bool event;
} rows[] = { /* the client is 127.0.0.1 */
             { "PORT 127,0,0,1,4,0", 200, false },
             { "EPRT |1|127.0.0.1|1024|", 200, false },
             { "PORT 127,0,0,1,3,255", 504, true },
             { "PORT 127,0,0,2,200,1", 504, true },
             { "EPRT |1|127.0.0.1|1023|", 504, true },
             { "EPRT |1|10.0.0.1|40000|", 504, true },
             { "EPRT |2|::1|40000|", 504, true },
             { "EPRT |2|::ffff:127.0.0.1|40000|", 501, false },
             { "EPRT |3|127.0.0.1|40000|", 522, false },
             { "PORT 127,0,0,1,0,0", 501, false },
             { "PORT 127,0,0,1,200", 501, false },
             { "PORT", 501, false },
             { "EPRT ||", 501, false }
};

static void expect_event(void)
{
    fake_await(EVENT_DATA_REFUSED, &logged);
    cr_assert_not_null(logged.text[FIELD_TO].ptr);
    cr_assert_not_null(logged.text[FIELD_VERB].ptr);
}

Test(session_active, arguments, .init = begin, .timeout = 60)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fake_do(rows[i].line, rows[i].code);
        if (rows[i].event)
            expect_event();
    }
    fake_do("FEAT", 211);
    cr_expect(strstr(fake.lines, " EPRT"), "%s", fake.lines);
    fake_do("EPSV ALL", 200);
    fake_do("PORT 127,0,0,1,200,1", 503);
    fake_do("EPRT |1|127.0.0.1|40000|", 503);
    end();
}

/* Behind a proxy gate knows the client's address only from the session. So the
 * session has no active mode, and doesn't ask gate. */
Test(session_active, not_behind_a_proxy, .timeout = 60)
{
    const char header[] = "PROXY TCP4 127.0.0.1 127.0.0.1 4711 21\r\n";

    fake.proxied = true;
    fake_settings("active", 1);
    fake_start();
    cr_assert_gt(send(fake.control, header, sizeof(header) - 1, 0), 0);
    EXPECT(&fake.gate, admit);
    fake.gate.phase = PHASE_RUN;
    SAY(&fake.master, admitted);
    fake.master.phase = PHASE_GREETED;
    fake_login();
    fake_do("PORT 127,0,0,1,200,1", 502);
    fake_do("EPRT |1|127.0.0.1|40000|", 502);
    fake_do("FEAT", 211);
    cr_expect_null(strstr(fake.lines, " EPRT"), "%s", fake.lines);
    end();
    /* Gate got no message. */
    cast_hear_end(&fake.gate);
}

/* Plays LIST up to the 150. */
static void begin_list(void)
{
    fake_do("PORT 127,0,0,1,200,1", 200);
    fake_say("LIST");
    fake_listed(fake_list(), OUTCOME_OK);
    cr_assert_eq(fake_reply(), 150);
}

/* Plays LIST up to the request to gate. Returns the request's number. */
static uint32_t list(void)
{
    begin_list();
    cr_assert_eq(EXPECT(&fake.gate, active)->to.port, 200 * 256 + 1);
    return heard.request;
}

static const struct {
    int error;
    const char *words;
} failures[] = {
    { ECONNREFUSED, "refuses" },
    { ETIMEDOUT, "doesn't answer" },
    { EHOSTUNREACH, "can't be reached" },
    { EACCES, "can't be reached" }, /* a route of type prohibit */
    { EPERM, "can't be reached" },  /* a firewall of the server */
};

/* Gate gets a request only for a transfer. The client gets one reply to a
 * failure, even if gate reports it twice. */
Test(session_active, nobody_takes_it, .timeout = 60)
{
    begin();
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        list();
        SAY_BACK(&fake.gate, active_none, .error = failures[i].error);
        fake_replies(425, failures[i].words);
        /* ignored, since it comes late */
        SAY_BACK(&fake.gate, active_none, .error = failures[i].error);
        fake_do("NOOP", 200);
    }
    end();
}

static void abort_list(void)
{
    fake_abort();
}

#define FILLS 400 /* transfers of two messages each; not all fit */

/* Gate slowly reads the messages of a session that sends many. If the channel
 * is full, EPSV gets "busy", and a transfer waits until the session can ask
 * gate. */
Test(session_active, gate_reads_slowly, .timeout = 60, WITHOUT_SANITIZERS)
{
    begin();
    for (int i = 0; i < FILLS; i++) {
        begin_list();
        abort_list();
        while (channel_receive(&fake.log, &heard) == 1) /* log reads as usual */
            ;
    }
    fake_do("EPSV", 425);
    cr_expect(strstr(fake.reply, "busy"), "%s", fake.reply);
    begin_list();
    while (channel_wait(&fake.gate, &heard, 1000) == 1)
        if (heard.kind == MSG_active)
            SAY_BACK(&fake.gate, active_none, .error = ECONNREFUSED);
    fake_replies(425, "refuses");
    end();
}

/* A transfer doesn't use a connection that gate made for an aborted
 * transfer. */
Test(session_active, one_that_comes_late, .timeout = 60)
{
    uint32_t first;
    int late[2], right[2];
    struct tls_client *tls;
    char byte;

    begin();
    first = list();
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, late), 0);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, right), 0);
    abort_list();
    EXPECT(&fake.gate, active_close);
    list();
    SAY(&fake.gate, data, first, .connection = late[1]);
    close(late[1]);
    cr_expect_leq(read(late[0], &byte, 1), 0);
    SAY_BACK(&fake.gate, data, .connection = right[1]);
    close(right[1]);
    tls = fake_data_tls(right[0]);
    cr_assert_not_null(tls);
    cr_assert_eq(fake_reply(), 226, "%s", fake.reply);
    tls_client_free(tls);
    close(late[0]);
    close(right[0]);
    end();
}
