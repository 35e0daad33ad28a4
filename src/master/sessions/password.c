/* New hashes of passwords in the users file, by SITE PSWD or because the old
 * one is weaker than today's. Auth makes the hash, over the password that it
 * has just verified for the user of this session. Master replaces it in that
 * user's line, and then reads the file as after any other change. It waits for
 * the disk meanwhile, so after each write it rests ten times as long. */
#include "sessions.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/domain/choices.h"
#include "sallyport/users/users_file.h"

/* An older generation doesn't write: the newest one compares its sessions with
 * the file, and would end the one that has changed it. */
static bool password_can_write(const struct master *m)
{
    return m->state == MASTER_RUNNING;
}

/* May a login get a stronger hash? Not if one more edition of the users file
 * would cost another login its own: the next login of this user does. */
static bool password_may_renew(const struct master *m)
{
    const struct userdb *u = m->users;

    return m->settings.password_change != PASSWORD_CHANGE_NO &&
           password_can_write(m) && u->count < USERDB_KEPT &&
           clock_ms() >= u->renews_at && clock_ms() >= u->write_rests_until;
}

uint64_t password_cost(const struct session *s)
{
    const struct master *m = s->master;

    return (s->login > 0 ? password_can_write(m) : password_may_renew(m))
               ? m->settings.hash_cost
               : 0;
}

enum password_fault password_objection(const struct session *s)
{
    const struct master *m = s->master;
    const struct user *user = access_current(s, s->home.user, s->version);

    if (!user)
        return PASSWORD_BUSY; /* the session will be kicked */
    if (user->certificate_only)
        return PASSWORD_NONE;
    if (m->settings.password_change != PASSWORD_CHANGE_YES &&
        !user->must_change)
        return PASSWORD_FIXED;
    return password_can_write(m) ? PASSWORD_OK : PASSWORD_RELOADED;
}

void password_answer(struct session *s, enum password_fault fault)
{
    if (s->state < SESSION_KICKED)
        login_answered(
            s, SEND(&s->channel, password_is, s->request, .fault = fault),
            SESSION_USER, PHASE_USER);
}

/* The same reason is reported once. */
static void password_complain(struct master *m, const char *why)
{
    struct userdb *u = m->users;

    if (strcmp(u->unwritten.text, why) == 0)
        return;
    complain(&u->unwritten, "%s", why);
    master_report(m, EVENT_TROUBLE, PROCESS_MASTER,
                  "a new password hash can't be written to %s: %s", u->path,
                  why);
}

/* Only the text that everybody uses now is changed: another one may have a
 * mistake, or be half written. */
static enum password_fault password_write(struct master *m,
                                          struct hash_change *change)
{
    struct userdb *u = m->users;
    struct buf text;
    bool stands = false;
    int r;

    if (clock_ms() < u->write_rests_until)
        return PASSWORD_BUSY;
    buf_init(&text, USERS_FILE_MAX);
    r = fd_read_file(u->fd, &text);
    change->text = buf_slice(&text);
    if (r == 0)
        r = users_file_set_hash(u->path, change, &stands);
    buf_release(&text);
    if (r == -ETIMEDOUT || r == -ESTALE)
        return PASSWORD_BUSY;
    if (r < 0) {
        password_complain(m, strerror(-r));
        return stands ? PASSWORD_UNSYNCED : PASSWORD_UNWRITTEN;
    }
    u->unwritten.text[0] = '\0';
    return PASSWORD_OK;
}

/* Sessions that may continue get the version that the row has now. A new hash
 * of the same password changes nothing for the user's other sessions, nor for a
 * login whose verdict is still awaited. */
static void password_update(struct session *own, bool all, uint64_t before,
                            uint64_t after)
{
    struct access *a = own->master->access;

    own->version = after;
    if (!all)
        return;
    SESSIONS_EACH(own->master->sessions, s) {
        if (s->version == before)
            s->version = after;
        if (s->answer.version != before)
            continue;
        s->answer.version = after;
        if (s->login == 0 && s != own)
            s->answer.verdict.hash[0] = '\0';
    }
    a->renewed[a->renewals++ % ACCESS_RENEWED] =
        (struct renewed_row){ before, after };
}

/* USER is gone. */
static void password_take(struct master *m)
{
    const uint64_t edition = userdb_newest(m->users);

    access_refresh(m);
    if (userdb_newest(m->users) != edition)
        access_review(m);
}

/* So nobody keeps master busy. A login makes no new hash while none can be
 * written. */
static void password_rest(struct userdb *u, uint64_t begin,
                          enum password_fault fault)
{
    const uint64_t now = clock_ms();

    u->write_rests_until = now + 10 * (now - begin);
    u->renews_at = fault == PASSWORD_UNWRITTEN ? now + 600000 : 0;
}

/* Writes the hash that came with the verdict to the row of S, which is USER. If
 * anything else in the row has changed too, the session ends as after that
 * change alone. */
static enum password_fault password_replace(struct session *s,
                                            const struct user *user, bool done)
{
    struct master *m = s->master;
    struct hash_change change = { .user = s->home.user,
                                  .old = user->hash,
                                  .hash = s->answer.verdict.hash,
                                  .done = done };
    const uint64_t begin = clock_ms(),
                   before = user_version(user, m->secrets.versions);
    struct user next = *user;
    enum password_fault fault = password_write(m, &change);

    if (fault == PASSWORD_BUSY)
        return fault;
    if (fault == PASSWORD_OK || fault == PASSWORD_UNSYNCED) {
        next.hash = s->answer.verdict.hash;
        next.must_change = user->must_change && !done;
        password_update(s, !done, before,
                        user_version(&next, m->secrets.versions));
        master_report(m, EVENT_SERVICE, PROCESS_MASTER,
                      "user %s: %s (serial %016" PRIx64 ")", s->home.user,
                      done ? "has changed the password"
                           : "a stronger hash of the same password",
                      s->serial);
        password_take(m);
    }
    password_rest(m->users, begin, fault);
    return fault;
}

void password_renew(struct session *s, const struct user *user)
{
    if (s->answer.verdict.hash[0] && password_may_renew(s->master))
        password_replace(s, user, false);
}

void password_change(struct session *s, const struct user *user)
{
    enum password_fault fault = s->answer.verdict.fault;

    if (fault == PASSWORD_OK)
        fault = password_objection(s);
    if (fault == PASSWORD_OK && !s->answer.verdict.hash[0])
        fault = PASSWORD_BUSY; /* crypt(3) has failed */
    if (fault == PASSWORD_OK)
        fault = password_replace(s, user, true);
    password_answer(s, fault);
}
