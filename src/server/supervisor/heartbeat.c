/* The heartbeat: the supervisor looks whether the masters count on the board
 * (board.h). If a master doesn't count, the supervisor kills its generation,
 * and a recovery follows. Master itself ends a gate or a keys that doesn't
 * count. systemd gets WATCHDOG=1 while master and gate of the leading
 * generation count, and while another generation starts. Runs in the
 * supervisor. */
#include <stdlib.h>
#include <unistd.h>

#include "sallyport/base/slice.h"
#include "supervisor.h"

static bool heartbeat_number(const char *name, uint64_t *ret)
{
    const char *text = getenv(name);

    return text && slice_number(slice_from(text), UINT64_MAX, ret) == 0;
}

/* Returns the ms of systemd's watchdog; 0: there is none. Works like
 * sd_watchdog_enabled(3). */
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

/* Returns the ms between two looks: at least two looks fit into the time of
 * systemd's watchdog. */
static uint64_t heartbeat_pause(const struct supervisor *s)
{
    uint64_t ms = s->deadlines.look, most = s->heartbeat.watchdog / 2;

    return most > 0 && most < ms ? most : ms;
}

static void heartbeat_report(struct supervisor *s)
{
    if (s->heartbeat.watchdog > 0)
        notify_send(s->notify_fd, "WATCHDOG=1");
}

/* Returns true if master and gate have counted since the last look. */
static bool heartbeat_look(struct generation *g)
{
    struct supervisor *s = g->supervisor;
    const struct board_row *row = generation_row(g);
    bool master =
        pulse_look(&g->master, board_get(&row->master), heartbeat_pause(s));
    bool gate = pulse_look(&g->gate, board_get(&row->gate), heartbeat_pause(s));

    if (g->master.silent >= s->deadlines.silence)
        generation_give_up(g, "its master doesn't answer");
    else if (master && g->state == GENERATION_LEADING)
        status_loaded(s, board_get(&row->sessions), board_get(&row->transfers));
    return master && gate;
}

static void heartbeat_on_timer(void *owner)
{
    struct supervisor *s = owner;
    bool counts = false, leads = false;

    if (s->stopping)
        return;
    GENERATIONS_EACH(s, g) {
        bool leader = g->state == GENERATION_LEADING;

        leads |= leader;
        /* An older generation obeys no lock and no kick without its master. */
        if (leader || g->state == GENERATION_OLD)
            counts |= heartbeat_look(g) && leader;
    }
    if (counts || (!leads && s->under_way)) /* a start has its own deadline */
        heartbeat_report(s);
    loop_timer_set(&s->loop, &s->heartbeat.timer, heartbeat_pause(s));
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
    heartbeat_report(s);
    loop_timer_set(&s->loop, &s->heartbeat.timer, heartbeat_pause(s));
}
