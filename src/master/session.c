/* One session's record: what its channel, its timer and its end do. Runs in
 * master. A session that breaks the rules or doesn't read is killed by gate,
 * its parent; nothing it says ends anything else. */
#include "session.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "answer.h"
#include "children.h"
#include "drain.h"
#include "gate.h"
#include "home.h"
#include "login.h"
#include "master.h"
#include "older.h"
#include "sallyport/base/fd.h"
#include "service.h"
#include "worker.h"

static const struct handler handlers[] = {
    ON(login, login_on_request),
};

static void on_ready(void *owner, uint32_t events)
{
    struct session *s = owner;
    int r = channel_dispatch(&s->channel, handlers,
                             sizeof(handlers) / sizeof(handlers[0]), s);

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

static void on_time(void *owner)
{
    struct session *s = owner;

    if (s->state == SESSION_KICKED)
        session_kill(s);
    else if (s->state == SESSION_ENDED)
        home_kill(&s->home);
    else
        login_on_time(s);
}

void session_wait(struct session *s, uint64_t ms)
{
    loop_timer_set(&s->master->loop, &s->timer, ms);
}

static void on_home_ready(void *owner)
{
    struct session *s = owner;

    if (s->state == SESSION_OPENING)
        login_grant(s);
}

static void on_home_lost(void *owner)
{
    login_home_lost(owner);
}

static void on_home_gone(void *owner)
{
    session_settle(owner);
}

static const struct home_calls home_calls = { on_home_ready, on_home_lost,
                                              on_home_gone };

struct session *session_open(struct master *m, uint64_t serial,
                             const struct address *peer,
                             const struct address *local, bool proxied,
                             const struct session_ends *ends)
{
    const struct speaker who = { .process = PROCESS_SESSION,
                                 .serial = serial,
                                 .peer = *peer };
    struct session *s = sessions_take(m->sessions, serial);

    if (!s)
        return NULL;
    s->master = m;
    s->state = SESSION_GREETED;
    s->peer = *peer;
    s->local = *local;
    s->since = time(NULL);
    s->log = service_open(m, PROCESS_LOG, &who, ends->log);
    s->keys = service_open(m, PROCESS_KEYS, &who, ends->keys);
    if (s->log && s->keys)
        s->log->held = s->keys->held = proxied;
    s->home.master = m;
    s->home.calls = &home_calls;
    s->home.owner = s;
    s->home.peer = *peer;
    channel_init(&s->channel, ends->master, PROCESS_MASTER, PROCESS_SESSION,
                 proxied ? PHASE_START : PHASE_GREETED);
    s->timer = (struct loop_timer){ .on_time = on_time, .owner = s };
    s->watch = (struct loop_watch){
        .fd = ends->master, .events = EPOLLIN, .on_ready = on_ready, .owner = s
    };
    if (loop_add(&m->loop, &s->watch) < 0)
        session_end(s);
    services_flush(m);
    return s;
}

/* One that was kicked meanwhile has at least its events under its name. */
bool session_known(struct session *s, const struct address *peer)
{
    if (s->older) {
        s->peer = *peer;
        older_order(s, ORDER_PEER);
        return true;
    }
    if (s->state == SESSION_ENDED)
        return true;
    if (s->channel.phase != PHASE_START)
        return false;
    s->peer = s->home.peer = *peer;
    s->channel.phase = PHASE_GREETED;
    service_known(s->log, peer);
    service_known(s->keys, peer);
    services_flush(s->master);
    if (s->state == SESSION_GREETED &&
        SEND(&s->channel, admitted, 0) == -EAGAIN)
        session_kill(s);
    return true;
}

void session_settle(struct session *s)
{
    struct master *m = s->master;

    if (s->state != SESSION_ENDED || s->home.pid > 0 || s->news != 0 ||
        (m->state == MASTER_DRAINING && s->pid > 0))
        return;
    loop_timer_clear(&m->loop, &s->timer);
    sessions_give_back(m->sessions, s);
    master_session_freed(m);
}

/* Whether it died is gate's to say, and files has to hear it: of an upload that
 * a session died in nobody else can tell. */
static bool files_must_hear(const struct session *s)
{
    return s->home.channel.fd >= 0 && s->home.end < 0 &&
           children_gate(s->master);
}

void session_end(struct session *s)
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
    worker_forget(s->master, s);
    if (!files_must_hear(s))
        home_close(&s->home);
    if (s->home.pid > 0) /* there is nothing else that it waits for */
        session_wait(s, s->master->deadlines.kick);
    if (s->answer.slowed)
        answer_next(s->master);
    session_settle(s);
}

void session_gone(struct session *s, int status)
{
    struct master *m = s->master;

    if (WIFSIGNALED(status))
        home_session_died(&s->home, WTERMSIG(status));
    home_close(&s->home);
    session_forget_news(s);
    s->pid = 0;
    s->status = status;
    if (s->told)
        session_add_news(s, NEWS_GONE);
    if (s->state == SESSION_ENDED)
        session_settle(s);
    else
        session_end(s);
    sessions_tell(m);
}

void session_kill(struct session *s)
{
    struct master *m = s->master;

    if (s->state == SESSION_FREE || s->state == SESSION_ENDED)
        return;
    if (s->older) {
        older_order(s, ORDER_KILL);
        return;
    }
    if (m->state == MASTER_DRAINING)
        drain_kill(s);
    else
        session_add_news(s, NEWS_KILL);
    session_end(s);
    sessions_tell(m);
}

/* Its files stays until it has said goodbye: a session whose files is lost has
 * another reason to give. */
void session_kick(struct session *s, enum ending why)
{
    int r;

    if (s->state == SESSION_FREE || s->state >= SESSION_KICKED)
        return;
    if (s->older) {
        s->state = SESSION_KICKED;
        s->why = why;
        older_order(s, ORDER_KICK);
        return;
    }
    r = SEND(&s->channel, kick, 0, .why = why);
    if (r == -EPIPE) {
        session_end(s);
    } else if (r < 0) {
        session_kill(s);
    } else {
        s->state = SESSION_KICKED;
        worker_forget(s->master, s);
        session_wait(s, s->master->deadlines.kick);
    }
}

bool session_is_there(const struct session *s)
{
    return s->state != SESSION_FREE && s->state < SESSION_KICKED;
}

/* Whom nobody hears of needs no news. */
static bool is_heard_of(struct master *m)
{
    return m->state == MASTER_DRAINING ? m->drain->newest.fd >= 0
                                       : children_gate(m) != NULL;
}

void sessions_tell(struct master *m)
{
    if (m->state == MASTER_DRAINING)
        drain_tell(m);
    else
        gate_tell(m);
}

int sessions_each_news(struct session_table *t, int (*tell)(struct session *s),
                       bool *told)
{
    for (size_t i = 0; i < t->size && t->with_news > 0; i++) {
        int r;

        if (t->all[i].news == 0)
            continue;
        r = tell(&t->all[i]);
        if (r < 0)
            return r;
        *told = true;
    }
    return 0;
}

void session_add_news(struct session *s, enum session_news news)
{
    if (!is_heard_of(s->master) && news != NEWS_KILL)
        return;
    if (s->news == 0)
        s->master->sessions->with_news++;
    s->news |= news;
}

void session_forget_news(struct session *s)
{
    if (s->news != 0)
        s->master->sessions->with_news--;
    s->news = 0;
}
