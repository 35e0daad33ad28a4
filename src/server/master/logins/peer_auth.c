/* The auth workers. A worker verifies one password at a time. It gets the
 * channel in which the session has sent the name and the password; master never
 * reads them. The worker's answer must fit the request: if the answer names a
 * session or a user about which master hasn't asked, master ends the worker. A
 * yes is for the row that the worker has, and counts only if this is the user's
 * newest row. Runs in master. */
#include "logins.h"

#include <errno.h>
#include <string.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

static bool is_worker(const struct child *c)
{
    return c->row->process == PROCESS_AUTH && c->state == CHILD_READY;
}

bool worker_is_free(const struct child *c)
{
    return is_worker(c) && c->verification.serial == 0 &&
           c->users == c->master->users->edition;
}

int worker_ask(struct child *c, struct session_record *s)
{
    struct master *m = s->master;
    int r =
        SEND(&c->channel, verify, 0, .serial = s->serial, .peer = s->peer,
             .user = slice_from(password_is_changed(s) ? s->files.user : ""),
             .cost = m->settings.hash_cost, .session = s->auth);

    if (r == -EAGAIN)
        child_wait_writable(c);
    if (r < 0)
        return r;
    fd_close(&s->auth);
    c->verification = (struct verification){ s->serial, s->peer, s };
    loop_timer_set(&m->loop, &c->timer, m->deadlines.silence);
    return 0;
}

/* Writes the key with which auth hashes names and rows to KEY, as two halves.
 * The key is the same in all masters and, if secrets.names is kept, after a
 * restart. It reveals nothing about keys of other purposes. */
static void worker_key(const struct master *m, uint64_t key[2])
{
    _Static_assert(2 * sizeof(key[0]) == SIPHASH_KEY, "two halves");
    key[0] = siphash(m->secrets.names, "auth 1", 6);
    key[1] = siphash(m->secrets.names, "auth 2", 6);
}

/* Sends C the newest users, if it doesn't have them. */
static void worker_update(struct child *c)
{
    const struct userdb *u = c->master->users;
    uint64_t key[2];
    int r;

    if (c->users == u->edition)
        return;
    worker_key(c->master, key);
    r = SEND(&c->channel, users, 0, .name_key_1 = key[0], .name_key_2 = key[1],
             .users = u->table);
    if (r == 0)
        c->users = u->edition;
    else if (r == -EAGAIN)
        child_wait_writable(c);
}

void worker_update_all(struct master *m)
{
    CHILDREN_EACH(m, c)
        if (is_worker(c))
            worker_update(c);
}

static const char *verdict_objection(const struct verification *v,
                                     const struct msg_verdict *msg)
{
    if (v->serial == 0 || v->serial != msg->serial)
        return "a verdict that nobody asked for";
    if (msg->accepted && msg->failed)
        return "a yes without a hash";
    if (msg->hash.len > 0 && !(msg->accepted && user_hash_is_new(msg->hash)))
        return "a hash that can't be a new one";
    if (msg->hash.len > 0 && v->session && !password_is_changed(v->session))
        return "a new hash at a login";
    if (!msg->accepted)
        return NULL;
    if (!user_name_ok(msg->user))
        return "a yes without a user";
    return v->session && password_is_changed(v->session) &&
                   !slice_equal(msg->user, slice_from(v->session->files.user))
               ? "a verdict on another user's password"
               : NULL;
}

/* Returns false if a user who needs a one-time code has sent none that is
 * right. This counts as a wrong password, so that the client doesn't learn that
 * its password is right. Codes are remembered together with the secret, so a
 * lost device opens nothing after the secret is changed. If auth's row isn't
 * the newest, doesn't check the code that the user has sent, since the login
 * fails anyhow. */
static bool verdict_has_code(struct child *c, const struct verification *v,
                             const struct verdict *verdict, uint64_t step)
{
    struct master *m = c->master;
    struct guess what = verdict->guess;
    char peer[ADDRESS_TEXT_MAX];
    struct event_record r;
    const struct user *user;
    const char *why;

    if (verdict->version == 0 && step > 0)
        return true;
    user = master_user(m, verdict->user);
    if (!user || user->totp.len == 0)
        return true;
    what.factor = siphash(m->secrets.versions, user->totp.ptr, user->totp.len);
    why = guesses_code(m->guesses, &what, step, m->settings.totp_time,
                       clock_ms());
    if (!why)
        return true;
    event_begin(&r, EVENT_LOGIN_FAILED);
    event_text(&r, FIELD_USER, slice_from(user->name));
    event_text(&r, FIELD_PROCESS, slice_from(process_name(PROCESS_SESSION)));
    event_number(&r, FIELD_SERIAL, v->serial);
    event_text(&r, FIELD_PEER, slice_from(address_port_text(&v->peer, peer)));
    event_text(&r, FIELD_REASON, slice_from(why));
    master_send(m, &r);
    return false;
}

int verdict_on_verdict(void *owner, struct msg_verdict *msg)
{
    struct child *c = owner;
    struct verification *v = &c->verification;
    const char *wrong = verdict_objection(v, msg);
    struct verdict verdict = { .right = msg->accepted,
                               .failed = msg->failed,
                               .guess.name = msg->name,
                               .fault = msg->fault };
    const struct master *m = c->master;
    const struct user *user;
    struct session_record *s;
    uint64_t key[2];

    if (wrong)
        return channel_refuse(&c->channel, wrong);
    s = v->session;
    slice_copy(msg->hash, verdict.hash, sizeof(verdict.hash));
    verdict.guess.peer = v->peer;
    if (verdict.right) {
        /* Set the version only if auth's row is the user's newest row. */
        slice_copy(msg->user, verdict.user, sizeof(verdict.user));
        user = master_user(m, verdict.user);
        worker_key(m, key);
        if (user && user_version(user, (const uint8_t *)key) == msg->version)
            verdict.version = user_version(user, m->secrets.versions);
        verdict.right = verdict_has_code(c, v, &verdict, msg->step);
    }
    answer_count(c->master, &verdict);
    *v = (struct verification){ .serial = 0 };
    loop_timer_clear(&c->master->loop, &c->timer);
    login_serve(c->master); /* first, so that the worker needn't wait */
    if (s)
        login_on_verdict(s, &verdict);
    explicit_bzero(verdict.hash, sizeof(verdict.hash));
    return 0;
}

void verdict_go_on(struct child *c)
{
    worker_update(c);
    login_serve(c->master);
    services_flush(c->master);
}

void verdict_on_gone(struct child *c)
{
    struct session_record *s = c->verification.session;

    c->verification = (struct verification){ .serial = 0 };
    if (s)
        login_deny(s, DENIAL_FAILED);
}
