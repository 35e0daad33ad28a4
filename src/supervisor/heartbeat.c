/* The heartbeat of the leading generation: its master answers each `ping` after
 * its gate has answered, too. A master that doesn't answer is killed, and a
 * recovery follows. Master itself ends a gate that doesn't answer. systemd gets
 * WATCHDOG=1 after each answer, and while another generation starts. Runs in
 * the supervisor. */
#include <stdlib.h>
#include <unistd.h>

#include "sallyport/base/slice.h"
#include "supervisor.h"

static bool heartbeat_number(const char *name, uint64_t *ret)
{
    const char *text = getenv(name);

    return text && slice_number(slice_from(text), UINT64_MAX, ret) == 0;
}

/* Works like sd_watchdog_enabled(3). */
static uint64_t heartbeat_watchdog(void)
{
    uint64_t usec, pid;

    if (!heartbeat_number("WATCHDOG_USEC", &usec))
        return 0;
    if (getenv("WATCHDOG_PID") &&
        (!heartbeat_number("WATCHDOG_PID", &pid) || pid != (uint64_t)getpid()))
        return 0;
    return usec / 1000;
}

static void heartbeat_wait(struct supervisor *s, uint64_t ms)
{
    loop_timer_set(&s->loop, &s->heartbeat.timer, ms);
}

/* Waits until the next `ping`: at least two fit into systemd's time. */
static void heartbeat_rest(struct supervisor *s)
{
    uint64_t ms = s->deadlines.beat, most = s->heartbeat.watchdog / 2;

    heartbeat_wait(s, most > 0 && most < ms ? most : ms);
}

static void heartbeat_report(struct supervisor *s)
{
    if (s->heartbeat.watchdog > 0)
        notify_send(&s->notify, "WATCHDOG=1");
}

static struct generation *heartbeat_leader(struct supervisor *s)
{
    for (size_t i = 0; i < GENERATION_PLACES; i++)
        if (s->generation[i].state == GENERATION_LEADING &&
            s->generation[i].has_gate)
            return &s->generation[i];
    return NULL;
}

/* If the channel is full, there will be no answer either. */
static void heartbeat_ask(struct supervisor *s)
{
    struct heartbeat *h = &s->heartbeat;

    h->asked = heartbeat_leader(s);
    h->doubted = false;
    if (h->asked) {
        h->request = channel_next(&h->asked->channel);
        SEND(&h->asked->channel, ping, h->request);
        heartbeat_wait(s, s->deadlines.answer);
        return;
    }
    if (s->under_way) /* a start has a deadline of its own */
        heartbeat_report(s);
    heartbeat_rest(s);
}

/* If the whole machine has stopped, the answer comes after this timer. So the
 * first time it only waits a little longer. */
static void heartbeat_missed(struct supervisor *s)
{
    struct heartbeat *h = &s->heartbeat;

    if (!h->doubted) {
        h->doubted = true;
        heartbeat_wait(s, s->deadlines.doubt);
        return;
    }
    generation_give_up(h->asked, "its master doesn't answer");
    h->asked = NULL;
    heartbeat_report(s);
    heartbeat_rest(s);
}

static void heartbeat_on_timer(void *owner)
{
    struct supervisor *s = owner;

    if (s->stopping)
        return;
    if (s->heartbeat.asked && s->heartbeat.asked == heartbeat_leader(s))
        heartbeat_missed(s);
    else
        heartbeat_ask(s);
}

void heartbeat_init(struct supervisor *s)
{
    s->heartbeat = (struct heartbeat){
        .watchdog = heartbeat_watchdog(),
        .timer = { .on_timer = heartbeat_on_timer, .owner = s },
    };
}

void heartbeat_begin(struct supervisor *s)
{
    s->heartbeat.asked = NULL;
    heartbeat_report(s);
    heartbeat_rest(s);
    start_ask_old(s);
}

void heartbeat_answered(struct generation *g, uint32_t request)
{
    struct supervisor *s = g->supervisor;

    if (g->state == GENERATION_OLD && !g->leaves)
        loop_timer_clear(&s->loop, &g->timer);
    else if (s->heartbeat.asked == g && s->heartbeat.request == request)
        heartbeat_begin(s);
}
