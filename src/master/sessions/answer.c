/* The wait between a verdict and its answer. A delayed login holds no worker.
 * Only a few logins of one address are delayed at a time, and the others wait
 * for those. So an address can guess only a few times a minute, however many
 * connections it opens. Runs in master. */
#include "answer.h"

#include "core/master.h"
#include "sallyport/base/clock.h"
#include "session.h"

uint64_t answer_wrong_in(uint64_t asked, uint64_t now, uint64_t least,
                         uint64_t step)
{
    uint64_t passed = now - asked, at = passed > least ? passed : least;

    if (step == 0)
        return at - passed;
    if (at % step != 0 || at == passed)
        at += step - at % step;
    return at - passed;
}

/* A quarter of login_timeout leaves time for three tries. */
static uint64_t answer_longest_delay(const struct master *m)
{
    uint64_t quarter = m->settings.login_timeout / 4;

    return m->settings.guess_delay < quarter ? m->settings.guess_delay
                                             : quarter;
}

void answer_count(struct master *m, struct verdict *v)
{
    uint64_t now = clock_ms();

    v->guess.trusted =
        settings_networks_hold(&m->settings.no_ban, &v->guess.peer);
    v->delay =
        guesses_delay(m->guesses, &v->guess, answer_longest_delay(m), now);
    if (!v->right)
        guesses_failed(m->guesses, &v->guess, now);
}

static bool answer_is_slowed(const struct session *s)
{
    return s->state == SESSION_DELAYED && s->answer.slowed;
}

static size_t answer_slowed_of(const struct master *m,
                               const struct address *peer, unsigned bits)
{
    struct address prefix = address_prefix(peer, bits), other;
    size_t n = 0;

    SESSIONS_EACH(m->sessions, s)
        if (answer_is_slowed(s)) {
            other = address_prefix(&s->peer, bits);
            n += address_same_host(&other, &prefix);
        }
    return n;
}

static bool address_is_full(const struct session *s)
{
    const struct guess_level *l = NULL;
    size_t n = s->answer.verdict.guess.trusted
                   ? 0
                   : guesses_levels(s->peer.family, &l);

    for (size_t i = 0; i < n; i++)
        if (answer_slowed_of(s->master, &s->peer, l[i].bits) >= l[i].slowed)
            return true;
    return false;
}

static void answer_delay(struct session *s)
{
    const struct answer *a = &s->answer;
    uint64_t now = clock_ms(), passed = now - a->asked, ms;

    if (a->verdict.right)
        ms = a->verdict.delay > passed ? a->verdict.delay - passed : 0;
    else
        ms = answer_wrong_in(a->asked, now, a->verdict.delay,
                             s->master->settings.login_delay);
    s->state = SESSION_DELAYED;
    session_wait(s, ms);
}

void answer_wait(struct session *s)
{
    s->answer.slowed = s->answer.verdict.delay > 0;
    if (s->answer.slowed && address_is_full(s)) {
        s->state = SESSION_HELD;
        session_wait(s, s->master->deadlines.verdict);
    } else {
        answer_delay(s);
    }
}

/* The delay begins now. If the time in the queue counted, all waiting logins
 * would be answered together with the first one. */
static void answer_release(struct session *s)
{
    struct verdict *v = &s->answer.verdict;
    uint64_t now = clock_ms();

    v->delay = guesses_delay(s->master->guesses, &v->guess,
                             answer_longest_delay(s->master), now);
    s->answer.slowed = v->delay > 0;
    if (s->answer.slowed && v->right)
        s->answer.asked = now;
    else if (s->answer.slowed) /* sent at a multiple of login_delay */
        v->delay += now - s->answer.asked;
    answer_delay(s);
}

static bool answer_may_go(const struct session *s)
{
    const struct answer *a = &s->answer;

    return !address_is_full(s) ||
           guesses_delay(s->master->guesses, &a->verdict.guess,
                         answer_longest_delay(s->master), clock_ms()) == 0;
}

static struct session *answer_longest_held(struct master *m)
{
    struct session *best = NULL;

    SESSIONS_EACH(m->sessions, s)
        if (s->state == SESSION_HELD &&
            (!best || s->answer.asked < best->answer.asked) && answer_may_go(s))
            best = s;
    return best;
}

void answer_next(struct master *m)
{
    struct session *s;

    while ((s = answer_longest_held(m)))
        answer_release(s);
}
