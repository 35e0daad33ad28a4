/* The roster: the table of one generation's sessions. The supervisor keeps its
 * memory, and the masters of later generations map it. Each row has two parts.
 * The generation's own master writes the facts of the session. The newest
 * master (older.c) writes orders, which the generation's own master obeys. The
 * two masters exchange no message, and neither waits for the other. Runs in
 * master.
 */
#include "sessions.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "sallyport/base/shared.h"

size_t roster_size(size_t rows)
{
    return sizeof(struct roster) + rows * sizeof(struct roster_row);
}

int roster_map(int fd, size_t rows, struct roster **ret)
{
    struct roster *made =
        shared_map(fd, roster_size(rows), PROT_READ | PROT_WRITE);

    if (!made)
        return -errno;
    if (made->row_size == 0) {
        made->row_size = sizeof(struct roster_row);
        made->rows = rows;
    }
    if (made->row_size != sizeof(struct roster_row) || made->rows != rows) {
        shared_unmap(made, roster_size(rows));
        return -EINVAL; /* of another build */
    }
    *ret = made;
    return 0;
}

int roster_map_all(int fd, struct roster **ret)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_size < (off_t)sizeof(struct roster))
        return -EINVAL;
    return roster_map(fd,
                      ((size_t)st.st_size - sizeof(struct roster)) /
                          sizeof(struct roster_row),
                      ret);
}

void roster_unmap(struct roster **r)
{
    if (*r)
        *r = shared_unmap(*r, roster_size((*r)->rows));
}

bool roster_has_ended(const struct roster *r)
{
    return __atomic_load_n(&r->ended, __ATOMIC_RELAXED) != 0;
}

void roster_write(struct roster *r, size_t row, const struct roster_facts *f)
{
    struct roster_row *to = &r->row[row];

    __atomic_store_n(&to->turn, to->turn + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    to->facts = *f;
    __atomic_store_n(&to->turn, to->turn + 1, __ATOMIC_RELEASE);
    if (row >= r->used)
        __atomic_store_n(&r->used, row + 1, __ATOMIC_RELEASE);
    __atomic_fetch_add(&r->changes, 1, __ATOMIC_RELEASE);
}

size_t roster_used(const struct roster *r)
{
    uint64_t used = __atomic_load_n(&r->used, __ATOMIC_ACQUIRE);

    return used < r->rows ? (size_t)used : (size_t)r->rows;
}

uint64_t roster_changes(const struct roster *r)
{
    return __atomic_load_n(&r->changes, __ATOMIC_ACQUIRE);
}

/* If a master dies while it writes a row, the number `turn` stays odd, and no
 * master reads the row again. This does no harm, since the whole generation
 * ends with its master. */
bool roster_read(const struct roster *r, size_t row, uint64_t *turn,
                 struct roster_facts *ret)
{
    const struct roster_row *from = &r->row[row];
    const uint64_t now = __atomic_load_n(&from->turn, __ATOMIC_ACQUIRE);

    if (now % 2 != 0 || now == *turn)
        return false;
    *ret = from->facts;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    ret->user[sizeof(ret->user) - 1] = '\0';
    if (__atomic_load_n(&from->turn, __ATOMIC_RELAXED) != now)
        return false;
    *turn = now;
    return true;
}

void roster_order(struct roster *r, size_t row, uint64_t serial, unsigned what,
                  enum ending why)
{
    struct roster_row *to = &r->row[row];

    if (to->ordered != serial) /* drop orders for an earlier session */
        __atomic_store_n(&to->orders, 0, __ATOMIC_RELAXED);
    to->ordered = serial;
    if (what == ORDER_KICK)
        __atomic_store_n(&to->why, why, __ATOMIC_RELAXED);
    __atomic_fetch_or(&to->orders, what, __ATOMIC_RELEASE);
    __atomic_fetch_add(&r->orders, 1, __ATOMIC_RELEASE);
}

/* The roster of this master. */

static size_t roster_row_of(const struct session_record *s)
{
    return (size_t)(s - s->master->sessions->all);
}

void session_publish(struct session_record *s)
{
    struct roster_facts f = {
        .serial = s->serial,
        .peer = s->peer,
        .local = s->local,
        .unknown = s->proxied && s->channel.phase == PHASE_START,
        .since = s->since,
        .login = s->login,
        .version = s->version,
        .answers = s->answers,
    };

    if (s->older || s->state == SESSION_FREE || !s->master->roster)
        return;
    if (s->login > 0)
        memcpy(f.user, s->files.user, sizeof(f.user));
    roster_write(s->master->roster, roster_row_of(s), &f);
}

/* Does nothing if the row doesn't have the serial of S: then S is a session of
 * an older generation, even if s->older is NULL now. */
void session_unpublish(struct session_record *s)
{
    struct roster *r = s->master->roster;
    const struct roster_facts f = { .serial = s->serial,
                                    .gone = true,
                                    .status = s->status };

    if (r && !s->older && r->row[roster_row_of(s)].facts.serial == s->serial)
        roster_write(r, roster_row_of(s), &f);
}

void session_publish_doing(struct session_record *s,
                           const struct msg_doing *msg)
{
    struct roster *r = s->master->roster;
    struct roster_doing *d;

    if (!r || s->older)
        return;
    d = &r->row[roster_row_of(s)].doing;
    *d = (struct roster_doing){ 0 };
    slice_copy(msg->client, d->client, sizeof(d->client));
    slice_copy(msg->tls, d->tls, sizeof(d->tls));
    slice_copy(msg->verb, d->verb, sizeof(d->verb));
    slice_copy(msg->path, d->path, sizeof(d->path));
    d->bytes = msg->bytes;
    d->of = msg->of;
    d->ms = msg->ms;
    s->answers++;
    session_publish(s);
}

/* A master that retires obeys the orders of the newest master. */

/* The newest gate needs room for a client: kills S, as gate_on_kill() does. The
 * queue of this generation's gate would take each such place, so closes it. */
static void orders_make_room(struct session_record *s)
{
    struct child *gate = children_ready(s->master, PROCESS_GATE);

    if (gate)
        SEND(&gate->channel, stop_accepting, 0, .serve = false);
    session_kill_process(s, ENDING_CROWDED);
    session_end(s);
}

static void orders_obey(struct session_record *s, unsigned orders)
{
    const struct roster_row *row = &s->master->roster->row[roster_row_of(s)];
    const unsigned why = __atomic_load_n(&row->why, __ATOMIC_RELAXED);

    if ((orders & ORDER_KICK) && why == WHY_FINISH)
        session_finish(s);
    else if ((orders & ORDER_KICK) && why == ENDING_CROWDED)
        orders_make_room(s);
    else if ((orders & ORDER_KICK) && why < ENDING_COUNT)
        session_expel(s, (enum ending)why);
    if (orders & ORDER_ASK)
        s->asked_by_newest = ask_begin(s);
}

/* Takes and obeys the orders of each row. An order for an earlier session of
 * the row has no effect. */
static void orders_on_timer(void *owner)
{
    struct master *m = owner;
    const uint64_t given =
        __atomic_load_n(&m->roster->orders, __ATOMIC_ACQUIRE);

    if (given != m->orders_taken) {
        m->orders_taken = given;
        for (size_t i = 0; i < roster_used(m->roster); i++) {
            struct session_record *s = &m->sessions->all[i];
            struct roster_row *row = &m->roster->row[i];
            unsigned orders;

            if (__atomic_load_n(&row->orders, __ATOMIC_RELAXED) == 0)
                continue;
            orders = __atomic_exchange_n(&row->orders, 0, __ATOMIC_ACQUIRE);
            if (row->ordered == s->serial && s->state != SESSION_FREE &&
                !s->older)
                orders_obey(s, orders);
        }
    }
    loop_timer_set(&m->loop, &m->orders, ROSTER_LOOK_MS);
}

void orders_follow(struct master *m)
{
    m->orders = (struct loop_timer){ .on_timer = orders_on_timer, .owner = m };
    if (m->roster)
        loop_timer_set(&m->loop, &m->orders, 0);
}

void older_order(struct session_record *s, enum session_order order)
{
    roster_order(s->older->roster, s->row, s->serial, order, s->why);
}
