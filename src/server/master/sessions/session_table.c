/* The records of sessions, and the table that finds a record by its serial.
 * Master allocates all records at its start. Master is the parent of each
 * session, and kills a session that breaks the rules or doesn't read. A message
 * of a session can end only this session. Runs in master. */
#include "sessions.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/pages.h"
#include "sallyport/base/random.h"

/* Extra records: a session that has ended keeps its record until master has
 * reaped its process files, and meanwhile a new session can begin. */
#define SLACK 64

/* Makes S a free record, in which all descriptors are -1. */
static void table_blank(struct session_record *s)
{
    *s = (struct session_record){ .channel.fd = -1, .auth = -1 };
    files_blank(&s->files, s);
}

size_t sessions_records(size_t places)
{
    return 2 * places + SLACK;
}

int sessions_init(struct session_table *t, size_t limit, size_t places)
{
    *t = (struct session_table){ .limit = limit,
                                 .size = sessions_records(places) };
    t->buckets = 64;
    while (t->buckets < t->size)
        t->buckets *= 2;
    t->all = pages_new(t->size, sizeof(*t->all));
    t->bucket = calloc(t->buckets, sizeof(struct session_record *));
    t->delayed = pages_new(NETWORK_SLOTS, sizeof(*t->delayed));
    if (!t->all || !t->bucket || !t->delayed ||
        hanging_init(&t->hanging, t->size) < 0) {
        sessions_release(t);
        return -ENOMEM;
    }
    random_bytes(t->hash_key, sizeof(t->hash_key));
    TAILQ_INIT(&t->with_news);
    TAILQ_INIT(&t->turns.waiting);
    return 0;
}

void sessions_release(struct session_table *t)
{
    pages_free(t->all, t->size, sizeof(*t->all));
    free(t->bucket);
    pages_free(t->delayed, NETWORK_SLOTS, sizeof(*t->delayed));
    hanging_release(&t->hanging);
    *t = (struct session_table){ 0 };
}

/* Hashes with a key, since gate chooses the serials, but must not be able to
 * choose the buckets. */
static struct session_record **bucket_of(struct session_table *t,
                                         uint64_t serial)
{
    uint64_t hash = siphash(t->hash_key, &serial, sizeof(serial));

    return &t->bucket[hash & (t->buckets - 1)];
}

struct session_record *sessions_find(struct session_table *t, uint64_t serial)
{
    struct session_record *s = *bucket_of(t, serial);

    while (s && s->serial != serial)
        s = s->next;
    return s;
}

bool sessions_reaped(struct session_table *t, pid_t pid, int status)
{
    bool known = false;

    SESSIONS_EACH(t, s) {
        if (s->files.pid == pid)
            files_reaped(&s->files, status);
        else if (s->pid == pid)
            session_gone(s, status);
        else
            continue;
        known = true;
    }
    return known;
}

bool session_is_in(const struct session_record *s, uint64_t number)
{
    for (size_t i = 0; i < s->limits.accounts; i++)
        if (s->limits.account[i].number == number)
            return true;
    return false;
}

size_t sessions_of_account(const struct session_record *s, uint64_t number)
{
    size_t n = 0;

    SESSIONS_EACH(s->master->sessions, other)
        n += other != s &&
             (other->files.pid > 0 ||
              (other->older && other->state != SESSION_ENDED)) &&
             (!s->older || session_is_served(other)) &&
             session_is_in(other, number);
    return n;
}

size_t sessions_logged_in(const struct session_table *t)
{
    size_t n = 0;

    SESSIONS_EACH(t, s)
        n += session_is_served(s) && s->login > 0;
    return n;
}

struct session_record *sessions_take(struct session_table *t, uint64_t serial)
{
    struct session_record *s = t->free;
    struct session_record **bucket = bucket_of(t, serial);

    if (s) {
        t->free = s->next;
    } else if (t->touched < t->size) { /* a record that was never in use */
        s = &t->all[t->touched++];
        table_blank(s);
    } else {
        return NULL;
    }
    s->serial = serial;
    s->next = *bucket;
    *bucket = s;
    t->living++;
    t->used++;
    return s;
}

void sessions_give_back(struct session_table *t, struct session_record *s)
{
    struct session_record **at = bucket_of(t, s->serial);

    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    table_blank(s);
    s->next = t->free;
    t->free = s;
    t->used--;
}

static int session_on_login(void *owner, struct msg_login *msg)
{
    struct session_record *s = owner;

    return s->master->table_hooks->login(s, msg);
}

/* All messages that a session can send to master. */
static const struct handler session_handlers[] = {
    ON(login, session_on_login),
    ON(doing, ask_on_doing),
};

static void session_on_message(void *owner, uint32_t events)
{
    struct session_record *s = owner;
    int r = DISPATCH(&s->channel, session_handlers, s);

    (void)events;
    if (r == -EPROTO) {
        master_report(s->master, EVENT_PEER, PROCESS_SESSION,
                      "%s, serial %016llx", s->channel.wrong,
                      (unsigned long long)s->serial);
        session_kill(s);
    } else if (r < 0) {
        session_end(s);
    }
}

/* Kills the session and its files. The session has closed its channel, so `who`
 * doesn't show it any more. But if an attacker controls the session, it can
 * still serve its client. */
void session_abandon(struct session_record *s)
{
    files_abandon(&s->files, 0);
    session_unpublish(s);
    session_kill_process(s, ENDING_KICKED);
    if (s->ordered == 0)
        s->ordered = clock_ms();
    s->abandoned = true;
    session_mark(s);
    s->master->may_be_over = true;
}

static void session_on_timer(void *owner)
{
    struct session_record *s = owner;

    if (s->state == SESSION_KICKED)
        session_kill(s);
    else if (s->state == SESSION_ENDED)
        session_abandon(s);
    else
        s->master->table_hooks->timer(s);
}

void session_set_timer(struct session_record *s, uint64_t ms)
{
    loop_timer_set(&s->master->loop, &s->timer, ms);
}

struct session_record *session_open(struct master *m, uint64_t serial,
                                    const struct address *peer,
                                    const struct address *local, bool proxied,
                                    const struct session_ends *ends)
{
    const struct speaker who = { .process = PROCESS_SESSION,
                                 .serial = serial,
                                 .peer = *peer };
    struct session_table *t = m->sessions;
    struct session_record *s =
        t->living < t->limit ? sessions_take(t, serial) : NULL;

    if (!s)
        return NULL;
    s->master = m;
    s->state = SESSION_GREETED;
    s->peer = *peer;
    s->local = s->server = *local;
    s->proxied = proxied;
    s->since = time(NULL);
    s->born = clock_ms();
    s->pid = ends->pid;
    s->log = service_open(m, PROCESS_LOG, &who, ends->log);
    s->keys = service_open(m, PROCESS_KEYS, &who, ends->keys);
    if (s->log && s->keys)
        s->log->held = s->keys->held = proxied;
    channel_init(&s->channel, ends->master, PROCESS_MASTER, PROCESS_SESSION,
                 proxied ? PHASE_START : PHASE_GREETED);
    s->timer = (struct loop_timer){ .on_timer = session_on_timer, .owner = s };
    if (loop_add_reader(&m->loop, &s->watch, ends->master, session_on_message,
                        s) < 0)
        session_end(s);
    session_publish(s);
    services_flush(m);
    return s;
}

/* Sets the address even if the session was kicked before, so that the session's
 * last events have it. */
bool session_set_client(struct session_record *s, const struct address *peer,
                        const struct address *server)
{
    if (s->state == SESSION_ENDED)
        return true;
    if (s->channel.phase != PHASE_START)
        return false;
    s->peer = *peer;
    s->server = *server;
    s->channel.phase = PHASE_GREETED;
    service_known(s->log, peer);
    service_known(s->keys, peer);
    session_publish(s);
    services_flush(s->master);
    if (s->state == SESSION_GREETED &&
        SEND(&s->channel, admitted, 0) == -EAGAIN)
        session_kill(s);
    return true;
}

void session_mark(struct session_record *s)
{
    struct session_table *t = s->master->sessions;

    if (s->marked)
        return;
    s->marked = true;
    s->unswept = t->unswept;
    t->unswept = s;
}

void sessions_sweep(struct master *m)
{
    struct session_table *t = m->sessions;
    struct session_record *s;

    if (!t->unswept)
        return;
    while ((s = t->unswept)) {
        t->unswept = s->unswept;
        s->marked = false;
        /* A session that an attacker controls can close its channels and go on,
         * so wait until master has reaped it. */
        if (s->state == SESSION_ENDED && s->files.pid == 0 && s->news == 0 &&
            s->pid == 0) {
            loop_timer_clear(&m->loop, &s->timer);
            session_unpublish(s);
            sessions_give_back(t, s);
        }
    }
    m->may_be_over = true;
}

void session_end(struct session_record *s)
{
    if (s->state == SESSION_FREE || s->state == SESSION_ENDED)
        return;
    s->state = SESSION_ENDED;
    s->master->sessions->living--;
    loop_remove(&s->master->loop, &s->watch);
    loop_timer_clear(&s->master->loop, &s->timer);
    channel_close(&s->channel);
    service_end(s->master, &s->log);
    service_end(s->master, &s->keys);
    /* If files works for the session, keep the channel to files until master
     * has reaped the session: if a signal ends the session during an upload,
     * only master can tell files. */
    if (s->files.channel.fd < 0 || s->files.end >= 0 || s->pid == 0)
        files_hang_up(&s->files);
    /* A kicked session exits, or an attacker controls it. */
    if (s->ordered > 0)
        session_kill_process(s, ENDING_KICKED);
    /* If these processes don't end in time, the timer kills them. */
    if (s->files.pid > 0 || s->pid > 0)
        session_set_timer(s, s->master->deadlines.sync);
    s->master->table_hooks->leave(s);
    session_mark(s);
}

/* Logs the end of a session that a signal has ended, since the session couldn't
 * log it itself. */
static void session_report_death(struct session_record *s, int signal)
{
    const enum ending why = s->killed ? s->killed
                            : signal == SIGALRM
                                ? ENDING_HUNG /* its own alarm has ended it */
                                : ENDING_CRASH;
    char peer[ADDRESS_TEXT_MAX], reason[COMPLAINT_MAX];
    struct event_record r;

    snprintf(reason, sizeof(reason), "%s: signal %d, serial %016" PRIx64,
             ending_text(why), signal, s->serial);
    event_begin(&r, EVENT_END);
    event_number(&r, FIELD_MS, clock_ms() - s->born);
    event_number(&r, FIELD_NUMBER, (uint64_t)signal);
    event_text(&r, FIELD_PROCESS, slice_from(process_name(PROCESS_SESSION)));
    event_text(&r, FIELD_PEER, slice_from(address_port_text(&s->peer, peer)));
    event_text(&r, FIELD_REASON, slice_from(reason));
    master_send(s->master, &r);
}

void session_gone(struct session_record *s, int status)
{
    struct master *m = s->master;

    if (WIFSIGNALED(status))
        session_report_death(s, WTERMSIG(status));
    banning_ended(s, status);
    if (WIFSIGNALED(status) && s->files.channel.fd >= 0 &&
        s->files.channel.phase == PHASE_RUN)
        SEND(&s->files.channel, session_died, 0,
             .signal = (uint64_t)WTERMSIG(status));
    files_hang_up(&s->files);
    session_forget_news(s);
    s->pid = 0;
    s->status = status;
    if (s->counts)
        session_add_news(s, NEWS_GONE);
    session_unpublish(s);
    if (s->state == SESSION_ENDED)
        session_mark(s);
    else
        session_end(s);
    sessions_send_news(m);
}

void session_kill_process(struct session_record *s, enum ending why)
{
    if (s->pid == 0)
        return;
    if (s->killed == 0)
        s->killed = why;
    kill(s->pid, SIGKILL);
}

void session_kill(struct session_record *s)
{
    if (s->state == SESSION_FREE || s->state == SESSION_ENDED)
        return;
    session_kill_process(s, ENDING_KICKED);
    session_end(s);
}

/* Sends `kick`. If the channel is closed, the session has ended by itself.
 * Returns true if the message was sent. */
static bool session_told(struct session_record *s, enum ending why, bool finish)
{
    int r = SEND(&s->channel, kick, 0, .why = why, .finish = finish);

    if (r == -EPIPE)
        session_end(s);
    else if (r < 0)
        session_kill(s);
    return r >= 0;
}

/* Leaves files alone until the session has sent its last reply: otherwise the
 * session would give the loss of files as the reason. */
void session_kick(struct session_record *s, enum ending why)
{
    if (s->state == SESSION_FREE || s->state >= SESSION_KICKED)
        return;
    if (s->older) {
        s->state = SESSION_KICKED;
        s->why = why;
        older_order(s, ORDER_KICK);
        return;
    }
    if (!session_told(s, why, false))
        return;
    s->state = SESSION_KICKED;
    s->master->table_hooks->leave(s);
    session_set_timer(s, s->master->deadlines.kick);
}

bool session_is_shown(const struct session_record *s)
{
    return session_is_served(s) || (s->older && s->state == SESSION_KICKED);
}

bool session_expel(struct session_record *s, enum ending why)
{
    const bool shown = session_is_shown(s);
    const bool mute =
        s->state == SESSION_ENDED && !s->older && s->pid > 0 && !s->abandoned;

    if (mute)
        session_abandon(s);
    if (s->older && s->state == SESSION_KICKED)
        s->why = why; /* not ENDING_CROWDED: this order names it */
    if (s->ordered == 0 && s->state != SESSION_FREE &&
        s->state <= SESSION_KICKED)
        s->ordered = clock_ms();
    session_kick(s, why);
    return shown || mute;
}

void session_finish(struct session_record *s)
{
    if (!session_is_served(s) || s->finishes)
        return;
    s->finishes = true;
    if (s->older) {
        s->why = WHY_FINISH;
        older_order(s, ORDER_KICK);
        return;
    }
    session_told(s, ENDING_DRAINED, true);
}

bool session_is_served(const struct session_record *s)
{
    return s->state != SESSION_FREE && s->state < SESSION_KICKED;
}

/* Master asks a session what it does, for a caller at the control socket.
 * Master stores no such facts, but passes the answer on. If the session is of
 * an older generation, this master asks the session's own master. A session can
 * answer late, or never, so the caller has a deadline. */

#define ASKED_OLDER 1 /* s->asked, after a request to an older generation */

bool ask_begin(struct session_record *s)
{
    bool asked = s->asked != 0;

    if (!session_is_served(s) || (asked && !s->older))
        return session_is_served(s);
    if (s->older) { /* its own master may lose an answer, so ask again */
        s->asked = ASKED_OLDER;
        older_order(s, ORDER_ASK);
        return !asked;
    }
    if (s->channel.phase == PHASE_START) /* its client isn't known yet */
        return false;
    s->asked = channel_next(&s->channel);
    if (SEND(&s->channel, look_at, s->asked) < 0)
        s->asked = 0;
    return s->asked != 0;
}

void ask_answered(struct session_record *s, struct msg_doing *msg)
{
    struct master *m = s->master;

    s->asked = 0;
    msg->serial = s->serial;
    msg->request = 0;
    if (s->asked_by_newest)
        session_publish_doing(s, msg);
    s->asked_by_newest = false;
    m->hooks.doing(m, msg);
}

int ask_on_doing(void *owner, struct msg_doing *msg)
{
    struct session_record *s = owner;

    if (s->asked == 0 || msg->request != s->asked)
        return channel_refuse(&s->channel, "an answer without a request");
    ask_answered(s, msg);
    return 0;
}
