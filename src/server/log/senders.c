/* The senders of events, and their rates. Runs in log. Each sender has its own
 * channel; a wrong message ends only its sender. If a session or files is over
 * the rate of its user, log doesn't read its channel for a while, so the sender
 * waits: if log dropped events, a user could hide one line among a thousand
 * others. Only sessions and files ever wait for log. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sysexits.h>

#include "log.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"

/* Milliseconds from the first dropped event to the report. */
#define DROPPED_MS 10000
/* Milliseconds for which log doesn't read a sender over its rate. */
#define PAUSE_MS 100

#define MS (RATE_SECOND / 1000) /* bytes that a millisecond pays off */
/* The largest debt: what has ended doesn't keep its user's others waiting for
 * longer than 5 s. */
#define RATE_MOST (RATE_BURST + 5 * RATE_SECOND)

uint64_t rate_wait(const uint64_t *rate, uint64_t now)
{
    uint64_t bytes = debt_wait(rate, 1, RATE_BURST, now * MS);

    return bytes > 0 ? bytes / MS + 1 : 0;
}

void rate_charge(uint64_t *rate, size_t bytes, uint64_t now)
{
    debt_add(rate, bytes, RATE_MOST, now * MS);
}

uint64_t *rate_of_user(struct rates *all, struct slice user)
{
    return &all->of[siphash(all->key, user.ptr, user.len) % RATE_USERS];
}

/* One line reports all dropped events. */
static void report_dropped(struct sender *s)
{
    struct event_record r;

    if (s->dropped == 0)
        return;
    event_begin(&r, EVENT_TROUBLE);
    event_number(&r, FIELD_NUMBER, s->dropped);
    event_text(&r, FIELD_REASON, SLICE("events over the rate dropped"));
    line_write(s->log, s, &r);
    if (s->log->metrics->lost > 0)
        line_lost(s->log, s->dropped);
    s->dropped = 0;
}

/* Removes the sender from the loop for PAUSE_MS: if it stayed there, its end
 * would wake the loop again and again. */
static void pause_sender(struct sender *s)
{
    report_dropped(s);
    loop_remove(&s->log->frame.loop, &s->watch);
    loop_timer_set(&s->log->frame.loop, &s->timer, PAUSE_MS);
}

/* After master's end no sender waits, since all must end soon. */
static bool must_wait(const struct sender *s)
{
    return s->rate && s->log->frame.master.fd >= 0 &&
           rate_wait(s->rate, clock_ms()) > 0;
}

/* A sender that has ended doesn't wait for its user's others: master gives up
 * its events after a while, and it sends no more. Log reads one each PAUSE_MS
 * while its user is over the rate. */
static bool has_ended(const struct sender *s)
{
    struct pollfd one = { .fd = s->channel.fd };

    return poll(&one, 1, 0) > 0 && (one.revents & POLLHUP);
}

static void sender_end(struct sender *s)
{
    report_dropped(s);
    loop_timer_clear(&s->log->frame.loop, &s->timer);
    loop_remove(&s->log->frame.loop, &s->watch);
    channel_close(&s->channel);
    s->used = false;
    s->log->used--;
    log_sender_ended(s->log);
}

void senders_release(struct log *l)
{
    for (size_t i = 0; i < l->senders; i++)
        if (l->sender[i].used)
            sender_end(&l->sender[i]);
    free(l->sender);
    l->sender = NULL;
    l->senders = 0;
}

/* Reads the sender again once its user's rate permits it. If other sessions of
 * the user have used up the rate meanwhile, or the kernel has no memory, the
 * sender waits on. */
static void sender_on_timer(void *owner)
{
    struct sender *s = owner;

    if (s->watch.added)
        report_dropped(s);
    else if ((must_wait(s) && !has_ended(s)) ||
             loop_add(&s->log->frame.loop, &s->watch) < 0)
        pause_sender(s);
}

/* Writes the event. Returns -EAGAIN to stop reading for now. */
static int sender_on_event(void *owner, struct msg_event *msg)
{
    struct sender *s = owner;
    struct event_record r;
    uint64_t *rate;

    if (event_decode(msg->event, &r) < 0) {
        s->channel.wrong = "not an event";
        return -EPROTO;
    }
    metrics_count(s->log->metrics, &r);
    rate = s->rate ? s->rate : &s->own[event_is_due(&r)];
    if (s->rate || rate_wait(rate, clock_ms()) == 0)
        rate_charge(rate, line_write(s->log, s, &r), clock_ms());
    else if (s->dropped++ == 0)
        loop_timer_set(&s->log->frame.loop, &s->timer, DROPPED_MS);
    return must_wait(s) ? -EAGAIN : 0;
}

static const struct handler handlers[] = {
    ON(event, sender_on_event),
};

/* Handles R, the result of a dispatch. Writes a line about a wrong message,
 * with the name that master gave the sender. */
static int sender_dispatched(struct sender *s, int r)
{
    struct event_record wrong;

    if (r == -EAGAIN) {
        pause_sender(s);
        return 0;
    }
    if (r == -EPROTO) {
        event_begin(&wrong, EVENT_PEER);
        event_text(&wrong, FIELD_PROCESS, slice_from(process_name(s->process)));
        event_text(&wrong, FIELD_REASON, slice_from(s->channel.wrong));
        line_write(s->log, s, &wrong);
    }
    if (r < 0)
        sender_end(s);
    return r;
}

static int read_sender(struct sender *s)
{
    return sender_dispatched(s, DISPATCH(&s->channel, handlers, s));
}

/* Reads one event in a turn of the loop, since a sender seldom has two. If
 * other sessions of the user have used up the rate, the sender waits. Log reads
 * the end of a sender at once, since this frees a place. */
static void sender_on_ready(void *owner, uint32_t events)
{
    struct sender *s = owner;

    if (!(events & EPOLLHUP) && must_wait(s) &&
        channel_waits(s->channel.fd) > 0)
        pause_sender(s);
    else
        sender_dispatched(s, DISPATCH_ONE(&s->channel, handlers, s));
}

void senders_read_all(struct log *l)
{
    for (size_t i = 0; i < l->senders; i++) {
        struct sender *s = &l->sender[i];

        /* One dispatch reads a limited number of messages. */
        while (s->used && channel_waits(s->channel.fd) >= 0)
            if (read_sender(s) < 0)
                break;
    }
}

static struct sender *free_place(struct log *l)
{
    for (size_t i = 0; i < l->senders; i++)
        if (!l->sender[i].used)
            return &l->sender[i];
    return NULL;
}

/* Log frees a place when it reads the end of a sender. If no place is free,
 * reads the ends that wait in the channels. */
static struct sender *find_place(struct log *l)
{
    struct sender *s = free_place(l);

    if (s)
        return s;
    for (size_t i = 0; i < l->senders; i++)
        if (channel_waits(l->sender[i].channel.fd) == 0)
            read_sender(&l->sender[i]);
    return free_place(l);
}

static void set_user_rate(struct sender *s, struct slice user)
{
    s->rate = rate_of_user(&s->log->users, user);
}

int senders_on_sender(void *owner, struct msg_speaker *msg)
{
    struct log *l = owner;
    struct sender *s;
    int fd = msg->end;

    if (!(message_row(MSG_event)->from & PROCESS_BIT(msg->process)))
        die(EX_PROTOCOL, "master names a sender that sends nothing");
    s = find_place(l);
    if (!s) {
        line_lost(l, 1); /* its events will be lost */
        return 0;
    }
    *s = (struct sender){ .log = l,
                          .process = msg->process,
                          .serial = msg->serial,
                          .peer = msg->peer,
                          .timer = { .on_timer = sender_on_timer, .owner = s },
                          .used = true };
    l->used++;
    if (msg->user.len > 0) {
        set_user_rate(s, msg->user);
        /* Log gets a session's channel before the session has a user. Master
         * names the user when it passes the channel of the session's files; log
         * doesn't ask a sender. */
        for (size_t i = 0; i < l->senders; i++)
            if (l->sender[i].used && s->serial != 0 &&
                l->sender[i].serial == s->serial)
                set_user_rate(&l->sender[i], msg->user);
    }
    channel_init(&s->channel, fd_take(&msg->end), PROCESS_LOG, s->process,
                 PHASE_RUN);
    s->watch = (struct loop_watch){
        .fd = fd, .events = EPOLLIN, .on_ready = sender_on_ready, .owner = s
    };
    if (loop_add(&l->frame.loop, &s->watch) < 0)
        pause_sender(s);
    return 0;
}
