/* Tests of sessions that come through a proxy: until gate has named the client,
 * master has only the proxy's address, and tells log and auth nothing about the
 * session. */
#include "sallyport/base/fd.h"
#include "stage.h"

static const struct address proxy = { .family = 4,
                                      .bytes = { 10, 0, 0, 5 },
                                      .port = 4000 };
static const struct address client = { .family = 4,
                                       .bytes = { 198, 51, 100, 1 },
                                       .port = 4711 };

static void by_proxies(struct master *m)
{
    m->settings.listen[0].proxied = true;
}

static void by_proxies_and_waits(struct master *m)
{
    by_proxies(m);
    stage_waits(m);
}

static void enter(struct player *p, uint64_t serial)
{
    player_enter_from(p, serial, &proxy);
    p->channel.phase = PHASE_START;
}

static void name(uint64_t serial, const struct address *who)
{
    SAY(&stage.gate.channel, session_peer, .serial = serial, .peer = *who,
        .server = *who);
}

static void is_entered(struct player *p)
{
    EXPECT(&p->channel, admitted);
    p->channel.phase = PHASE_GREETED;
}

/* Receives the next session that log gets: returns its serial; *PEER gets its
 * address, and *FD log's end of the channel. */
static uint64_t next_sender(struct address *peer, int *fd)
{
    do {
        EXPECT(&stage.log.channel, speaker);
        if (heard.speaker.serial == 0)
            message_close(&heard);
    } while (heard.speaker.serial == 0);
    *peer = heard.speaker.peer;
    *fd = fd_take(&heard.speaker.end);
    return heard.speaker.serial;
}

static void expect_byte(int fd, char byte)
{
    struct pollfd one = { .fd = fd, .events = POLLIN };
    char got = 0;

    cr_assert(poll(&one, 1, STAGE_WAIT_MS) == 1);
    cr_assert(recv(fd, &got, 1, 0) == 1 && got == byte);
}

/* Events from before the client is known get the client's address, too, also
 * from a new log. */
OpenTest(proxied, the_client_is_known, by_proxies)
{
    struct address peer;
    int fd;

    enter(&anna, 11);
    cr_assert_eq(send(anna.log, "x", 1, MSG_NOSIGNAL), 1);
    actor_die(&stage.log);
    actor_again(&stage.log);
    name(11, &client);
    is_entered(&anna);
    cr_expect_eq(next_sender(&peer, &fd), 11);
    cr_expect(address_same_host(&peer, &client) && peer.port == 4711);
    expect_byte(fd, 'x');
    close(fd);
    player_logs_in(&anna, &ours);
    cr_expect_eq(next_sender(&peer, &fd), 11); /* the sender of its files */
    cr_expect(address_same_host(&peer, &client));
    close(fd);
    player_leave(&anna);
}

/* A session ends before its client is known: its event has the proxy's address.
 * Log doesn't get a session that has sent nothing, such as a health check. */
OpenTest(proxied, ends_before_it_is_known, by_proxies)
{
    struct player quiet, next;
    struct address peer;
    int fd;

    enter(&quiet, 10);
    player_leave(&quiet);
    enter(&anna, 11);
    cr_assert_eq(send(anna.log, "x", 1, MSG_NOSIGNAL), 1);
    player_leave(&anna);
    cr_expect_eq(next_sender(&peer, &fd), 11);
    cr_expect(address_same_host(&peer, &proxy));
    expect_byte(fd, 'x');
    close(fd);
    name(11, &client); /* too late, but no lie */
    enter(&next, 12);
    name(12, &client);
    is_entered(&next);
    cr_expect_eq(next_sender(&peer, &fd), 12);
    close(fd);
    player_leave(&next);
    gate_hears(MSG_reaped, 12);
    /* Gate has refused the client since it is busy: the session isn't
     * fruitless. */
    enter(&next, 13);
    player_ends(&next, W_EXITCODE(ENDING_KEPT_OUT, 0));
    gate_hears(MSG_reaped, 13);
    cr_expect_not(heard.reaped.fruitless);
    player_leave(&next);
    enter(&next, 14);
    SAY(&next.channel, login, 1); /* too early */
    stage_reports(EVENT_PEER, "a message in the wrong phase");
    gate_hears(MSG_reaped, 14);
    cast_skip_to_end(&next.channel);
    player_leave(&next);
}

/* A session understands MSG_kick at any time. */
OpenTest(proxied, kicked_before, by_proxies_and_waits)
{
    enter(&anna, 11);
    kill(stage.master, SIGTERM);
    EXPECT(&stage.gate.channel, stop_accepting);
    cr_expect_eq(EXPECT(&anna.channel, kick)->why, ENDING_SHUTDOWN);
    name(11, &client); /* this message crosses the kick */
    SAY(&stage.gate.channel, kill, .serial = 11, .why = ENDING_PEER);
    gate_hears(MSG_reaped, 11);
    cast_skip_to_end(&anna.channel);
    player_leave(&anna);
}

static void twice(void)
{
    name(11, &client);
    name(11, &client);
}

static void nobody(void)
{
    name(11, &(struct address){ .family = 0 });
}

static void once(void)
{
    name(11, &client);
}

/* Master replaces a gate that names a client twice, names a client for a
 * session without a proxy, or names no address. */
static const struct {
    void (*adjust)(struct master *m);
    void (*act)(void);
    const char *wrong;
} lies[] = {
    { by_proxies, twice, "a client that is known already" },
    { NULL, once, "a client that is known already" },
    { by_proxies, nobody, "a client without an address" },
};

Test(proxied, lies)
{
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {

        stage_open(lies[i].adjust);
        player_enter_from(&anna, 11, &proxy);
        lies[i].act();
        stage_reports(EVENT_PEER, lies[i].wrong);
        player_leave(&anna);
        actor_again(&stage.gate);
        stage_close();
    }
}
