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

static void auth_release(void *owner)
{
    struct auth *a = owner;

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

/* Descriptors: the standard ones, master, log, the loop, and for a moment a new
 * table of users or the channel of a session. Only a bug reaches the limit. */
#define FILES_MAX 16

static int auth_set_up(void *owner)
{
    struct auth *a = owner;
    const struct setup_file *file = &a->frame.setup.file[SETUP_CERTIFICATE];
    int r;

    a->frame.plan.max_files = FILES_MAX;
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

/* Makes the hash of the new password WANTED, if the old password was right. */
static enum password_fault
pending_hash(struct pending *p, const struct attempt *a, struct slice wanted)
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
    return hash_make(&password, p->cost, p->hash) < 0 ? PASSWORD_BUSY
                                                      : PASSWORD_OK;
}

/* For SITE PSWD the user's name comes from master, since a session can lie. */
static int pending_on_credentials(void *owner, struct msg_credentials *msg)
{
    struct pending *p = owner;
    struct secret password SECRET_CLEANUP = { 0 };
    struct msg_verdict *v = &p->verdict;
    struct attempt a = { .name = p->user[0] ? slice_from(p->user) : msg->name,
                         .password = &password,
                         .claims = msg->certificate,
                         .claims_cut = msg->cut,
                         .proof = msg->handshake,
                         .name_key = p->auth->name_key,
                         .circle = &p->auth->circle,
                         .serial = v->serial,
                         .peer = &p->peer,
                         .servers = &p->auth->servers,
                         .now = time(NULL) };
    enum judgement j = JUDGED_PASSWORD; /* also if the password is too long */

    if (secret_set(&password, msg->password) == 0)
        j = judge(&p->auth->users, &a);
    v->accepted = j == JUDGED_NO_OBJECTION;
    v->failed = j == JUDGED_NO_HASH;
    v->name = siphash(a.name_key, a.name.ptr, a.name.len);
    v->step = a.step;
    if (v->accepted) {
        v->user = slice_from(a.user->name);
        v->version = user_version(a.user, a.name_key);
    }
    if (v->accepted && p->user[0])
        v->fault = pending_hash(p, &a, msg->wanted);
    v->hash = slice_from(p->hash);
    if (!v->accepted)
        report_failed_login(p, &a, j);
    return -ECANCELED;
}

static const struct handler handlers[] = {
    ON(credentials, pending_on_credentials),
};

int auth_on_verify(void *owner, struct msg_verify *m)
{
    struct auth *a = owner;
    struct pending p = {
        .auth = a, .peer = m->peer, .cost = m->cost, .verdict.serial = m->serial
    };
    int r;

    channel_init(&p.channel, fd_take(&m->session), PROCESS_AUTH,
                 PROCESS_SESSION, PHASE_RUN);
    if (!a->circle.point)
        die(EX_PROTOCOL, "master asks before it has sent the users");
    if (slice_copy(m->user, p.user, sizeof(p.user)) < 0)
        die(EX_PROTOCOL, "master asks about a name that is too long");
    r = DISPATCH(&p.channel, handlers, &p); /* overwrites the texts of M */
    if (r == -EPROTO)
        report_no_verdict(&p, EVENT_PEER, p.channel.wrong);
    else if (r != -ECANCELED)
        report_no_verdict(&p, EVENT_LOGIN_FAILED,
                          "the session sent no password");
    channel_close(&p.channel);
    /* Master asks one question at a time, so the socket has room. */
    r = channel_send(&a->frame.master, MSG_verdict, &p.verdict);
    if (r < 0 && r != -EPIPE)
        die(EX_SOFTWARE, "the verdict can't be sent: %d", -r);
    return 0;
}
