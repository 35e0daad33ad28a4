/* Tests who makes room: each limit, reached by one, two or three networks, in
 * each layout of their addresses. A client of another network must begin soon.
 * The test is master, and obeys gate as master does. */
#include <poll.h>
#include <sys/resource.h>

#include "bench.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/domain/bans.h"
#include "support/long.h"
#include "support/wait.h"

#define SOON_MS 2000
#define CLIENTS 320
#define USERS   8

/* BEGUN: how many sessions without a login begin. FLOOD: connections that the
 * other networks make, more than the limit permits. */
static const struct room_limit {
    const char *name, *settings;
    unsigned begun, flood;
} limits[] = {
    { "startups", "startups = 12\nmax_sessions = 400\n", 12, 24 },
    { "max_sessions", "startups = 100\nmax_sessions = 30\n", 30, 40 },
    { "the queue", "startups = 6\nmax_sessions = 400\n", 6, 270 },
    { "max_sessions, by sessions in the queue",
      "startups = 6\nmax_sessions = 60\n", 6, 80 },
};

enum layout_kind { ADDRESSES, WIDE, NEIGHBOURS_56, NEIGHBOURS_64 };

static const struct room_layout {
    const char *name, *other; /* the address of the other network */
    bool proxied;
    bool young; /* one more network never waits for longer than YOUNG_MS */
    enum layout_kind kind;
    bool crossed;  /* the other network comes by the other listener */
    unsigned rate; /* connections a second with which the flood goes on */
} layouts[] = {
    { "direct", "127.0.0.9", .kind = ADDRESSES },
    { "direct, beside young ones", "127.0.0.9", .young = true },
    { "by a proxy", "198.51.100.9", .proxied = true },
    { "networks /48", "[2001:db8:ffff::1]", true, .kind = WIDE },
    { "neighbours /56", "[2001:db8::1]", true, .kind = NEIGHBOURS_56 },
    { "neighbours /64", "[2001:db8::1]", true, .kind = NEIGHBOURS_64 },
    { "direct, 3 a second", "127.0.0.9", true, .crossed = true, .rate = 3 },
    { "direct, 5 a second", "127.0.0.9", true, .crossed = true, .rate = 5 },
    { "direct, 10 a second", "127.0.0.9", true, .crossed = true, .rate = 10 },
    { "by a proxy, 10 a second", "198.51.100.9", .crossed = true, .rate = 10 },
};

#define YOUNG_MS       350
#define YOUNG_AGAIN_MS 200
#define YOUNG          "127.0.9.9"

struct client {
    int fd;
    struct address here;
    char from[64];
    uint64_t came;
    struct fake f; /* pid 0: no session */
    bool proxied, begun, over, killed;
};

struct room {
    struct bench b;
    const struct room_layout *layout;
    struct client client[CLIENTS];
    unsigned clients, begun, killed;
    uint64_t again; /* when a second session ended */
};

static struct client *come_by(struct room *r, const char *from, bool proxied)
{
    struct client *c = &r->client[r->clients++];

    cr_assert_leq(r->clients, CLIENTS);
    *c = (struct client){
        .came = clock_ms(), .proxied = proxied, .f.rope = -1, .f.log = -1
    };
    snprintf(c->from, sizeof(c->from), "%s", from);
    c->fd = client_connect(proxied ? "127.0.0.5" : from,
                           !proxied && r->b.direct.port ? r->b.direct.port
                                                        : r->b.control.port);
    cr_assert_eq(address_of_socket(c->fd, &c->here), 0);
    return c;
}

static struct client *come(struct room *r, const char *from)
{
    return come_by(r, from, r->layout->proxied);
}

static struct client *other_comes(struct room *r)
{
    return come_by(r, r->layout->other,
                   r->layout->proxied != r->layout->crossed);
}

static struct client *flooder(struct room *r, unsigned network, unsigned n)
{
    char from[64];

    switch (r->layout->kind) {
    case ADDRESSES:
        snprintf(from, sizeof(from), "127.0.1.%u", network);
        break;
    case WIDE:
        snprintf(from, sizeof(from), "[2001:db8:%x:%x::1]", network, n);
        break;
    case NEIGHBOURS_56:
        snprintf(from, sizeof(from), "[2001:db8:0:%x%02x::1]", network,
                 n & 255);
        break;
    case NEIGHBOURS_64:
        snprintf(from, sizeof(from), "[2001:db8:0:%x::%x]", network, n);
        break;
    }
    return come(r, from);
}

static bool is_at(const struct client *c, const struct address *peer)
{
    return !c->over && c->here.port == peer->port &&
           address_same_host(&c->here, peer);
}

/* Finds a client by PEER, or by SERIAL. */
static struct client *client_of(struct room *r, const struct address *peer,
                                uint64_t serial)
{
    for (unsigned i = 0; i < r->clients; i++)
        if (peer ? is_at(&r->client[i], peer) : r->client[i].f.serial == serial)
            return &r->client[i];
    cr_assert_fail("an unknown session");
    return NULL;
}

static void has_begun(struct room *r, struct client *c)
{
    c->begun = true;
    r->begun++;
}

static void obey(struct room *r, struct message *m)
{
    struct client *c;
    char line[128];

    if (m->kind == MSG_session) {
        c = client_of(r, &m->session.peer, 0);
        c->f = (struct fake){ .serial = m->session.serial,
                              .pid = (pid_t)m->session.pid,
                              .rope = fd_take(&m->session.master),
                              .log = fd_take(&m->session.log) };
        snprintf(line, sizeof(line), "enter %s:4711 %s", c->from,
                 c->from[0] == '[' ? "[2001:db8:1::7]:21" : "203.0.113.7:21");
        if (c->proxied)
            fake_do(&c->f, line);
        else
            has_begun(r, c);
    } else if (m->kind == MSG_session_peer) {
        has_begun(r, client_of(r, NULL, m->session_peer.serial));
    } else if (m->kind == MSG_kill) {
        c = client_of(r, NULL, m->kill.serial);
        cr_assert_eq(m->kill.why, ENDING_CROWDED);
        cr_assert_not(c->killed);
        c->killed = true;
        if (++r->killed == 2)
            r->again = clock_ms();
        kill(c->f.pid, SIGKILL);
    }
    message_close(m);
}

/* If gate refuses the client, the session ends by itself. */
static void hear(struct room *r, struct client *c)
{
    char line[256];
    ssize_t n = recv(c->f.rope, line, sizeof(line), MSG_DONTWAIT);

    if (n > 0) {
        send(c->f.rope, "exit 0", 6, MSG_NOSIGNAL);
        return;
    }
    cr_assert_eq(waitpid(c->f.pid, NULL, 0), c->f.pid);
    SAY(&r->b.master, reaped, .serial = c->f.serial);
    fd_close(&c->f.rope);
    fd_close(&c->f.log);
    close(c->fd);
    c->over = true;
    r->begun -= c->begun;
}

static void be_young(struct room *r)
{
    const uint64_t now = clock_ms();
    uint64_t last = 0;

    for (unsigned i = 0; i < r->clients; i++) {
        struct client *c = &r->client[i];

        if (strcmp(c->from, YOUNG) != 0)
            continue;
        last = c->came;
        if (now >= c->came + YOUNG_MS && !c->over && c->f.pid == 0) {
            close(c->fd);
            c->over = true;
        } else if (now >= c->came + YOUNG_MS && !c->over) {
            shutdown(c->fd, SHUT_RDWR);
        }
    }
    if (now >= last + YOUNG_AGAIN_MS)
        come(r, YOUNG);
}

/* Handles what comes within 10 ms. */
static void turn(struct room *r)
{
    struct pollfd fds[1 + CLIENTS];
    struct message m;

    fds[0] = (struct pollfd){ .fd = r->b.master.fd, .events = POLLIN };
    for (unsigned i = 0; i < r->clients; i++)
        fds[1 + i] =
            (struct pollfd){ .fd = r->client[i].f.rope, .events = POLLIN };
    poll(fds, 1 + r->clients, 10);
    for (unsigned i = r->clients; i-- > 0;)
        if (fds[1 + i].revents)
            hear(r, &r->client[i]);
    while (channel_receive(&r->b.master, &m) == 1)
        obey(r, &m);
}

/* Has each connection got an answer, or the place that it gets? */
static bool is_settled(struct room *r, unsigned begun)
{
    struct pollfd one = { .events = POLLIN | POLLRDHUP };

    if (r->begun < begun)
        return false;
    for (unsigned i = 0; i < r->clients; i++) {
        one.fd = r->client[i].fd;
        if (r->client[i].proxied && r->client[i].f.pid == 0 &&
            poll(&one, 1, 0) == 0)
            return false;
    }
    bench_heard(&r->b);
    return bench_quiet(&r->b);
}

static void settle(struct room *r, unsigned begun, const char *what)
{
    const uint64_t end = clock_ms() + WAIT_MS;

    do {
        cr_assert_lt(clock_ms(), end, "%s, %s: %u of %u", what, r->layout->name,
                     r->begun, begun);
        turn(r);
    } while (!is_settled(r, begun));
}

static void log_in_users(struct room *r, unsigned users)
{
    for (unsigned i = 0; i < users; i++) {
        struct client *c = other_comes(r);

        settle(r, 1, "users");
        bench_logged_in(&r->b, &c->f);
        r->begun--;
        c->begun = false;
    }
}

/* The flood goes on. */
static void flood_on(struct room *r, uint64_t since, unsigned *more)
{
    while (r->layout->rate > 0 &&
           (clock_ms() - since) * r->layout->rate >= (*more + 1) * 1000)
        flooder(r, 1, 128 + (*more)++);
}

static void room_open(struct room *r, const struct room_layout *layout,
                      const char *limit, unsigned places)
{
    const bool proxied = layout->proxied || layout->crossed;
    char settings[256];
    const struct bench_plan plan = { .settings = settings,
                                     .first = true,
                                     .both = layout->crossed,
                                     .places = places };

    snprintf(settings, sizeof(settings), "%s%smax_per_address = 400\n", limit,
             proxied ? "listen = 127.0.0.1:1 proxy\n"
                       "proxies = 127.0.0.5\n"
                     : "");
    *r = (struct room){ .layout = layout };
    bench_start(&r->b, &plan);
}

static void room_close(struct room *r)
{
    for (unsigned i = 0; i < r->clients; i++) {
        if (!r->client[i].over)
            close(r->client[i].fd);
        fd_close(&r->client[i].f.rope);
        fd_close(&r->client[i].f.log);
    }
    bench_stop(&r->b, 0);
}

/* Networks fill the limit. Then a client of another network comes, which has
 * USERS logged in. */
static void expect_room(const struct room_limit *limit,
                        const struct room_layout *layout, unsigned networks,
                        unsigned users)
{
    static struct room r;
    const bool crowded = limit->begun + users > limit->flood - 10;
    struct client *other;
    unsigned more = 0;
    uint64_t begun;

    room_open(&r, layout, limit->settings, 0);
    log_in_users(&r, users);
    for (unsigned i = 0; i < limit->flood; i++)
        flooder(&r, 1 + i % networks, i / networks);
    settle(&r, crowded ? limit->begun - users : limit->begun, limit->name);
    begun = clock_ms();
    other = other_comes(&r);
    while (!other->begun && clock_ms() < begun + SOON_MS) {
        turn(&r);
        if (layout->young)
            be_young(&r);
        flood_on(&r, begun, &more);
    }
    cr_expect(other->begun, "%s, %s: beside %u networks, %u users", limit->name,
              layout->name, networks, users);
    room_close(&r);
}

/* A short run has one number of networks for each layout. */
static void expect_all(const struct room_limit *limit)
{
    struct rlimit files;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
        for (unsigned networks = 1; networks <= (layouts[i].rate ? 1 : 3);
             networks++) {
            if (!is_long() && layouts[i].rate == 0 && networks != 1 + i % 3)
                continue;
            expect_room(limit, &layouts[i], networks, 0);
            if (layouts[i].kind == ADDRESSES)
                expect_room(limit, &layouts[i], networks, USERS);
        }
}

Test(room, at_startups, .timeout = 300)
{
    expect_all(&limits[0]);
}

Test(room, at_max_sessions, .timeout = 300)
{
    expect_all(&limits[1]);
}

Test(room, in_the_queue, .timeout = 300, WITHOUT_SANITIZERS)
{
    expect_all(&limits[2]);
}

Test(room, at_max_sessions_by_the_queue, .timeout = 300)
{
    expect_all(&limits[3]);
}

static struct room room;

static void turn_until(const bool *done, const char *what)
{
    const uint64_t end = clock_ms() + WAIT_MS;

    while (!*done) {
        cr_assert_lt(clock_ms(), end, "%s", what);
        turn(&room);
    }
}

/* The sessions that end for an address's connections count for it at once: the
 * other network keeps as many as the address gets, and one ends for OTHER. */
Test(room, an_address_in_the_queue, .timeout = 120)
{
    const struct client *first, *other;

    room_open(&room, &layouts[0], "startups = 400\nmax_sessions = 60\n", 0);
    for (unsigned i = 0; i < 60; i++)
        flooder(&room, 1, i);
    settle(&room, 60, "a full server");
    first = flooder(&room, 2, 0);
    for (unsigned i = 1; i < 64; i++)
        flooder(&room, 2, i);
    turn_until(&first->begun, "the first one");
    other = other_comes(&room);
    turn_until(&other->begun, "another network");
    cr_expect_leq(room.killed, 31);
    cr_expect_geq(room.killed, 2);
    room_close(&room);
}

/* While more sessions live than max_sessions permits, the end of one gives
 * nobody a place. */
Test(room, max_sessions_lowered, .timeout = 60)
{
    struct message m;
    char line[128];

    room_open(&room, &layouts[0], "startups = 400\nmax_sessions = 6\n", 20);
    for (unsigned i = 0; i < 4; i++)
        flooder(&room, 1, i);
    settle(&room, 4, "sessions");
    for (uint64_t i = 1; i <= 4; i++) {
        struct address peer;

        cr_assert_eq(address_parse(slice_from("127.0.3.1"), &peer), 0);
        SAY(&room.b.master, elder, .serial = i, .peer = peer);
    }
    bench_heard(&room.b);
    cr_expect(strstr(client_line(other_comes(&room)->fd, line, sizeof(line)),
                     "421 Too many connections: the server is full") == line);
    cr_expect_eq(channel_receive(&room.b.master, &m), 0);
    room_close(&room);
}

/* A banned network behind the proxy meets a full server. Its connections get
 * the places of its own refused sessions, unless these take too long. */
Test(room, a_banned_network_by_a_proxy, .timeout = 60)
{
    struct ban one = { .bits = 24, .since = time(NULL) };
    struct client *banned[8];

    room_open(&room, &layouts[2], "startups = 100\nmax_sessions = 30\n", 0);
    for (unsigned i = 0; i < 30; i++)
        flooder(&room, 1 + i % 3, i);
    settle(&room, 30, "a full server");
    cr_assert_eq(address_parse(slice_from("198.51.100.0"), &one.network), 0);
    cr_assert_geq(bans_put(room.b.bans, &one, one.since), 0);
    for (unsigned i = 0; i < 8; i++)
        banned[i] = other_comes(&room);
    for (unsigned i = 0; i < 8; i++)
        turn_until(&banned[i]->over, "a refusal");
    cr_expect_geq(room.killed, 1);
    cr_expect(room.killed < 2 ||
              room.again >= banned[0]->came + 2 * QUEUE_ROOM_MS);
    room_close(&room);
}

/* Among equals the oldest makes room, of whatever family it is. */
static void expect_oldest(const char *first, const char *second)
{
    const struct client *other;

    room_open(&room, &layouts[2], "startups = 4\nmax_sessions = 400\n", 0);
    for (unsigned i = 0; i < 4; i++) {
        come(&room, i < 2 ? first : second);
        settle(&room, i + 1, first);
    }
    other = other_comes(&room);
    turn_until(&other->begun, first);
    cr_expect(room.client[0].killed, "%s before %s", second, first);
    room_close(&room);
}

Test(room, families, .timeout = 60)
{
    expect_oldest("127.0.1.1", "[2001:db8::1]");
    expect_oldest("[2001:db8::1]", "127.0.1.1");
}
