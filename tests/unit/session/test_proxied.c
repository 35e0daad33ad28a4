/* A session behind a proxy: how much it reads of the header, its requests to
 * gate, and its reactions to the answers. */
#include "fake.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

#define LINE   "PROXY TCP4 198.51.100.1 203.0.113.7 4711 21\r\n"
#define BINARY "\r\n\r\n\0\r\nQUIT\n"
#define CLIENT "\xc6\x33\x64\x01\xcb\x00\x71\x07\x12\x67\x00\x15"
#define OTHER  "\xc6\x33\x64\x02\xcb\x00\x71\x07\x12\x67\x00\x15"
#define TLV    "\x04\x00\x05hello"

static void begin(void)
{
    fake_behind_proxy();
    fake_start();
}

static void send_bytes(int fd, struct slice bytes)
{
    cr_assert_eq(send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL),
                 (ssize_t)bytes.len);
}

static void hear_enter(const char *client, const char *server)
{
    char text[ADDRESS_TEXT_MAX];
    struct message p;

    fake_hear(&fake.gate, &p, MSG_admit);
    cr_expect_str_eq(address_port_text(&p.admit.client, text), client);
    cr_expect_str_eq(address_port_text(&p.admit.server, text), server);
    fake.gate.phase = PHASE_RUN;
    fake.gate.last_request = p.request;
}

static void let_in(void)
{
    fake_tell(&fake.master, &(struct message){ .kind = MSG_admitted });
    fake.master.phase = PHASE_GREETED;
}

static bool is_quiet(int fd)
{
    struct pollfd one = { .fd = fd, .events = POLLIN };

    return poll(&one, 1, 0) == 0;
}

/* Expects no event at all; the session has ended. */
static void expect_no_event(void)
{
    struct message p;
    int r = channel_wait(&fake.log, &p, 10000);

    cr_expect_eq(r, -EPIPE, "%d", r);
}

static void expect_text(const struct event_record *r, enum event_field field,
                        const char *text)
{
    cr_expect(r->text[field].ptr &&
                  slice_equal(r->text[field], slice_from(text)),
              "%.*s instead of %s", (int)r->text[field].len,
              r->text[field].ptr ? r->text[field].ptr : "", text);
}

static const struct {
    struct slice header;
    const char *client, *server;
} headers[] = {
    { { LINE, sizeof(LINE) - 1 }, "198.51.100.1:4711", "203.0.113.7:21" },
    { { BINARY "\x21\x11\0\x0c" CLIENT, 28 },
      "198.51.100.1:4711",
      "203.0.113.7:21" },
    { { BINARY "\x21\x11\0\x14" CLIENT TLV, 36 },
      "198.51.100.1:4711",
      "203.0.113.7:21" },
    { { "PROXY TCP6 2001:db8::1 2001:db8::2 4711 21\r\n", 44 },
      "[2001:db8::1]:4711",
      "[2001:db8::2]:21" },
};

/* The client's first line comes right after the header. Before gate admits the
 * client, the session neither answers the line nor sends a greeting. */
Test(session_proxied, the_header_and_no_byte_more, .timeout = 60)
{
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        struct event_record r;
        unsigned long so_far;

        begin();
        send_bytes(fake.control, headers[i].header);
        send_bytes(fake.control, SLICE("NOOP\r\nSYST\r\n"));
        hear_enter(headers[i].client, headers[i].server);
        so_far = fake_cpu_ms();
        poll(NULL, 0, 200);
        cr_expect_lt(fake_cpu_ms() - so_far, 50);
        cr_expect(is_quiet(fake.control));
        let_in();
        cr_expect_eq(fake_reply(), 220, "%s", fake.reply);
        cr_expect_eq(fake_reply(), 200, "%s", fake.reply);
        cr_expect_eq(fake_reply(), 215, "%s", fake.reply);
        cr_assert(fake_event(EVENT_CONNECT, &r));
        expect_text(&r, FIELD_LOCAL, headers[i].server);
        expect_text(&r, FIELD_VIA, "127.0.0.1:40000");
        fake_hang_up(ENDING_CLOSED);
    }
}

Test(session_proxied, byte_by_byte, .timeout = 60)
{
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        struct slice one = { headers[i].header.ptr, 1 };

        begin();
        for (; one.ptr < headers[i].header.ptr + headers[i].header.len;
             one.ptr++)
            send_bytes(fake.control, one);
        hear_enter(headers[i].client, headers[i].server);
        let_in();
        cr_expect_eq(fake_reply(), 220);
        fake_hang_up(ENDING_CLOSED);
    }
}

/* Plays a whole session after the header. */
static void open_session(void)
{
    begin();
    send_bytes(fake.control, SLICE(LINE));
    hear_enter("198.51.100.1:4711", "203.0.113.7:21");
    let_in();
    fake_login();
    fake_do("PBSZ 0", 200);
    fake_do("PROT P", 200);
}

/* ---- connections without a client ---- */

static const struct {
    const char *name;
    struct slice bytes;
    bool cut;         /* the proxy closes then */
    const char *said; /* to the proxy */
    int status;
    const char *reason; /* of the one event; NULL: there is none */
} checks[] = {
#define BYTES(text) { text, sizeof(text) - 1 }
    { "LOCAL", BYTES(BINARY "\x20\0\0\0"), false, "220", ENDING_CHECK, NULL },
    { "UNKNOWN", BYTES("PROXY UNKNOWN\r\n"), false, "220", ENDING_CHECK, NULL },
    { "a look", BYTES(""), true, "", ENDING_CHECK, NULL },
    { "a client's line", BYTES("USER anna\r\n"), false, "", ENDING_PROTOCOL,
      "protocol error: PROXY header: no header" },
    { "TLS", BYTES("\x16\x03\x01"), false, "", ENDING_PROTOCOL,
      "protocol error: PROXY header: no header" },
    { "a bad line", BYTES("PROXY TCP4 1 2 3 4\r\n"), false, "", ENDING_PROTOCOL,
      "protocol error: PROXY header: a bad address" },
    { "a version", BYTES(BINARY "\x11\x11\0\x0c" CLIENT), false, "",
      ENDING_PROTOCOL, "protocol error: PROXY header: an unknown version" },
    { "too long", BYTES(BINARY "\x21\x11\xff\xff"), false, "", ENDING_PROTOCOL,
      "protocol error: PROXY header: too long" },
    { "half a line", BYTES("PROXY TCP4 198.51"), true, "", ENDING_PROTOCOL,
      "protocol error: PROXY header: cut short" },
    { "half a head", BYTES(BINARY "\x21\x11\0\x0c"), true, "", ENDING_PROTOCOL,
      "protocol error: PROXY header: cut short" },
};

/* Reads everything that the session sends to the proxy until its end. */
static void expect_said(const char *said)
{
    char all[512] = "";
    size_t len = 0;
    ssize_t n;

    while ((n = recv(fake.control, all + len, sizeof(all) - 1 - len, 0)) > 0)
        len += (size_t)n;
    cr_expect(strncmp(all, said, strlen(said)) == 0 && (said[0] || len == 0),
              "%s", all);
}

Test(session_proxied, what_is_no_client, .timeout = 60)
{
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        int status;

        begin();
        if (checks[i].bytes.len > 0)
            send_bytes(fake.control, checks[i].bytes);
        if (checks[i].cut)
            shutdown(fake.control, SHUT_WR);
        expect_said(checks[i].said);
        shutdown(fake.control, SHUT_WR);
        status = fake_end();
        cr_expect_eq(status, checks[i].status, "%s: %d", checks[i].name,
                     status);
        if (checks[i].reason)
            cr_expect_str_eq(fake_end_reason(), checks[i].reason);
        else
            expect_no_event();
    }
}

Test(session_proxied, a_slow_header, .timeout = 60)
{
    fake_settings("login_timeout", 300);
    begin();
    send_bytes(fake.control, SLICE("PROXY TCP4 "));
    cr_expect_eq(fake_reply(), 421, "%s", fake.reply);
    shutdown(fake.control, SHUT_WR);
    cr_expect_eq(fake_end(), ENDING_LOGIN_TIME);
}

/* The same deadline counts if gate doesn't answer. */
Test(session_proxied, no_answer, .timeout = 60)
{
    fake_settings("login_timeout", 300);
    begin();
    send_bytes(fake.control, SLICE(LINE));
    hear_enter("198.51.100.1:4711", "203.0.113.7:21");
    cr_expect_eq(fake_reply(), 421, "%s", fake.reply);
    shutdown(fake.control, SHUT_WR);
    cr_expect_eq(fake_end(), ENDING_LOGIN_TIME);
}

/* Gate has reported it to the log, at a limited rate. The client stays, and the
 * session doesn't: it isn't for the client to hold its place. */
Test(session_proxied, kept_out, .timeout = 60)
{
    uint64_t began;
    struct message no = { .kind = MSG_not_admitted,
                          .not_admitted = { .why =
                                                SLICE("from your address") } };

    begin();
    send_bytes(fake.control, SLICE(LINE));
    hear_enter("198.51.100.1:4711", "203.0.113.7:21");
    no.request = fake.gate.last_request;
    began = clock_ms();
    fake_tell(&fake.gate, &no);
    cr_expect_eq(fake_reply(), 421);
    cr_expect(strstr(fake.reply, "from your address"), "%s", fake.reply);
    cr_expect_eq(fake_end(), ENDING_KEPT_OUT);
    cr_expect_lt(clock_ms() - began, 1000);
    expect_no_event();
}

Test(session_proxied, kicked_before_its_header, .timeout = 60)
{
    struct message kick = { .kind = MSG_kick,
                            .kick = { .why = ENDING_SHUTDOWN } };

    begin();
    send_bytes(fake.control, SLICE("PROXY "));
    fake_tell(&fake.master, &kick);
    cr_expect_eq(fake_reply(), 421);
    shutdown(fake.control, SHUT_WR);
    cr_expect_eq(fake_end(), ENDING_SHUTDOWN);
}

/* Both answers may come after the session's end has begun. */
Test(session_proxied, kicked_while_gate_is_asked, .timeout = 60)
{
    static const enum message_kind answers[] = { MSG_admitted,
                                                 MSG_not_admitted };

    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct message kick = { .kind = MSG_kick,
                                .kick = { .why = ENDING_SHUTDOWN } };

        begin();
        send_bytes(fake.control, SLICE(LINE));
        hear_enter("198.51.100.1:4711", "203.0.113.7:21");
        fake_tell(&fake.master, &kick);
        cr_expect_eq(fake_reply(), 421);
        fake_tell(answers[i] == MSG_admitted ? &fake.master : &fake.gate,
                  &(struct message){ .kind = answers[i],
                                     .request = fake.gate.last_request });
        shutdown(fake.control, SHUT_WR);
        cr_expect_eq(fake_end(), ENDING_SHUTDOWN);
    }
}

Test(session_proxied, the_client_goes_while_gate_is_asked, .timeout = 60)
{
    begin();
    send_bytes(fake.control, SLICE(LINE));
    hear_enter("198.51.100.1:4711", "203.0.113.7:21");
    close(fake.control);
    fake.control = -1;
    cr_expect_eq(fake_end(), ENDING_CLOSED);
}

/* ---- peers that lie ---- */

static void let_in_unasked(void)
{
    fake_tell(&fake.master, &(struct message){ .kind = MSG_admitted });
}

static void keep_out_unasked(void)
{
    fake_tell(&fake.gate,
              &(struct message){ .kind = MSG_not_admitted,
                                 .not_admitted = { .why = SLICE("no") } });
}

static void port_for_a_direct_one(void)
{
    fake_login();
    fake_say("EPSV");
    fake_lend("127.0.0.1", true);
}

static const struct {
    bool proxied;
    void (*lie)(void);
    const char *reason;
} lies[] = {
    { false, let_in_unasked, "master: a message in the wrong phase" },
    { false, keep_out_unasked, "gate: an answer without a request" },
    { false, port_for_a_direct_one, "gate: a port for connections of a proxy" },
    { true, let_in_unasked, "master: an answer without a request" },
    { true, keep_out_unasked, "gate: an answer without a request" },
};

Test(session_proxied, lies, .timeout = 60)
{
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {

        if (lies[i].proxied)
            fake_behind_proxy();
        fake_start();
        fake.master.phase =
            PHASE_GREETED; /* for the message that it may send */
        lies[i].lie();
        cr_expect_eq(fake_end(), ENDING_PEER);
        cr_expect(strstr(fake_end_reason(), lies[i].reason), "%s",
                  fake_end_reason());
    }
}

/* ---- data connections ---- */

static void ask_port(void)
{
    fake_say("EPSV");
    fake_lend("203.0.113.7", true);
    cr_assert_eq(fake_reply(), 229, "%s", fake.reply);
}

static void is_foreign(const char *whose, const char *why)
{
    struct event_record r;

    cr_assert(fake_event(EVENT_DATA_REFUSED, &r));
    cr_expect(slice_starts(r.text[FIELD_STRANGER], slice_from(whose)), "%.*s",
              (int)r.text[FIELD_STRANGER].len, r.text[FIELD_STRANGER].ptr);
    cr_expect(slice_equal(r.text[FIELD_REASON], slice_from(why)));
}

static void play_transfer(int data)
{
    struct message asked, pipe_is = { .kind = MSG_directory_pipe };
    struct tls_client *tls;
    char text[16] = "";
    int ends[2];

    fake_hear(&fake.files, &asked, MSG_directory_list);
    cr_assert_eq(pipe(ends), 0);
    pipe_is.request = asked.request;
    pipe_is.directory_pipe.listing = ends[0];
    fake_tell(&fake.files, &pipe_is);
    cr_assert_eq(write(ends[1], "names", 5), 5);
    close(ends[0]);
    close(ends[1]);
    pipe_is =
        (struct message){ .kind = MSG_directory_listed,
                          .directory_listed = { .request = asked.request } };
    fake_tell(&fake.files, &pipe_is);
    cr_assert_eq(fake_reply(), 150, "%s", fake.reply);
    tls = fake_data_tls(data);
    cr_assert_not_null(tls, "%s", tls_client_error());
    cr_expect_eq(tls_client_read(tls, text, 5), 5);
    cr_expect_str_eq(text, "names");
    cr_expect_eq(tls_client_read(tls, text, 1), 0);
    tls_client_free(tls);
    close(data);
    cr_assert_eq(fake_reply(), 226, "%s", fake.reply);
}

Test(session_proxied, a_transfer, .timeout = 60)
{
    int data;

    open_session();
    ask_port();
    data = fake_come();
    send_bytes(data, SLICE(LINE));
    fake_say("NLST");
    play_transfer(data);
    fake_hang_up(ENDING_CLOSED);
}

/* Connections of others before it, of each kind; the command comes between
 * them. WHY NULL: the proxy's own check has no line. */
static const struct {
    struct slice bytes;
    bool cut;
    const char *whose, *why;
} others[] = {
    { BYTES("PROXY TCP4 198.51.100.2 203.0.113.7 4711 21\r\n"), false,
      "198.51.100.2", "not who is expected" },
    { BYTES(BINARY "\x21\x11\0\x0c" OTHER), false, "198.51.100.2",
      "not who is expected" },
    { BYTES("PROXY TCP6 2001:db8::1 2001:db8::2 4711 21\r\n"), false,
      "[2001:db8::1]", "not who is expected" },
    { BYTES("\x16\x03\x01\x02"), false, "127.0.0.1",
      "no PROXY header in order" },
    { BYTES("PROXY TCP4 198.51"), true, "127.0.0.1",
      "no PROXY header in order" },
    { BYTES(BINARY "\x20\0\0\0"), false, "127.0.0.1", NULL },
    { BYTES("PROXY UNKNOWN\r\n"), false, "127.0.0.1", NULL },
    { BYTES(""), true, "127.0.0.1", NULL },
};

/* Each row has a session of its own, since a session logs one in a second. */
Test(session_proxied, others_are_given_back, .timeout = 60)
{
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        char byte;
        int data;

        open_session();
        ask_port();
        data = fake_come();
        if (others[i].bytes.len > 0)
            send_bytes(data, others[i].bytes);
        if (others[i].cut)
            shutdown(data, SHUT_WR);
        cr_expect_leq(recv(data, &byte, 1, 0), 0, "not closed");
        close(data);
        if (others[i].why)
            is_foreign(others[i].whose, others[i].why);
        fake_say("NLST");
        data = fake_come();
        send_bytes(data, SLICE(LINE));
        play_transfer(data);
        fake_hang_up(ENDING_CLOSED);
    }
}

/* While one header is read, the next connection waits, and isn't lost. */
Test(session_proxied, one_at_a_time, .timeout = 60)
{
    int first, second;
    char byte;

    open_session();
    ask_port();
    first = fake_come();
    send_bytes(first, SLICE("PROXY "));
    fake_do("NOOP", 200);
    second = fake_come();
    send_bytes(second, SLICE(LINE));
    fake_say("NLST");
    send_bytes(first, SLICE("nonsense\r\n"));
    cr_expect_leq(recv(first, &byte, 1, 0), 0, "not closed");
    play_transfer(second);
    close(first);
    fake_hang_up(ENDING_CLOSED);
}

/* Nobody may connect without the proxy, not even the client itself. */
Test(session_proxied, past_the_proxy, .timeout = 60)
{
    char byte;
    int data;

    open_session();
    ask_port();
    data = fake_come_from("127.0.0.77");
    cr_expect_leq(recv(data, &byte, 1, 0), 0);
    is_foreign("127.0.0.77:", "not who is expected");
    close(data);
    fake_hang_up(ENDING_CLOSED);
}

Test(session_proxied, a_slow_header_of_data, .timeout = 60)
{
    char byte;
    int data;

    fake_settings("connect_timeout", 2000);
    open_session();
    ask_port();
    data = fake_come();
    send_bytes(data, SLICE("PROXY "));
    cr_expect_leq(recv(data, &byte, 1, 0), 0, "not closed");
    is_foreign("127.0.0.1", "no PROXY header in order");
    close(data);
    fake_hang_up(ENDING_CLOSED);
}

/* Whatever ends the wait, the next EPSV works. */
Test(session_proxied, given_up_within_a_header, .timeout = 60)
{
    static const char *const ends[] = { "EPSV", "ABOR" };
    static const int codes[] = { 229, 225 };
    int data;

    open_session();
    ask_port();
    for (int i = 0; i < 2; i++) {
        data = fake_come();
        send_bytes(data, SLICE("PROXY "));
        fake_do("NOOP", 200);
        fake_do(ends[i], codes[i]);
        close(data);
    }
    fake_do("EPSV", 229);
    data = fake_come();
    send_bytes(data, SLICE(LINE));
    fake_say("NLST");
    play_transfer(data);
    fake_hang_up(ENDING_CLOSED);
}

/* PASV can announce IPv4 only: both the address that the client connected to
 * and the address announced to it count. */
Test(session_proxied, pasv_and_ipv6, .timeout = 60)
{
    open_session();
    fake_say("PASV");
    fake_lend("2001:db8::9", true);
    cr_assert_eq(fake_reply(), 425, "%s", fake.reply);
    fake_do("EPSV", 229);
    fake_hang_up(ENDING_CLOSED);
    open_session();
    fake_say("PASV");
    fake_lend("192.0.2.77", true);
    cr_assert_eq(fake_reply(), 227, "%s", fake.reply);
    cr_expect(strstr(fake.reply, "(192,0,2,77,"), "%s", fake.reply);
    fake_hang_up(ENDING_CLOSED);
    fake_start();
    send_bytes(fake.control, SLICE("PROXY TCP6 2001:db8::1 ::2 4711 21\r\n"));
    hear_enter("[2001:db8::1]:4711", "[::2]:21");
    let_in();
    fake_login();
    fake_say("PASV");
    cr_expect_eq(fake_reply(), 425, "%s", fake.reply);
    fake_say("EPSV 1");
    cr_expect_eq(fake_reply(), 522, "%s", fake.reply);
    fake_hang_up(ENDING_CLOSED);
}
