/* PORT and EPRT: which are accepted and refused, and the requests to gate. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/session/session.h"

static void begin(struct fake *f)
{
    fake_settings("active", 1);
    fake_start(f);
    fake_login(f);
    fake_do(f, "PBSZ 0", 200);
    fake_do(f, "PROT P", 200);
}

static void end(struct fake *f)
{
    shutdown(f->control, SHUT_WR);
    fake_end(f);
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

static void expect_event(struct fake *f)
{
    struct event_record r = { 0 };
    struct message p;

    do {
        cr_assert_eq(channel_wait(&f->log, &p, 10000), 1);
        cr_assert_eq(event_decode(p.event.event, &r), 0);
    } while (r.event != EVENT_DATA_REFUSED);
    cr_assert_not_null(r.text[FIELD_TO].ptr);
    cr_assert_not_null(r.text[FIELD_VERB].ptr);
}

Test(session_active, arguments, .timeout = 60)
{
    struct fake f;

    begin(&f);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fake_say(&f, rows[i].line);
        cr_expect_eq(fake_reply(&f), rows[i].code, "%s: %s", rows[i].line,
                     f.reply);
        if (rows[i].event)
            expect_event(&f);
    }
    fake_do(&f, "FEAT", 211);
    cr_expect(strstr(f.lines, " EPRT"), "%s", f.lines);
    fake_do(&f, "EPSV ALL", 200);
    fake_do(&f, "PORT 127,0,0,1,200,1", 503);
    fake_do(&f, "EPRT |1|127.0.0.1|40000|", 503);
    end(&f);
}

/* Behind a proxy gate would believe the session who the client is. So there is
 * no active mode, and gate isn't asked. */
Test(session_active, not_behind_a_proxy, .timeout = 60)
{
    const char header[] = "PROXY TCP4 127.0.0.1 127.0.0.1 4711 21\r\n";
    struct message p, in = { .kind = MSG_admitted };
    struct fake f;

    fake_behind_proxy();
    fake_settings("active", 1);
    fake_start(&f);
    cr_assert_gt(send(f.control, header, sizeof(header) - 1, 0), 0);
    fake_hear(&f.gate, &p, MSG_admit);
    f.gate.phase = PHASE_RUN;
    fake_tell(&f.master, &in);
    f.master.phase = PHASE_GREETED;
    fake_login(&f);
    fake_do(&f, "PORT 127,0,0,1,200,1", 502);
    fake_do(&f, "EPRT |1|127.0.0.1|40000|", 502);
    fake_do(&f, "FEAT", 211);
    cr_expect_null(strstr(f.lines, " EPRT"), "%s", f.lines);
    end(&f);
    cr_expect_eq(channel_wait(&f.gate, &p, 0), -EPIPE); /* and no message */
}

/* Plays LIST up to the 150. */
static void begin_list(struct fake *f)
{
    struct message p, pipe_is = { .kind = MSG_directory_pipe };
    int ends[2];

    fake_do(f, "PORT 127,0,0,1,200,1", 200);
    fake_say(f, "LIST");
    fake_hear(&f->files, &p, MSG_directory_list);
    cr_assert_eq(pipe(ends), 0);
    pipe_is.request = p.request;
    pipe_is.directory_pipe.listing = ends[0];
    fake_tell(&f->files, &pipe_is);
    close(ends[0]);
    close(ends[1]);
    pipe_is = (struct message){ .kind = MSG_directory_listed,
                                .directory_listed = { .request = p.request } };
    fake_tell(&f->files, &pipe_is);
    cr_assert_eq(fake_reply(f), 150);
}

/* Plays LIST up to the request to gate. Returns the request's number. */
static uint32_t list(struct fake *f)
{
    struct message p;

    begin_list(f);
    fake_hear(&f->gate, &p, MSG_active);
    cr_assert_eq(p.active.to.port, 200 * 256 + 1);
    return p.request;
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

/* Gate gets a request only for a transfer, and a failure is reported once. */
Test(session_active, nobody_takes_it, .timeout = 60)
{
    struct message none = { .kind = MSG_active_none };
    struct fake f;

    begin(&f);
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        none.request = list(&f);
        none.active_none.error = failures[i].error;
        fake_tell(&f.gate, &none);
        cr_assert_eq(fake_reply(&f), 425);
        cr_expect(strstr(f.reply, failures[i].words), "%s", f.reply);
        fake_tell(&f.gate, &none); /* late: ignored */
        fake_do(&f, "NOOP", 200);
    }
    end(&f);
}

static void abort_list(struct fake *f)
{
    fake_do(f, "ABOR", 426);
    cr_assert_eq(fake_reply(f), 226);
}

#define FILLS 400 /* transfers with two messages each: more than fit */

/* gate slows a session that sends many messages. If the channel is full, EPSV
 * is busy, and a transfer waits until gate can be asked. */
Test(session_active, gate_reads_slowly, .timeout = 60)
{
    struct message p, none = { .kind = MSG_active_none };
    struct fake f;

    none.active_none.error = ECONNREFUSED;
    begin(&f);
    for (int i = 0; i < FILLS; i++) {
        begin_list(&f);
        abort_list(&f);
        while (channel_receive(&f.log, &p) == 1) /* log reads as usual */
            ;
    }
    fake_do(&f, "EPSV", 425);
    cr_expect(strstr(f.reply, "busy"), "%s", f.reply);
    begin_list(&f);
    while (channel_wait(&f.gate, &p, 1000) == 1)
        if (p.kind == MSG_active) {
            none.request = p.request;
            fake_tell(&f.gate, &none);
        }
    cr_assert_eq(fake_reply(&f), 425);
    cr_expect(strstr(f.reply, "refuses"), "%s", f.reply);
    end(&f);
}

/* A connection that was made for an aborted transfer: the next transfer doesn't
 * use it. */
Test(session_active, one_that_comes_late, .timeout = 60)
{
    struct message p, data = { .kind = MSG_data };
    int late[2], right[2];
    struct tls_client *tls;
    struct fake f;
    char byte;

    begin(&f);
    data.request = list(&f);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, late), 0);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, right), 0);
    abort_list(&f);
    fake_hear(&f.gate, &p, MSG_active_close);
    p.request = list(&f);
    data.data.connection = late[1];
    fake_tell(&f.gate, &data);
    close(late[1]);
    cr_expect_leq(read(late[0], &byte, 1), 0);
    data.request = p.request;
    data.data.connection = right[1];
    fake_tell(&f.gate, &data);
    close(right[1]);
    tls = fake_data_tls(&f, right[0]);
    cr_assert_not_null(tls);
    cr_assert_eq(fake_reply(&f), 226, "%s", f.reply);
    tls_client_free(tls);
    close(late[0]);
    close(right[0]);
    end(&f);
}
