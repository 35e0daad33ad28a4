/* Sessions that come through a proxy: until gate has named the client, master
 * knows only the proxy, and neither log nor auth learns of the session. */
#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

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
    m->settings.listen_proxy[0] = true;
}

static void enter(struct stage *s, struct player *p, uint64_t serial)
{
    player_enter_from(s, p, serial, &proxy);
    p->channel.phase = PHASE_START;
}

static void name(struct stage *s, uint64_t serial, const struct address *who)
{
    TELL(&s->gate.channel, session_peer, .serial = serial, .peer = *who,
         .server = *who);
}

static void is_entered(struct player *p)
{
    struct message got;

    player_hear(p, MSG_admitted, &got);
    p->channel.phase = PHASE_GREETED;
}

/* Receives the next session that log learns of, and its end of the channel. */
static uint64_t next_sender(struct stage *s, struct address *peer, int *fd)
{
    struct message p;

    do {
        actor_hear(&s->log, MSG_log_sender, &p);
        if (p.log_sender.serial == 0)
            message_close(&p);
    } while (p.log_sender.serial == 0);
    *peer = p.log_sender.peer;
    *fd = fd_take(&p.log_sender.sender);
    return p.log_sender.serial;
}

static void expect_byte(int fd, char byte)
{
    struct pollfd one = { .fd = fd, .events = POLLIN };
    char got = 0;

    cr_assert(poll(&one, 1, STAGE_WAIT_MS) == 1);
    cr_assert(recv(fd, &got, 1, 0) == 1 && got == byte);
}

/* Earlier events get the client's address, too. */
Test(proxied, the_client_is_known)
{
    struct address peer;
    struct actor files;
    struct player p;
    struct stage s;
    int fd;

    stage_open(&s, by_proxies);
    enter(&s, &p, 11);
    cr_assert_eq(send(p.log, "x", 1, MSG_NOSIGNAL), 1);
    name(&s, 11, &client);
    is_entered(&p);
    cr_expect_eq(next_sender(&s, &peer, &fd), 11);
    cr_expect(address_same_host(&peer, &client) && peer.port == 4711);
    expect_byte(fd, 'x');
    close(fd);
    player_logs_in(&s, &p, &files);
    cr_expect_eq(next_sender(&s, &peer, &fd), 11); /* the sender of its files */
    cr_expect(address_same_host(&peer, &client));
    close(fd);
    stage_leave(&s, &p);
}

/* Its one event has the address that is known. A session that sent nothing,
 * such as a health check, is unknown to log. */
Test(proxied, ends_before_it_is_known)
{
    struct player quiet, p, next;
    struct address peer;
    struct stage s;
    int fd;

    stage_open(&s, by_proxies);
    enter(&s, &quiet, 10);
    player_leave(&quiet);
    enter(&s, &p, 11);
    cr_assert_eq(send(p.log, "x", 1, MSG_NOSIGNAL), 1);
    player_leave(&p);
    cr_expect_eq(next_sender(&s, &peer, &fd), 11);
    cr_expect(address_same_host(&peer, &proxy));
    expect_byte(fd, 'x');
    close(fd);
    name(&s, 11, &client); /* too late, but no lie */
    enter(&s, &next, 12);
    name(&s, 12, &client);
    is_entered(&next);
    cr_expect_eq(next_sender(&s, &peer, &fd), 12);
    close(fd);
    stage_leave(&s, &next);
}

Test(proxied, no_login_before)
{
    struct player p;
    struct stage s;

    stage_open(&s, by_proxies);
    enter(&s, &p, 11);
    TELL(&p.channel, login, 1);
    stage_reports(&s, EVENT_PEER, "a message in the wrong phase");
    gate_hears(&s, MSG_kill, 11);
    channel_hear_end(&p.channel);
    stage_leave(&s, &p);
}

/* A session understands MSG_kick at any time. */
Test(proxied, kicked_before)
{
    struct message got;
    struct player p;
    struct stage s;

    stage_open(&s, by_proxies);
    enter(&s, &p, 11);
    kill(s.master, SIGTERM);
    player_hear(&p, MSG_kick, &got);
    cr_expect_eq(got.kick.why, ENDING_SHUTDOWN);
    name(&s, 11, &client); /* it crossed the kick */
    channel_hear_end(&p.channel);
    stage_leave(&s, &p);
}

/* A new log learns of it when its client is known. */
Test(proxied, log_is_new_meanwhile)
{
    struct address peer;
    struct player p;
    struct stage s;
    int fd;

    stage_open(&s, by_proxies);
    enter(&s, &p, 11);
    actor_die(&s.log);
    actor_again(&s, &s.log);
    cr_assert_eq(send(p.log, "x", 1, MSG_NOSIGNAL), 1);
    name(&s, 11, &client);
    is_entered(&p);
    cr_expect_eq(next_sender(&s, &peer, &fd), 11);
    cr_expect(address_same_host(&peer, &client));
    expect_byte(fd, 'x');
    close(fd);
    stage_leave(&s, &p);
}

static void twice(struct stage *s)
{
    name(s, 11, &client);
    name(s, 11, &client);
}

static void nobody(struct stage *s)
{
    name(s, 11, &(struct address){ .family = 0 });
}

static void once(struct stage *s)
{
    name(s, 11, &client);
}

/* A gate that names a client for a session without a proxy is ended. */
static const struct {
    void (*adjust)(struct master *m);
    void (*act)(struct stage *s);
    const char *wrong;
} lies[] = {
    { by_proxies, twice, "a client that is known already" },
    { NULL, once, "a client that is known already" },
    { by_proxies, nobody, "a client without an address" },
};

Test(proxied, lies)
{
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct player p;
        struct stage s;

        stage_open(&s, lies[i].adjust);
        player_enter_from(&s, &p, 11, &proxy);
        lies[i].act(&s);
        stage_reports(&s, EVENT_PEER, lies[i].wrong);
        player_leave(&p);
        actor_again(&s, &s.gate);
        stage_close(&s);
    }
}
