/* Ends sessions that the users file no longer permits. If a user's row is
 * removed, locked or changed, or if the user expires or the user's hours are
 * over, master kicks the user's sessions. If the file can't be read, or has a
 * mistake, the last good version counts. Runs in master. */
#include "logins.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sallyport/domain/tls.h"

/* While HANGING_LOOKS forks wait for a disk, perhaps the homes' disk, a look
 * leaves out the homes; if one more waits, no look begins. After an announced
 * change, HANGING_ANNOUNCED forks more than HANGING_LOOKS can wait. */
#define HANGING_LOOKS     3
#define HANGING_ANNOUNCED 4
_Static_assert(HANGING_LOOKS + HANGING_ANNOUNCED + 1 < ERRANDS_FOR_USERS,
               "each look has a place");

/* Master gives the hint at its start and for each new users file. The hint is
 * only one line, since the administrator may want such users. */
bool access_hint(const struct settings *s, const struct users *u,
                 struct complaint *into)
{
    const struct user *first = NULL;
    size_t n = 0;

    for (size_t i = 0; s->client_certificates == CLIENTS_OFF && i < u->count;
         i++) {
        const struct user *row = &u->row[i];

        if (row->locked || row->certificate.len == 0)
            continue;
        first = first ? first : row;
        n++;
    }
    if (n > 0)
        complain(into,
                 "the server asks for no certificate, and %zu user%s with "
                 "certificate= can't log in (the first is %s); write: "
                 "client_certificates = request",
                 n, n == 1 ? "" : "s", first->name);
    return n > 0;
}

/* Returns why S must end; ENDING_COUNT: S can stay. Masters of earlier builds
 * don't know ENDING_EXPIRED, but they never get it: the rows of their sessions
 * had no expires=, so a row with expires= counts as changed. */
static enum ending ending_of(const struct session_record *s,
                             const struct user *row)
{
    uint64_t version = row ? user_version(row, s->master->secrets.versions) : 0;

    if (!row)
        return ENDING_REMOVED;
    if (row->locked)
        return ENDING_LOCKED;
    if (version != s->version && !password_gives(s, version))
        return ENDING_CHANGED;
    if (user_expired(row, time(NULL)))
        return ENDING_EXPIRED;
    switch (user_admission(row, &s->peer, time(NULL))) {
    case ADMISSION_ELSEWHERE:
        return ENDING_CHANGED;
    case ADMISSION_OUT_OF_HOURS:
        return ENDING_HOURS;
    default:
        return ENDING_COUNT;
    }
}

static bool session_has_user(const struct session_record *s)
{
    return s->state == SESSION_OPENING ||
           (session_is_served(s) && s->login > 0);
}

static bool access_review_row(struct session_record *s, const struct user *row)
{
    enum ending why = ending_of(s, row);

    if (why == ENDING_COUNT) {
        account_take_limits(s, row);
        return false;
    }
    session_expel(s, why);
    return true;
}

void access_review_one(struct session_record *s)
{
    struct master *m = s->master;

    if (m->users->edition == 0 || !session_has_user(s))
        return;
    if (userdb_is_announced(m->users))
        m->access->reviewed = 0; /* the next review compares all sessions */
    else
        access_review_row(s, master_user(m, s->files.user));
}

/* Compares all sessions with the newest rows, and ends each session that the
 * file no longer permits. Returns the number of ended sessions. */
static size_t access_review(struct master *m)
{
    struct access *a = m->access;
    const uint64_t newest = m->users->edition;
    const struct users *u = &m->users->users;
    const int64_t now = time(NULL);
    size_t ended = 0;

    if (newest == 0 || userdb_is_announced(m->users))
        return 0; /* a newer edition is due */
    if (a->reviewed == newest && now >= a->reviewed_at && !a->hours &&
        now < a->next_expiry) {
        a->reviewed_at = now;
        return 0;
    }
    /* If the clock was set back, an expired user may be permitted again. */
    if (a->reviewed != newest || now < a->reviewed_at ||
        now >= a->next_expiry) {
        /* Notes when a review can end a session although no row has changed:
         * always with hours=, otherwise when the next user expires. */
        a->hours = false;
        a->next_expiry = INT64_MAX;
        for (size_t i = 0; i < u->teams; i++)
            a->hours |= u->team[i].limits.hours.len > 0;
        for (size_t i = 0; i < u->count; i++) {
            const struct user *row = &u->row[i];

            a->hours |= row->limits.hours.len > 0;
            if (row->expires > now && row->expires < a->next_expiry)
                a->next_expiry = row->expires;
        }
    }
    SESSIONS_EACH(m->sessions, s)
        if (session_has_user(s))
            ended +=
                access_review_row(s, users_find(u, slice_from(s->files.user)));
        else if (s->state == SESSION_ENDED && s->pid > 0 && s->files.pid > 0 &&
                 !s->abandoned &&
                 ending_of(s, users_find(u, slice_from(s->files.user))) !=
                     ENDING_COUNT)
            /* The session has closed its channel, but may still live and use
             * its files. If master has reaped the session, leave its files time
             * to sync. */
            session_abandon(s);
    sessions_send_news(m);
    a->reviewed = newest;
    a->reviewed_at = now;
    return ended;
}

bool access_admits(const struct session_record *s, const struct user *row)
{
    const time_t now = time(NULL);

    return row && !row->locked && !user_expired(row, now) &&
           user_admission(row, &s->peer, now) == ADMISSION_YES;
}

bool access_is_outdated(const struct master *m)
{
    return m->state == MASTER_RETIRING && userdb_is_announced(m->users);
}

const struct user *access_current(const struct session_record *s,
                                  const char *name, uint64_t version)
{
    const struct master *m = s->master;
    const struct user *row = master_user(m, name);

    return !access_is_outdated(m) && access_admits(s, row) &&
                   user_version(row, m->secrets.versions) == version
               ? row
               : NULL;
}

static void access_report(struct master *m, int r, const char *why)
{
    const bool away = m->users->away.text[0],
               was_away = board_get(&m->row->away);
    struct complaint hint = { "" };

    board_set(&m->row->away, away);
    if (away && !was_away)
        master_report(m, EVENT_TROUBLE, PROCESS_MASTER,
                      "new clients get 421: %s", m->users->away.text);
    if (!away && was_away)
        master_report(m, EVENT_SERVICE, PROCESS_MASTER,
                      "the users file and the homes can be reached again");
    if (r == -EINVAL)
        master_report(m, EVENT_TROUBLE, PROCESS_MASTER,
                      "the old users stay: %s", why);
    if (r != USERDB_NEW)
        return;
    worker_update_all(m);
    master_report(m, EVENT_SERVICE, PROCESS_MASTER,
                  "users file read: edition %llu",
                  (unsigned long long)m->users->edition);
    succession_keep(&m->succession, "users", m->users->fd);
    /* The start has already given the hint for the first file. */
    if (access_hint(&m->settings, &m->users->users, &hint))
        master_report(m, EVENT_TROUBLE, PROCESS_MASTER, "hint: %s", hint.text);
}

static void access_begin(struct master *m, bool homes);

/* Call it when the look is over: logins, SITE PSWD and requests of sallyportctl
 * that wait for it go on. */
static void access_end(struct master *m)
{
    struct access *a = m->access;

    loop_timer_clear(&m->loop, &a->fresh);
    a->late = false;
    a->over = a->asked;
    password_read(m);
    login_looked(m);
    m->hooks.users_read(m);
    if (!a->again || a->over < a->asked)
        return;
    a->again = false;
    a->asked++;
    access_begin(m, false);
}

static void access_take(struct master *m, int r, const char *why)
{
    access_report(m, r, why);
    m->access->ended = access_review(m);
    access_end(m);
}

static void access_on_step(void *owner, int status)
{
    struct master *m = owner;
    struct complaint c = { "" };
    pid_t next;
    int r;

    do {
        r = userdb_go_on(m->users, status, &next, &c);
        if (r == USERDB_WAITS)
            status = errand_watch(m, next, userdb_deadline(m->users),
                                  access_on_step, m);
    } while (r == USERDB_WAITS && status < 0);
    if (r != USERDB_WAITS)
        access_take(m, r, c.text);
}

/* Call it when logins have waited long enough for the look: they go on with the
 * users that master has. */
static void access_on_late(void *owner)
{
    struct master *m = owner;

    m->access->late = true;
    login_looked(m);
}

/* Begins a look, unless too many forks wait. After an announcement more forks
 * can wait: the program that announces a change has just written to the disk,
 * so the disk answers. The other forks may wait for a disk that was mounted
 * there before. */
static void access_begin(struct master *m, bool homes)
{
    struct access *a = m->access;
    const size_t hanging = errands_hanging(m, m);
    struct complaint c = { "" };
    pid_t pid;

    if (userdb_is_announced(m->users)
            ? hanging >= HANGING_LOOKS + HANGING_ANNOUNCED
            : hanging > HANGING_LOOKS || userdb_rests(m->users)) {
        a->ended = 0;
        access_end(m);
        return;
    }
    m->users->without_homes = hanging >= HANGING_LOOKS;
    pid = userdb_begin(m->users, homes, &c);
    if (pid <= 0) {
        access_take(m, (int)pid, c.text);
        return;
    }
    a->fresh = (struct loop_timer){ .on_timer = access_on_late, .owner = m };
    loop_timer_set(&m->loop, &a->fresh, m->deadlines.fresh);
    if (errand_watch(m, pid, userdb_deadline(m->users), access_on_step, m) < 0)
        access_on_step(m, -EBUSY);
}

uint64_t access_ask(struct master *m)
{
    struct access *a = m->access;
    const uint64_t next = a->asked + 1;

    if (a->over < a->asked) {
        a->again = true;
        /* Cancel a look that began before the announcement, since it may hang
         * at the homes. */
        if (userdb_is_announced(m->users) && !m->users->reading.announced &&
            m->users->reading.answer < 0)
            errand_cancel(m, access_on_step);
        return next;
    }
    a->asked++;
    access_begin(m, false);
    return a->asked;
}

bool access_is_over(const struct master *m, uint64_t ticket)
{
    return m->access->over >= ticket;
}

static void access_on_timer(void *owner)
{
    struct master *m = owner;

    if (m->access->over == m->access->asked) {
        m->access->asked++;
        access_begin(m, true);
    }
    access_review(m);
    loop_timer_set(&m->loop, &m->access->timer, m->deadlines.users);
}

void access_start(struct master *m)
{
    m->access->timer =
        (struct loop_timer){ .on_timer = access_on_timer, .owner = m };
    loop_timer_set(&m->loop, &m->access->timer, m->deadlines.users);
}
