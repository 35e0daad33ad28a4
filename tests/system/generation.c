/* See generation.h. */
#include "generation.h"

#include "sallyport/base/clock.h"
#include "support/processes.h"
#include "support/test.h"
#include "support/wait.h"

#define MASTER "sallyport: master"
#define GATE   "sallyport: gate"
/* Memory may grow so far: a process that has served for a while has more than a
 * new one. */
#define ROOM_KB 1024

static struct processes list;

static bool is_titled(const struct process_row *p, const char *title)
{
    return strncmp(p->title, title, strlen(title)) == 0;
}

/* Finds the newest master in the present list of processes. */
static pid_t newest(pid_t supervisor)
{
    const struct process_row *best = NULL;

    for (size_t i = 0; i < list.count; i++) {
        const struct process_row *p = &list.row[i];

        if (p->parent == supervisor && is_titled(p, MASTER) &&
            (!best || p->start > best->start ||
             (p->start == best->start && p->pid > best->pid)))
            best = p;
    }
    return best ? best->pid : 0;
}

pid_t generation_newest(const struct server *s)
{
    pid_t pid;

    processes_of(s->pid, &list);
    pid = newest(s->pid);
    cr_assert(pid > 0, "no master");
    return pid;
}

struct limit {
    const struct server *server;
    size_t count;
};

static bool are_few(void *argument)
{
    const struct limit *l = argument;

    processes_of(l->server->pid, &list);
    return processes_count(&list, MASTER) <= l->count;
}

void generation_wait_at_most(const struct server *s, size_t count)
{
    struct limit l = { s, count };

    cr_assert(wait_until(are_few, &l, WAIT_MS), "%zu generations, not %zu",
              processes_count(&list, MASTER), count);
}

static void count(pid_t pid, struct census_row *row)
{
    row->fds += process_descriptors(pid);
    row->kb += process_number(pid, "VmRSS");
}

const char *const census_titles[CENSUS_ROWS] = {
    "sallyportd: supervisor", MASTER, GATE, "sallyport: log", "sallyport: keys",
    "sallyport: auth",
};

/* Takes a census of the present list of processes. */
static void take(struct census *ret)
{
    *ret = (struct census){ .processes = list.count };
    for (size_t i = 0; i < list.count; i++)
        for (size_t k = 0; k < CENSUS_ROWS; k++)
            if (is_titled(&list.row[i], census_titles[k]))
                count(list.row[i].pid, &ret->row[k]);
}

/* If there is no census to compare with, the numbers must stay the same for so
 * long: a session can still be ending, or a generation sending its last
 * messages. The time is longer than master keeps the channels of processes that
 * have ended. */
#define STEADY_MS 1500
struct quiet {
    const struct server *server;
    const struct census *before; /* NULL: accept any numbers */
    struct census now;
    uint64_t since; /* clock_ms() of the last change */
};

static bool is_like(const struct census *a, const struct census *b)
{
    bool same = a->processes == b->processes;

    for (size_t k = 0; k < CENSUS_ROWS; k++)
        same = same && a->row[k].fds == b->row[k].fds;
    return same;
}

/* Counts the processes of the kinds that stay. A process that has just forked
 * or ended has another title, and isn't counted. */
static size_t lasting(void)
{
    size_t sum = 0;

    for (size_t k = 0; k < CENSUS_ROWS; k++)
        sum += processes_count(&list, census_titles[k]);
    return sum;
}

static bool is_quiet(void *argument)
{
    struct quiet *q = argument;
    struct census last = q->now;

    processes_of(q->server->pid, &list);
    if (processes_count(&list, MASTER) != 1 ||
        processes_count(&list, GATE) != 1 || lasting() != list.count)
        return false;
    take(&q->now);
    if (q->before)
        return is_like(q->before, &q->now);
    if (!is_like(&last, &q->now))
        q->since = clock_ms();
    return clock_ms() - q->since >= STEADY_MS;
}

void census_take(const struct server *s, struct census *ret)
{
    struct quiet q = { .server = s };

    cr_assert(wait_until(is_quiet, &q, WAIT_MS), "sessions don't end");
    *ret = q.now;
}

static void expect_row(const char *what, const struct census_row *before,
                       const struct census_row *now)
{
    cr_expect_eq(now->fds, before->fds, "%s: %zu descriptors, not %zu", what,
                 now->fds, before->fds);
    cr_expect(server_is_sanitized() || now->kb <= before->kb + ROOM_KB,
              "%s: %llu kB, not %llu", what, (unsigned long long)now->kb,
              (unsigned long long)before->kb);
}

void census_expect(const struct server *s, const struct census *before,
                   struct census *now)
{
    struct quiet q = { .server = s, .before = before };

    wait_until(is_quiet, &q, WAIT_MS);
    cr_expect_eq(q.now.processes, before->processes, "%zu processes, not %zu",
                 q.now.processes, before->processes);
    for (size_t k = 0; k < CENSUS_ROWS; k++)
        expect_row(census_titles[k], &before->row[k], &q.now.row[k]);
    *now = q.now;
}
