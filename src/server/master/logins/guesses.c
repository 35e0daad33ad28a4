/* Counts failed logins by name and by address, in slots. Each failure adds to
 * the debt of its slot, which falls as time passes. A keyed hash chooses the
 * slot, as in src/lib/base/address.c. So the memory is bounded, and two names
 * or addresses share a slot only by chance. The memory outlives master, so
 * neither a crash nor a reload forgets failures. If an older generation still
 * has sessions, its master counts their failures in the same memory. Another
 * table, for bans and for the administrator, has addresses and the number of
 * their wrong passwords in the last hour. Runs in master. Apart from the random
 * key the functions are pure: the time is an argument. */
#include "logins.h"

#include <sys/mman.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/random.h"
#include "sallyport/base/shared.h"

#define STEP_MS 1000 /* the first delay; each further failure doubles it */

static const struct network_rate guess_rate = { GUESS_MS, GUESS_FREE *GUESS_MS,
                                                GUESS_DEBT };

int guesses_map(int fd, struct guesses **ret)
{
    int r = SHARED_MAP(*ret, fd, PROT_READ | PROT_WRITE);

    if (r < 0)
        return r;
    if (!(*ret)->made)
        random_bytes((*ret)->key, sizeof((*ret)->key));
    (*ret)->made = true;
    return 0;
}

/* Returns a keyed hash of NAME and of PEER's address. NAME 0: of the address
 * alone. */
static uint64_t guess_hash(const struct guesses *g, uint64_t name,
                           const struct address *peer)
{
    return network_hash(g->key, name, peer, address_client_bits(peer));
}

/* Returns the delay, at most MOST, of a failure that exceeds the free ones by
 * OVER. */
static uint64_t guess_delay_of(uint64_t over, uint64_t most)
{
    uint64_t ms = over > 0 ? STEP_MS : 0;

    for (; over > 1 && ms < most; over--)
        ms *= 2;
    return ms < most ? ms : most;
}

/* Slots of the table of names. Pairs of a name and prefix have a half of their
 * own: so no failures elsewhere, with any names, delay a known user. */
#define NAME_SLOT(hash) ((hash) % (GUESS_SLOTS / 2))
#define PAIR_SLOT(hash) (GUESS_SLOTS / 2 + NAME_SLOT(hash))

/* The same for the failures of a name, or of a name and prefix. */
static uint64_t guess_name_delay(const struct guesses *g, uint64_t slot,
                                 uint64_t most, uint64_t now)
{
    uint64_t wait = debt_wait(&g->names[slot], GUESS_NAME_MS,
                              GUESS_NAME_FREE * GUESS_NAME_MS, now);

    return guess_delay_of((wait + GUESS_NAME_MS - 1) / GUESS_NAME_MS, most);
}

/* Returns the row of PAIR or, if PAIR has none, the oldest of the GUESS_WAYS
 * rows in which PAIR can be. */
static struct guess_known *guess_known_row(struct guess_known *table,
                                           uint64_t pair)
{
    struct guess_known *row =
        table + pair % (GUESS_SLOTS / GUESS_WAYS) * GUESS_WAYS;
    struct guess_known *oldest = row;

    for (size_t i = 0; i < GUESS_WAYS; i++) {
        if (row[i].at > 0 && row[i].pair == pair)
            return &row[i];
        if (row[i].at < oldest->at)
            oldest = &row[i];
    }
    return oldest;
}

static bool guess_is_known(struct guess_known *table, uint64_t pair,
                           uint64_t now)
{
    const struct guess_known *k = guess_known_row(table, pair);

    return k->at > 0 && k->pair == pair && now - k->at < GUESS_KNOWN_MS;
}

uint64_t guesses_delay(struct guesses *g, const struct guess *what,
                       uint64_t most, uint64_t now)
{
    uint64_t pair = guess_hash(g, what->name, &what->peer), over = 0, name,
             network;

    if (guess_is_known(g->known, pair, now))
        return guess_name_delay(g, PAIR_SLOT(pair), most, now);
    if (!what->trusted)
        network_wait(g->prefixes, g->key, &what->peer, &guess_rate, now, &over);
    network = guess_delay_of(over, most);
    name = guess_name_delay(g, NAME_SLOT(what->name), most, now);
    return name > network ? name : network;
}

static void guess_add(struct guesses *g, uint64_t slot, uint64_t now)
{
    debt_add(&g->names[slot], GUESS_NAME_MS,
             (GUESS_NAME_FREE + GUESS_DEBT) * GUESS_NAME_MS, now);
}

/* The counts of the last hour, in steps of five minutes. Older steps don't
 * count. */

static void hour_add(struct guess_hour *h, uint64_t now)
{
    uint64_t step = now / GUESS_STEP_MS;

    if (step >= h->step + GUESS_STEPS || step < h->step)
        *h = (struct guess_hour){ .step = step };
    while (h->step < step)
        h->wrong[++h->step % GUESS_STEPS] = 0;
    h->wrong[step % GUESS_STEPS]++;
}

static uint64_t hour_sum(const struct guess_hour *h, uint64_t now)
{
    uint64_t step = now / GUESS_STEP_MS, sum = 0;

    for (uint64_t i = 0; i < GUESS_STEPS && i <= h->step; i++)
        if (h->step - i + GUESS_STEPS > step)
            sum += h->wrong[(h->step - i) % GUESS_STEPS];
    return sum;
}

/* Returns the row of PREFIX or, if PREFIX has none, the row with the fewest
 * wrong passwords among the GUESS_WAYS rows in which PREFIX can be. */
static struct guess_source *
guess_source_of(struct guesses *g, const struct address *prefix, uint64_t now)
{
    uint64_t hash = guess_hash(g, 0, prefix);
    struct guess_source *row =
        g->source + hash % (GUESS_SOURCES / GUESS_WAYS) * GUESS_WAYS;
    struct guess_source *least = row;

    for (size_t i = 0; i < GUESS_WAYS; i++) {
        if (address_same_host(&row[i].prefix, prefix))
            return &row[i];
        if (hour_sum(&row[i].hour, now) < hour_sum(&least->hour, now))
            least = &row[i];
    }
    return least;
}

uint64_t guesses_for_ban(struct guesses *g, const struct address *peer,
                         uint64_t now)
{
    struct address prefix = address_client_prefix(peer);
    const struct guess_source *s = guess_source_of(g, &prefix, now);
    uint64_t there = guess_hash(g, 0, peer);

    return address_same_host(&s->prefix, &prefix) &&
                   !guess_is_known(g->logins, there, now)
               ? hour_sum(&s->hour, now)
               : 0;
}

void guesses_pardon(struct guesses *g, const struct address *network,
                    unsigned bits)
{
    for (size_t i = 0; i < GUESS_SOURCES; i++) {
        struct guess_source *s = &g->source[i];
        struct address prefix = address_prefix(&s->prefix, bits);

        if (address_same_host(&prefix, network))
            *s = (struct guess_source){ 0 };
    }
}

/* Keeps ret->worst sorted: the address with the most wrong passwords is first.
 */
void guesses_report(const struct guesses *g, uint64_t now,
                    struct guess_report *ret)
{
    *ret = (struct guess_report){ .wrong = hour_sum(&g->all, now) };
    for (size_t i = 0; i < GUESS_SOURCES; i++) {
        const struct guess_source *s = &g->source[i];
        uint64_t wrong = s->prefix.family ? hour_sum(&s->hour, now) : 0;

        if (wrong == 0)
            continue;
        ret->addresses++;
        size_t at = ret->count < GUESS_WORST ? ret->count++ : GUESS_WORST;
        for (; at > 0 && ret->worst[at - 1].wrong < wrong; at--)
            if (at < GUESS_WORST)
                ret->worst[at] = ret->worst[at - 1];
        if (at < GUESS_WORST)
            ret->worst[at] = (struct guess_worst){ s->prefix, wrong };
    }
}

void guesses_failed(struct guesses *g, const struct guess *what, uint64_t now)
{
    uint64_t pair = guess_hash(g, what->name, &what->peer);
    struct address prefix = address_client_prefix(&what->peer);
    struct guess_source *from = guess_source_of(g, &prefix, now);

    if (what->name != 0)
        guess_add(g, NAME_SLOT(what->name), now);
    if (guess_is_known(g->known, pair, now))
        guess_add(g, PAIR_SLOT(pair), now);
    if (!what->trusted)
        network_count(g->prefixes, g->key, &what->peer, &guess_rate, now);
    if (!address_same_host(&from->prefix, &prefix))
        *from = (struct guess_source){ .prefix = prefix };
    hour_add(&from->hour, now);
    hour_add(&g->all, now);
}

void guesses_succeeded(struct guesses *g, const struct guess *what,
                       uint64_t now)
{
    uint64_t pair = guess_hash(g, what->name, &what->peer);
    uint64_t there = guess_hash(g, 0, &what->peer);

    *guess_known_row(g->known, pair) = (struct guess_known){ pair, now };
    *guess_known_row(g->logins, there) = (struct guess_known){ there, now };
}

/* If five users share the same four rows of g->steps, and four of them have
 * sent the code of this half minute, the fifth must wait for the next code. */
const char *guesses_code(struct guesses *g, const struct guess *what,
                         uint64_t step, uint64_t ms, uint64_t now)
{
    const uint64_t name = what->name ^ what->factor;
    uint64_t pair = guess_hash(g, name, &what->peer);
    struct guess_known *last = guess_known_row(g->steps, name);
    struct guess_known *k = guess_known_row(g->coded, pair);
    bool opened = k->at > 0 && k->pair == pair && now - k->at < ms;

    if (step == 0)
        return opened ? NULL : "the one-time code is missing or wrong";
    if (step <= last->at)
        return opened ? NULL : "the one-time code was used before";
    *last = (struct guess_known){ name, step };
    *k = (struct guess_known){ pair, now };
    return NULL;
}
