/* A login, from `login` to `granted` or `denied`. Master never sees the name
 * and the password that the client sends: the session passes them to auth, on a
 * pair of sockets that master has made. If they are right, auth tells master
 * the user's name and the version of the row. Each wait has its deadline. Runs
 * in master.
 *
 * The password waits for its turn in a socket. Master holds the end that a
 * worker will get. So no session keeps a worker busy while it hesitates, and if
 * it ends, nobody verifies its password.
 *
 * Master can delay a login between its verdict and its answer. Meanwhile the
 * login holds no worker. Only a few logins of a network are delayed at a time;
 * the delays of its other logins begin later. So an address can guess only a
 * few times a minute, however many connections it opens. */
#include "logins.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

uint64_t answer_wrong_in(uint64_t asked, uint64_t now, uint64_t least,
                         uint64_t step)
{
    uint64_t passed = now - asked, at = passed > least ? passed : least;

    if (step == 0)
        return at - passed;
    if (at % step != 0 || at == passed)
        at += step - at % step;
    return at - passed;
}

void answer_count(struct master *m, struct verdict *v)
{
    uint64_t now = clock_ms(), most = m->settings.guess_delay;

    /* Limit the delay to a quarter of login_timeout, which leaves time for
     * three tries. */
    if (most > m->settings.login_timeout / 4)
        most = m->settings.login_timeout / 4;
    v->guess.trusted =
        settings_networks_hold(&m->settings.no_ban, &v->guess.peer);
    v->delay = guesses_delay(m->guesses, &v->guess, most, now);
    if (v->right || v->failed)
        return;
    guesses_failed(m->guesses, &v->guess, now);
    banning_guessed(m, &v->guess.peer,
                    guesses_for_ban(m->guesses, &v->guess.peer, now));
}

#define ANSWERS_DELAYED 4 /* delayed at a time, for each address */

/* Returns the time at which the delay of S begins: the time of its `login`; or,
 * if as many logins of its network as permitted are delayed already, a later
 * time. At LATE or later, the delay doesn't count for the network. */
static uint64_t answer_turn(const struct session_record *s, uint64_t now,
                            uint64_t late)
{
    struct session_table *t = s->master->sessions;
    const uint64_t us = s->answer.verdict.delay * 1000, at = clock_us();
    const struct network_rate rate = { us / ANSWERS_DELAYED, us, t->size };
    uint64_t turn = s->answer.asked, wait;

    if (us == 0 || s->answer.verdict.guess.trusted)
        return turn;
    wait = network_wait(t->delayed, t->hash_key, &s->peer, &rate, at, NULL);
    if (wait > 0)
        turn = now + (wait + 999) / 1000;
    if (turn < late)
        network_count(t->delayed, t->hash_key, &s->peer, &rate, at);
    return turn;
}

/* Lets S wait for its answer. If its delay would begin too late, the answer is
 * "busy". */
static void answer_wait(struct session_record *s)
{
    const struct master *m = s->master;
    struct answer *a = &s->answer;
    const uint64_t now = clock_ms(), delay = a->verdict.delay,
                   late = now + m->deadlines.verdict;
    const uint64_t turn = answer_turn(s, now, late);

    a->busy = turn >= late;
    if (a->busy)
        a->at = late;
    else if (a->verdict.right)
        a->at = turn + delay > now ? turn + delay : now;
    else
        a->at = now + answer_wrong_in(a->asked, now, turn - a->asked + delay,
                                      m->settings.login_delay);
    s->state = SESSION_DELAYED;
    session_set_timer(s, a->at - now);
}

/* Ends S after ERROR, an -errno of SEND(). A session that doesn't read its
 * answer can't serve its client either. */
static void login_give_up(struct session_record *s, int error)
{
    if (error == -EPIPE)
        session_end(s);
    else
        session_kill(s);
}

void login_answered(struct session_record *s, int r, enum session_state state,
                    unsigned phase)
{
    if (r < 0) {
        login_give_up(s, r);
        return;
    }
    loop_timer_clear(&s->master->loop, &s->timer);
    login_leave(s);
    s->state = state;
    s->channel.phase = phase;
}

/* Doesn't tell a session that is busy whether the password was right: an
 * attacker who controls many sessions would have no delays. */
void login_deny(struct session_record *s, enum denial why)
{
    int r;

    if (password_is_changed(s)) {
        password_answer(s, why == DENIAL_WRONG || why == DENIAL_LOCKED
                               ? PASSWORD_WRONG
                               : PASSWORD_BUSY);
        return;
    }
    r = SEND(&s->channel, denied, s->request, .why = why,
             .right = s->answer.verdict.right && !s->answer.busy);
    login_answered(s, r, SESSION_GREETED, PHASE_GREETED);
}

/* Shall a worker verify the password of S? If not, S gets its answer. */
static bool login_is_wanted(struct session_record *s)
{
    if (s->master->users->away.text[0])
        login_deny(s, DENIAL_AWAY);
    else if (password_is_changed(s) && password_objection(s) != PASSWORD_OK)
        password_answer(s, password_objection(s));
    else
        return true;
    return false;
}

void login_serve(struct master *m)
{
    struct turns *q = &m->sessions->turns;

    CHILDREN_EACH(m, c)
        while (worker_is_free(c)) {
            struct turn *t = turns_next(q);
            struct session_record *s = t ? t->owner : NULL;

            if (!s)
                return;
            if (!login_is_wanted(s))
                continue; /* it has left the queue */
            if (worker_ask(c, s) < 0)
                break;
            turns_take(q, t);
            s->state = SESSION_VERIFY;
            session_set_timer(s, m->deadlines.verdict);
        }
}

/* Call it when the password of S lies in the channel for auth, or the session
 * has closed that channel: then the verdict is no. */
static void login_on_password(void *owner, uint32_t events)
{
    struct session_record *s = owner;

    (void)events;
    /* The worker will have the same open file, so the loop must forget it. */
    loop_remove(&s->master->loop, &s->password);
    s->turn.owner = s;
    turns_add(&s->master->sessions->turns, &s->turn, &s->peer);
    login_serve(s->master);
}

void login_leave(struct session_record *s)
{
    turns_leave(&s->master->sessions->turns, &s->turn);
    loop_remove(&s->master->loop, &s->password);
    fd_close(&s->auth);
    CHILDREN_EACH(s->master, c)
        if (c->verification.session == s)
            c->verification.session = NULL;
}

/* When the look at the users file is over, or takes long, sends the session its
 * end of a new channel for the password. */
static void login_begin(struct session_record *s)
{
    struct master *m = s->master;
    const bool late =
        m->access->late && m->users->edits >= m->access->before_us;
    int ends[2], r;

    if ((!late && !access_is_over(m, s->fresh)) || !login_is_wanted(s))
        return;
    r = fd_pair(ends);
    if (r < 0) {
        master_report(m, EVENT_TROUBLE, PROCESS_MASTER,
                      "no pair of sockets for a login: %s", strerror(-r));
        login_deny(s, DENIAL_FAILED);
        return;
    }
    s->state = SESSION_QUEUED;
    s->auth = ends[1];
    r = SEND(&s->channel, login_channel, s->request, .auth = ends[0]);
    fd_close(&ends[0]);
    if (r == 0)
        r = loop_add_reader(&m->loop, &s->password, s->auth, login_on_password,
                            s);
    if (r < 0)
        login_give_up(s, r);
}

/* Master counts the tries, too, since a session that an attacker controls
 * doesn't count them. */
static int login_on_login(void *owner, struct msg_login *msg)
{
    struct session_record *s = owner;
    struct master *m = s->master;

    if (s->state != SESSION_GREETED && s->state != SESSION_USER)
        return 0; /* the session was kicked meanwhile */
    s->request = msg->request;
    s->channel.phase = PHASE_VERIFY;
    s->state = SESSION_WAITING;
    s->answer = (struct answer){ .asked = clock_ms() };
    if (s->tries >= m->settings.login_tries) {
        session_kick(s, ENDING_LOGIN_TRIES);
        return 0;
    }
    session_set_timer(s, children_ready(m, PROCESS_AUTH)
                             ? m->settings.login_timeout
                             : m->deadlines.verdict);
    /* Ask for a look, since the user may have been locked meanwhile. A look
     * that ends at once begins the waiting logins inside access_ask(): it must
     * not try this login, whose ticket isn't known yet. */
    s->fresh = UINT64_MAX;
    s->fresh = access_ask(m);
    if (s->state == SESSION_WAITING)
        login_begin(s);
    return 0;
}

void login_looked(struct master *m)
{
    SESSIONS_EACH(m->sessions, s)
        if (s->state == SESSION_WAITING)
            login_begin(s);
    login_serve(m);
}

static void login_open_home(struct session_record *s, const struct user *user)
{
    struct master *m = s->master;
    const struct account_limits *full;
    struct complaint c = { "" };
    int r;

    if (services_unread(m, user->name) == SERVICES_UNREAD) {
        s->answer.busy =
            clock_ms() - s->answer.asked >= m->settings.login_timeout;
        s->state = SESSION_DELAYED;
        session_set_timer(s, m->deadlines.unlogged);
        return;
    }
    if (user_permitted(user, &m->settings, m->root, &c) < 0) {
        master_report(m, EVENT_TROUBLE, PROCESS_MASTER,
                      "%s (home %s, serial %016" PRIx64 ")", c.text, user->home,
                      s->serial);
        login_deny(s, DENIAL_HOME);
        return;
    }
    account_take_limits(s, user);
    older_look_all(m); /* a session that counts may have ended just now */
    if (!session_is_served(s)) /* killed, since it took no channel to gate */
        return;
    full = account_full(s);
    if (full) {
        login_deny(s,
                   full == s->limits.account ? DENIAL_TOO_MANY : DENIAL_TEAM);
        return;
    }
    if (files_home_is_late(&s->files, user)) {
        login_deny(s, DENIAL_LATE);
        return;
    }
    user_rights(user, &s->rights, &s->rights_everywhere);
    s->version = user_version(user, m->secrets.versions);
    s->must_change = user->must_change;
    s->upload_eof =
        user_choice(user, CHOICE_UPLOAD_EOF, m->settings.upload_eof);
    s->binding = user_choice(user, CHOICE_BINDING, m->settings.data_binding);
    s->state = SESSION_OPENING;
    session_set_timer(s, m->deadlines.files);
    r = files_fork(&s->files, user);
    if (r < 0) {
        master_report(m, EVENT_TROUBLE, PROCESS_MASTER, "can't start files: %s",
                      strerror(-r));
        login_deny(s, DENIAL_FAILED);
    }
}

/* Compares the row that auth has found with the newest row: the user may have
 * been locked during a delay of some seconds. */
static void login_accept(struct session_record *s)
{
    struct master *m = s->master;
    const struct verdict *v = &s->answer.verdict;
    const struct user *user = access_current(s, v->user, v->version);

    if (!user) {
        master_report(m, EVENT_SERVICE, PROCESS_MASTER,
                      "user %s: not let in, the row changed or expired while "
                      "the password was verified",
                      v->user);
        /* If the row has changed, don't send 530: the client would take this as
         * "the password is wrong", and never try it again. */
        login_deny(s, access_admits(s, master_user(m, v->user))
                          ? DENIAL_CHANGED
                          : DENIAL_LOCKED);
        return;
    }
    guesses_succeeded(m->guesses, &v->guess, clock_ms());
    if (password_is_changed(s))
        password_change(s, user);
    else
        login_open_home(s, user);
}

void login_on_verdict(struct session_record *s, const struct verdict *v)
{
    if (s->state != SESSION_VERIFY)
        return;
    if (v->failed) {
        login_deny(s, DENIAL_NO_HASH);
        return;
    }
    s->answer.verdict = *v;
    if (v->right && v->delay == 0) {
        login_accept(s);
        return;
    }
    s->tries += !v->right;
    answer_wait(s);
}

void login_home_ready(struct session_record *s)
{
    int r;

    if (s->state != SESSION_OPENING)
        return;
    if (access_is_outdated(s->master)) {
        files_kill(&s->files);
        login_deny(s, DENIAL_CHANGED);
        return;
    }
    r = SEND(&s->channel, granted, s->request,
             .name = slice_from(s->files.user), .rights = s->rights,
             .everywhere = s->rights_everywhere, .upload_eof = s->upload_eof,
             .binding = s->binding, .version = s->version,
             .max_file_size = s->limits.file_size, .up = s->limits.up,
             .down = s->limits.down, .must_change = s->must_change,
             .files = s->files.end);
    login_answered(s, r, SESSION_USER, PHASE_USER);
    if (r < 0)
        return;
    fd_close(&s->files.end);
    s->login = time(NULL);
    s->tries = 0; /* from now on it counts tries of SITE PSWD */
    service_named(s->log, s->files.user);
    session_publish(s);
    session_add_news(s, NEWS_LOGIN);
    sessions_send_news(s->master);
}

void login_home_lost(struct session_record *s)
{
    if (s->state != SESSION_OPENING) {
        session_kick(s, ENDING_PEER);
        return;
    }
    files_kill(&s->files);
    login_deny(s, s->files.away ? DENIAL_LATE : DENIAL_HOME);
}

static void login_on_timer(struct session_record *s)
{
    const struct user *user;

    switch (s->state) {
    case SESSION_WAITING:
    case SESSION_QUEUED:
    case SESSION_VERIFY:
        login_deny(s, DENIAL_BUSY);
        break;
    case SESSION_DELAYED:
        if (s->answer.verdict.right && !s->answer.busy)
            login_accept(s);
        else
            /* Another node of a cluster may have changed the row just now. Then
             * don't send 530: the client would take this as "the password is
             * wrong", and never try it again. */
            login_deny(s, s->answer.busy                      ? DENIAL_BUSY
                          : userdb_is_stale(s->master->users) ? DENIAL_CHANGED
                                                              : DENIAL_WRONG);
        break;
    case SESSION_WRITING:
        password_late(s);
        break;
    case SESSION_OPENING:
        /* Let the user enter without the directory that was late, if the row is
         * still the same. */
        user = access_current(s, s->files.user, s->version);
        if (files_were_late(&s->files, user) && user)
            login_open_home(s, user);
        else
            login_deny(s, DENIAL_LATE);
        break;
    default:
        break;
    }
}

const struct table_hooks login_hooks = {
    .login = login_on_login,
    .timer = login_on_timer,
    .leave = login_leave,
    .home_ready = login_home_ready,
    .home_lost = login_home_lost,
    .review = access_review_one,
    .forget = userdb_forget,
};
