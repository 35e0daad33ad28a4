/* Decides when a generation starts: at first, at a reload, after a crash; and
 * lets it take over. Runs in the supervisor. There is one start at a time;
 * requests during a start lead to one further start. A recovery reads no
 * configuration, so it answers no request.
 *
 * This table says what starts when, unless the service stops:
 *
 *   under_way   recoveries.due  reload  what happens
 *   ----------  --------------  ------  -----------------------------------
 *   none        no              NONE    nothing
 *   none        no              WANTED  the reload starts; if 8 generations
 *                                       live, it becomes WAITS
 *   none        no              WAITS   the reload starts when one has ended
 *   none        yes             any     the recovery starts, or its timer is
 *                                       armed; until then as with "no"
 *   a reload    no              any     the next follows when this one leads,
 *                                       or has failed
 *   a reload    yes             any     if it leads, it is the recovery, too;
 *                                       if it isn't ready after `put_off`, the
 *                                       supervisor ends it, and starts it again
 *                                       after the recovery (WANTED)
 *   a recovery  no              any     as for a reload
 *   a recovery  yes             any     if it leads, no other recovery is due
 *
 * The first start counts as a reload. If it fails, no generation has led
 * (`led`), so the supervisor ends, unless another start is due. */
#include "supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/generation.h"

/* Lets G take over by one store on the board: each gate looks there before it
 * accepts a connection. Tells the older masters, so that they finish their
 * sessions. Ends a master that doesn't read its messages, since it would never
 * end itself. */
void takeover_begin(struct generation *g)
{
    struct supervisor *s = g->supervisor;
    struct pollfd one = { .fd = g->channel.fd };
    int r;

    if (poll(&one, 1, 0) != 0) /* G's master has died, and must not replace the
                                * leader */
        return;
    board_set(&s->board->accepts, g->number);
    GENERATIONS_EACH(s, old) {
        if (old == g || !generation_lives(old) || old->state == GENERATION_OLD)
            continue;
        old->state = GENERATION_OLD;
        if (SEND(&old->channel, replaced, 0) == -EAGAIN)
            generation_give_up(old, "its master doesn't read its messages");
    }
    r = SEND(&g->channel, lead, 0);
    g->state = GENERATION_TAKING;
    generation_set_timer(g, s->deadlines.take);
    if (r < 0 && r != -EPIPE) /* -EPIPE: it has ended, and will be reaped */
        generation_give_up(g, "its master doesn't read its messages");
}

static void start_next(struct supervisor *s);

/* Answers the requests for the current start, or if ALL, all requests. */
static void answer_askers(struct supervisor *s, bool all, bool done,
                          const char *why)
{
    for (size_t i = 0; i < ASKERS_MAX; i++) {
        struct reload_asker *a = &s->asker[i];

        if (!a->generation || (a->later && !all))
            continue;
        SEND(&a->generation->channel, renewed, a->request, .done = done,
             .why = slice_from(why));
        *a = (struct reload_asker){ 0 };
    }
}

/* Sends WHY to the leading master, for its log. */
static void report_to_leader(struct supervisor *s, const char *why)
{
    GENERATIONS_EACH(s, g)
        if (g->state == GENERATION_LEADING)
            SEND(&g->channel, renewed, 0, .done = false,
                 .why = slice_from(why));
}

/* Answers that the current start has failed. Nobody has asked for a recovery,
 * so its failure needs no answer. */
static void answer_failure(struct supervisor *s, const char *why)
{
    bool recovers = s->under_way && s->under_way->recovers;
    char reason[COMPLAINT_MAX + 32];

    s->under_way = NULL;
    if (!s->led || recovers || s->stopping)
        return;
    report_to_leader(s, why);
    snprintf(reason, sizeof(reason), "%s: %s",
             slice_starts(slice_from(why), SLICE(GENERATION_NOT_TAKEN))
                 ? ""
                 : ", and changed nothing",
             why);
    status_ready(s, "the last reload failed", reason);
    answer_askers(s, false, false, why);
}

void start_now(struct supervisor *s, bool recovery)
{
    for (size_t i = 0; i < ASKERS_MAX; i++)
        s->asker[i].later = recovery;
    if (recovery)
        s->recoveries.due = false;
    else
        s->reload = RELOAD_NONE;
    s->under_way = generation_start(s, recovery);
    if (s->under_way)
        return;
    if (!recovery) {
        answer_failure(s, GENERATION_AGAIN "the supervisor can't start it");
        return;
    }
    s->recoveries.due = true;
    s->recoveries.begun -= s->deadlines.recovery; /* the recovery hasn't
                                                   * begun */
    loop_timer_set(&s->loop, &s->recoveries.timer, s->deadlines.retry);
}

static bool take_recovery(struct supervisor *s)
{
    struct recoveries *r = &s->recoveries;
    uint64_t wait =
        debt_take(&r->begun, s->deadlines.recovery,
                  RECOVERIES_BURST * s->deadlines.recovery, clock_ms());

    if (wait > 0)
        loop_timer_set(&s->loop, &r->timer, wait);
    return wait == 0;
}

/* Ends a reload that isn't ready when a recovery is due, and repeats it after
 * the recovery: the reload can wait for a disk or a directory service, and
 * meanwhile the server serves nobody. If a burst of crashes delays the
 * recovery, the reload goes on: it may bring the setting that ends the
 * crashes. */
static void start_on_timer(void *owner)
{
    struct supervisor *s = owner;
    struct generation *g = s->under_way;

    if (s->recoveries.due && g && !g->recovers &&
        g->state == GENERATION_STARTING && take_recovery(s)) {
        s->recoveries.begun -=
            s->deadlines.recovery; /* start_next() takes it again */
        s->under_way = NULL;
        s->reload = RELOAD_WANTED;
        generation_give_up(g, "a recovery comes first");
    }
    start_next(s);
}

void start_init(struct supervisor *s)
{
    s->recoveries = (struct recoveries){
        .timer = { .on_timer = start_on_timer, .owner = s },
    };
}

/* Starts the next generation, if one is due. 8 living generations don't stop a
 * recovery, since it replaces the generation without a master. */
static void start_next(struct supervisor *s)
{
    size_t living = 0;
    char text[64];

    if (s->stopping || s->under_way)
        return;
    GENERATIONS_EACH(s, g)
        living += generation_lives(g);
    if (s->recoveries.due && take_recovery(s)) {
        start_now(s, true);
    } else if (s->reload == RELOAD_NONE) {
        return;
    } else if (living < GENERATIONS_MAX) {
        snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu",
                 (unsigned long long)clock_us());
        notify_send(s->notify_fd, text);
        start_now(s, false);
    } else {
        static const char why[] = GENERATION_WAITS
            "8 generations have sessions; it begins when the last session of "
            "one of them has ended";

        if (s->reload != RELOAD_WAITS)
            report_to_leader(s, why);
        s->reload = RELOAD_WAITS;
        answer_askers(s, true, false, why);
    }
}

void start_reload(struct supervisor *s, struct generation *g, uint32_t request)
{
    struct reload_asker *a = s->asker, *end = a + ASKERS_MAX;

    while (a < end && a->generation)
        a++;
    if (g && a < end)
        *a = (struct reload_asker){ g, request, s->under_way != NULL };
    else if (g)
        SEND(&g->channel, renewed, request, .done = false,
             .why = SLICE(GENERATION_AGAIN "too many wait for a reload"));
    if (s->reload == RELOAD_NONE)
        s->reload = RELOAD_WANTED;
    start_next(s);
}

int start_on_leading(void *owner, struct msg_leading *m)
{
    struct generation *g = owner;
    struct supervisor *s = g->supervisor;
    const char *what = g->recovers ? "processes that failed were replaced"
                       : s->led    ? "reloaded"
                                   : "";

    (void)m;
    if (g->state != GENERATION_TAKING)
        return 0;
    loop_timer_clear(&s->loop, &g->timer);
    g->state = GENERATION_LEADING;
    kept_release(&s->kept);
    s->kept = g->kept;
    g->kept = (struct kept){ 0 };
    kept_drop_ended(&s->kept);
    s->led = true;
    s->under_way = NULL;
    s->recoveries.due =
        false; /* G also replaces whatever has failed meanwhile */
    loop_timer_clear(&s->loop, &s->recoveries.timer);
    status_ready(s, what, "");
    heartbeat_begin(s);
    answer_askers(s, false, true, "");
    start_next(s);
    return 0;
}

static void report_failure(struct generation *g, enum generation_state state)
{
    struct complaint words = { 0 };

    if (state == GENERATION_TAKING)
        /* A recovery follows, with the descriptors that the supervisor still
         * keeps of the previous generation. */
        complain(&words,
                 GENERATION_NOT_TAKEN
                 "(%s); a recovery continues with the old configuration",
                 g->failure.text);
    else
        /* A master that has ended by itself has found something to mend. */
        complain(&words, "%s%s",
                 WIFSIGNALED(g->status) && !g->other_version ? GENERATION_AGAIN
                                                             : "",
                 g->failure.text);
    answer_failure(g->supervisor, words.text);
}

void start_on_ended(struct generation *g)
{
    struct supervisor *s = g->supervisor;
    const enum generation_state state = g->state;
    const bool starting = state == GENERATION_STARTING;
    const bool recovers = starting ? g->recovers : state != GENERATION_OLD;

    for (size_t i = 0; i < ASKERS_MAX; i++)
        if (s->asker[i].generation == g)
            s->asker[i] = (struct reload_asker){ 0 };
    kept_end_sessions(&s->kept, g->number);
    g->state = GENERATION_ENDED;
    /* At a start or a recovery, systemd must see a mistake in the configuration
     * as the exit status. A reload that fails never sets the exit status of the
     * service, even if its master ends last. */
    if ((recovers || (starting && !s->led)) && WIFEXITED(g->status))
        s->status = WEXITSTATUS(g->status);
    else if (recovers || (starting && !s->led))
        s->status =
            s->stopping && WTERMSIG(g->status) == SIGTERM ? 0 : EX_SOFTWARE;
    if (WIFSIGNALED(g->status))
        complain(&g->failure, "master ended by signal %d", WTERMSIG(g->status));
    else
        complain(&g->failure, "master ended with status %d",
                 WEXITSTATUS(g->status));
    if (s->under_way == g)
        report_failure(g, state);
    if (WIFSIGNALED(g->status) && !s->stopping)
        stderr_print("generation %llu: %s", (unsigned long long)g->number,
                     g->failure.text);
    /* If the reload under way is ready soon, it is the recovery, too. */
    s->recoveries.due = recovers ? !s->stopping : s->recoveries.due;
    if (recovers && s->recoveries.due && s->under_way)
        loop_timer_set(&s->loop, &s->recoveries.timer, s->deadlines.put_off);
    start_next(s);
}
