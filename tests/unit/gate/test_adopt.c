/* Tests sessions of a gate that has ended, which master gives to this gate. The
 * test plays master and these sessions. */
#include "bench.h"
#include "sallyport/base/clock.h"
#include "support/cast.h"

#define NO_BAN "no_ban = 127.0.0.0/8\n"
#define SEVEN  7

/* Makes gate adopt a session. Returns the session's end of the channel. */
static struct channel adopted_as(struct bench *b, uint64_t serial,
                                 const char *from, bool logged_in)
{
    struct address peer;
    struct channel c;
    int far = channel_make(&c, PROCESS_SESSION, PROCESS_GATE, PHASE_RUN);

    cr_assert_eq(address_parse(slice_from(from), &peer), 0);
    peer.port = 4000;
    SAY(&b->master, adopt, .serial = serial, .peer = peer, .local = b->control,
        .server = b->control, .known = true, .logged_in = logged_in,
        .session = far);
    close(far);
    return c;
}

static struct channel adopted(struct bench *b, const char *from, bool logged_in)
{
    return adopted_as(b, SEVEN, from, logged_in);
}

static struct address get_port(struct channel *c)
{
    REQUEST(c, port);
    while (cast_hear(c) == MSG_ticket_keys)
        ;
    cast_check(c, 1, MSG_port_is, &heard);
    cr_assert_eq(heard.request, c->last_request);
    return heard.port_is.address;
}

static void is_refused(struct bench *b, const char *from, const char *why)
{
    int client = client_connect(from, b->control.port);
    char line[128];

    client_line(client, line, sizeof(line));
    cr_assert_eq(strncmp(line, "421 ", 4), 0, "%s", line);
    cr_assert(strstr(line, why), "%s", line);
    close(client);
}

GateTest(adopt, a_session_goes_on, .settings = NO_BAN "max_per_address = 1\n",
         .ports = 2, .shut = true)
{
    struct channel c;
    struct fake f;
    int client;

    c = adopted(b, "127.0.0.1", true);
    cr_expect_neq(get_port(&c).port, 0);
    SAY(&b->master, open);
    EXPECT(&b->master, serving);
    is_refused(b, "127.0.0.1", "from your address");
    channel_close(&c);
    SAY(&b->master, reaped, .serial = SEVEN);
    bench_heard(b);
    f = bench_enter(b, "127.0.0.1", &client);
    close(client);
    bench_gone(b, &f);
}

/* An adopted session counts as a session without a login until its user logs
 * in; then gate sends it ticket keys. */
GateTest(adopt, a_session_logs_in_later, .settings = NO_BAN "startups = 1\n")
{
    struct channel c;
    char line[64];
    int client;

    c = adopted(b, "127.0.0.1", false);
    bench_heard(b);
    client = client_connect("127.0.0.2", b->control.port);
    bench_heard(b);
    cr_assert(bench_quiet(b));
    bench_log_in(b, SEVEN);
    EXPECT(&c, ticket_keys);
    bench_session(b);
    cr_assert_str_eq(client_line(client, line, sizeof(line)), "220 fake\r\n");
    cr_expect_neq(get_port(&c).port, 0);
    channel_close(&c);
}

/* Gate learns the address to which a proxy's client has connected from master,
 * or from the session if the client isn't known yet. */
Test(adopt, a_client_of_a_proxy, .timeout = 60)
{
    const struct bench_plan plan = {
        .settings = NO_BAN "listen = 127.0.0.1:1 proxy\nproxies = 127.0.0.5\n",
        .proxy = true,
        .first = true
    };
    struct address server = { .family = 4, .bytes = { 192, 0, 2, 1 } };
    struct address client, told;
    struct channel c[2];
    struct bench b;

    bench_start(&b, &plan);
    for (uint64_t i = 0; i < 2; i++) {
        int far = channel_make(&c[i], PROCESS_SESSION, PROCESS_GATE, PHASE_RUN);

        client = (struct address){ .family = 4, .bytes = { 127, 0, 0, 5 } };
        SAY(&b.master, adopt, .serial = i + 1, .peer = client,
            .local = b.control, .server = server, .proxied = true,
            .known = i == 0, .logged_in = i == 0, .session = far);
        close(far);
    }
    told = get_port(&c[0]);
    cr_expect(address_same_host(&told, &server));
    client.bytes[3] = 9;
    REQUEST(&c[1], admit, .client = client, .server = server);
    EXPECT(&b.master, session_peer);
    cr_expect_eq(heard.session_peer.serial, 2);
    cr_expect(address_same_host(&heard.session_peer.peer, &client));
    cr_expect(address_same_host(&heard.session_peer.server, &server));
    channel_close(&c[0]);
    channel_close(&c[1]);
    bench_stop(&b, 0);
}

GateTest(adopt, a_session_lies, .settings = NO_BAN)
{
    struct channel c;

    c = adopted(b, "127.0.0.1", true);
    cr_assert_eq(send(c.fd, "nonsense", 8, MSG_NOSIGNAL), 8);
    EXPECT(&b->master, kill);
    cr_expect_eq(heard.kill.serial, SEVEN);
    cr_expect_eq(heard.kill.why, ENDING_PEER);
    SAY(&b->master, reaped, .serial = SEVEN);
    bench_reports(b, "malformed");
    channel_close(&c);
}

/* Master sends the same session twice, and one for which no place is left. Gate
 * closes their channels, and continues. */
GateTest(adopt, impossible_sessions, .settings = NO_BAN "max_sessions = 1\n")
{
    static const uint64_t serials[] = { SEVEN, SEVEN, SEVEN + 1 };
    struct channel c[3];

    for (int i = 0; i < 3; i++)
        c[i] = adopted_as(b, serials[i], "127.0.0.1", true);
    for (int i = 1; i < 3; i++)
        cast_hear_end(&c[i]);
    cr_expect_neq(get_port(&c[0]).port, 0);
    for (int i = 0; i < 3; i++)
        channel_close(&c[i]);
}
