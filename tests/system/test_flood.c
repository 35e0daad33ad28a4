/* Floods of connections that don't log in. Meanwhile a client at another
 * address must log in soon. A process of its own makes each flood. After its
 * fork it calls no function of Criterion, and it ends with the test at the
 * latest. */
#include <sched.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/random.h"
#include "support/fail.h"
#include "support/served.h"
#include "support/server_log.h"
#include "support/test.h"
#include "support/wait.h"

/* The number of connections that a process keeps open; a quarter with
 * sanitizers. */
#define FLOOD_COUNT 500
#define FLOOD_HELLO 2048

/* How far each connection goes before it only waits. */
enum flood_kind {
    FLOOD_SILENT, /* TCP, and nothing more */
    FLOOD_AUTH,   /* AUTH TLS */
    FLOOD_HALF,   /* half a ClientHello */
    FLOOD_LEAVES, /* a whole ClientHello; the client closes at the ServerHello,
                     and comes back */
    FLOOD_KINDS
};

struct flood_plan {
    unsigned port;
    unsigned count; /* of connections; 0: FLOOD_COUNT */
    enum flood_kind kind;
    const char *from;    /* the first of its addresses */
    unsigned from_count; /* 0: one */
    const char *header;  /* sent first, as a proxy would; NULL: none */
    bool subscriber;   /* sends instead a header with another /64 of one /48 for
                          each connection */
    bool stays;        /* keeps closed connections open, and comes again */
    unsigned again_ms; /* a connection that the server has closed comes back
                          after this time */
};

/* The result so far, in memory shared with the test. */
struct flood_score {
    volatile uint64_t begun;  /* TCP connections */
    volatile uint64_t closed; /* by the server */
    volatile uint64_t hellos; /* ServerHellos */
};

struct flood {
    pid_t pid;
    unsigned count;
    struct flood_score *score;
};

#define AUTH "AUTH TLS\r\n"

enum step { AWAY, CONNECTS, GREETED, ASKED, SAID };

struct flooder {
    int fd;
    unsigned number;
    enum step step;
    uint64_t at; /* when a closed connection comes back */
};

struct flooding {
    const struct flood_plan *plan;
    struct flood_score *score;
    int epoll;
    unsigned count;
    struct flooder all[FLOOD_COUNT];
    unsigned char hello[FLOOD_HELLO];
    size_t hello_len;
};

/* Records the first bytes that a TLS client would send. */
static void record_hello(struct flooding *f)
{
    int pair[2], status;
    ssize_t n;
    pid_t pid;

    FAIL_IF(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "%s",
            strerror(errno));
    pid = fork();
    if (pid == 0) {
        close(pair[0]);
        (void)!tls_client_new(pair[1], NULL);
        _exit(0);
    }
    close(pair[1]);
    n = recv(pair[0], f->hello, sizeof(f->hello), 0);
    close(pair[0]);
    FAIL_IF(pid < 0 || n < 100 || !wait_exit(pid, &status, WAIT_MS),
            "no ClientHello");
    f->hello_len = (size_t)n;
}

static void leave(struct flooding *f, struct flooder *c, unsigned ms)
{
    if (f->plan->stays)
        epoll_ctl(f->epoll, EPOLL_CTL_DEL, c->fd, NULL);
    else
        close(c->fd);
    c->step = AWAY;
    c->at = clock_ms() + ms;
}

static struct sockaddr_in address(const char *host, unsigned port)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port) };

    inet_pton(AF_INET, host, &a.sin_addr);
    return a;
}

static int socket_from(const struct flood_plan *plan, unsigned number)
{
    struct sockaddr_in from = address(plan->from, 0);
    int one = 1,
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (plan->from_count)
        from.sin_addr.s_addr =
            htonl(ntohl(from.sin_addr.s_addr) + number % plan->from_count);
    setsockopt(fd, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &one,
               sizeof(one));
    if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof(from)))
        _exit(2);
    return fd;
}

static void come(struct flooding *f, struct flooder *c)
{
    struct sockaddr_in to = address("127.0.0.1", f->plan->port);
    struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET,
                             .data.ptr = c };

    c->fd = socket_from(f->plan, c->number);
    c->step = CONNECTS;
    if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) &&
        errno != EINPROGRESS)
        leave(f, c, f->plan->again_ms);
    else if (epoll_ctl(f->epoll, EPOLL_CTL_ADD, c->fd, &e))
        _exit(3);
}

static void say(struct flooder *c, const void *bytes, size_t len)
{
    (void)!send(c->fd, bytes, len, MSG_NOSIGNAL);
}

static void connected(struct flooding *f, struct flooder *c)
{
    char subscriber[128];

    f->score->begun++;
    c->step = GREETED;
    snprintf(subscriber, sizeof(subscriber),
             "PROXY TCP6 2001:db8:0:%x::1 2001:db8:ffff::7 4711 21\r\n",
             c->number);
    if (f->plan->subscriber)
        say(c, subscriber, strlen(subscriber));
    else if (f->plan->header)
        say(c, f->plan->header, strlen(f->plan->header));
}

/* Sends the next bytes, which depend on the server's last bytes. */
static void go_on(struct flooding *f, struct flooder *c, const char *words)
{
    enum flood_kind kind = f->plan->kind;

    if (c->step == GREETED && kind != FLOOD_SILENT) {
        say(c, AUTH, strlen(AUTH));
        c->step = ASKED;
    } else if (c->step == ASKED && strncmp(words, "234 ", 4) == 0 &&
               kind != FLOOD_AUTH) {
        say(c, f->hello, kind == FLOOD_HALF ? f->hello_len / 2 : f->hello_len);
        c->step = SAID;
    } else if (c->step == SAID && words[0] == 0x16) {
        f->score->hellos++;
        leave(f, c, 0);
    }
}

static void serve(struct flooding *f, struct flooder *c, uint32_t events)
{
    char words[4096] = "";
    ssize_t n;

    if (c->step == AWAY)
        return;
    if (c->step == CONNECTS && (events & EPOLLOUT) && !(events & EPOLLERR))
        connected(f, c);
    n = recv(c->fd, words, sizeof(words) - 1, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n > 0 && strncmp(words, "421 ", 4) != 0) {
        go_on(f, c, words);
        return;
    }
    f->score->closed++;
    leave(f, c, f->plan->again_ms);
}

static _Noreturn void run(struct flooding *f)
{
    struct epoll_event ready[64];
    struct rlimit files;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    f->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (;;) {
        uint64_t now = clock_ms();
        int n;

        for (unsigned i = 0; i < f->count; i++)
            if (f->all[i].step == AWAY && f->all[i].at <= now)
                come(f, &f->all[i]);
        n = epoll_wait(f->epoll, ready, 64, 5);
        for (int i = 0; i < n; i++)
            serve(f, ready[i].data.ptr, ready[i].events);
    }
}

static bool has_begun(void *argument)
{
    const struct flood *f = argument;

    return f->score->begun >= f->count;
}

/* Starts the flood, and returns when all its connections were made. */
static void flood_start(struct flood *f, const struct flood_plan *plan)
{
    static struct flooding flooding;

    memset(&flooding, 0, sizeof(flooding));
    flooding.plan = plan;
    f->count = plan->count             ? plan->count
               : server_is_sanitized() ? FLOOD_COUNT / 4
                                       : FLOOD_COUNT;
    flooding.count = f->count;
    record_hello(&flooding);
    for (unsigned i = 0; i < f->count; i++)
        flooding.all[i].number = i;
    f->score = mmap(NULL, sizeof(*f->score), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    FAIL_IF(f->score == MAP_FAILED, "mmap: %s", strerror(errno));
    flooding.score = f->score;
    f->pid = fork();
    FAIL_IF(f->pid < 0, "fork: %s", strerror(errno));
    if (f->pid == 0)
        run(&flooding);
    FAIL_IF(!wait_until(has_begun, f, WAIT_MS), "only %lu have connected",
            (unsigned long)f->score->begun);
}

static void flood_stop(struct flood *f)
{
    int status;

    kill(f->pid, SIGKILL);
    FAIL_IF(!wait_exit(f->pid, &status, WAIT_MS), "a flood doesn't end");
    FAIL_IF(!WIFSIGNALED(status), "a flood ended by itself: %x", status);
    munmap(f->score, sizeof(*f->score));
}

#define LOGINS 10
/* Limits of the time from the connection to its 230. Beside a flood from one
 * address each login takes SOON_MS at most; beside a worse flood half of them
 * do. These are figures of an idle machine, so only the long run checks them.
 * With sanitizers it doesn't, since a fork or a handshake takes ten times as
 * long. The short run checks that no login is refused, and that no reply takes
 * WAIT_MS. */
#define SOON_MS 1000
#define LATE_MS 4000
#define ANY_MS  60000
#define GOOD    "127.0.0.2"
/* With only this address exempt from bans, the server's default limits hold for
 * the flood's address and for the good one. */
#define NOBODY       "192.0.2.1"
#define HEADER_FLOOD "PROXY TCP4 198.51.100.1 203.0.113.7 4711 21\r\n"
#define HEADER_GOOD  "PROXY TCP4 198.51.100.2 203.0.113.7 4711 21\r\n"

static uint64_t log_in(const struct server *server, const char *from,
                       const char *header)
{
    uint64_t began = clock_ms(), took;
    struct session s;

    session_init(&s);
    snprintf(s.from, sizeof(s.from), "%s", from);
    session_connect(&s, server->port);
    if (header)
        session_raw(&s, header, strlen(header));
    session_start_tls(&s);
    cr_assert_eq(session_try_login(&s, "anna", SERVER_PASSWORD), 230, "%s",
                 s.reply.data);
    took = clock_ms() - began;
    session_close(&s);
    return took;
}

/* Makes several logins in a row, which must succeed. If nothing else runs, as
 * in the row flood_alone, each one must take less than MOST ms, and half of
 * them less than SOON_MS. */
static void expect_soon(const struct server *server, const char *from,
                        const char *header, uint64_t most)
{
    const bool claimed = getenv("SALLYPORT_ALONE") != NULL;
    unsigned soon = 0;

    if (!claimed)
        most = ANY_MS;
    for (int i = 0; i < LOGINS; i++) {
        uint64_t took = log_in(server, from, header);

        cr_assert_lt(took, most, "login %d took %llu ms", i,
                     (unsigned long long)took);
        soon += took < SOON_MS;
    }
    cr_assert(!claimed || soon >= LOGINS / 2, "%u were soon", soon);
}

/* The server refuses a proxied connection only after a fork. With sanitizers
 * two thousand forks take minutes, so there a few refusals are enough. */
static bool enough_are_closed(void *of)
{
    const struct flood *f = of;

    return f->score->closed > (server_is_sanitized() ? 10 : f->count / 2);
}

/* Starts floods of all kinds, with two thousand connections in the end. The
 * plan's kind comes first, so that it gets all the places of its address. */
static void expect_soon_in_all(const struct server *server,
                               struct flood_plan plan, const char *header,
                               uint64_t most)
{
    struct flood f[FLOOD_KINDS];

    plan.port = server->port;
    for (int i = 0; i < FLOOD_KINDS; i++) {
        flood_start(&f[plan.kind], &plan);
        plan.kind = (plan.kind + 1) % FLOOD_KINDS;
        expect_soon(server, header ? plan.from : GOOD, header, most);
    }
    if (plan.kind == FLOOD_LEAVES)
        cr_expect_gt(f[FLOOD_LEAVES].score->hellos, 0);
    for (int kind = 0; kind < FLOOD_KINDS; kind++) {
        cr_expect(wait_until(enough_are_closed, &f[kind], WAIT_MS), "%d: %u",
                  kind, (unsigned)f[kind].score->closed);
        flood_stop(&f[kind]);
    }
}

/* The sums of all refusals in the log: of the lines, and of the refusals that
 * they count. */
struct refusals {
    const struct server *server;
    uint64_t lines, number, awaited;
};

static void sum_refused(struct refusals *r)
{
    struct buf log;

    r->lines = r->number = 0;
    server_log(r->server, &log);
    for (const char *at = log.data; (at = strstr(at, " refused ")); at++) {
        const char *end = strchr(at, '\n'), *n = strstr(at, " number=");
        unsigned long long number = 0;

        if (n && n < end)
            cr_assert_eq(sscanf(n, " number=%llu", &number), 1);
        r->lines++;
        r->number += number;
        r->number += !memmem(at, (size_t)(end - at), "more of", 7);
    }
    buf_release(&log);
}

static bool as_many(void *argument)
{
    struct refusals *r = argument;

    sum_refused(r);
    return r->number >= r->awaited;
}

/* Each closed connection comes back after a second. The flood that reaches the
 * private key comes first. The log must have all refusals, in at most one line
 * a second and address. */
ServerTest(flood, from_one_address, 200, PLAN(.no_ban = NOBODY))
{
    uint64_t began = clock_ms();
    struct refusals refusals;

    expect_soon_in_all(server,
                       (struct flood_plan){ .from = "127.0.0.1",
                                            .kind = FLOOD_LEAVES,
                                            .again_ms = 1000 },
                       NULL, SOON_MS);
    refusals.server = server;
    refusals.awaited =
        server_is_sanitized() ? FLOOD_COUNT / 2 : 3 * FLOOD_COUNT;
    cr_expect(wait_until(as_many, &refusals, WAIT_MS), "%lu were told",
              refusals.number);
    cr_expect_leq(refusals.lines, (clock_ms() - began) / 1000 * 2 + 2);
}

/* The silent connections come first, and hold all places of their address. */
ServerTest(flood, half_open_from_one_address, 200, PLAN(.no_ban = NOBODY))
{
    expect_soon_in_all(
        server, (struct flood_plan){ .from = "127.0.0.1", .again_ms = 1000 },
        NULL, SOON_MS);
}

/* The connections come back as fast as this machine can make them. */
ServerTest(flood, back_at_once, 200, PLAN(.no_ban = NOBODY))
{
    struct flood f;

    flood_start(&f, &(struct flood_plan){ .port = server->port,
                                          .kind = FLOOD_LEAVES,
                                          .from = "127.0.0.1" });
    expect_soon(server, GOOD, NULL, LATE_MS);
    server_log_wait(server, " refused ",
                    "peer=127.0.0.1:", "reason=max_fruitless", NULL);
    expect_soon(server, GOOD, NULL, LATE_MS);
    flood_stop(&f);
}

/* Four addresses fill all places for clients that haven't logged in. With so
 * few addresses the server drops no client at random; it must drop one of the
 * flood's. */
ServerTest(flood, from_some_addresses, 200,
           PLAN(.no_ban = NOBODY, .settings = "startups = 32\n"))
{
    struct flood f;

    flood_start(&f, &(struct flood_plan){ .port = server->port,
                                          .kind = FLOOD_AUTH,
                                          .from = "127.0.1.1",
                                          .from_count = 4,
                                          .again_ms = 1000 });
    do
        expect_soon(server, GOOD, NULL, LATE_MS);
    while (!server_log_has(server, "made room for another address"));
    flood_stop(&f);
}

#define ROOM_MS     2000
#define ROOM_LOGINS 3

/* A limit, and how many connections of a network reach it. */
struct room_row {
    const char *settings;
    unsigned count;
};

/* Through a proxy the first login comes after the sessions of the flood, which
 * read their headers. So the time of the next ones counts. */
static void expect_room(const struct room_row *row, bool proxied,
                        unsigned networks)
{
    const bool claimed = getenv("SALLYPORT_ALONE") != NULL;
    struct flood f[2];
    struct server server;
    char settings[256];

    snprintf(settings, sizeof(settings), "%s%s", row->settings,
             proxied ? "proxies = 127.0.0.5\n" : "");
    server_start(&server, PLAN(.no_ban = NOBODY, .settings = settings,
                               .listen = proxied ? "127.0.0.1:0 proxy" : NULL));
    for (unsigned i = 0; i < networks; i++)
        flood_start(&f[i],
                    &(struct flood_plan){
                        .port = server.port,
                        .count = row->count,
                        .from = proxied ? "127.0.0.5"
                                : i > 0 ? "127.0.1.1"
                                        : "127.0.0.1",
                        .header = proxied && i == 0 ? HEADER_FLOOD : NULL,
                        .subscriber = proxied && i > 0,
                        .again_ms = proxied ? 60000 : 1000 });
    for (int i = 0; i < 1 + ROOM_LOGINS; i++) {
        uint64_t took = proxied ? log_in(&server, "127.0.0.5", HEADER_GOOD)
                                : log_in(&server, GOOD, NULL);

        cr_expect(!claimed || i == 0 || took < ROOM_MS, "%s%u networks: %lu ms",
                  settings, networks, took);
    }
    for (unsigned i = 0; i < networks; i++)
        flood_stop(&f[i]);
    server_stop(&server);
}

/* One network, or two, fill each limit with silent connections. A client of
 * another network gets its place soon. */
Test(flood, fills_each_limit, .timeout = 300)
{
    static const struct room_row rows[] = {
        { "startups = 20\n", 60 },
        { "max_sessions = 50\n", 60 },
        { "startups = 20\nmax_per_address = 1000\n", 300 },
        { "startups = 20\nmax_per_address = 1000\nmax_sessions = 100\n", 120 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (unsigned networks = 1; networks <= 2; networks++)
            for (int proxied = 0; proxied <= 1; proxied++)
                expect_room(&rows[i], proxied, networks);
}

/* The flood comes from a client of the proxy, not from the proxy itself. A
 * client that comes after five hundred others waits only until a session has
 * been started for each, to read its header. */
ServerTest(flood, through_a_proxy, 200,
           PLAN(.no_ban = NOBODY, .listen = "127.0.0.1:0 proxy",
                .settings = "proxies = 127.0.0.5\n"))
{
    expect_soon_in_all(server,
                       (struct flood_plan){ .from = "127.0.0.5",
                                            .header = HEADER_FLOOD,
                                            .again_ms = 60000 },
                       HEADER_GOOD, LATE_MS);
    server_log_wait(server, " refused ", "peer=198.51.100.1:", NULL);
}

/* The refused clients read their 421, stay connected, and connect again, a
 * hundred in a second. Other clients must not wait for their sessions. */
ServerTest(flood, refused_ones_that_stay, 200,
           PLAN(.no_ban = NOBODY, .listen = "127.0.0.1:0 proxy",
                .settings = "proxies = 127.0.0.5\nmax_per_address = 8\n"))
{
    struct flood f;

    flood_start(&f, &(struct flood_plan){ .port = server->port,
                                          .from = "127.0.0.5",
                                          .header = HEADER_FLOOD,
                                          .stays = true,
                                          .again_ms = 5000 });
    expect_soon(server, "127.0.0.5", HEADER_GOOD, SOON_MS);
    flood_stop(&f);
}

/* One subscriber has 65,536 networks /64, and opens a connection from each of
 * 500. These connections fill all places and the queue, and never close. */
ServerTest(flood, from_one_subscriber, 200,
           PLAN(.no_ban = NOBODY, .listen = "127.0.0.1:0 proxy",
                .settings = "proxies = 127.0.0.5\n"))
{
    struct flood f;

    flood_start(&f, &(struct flood_plan){ .port = server->port,
                                          .from = "127.0.0.5",
                                          .subscriber = true,
                                          .again_ms = 1000 });
    expect_soon(server, "127.0.0.5", HEADER_GOOD, LATE_MS);
    flood_stop(&f);
}

/* A flood of guesses: GUESSES connections a second, each made by a process of
 * its own. It sends a wrong password, and resets or closes while the server
 * works on it; if the server lets it wait for GUESS_S, it does so then. */
#define GUESSES      30
#define GUESS_S      2
#define LEAVE_MIN_MS 150
#define LEAVE_MAX_MS 500
#define SUBSCRIBER   "2001:db8::/48"

/* The network of a flood: one IPv4 address, or one of 65,536 /64s of a /48 for
 * each connection. */
enum guess_network { ONE_ADDRESS, ONE_SUBSCRIBER, GUESS_NETWORKS };

struct guess_plan {
    unsigned port[GUESS_NETWORKS];
    bool proxied;
    bool handshakes; /* it resets after the handshake, and sends no password */
};

struct guess_score {
    volatile uint64_t begun, greeted, asked; /* connections, greetings, PASS */
};

static uint64_t random_below(uint64_t n)
{
    uint64_t r;

    random_bytes(&r, sizeof(r));
    return r % n;
}

static bool guess_reach(struct session *s, const struct guess_plan *plan,
                        enum guess_network network)
{
    char header[128] = HEADER_FLOOD;
    const unsigned narrow = (unsigned)random_below(65536);
    bool there;

    session_init(s);
    if (plan->proxied) {
        snprintf(s->from, sizeof(s->from), "127.0.0.5");
        if (network == ONE_SUBSCRIBER)
            snprintf(header, sizeof(header),
                     "PROXY TCP6 2001:db8:0:%x::1 2001:db8:ffff::7 4711 21\r\n",
                     narrow);
    } else if (network == ONE_SUBSCRIBER) {
        snprintf(s->host, sizeof(s->host), "::1");
        snprintf(s->from, sizeof(s->from), "2001:db8:0:%x::1", narrow);
    } else {
        snprintf(s->from, sizeof(s->from), "127.0.0.1");
    }
    there = session_may_connect(s, plan->port[network]);
    if (there && plan->proxied)
        session_raw(s, header, strlen(header));
    return there;
}

/* Makes one connection, which the end of the process resets or closes. */
static _Noreturn void guess_once(const struct guess_plan *plan,
                                 enum guess_network network,
                                 struct guess_score *score)
{
    const struct linger now = { .l_onoff = 1 };
    struct pollfd end = { .events = POLLRDHUP };
    struct session s;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(GUESS_S);
    if (!guess_reach(&s, plan, network))
        _exit(1);
    if (random_below(2))
        setsockopt(s.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    if (!session_may_reply(&s, "220"))
        _exit(1);
    __atomic_add_fetch(&score->greeted, 1, __ATOMIC_RELAXED);
    if (session_may_secure(&s) && !plan->handshakes &&
        session_may_do(&s, "331", "USER anna")) {
        session_send(&s, "PASS wrong");
        __atomic_add_fetch(&score->asked, 1, __ATOMIC_RELAXED);
    }
    end.fd = s.fd;
    poll(&end, 1,
         LEAVE_MIN_MS + (int)random_below(LEAVE_MAX_MS - LEAVE_MIN_MS));
    _exit(0);
}

static _Noreturn void guess(const struct guess_plan *plan,
                            enum guess_network network,
                            struct guess_score *score)
{
    uint64_t begun = clock_ms(), now;
    pid_t pid;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGCHLD, SIG_IGN);
    fail_in_child();
    for (;;) {
        const uint64_t due = begun + score->begun * 1000 / GUESSES;

        while ((now = clock_ms()) < due)
            poll(NULL, 0, (int)(due - now));
        score->begun++;
        pid = fork();
        if (pid == 0)
            guess_once(plan, network, score);
    }
}

static int compare_times(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* How long logins beside a flood took, in ms. */
struct beside {
    uint64_t median, longest;
    struct guess_score flood;
};

#define BESIDE_MAX 4096

/* Logs in from another network again and again, for MS ms. No login may fail.
 */
static struct beside log_in_beside(const struct server *server,
                                   const struct guess_plan *plan,
                                   enum guess_network network, uint64_t ms)
{
    static uint64_t took[BESIDE_MAX];
    struct guess_score *score =
        mmap(NULL, sizeof(*score), PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const uint64_t end = clock_ms() + ms;
    struct beside b;
    pid_t pid;
    size_t n = 0;
    int status;

    FAIL_IF(score == MAP_FAILED, "mmap: %s", strerror(errno));
    pid = fork();
    FAIL_IF(pid < 0, "fork: %s", strerror(errno));
    if (pid == 0)
        guess(plan, network, score);
    while (clock_ms() < end && n < BESIDE_MAX)
        took[n++] = plan->proxied ? log_in(server, "127.0.0.5", HEADER_GOOD)
                                  : log_in(server, GOOD, NULL);
    kill(pid, SIGKILL);
    FAIL_IF(!wait_exit(pid, &status, WAIT_MS), "the guesses don't end");
    FAIL_IF(!WIFSIGNALED(status), "the guesses ended by themselves: %x",
            status);
    qsort(took, n, sizeof(*took), compare_times);
    b = (struct beside){ took[n / 2], took[n - 1], *score };
    munmap(score, sizeof(*score));
    cr_log_info("%zu logins beside %s: median %llu ms, longest %llu ms; flood: "
                "%llu connections, %llu greetings, %llu passwords",
                n, network == ONE_SUBSCRIBER ? SUBSCRIBER : "one address",
                (unsigned long long)b.median, (unsigned long long)b.longest,
                (unsigned long long)b.flood.begun,
                (unsigned long long)b.flood.greeted,
                (unsigned long long)b.flood.asked);
    return b;
}

/* A user with a hash as the server makes it. */
#define REAL_USER                                                              \
    USERS({ .name = "anna", .salt = "$y$j9T$sallyport.tests.salt01$" })
/* Both floods get as many passwords in as the delays permit. */
#define NO_BAN_AFTER "ban_after = 0\n"

/* Makes the same flood from one IPv4 address and from a subscriber. If nothing
 * else runs, the subscriber's may cost other networks half as much again. */
static void expect_as_soon(const struct server *server,
                           const struct guess_plan *plan)
{
    const bool claimed = getenv("SALLYPORT_ALONE") != NULL;
    const uint64_t ms = claimed ? 60000 : 5000;
    struct beside b[GUESS_NETWORKS];

    for (enum guess_network i = 0; i < GUESS_NETWORKS; i++) {
        b[i] = log_in_beside(server, plan, i, ms);
        cr_expect_gt(plan->handshakes ? b[i].flood.greeted : b[i].flood.asked,
                     ms / 1000);
    }
    if (!claimed)
        return;
    cr_expect_leq(2 * b[ONE_SUBSCRIBER].median, 3 * b[ONE_ADDRESS].median);
    cr_expect_lt(b[ONE_SUBSCRIBER].longest, 3000);
}

/* Moves the test into a network of its own, in which each address of SUBSCRIBER
 * is one of this machine's. Returns false if the user may not. */
static bool subscribe(void)
{
    static const char bind_any[] = "/proc/sys/net/ipv6/ip_nonlocal_bind";

    if (unshare(CLONE_NEWNET) < 0)
        return false;
    FAIL_IF(system("ip link set lo up && "
                   "ip -6 route add local " SUBSCRIBER " dev lo") != 0,
            "no network of a subscriber");
    FD_CLEANUP int fd = open(bind_any, O_WRONLY | O_CLOEXEC);
    FAIL_IF(fd < 0 || write(fd, "1", 1) != 1, "%s: %s", bind_any,
            strerror(errno));
    return true;
}

static void expect_as_soon_directly(struct guess_plan plan)
{
    struct server server;

    if (!subscribe())
        cr_skip_test("needs a network namespace");
    server_start(&server,
                 PLAN(.no_ban = NOBODY, .listen = "127.0.0.1:0, [::1]:0",
                      .settings = NO_BAN_AFTER, REAL_USER));
    plan.port[ONE_ADDRESS] = server.port;
    plan.port[ONE_SUBSCRIBER] = server.port_other;
    expect_as_soon(&server, &plan);
    server_stop(&server);
}

Test(flood, guesses_of_a_subscriber, .timeout = 300)
{
    expect_as_soon_directly((struct guess_plan){ .proxied = false });
}

Test(flood, handshakes_of_a_subscriber, .timeout = 300)
{
    expect_as_soon_directly((struct guess_plan){ .handshakes = true });
}

ServerTest(flood, guesses_through_a_proxy, 300,
           PLAN(.no_ban = NOBODY, .listen = "127.0.0.1:0 proxy",
                .settings = "proxies = 127.0.0.5\n" NO_BAN_AFTER, REAL_USER))
{
    const unsigned port = server->port;

    expect_as_soon(server, &(struct guess_plan){ .port = { port, port },
                                                 .proxied = true });
}
