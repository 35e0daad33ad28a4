/* Tests how gate shares bytes and transfers among sessions. The test is gate,
 * calls gate's functions, and reads the answers at the sessions' ends. */
#include "gate/gate.h"

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "support/cast.h"
#include "support/test.h"

#define SESSIONS 4
#define RATE     100000 /* a piece for one session: 5000 bytes in 50 ms */
#define PIECE    (RATE / 20)
#define FREE     (UINT64_C(4) << 20)

/* The gates of two generations; sessions 0 to 3 are of the first one. Most
 * tests have only that. */
static struct gate g, next;
static struct gate_child *child[2 * SESSIONS];
static struct channel far[2 * SESSIONS];
static struct board board;
static int seats;

static const struct address client = { .family = 4, .bytes = { 127, 0, 0, 1 } };

static void free_gate(struct gate *gate)
{
    pace_release(gate);
    queue_release(gate);
    children_release(gate);
    limits_release(&gate->limits);
    loop_release(&gate->frame.loop);
}

static void close_gate(void)
{
    for (int i = 0; i < 2 * SESSIONS && child[i]; i++) {
        pace_leave(child[i]);
        channel_close(&far[i]);
    }
    free_gate(&g);
    if (child[SESSIONS])
        free_gate(&next);
    close(seats);
}

static void open_one(struct gate *gate, int first, uint64_t up, uint64_t down)
{
    memset(gate, 0, sizeof(*gate));
    gate->settings.max_sessions = gate->settings.startups = SESSIONS;
    gate->settings.max_per_address = SESSIONS;
    gate->settings.bandwidth_up = up;
    gate->settings.bandwidth_down = down;
    event_sender_init(&gate->frame.log, -1, PROCESS_GATE);
    cr_assert_eq(loop_init(&gate->frame.loop), 0);
    gate->places = SESSIONS;
    gate->board = &board;
    gate->row = &board.row[first];
    board.row[first].generation = (uint64_t)first + 1;
    cr_assert_eq(SHARED_MAP(gate->pace.memory, seats, PROT_READ | PROT_WRITE),
                 0);
    cr_assert_eq(limits_init(&gate->limits, &gate->settings, gate->places), 0);
    cr_assert_eq(children_init(gate), 0);
    cr_assert_eq(queue_init(gate), 0);
    cr_assert_eq(pace_init(gate), 0);
    for (int i = first; i < first + SESSIONS; i++) {
        struct msg_adopt m = {
            .serial = (uint64_t)i + 1,
            .peer = client,
            .local = client,
            .known = true,
            .session =
                channel_make(&far[i], PROCESS_SESSION, PROCESS_GATE, PHASE_RUN),
        };

        children_on_adopt(gate, &m);
        child[i] = children_find(gate, m.serial);
        cr_assert_not_null(child[i]);
        child[i]->logged_in = true;
        loop_timer_clear(&gate->frame.loop, &child[i]->timer);
    }
}

static void open_gate(uint64_t up, uint64_t down)
{
    seats = shared_make("pace", PACE_MEMORY);
    open_one(&g, 0, up, down);
}

static void open_next(uint64_t up, uint64_t down)
{
    open_one(&next, SESSIONS, up, down);
}

#define PaceTest(suite, name, up, down)                                        \
    static void suite##_##name(void);                                          \
    Test(suite, name, .timeout = 60)                                           \
    {                                                                          \
        open_gate(up, down);                                                   \
        suite##_##name();                                                      \
        close_gate();                                                          \
    }                                                                          \
    static void suite##_##name(void)

static int ask(struct gate_child *c, uint32_t request, bool upload)
{
    struct msg_bytes_ask m = { .request = request, .upload = upload };

    return pace_on_bytes_ask(c, &m);
}

static int begin_transfer(struct gate_child *c, uint32_t request)
{
    struct msg_transfer_begin m = { .request = request };

    return pace_on_transfer_begin(c, &m);
}

static void limit_by(int i, bool team, uint64_t account, uint64_t transfers,
                     uint64_t up, uint64_t down)
{
    struct msg_limits m = { .serial = (uint64_t)i + 1,
                            .account = account,
                            .team = team,
                            .transfers = transfers,
                            .up = up,
                            .down = down,
                            .last = true };

    pace_on_limits(child[i]->gate, &m);
}

static void limit(int i, uint64_t account, uint64_t transfers, uint64_t up,
                  uint64_t down)
{
    limit_by(i, false, account, transfers, up, down);
}

/* Returns the bytes that the session has got; 0: no answer has come. */
static uint64_t got(int i, bool upload)
{
    struct message m;
    int r = channel_receive(&far[i], &m);

    cr_assert_geq(r, 0);
    if (r == 0)
        return 0;
    cr_assert(m.kind == MSG_bytes && m.bytes.upload == upload);
    return m.bytes.count;
}

static struct msg_transfer_may *may_as(int i)
{
    cr_assert_eq(begin_transfer(child[i], 7), 0);
    far[i].last_request = 7;
    return EXPECT(&far[i], transfer_may);
}

static bool may(int i)
{
    may_as(i);
    cr_expect(heard.transfer_may.begin || heard.transfer_may.limit == 2);
    return heard.transfer_may.begin;
}

PaceTest(pace, transfers, 0, 0)
{
    for (int i = 0; i < 3; i++)
        limit(i, 1, 2, 0, 0);
    limit(3, 2, 2, 0, 0);
    cr_expect(may(0) && may(1) && !may(2));
    cr_expect(may(3), "of another user");
    cr_expect(may(0), "the same transfer counts once");
    cr_expect_eq(pace_on_transfer_end(child[0], NULL), 0);
    pace_on_transfer_end(child[0], NULL);
    cr_expect(may(2) && !may(0));
    pace_leave(child[1]); /* the session has died */
    pace_leave(child[1]);
    cr_expect(may(0));
    limit(2, 1, 1, 0, 0); /* fewer: running transfers go on */
    pace_on_transfer_end(child[0], NULL);
    limit(0, 1, 2, 0, 0); /* the newest message counts */
    cr_expect(may(0));
}

/* Begins a transfer. Returns -1: it may begin; otherwise 10 * the kind of the
 * account that has reached its limit + this limit. (In these tests an account's
 * limit is different for each kind.) */
static int refused_by(int i)
{
    return may_as(i)->begin ? -1
                            : (int)heard.transfer_may.of * 10 +
                                  (int)heard.transfer_may.limit;
}

/* Transfers count for the user, for each of the user's teams, and for the
 * server. Session 1's user is in two teams. */
PaceTest(pace, transfers_of_each_account, 0, 0)
{
    g.pace.all.most = 3;
    limit(0, 1, 1, 0, 0);
    limit(1, 2, 0, 0, 0);
    limit_by(0, true, 11, 2, 0, 0);
    limit_by(1, true, 12, 0, 0, 0);
    limit_by(1, true, 11, 2, 0, 0);
    for (int i = 2; i < 4; i++)
        limit(i, 3 - (uint64_t)i % 2, 1, 0, 0);
    cr_expect_eq(refused_by(2), -1);
    cr_expect_eq(refused_by(0), -1);
    cr_expect_eq(refused_by(1), -1);
    cr_expect_eq(refused_by(3), ACCOUNT_SERVER * 10 + 3);
    pace_on_transfer_end(child[0], NULL);
    cr_expect_eq(refused_by(3), ACCOUNT_USER * 10 + 1);
    limit(2, 4, 1, 0, 0);
    limit_by(2, true, 11, 2, 0, 0); /* joins a team while a transfer runs */
    cr_expect_eq(refused_by(0), ACCOUNT_TEAM * 10 + 2);
    limit(2, 4, 1, 0, 0); /* leaves the team again */
    cr_expect_eq(refused_by(0), -1);
}

/* Transfers count in all generations that live. */
PaceTest(pace, transfers_of_generations, 0, 0)
{
    open_next(0, 0);
    for (int i = 0; i < 2 * SESSIONS; i++)
        limit(i, 1, 2, 0, 0);
    cr_expect(may(0) && may(4) && !may(1) && !may(5));
    pace_on_transfer_end(child[0], NULL);
    cr_expect(may(5) && !may(1));
    pace_leave(child[4]); /* the session has died */
    cr_expect(may(1) && !may(6));
    limit(6, 1, 3, 0, 0); /* each has the limit of its generation */
    cr_expect(may(6) && !may(2));
    board.row[SESSIONS].generation = 0; /* that generation has ended */
    cr_expect(may(2) && !may(3));
    board.row[SESSIONS].generation = SESSIONS + 1;
    pace_on_transfer_end(child[1], NULL);
    cr_expect(!may(1));
    pace_release(&next); /* its gate has died, and another one begins */
    next.pace = (struct pace){ 0 };
    cr_assert_eq(SHARED_MAP(next.pace.memory, seats, PROT_READ | PROT_WRITE),
                 0);
    cr_assert_eq(pace_init(&next), 0);
    cr_expect(may(1) && !may(3));
    limit(5, 1, 2, 0, 0); /* its session goes on, and isn't answered */
    cr_assert_eq(begin_transfer(child[5], 0), 0);
    cr_expect_eq(got(5, true), 0);
    pace_on_transfer_end(child[1], NULL);
    cr_expect(!may(1));
}

/* The same for a team, and for the server. */
PaceTest(pace, each_account_of_generations, 0, 0)
{
    open_next(0, 0);
    g.pace.all.most = next.pace.all.most = 2;
    for (int i = 0; i < 2 * SESSIONS; i++) {
        limit(i, (uint64_t)i + 1, 1, 0, 0);
        limit_by(i, true, 100 + (uint64_t)i % 2, 1, 0, 0);
    }
    cr_expect_eq(refused_by(0), -1);
    cr_expect_eq(refused_by(4), ACCOUNT_TEAM * 10 + 1);
    cr_expect_eq(refused_by(5), -1);
    cr_expect_eq(refused_by(2), ACCOUNT_SERVER * 10 + 2);
    cr_expect_eq(refused_by(7), ACCOUNT_SERVER * 10 + 2);
}

/* Gate has enough records, however often sessions change their accounts. */
PaceTest(pace, accounts_are_used_again, 0, 0)
{
    for (uint64_t n = 1; n < 1000; n++)
        for (int i = 0; i < SESSIONS; i++) {
            limit(i, n * 100 + (uint64_t)i, 1, 0, 0);
            for (uint64_t t = 1; t <= 2 * USER_TEAMS_MAX; t++)
                limit_by(i, true, n * 100 + (uint64_t)i * 10 + 10 + t, 1, 0, 0);
        }
    cr_expect_eq(child[0]->pace.accounts, PACE_ACCOUNTS);
    pace_leave(child[0]);
    channel_close(&child[0]->channel);
    limit(0, 1, 1, 0, 0); /* after the session's end */
    cr_expect_eq(child[0]->pace.accounts, 0);
}

/* A user who logs out and in again gets no fresh start. After a change of the
 * limit, gate doesn't wait as long as the old limit would require. */
PaceTest(pace, figures_outlive_a_session, 0, 0)
{
    limit(0, 1, 0, 1, 0);
    cr_assert_eq(ask(child[0], 1, true), 0);
    while (got(0, true) == 0)
        cr_assert_eq(loop_once(&g.frame.loop, 1000), 0);
    pace_leave(child[0]);
    limit(0, 1, 0, 1, 0);
    cr_assert_eq(ask(child[0], 2, true), 0);
    cr_assert_eq(loop_once(&g.frame.loop, 50), 0);
    cr_expect_eq(got(0, true), 0, "512 bytes take 512 s");
    limit(0, 1, 0, RATE, 0);
    while (child[0]->pace.request != 0)
        cr_assert_eq(loop_once(&g.frame.loop, 1000), 0);
    cr_expect_eq(got(0, true), PIECE);
}

PaceTest(pace, without_a_limit, 0, 0)
{
    limit(0, 1, 0, 0, RATE);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(ask(child[0], 1, true), 0);
        cr_expect_eq(got(0, true), FREE, "uploads have none");
    }
}

/* Refuses a session that asks twice, or with the number 0. An attacker who
 * controls a session can ask so. */
PaceTest(pace, one_request_at_a_time, 0, 0)
{
    limit(0, 1, 0, RATE, RATE);
    while (child[0]->pace.request == 0)
        cr_assert_eq(ask(child[0], 1, true), 0);
    cr_expect_eq(ask(child[0], 2, true), -EPROTO);
    pace_leave(child[0]);
    cr_expect_eq(ask(child[0], 0, false), -EPROTO);
}

/* Gate reads the last messages of an adopted session that ends before master
 * has sent its limits. */
PaceTest(pace, before_the_limits, 0, 0)
{
    cr_expect_eq(ask(child[0], 1, true), 0);
    cr_expect_eq(begin_transfer(child[0], 0), 0);
    cr_expect_eq(got(0, true), 0);
    pace_leave(child[0]);
}

/* Only one request of a session may wait, whatever its direction. */
PaceTest(pace, the_other_direction, 0, 0)
{
    limit(0, 1, 0, 1, 0);
    while (child[0]->pace.request == 0)
        cr_assert_eq(ask(child[0], 1, true), 0);
    cr_assert_gt(got(0, true), 0);
    cr_expect_eq(ask(child[0], 2, false), -EPROTO);
}

/* The limits of a user in a team come in several messages. None counts before
 * the last one has come. */
PaceTest(pace, the_last_message_counts, 0, 0)
{
    struct msg_limits m = { .serial = 1, .account = 1, .transfers = 2 };

    limit(1, 2, 0, 0, 0);
    limit_by(1, true, 11, 1, 0, 0);
    cr_expect_eq(refused_by(1), -1);
    pace_on_limits(&g, &m);
    cr_expect_eq(child[0]->pace.accounts, 0);
    m.account = 11;
    m.team = m.last = true;
    m.transfers = 1;
    pace_on_limits(&g, &m);
    cr_expect_eq(child[0]->pace.accounts, 3);
    cr_expect_eq(refused_by(0), ACCOUNT_TEAM * 10 + 1);
    m = (struct msg_limits){ .serial = 2, .account = 2 }; /* again, in parts */
    pace_on_limits(&g, &m);
    cr_expect_eq(refused_by(0), ACCOUNT_TEAM * 10 + 1);
}

/* The looks of many accounts take little time, and only at seats that somebody
 * has had. */
PaceTest(pace, looks_are_cheap, 0, 0)
{
    unsigned looks = 0;

    limit(0, 1, 0, 0, RATE);
    cr_expect_leq(g.pace.row->seats, SESSIONS);
    limit(0, 2, 0, 0, 0);
    g.pace.all.sessions += 20000;
    for (uint64_t n = 1; n <= 1000; n++) {
        const uint64_t began = clock_us();

        limit(0, 10 + n, 0, 0, RATE);
        cr_assert_eq(ask(child[0], 1, false), 0);
        cr_expect_gt(got(0, false), 0);
        looks += child[0]->pace.account[1]->looked > 0;
        g.pace.debt += clock_us() - began; /* as if no time had passed */
    }
    g.pace.all.sessions -= 20000;
    cr_expect(looks > 0 && looks < 60, "%u", looks);
}

/* Waiting sessions share the bandwidth fairly, and together get no more than
 * the limit. Stops when the sessions have got RATE bytes. */
enum shared_by { BY_USER, BY_TEAM, BY_ALL };

/* FIRST: of SESSIONS sessions in a row, number SESSIONS and later ones are of
 * the next generation. */
static void share(enum shared_by by, int first)
{
    uint64_t bytes[SESSIONS] = { 0 }, all = 0, began, us;

    open_gate(0, by == BY_ALL ? RATE : 0);
    if (first > 0)
        open_next(0, by == BY_ALL ? RATE : 0);
    for (int i = first; i < first + SESSIONS; i++) {
        if (by == BY_USER)
            limit(i, 1, 0, 0, RATE);
        else
            limit(i, (uint64_t)i + 1, 0, 0, 0);
        limit_by(i, true, 100, 0, 0, by == BY_TEAM ? RATE : 0);
    }
    began = clock_us();
    while (all < RATE) {
        for (int i = first; i < first + SESSIONS; i++)
            if (child[i]->pace.request == 0) {
                uint64_t n = got(i, false);

                bytes[i - first] += n;
                all += n;
                cr_assert_eq(ask(child[i], 1, false), 0);
            }
        cr_assert_eq(loop_once(&g.frame.loop, first > 0 ? 1 : 1000), 0);
        if (first > 0)
            cr_assert_eq(loop_once(&next.frame.loop, 1), 0);
    }
    us = clock_us() - began;
    /* Gate can give the unused bytes of 100 ms, and a piece, at once. The first
     * session that asks gets a whole piece, and a gate that looked before the
     * others' sessions moved bytes some more. */
    cr_expect_geq(us, 840000, "%llu us", (unsigned long long)us);
    for (int i = 1; i < SESSIONS; i++)
        cr_expect(bytes[i] + (first > 0 ? 4U : 2U) * PIECE >= bytes[0] &&
                      bytes[0] + PIECE >= bytes[i],
                  "%d: %llu and %llu bytes", i, (unsigned long long)bytes[i],
                  (unsigned long long)bytes[0]);
    close_gate();
}

/* All sessions that wait get the same number of bytes, although gate finds all
 * of them due at once. */
PaceTest(pace, gate_is_late, 0, 0)
{
    struct bandwidth *rate;

    for (int i = 0; i < SESSIONS; i++)
        limit(i, 1, 0, 0, RATE);
    cr_assert_eq(ask(child[0], 1, false), 0);
    cr_assert_eq(got(0, false), PIECE);
    rate = &child[0]->pace.account[1]->rate[PACE_DOWN]; /* the user's */
    rate->paid = clock_us() + UINT64_C(60000000);
    for (int i = 0; i < SESSIONS; i++)
        cr_assert_eq(ask(child[i], 2, false), 0);
    rate->paid = clock_us() - 150000;
    g.pace.timer.on_timer(&g);
    for (int i = 0; i < SESSIONS; i++)
        cr_expect_eq(got(i, false), PIECE / SESSIONS, "%d", i);
}

Test(pace, shared_by_the_sessions_of_a_user, .timeout = 60)
{
    share(BY_USER, 0);
    for (int first = 1; first < SESSIONS; first++)
        share(BY_USER, first);
}

Test(pace, shared_by_a_team, .timeout = 60)
{
    share(BY_TEAM, 0);
    share(BY_TEAM, 2);
}

Test(pace, shared_by_all, .timeout = 60)
{
    share(BY_ALL, 0);
    share(BY_ALL, 2);
}
