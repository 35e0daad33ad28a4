/* The sessions of older generations, in the newest master. This master reads
 * the rosters of the older generations (roster.c), and has a record for each
 * session in a roster, as for its own sessions. So it counts all sessions,
 * shows them, and decides which sessions must end. It writes its orders into
 * the rosters. Runs in master. */
#include "sessions.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/ipc/generation.h"

#define REFUSED_MS 10000 /* ms between two log lines about a full table */

size_t older_count(const struct master *m)
{
    size_t n = 0;

    for (size_t i = 0; i < OLDER_MAX; i++)
        n += m->older[i].roster && !roster_has_ended(m->older[i].roster);
    return n;
}

struct left generation_left(const struct master *m)
{
    struct left left = { 0, services_unread(m, NULL) + older_count(m) };

    SESSIONS_EACH(m->sessions, s)
        left.sessions += s->state != SESSION_FREE && !s->abandoned;
    return left;
}

bool older_open(struct older *o, int fd)
{
    if (roster_map_all(fd, &o->roster) < 0)
        return false;
    o->row = calloc(o->roster->rows, sizeof(*o->row));
    if (!o->row)
        roster_unmap(&o->roster);
    return o->row != NULL;
}

/* Asks the supervisor to keep the roster of each living generation, even a
 * roster that this master can't map: the next master may have enough memory.
 * The supervisor drops the rosters of other generations. */
void older_inherit(struct master *m)
{
    const struct succession *s = &m->succession;
    size_t n = 0;

    for (size_t i = 0; i < s->count && n < OLDER_MAX; i++) {
        const char *name = s->inherited[i].name;
        struct slice number = slice_from(name);
        char ended = 0; /* the first byte: the supervisor's mark */

        if (!slice_starts(number, SLICE(GENERATION_SESSIONS)) ||
            pread(s->inherited[i].fd, &ended, 1, 0) != 1 || ended != 0)
            continue;
        number = slice_from(name + strlen(GENERATION_SESSIONS));
        slice_number(number, UINT64_MAX, &m->older[n].generation);
        succession_keep(&m->succession, name, s->inherited[i].fd);
        n += older_open(&m->older[n], s->inherited[i].fd);
    }
}

/* Returns the newest session of this generation in the account NUMBER, or NULL.
 */
static struct session_record *older_rival(const struct session_record *s,
                                          uint64_t number)
{
    struct session_table *t = s->master->sessions;
    struct session_record *last = NULL;

    for (size_t i = 0; i < t->touched; i++) {
        struct session_record *own = &t->all[i];

        if (!own->older && own->files.pid > 0 && session_is_served(own) &&
            session_is_in(own, number) && (!last || own->since > last->since))
            last = own;
    }
    return last;
}

/* Applies the limits to S, a session of an older generation that has logged in.
 * WAS_KNOWN: this master has seen S before the login. If S then exceeds a
 * limit, kicks S. Otherwise S logged in before the reload: S stays, and if a
 * limit is exceeded, kicks the newest session of this generation instead. */
static void older_judge(struct session_record *s, bool was_known)
{
    for (size_t i = 0; i < s->limits.accounts; i++) {
        const struct account_limits *a = &s->limits.account[i];
        struct session_record *last = s;

        while (last && session_is_served(s) && account_is_full(s, a)) {
            last = was_known ? s : older_rival(s, a->number);
            if (last)
                session_kick(last, ENDING_TOO_MANY);
        }
    }
    s->master->table_hooks->review(s);
}

/* Takes a record for the session. If no record is free, orders the session to
 * end after its transfer: without a record, this master couldn't end the
 * session when its user is locked. */
static struct session_record *older_take(struct older *o, size_t row,
                                         uint64_t serial)
{
    struct master *m = o->master;
    struct session_record *s = sessions_take(m->sessions, serial);

    if (!s) {
        roster_order(o->roster, row, serial, ORDER_KICK, WHY_FINISH);
        if (debt_take(&m->sessions->reports, REFUSED_MS, REFUSED_MS,
                      clock_ms()) == 0)
            master_report(m, EVENT_TROUBLE, PROCESS_MASTER,
                          "no room for session %016llx of generation %llu; it "
                          "ends after its transfer",
                          (unsigned long long)serial,
                          (unsigned long long)o->generation);
        return NULL;
    }
    s->master = m;
    s->state = SESSION_OLDER;
    s->older = o;
    s->row = row;
    if (drain_is_on(m))
        session_finish(s);
    return s;
}

static void older_has_ended(struct session_record *s, int status)
{
    s->older->row[s->row].session = NULL;
    s->status = status;
    session_forget_news(s);
    session_add_news(s, NEWS_GONE);
    session_end(s);
}

/* Returns the text in a field of SIZE bytes, which another process has
 * written. */
static struct slice older_text(const char *text, size_t size)
{
    return (struct slice){ text, strnlen(text, size) };
}

static void older_answer(struct session_record *s, const struct roster_facts *f)
{
    const struct roster_doing d = s->older->roster->row[s->row].doing;
    struct msg_doing msg = {
        .client = older_text(d.client, sizeof(d.client)),
        .tls = older_text(d.tls, sizeof(d.tls)),
        .verb = older_text(d.verb, sizeof(d.verb)),
        .path = older_text(d.path, sizeof(d.path)),
        .bytes = d.bytes,
        .of = d.of,
        .ms = d.ms,
    };

    if (f->answers == s->answers)
        return;
    s->answers = f->answers;
    if (s->asked != 0)
        ask_answered(s, &msg);
}

static void older_learn(struct session_record *s, const struct roster_facts *f,
                        bool was_known)
{
    const bool was_logged_in = s->login > 0;
    const struct user none = { .name = s->files.user }, *row;

    if (was_known && s->login == f->login && s->version == f->version &&
        s->unknown == f->unknown)
        return;
    memcpy(s->files.user, f->user, sizeof(s->files.user));
    s->peer = f->peer;
    s->unknown = f->unknown;
    if (!s->unknown && !s->counts)
        session_add_news(s, NEWS_THERE);
    s->local = f->local;
    s->since = f->since;
    s->login = f->login;
    s->version = f->version;
    if (s->login == 0)
        return;
    session_add_news(s, NEWS_LOGIN);
    row = master_user(s->master, s->files.user);
    account_take_limits(s, row ? row : &none);
    if (was_logged_in)
        s->master->table_hooks->review(s);
    else
        older_judge(s, was_known);
}

/* Skips a row that its master is writing. The end of the write counts as a
 * change, so the next look reads the row. Takes no record for a serial that
 * another session has. */
static void older_look_at_row(struct older *o, size_t row)
{
    struct older_row *seen = &o->row[row];
    bool was_known;
    struct roster_facts f;

    if (!roster_read(o->roster, row, &seen->turn, &f))
        return;
    if (seen->session && (f.gone || seen->session->serial != f.serial))
        older_has_ended(seen->session,
                        seen->session->serial == f.serial ? f.status : 0);
    if (f.gone || f.serial == 0)
        return;
    was_known = seen->session != NULL;
    if (!was_known && !sessions_find(o->master->sessions, f.serial))
        seen->session = older_take(o, row, f.serial);
    if (!seen->session)
        return;
    older_answer(seen->session, &f);
    older_learn(seen->session, &f, was_known);
}

static void older_look_at_rows(struct older *o)
{
    for (size_t i = 0; i < roster_used(o->roster); i++)
        older_look_at_row(o, i);
}

static void older_close(struct older *o)
{
    SESSIONS_EACH(o->master->sessions, s)
        if (s->older == o)
            s->older = NULL;
    free(o->row);
    o->row = NULL;
    roster_unmap(&o->roster);
}

static void older_look(struct older *o)
{
    const uint64_t changes = roster_changes(o->roster);

    if (!roster_has_ended(o->roster)) {
        if (changes != o->seen)
            older_look_at_rows(o);
        o->seen = changes;
        return;
    }
    /* The last rows say how the generation's sessions have ended. The remaining
     * sessions have died with their master. */
    older_look_at_rows(o);
    for (size_t i = 0; i < roster_used(o->roster); i++)
        if (o->row[i].session)
            older_has_ended(o->row[i].session, 0);
    older_close(o);
}

void older_look_all(struct master *m)
{
    if (m->state != MASTER_RUNNING || !m->succession.leads)
        return;
    for (size_t i = 0; i < OLDER_MAX; i++)
        if (m->older[i].roster)
            older_look(&m->older[i]);
    sessions_send_news(m);
}

/* Also follows a drain, since an older master can have got the last order
 * "drain", also an announced one. */
static void older_on_timer(void *owner)
{
    struct master *m = owner;

    if (drain_begins(m) > 0)
        drain_follow(m);
    older_look_all(m);
    for (size_t i = 0; i < OLDER_MAX; i++)
        if (m->older[i].roster)
            loop_timer_set(&m->loop, &m->orders, ROSTER_LOOK_MS);
}

void older_lead(struct master *m)
{
    m->orders = (struct loop_timer){ .on_timer = older_on_timer, .owner = m };
    older_on_timer(m);
}

/* Drops the news of these sessions: gate needs none, since this master decides
 * no more about them. */
void older_release(struct master *m)
{
    loop_timer_clear(&m->loop, &m->orders);
    for (size_t i = 0; i < OLDER_MAX; i++) {
        struct older *o = &m->older[i];

        if (!o->roster)
            continue;
        SESSIONS_EACH(m->sessions, s)
            if (s->older == o) {
                session_forget_news(s);
                session_end(s);
                session_mark(s); /* also a session that had ended, and whose
                                  * record waited for its news */
            }
        older_close(o);
    }
}
