/* The transfers of a session. Each is a list of steps (upload.c, download.c,
 * list.c, cmd_hash.c); here is the one function that runs them, and what wakes
 * it. How they end is in transfer_end.c. */
#include "transfer.h"

#include "control.h"
#include "data.h"
#include "flow.h"
#include "leave.h"
#include "sallyport/base/clock.h"
#include "verdict.h"

bool transfer_is_upload(const struct transfer *t)
{
    return t->verb == VERB_STOR || t->verb == VERB_APPE || t->verb == VERB_STOU;
}

bool transfer_is_listing(const struct transfer *t)
{
    return t->verb == VERB_LIST || t->verb == VERB_NLST || t->verb == VERB_MLSD;
}

static void transfer_enter(struct session *s, const struct step *step)
{
    if (s->transfer.state != step->state)
        state_transfer(s, step->state);
    s->transfer.step = step;
}

/* The current step, and those that follow, until one waits. */
static void transfer_advance(struct session *s)
{
    struct transfer *t = &s->transfer;
    enum stepped r;

    do {
        r = t->step->run(s);
        t->answer = NULL;
        if (r == STEP_NEXT)
            transfer_enter(s, t->step + 1);
    } while (r == STEP_NEXT && !(t->step->waits & WAITS_ANSWER));
    if (r != STEP_BACK)
        return;
    while (t->step->state != TRANSFER_CONNECTING)
        t->step--;
    transfer_enter(s, t->step);
}

void transfer_run(struct session *s, unsigned happened)
{
    const struct step *step = s->transfer.step;

    if (step && (step->waits & happened))
        transfer_advance(s);
}

void transfer_start(struct session *s, const struct step *steps)
{
    transfer_enter(s, steps);
    transfer_advance(s);
}

void transfer_snapshot(struct session *s, enum verb verb,
                       const struct path *path)
{
    struct transfer *t = &s->transfer;

    t->verb = verb;
    t->path = *path;
    t->start = t->offset = s->rest;
    t->limit = s->until;
    t->size = t->bytes = t->entries = 0;
    t->promised = UINT64_MAX;
    t->copying = t->unsynced = 0;
    t->listed = OUTCOME_COUNT;
    t->holds = BLOCK_FREE;
    t->spoiled = false;
    t->conversions = flow_conversions(s);
    t->announced = s->announced == NOT_ANNOUNCED ? 0 : s->announced;
    t->exact = s->image && t->conversions == 0;
    t->bare = false;
    t->refusal = NULL;
    t->queued = 0;
    t->hash = NULL;
    t->tls[0] = t->sha256[0] = 0;
    t->began = clock_ms();
}

void transfer_begin(struct session *s, const struct call *call,
                    const struct step *steps)
{
    if (!state_of_data(s)->serves) {
        control_reply(s, REPLY_USE_PASV_FIRST);
        return;
    }
    transfer_snapshot(s, call->command->verb, &call->path);
    if (!flow_keeps_lengths(s) && (s->rest > 0 || s->until > 0)) {
        control_reply(s, REPLY_NO_OFFSET);
        return;
    }
    s->transfer.call = call;
    transfer_start(s, steps);
    s->transfer.call = NULL;
}

void transfer_on_answer(struct session *s, struct message *m)
{
    s->transfer.answer = m;
    transfer_run(s, WAITS_ANSWER | WAITS_FILES);
    s->transfer.answer = NULL;
}

void transfer_wait(struct session *s, uint32_t events)
{
    loop_change(&s->loop, &s->data.watch, events);
    if (events && !s->data.watch.added &&
        loop_add(&s->loop, &s->data.watch) < 0)
        leave(s, ENDING_PEER, "epoll refuses a data connection");
    if (events & EPOLLOUT) /* pace.c sees whether it gets less */
        s->transfer.queued = stream_queued(s->data.stream);
}

void transfer_soon(struct session *s)
{
    loop_timer_set(&s->loop, &s->transfer.again, 0);
}

static void transfer_on_turn(void *owner)
{
    transfer_run(owner, WAITS_TURN);
    control_resume(owner);
}

/* The client closed its connection before the transfer began. While files is
 * asked, the socket isn't watched any more; the handshake will fail. */
static void transfer_unused_data(struct session *s)
{
    if (!state_of_data(s)->socket)
        return;
    if (s->transfer.state == TRANSFER_ASKED)
        loop_remove(&s->loop, &s->data.watch);
    else if (!data_is_foreign(s))
        data_close(s);
}

/* A hang-up while the session waits for nothing on the socket, but for files.
 * In other cases reading or writing shows the error. */
static bool transfer_is_hung_up(const struct session *s, uint32_t events)
{
    return s->transfer.state == TRANSFER_FLOWING && s->data.watch.events == 0 &&
           !s->transfer.again.armed && (events & (EPOLLHUP | EPOLLERR));
}

/* An upload may still have bytes, and their orderly end, in the socket: they
 * are read once files has answered. Until then the hang-up would wake the
 * session all the time. */
static void transfer_hung_up(struct session *s)
{
    if (transfer_is_listing(&s->transfer))
        transfer_broken(s, STREAM_CUT);
    else
        loop_remove(&s->loop, &s->data.watch);
}

void transfer_on_data(struct session *s, uint32_t events)
{
    const struct step *step = s->transfer.step;

    if (transfer_is_hung_up(s, events))
        transfer_hung_up(s);
    else if (step && (step->waits & WAITS_DATA))
        transfer_run(s, WAITS_DATA);
    else
        transfer_unused_data(s);
}

void transfer_unconnected(struct session *s, const char *why)
{
    if (s->transfer.state == TRANSFER_CONNECTING)
        transfer_fail(s, FAILED_UNCONNECTED, why);
}

void transfer_init(struct session *s)
{
    struct transfer *t = &s->transfer;

    t->source = -1;
    pace_init(s);
    t->again = (struct loop_timer){ .on_time = transfer_on_turn, .owner = s };
    verdict_init(s);
}
