/* Limits the bytes that sessions may move in a second, and the transfers that
 * may run at a time, in all generations. Runs in gate. A session asks before it
 * moves bytes, and waits for the answer: a piece, which is a number of bytes.
 * So sessions share rates without shared memory. A session that an attacker
 * controls can ignore its own limits, but takes no more than its own share away
 * from other sessions.
 *
 * A session belongs to several accounts: the account of all sessions, its
 * user's account, and the account of each team of the user. Each account has
 * the same counters, and each account must permit what the session asks for.
 *
 * Each rate has a clock, struct bandwidth's `paid`. A piece moves the clock
 * ahead by the time that the piece's bytes take at this rate. While the clock
 * is ahead of the present time, no session of the account gets a piece. The
 * sessions that wait stand in one line for each direction, and each piece sends
 * its session to the end of the line. Since other sessions move the clocks,
 * too, a session's accounts are perhaps never due at the same time. So a
 * session that has waited for a round gets a piece as soon as all its clocks
 * are less than a round ahead.
 *
 * The gates of all generations share seats, in which each shows what its
 * sessions do. A gate gives away the part of a rate that its sessions have of
 * all sessions that move bytes. A session has the limits of its generation. */
#include "gate.h"

#include <errno.h>
#include <string.h>

#include "sallyport/base/clock.h"

#define SECOND_US UINT64_C(1000000)
/* Rounds through the line in a second: each round gives away the bytes of 50
 * ms. */
#define ROUNDS   20u
#define ROUND_US (SECOND_US / ROUNDS)
/* Gate gives away at most this many pieces a second, however many sessions
 * wait. */
#define PIECES 1000u
/* Least bytes of a piece: each piece costs a TLS record, so smaller pieces
 * would cost too much. */
#define PIECE_LEAST 512u
/* Bytes of a piece for a session without a limit of bandwidth. */
#define PIECE_FREE (UINT64_C(4) << 20)
/* A busy machine can give pieces late: bytes unused for at most this time
 * aren't lost. */
#define SLACK_US 100000u
/* ms between two looks at the whole line, and 1 ms more for each LOOK_MORE
 * sessions that wait. */
#define LOOK_MS   5u
#define LOOK_MORE 200u
/* ms from one look at the seats to the next. A session counts as moving bytes
 * while it waits, and for this time after each piece. */
#define SEATS_MS 100u
/* Each look costs 5 ns for each seat, so it adds 1 us to a debt for this number
 * of sessions: a gate with many accounts looks less often. */
#define SEATS_PER_US 10u

static void pace_on_timer(void *owner);

/* Sets LIMIT. A new limit begins now, whatever the old limit has given away. */
static void rate_set(struct bandwidth *f, uint64_t limit)
{
    if (f->limit != limit)
        *f = (struct bandwidth){ limit, clock_us(), limit };
}

static void account_set(struct account *a, uint64_t most, uint64_t up,
                        uint64_t down)
{
    a->most = most;
    rate_set(&a->rate[PACE_UP], up);
    rate_set(&a->rate[PACE_DOWN], down);
}

int pace_init(struct gate *g)
{
    struct pace *p = &g->pace;
    const struct settings *s = &g->settings;

    p->size = g->places * (PACE_ACCOUNTS - 1);
    p->buckets = table_buckets(p->size);
    TAILQ_INIT(&p->unused);
    for (int way = 0; way < PACE_WAYS; way++)
        TAILQ_INIT(&p->line[way]);
    p->row = &p->memory->row[g->row - g->board->row];
    for (size_t i = 0; i < PACE_SEATS && i < p->row->seats; i++)
        p->row->seat[i] = (struct pace_seat){ 0 }; /* an earlier gate's */
    board_set(&p->row->seats, 0); /* from then on, those that were used */
    board_set(&p->row->generation, board_get(&g->row->generation));
    account_set(&p->all, s->max_transfers, s->bandwidth_up, s->bandwidth_down);
    p->timer = (struct loop_timer){ .on_timer = pace_on_timer, .owner = g };
    p->slot = pages_new(p->size, sizeof(*p->slot));
    p->chain = pages_new(p->buckets, sizeof(*p->chain));
    if (!p->slot || !p->chain) {
        pace_release(g);
        return -ENOMEM;
    }
    for (size_t i = 0; i < p->size; i++)
        TAILQ_INSERT_TAIL(&p->unused, &p->slot[i], unused);
    return 0;
}

void pace_release(struct gate *g)
{
    struct pace *p = &g->pace;

    if (p->timer.on_timer)
        loop_timer_clear(&g->frame.loop, &p->timer);
    pages_free(p->slot, p->size, sizeof(*p->slot));
    pages_free(p->chain, p->buckets, sizeof(*p->chain));
    SHARED_UNMAP(p->memory);
    *p = (struct pace){ 0 };
}

/* Finds the account with this number, which is a keyed hash. If there is none,
 * takes the account that has been unused for longest, so a user who logs in
 * again soon finds the old rates. An account is always unused, since there are
 * as many accounts as all sessions can belong to. */
static struct account *account_find(struct pace *p, uint64_t number)
{
    struct account_list *chain = &p->chain[number & (p->buckets - 1)];
    struct account *a;

    LIST_FOREACH(a, chain, chain)
        if (a->number == number)
            return a;
    a = TAILQ_FIRST(&p->unused);
    if (a->number != 0)
        LIST_REMOVE(a, chain);
    TAILQ_REMOVE(&p->unused, a, unused);
    *a = (struct account){ .number = number };
    LIST_INSERT_HEAD(chain, a, chain);
    TAILQ_INSERT_TAIL(&p->unused, a, unused);
    return a;
}

/* Adds up the seats of ROW for A. */
static void account_look_at(struct account *a, const struct pace_row *row,
                            size_t *moving)
{
    const uint64_t seats = board_get(&row->seats);

    for (size_t i = 0; i < seats && i < PACE_SEATS; i++) {
        const struct pace_seat *seat = &row->seat[i];
        bool in = a->number == 0;

        for (size_t n = 0; n < PACE_ACCOUNTS - 1; n++)
            in = in || board_get(&seat->account[n]) == a->number;
        a->transfers += in && board_get(&seat->transfers) != 0;
        for (int way = 0; way < PACE_WAYS; way++)
            moving[way] += in && board_get(&seat->moves[way]) > a->looked;
    }
}

/* Looks at the seats of all generations that live. Returns the transfers. */
static uint64_t account_look(const struct gate *g, struct account *a)
{
    const struct pace_row *row = g->pace.memory->row;

    a->looked = clock_ms();
    a->transfers = 0;
    memset(a->moving, 0, sizeof(a->moving));
    for (size_t i = 0; i < BOARD_ROWS; i++, row++)
        if (board_get(&g->board->row[i].generation) ==
            board_get(&row->generation))
            account_look_at(a, row, a->moving[row == g->pace.row]);
    return a->transfers;
}

static void account_join(struct account *a, struct gate_child *c)
{
    struct pacing *mine = &c->pace;

    if (a->sessions++ == 0 && a->number != 0)
        TAILQ_REMOVE(&c->gate->pace.unused, a, unused);
    a->waiting[mine->way] += mine->request != 0;
    mine->account[mine->accounts++] = a;
}

static void pace_leave_accounts(struct gate_child *c)
{
    while (c->pace.accounts > 0) {
        struct account *a = c->pace.account[--c->pace.accounts];

        a->waiting[c->pace.way] -= c->pace.request != 0;
        if (--a->sessions == 0 && a->number != 0)
            TAILQ_INSERT_TAIL(&c->gate->pace.unused, a, unused);
    }
}

/* Returns the bytes of a piece if N sessions wait. */
static uint64_t rate_piece(const struct bandwidth *f, size_t n)
{
    uint64_t share = f->part / ROUNDS / n, least = f->part / PIECES;

    if (f->limit == 0)
        return PIECE_FREE;
    if (least < PIECE_LEAST)
        least = PIECE_LEAST;
    return share > least ? share : least;
}

/* Returns the clock_us() from which all rates permit a piece. */
static uint64_t pace_due(const struct gate_child *c)
{
    uint64_t due = 0;

    for (size_t i = 0; i < c->pace.accounts; i++) {
        uint64_t paid = c->pace.account[i]->rate[c->pace.way].paid;

        if (paid > due)
            due = paid;
    }
    return due;
}

static void pace_leave_line(struct gate_child *c)
{
    enum pace_way way = c->pace.way;

    if (c->pace.request == 0)
        return;
    TAILQ_REMOVE(&c->gate->pace.line[way], c, pace.line);
    for (size_t i = 0; i < c->pace.accounts; i++)
        c->pace.account[i]->waiting[way]--;
    board_set(&c->pace.seat->moves[way], clock_ms() + SEATS_MS);
    c->pace.request = 0;
}

static void pace_give(struct gate_child *c, uint64_t now)
{
    enum pace_way way = c->pace.way;
    struct gate *g = c->gate;
    uint64_t bytes = PIECE_FREE;
    uint32_t request = c->pace.request;

    for (size_t i = 0; i < c->pace.accounts; i++) {
        struct account *a = c->pace.account[i];
        struct bandwidth *f = &a->rate[way];
        size_t own, others;
        uint64_t most;

        /* The sessions that were served in this look share the bandwidth, too:
         * otherwise the last session in the line would get too much. */
        if (a->look[way] != g->pace.looks)
            a->crowd[way] = a->waiting[way];
        a->look[way] = g->pace.looks;
        /* Sets the part of a rate that this gate gives away. */
        if (f->limit > 0 && clock_ms() >= a->looked + SEATS_MS &&
            debt_take(&g->pace.debt, g->pace.all.sessions / SEATS_PER_US,
                      SEATS_MS * 1000, clock_us()) == 0)
            account_look(g, a);
        others = a->moving[0][way];
        own = a->moving[1][way] > 0 ? a->moving[1][way] : 1;
        f->part = (f->limit * own + others) / (own + others); /* rounded up */
        most = rate_piece(&a->rate[way], a->crowd[way] > a->waiting[way]
                                             ? a->crowd[way]
                                             : a->waiting[way]);
        if (most < bytes)
            bytes = most;
    }
    for (size_t i = 0; i < c->pace.accounts; i++) {
        struct bandwidth *f = &c->pace.account[i]->rate[way];

        if (f->limit == 0)
            continue;
        if (f->paid + SLACK_US < now)
            f->paid = now - SLACK_US;
        f->paid += bytes * SECOND_US / f->part;
    }
    pace_leave_line(c);
    child_answered(c, SEND(&c->channel, bytes, request,
                           .upload = way == PACE_UP, .count = bytes));
}

/* Serves each session in the line whose turn has come. Returns the clock_us()
 * of the next turn, or NEXT if NEXT is earlier. */
static uint64_t pace_serve(struct pace *p, enum pace_way way, uint64_t next)
{
    const struct bandwidth *all = &p->all.rate[way];
    uint64_t now = clock_us();
    struct gate_child *after;

    for (struct gate_child *c = TAILQ_FIRST(&p->line[way]); c; c = after) {
        uint64_t due = pace_due(c);

        after = TAILQ_NEXT(c, pace.line);
        if (due <= now || (due <= now + ROUND_US && /* see above */
                           c->pace.asked + ROUND_US <= now))
            pace_give(c, now);
        else if (due < next)
            next = due;
        if (all->paid > now) /* the rest of the line can't get bytes now */
            return all->paid < next && after ? all->paid : next;
    }
    return next;
}

static void pace_wake(struct gate *g, uint64_t due)
{
    struct pace *p = &g->pace;
    uint64_t now = clock_us(), ms = due > now ? (due - now) / 1000 + 1 : 0;
    uint64_t at = clock_ms() + ms;
    uint64_t look =
        LOOK_MS +
        (p->all.waiting[PACE_UP] + p->all.waiting[PACE_DOWN]) / LOOK_MORE;

    if (at < p->looked + look)
        at = p->looked + look;
    if (due < UINT64_MAX && (!p->timer.armed || at < p->timer.at))
        loop_timer_set(&g->frame.loop, &p->timer, at - clock_ms());
}

static void pace_on_timer(void *owner)
{
    struct gate *g = owner;
    uint64_t next = UINT64_MAX;

    g->pace.looked = clock_ms();
    g->pace.looks++;
    for (int way = 0; way < PACE_WAYS; way++)
        next = pace_serve(&g->pace, (enum pace_way)way, next);
    pace_wake(g, next);
}

int pace_on_bytes_ask(void *owner, struct msg_bytes_ask *m)
{
    struct gate_child *c = owner;
    struct pace *p = &c->gate->pace;
    enum pace_way way = m->upload ? PACE_UP : PACE_DOWN;

    if (m->request == 0 || c->pace.request != 0)
        return channel_refuse(&c->channel, "a second request for bytes");
    if (!c->pace.seat) /* adopted, and ends before its limits have come */
        return 0;
    c->pace.request = m->request;
    c->pace.asked = clock_us();
    c->pace.way = way;
    board_set(&c->pace.seat->moves[way], UINT64_MAX);
    TAILQ_INSERT_TAIL(&p->line[way], c, pace.line);
    for (size_t i = 0; i < c->pace.accounts; i++)
        c->pace.account[i]->waiting[way]++;
    if (TAILQ_FIRST(&p->line[way]) == c)
        pace_wake(c->gate, pace_serve(p, way, UINT64_MAX));
    else
        pace_wake(c->gate, pace_due(c));
    return 0;
}

static void pace_count(struct gate_child *c, bool counts)
{
    if (c->pace.seat)
        board_set(&c->pace.seat->transfers, counts);
    c->pace.counts = counts;
}

/* Refuses a transfer if an account's transfers have reached their limit. Counts
 * the transfer before the look: if two gates look at once, both can refuse, but
 * never permit too many. */
int pace_on_transfer_begin(void *owner, struct msg_transfer_begin *m)
{
    struct gate_child *c = owner;
    const struct account *full = NULL;
    const bool counted = c->pace.counts || m->request == 0;

    pace_count(c, true);
    for (size_t i = 0; i < c->pace.accounts && !counted && !full; i++) {
        struct account *a = c->pace.account[i];

        if (a->most > 0 && account_look(c->gate, a) > a->most)
            full = a;
    }
    if (full)
        pace_count(c, false);
    if (m->request == 0)
        return 0;
    return SEND(&c->channel, transfer_may, m->request, .begin = !full,
                .of = full ? full->kind : ACCOUNT_SERVER,
                .limit = full ? full->most : 0);
}

int pace_on_transfer_end(void *owner, struct msg_transfer_end *m)
{
    (void)m;
    pace_count(owner, false);
    return 0;
}

/* Takes all limits of a session at once: if the session belonged to only some
 * of its accounts, the other accounts would give away too much. The session can
 * have ended meanwhile. */
int pace_on_limits(void *owner, struct msg_limits *m)
{
    struct gate_child *c = children_find(owner, m->serial);
    struct pacing *mine;
    uint64_t place;

    if (!c)
        return 0;
    mine = &c->pace;
    if (!m->team)
        mine->news_count = 0;
    if (mine->news_count < PACE_ACCOUNTS - 1)
        mine->news[mine->news_count++] = *m;
    if (!m->last)
        return 0;
    child_logged_in(c);
    if (c->channel.fd < 0 || c->why)
        return 0;
    pace_leave_accounts(c);
    account_join(&c->gate->pace.all, c);
    place = (uint64_t)(c - c->gate->children.slot);
    mine->seat = &c->gate->pace.row->seat[place];
    if (board_get(&c->gate->pace.row->seats) <= place)
        board_set(&c->gate->pace.row->seats, place + 1);
    for (size_t i = mine->news_count; i < PACE_ACCOUNTS - 1; i++)
        board_set(&mine->seat->account[i], 0);
    for (size_t i = 0; i < mine->news_count; i++) {
        const struct msg_limits *one = &mine->news[i];
        struct account *a = account_find(&c->gate->pace, one->account);

        a->kind = one->team ? ACCOUNT_TEAM : ACCOUNT_USER;
        account_set(a, one->transfers, one->up, one->down);
        account_join(a, c);
        board_set(&mine->seat->account[i], a->number);
    }
    if (mine->request != 0)
        pace_wake(c->gate, pace_due(c));
    return 0;
}

void pace_leave(struct gate_child *c)
{
    pace_leave_line(c);
    pace_count(c, false);
    pace_leave_accounts(c);
    if (c->pace.seat)
        *c->pace.seat = (struct pace_seat){ 0 };
    c->pace.seat = NULL;
}
