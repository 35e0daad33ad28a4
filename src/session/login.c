/* Logging in, and the channel to master. The password goes straight to the auth
 * worker on a pair that master makes; the verdict goes to master, never here.
 */
#include "login.h"

#include <errno.h>
#include <string.h>

#include "ask.h"
#include "binding.h"
#include "control.h"
#include "leave.h"
#include "proxied.h"
#include "report.h"
#include "sallyport/base/fd.h"
#include "sallyport/tls/client.h"
#include "sallyport/tls/context.h"
#include "sallyport/tls/ticket.h"
#include "signer.h"

/* The deadlines of master's waits, its delays, and some room. */
#define ANSWER_MS 75000
/* Master may take this long to have its word read by gate. */
#define KEYS_MS 10000

static void on_late(void *owner)
{
    struct session *s = owner;

    leave(s, ENDING_PEER,
          s->login.granted ? "gate gave no keys of tickets in time"
                           : "master gave no verdict in time");
}

void login_ask(struct session *s, struct slice password)
{
    struct login *l = &s->login;
    struct packet p = { .message = MSG_LOGIN };
    int r;

    /* Longer than any that exists: cut to a length that is wrong for everybody
     * (hash.h), so that it counts and takes its time like other wrong ones. */
    if (password.len > SECRET_MAX)
        password.len = SECRET_MAX;
    secret_set(&l->password, password);
    p.request = l->request = channel_next(&s->master);
    r = channel_send(&s->master, &p);
    if (r < 0)
        leave_peer(s, PROCESS_MASTER, r, &s->master);
    s->master.phase = PHASE_VERIFY;
    l->pending = true;
    l->answer.on_time = on_late;
    l->answer.owner = s;
    loop_timer_set(&s->loop, &l->answer, ANSWER_MS + s->settings->login_delay);
}

static bool is_mine(struct session *s, const struct packet *p)
{
    if (s->login.pending && p->request == s->login.request)
        return true;
    s->master.wrong = "an answer to nothing that was asked";
    return false;
}

static int on_login_channel(void *owner, struct packet *p)
{
    struct session *s = owner;
    struct login *l = &s->login;
    struct slice password = { l->password.bytes, l->password.len };
    struct packet out = { .message = MSG_CREDENTIALS,
                          .value = { TEXT(slice_from(l->name)),
                                     TEXT(password) } };
    struct channel auth;
    struct buf claims;

    if (!is_mine(s, p))
        return -EPROTO;
    buf_init(&claims, CLIENT_CLAIMS_MAX);
    stream_claims(s->control.stream, &claims);
    out.value[2].text = buf_slice(&claims);
    out.value[3].text = stream_proof(s->control.stream);
    channel_init(&auth, fd_take(&p->fd[0]), PROCESS_SESSION, PROCESS_AUTH,
                 PHASE_RUN);
    channel_send(&auth, &out); /* a worker that is gone: master denies */
    channel_close(&auth);
    buf_release(&claims);
    secret_wipe(&l->password);
    return 0;
}

static void stop_waiting(struct session *s, unsigned phase)
{
    secret_wipe(&s->login.password);
    s->login.pending = false;
    s->master.phase = phase;
    loop_timer_clear(&s->loop, &s->login.answer);
}

/* It is what gate ends those by whose loop no longer turns, so it must come
 * from the loop, whatever else goes on. Where gate doesn't read, it is busy,
 * and has enough of them waiting. */
static void on_alive(void *owner)
{
    struct session *s = owner;
    struct packet p = { .message = MSG_ALIVE };
    int r = channel_send(&s->gate, &p);

    if (r < 0 && r != -EAGAIN)
        leave_peer(s, PROCESS_GATE, r, &s->gate);
    loop_timer_set(&s->loop, &s->login.alive,
                   s->settings->idle_timeout / SESSION_ALIVE);
}

/* The 230 brings tickets, so it needs the keys that seal them. */
static int enter(struct session *s)
{
    struct login *l = &s->login;

    if (!l->granted || !l->keyed || l->done)
        return 0;
    stop_waiting(s, PHASE_USER);
    l->done = true;
    loop_timer_clear(&s->loop, &l->timer);
    l->alive = (struct loop_timer){ .on_time = on_alive, .owner = s };
    loop_timer_set(&s->loop, &l->alive,
                   s->settings->idle_timeout / SESSION_ALIVE);
    stream_forget_proof(s->control.stream);
    report_login(s);
    report_client(s);
    session_title(s);
    if (binding_start(s) < 0)
        return -EPROTO;
    control_reply_with(s, REPLY_LOGGED_IN, slice_from(l->name), NOTHING);
    return 0;
}

int login_on_ticket_keys(void *owner, struct packet *p)
{
    struct session *s = owner;
    struct ticket_keys keys;

    memcpy(&keys.now, p->value[0].text.ptr, sizeof(keys.now));
    memcpy(&keys.before, p->value[1].text.ptr, sizeof(keys.before));
    tls_context_tickets(s->tls, &keys);
    ticket_keys_wipe(&keys);
    s->login.keyed = true;
    return enter(s);
}

static int on_granted(void *owner, struct packet *p)
{
    struct session *s = owner;
    struct login *l = &s->login;

    if (!is_mine(s, p) || p->value[2].number >= UPLOAD_EOF_COUNT)
        return -EPROTO;
    secret_wipe(&l->password);
    s->master.phase = PHASE_USER;
    if (slice_copy(p->value[0].text, l->name, sizeof(l->name)) < 0 ||
        p->value[3].number >= BINDING_COUNT)
        return -EPROTO;
    l->rights = (unsigned)p->value[1].number;
    l->upload_eof = (enum upload_eof)p->value[2].number;
    l->binding = (enum data_binding)p->value[3].number;
    l->version = p->value[4].number;
    l->granted = true;
    ask_start(s, fd_take(&p->fd[0]));
    loop_timer_set(&s->loop, &l->answer, KEYS_MS);
    return enter(s);
}

struct denial_row {
    enum reply reply;
    const char *reason; /* NULL: auth knows it, and has logged it */
    bool ends;
};

static const struct denial_row denials[DENIAL_COUNT] = {
    [DENIAL_WRONG] = { REPLY_LOGIN_WRONG, NULL, false },
    [DENIAL_BUSY] = { REPLY_TOO_MANY, "no auth worker is free", true },
    [DENIAL_TOO_MANY] = { REPLY_LOGIN_TOO_MANY, "too many sessions", false },
    [DENIAL_HOME] = { REPLY_LOGIN_HOME, "the home can't be entered", false },
};

static int on_denied(void *owner, struct packet *p)
{
    struct session *s = owner;
    struct login *l = &s->login;
    const struct denial_row *row;

    if (!is_mine(s, p) || p->value[0].number >= DENIAL_COUNT)
        return -EPROTO;
    row = &denials[p->value[0].number];
    stop_waiting(s, PHASE_GREETED);
    if (row->reason)
        report_login_failed(s, row->reason);
    l->name[0] = 0;
    if (row->ends) {
        control_end(s, ENDING_PEER, row->reply, SLICE("logins at once"));
        return 0;
    }
    /* The 530 comes also before a 421: clients try again after a 421 alone. */
    control_reply(s, row->reply);
    if (++l->tries >= s->settings->login_tries)
        control_end(s, ENDING_LOGIN_TRIES, REPLY_TOO_MANY_TRIES, NOTHING);
    return 0;
}

/* What the client hears; all others that master gives are a kick. */
static const struct goodbye_row {
    enum ending ending;
    enum reply reply;
} goodbyes[] = {
    { ENDING_PEER, REPLY_LOST_SERVICE },
    { ENDING_SHUTDOWN, REPLY_SHUTTING_DOWN },
    { ENDING_REMOVED, REPLY_ACCOUNT_CHANGED },
    { ENDING_LOCKED, REPLY_ACCOUNT_CHANGED },
    { ENDING_CHANGED, REPLY_ACCOUNT_CHANGED },
};

static int on_kick(void *owner, struct packet *p)
{
    struct goodbye_row row = { ENDING_KICKED, REPLY_KICKED };

    for (size_t i = 0; i < sizeof(goodbyes) / sizeof(goodbyes[0]); i++)
        if (goodbyes[i].ending == p->value[0].number)
            row = goodbyes[i];
    control_end(owner, row.ending, row.reply, NOTHING);
    return 0;
}

/* Log was started anew. */
static int on_log(void *owner, struct packet *p)
{
    struct session *s = owner;

    log_start(s, fd_take(&p->fd[0]));
    return 0;
}

static int on_keys(void *owner, struct packet *p)
{
    signer_start(owner, fd_take(&p->fd[0]));
    return 0;
}

static const struct handler from_master[] = {
    { MSG_LOGIN_CHANNEL, on_login_channel },
    { MSG_GRANTED, on_granted },
    { MSG_DENIED, on_denied },
    { MSG_KICK, on_kick },
    { MSG_LOG, on_log },
    { MSG_KEYS, on_keys },
    { MSG_ENTERED, proxied_on_entered },
};

void on_master(void *owner, uint32_t events)
{
    struct session *s = owner;
    int r = channel_dispatch(&s->master, from_master,
                             sizeof(from_master) / sizeof(from_master[0]), s);

    (void)events;
    if (r < 0)
        leave_peer(s, PROCESS_MASTER, r, &s->master);
    session_continue(s);
}
