/* The table of a generation's sessions, in memory that the supervisor keeps:
 * the masters of later generations map it. Each row has two writers, and each
 * of them its own part. The row's master writes what the session is; the newest
 * master writes what shall become of it. Neither waits for the other. Runs in
 * master. */
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
    void *p = NULL;
    int r = shared_map(fd, roster_size(rows), PROT_READ | PROT_WRITE, &p);

    if (r < 0)
        return r;
    struct roster *made = p;
    if (made->row_size == 0) {
        made->row_size = sizeof(struct roster_row);
        made->rows = rows;
    }
    if (made->row_size != sizeof(struct roster_row) || made->rows != rows) {
        munmap(p, roster_size(rows));
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
        munmap(*r, roster_size((*r)->rows));
    *r = NULL;
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

/* A master that dies while it writes leaves an odd number for ever: then the
 * row is never read again, and its generation ends anyway. */
bool roster_read(const struct roster *r, size_t row, struct roster_facts *ret)
{
    const struct roster_row *from = &r->row[row];
    uint64_t turn = __atomic_load_n(&from->turn, __ATOMIC_ACQUIRE);

    if (turn % 2 != 0)
        return false;
    *ret = from->facts;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    ret->user[sizeof(ret->user) - 1] = '\0';
    return __atomic_load_n(&from->turn, __ATOMIC_RELAXED) == turn;
}

uint64_t roster_turn(const struct roster *r, size_t row)
{
    return __atomic_load_n(&r->row[row].turn, __ATOMIC_ACQUIRE);
}

void roster_order(struct roster *r, size_t row, uint64_t serial, unsigned what,
                  enum ending why)
{
    struct roster_row *to = &r->row[row];

    if (to->ordered != serial) /* orders for a session that has gone */
        __atomic_store_n(&to->orders, 0, __ATOMIC_RELAXED);
    to->ordered = serial;
    if (what == ORDER_KICK)
        __atomic_store_n(&to->why, why, __ATOMIC_RELAXED);
    __atomic_fetch_or(&to->orders, what, __ATOMIC_RELEASE);
    __atomic_fetch_add(&r->orders, 1, __ATOMIC_RELEASE);
}

unsigned roster_take_orders(struct roster *r, size_t row, uint64_t serial)
{
    struct roster_row *from = &r->row[row];
    unsigned orders;

    if (__atomic_load_n(&from->orders, __ATOMIC_RELAXED) == 0)
        return 0;
    orders = __atomic_exchange_n(&from->orders, 0, __ATOMIC_ACQUIRE);
    return from->ordered == serial ? orders : 0;
}
