/* USER and PASS (RFC 959), SITE PSWD, and master's answers to them, in session.
 * The session sends the password straight to the auth worker, over a socket
 * pair that master makes. The worker sends its verdict to master, never to the
 * session. */
#include "transfer.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "sallyport/base/fd.h"
#include "sallyport/base/stack.h"
#include "sallyport/domain/limits.h"
#include "sallyport/tls/context.h"
#include "sallyport/tls/stream.h"
#include "sallyport/tls/ticket.h"

/* The number of heartbeats in idle_timeout, and the grace period after it. */
#define WATCH_LOOKS   4
#define WATCH_LATE_MS 5000
/* Time in ms from the login to the first heartbeat. */
#define WATCH_FIRST_MS 3000

static void login_on_late(void *owner)
{
    leave(owner, ENDING_PEER, "gate gave no keys of tickets in time");
}

/* Asks master to verify the password. Master's deadlines limit the wait, and
 * master answers after each of them. */
static void login_ask(struct session *s)
{
    struct login *l = &s->login;
    int r;

    l->request = channel_next(&s->master);
    r = SEND(&s->master, login, l->request);
    if (r < 0)
        leave_peer(s, r, &s->master);
    s->master.phase = PHASE_VERIFY;
    s->control.state = CONTROL_VERIFYING;
}

static int login_asked(struct session *s, uint32_t request)
{
    if (s->login.request && request == s->login.request)
        return 0;
    return channel_refuse(&s->master, "an answer without a request");
}

int login_on_channel(void *owner, struct msg_login_channel *m)
{
    struct session *s = owner;
    struct login *l = &s->login;
    struct slice password = { l->password.bytes, l->password.len };
    struct slice wanted = { l->wanted.bytes, l->wanted.len };
    struct channel auth;
    struct buf claims;
    bool cut;

    if (login_asked(s, m->request) < 0)
        return -EPROTO;
    buf_init(&claims, CLIENT_CLAIMS_MAX);
    cut = stream_claims(s->control.stream, &claims) > 0;
    channel_init(&auth, fd_take(&m->auth), PROCESS_SESSION, PROCESS_AUTH,
                 PHASE_RUN);
    /* Ignore an error: if the worker has gone, master denies the login. */
    SEND(&auth, credentials, 0, .name = slice_from(l->name),
         .password = password, .wanted = wanted,
         .certificate = buf_slice(&claims), .cut = cut,
         .handshake = stream_proof(s->control.stream));
    channel_close(&auth);
    buf_release(&claims);
    secret_wipe(&l->password);
    secret_wipe(&l->wanted);
    return 0;
}

static void login_stop_waiting(struct session *s, unsigned phase)
{
    secret_wipe(&s->login.password);
    secret_wipe(&s->login.wanted);
    s->login.request = 0;
    s->master.phase = phase;
    loop_timer_clear(&s->loop, &s->login.answer);
}

/* Sets the alarm and the heartbeat again. If the loop hangs, nobody sets the
 * alarm again, and SIGALRM ends the session: later than idle_timeout, and later
 * than files' deadline for a slow disk. A process that was stopped for so long
 * ends when it continues. */
static void login_watch(void *owner)
{
    struct session *s = owner;
    const uint64_t idle = s->settings->idle_timeout,
                   disk = s->deadlines->ask_long;
    const uint64_t ms = (idle > disk ? idle : disk) + WATCH_LATE_MS;
    const struct itimerval end = {
        .it_value = { .tv_sec = (time_t)(ms / 1000),
                      .tv_usec = (suseconds_t)(ms % 1000 * 1000) },
    };

    setitimer(ITIMER_REAL, &end, NULL);
    loop_timer_set(&s->loop, &s->login.watch,
                   s->settings->idle_timeout / WATCH_LOOKS);
}

/* Gives memory back to the kernel: malloc and the stack keep what a handshake
 * or a transfer has used. */
static void login_on_watch(void *owner)
{
    malloc_trim(0);
    stack_wipe_below();
    login_watch(owner);
}

/* Completes the login: replies 230, with tickets. Call it when gate has sent
 * the keys that seal tickets. */
static void login_enter(struct session *s)
{
    struct login *l = &s->login;

    login_stop_waiting(s, PHASE_USER);
    s->control.state = CONTROL_LOGGED_IN;
    memcpy(l->user, l->name, sizeof(l->user));
    loop_timer_clear(&s->loop, &l->timer);
    l->watch = (struct loop_timer){ .on_timer = login_on_watch, .owner = s };
    login_watch(s);
    loop_timer_set(&s->loop, &l->watch, WATCH_FIRST_MS);
    stream_forget_proof(s->control.stream);
    report_login(s);
    report_client(s);
    session_title(s);
    binding_start(s);
    control_reply_with(s,
                       l->must_change ? REPLY_LOGGED_IN_ONCE : REPLY_LOGGED_IN,
                       slice_from(l->name));
}

int login_on_ticket_keys(void *owner, struct msg_ticket_keys *m)
{
    struct session *s = owner;
    struct ticket_keys keys;

    memcpy(&keys.now, m->now.ptr, sizeof(keys.now));
    memcpy(&keys.before, m->before.ptr, sizeof(keys.before));
    tls_context_tickets(s->tls, &keys);
    explicit_bzero(&keys, sizeof(keys));
    s->next_ticket = 0; /* the client's last ticket has an older key */
    s->login.keyed = true;
    if (s->control.state == CONTROL_GRANTED)
        login_enter(s);
    return 0;
}

int login_on_granted(void *owner, struct msg_granted *m)
{
    struct session *s = owner;
    struct login *l = &s->login;
    const struct rlimit size = { m->max_file_size, m->max_file_size };
    struct rlimit now;

    if (login_asked(s, m->request) < 0)
        return -EPROTO;
    secret_wipe(&l->password);
    s->master.phase = PHASE_USER;
    if (m->name.len > USER_NAME_MAX || m->upload_eof >= UPLOAD_EOF_COUNT ||
        m->binding >= BINDING_COUNT ||
        slice_copy(m->name, l->name, sizeof(l->name)) < 0)
        return channel_refuse(&s->master, "a granted login with a bad field");
    l->rights = (unsigned)m->rights;
    l->everywhere = (unsigned)m->everywhere;
    l->upload_eof = (enum upload_eof)m->upload_eof;
    l->binding = (enum data_binding)m->binding;
    l->version = m->version;
    l->up = m->up;
    l->down = m->down;
    l->max_file_size = m->max_file_size;
    /* Let the kernel enforce the limit, too, in case an attacker breaks into
     * this process later. A stricter limit stays. */
    if (m->max_file_size > 0 && (getrlimit(RLIMIT_FSIZE, &now) < 0 ||
                                 (now.rlim_max > m->max_file_size &&
                                  setrlimit(RLIMIT_FSIZE, &size) < 0)))
        leave(s, ENDING_PEER, "setrlimit failed");
    l->must_change = m->must_change;
    if (!state_of_control(s)->verify)
        return 0; /* master sent it before the session began to end */
    ask_start(s, fd_take(&m->files));
    if (l->keyed) {
        login_enter(s);
        return 0;
    }
    s->control.state = CONTROL_GRANTED;
    l->answer = (struct loop_timer){ .on_timer = login_on_late, .owner = s };
    loop_timer_set(&s->loop, &l->answer, s->deadlines->gate);
    return 0;
}

struct denial_row {
    enum reply reply;
    const char *reason; /* the reason for the log; NULL: the session logs
                           nothing, since auth has logged the reason */
    const char *last;   /* if not NULL, the reply ends the session, with this
                         * argument */
};

static const struct denial_row denials[DENIAL_COUNT] = {
    [DENIAL_WRONG] = { REPLY_LOGIN_WRONG, NULL, NULL },
    [DENIAL_BUSY] = { REPLY_NOT_ADMITTED, "no auth worker is free",
                      "Too many logins at once. Try again later" },
    [DENIAL_TOO_MANY] = { REPLY_LOGIN_TOO_MANY, "too many sessions", NULL },
    [DENIAL_TEAM] = { REPLY_LOGIN_TEAM_FULL, "too many sessions of a team",
                      NULL },
    [DENIAL_HOME] = { REPLY_LOGIN_HOME, "the home can't be entered", NULL },
    [DENIAL_CHANGED] = { REPLY_NOT_ADMITTED, "the account was changed just now",
                         "Your account was changed just now. Try again" },
    [DENIAL_NO_HASH] = { REPLY_NOT_ADMITTED, NULL,
                         "Passwords can't be verified now. Try again later" },
    [DENIAL_LATE] = { REPLY_NOT_ADMITTED, "the home doesn't answer",
                      "Your home doesn't answer now. Try again later" },
    [DENIAL_AWAY] = { REPLY_NOT_ADMITTED,
                      "the users file or the homes can't be reached",
                      "The server can't reach its files now. Try again later" },
    [DENIAL_LOCKED] = { REPLY_LOGIN_WRONG, "the account was changed just now",
                        NULL },
    [DENIAL_FAILED] = { REPLY_LOST_SERVICE, "a part of the server failed", "" },
};

int login_on_denied(void *owner, struct msg_denied *m)
{
    struct session *s = owner;
    struct login *l = &s->login;
    const struct denial_row *row;

    if (login_asked(s, m->request) < 0)
        return -EPROTO;
    row = &denials[m->why];
    login_stop_waiting(s, PHASE_GREETED);
    if (row->reason)
        report_login_failed(s, row->reason, m->right);
    l->name[0] = 0;
    if (!state_of_control(s)->verify)
        return 0; /* master sent it before the session began to end */
    s->control.state = CONTROL_SECURED;
    if (row->last) {
        control_end(s, m->why == DENIAL_FAILED ? ENDING_PEER : ENDING_NO_LOGIN,
                    row->reply, slice_from(row->last));
        return 0;
    }
    /* Send the 530 before the 421: after a 421 alone clients retry. */
    control_reply(s, row->reply);
    if (++l->tries >= s->settings->login_tries)
        control_end(s, ENDING_LOGIN_TRIES, REPLY_TOO_MANY_TRIES, NOTHING);
    return 0;
}

int login_on_password_is(void *owner, struct msg_password_is *m)
{
    struct session *s = owner;
    const enum password_fault f = m->fault;
    const enum reply r =
        f == PASSWORD_OK                               ? REPLY_PASSWORD_OK
        : f == PASSWORD_UNSYNCED || f == PASSWORD_LATE ? REPLY_PASSWORD_DOUBTFUL
        : f == PASSWORD_BUSY || f == PASSWORD_RELOADED ? REPLY_PASSWORD_LATER
                                                       : REPLY_PASSWORD_KEPT;

    if (login_asked(s, m->request) < 0 || !s->login.user[0])
        return -EPROTO;
    login_stop_waiting(s, PHASE_USER);
    if (f == PASSWORD_OK || f == PASSWORD_UNSYNCED)
        s->login.must_change = false;
    if (!state_of_control(s)->verify)
        return 0; /* master sent it before the session began to end */
    s->control.state = CONTROL_LOGGED_IN;
    if (m->version != s->login.version) {
        s->login.version = m->version;
        binding_start(s);
    }
    control_reply_with(s, r, slice_from(password_fault_text(f)));
    return 0;
}

void cmd_user(struct session *s, const struct call *call)
{
    struct login *l = &s->login;
    struct slice name = call->argument;

    if (l->user[0]) {
        control_reply(s, REPLY_ALREADY_LOGGED_IN);
        return;
    }
    if (name.len > USER_ARGUMENT_MAX)
        name.len = USER_ARGUMENT_MAX;
    slice_copy(name, l->name, sizeof(l->name));
    control_reply(s, REPLY_NEED_PASSWORD);
}

void cmd_pass(struct session *s, const struct call *call)
{
    struct slice password = call->argument;

    if (s->login.user[0]) {
        control_reply(s, REPLY_ALREADY_LOGGED_IN);
        return;
    }
    /* Cuts a password that is too long. No right password has SECRET_MAX bytes,
     * even with a one-time code, so the cut password counts like other wrong
     * passwords. */
    if (password.len > SECRET_MAX)
        password.len = SECRET_MAX;
    secret_set(&s->login.password, password);
    login_ask(s);
}

/* SITE PSWD isn't standardised; it has the form of Serv-U and of ProFTPD's
 * modules. */
void cmd_site_pswd(struct session *s, const struct call *call)
{
    struct login *l = &s->login;
    struct slice rest = call->argument;

    if (command_secret(&rest, &l->password) == 0 &&
        command_secret(&rest, &l->wanted) == 0 && !rest.ptr) {
        login_ask(s);
        return;
    }
    secret_wipe(&l->password);
    secret_wipe(&l->wanted);
    control_bad_argument(s, site_table[SITE_PSWD].help);
}
