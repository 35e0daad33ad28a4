/* SITE PSWD writes the hash of a new password to the users file. Auth makes the
 * hash, after it has verified the old password of the session's user. A fork of
 * master writes the hash into the user's line. Then master reads the file as
 * after any other change. Runs in master. */
#include "logins.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/domain/choices.h"
#include "sallyport/users/users_file.h"

bool password_is_changed(const struct session_record *s)
{
    return s->login > 0;
}

enum password_fault password_objection(const struct session_record *s)
{
    const struct master *m = s->master;
    const struct user *user = access_current(s, s->files.user, s->version);

    if (!user)
        return PASSWORD_BUSY; /* the session will be kicked */
    if (user->certificate_only)
        return PASSWORD_NONE;
    if (!m->settings.password_change && !user->must_change)
        return PASSWORD_FIXED;
    /* Refuse it in an older generation: the newest master compares the sessions
     * of older generations with the file, and would end this session after the
     * change. */
    return m->state == MASTER_RUNNING ? PASSWORD_OK : PASSWORD_RELOADED;
}

void password_answer(struct session_record *s, enum password_fault fault)
{
    if (s->state < SESSION_KICKED)
        login_answered(s,
                       SEND(&s->channel, password_is, s->request,
                            .fault = fault, .version = s->version),
                       SESSION_USER, PHASE_USER);
}

/* Reports WHY, unless it is the reason that was reported last. */
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

/* A bit of the writer's exit status, beside an errno. It means that the new
 * file has its name in spite of the error. */
#define WRITER_STANDS 0x80

/* While the changed file waits to be read, both versions are good: master's
 * rows can still have the old one. */
bool password_gives(const struct session_record *s, uint64_t version)
{
    const struct password_writer *w = &s->master->users->writer;

    if (w->serial != s->serial)
        return false;
    return (w->pid > 0 && version == w->after) ||
           (w->ticket > 0 && (version == w->before || version == w->after));
}

/* Delays the next change, since every auth worker loads the new table:
 * otherwise one user could keep the workers busy. */
void password_read(struct master *m)
{
    struct userdb *u = m->users;
    const uint64_t now = clock_ms();

    if (u->writer.ticket == 0 || !access_is_over(m, u->writer.ticket) ||
        userdb_is_announced(u)) /* the look failed; the next look reads it */
        return;
    u->writer.ticket = 0;
    u->write_rests_until = now + 10 * (now - u->writer.begun);
}

/* Call it when the new file has its name. The session continues with the
 * version that its user's row must have after the change. The roster gets this
 * version, too, since after a reload the newest master compares it. If somebody
 * has changed more of the row than the hash, the versions differ, and the
 * session ends. */
static void password_stands(struct master *m, const struct password_writer *w,
                            struct session_record *s)
{
    struct password_writer *next = &m->users->writer;

    if (s && s->version == w->before) {
        s->version = w->after;
        session_publish(s);
    }
    master_report(m, EVENT_SERVICE, PROCESS_MASTER,
                  "user %s has changed the password (serial %016" PRIx64 ")",
                  w->user, w->serial);
    if (m->state == MASTER_STOPPING)
        return;
    /* Ask for a look at the new text, which ends the user's other sessions. */
    next->begun = clock_ms();
    userdb_announce(m->users);
    next->ticket = UINT64_MAX;
    next->ticket = access_ask(m);
    password_read(m);
}

void password_on_written(void *owner, int status)
{
    struct master *m = owner;
    struct userdb *u = m->users;
    const struct password_writer w = u->writer;
    struct session_record *s = sessions_find(m->sessions, w.serial);
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR,
              error = code & ~WRITER_STANDS;
    enum password_fault fault = PASSWORD_OK;

    u->writer.pid = 0;
    if (code & WRITER_STANDS) /* also after an error, such as ESTALE of NFS */
        fault = PASSWORD_UNSYNCED;
    else if (error == ETIMEDOUT || error == ESTALE)
        fault = PASSWORD_BUSY;
    else if (!WIFEXITED(status))
        fault = PASSWORD_LATE; /* killed, perhaps by password_late() */
    else if (error != 0)
        fault = PASSWORD_UNWRITTEN;
    if (fault == PASSWORD_UNSYNCED || fault == PASSWORD_UNWRITTEN)
        password_complain(m, strerror(error));
    if (fault == PASSWORD_OK)
        u->unwritten.text[0] = '\0';
    if (fault == PASSWORD_OK || fault == PASSWORD_UNSYNCED)
        password_stands(m, &w, s);
    if (!s || s->state != SESSION_WRITING)
        return;
    if (fault == PASSWORD_LATE)
        password_complain(m, "its process was killed");
    password_answer(s, fault);
}

/* Kills the writer. SIGKILL has no effect while the writer waits for the disk.
 * When the disk answers, the writer ends before its next step. */
void password_late(struct session_record *s)
{
    password_complain(s->master, "the disk doesn't answer");
    kill(s->master->users->writer.pid, SIGKILL);
    password_answer(s, PASSWORD_LATE);
}

/* The input of the fork, which inherits neither the users' rows nor the records
 * of sessions. */
struct writer_order {
    int text; /* the users file, in memory */
    const char *path;
    char user[USER_NAME_MAX + 1];
    char old[USER_HASH_MAX + 1], hash[USER_HASH_MAX + 1];
};

/* Runs in the fork. Changes the file only if it still has the text that master
 * uses now: a newer text may have a mistake, or be half written. */
static int writer_main(void *arg)
{
    const struct writer_order *o = arg;
    struct hash_change change = { .user = o->user,
                                  .old = o->old,
                                  .hash = o->hash };
    struct buf text;
    bool stands = false;
    int r;

    buf_init(&text, USERS_FILE_MAX);
    r = fd_read_file(o->text, &text);
    change.text = buf_slice(&text);
    if (r == 0)
        r = users_file_set_hash(o->path, &change, &stands);
    return -r | (r < 0 && stands ? WRITER_STANDS : 0);
}

/* Starts a short-lived fork that writes the hash, since a disk can hang. Starts
 * no other writer until master has reaped the fork. */
static enum password_fault writer_begin(struct session_record *s,
                                        const struct user *user)
{
    struct master *m = s->master;
    struct userdb *u = m->users;
    struct user next = *user;
    struct writer_order o = { .text = u->fd, .path = u->path };
    int pid, r;

    if (u->writer.pid > 0 || u->writer.ticket > 0 ||
        clock_ms() < u->write_rests_until)
        return PASSWORD_BUSY;
    if (userdb_is_unended(u)) {
        password_complain(m, "its last line isn't ended, so it may be cut off");
        return PASSWORD_UNWRITTEN;
    }
    slice_copy(slice_from(user->name), o.user, sizeof(o.user));
    slice_copy(slice_from(user->hash), o.old, sizeof(o.old));
    slice_copy(slice_from(s->answer.verdict.hash), o.hash, sizeof(o.hash));
    pid = errand_fork(m, ERRAND_WRITES, writer_main, &o, &u->fd, 1);
    r = pid < 0 ? pid : errand_watch(m, pid, 0, password_on_written, m);
    explicit_bzero(&o, sizeof(o));
    if (r < 0) {
        password_complain(m, strerror(-r));
        return PASSWORD_UNWRITTEN;
    }
    next.hash = s->answer.verdict.hash;
    next.must_change = false;
    u->writer = (struct password_writer){ .pid = pid,
                                          .serial = s->serial,
                                          .before = s->version,
                                          .after = user_version(
                                              &next, m->secrets.versions) };
    slice_copy(slice_from(user->name), u->writer.user, sizeof(u->writer.user));
    s->state = SESSION_WRITING;
    session_set_timer(s, m->deadlines.write);
    return PASSWORD_OK;
}

void password_change(struct session_record *s, const struct user *user)
{
    enum password_fault fault = s->answer.verdict.fault;

    if (fault == PASSWORD_OK)
        fault = password_objection(s);
    if (fault == PASSWORD_OK && !s->answer.verdict.hash[0])
        fault = PASSWORD_BUSY; /* crypt(3) has failed */
    if (fault == PASSWORD_OK)
        fault = writer_begin(s, user);
    if (fault != PASSWORD_OK)
        password_answer(s, fault);
}
