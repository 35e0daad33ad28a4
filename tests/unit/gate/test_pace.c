/* Tests how gate shares bytes and transfers among sessions: random programs of
 * two generations, by a clock that the test turns. The test is both gates,
 * calls their functions, and reads the answers at the sessions' ends. */
#include <sys/syscall.h>

#include "gate/gate.h"
#include "support/cast.h"
#include "support/long.h"
#include "support/test.h"

#define GATES    2
#define PLACES   5
#define SESSIONS ((size_t)GATES * PLACES)
#define USERS    4
#define TEAMS    6
#define ACCOUNTS (1 + USERS + TEAMS) /* by numbers; 0: the server's */
#define MS       1000u
#define SECOND   (1000u * MS)
#define SLACK    (100 * MS) /* unused bytes of this time aren't lost */
#define ROUND    (SECOND / 20)
#define LEAST    512u /* bytes of a piece */
#define FREE     (UINT64_C(4) << 20)

/* A limit, the bytes that a gate has given, and how far these are ahead of the
 * time AT. */
struct rate {
    uint64_t limit, bytes, owed, at;
};

static struct played {
    size_t gate;
    struct gate_child *child;
    struct channel far;
    uint32_t asks; /* the request that waits for bytes; 0: none */
    enum pace_way way;
    unsigned account[PACE_ACCOUNTS];
    size_t accounts; /* 0: nobody has logged in */
    bool counts;     /* a transfer of this session counts */
    bool quiet;      /* it doesn't ask while the others always do */
    uint64_t bytes;
} played[SESSIONS];

static struct gate gates[GATES];
static struct rate rates[GATES][ACCOUNTS][PACE_WAYS];
static uint64_t most[GATES][ACCOUNTS]; /* transfers; 0: no limit */
static struct board board;
static int seats;
static uint64_t seed = 1, generations;
static uint64_t turned; /* us; 0: the kernel's clock is valid */
static uint32_t requests;

int clock_gettime(clockid_t clock, struct timespec *ret)
{
    if (clock != CLOCK_MONOTONIC || turned == 0)
        return (int)syscall(SYS_clock_gettime, clock, ret);
    *ret = (struct timespec){ (time_t)(turned / SECOND),
                              (long)(turned % SECOND * 1000) };
    return 0;
}

static unsigned below(unsigned n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % n;
}

static uint64_t any_rate(void)
{
    return below(2) ? 20000 + below(500000) : 0;
}

/* A new limit begins now, whatever the old one has given away. */
static uint64_t set_rate(struct rate *r, uint64_t limit)
{
    if (r->limit != limit)
        *r = (struct rate){ limit, .owed = SLACK, .at = turned };
    return limit;
}

static void enter(struct played *s)
{
    const struct address a = { 0 };
    struct gate *g = &gates[s->gate];

    *s = (struct played){ .gate = s->gate,
                          .child = children_add(g, &a, &a, true) };
    s->child->logged_in = true;
    channel_make_both(&s->child->channel, PROCESS_GATE, &s->far,
                      PROCESS_SESSION, PHASE_RUN);
}

static void open_gate(size_t k)
{
    struct gate *g = &gates[k];

    memset(g, 0, sizeof(*g));
    memset(rates[k], 0, sizeof(rates[k]));
    g->settings.max_transfers = most[k][0] = below(6);
    g->settings.bandwidth_up = set_rate(&rates[k][0][PACE_UP], any_rate());
    g->settings.bandwidth_down = set_rate(&rates[k][0][PACE_DOWN], any_rate());
    g->frame.master.fd = -1;
    g->places = PLACES;
    g->board = &board;
    g->row = &board.row[k];
    board.row[k].generation = ++generations;
    cr_assert_eq(SHARED_MAP(g->pace.memory, seats, PROT_READ | PROT_WRITE), 0);
    cr_assert_eq(loop_init(&g->frame.loop), 0);
    cr_assert_eq(children_init(g), 0);
    cr_assert_eq(pace_init(g), 0);
    for (size_t i = k * PLACES; i < (k + 1) * PLACES; i++) {
        played[i].gate = k;
        enter(&played[i]);
    }
}

static void begin(void)
{
    turned = 1000 * SECOND;
    seats = shared_make("pace", PACE_MEMORY);
    for (size_t k = 0; k < GATES; k++)
        open_gate(k);
}

/* Bytes are never ahead of the rate by more than the slack, a piece, and the
 * round that a session of several accounts may run ahead. */
static void pay(struct rate *r, uint64_t bytes)
{
    const uint64_t past = turned - r->at;
    uint64_t piece = ROUND;

    r->bytes += bytes;
    if (r->limit == 0)
        return;
    if (piece < LEAST * SECOND / r->limit)
        piece = LEAST * SECOND / r->limit;
    r->owed = (r->owed > past ? r->owed - past : 0) + bytes * SECOND / r->limit;
    r->at = turned;
    cr_assert_leq(r->owed, SLACK + ROUND + piece);
}

/* Reads the bytes that the session has got, if there are any. */
static void hear(struct played *s)
{
    struct message m;
    int r = s->child->channel.fd < 0 ? 0 : channel_receive(&s->far, &m);
    bool limited = false;

    cr_assert_geq(r, 0);
    if (r == 0)
        return;
    cr_assert(m.kind == MSG_bytes && s->asks != 0 && m.request == s->asks &&
              m.bytes.upload == (s->way == PACE_UP));
    for (size_t i = 0; i < s->accounts; i++) {
        struct rate *rate = &rates[s->gate][s->account[i]][s->way];

        limited = limited || rate->limit > 0;
        pay(rate, m.bytes.count);
    }
    cr_assert(limited ? m.bytes.count >= LEAST : m.bytes.count == FREE);
    s->bytes += m.bytes.count;
    s->asks = 0;
}

static void turn(uint64_t us)
{
    turned += us;
    for (size_t k = 0; k < GATES; k++)
        cr_assert_eq(loop_once(&gates[k].frame.loop, 0), 0);
    for (size_t i = 0; i < SESSIONS; i++)
        hear(&played[i]);
}

/* A session that an attacker controls can ask twice, or with the number 0. Gate
 * doesn't answer an adopted session that ends before its limits have come. */
static void ask(struct played *s, uint32_t request, enum pace_way way)
{
    struct msg_bytes_ask m = { .request = request, .upload = way == PACE_UP };
    const int r = pace_on_bytes_ask(s->child, &m);

    cr_assert_eq(r, request == 0 || s->asks != 0 ? -EPROTO : 0);
    if (r < 0 || s->accounts == 0)
        return;
    s->asks = request;
    s->way = way;
    hear(s);
}

/* Returns how many sessions of living gates belong to this account: all that
 * always ask, or all with a transfer that counts. */
static uint64_t sessions_of(unsigned number, bool transfers)
{
    uint64_t n = 0;

    for (size_t i = 0; i < SESSIONS; i++)
        for (size_t a = 0; a < played[i].accounts; a++)
            n += board.row[played[i].gate].generation > 0 &&
                 played[i].account[a] == number &&
                 (transfers ? played[i].counts : !played[i].quiet);
    return n;
}

/* A transfer may begin unless one of the session's accounts is full. A transfer
 * counts once. REQUEST 0: it runs already, and gate isn't asked. */
static void begin_transfer(struct played *s, uint32_t request)
{
    struct msg_transfer_begin ask = { .request = request };
    const uint64_t *limits = most[s->gate];
    struct msg_transfer_may *may;
    struct message m;
    unsigned full = ACCOUNTS;

    for (size_t a = s->accounts; a-- > 0 && !s->counts;)
        if (limits[s->account[a]] > 0 &&
            sessions_of(s->account[a], true) >= limits[s->account[a]])
            full = s->account[a];
    cr_assert_eq(pace_on_transfer_begin(s->child, &ask), 0);
    s->counts = request == 0 || full == ACCOUNTS;
    if (request == 0)
        return;
    cr_assert_eq(channel_receive(&s->far, &m), 1);
    cr_assert(m.kind == MSG_transfer_may && m.request == request);
    may = &m.transfer_may;
    cr_assert_eq(may->begin, s->counts);
    cr_assert(s->counts || (may->limit == limits[full] &&
                            may->of == (full == 0       ? ACCOUNT_SERVER
                                        : full <= USERS ? ACCOUNT_USER
                                                        : ACCOUNT_TEAM)));
}

static void limit(const struct played *s, uint64_t account, uint64_t down)
{
    struct msg_limits m = { .serial = s->child->serial,
                            .account = account,
                            .down = down,
                            .last = true };

    pace_on_limits(&gates[s->gate], &m);
}

/* Sends the limits of a user and of the user's teams, sometimes of too many. A
 * user who logs in again, and a session that changes teams, get no fresh start.
 * The first parts of other limits don't count, nor do limits after the
 * session's end. */
static void log_in(struct played *s)
{
    const unsigned first = below(TEAMS), last = below(TEAMS + 1);
    struct msg_limits m = { .serial = s->child->serial, .up = 1, .down = 1 };

    if (s->child->channel.fd < 0) {
        limit(s, 1, 1);
        return;
    }
    for (unsigned i = below(2); i < 2; i++)
        pace_on_limits(&gates[s->gate], &m);
    for (unsigned i = 0; i <= last; i++) {
        const unsigned number =
            i == 0 ? 1 + below(USERS) : 1 + USERS + (first + i) % TEAMS;
        struct rate *rate = rates[s->gate][number];

        if (below(10) == 0 && i <= USER_TEAMS_MAX) {
            most[s->gate][number] = below(4);
            set_rate(&rate[PACE_UP], any_rate());
            set_rate(&rate[PACE_DOWN], any_rate());
        }
        m = (struct msg_limits){ .serial = s->child->serial,
                                 .account = number,
                                 .team = i > 0,
                                 .transfers = most[s->gate][number],
                                 .up = rate[PACE_UP].limit,
                                 .down = rate[PACE_DOWN].limit,
                                 .last = i == last };
        pace_on_limits(&gates[s->gate], &m);
        if (i <= USER_TEAMS_MAX)
            s->account[i + 1] = number;
    }
    s->accounts = 2 + (last < USER_TEAMS_MAX ? last : USER_TEAMS_MAX);
}

/* The session has ended. Sometimes another one takes its place. */
static void leave(struct played *s)
{
    for (int times = 0; times < 2; times++)
        pace_leave(s->child);
    cr_assert_eq(s->child->pace.accounts, 0);
    s->accounts = s->asks = 0;
    s->counts = false;
    channel_close(&s->child->channel);
    if (below(4) > 0) {
        channel_close(&s->far);
        child_discard(s->child);
        enter(s);
    }
}

/* A gate dies with its sessions, and another one begins. Meanwhile the
 * transfers of these sessions don't count. */
static void replace(size_t k)
{
    board.row[k].generation = 0;
    for (size_t i = 0; i < SESSIONS; i++)
        if (played[i].gate != k && played[i].accounts > 0)
            begin_transfer(&played[i], ++requests);
        else if (played[i].gate == k)
            channel_close(&played[i].far);
    pace_release(&gates[k]);
    children_release(&gates[k]);
    loop_release(&gates[k].frame.loop);
    open_gate(k);
}

static void step(struct played *s)
{
    switch (below(10)) {
    case 0:
        log_in(s);
        break;
    case 1:
    case 2:
        if (s->accounts > 0)
            begin_transfer(s, below(4) ? ++requests : 0);
        break;
    case 3:
        pace_on_transfer_end(s->child, NULL);
        s->counts = false;
        break;
    case 4:
        if (below(8) == 0)
            leave(s);
        else if (below(50) == 0)
            replace(s->gate);
        break;
    case 5:
    case 6:
        turn(below(10) ? below(20 * MS) : below(400 * MS));
        break;
    default:
        ask(s, below(20) ? ++requests : 0, below(2) ? PACE_UP : PACE_DOWN);
    }
}

#define STEADY 20 /* seconds in which most sessions always ask */

/* Both gates together keep to a rate. A gate that hasn't yet looked at the
 * other one's sessions can give some more. */
static void expect_rate(unsigned number)
{
    const struct rate *a = &rates[0][number][PACE_DOWN],
                      *b = &rates[1][number][PACE_DOWN];
    const uint64_t limit = a->limit > b->limit ? a->limit : b->limit;

    cr_assert(a->limit == 0 || b->limit == 0 ||
              a->bytes + b->bytes <= limit * STEADY + limit / 2);
}

/* A session gets at least the smallest of its shares. */
static void expect_share(const struct played *s)
{
    uint64_t least = UINT64_MAX;

    for (size_t a = 0; a < s->accounts; a++) {
        const unsigned number = s->account[a];
        const uint64_t rate = rates[s->gate][number][PACE_DOWN].limit,
                       share = rate / sessions_of(number, false) * STEADY;

        if (rate > 0 && share < least)
            least = share;
    }
    cr_assert(least == UINT64_MAX || s->bytes >= least / 3 * 2);
}

static void be_steady(void)
{
    const uint64_t end = turned + STEADY * SECOND;
    const unsigned late = 1 + below(40 * MS);

    for (unsigned n = 0; n < ACCOUNTS; n++)
        rates[0][n][PACE_DOWN].bytes = rates[1][n][PACE_DOWN].bytes = 0;
    for (size_t i = 0; i < SESSIONS; i++) {
        played[i].bytes = 0;
        played[i].quiet = below(4) == 0;
    }
    while (turned < end) {
        for (size_t i = 0; i < SESSIONS; i++)
            if (played[i].accounts > 0 && played[i].asks == 0 &&
                !played[i].quiet)
                ask(&played[i], ++requests, PACE_DOWN);
        turn(1 + below(below(10) ? 5 * MS : late));
    }
    for (unsigned n = 0; n < ACCOUNTS; n++)
        expect_rate(n);
    for (size_t i = 0; i < SESSIONS; i++)
        if (!played[i].quiet)
            expect_share(&played[i]);
}

/* No rate is exceeded, no session gets less than its share, a limit of N
 * transfers is N in all generations, each request has one answer, and no record
 * of an account is lost. */
Test(pace, any_program, .init = begin, .timeout = 600)
{
    for (int program = 0; program < (is_long()      ? 100
                                     : IS_SANITIZED ? 8
                                                    : 15);
         program++) {
        for (int i = 0; i < 2000; i++)
            step(&played[below(SESSIONS)]);
        be_steady();
        for (uint64_t n = ACCOUNTS; n < 1000; n++) {
            struct played *s = &played[n % SESSIONS];
            const struct pacing *pace = &s->child->pace;

            cr_assert(s->accounts > 0 || pace->accounts == 0 ||
                      pace->account[1]->number == n - SESSIONS);
            limit(s, n, 0);
            s->accounts = 0;
        }
        for (size_t k = 0; k < GATES; k++)
            replace(k);
    }
}

/* The looks of many accounts take little time, and only at seats that somebody
 * has had. */
Test(pace, looks_are_cheap, .init = begin, .timeout = 60)
{
    struct played *s = &played[0];
    unsigned looks = 0;

    gates[0].pace.all.sessions += 20000;
    for (unsigned n = 1; n <= 1000; n++) {
        limit(s, n, 50000);
        ask(s, ++requests, PACE_DOWN);
        looks += s->child->pace.account[1]->looked > 0;
        pace_leave(s->child);
    }
    cr_expect_eq(gates[0].pace.row->seats, 1);
    cr_expect(looks > 0 && looks < 60, "%u", looks);
}

/* If other sessions move the clocks of two accounts, these are seldom due at
 * the same time. */
Test(pace, two_busy_accounts, .init = begin, .timeout = 60)
{
    static const unsigned first[] = { 1, 2, 2, 1 }, last[] = { 1, 2, 2, 2 };

    rates[0][0][PACE_DOWN].limit = gates[0].pace.all.rate[PACE_DOWN].limit = 0;
    for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
        struct played *s = &played[i];
        struct msg_limits m = { .serial = s->child->serial, .down = 100000 };

        s->accounts = 1;
        for (unsigned n = first[i]; n <= last[i]; n++) {
            set_rate(&rates[0][n][PACE_DOWN], m.down);
            m.account = s->account[s->accounts++] = n;
            m.team = n > first[i];
            m.last = n == last[i];
            pace_on_limits(&gates[0], &m);
        }
    }
    for (int times = 0; times < 5; times++)
        be_steady();
}
