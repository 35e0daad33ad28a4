/* See supervised.h. */
#include "supervised.h"

#include <criterion/criterion.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "support/messages.h"

struct channel supervised_channel;
static int to_supervisor;
static void (*adjust_too)(struct master *m);

static void is_supervised(struct master *m)
{
    channel_init(&m->succession.supervisor, to_supervisor, PROCESS_MASTER,
                 PROCESS_SUPERVISOR, PHASE_RUN);
    if (adjust_too)
        adjust_too(m);
}

void supervised_hears(enum message_kind kind, struct message *p)
{
    do {
        message_close(p);
        cr_assert_eq(channel_wait(&supervised_channel, p, STAGE_WAIT_MS), 1);
    } while (p->kind == MSG_keep);
    cr_assert_eq(p->kind, kind, "%s", message_name(p->kind));
}

void supervised_begin(struct stage *s, void (*adjust)(struct master *m))
{
    to_supervisor = channel_make(&supervised_channel, PROCESS_SUPERVISOR,
                                 PROCESS_MASTER, PHASE_START | PHASE_RUN);
    adjust_too = adjust;
    stage_raise(s, is_supervised);
    close(to_supervisor);
    actors_enter(s);
    actor_enter(s, &s->gate, "gate");
    actor_enter(s, &s->auth, "auth");
}

void supervised_come_up(struct stage *s)
{
    struct message got = { .kind = MSG_NONE };

    actor_ready(s, &s->keys);
    actor_ready(s, &s->gate);
    actor_ready(s, &s->auth);
    actor_ready(s, &s->log);
    supervised_hears(MSG_up, &got);
}

void supervised_raise(struct stage *s, void (*adjust)(struct master *m))
{
    supervised_begin(s, adjust);
    supervised_come_up(s);
}

void supervised_gate_serves(struct stage *s)
{
    TELL(&s->gate.channel, serving);
}

void supervised_open(struct stage *s, void (*adjust)(struct master *m))
{
    struct message got = { .kind = MSG_NONE };

    supervised_raise(s, adjust);
    cr_assert_eq(SEND(&supervised_channel, lead, 0), 0);
    actor_hear(&s->gate, MSG_open, &got);
    supervised_gate_serves(s);
    supervised_hears(MSG_leading, &got);
}
