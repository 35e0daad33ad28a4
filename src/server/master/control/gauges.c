/* The metrics: the gauges, which only master knows, and the counters. A fork
 * looks at the disks of homes and shares, since a dead disk would block master;
 * all callers share it. */
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <time.h>

#include "sallyport/base/fd.h"

int gauges_init(struct master *m)
{
    return m->memory[MEMORY_METRICS] < 0
               ? 0
               : metrics_map(&m->metrics, m->memory[MEMORY_METRICS],
                             PROT_READ | PROT_WRITE);
}

void gauges_release(struct master *m)
{
    if (m->metrics)
        munmap(m->metrics, sizeof(*m->metrics));
    m->metrics = NULL;
}

struct metrics_totals gauges_total(const struct master *m)
{
    struct metrics_totals t = { 0 };

    if (m->metrics)
        metrics_total(m->metrics, &t);
    return t;
}

/* The disks. */

/* A directory that is missing has no users yet: its gauges are 0. Returns false
 * if a directory that is there can't be looked at. */
static bool disk_measure(struct metrics *to, const char *path, enum gauge size,
                         enum gauge left)
{
    FD_CLEANUP int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct statvfs s = { 0 };
    bool known = fd < 0 ? errno == ENOENT : fstatvfs(fd, &s) == 0;

    metrics_gauge(to, size, (uint64_t)s.f_blocks * s.f_frsize);
    metrics_gauge(to, left, (uint64_t)s.f_bavail * s.f_frsize);
    return known;
}

/* Of all generations one looks at a time. The memory is opened again for a lock
 * that ends with this process. */
static int disks_lock(int memory)
{
    char path[32];
    int own;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
    own = open(path, O_RDONLY | O_CLOEXEC);
    if (own >= 0 && flock(own, LOCK_EX) < 0)
        fd_close(&own);
    return own;
}

/* Runs in the fork. */
static int disks_main(void *arg)
{
    const struct master *m = arg;
    FD_CLEANUP int lock = disks_lock(m->memory[MEMORY_METRICS]);
    struct metrics *to; /* master's own mapping isn't in a fork */

    if (lock < 0 ||
        metrics_map(&to, m->memory[MEMORY_METRICS], PROT_READ | PROT_WRITE) < 0)
        return 1;
    bool known =
        disk_measure(to, m->settings.homes, GAUGE_HOMES_SIZE, GAUGE_HOMES_FREE);
    known &= disk_measure(to, m->settings.shares, GAUGE_SHARES_SIZE,
                          GAUGE_SHARES_FREE);
    if (known)
        metrics_gauge(to, GAUGE_DISKS_AT, (uint64_t)time(NULL));
    return 0;
}

/* The gauges of this generation. */
static void gauges_write(struct master *m)
{
    const size_t in = sessions_logged_in(m->sessions);
    uint64_t verified = 0, waiting = 0, expires = 0;

    CHILDREN_EACH(m, c)
        verified += c->verifications;
    SESSIONS_EACH(m->sessions, s)
        waiting += s->state == SESSION_WAITING;
    for (size_t i = 0; i < m->certificates->count; i++) {
        const uint64_t one =
            (uint64_t)m->certificates->pair[i].certificate.expires;

        if (one > 0 && (expires == 0 || one < expires))
            expires = one;
    }
    const uint64_t values[GAUGES_OF_MASTER] = {
        [GAUGE_LOGGED_IN] = in,
        [GAUGE_GREETED] = m->sessions->living - in,
        [GAUGE_MAX_SESSIONS] = m->settings.max_sessions,
        [GAUGE_USERS] = m->users->users.count,
        [GAUGE_REFUSED] = m->users->refused.text[0] != '\0',
        [GAUGE_VERIFIED] = verified,
        [GAUGE_WAITING] = waiting,
        [GAUGE_BANS] = bans_count(m->banning->table, time(NULL)),
        [GAUGE_CERTIFICATE] = expires,
        [GAUGE_SINCE] = (uint64_t)m->since,
    };
    for (int i = 0; i < GAUGES_OF_MASTER; i++)
        metrics_gauge(m->metrics, (enum gauge)i, values[i]);
}

/* The disks were looked at, or one of them hangs: then its gauges stay. */
static void gauges_on_disks(void *owner, int status)
{
    struct control *c = owner;
    struct master *m = c->watch.owner;
    const struct slice all = { (const char *)m->metrics, sizeof(*m->metrics) };

    (void)status;
    c->looks_at_disks = false;
    gauges_write(m);
    for (size_t i = 0; i < MASTER_CALLERS; i++) {
        struct peer *p = &c->peer[i];

        if (!p->used || !p->waits_for_disks)
            continue;
        p->waits_for_disks = false;
        peer_answered(
            p, SEND(&p->channel, metrics_are, p->request, .metrics = all));
    }
}

/* If no process can look at the disks now, since an earlier one hangs or a fork
 * fails, the answer comes at once. */
void gauges_ask(struct peer *p)
{
    struct master *m = p->master;
    struct control *c = m->control;
    pid_t pid = -1;

    p->waits_for_disks = true;
    if (!c->looks_at_disks && errands_hanging(m, c) == 0) {
        pid = errand_fork(m, ERRAND_LOOKS, disks_main, m,
                          &m->memory[MEMORY_METRICS], 1);
        c->looks_at_disks = pid > 0 && errand_watch(m, pid, m->deadlines.look,
                                                    gauges_on_disks, c) == 0;
    }
    if (!c->looks_at_disks)
        gauges_on_disks(c, 0);
}
