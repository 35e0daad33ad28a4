/* The requests of sallyportctl, in master. Each function answers at once; only
 * the answers to a reload and to a changed users file follow later, and the
 * answer to a request that ends sessions. "who" and "kick" use master's records
 * of the sessions. show.c has the answers to `show`. */
#include "control.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "logins/logins.h"
#include "sallyport/base/address.h"
#include "sallyport/ipc/generation.h"

/* The most sessions in one answer, which must fit into the socket, since ctl
 * doesn't read while master writes. */
#define WHO_PAGE 64
/* ms after the deadline `kick`, by which each generation has ended a
 * session. */
#define OBEYED_MS 1000

struct peer *request_begin(void *owner, uint32_t request)
{
    struct peer *p = owner;

    p->request = request;
    p->channel.phase = PHASE_RUN;
    return p;
}

/* Begins the event about a request, with the caller's uid as the kernel reports
 * it. */
static void request_event(struct peer *p, struct slice verb,
                          struct event_record *r)
{
    uint32_t login;

    event_begin(r, EVENT_ADMIN);
    event_number(r, FIELD_UID, p->uid);
    if (local_peer_login(p->channel.fd, &login) == 0)
        event_number(r, FIELD_LOGINUID, login);
    event_text(r, FIELD_VERB, verb);
}

/* Reports a change for which the caller has asked. NUMBER: how many sessions
 * ended; the event leaves out 0. */
static void request_report(struct peer *p, struct slice verb, struct slice to,
                           size_t number)
{
    struct event_record r;

    request_event(p, verb, &r);
    if (to.len > 0)
        event_text(&r, FIELD_TO, to);
    if (number > 0)
        event_number(&r, FIELD_NUMBER, number);
    master_send(p->master, &r);
}

/* The answer follows when the new generation leads, or has failed. Refuses the
 * request until this generation has sent `up`: before that, the supervisor
 * would kill this generation for a `renew`. */
static int request_on_reload(void *owner, struct msg_reload *msg)
{
    struct peer *p = request_begin(owner, msg->request);
    struct channel *supervisor = &p->master->succession.supervisor;

    if (p->master->state == MASTER_STARTING) {
        peer_refuse(p, REFUSAL_BUSY, "the server is starting; try again later");
        return 0;
    }
    p->reload_number = channel_next(supervisor);
    if (SEND(supervisor, renew, p->reload_number) < 0) {
        p->reload_number = 0;
        peer_refuse(p, REFUSAL_BUSY, "the supervisor doesn't answer");
        return 0;
    }
    request_report(p, SLICE("reload"), (struct slice){ 0 }, 0);
    loop_timer_set(&p->master->loop, &p->timer, p->master->deadlines.renew);
    return 0;
}

void request_done(struct peer *p, size_t sessions)
{
    peer_answered(
        p, SEND(&p->channel, control_done, p->request, .sessions = sessions));
}

static bool request_is_ours(struct peer *p);

/* Is S a session that was ordered to end before P's request, and that may live?
 * No order names a session that gate has ended to make room. OBEYED_MS after
 * its kill, a session executes nothing any more, even if a disk holds it. */
static bool request_waits_for(const struct peer *p,
                              const struct session_record *s, uint64_t now)
{
    const uint64_t by = s->ordered + p->master->deadlines.kick + OBEYED_MS;

    if (s->older)
        return s->state == SESSION_KICKED &&
               (s->login > 0 || s->why != ENDING_CROWDED);
    return s->pid > 0 && s->ordered > 0 && by <= p->obeyed_by && now < by;
}

bool request_waits(struct peer *p)
{
    struct complaint why = { "" };
    const uint64_t now = clock_ms();
    size_t left = 0;

    if (p->obeyed_by == 0)
        return false;
    older_look_all(p->master);
    SESSIONS_EACH(p->master->sessions, s)
        left += request_waits_for(p, s, now);
    if (left > 0 && now < p->obeyed_by) {
        loop_timer_set(&p->master->loop, &p->timer, ROSTER_LOOK_MS);
        return true;
    }
    p->obeyed_by = 0;
    if (p->master->state != MASTER_STARTING && !request_is_ours(p))
        return true;
    complain(&why,
             "%zu session%s of an older generation can't be ended before its "
             "hanging master is killed, within 16 s; to look again "
             "run: sallyportctl who",
             left, left == 1 ? "" : "s");
    if (left == 0)
        request_done(p, p->ended);
    else
        peer_refuse(p, REFUSAL_BUSY, "%s", why.text);
    return true;
}

/* Answers like request_done(), when the sessions have ended. An earlier order
 * may have ended them, so waits for them also if SESSIONS is 0. */
static void request_ended(struct peer *p, size_t sessions)
{
    p->ended = sessions;
    p->obeyed_by = clock_ms() + p->master->deadlines.kick + OBEYED_MS;
    request_waits(p);
}

void request_on_users_read(struct master *m)
{
    for (size_t i = 0; i < MASTER_CALLERS; i++) {
        struct peer *p = &m->control->peer[i];

        if (!p->used || p->users_ticket == 0 ||
            !access_is_over(m, p->users_ticket) ||
            (userdb_is_announced(m->users) && m->users->state != USERS_FAILED))
            continue; /* a newer edit has put off the review */
        p->users_ticket = 0;
        if (m->users->state == USERS_FAILED) /* not only the homes are away */
            peer_refuse(p, REFUSAL_BAD_FILE, "%s", m->users->away.text);
        else if (m->users->refused.text[0])
            peer_refuse(p, REFUSAL_BAD_FILE, "%s", m->users->refused.text);
        else
            request_ended(p, m->access->ended);
    }
}

/* The answer follows when a look has read the users file. */
static int request_on_users_changed(void *owner, struct msg_users_changed *msg)
{
    struct peer *p = request_begin(owner, msg->request);
    struct master *m = p->master;

    request_report(p, msg->verb, msg->to, 0);
    loop_timer_set(&m->loop, &p->timer, m->deadlines.renew);
    userdb_announce(m->users);
    p->users_ticket = UINT64_MAX;
    p->users_ticket = access_ask(m);
    request_on_users_read(m);
    return 0;
}

static const char *who_user(const struct session_record *s)
{
    return s->login > 0 ? s->files.user : "";
}

/* Returns true if this generation leads; otherwise refuses the request. Only
 * the leader knows all sessions, and changes what the next generation inherits.
 * A caller may still be connected to an older generation. */
static bool request_is_ours(struct peer *p)
{
    if (p->master->state == MASTER_RUNNING)
        return true;
    peer_refuse(p, REFUSAL_BUSY,
                "the server is starting, reloading or stopping; try again");
    return false;
}

/* Sends a page of sessions, which begins at the place msg->place of the table,
 * and then the place where the next page begins. */
static int request_on_who(void *owner, struct msg_who *msg)
{
    struct peer *p = request_begin(owner, msg->request);
    const struct session_table *t = p->master->sessions;
    size_t sent = 0,
           i = msg->place < t->touched ? (size_t)msg->place : t->touched;

    older_look_all(p->master);
    for (; i < t->touched && sent < WHO_PAGE; i++) {
        const struct session_record *s = &t->all[i];

        if (!session_is_shown(s))
            continue;
        peer_sent(p, SEND(&p->channel, who_is, p->request, .serial = s->serial,
                          .user = slice_from(who_user(s)), .peer = s->peer,
                          .local = s->local, .since = s->since,
                          .login = s->login));
        sent++;
    }
    peer_answered(
        p, SEND(&p->channel, end, p->request, .place = i < t->touched ? i : 0));
    return 0;
}

static bool who_is_meant(const struct session_record *s,
                         const struct msg_end_sessions *msg)
{
    if (msg->serial != 0)
        return s->serial == msg->serial;
    if (msg->user.len > 0)
        return slice_equal(slice_from(who_user(s)), msg->user);
    return msg->client.family != 0 && address_same_host(&s->peer, &msg->client);
}

static int request_on_end_sessions(void *owner, struct msg_end_sessions *msg)
{
    struct peer *p = request_begin(owner, msg->request);
    char to[ADDRESS_TEXT_MAX] = "";
    size_t ended = 0;

    if (!request_is_ours(p))
        return 0;
    older_look_all(p->master);
    SESSIONS_EACH(p->master->sessions, s)
        if (who_is_meant(s, msg))
            ended += session_expel(s, ENDING_KICKED);
    if (msg->serial != 0)
        snprintf(to, sizeof(to), "%016" PRIx64, msg->serial);
    else if (msg->client.family != 0)
        address_text(&msg->client, to);
    if (ended > 0)
        request_report(p, SLICE("kick"),
                       msg->user.len > 0 ? msg->user : slice_from(to), ended);
    request_ended(p, ended);
    return 0;
}

/* Bans. */

#define BAN_MOST UINT64_C(100000000000) /* s: more than any --for */

/* A ban of an address in `no_ban` would have no effect. */
static bool ban_is_exempt(const struct master *m, const struct msg_ban_add *msg)
{
    for (size_t i = 0; i < m->settings.no_ban.count; i++) {
        const struct network *n = &m->settings.no_ban.list[i];
        struct address first = address_prefix(&msg->network, n->bits);

        if (n->bits <= msg->bits && address_same_host(&first, &n->address))
            return true;
    }
    return false;
}

static int request_on_ban_add(void *owner, struct msg_ban_add *msg)
{
    struct peer *p = request_begin(owner, msg->request);
    time_t now = time(NULL);
    struct ban ban = { .network = msg->network,
                       .bits = (uint8_t)msg->bits,
                       .by_hand = 1,
                       .since = now };
    char network[BAN_TEXT_MAX];
    struct event_record r;
    size_t ended;

    if (!request_is_ours(p))
        return 0;
    if (msg->bits > 128 || msg->seconds > BAN_MOST ||
        slice_copy(msg->reason, ban.reason, sizeof(ban.reason)) < 0 ||
        !ban_is_sound(&ban)) {
        peer_refuse(p, REFUSAL_BAD_FILE,
                    "not a network, a time or a reason that fits");
        return 0;
    }
    ban.until = msg->seconds > 0 ? now + (int64_t)msg->seconds : 0;
    if (ban_is_exempt(p->master, msg)) {
        peer_refuse(p, REFUSAL_DENIED,
                    "the setting no_ban exempts this address; change it, and "
                    "run: sallyportctl reload");
        return 0;
    }
    if (banning_add(p->master, &ban, ENDING_KICKED, &ended) < 0) {
        peer_refuse(p, REFUSAL_BUSY,
                    "there is no room for another ban; remove some, or ban "
                    "whole networks");
        return 0;
    }
    /* A ban by hand has only this event: no client's failure has caused it. */
    request_event(p, SLICE("ban add"), &r);
    event_text(&r, FIELD_TO,
               slice_from(ban_text(&ban.network, ban.bits, network)));
    event_text(&r, FIELD_REASON, slice_from(ban.reason));
    if (ban.until > 0)
        event_number(&r, FIELD_MS, msg->seconds * 1000);
    if (ended > 0)
        event_number(&r, FIELD_NUMBER, ended);
    master_send(p->master, &r);
    request_ended(p, ended);
    return 0;
}

static int request_on_ban_remove(void *owner, struct msg_ban_remove *msg)
{
    struct peer *p = request_begin(owner, msg->request);
    struct master *m = p->master;
    unsigned bits = msg->bits <= 128 ? (unsigned)msg->bits : UINT8_MAX;
    char network[BAN_TEXT_MAX];
    const struct ban *ban =
        ban_is_network(&msg->network, bits)
            ? bans_find(m->banning->table, &msg->network, bits, time(NULL))
            : NULL;

    if (!request_is_ours(p))
        return 0;
    if (!ban) {
        peer_refuse(p, REFUSAL_NO_USER,
                    "there is no ban of exactly this address or network; run: "
                    "sallyportctl ban list");
        return 0;
    }
    bans_remove(m->banning->table, ban);
    guesses_pardon(m->guesses, &msg->network, bits);
    banning_save(m);
    request_report(p, SLICE("ban del"),
                   slice_from(ban_text(&msg->network, bits, network)), 0);
    request_done(p, 0);
    return 0;
}

#define DRAIN_MOST (24 * 3600 * UINT64_C(1000)) /* ms */

/* Refuses the order in a generation that doesn't lead: the leader might miss
 * it, and only the leader knows what is left. */
static int request_on_drain(void *owner, struct msg_drain *msg)
{
    struct peer *p = request_begin(owner, msg->request);
    struct master *m = p->master;
    const uint64_t now = clock_ms();
    struct left left;
    uint64_t begins;

    if (!request_is_ours(p))
        return 0;
    if (msg->order != DRAIN_ASK) {
        request_report(p,
                       msg->order == DRAIN_OFF ? SLICE("drain --off")
                       : msg->ms > 0           ? SLICE("drain --announce")
                                               : SLICE("drain"),
                       (struct slice){ 0 }, 0);
        drain_set(m, msg->order, msg->ms < DRAIN_MOST ? msg->ms : DRAIN_MOST);
    }
    older_look_all(m);
    begins = drain_begins(m);
    left = generation_left(m);
    peer_answered(
        p, SEND(&p->channel, drain_is, p->request, .on = begins > 0,
                .ms = begins > now ? begins - now : 0,
                .sessions = left.sessions > 0 ? left.sessions : left.unread));
    return 0;
}

static const struct handler request_handlers[] = {
    ON(show, show_on_show),
    ON(reload, request_on_reload),
    ON(users_changed, request_on_users_changed),
    ON(who, request_on_who),
    ON(end_sessions, request_on_end_sessions),
    ON(ban_add, request_on_ban_add),
    ON(ban_remove, request_on_ban_remove),
    ON(drain, request_on_drain),
};
#define REQUESTS (sizeof(request_handlers) / sizeof(request_handlers[0]))

/* Members of control_group may only look. */
int request_dispatch(struct peer *p)
{
    struct message m;
    int r;

    if (!p->reads_only)
        return DISPATCH(&p->channel, request_handlers, p);
    r = channel_receive(&p->channel, &m);
    if (r != 1)
        return r;
    if (m.kind == MSG_show || m.kind == MSG_who ||
        (m.kind == MSG_drain && m.drain.order == DRAIN_ASK))
        return channel_handle(&p->channel, request_handlers, REQUESTS, p, &m);
    message_close(&m);
    request_begin(p, m.request);
    peer_refuse(p, REFUSAL_DENIED,
                "members of control_group may only read; run it as root");
    return 0;
}
