/* The handlers of auth, a process without files, network and rights. Its answer
 * says yes or no; a yes has the user's name and the version of the row, and for
 * SITE PSWD a new hash. */
#include "auth.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/hash/hash.h"

static void auth_release(void *owner)
{
    struct auth *a = owner;

    for (size_t i = 0; i < VERIFICATIONS_MAX; i++)
        if (a->pending[i].used)
            channel_close(&a->pending[i].channel);
    circle_release(&a->circle);
    users_release(&a->users);
}

int auth_take_users(struct auth *a, int fd, struct complaint *c)
{
    struct users newer;
    struct circle circle;
    int r = users_take(&newer, fd, c);

    fd_close(&fd);
    if (r < 0)
        return r;
    if (circle_make(&circle, &newer, a->name_key) < 0) {
        users_release(&newer);
        return complain(c, "users: out of memory");
    }
    circle_release(&a->circle);
    users_release(&a->users);
    a->users = newer;
    a->circle = circle;
    return 0;
}

/* Ends the process if the table is invalid, since master has accepted the same
 * table. */
static int auth_on_users(void *owner, struct msg_users *m)
{
    struct auth *a = owner;

    memcpy(a->name_key, &m->name_key_1, sizeof(m->name_key_1));
    memcpy(a->name_key + sizeof(m->name_key_1), &m->name_key_2,
           sizeof(m->name_key_2));
    if (auth_take_users(a, fd_take(&m->users), &a->frame.why) < 0)
        die(EX_DATAERR, "%s", a->frame.why.text);
    return 0;
}

/* Descriptors besides the pairs to sessions: the standard ones, master, log,
 * the loop, and for a moment a new table of users. Master never sends more
 * than these and the pairs, so only a bug reaches the limit. */
#define FILES_BESIDES 16

static int auth_set_up(void *owner)
{
    struct auth *a = owner;
    const struct setup_file *file = &a->frame.setup.file[SETUP_CERTIFICATE];
    int r;

    a->frame.plan.max_files = VERIFICATIONS_MAX + FILES_BESIDES;
    /* Accept a file without a certificate: gate checks the file, and reports it
     * with more words. A client can prove its key only to a certificate that
     * gate has, too. */
    for (size_t i = 0; i < CERTIFICATES_MAX && file[i].fd >= 0; i++) {
        r = proof_servers_add(&a->servers, file[i].fd);
        if (r < 0 && r != -EINVAL)
            return complain(&a->frame.why, "%s: %s", file[i].name,
                            strerror(-r));
    }
    return proof_begin() == 0
               ? 0
               : complain(&a->frame.why, "auth: no memory for OpenSSL");
}

static const struct handler auth_handlers[] = {
    ON(users, auth_on_users),
    ON(verify, auth_on_verify),
};

const struct frame_row auth_row = {
    .process = PROCESS_AUTH,
    .filter = &filter_auth,
    FRAME_HANDLERS(auth_handlers),
    .needs_each = true, /* auth must not judge by an old table */
    .set_up = auth_set_up,
    .release = auth_release,
};

/* The answer to master. All fields 0: the session has sent no password. */
struct auth_answer {
    bool failed;
    const struct user *user; /* NULL: the answer is no */
    uint64_t name, step;
    enum password_fault fault;
    char hash[HASH_MAX]; /* "": there is no new hash */
};

static void pending_send_verdict(struct pending *p, const struct auth_answer *f)
{
    struct auth *a = p->auth;
    int r = SEND(&a->frame.master, verdict, 0, .serial = p->serial,
                 .accepted = f->user, .failed = f->failed,
                 .user = slice_from(f->user ? f->user->name : ""),
                 .version = f->user ? user_version(f->user, a->name_key) : 0,
                 .name = f->name, .step = f->step, .fault = f->fault,
                 .hash = slice_from(f->hash));

    loop_remove(&a->frame.loop, &p->watch);
    loop_timer_clear(&a->frame.loop, &p->timer);
    channel_close(&p->channel);
    p->used = false;
    /* Master has at most 32 questions open, and the socket has room for
     * more. */
    if (r < 0 && r != -EPIPE)
        die(EX_SOFTWARE, "the verdict can't be sent: %d", -r);
}

/* Answers no, and logs WHY in an event of KIND. */
static void pending_no_verdict(struct pending *p, enum event kind,
                               const char *why)
{
    const struct auth_answer none = { .user = NULL };

    report_no_verdict(p, kind, why);
    pending_send_verdict(p, &none);
}

/* Makes the hash of the new password WANTED, if the old password was right. */
static enum password_fault pending_hash(const struct pending *p,
                                        const struct attempt *a,
                                        struct slice wanted,
                                        char hash[HASH_MAX])
{
    SECRET_CLEANUP struct secret password = { .len = 0 };
    enum password_fault fault = hash_password_fault(wanted);

    if (!a->password_right)
        return PASSWORD_WRONG;
    if (fault == PASSWORD_OK &&
        slice_equal(wanted,
                    (struct slice){ a->password->bytes, a->password->len }))
        fault = PASSWORD_SAME;
    if (fault != PASSWORD_OK)
        return fault;
    secret_set(&password, wanted);
    return hash_make(&password, p->cost, hash) < 0 ? PASSWORD_BUSY
                                                   : PASSWORD_OK;
}

/* For SITE PSWD the user's name comes from master, since a session can lie. */
static int pending_on_credentials(void *owner, struct msg_credentials *msg)
{
    struct pending *p = owner;
    struct secret password SECRET_CLEANUP = { 0 };
    struct auth_answer f = { .user = NULL };
    struct attempt a = { .name = p->user[0] ? slice_from(p->user) : msg->name,
                         .password = &password,
                         .claims = msg->certificate,
                         .claims_cut = msg->cut,
                         .proof = msg->handshake,
                         .name_key = p->auth->name_key,
                         .circle = &p->auth->circle,
                         .serial = p->serial,
                         .peer = &p->peer,
                         .servers = &p->auth->servers,
                         .now = time(NULL) };
    enum judgement j = JUDGED_PASSWORD; /* also if the password is too long */

    if (secret_set(&password, msg->password) == 0)
        j = judge(&p->auth->users, &a);
    f.user = j == JUDGED_NO_OBJECTION ? a.user : NULL;
    f.failed = j == JUDGED_NO_HASH;
    f.name = siphash(a.name_key, a.name.ptr, a.name.len);
    f.step = a.step;
    if (f.user && p->user[0])
        f.fault = pending_hash(p, &a, msg->wanted, f.hash);
    if (!f.user)
        report_failed_login(p, &a, j);
    pending_send_verdict(p, &f);
    return -ECANCELED;
}

static const struct handler handlers[] = {
    ON(credentials, pending_on_credentials),
};

static void pending_on_ready(void *owner, uint32_t events)
{
    struct pending *p = owner;
    int r = DISPATCH(&p->channel, handlers, p);

    (void)events;
    if (!p->used || r == 0)
        return;
    if (r == -EPROTO)
        pending_no_verdict(p, EVENT_PEER, p->channel.wrong);
    else
        pending_no_verdict(p, EVENT_LOGIN_FAILED,
                           "the session sent no password");
}

/* If the password has arrived, judges it in spite of the deadline: it can have
 * waited here while auth computed other hashes. */
static void pending_on_timer(void *owner)
{
    struct pending *p = owner;

    pending_on_ready(p, EPOLLIN);
    if (p->used)
        pending_no_verdict(p, EVENT_LOGIN_FAILED, "no password in time");
}

int auth_on_verify(void *owner, struct msg_verify *m)
{
    struct auth *a = owner;
    struct pending *p = NULL;
    int fd = fd_take(&m->session);

    if (!a->circle.point)
        die(EX_PROTOCOL, "master asks before it has sent the users");
    for (size_t i = 0; i < VERIFICATIONS_MAX && !p; i++)
        if (!a->pending[i].used)
            p = &a->pending[i];
    if (!p)
        die(EX_PROTOCOL, "master asks for too many verdicts");
    *p = (struct pending){ .auth = a,
                           .serial = m->serial,
                           .peer = m->peer,
                           .cost = m->cost,
                           .used = true };
    if (slice_copy(m->user, p->user, sizeof(p->user)) < 0)
        die(EX_PROTOCOL, "master asks about a name that is too long");
    channel_init(&p->channel, fd, PROCESS_AUTH, PROCESS_SESSION, PHASE_RUN);
    p->timer = (struct loop_timer){ .on_timer = pending_on_timer, .owner = p };
    loop_timer_set(&a->frame.loop, &p->timer, PENDING_MS);
    if (loop_add_reader(&a->frame.loop, &p->watch, fd, pending_on_ready, p) < 0)
        pending_no_verdict(p, EVENT_LOGIN_FAILED,
                           "auth can't watch the session");
    return 0;
}
