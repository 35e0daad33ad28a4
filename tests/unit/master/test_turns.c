/* The queue of logins, against a model of it: random logins, turns, departures,
 * deaths of workers and reloads. No process runs, and no time passes. */
#include "master/sessions/turns.h"
#include "support/long.h"
#include "support/test.h"

#define NETWORKS    12
#define LOGINS      200
#define WORKERS     3
#define GENERATIONS 2

static uint64_t seed;

static unsigned below(unsigned n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % n;
}

/* An IPv4 address, or one of 65,536 /64s of a /48: both are one network. */
static struct address in_network(unsigned network)
{
    struct address a = { .family = 4, .bytes = { 192, 0, 2 } };

    if (network % 2 == 0) {
        a.bytes[3] = (uint8_t)network;
        return a;
    }
    a = (struct address){ .family = 6,
                          .bytes = { 0x20, 1, 0xd, 0xb8, 0, (uint8_t)network,
                                     (uint8_t)below(256), (uint8_t)below(256),
                                     (uint8_t)below(256) } };
    return a;
}

/* A login is nowhere, in the queue, or at a worker. */
enum where { NOWHERE, QUEUED, AT_WORKER };

struct login {
    struct turn turn;
    enum where where;
    unsigned network;
    uint64_t number;   /* of its arrival */
    unsigned patience; /* how many turns may come before its own at most */
};

/* A generation has its own queue and its own workers. */
struct generation {
    struct turns turns;
    struct login all[LOGINS];
    struct login *at[WORKERS]; /* NULL: the worker is free, or its login left */
    bool taken[WORKERS], dead[WORKERS];
    /* had[a][b]: A has had a turn, and B has waited since before that turn. */
    bool had[NETWORKS][NETWORKS];
    bool old; /* it gets no further login */
};

static struct generation all[GENERATIONS];
static uint64_t arrivals, turns, verdicts, lost;

static unsigned waiting_of(const struct generation *g, unsigned network)
{
    unsigned n = 0;

    for (size_t i = 0; i < LOGINS; i++)
        n += g->all[i].where == QUEUED && g->all[i].network == network;
    return n;
}

static unsigned networks_waiting(const struct generation *g)
{
    unsigned n = 0;

    for (unsigned i = 0; i < NETWORKS; i++)
        n += waiting_of(g, i) > 0;
    return n;
}

/* NETWORK doesn't wait any more: from now on others may have two turns. */
static void waits_no_more(struct generation *g, unsigned network)
{
    if (waiting_of(g, network) == 0)
        for (unsigned i = 0; i < NETWORKS; i++)
            g->had[i][network] = false;
}

static void arrives(struct generation *g)
{
    struct login *l = &g->all[below(LOGINS)];
    struct address a;

    if (g->old || l->where != NOWHERE)
        return;
    l->network = below(4) ? 1 : below(NETWORKS); /* network 1 floods */
    a = in_network(l->network);
    l->turn.owner = l;
    turns_add(&g->turns, &l->turn, &a);
    l->where = QUEUED;
    l->number = ++arrivals;
    l->patience = waiting_of(g, l->network) * NETWORKS;
}

static void leaves(struct generation *g, struct login *l)
{
    const bool queued = l->where == QUEUED;

    turns_leave(&g->turns, &l->turn);
    for (size_t i = 0; i < WORKERS; i++)
        if (g->at[i] == l)
            g->at[i] = NULL;
    l->where = NOWHERE;
    if (queued)
        waits_no_more(g, l->network);
}

static void has_turn(struct generation *g, struct login *l)
{
    for (size_t i = 0; i < LOGINS; i++) {
        struct login *other = &g->all[i];

        if (other->where != QUEUED || other == l)
            continue;
        cr_assert(other->network != l->network || other->number > l->number,
                  "not in the order of arrival");
        cr_assert_gt(other->patience, 0, "it waits for ever");
        other->patience--;
        cr_assert(!g->had[l->network][other->network] ||
                      other->network == l->network,
                  "two turns while another network waits");
    }
    for (unsigned i = 0; i < NETWORKS; i++) {
        g->had[l->network][i] = i != l->network && waiting_of(g, i) > 0;
        g->had[i][l->network] = false; /* it has had its own turn */
    }
    turns++;
}

static void serve(struct generation *g)
{
    for (size_t i = 0; i < WORKERS; i++) {
        struct turn *t = turns_next(&g->turns);
        struct login *l = t ? t->owner : NULL;

        if (g->dead[i] || g->taken[i])
            continue;
        cr_assert_eq(l != NULL, networks_waiting(g) > 0, "a turn is lost");
        if (!l)
            return;
        cr_assert_eq(l->where, QUEUED, "a login that has left has a turn");
        has_turn(g, l);
        turns_take(&g->turns, t);
        g->taken[i] = true;
        g->at[i] = l;
        l->where = AT_WORKER;
        waits_no_more(g, l->network);
    }
}

/* The worker has answered, or has died. */
static void gives_back(struct generation *g, size_t worker, uint64_t *counter)
{
    if (!g->taken[worker])
        return;
    g->taken[worker] = false;
    if (g->at[worker])
        g->at[worker]->where = NOWHERE;
    g->at[worker] = NULL;
    ++*counter;
}

static void step(struct generation *g)
{
    const size_t worker = below(WORKERS);
    struct login *l = &g->all[below(LOGINS)];

    switch (below(12)) {
    case 0:
    case 1:
    case 2:
        gives_back(g, worker, &verdicts);
        break;
    case 3:
        if (below(100) == 0) {
            gives_back(g, worker, &lost);
            g->dead[worker] = true;
        }
        break;
    case 4:
        g->dead[worker] = false;
        break;
    case 5: /* often the first one of a network */
        if (below(2) && turns_next(&g->turns))
            l = turns_next(&g->turns)->owner;
        leaves(g, l);
        break;
    default:
        arrives(g);
    }
    serve(g);
}

static bool is_over(const struct generation *g)
{
    for (size_t i = 0; i < LOGINS; i++)
        if (g->all[i].where == QUEUED)
            return false;
    return true;
}

/* The generation that has led retires when another one leads. Its place is free
 * for a third one once its queue is empty. */
static void reload(void)
{
    for (size_t i = 0; i < GENERATIONS; i++) {
        struct generation *next = &all[(i + 1) % GENERATIONS];

        if (all[i].old || !is_over(next))
            continue;
        for (size_t k = 0; k < WORKERS; k++)
            gives_back(next, k, &verdicts);
        memset(next, 0, sizeof(*next));
        TAILQ_INIT(&next->turns.waiting);
        all[i].old = true;
        return;
    }
}

static uint64_t taken(void)
{
    uint64_t n = 0;

    for (size_t i = 0; i < GENERATIONS; i++)
        for (size_t k = 0; k < WORKERS; k++)
            n += all[i].taken[k];
    return n;
}

Test(turns, random, .timeout = 600)
{
    const unsigned steps = is_long() ? 3000000 : IS_SANITIZED ? 30000 : 100000;

    seed = 1;
    for (size_t i = 0; i < GENERATIONS; i++)
        TAILQ_INIT(&all[i].turns.waiting);
    all[1].old = true;
    for (unsigned i = 0; i < steps; i++) {
        step(&all[below(GENERATIONS)]);
        if (below(10000) == 0)
            reload();
        cr_assert_eq(turns, verdicts + lost + taken(), "a place is lost");
    }
    cr_log_info("%llu turns, %llu lost by deaths", (unsigned long long)turns,
                (unsigned long long)lost);
    cr_expect_gt(turns, steps / 20);
    cr_expect_gt(lost, steps / 10000);
}
