/* The answers of the auth workers, in master. They must fit the request. A
 * worker is ended if it names a session that it wasn't asked about, a missing
 * generation or row, or a locked row. */
#include "verdict.h"

#include <errno.h>

#include "answer.h"
#include "core/master.h"
#include "login.h"
#include "userdb.h"
#include "worker.h"

/* A verdict may name any generation from that of its request to the newest that
 * the worker has got. Only a generation that is still kept has rows to
 * check. */
static const char *verdict_objection(const struct child *c,
                                     const struct verification *v,
                                     const struct msg_verdict *msg)
{
    const struct users *users;

    if (!v)
        return "a verdict that nobody asked for";
    if (msg->edition < v->generation || msg->edition > c->generation)
        return "a verdict by a wrong generation of the users file";
    users = userdb_find(c->master->users, msg->edition);
    if (!msg->accepted || !users)
        return NULL;
    if (msg->row >= users->count)
        return "a verdict with a row that is not there";
    return users->row[msg->row].locked ? "a yes for a locked user" : NULL;
}

int verdict_on_verdict(void *owner, struct msg_verdict *msg)
{
    struct child *c = owner;
    struct verification *v = worker_find(c, msg->serial);
    const char *wrong = verdict_objection(c, v, msg);
    struct verdict verdict = { .right = msg->accepted,
                               .generation = msg->edition,
                               .row = msg->row,
                               .guess.name = msg->name };
    struct session *s;

    if (wrong)
        return channel_refuse(&c->channel, wrong);
    s = v->session;
    verdict.guess.peer = v->peer;
    answer_count(c->master, &verdict);
    *v = c->verification[--c->verifications];
    if (c->verifications > 0)
        loop_timer_set(&c->master->loop, &c->timer,
                       c->master->deadlines.silence);
    else
        loop_timer_clear(&c->master->loop, &c->timer);
    if (s)
        login_on_verdict(s, &verdict);
    userdb_drop(c->master->users, worker_oldest(c->master));
    login_retry(c->master); /* a worker has a free place */
    return 0;
}

void verdict_go_on(struct child *c)
{
    worker_tell(c);
    login_retry(c->master); /* the worker may have the newest users file now */
    services_flush(c->master);
}

void verdict_on_gone(struct child *c)
{
    while (c->verifications > 0) {
        struct session *s = c->verification[--c->verifications].session;

        if (s)
            login_deny(s, DENIAL_BUSY);
    }
    userdb_drop(c->master->users, worker_oldest(c->master));
}

void verdict_on_time(struct child *c)
{
    child_end(c, "gave no verdict in time");
}
