/* The requests of sallyportctl, in master. Each function answers at once, or
 * leaves the peer waiting for its files. Master hands ctl on to that process
 * and reads nothing of what it finds. */
#include "request.h"

#include <string.h>

#include "master.h"
#include "request_who.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/secret.h"

/* No second request is taken before this one is answered. */
static struct control_peer *begin(void *owner, const struct packet *request)
{
    struct control_peer *p = owner;

    p->request = request->request;
    p->channel.phase = PHASE_RUN;
    return p;
}

static void tell_certificates(struct control_peer *p)
{
    const struct pair_set *set = p->master->certificates.current;

    for (size_t i = 0; set && i < set->count; i++) {
        const struct pair_files *one = &set->pair[i];

        control_tell(p, &(struct packet){
                            .message = MSG_STATUS_CERTIFICATE,
                            .value = { TEXT(slice_from(one->certificate_name)),
                                       TEXT(slice_from(one->staple_name)),
                                       NUMBER(one->expires),
                                       NUMBER(one->staple_until) } });
    }
}

static int on_status(void *owner, struct packet *request)
{
    struct control_peer *p = begin(owner, request);
    const struct master *m = p->master;
    struct packet answer = { .message = MSG_STATUS_IS,
                             .value = {
                                 NUMBER(m->state),
                                 NUMBER(m->since),
                                 NUMBER(m->sessions.living),
                                 NUMBER(sessions_logged_in(&m->sessions)),
                                 NUMBER(m->settings.max_sessions),
                                 NUMBER(userdb_count(&m->users)),
                             } };

    for (size_t i = 0; i < m->listeners.control_count; i++)
        control_tell(
            p, &(struct packet){
                   .message = MSG_STATUS_LISTENER,
                   .value = { ADDRESS(m->listeners.control[i].address) } });
    tell_certificates(p);
    control_answer(p, &answer);
    return 0;
}

/* Answered when it is over. */
static int on_reload(void *owner, struct packet *request)
{
    struct control_peer *p = begin(owner, request);

    p->reloading = p->request;
    master_reload(p->master);
    return 0;
}

static void tell_reloaded(struct control_peer *p, const char *wrong)
{
    p->request = p->reloading;
    p->reloading = 0;
    if (wrong)
        control_refuse(p, REFUSAL_BAD_FILE, wrong);
    else
        control_answer(p, &(struct packet){ .message = MSG_CONTROL_DONE });
}

void request_reloaded(struct master *m, const char *wrong)
{
    if (!wrong && m->users.told.text[0])
        wrong = m->users.told.text;
    for (size_t i = 0; i < CONTROL_PEERS; i++)
        if (m->control.peer[i].state == CONTROL_IDLE &&
            m->control.peer[i].reloading > 0)
            tell_reloaded(&m->control.peer[i], wrong);
}

static void tell_ended(struct control_peer *p, size_t ended)
{
    control_answer(p, &(struct packet){ .message = MSG_ENDED,
                                        .value = { NUMBER(ended) } });
}

static int on_users_edited(void *owner, struct packet *request)
{
    struct control_peer *p = begin(owner, request);
    struct master *m = p->master;

    master_look_at_users(m);
    if (m->users.told.text[0])
        control_refuse(p, REFUSAL_BAD_FILE, m->users.told.text);
    else
        tell_ended(p, access_review(m));
    return 0;
}

static int on_who(void *owner, struct packet *request)
{
    struct control_peer *p = begin(owner, request);

    request_who(p, request->value[0].number);
    return 0;
}

static int on_end_sessions(void *owner, struct packet *request)
{
    struct control_peer *p = begin(owner, request);
    size_t ended = request_end_sessions(p->master, request);

    if (ended > 0)
        master_report(p->master, EVENT_SERVICE, PROCESS_MASTER,
                      "kick: sallyportctl ended %zu session%s", ended,
                      ended == 1 ? "" : "s");
    tell_ended(p, ended);
    return 0;
}

/* The row that NAME has now; NULL: it was told why not. */
static const struct user *find_user(struct control_peer *p, struct slice name)
{
    struct master *m = p->master;
    struct complaint c = { "" };
    const struct users *users;
    const struct user *user = NULL;

    master_look_at_users(m);
    users = userdb_find(&m->users, userdb_newest(&m->users));
    if (users)
        user = users_find(users, name);
    if (!user)
        control_refuse(p, REFUSAL_NO_USER,
                       "there is no such user; run: sallyportctl user list");
    else if (home_permitted(m, user, &c) < 0)
        control_refuse(p, REFUSAL_HOME, c.text);
    return c.text[0] ? NULL : user;
}

static void open_home(struct control_peer *p, const struct user *user)
{
    uint64_t serial;
    int r;

    random_bytes(&serial, sizeof(serial));
    p->state = CONTROL_OPENING;
    control_wait(p);
    r = home_open(&p->home, user, serial);
    if (r < 0) {
        master_report(p->master, EVENT_SERVICE, PROCESS_MASTER,
                      "can't start files: %s", strerror(-r));
        control_refuse(p, REFUSAL_BUSY, strerror(-r));
    }
}

static int on_partials(void *owner, struct packet *request)
{
    struct control_peer *p = begin(owner, request);
    const struct user *user;

    if (p->master->state != MASTER_RUNNING) {
        control_refuse(p, REFUSAL_BUSY, "the server starts or stops just now");
    } else if (p->home.pid > 0) {
        control_refuse(p, REFUSAL_BUSY, "the last request is still at work");
    } else {
        user = find_user(p, request->value[0].text);
        if (user)
            open_home(p, user);
    }
    return 0;
}

void request_home_ready(struct control_peer *p)
{
    struct packet answer = { .message = MSG_PARTIALS_CHANNEL,
                             .fd = { p->home.end, -1 } };

    if (p->state != CONTROL_OPENING)
        return;
    control_answer(p, &answer);
    fd_close(&p->home.end);
}

void request_home_lost(struct control_peer *p)
{
    home_kill(&p->home);
    control_refuse(p, REFUSAL_HOME, "the home can't be entered; see the log");
}

static const struct handler handlers[] = {
    { MSG_STATUS, on_status },     { MSG_RELOAD, on_reload },
    { MSG_PARTIALS, on_partials }, { MSG_USERS_EDITED, on_users_edited },
    { MSG_WHO, on_who },           { MSG_END_SESSIONS, on_end_sessions },
};

int request_dispatch(struct control_peer *p)
{
    return channel_dispatch(&p->channel, handlers,
                            sizeof(handlers) / sizeof(handlers[0]), p);
}
