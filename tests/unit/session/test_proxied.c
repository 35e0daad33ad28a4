/* A session behind a proxy: how much it reads of the header, its requests to
 * gate, and its reactions to the answers. */
#include "fake.h"
#include "sallyport/base/clock.h"

#define LINE   "PROXY TCP4 198.51.100.1 203.0.113.7 4711 21\r\n"
#define BINARY "\r\n\r\n\0\r\nQUIT\n"
#define CLIENT "\xc6\x33\x64\x01\xcb\x00\x71\x07\x12\x67\x00\x15"
#define OTHER  "\xc6\x33\x64\x02\xcb\x00\x71\x07\x12\x67\x00\x15"
#define TLV    "\x04\x00\x05hello"

static void begin(void)
{
    fake.proxied = true;
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

    EXPECT(&fake.gate, admit);
    cr_expect_str_eq(address_port_text(&heard.admit.client, text), client);
    cr_expect_str_eq(address_port_text(&heard.admit.server, text), server);
    fake.gate.phase = PHASE_RUN;
}

/* Plays a session up to its request to gate about the client. */
static void begin_entering(void)
{
    begin();
    send_bytes(fake.control, SLICE(LINE));
    hear_enter("198.51.100.1:4711", "203.0.113.7:21");
}

static void let_in(void)
{
    SAY(&fake.master, admitted);
    fake.master.phase = PHASE_GREETED;
}

/* Expects that the session ends without any event. */
static void expect_no_event(void)
{
    cast_hear_end(&fake.log);
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
        begin();
        send_bytes(fake.control, headers[i].header);
        send_bytes(fake.control, SLICE("NOOP\r\nSYST\r\n"));
        hear_enter(headers[i].client, headers[i].server);
        fake_expect_asleep(200);
        cr_expect(fake_is_quiet(fake.control, 0));
        let_in();
        cr_expect_eq(fake_reply(), 220, "%s", fake.reply);
        cr_expect_eq(fake_reply(), 200, "%s", fake.reply);
        cr_expect_eq(fake_reply(), 215, "%s", fake.reply);
        cr_assert(fake_event(EVENT_CONNECT, &logged));
        fake_expect_text(&logged, FIELD_LOCAL, headers[i].server);
        fake_expect_text(&logged, FIELD_VIA, "127.0.0.1:40000");
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

/* Plays a session from the header up to PROT P. */
static void open_session(void)
{
    begin_entering();
    let_in();
    fake_login();
    fake_do("PBSZ 0", 200);
    fake_do("PROT P", 200);
}

/* ---- connections without a client ---- */

static const struct {
    const char *name;
    struct slice bytes;
    bool cut;         /* the proxy closes after the bytes */
    const char *said; /* the session's bytes to the proxy */
    int status;
    const char *reason; /* the reason of its one event; NULL: it has none */
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

/* Reads all bytes that the session sends to the proxy. They must begin with
 * SAID; "": there must be none */
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

/* login_timeout counts for the header, and for gate's answer. */
Test(session_proxied, a_slow_header_or_no_answer, .timeout = 60)
{
    fake_settings("login_timeout", 2000);
    for (int whole = 0; whole < 2; whole++) {
        begin();
        send_bytes(fake.control, whole ? SLICE(LINE) : SLICE("PROXY TCP4 "));
        if (whole)
            hear_enter("198.51.100.1:4711", "203.0.113.7:21");
        cr_expect_eq(fake_reply(), 421, "%s", fake.reply);
        fake_hang_up(ENDING_LOGIN_TIME);
    }
}

/* If gate doesn't admit the client, the session ends at once, even if the
 * client stays connected. It sends no event: gate has reported the refusal to
 * log, at a limited rate. */
Test(session_proxied, kept_out, .timeout = 60)
{
    uint64_t began;

    begin_entering();
    began = clock_ms();
    SAY_BACK(&fake.gate, not_admitted, .why = SLICE("from your address"));
    fake_replies(421, "from your address");
    cr_expect_eq(fake_end(), ENDING_KEPT_OUT);
    cr_expect_lt(clock_ms() - began, 5000);
    expect_no_event();
}

Test(session_proxied, kicked_before_its_header, .init = begin, .timeout = 60)
{
    send_bytes(fake.control, SLICE("PROXY "));
    fake_kick(ENDING_SHUTDOWN);
    cr_expect_eq(fake_reply(), 421);
    fake_hang_up(ENDING_SHUTDOWN);
}

/* Master's and gate's answers may come after the session's end has begun. */
Test(session_proxied, kicked_while_gate_is_asked, .timeout = 60)
{
    for (int i = 0; i < 2; i++) {
        begin_entering();
        fake_kick(ENDING_SHUTDOWN);
        cr_expect_eq(fake_reply(), 421);
        if (i == 0)
            SAY(&fake.master, admitted);
        else
            SAY_BACK(&fake.gate, not_admitted);
        fake_hang_up(ENDING_SHUTDOWN);
    }
}

Test(session_proxied, the_client_goes_while_gate_is_asked,
     .init = begin_entering, .timeout = 60)
{
    fake_drop();
    cr_expect_eq(fake_end(), ENDING_CLOSED);
}

/* ---- peers that lie ---- */

static void let_in_unasked(void)
{
    SAY(&fake.master, admitted);
}

static void keep_out_unasked(void)
{
    SAY(&fake.gate, not_admitted, .why = SLICE("no"));
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
        fake.proxied = lies[i].proxied;
        fake_start();
        /* The test's channel permits master's message in this phase. */
        fake.master.phase = PHASE_GREETED;
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

static void open_port(void)
{
    open_session();
    ask_port();
}
#define WITH_PORT .init = open_port, .fini = fake_leave, .timeout = 60

/* Connects through the proxy as the client. Returns the client's end. */
static int come_through(void)
{
    int data = fake_come();

    send_bytes(data, SLICE(LINE));
    return data;
}

static void is_foreign(const char *whose, const char *why)
{
    cr_assert(fake_event(EVENT_DATA_REFUSED, &logged));
    cr_expect(slice_starts(logged.text[FIELD_STRANGER], slice_from(whose)),
              "%.*s", (int)logged.text[FIELD_STRANGER].len,
              logged.text[FIELD_STRANGER].ptr);
    fake_expect_text(&logged, FIELD_REASON, why);
}

static void play_transfer(int data)
{
    struct tls_client *tls;
    char text[16] = "";
    int pipe = fake_list();

    cr_assert_eq(write(pipe, "names", 5), 5);
    fake_listed(pipe, OUTCOME_OK);
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

/* Connections of others that come before the client's. WHY is NULL for the
 * proxy's own check, which has no line in the log. */
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

/* Each row has a session of its own, since a session logs only one refused
 * connection per second. */
Test(session_proxied, others_are_given_back, .timeout = 60)
{
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        int data;

        open_port();
        data = fake_come();
        if (others[i].bytes.len > 0)
            send_bytes(data, others[i].bytes);
        if (others[i].cut)
            shutdown(data, SHUT_WR);
        fake_expect_closed(data);
        if (others[i].why)
            is_foreign(others[i].whose, others[i].why);
        fake_say("NLST");
        play_transfer(come_through());
        fake_hang_up(ENDING_CLOSED);
    }
}

/* The line of the end says that a connection came and no command; a stranger's
 * connection doesn't count. */
Test(session_proxied, data_without_a_command, .timeout = 60)
{
    for (int stranger = 0; stranger < 2; stranger++) {
        int data;

        open_port();
        data = stranger ? fake_come() : come_through();
        if (stranger) {
            send_bytes(data, others[0].bytes);
            fake_expect_closed(data);
        }
        fake_do("QUIT", 221);
        if (!stranger)
            close(data);
        fake_hang_up(ENDING_QUIT);
        cr_expect_eq(strcmp(fake_end_reason(), "quit") == 0, stranger, "%s",
                     fake_end_reason());
    }
}

/* While the session reads one header, the next connection waits, and isn't
 * lost. */
Test(session_proxied, one_at_a_time, WITH_PORT)
{
    int first = fake_come(), second;

    send_bytes(first, SLICE("PROXY "));
    fake_do("NOOP", 200);
    second = come_through();
    fake_say("NLST");
    send_bytes(first, SLICE("nonsense\r\n"));
    fake_expect_closed(first);
    play_transfer(second);
}

/* The session refuses a connection that doesn't come from the proxy, even if
 * the client itself makes it. */
Test(session_proxied, past_the_proxy, WITH_PORT)
{
    fake_expect_closed(fake_come_from("127.0.0.77"));
    is_foreign("127.0.0.77:", "not who is expected");
}

Test(session_proxied, a_slow_header_of_data, LEAVES)
{
    int data;

    fake_settings("connect_timeout", 2000);
    open_port();
    data = fake_come();
    send_bytes(data, SLICE("PROXY "));
    fake_expect_closed(data);
    is_foreign("127.0.0.1", "no PROXY header in order");
}

/* EPSV and ABOR can end the wait for a header. The next EPSV works. */
Test(session_proxied, given_up_within_a_header, WITH_PORT)
{
    static const char *const ends[] = { "EPSV", "ABOR" };
    static const int codes[] = { 229, 225 };
    int data;

    for (int i = 0; i < 2; i++) {
        data = fake_come();
        send_bytes(data, SLICE("PROXY "));
        fake_do("NOOP", 200);
        fake_do(ends[i], codes[i]);
        close(data);
    }
    fake_do("EPSV", 229);
    data = come_through();
    fake_say("NLST");
    play_transfer(data);
}

/* PASV can only announce an IPv4 address: it is refused if the client has
 * connected to an IPv6 address, or if gate's address for the client is IPv6. */
Test(session_proxied, pasv_and_ipv6, .init = open_session, LEAVES)
{
    fake_say("PASV");
    fake_lend("2001:db8::9", true);
    cr_assert_eq(fake_reply(), 425, "%s", fake.reply);
    fake_do("EPSV", 229);
    fake_hang_up(ENDING_CLOSED);
    open_session();
    fake_say("PASV");
    fake_lend("192.0.2.77", true);
    fake_replies(227, "(192,0,2,77,");
    fake_hang_up(ENDING_CLOSED);
    fake_start();
    send_bytes(fake.control, SLICE("PROXY TCP6 2001:db8::1 ::2 4711 21\r\n"));
    hear_enter("[2001:db8::1]:4711", "[::2]:21");
    let_in();
    fake_login();
    fake_do("PASV", 425);
    fake_do("EPSV 1", 522);
}
