/* SITE PSWD: the hash of a new password in the users file. Auth makes it, after
 * it has verified the old password of the user of this session. Master replaces
 * it in that user's line, and then reads the file as after any other change. It
 * waits for the disk meanwhile, so after each write it rests ten times as
 * long. */
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
                                          struct hash_change change)
{
    struct userdb *u = m->users;
    struct buf text;
    bool stands = false;
    int r;

    if (clock_ms() < u->write_rests_until)
        return PASSWORD_BUSY;
    buf_init(&text, USERS_FILE_MAX);
    r = fd_read_file(u->fd, &text);
    change.text = buf_slice(&text);
    if (r == 0)
        r = users_file_set_hash(u->path, &change, &stands);
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

/* USER is gone. */
static void password_take(struct master *m)
{
    const uint64_t edition = userdb_newest(m->users);

    access_refresh(m);
    if (userdb_newest(m->users) != edition)
        access_review(m);
}

/* Writes the hash that came with the verdict to the row of S, which is USER. If
 * anything else in the row has changed too, the session ends as after that
 * change alone. */
static enum password_fault password_replace(struct session *s,
                                            const struct user *user)
{
    struct master *m = s->master;
    const struct hash_change change = { .user = s->home.user,
                                        .old = user->hash,
                                        .hash = s->answer.verdict.hash };
    const uint64_t begin = clock_ms();
    struct user next = *user;
    enum password_fault fault = password_write(m, change);

    if (fault == PASSWORD_BUSY)
        return fault;
    if (fault == PASSWORD_OK || fault == PASSWORD_UNSYNCED) {
        next.hash = s->answer.verdict.hash;
        next.must_change = false;
        s->version = user_version(&next, m->secrets.versions);
        master_report(m, EVENT_SERVICE, PROCESS_MASTER,
                      "user %s: has changed the password (serial %016" PRIx64
                      ")",
                      s->home.user, s->serial);
        password_take(m);
    }
    /* So nobody keeps master busy. */
    m->users->write_rests_until = clock_ms() + 10 * (clock_ms() - begin);
    return fault;
}

void password_change(struct session *s, const struct user *user)
{
    enum password_fault fault = s->answer.verdict.fault;

    if (fault == PASSWORD_OK)
        fault = password_objection(s);
    if (fault == PASSWORD_OK && !s->answer.verdict.hash[0])
        fault = PASSWORD_BUSY; /* crypt(3) has failed */
    if (fault == PASSWORD_OK)
        fault = password_replace(s, user);
    password_answer(s, fault);
}
