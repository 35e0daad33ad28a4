/* The table of the sessions that gate serves. Runs in gate. */
#include "children.h"

#include <errno.h>
#include <sys/wait.h>

#include "gate.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/random.h"
#include "table.h"

int children_init(struct gate *g)
{
    struct children *t = &g->children;

    t->size = g->settings.max_sessions;
    t->buckets = table_buckets(t->size);
    STAILQ_INIT(&t->unused);
    STAILQ_INIT(&t->ended);
    TAILQ_INIT(&t->waiting);
    t->slot = table_new(t->size, sizeof(*t->slot));
    t->serial = table_new(t->buckets, sizeof(*t->serial));
    t->pid = table_new(t->buckets, sizeof(*t->pid));
    if (!t->slot || !t->serial || !t->pid) {
        children_release(g);
        return -ENOMEM;
    }
    for (size_t i = 0; i < t->size; i++)
        STAILQ_INSERT_TAIL(&t->unused, &t->slot[i], next);
    return 0;
}

void children_release(struct gate *g)
{
    struct children *t = &g->children;

    for (size_t i = 0; t->slot && i < t->size; i++)
        if (t->slot[i].gate)
            channel_close(&t->slot[i].channel);
    table_free(t->slot, t->size, sizeof(*t->slot));
    table_free(t->serial, t->buckets, sizeof(*t->serial));
    table_free(t->pid, t->buckets, sizeof(*t->pid));
    *t = (struct children){ 0 };
}

static struct child_list *children_of_serial(struct children *t,
                                             uint64_t serial)
{
    return &t->serial[serial & (t->buckets - 1)];
}

static struct child_list *children_of_pid(struct children *t, pid_t pid)
{
    return &t->pid[(size_t)pid & (t->buckets - 1)];
}

struct child *children_find(struct gate *g, uint64_t serial)
{
    struct child *c;

    LIST_FOREACH(c, children_of_serial(&g->children, serial), by_serial)
        if (c->serial == serial)
            return c;
    return NULL;
}

static struct child *children_find_pid(struct gate *g, pid_t pid)
{
    struct child *c;

    LIST_FOREACH(c, children_of_pid(&g->children, pid), by_pid)
        if (c->pid == pid)
            return c;
    return NULL;
}

void children_each(struct gate *g, void (*tell)(struct child *c))
{
    const struct children *t = &g->children;

    for (size_t i = 0; i < t->size; i++)
        if (t->slot[i].gate && t->slot[i].channel.fd >= 0)
            tell(&t->slot[i]);
}

/* A random serial tells nothing about other sessions. 0 means: none. */
static uint64_t new_serial(struct gate *g)
{
    uint64_t serial;

    do
        random_bytes(&serial, sizeof(serial));
    while (serial == 0 || children_find(g, serial));
    return serial;
}

struct child *children_add(struct gate *g, uint64_t serial,
                           const struct address *peer,
                           const struct address *local, bool proxied)
{
    struct children *t = &g->children;
    struct child *c = STAILQ_FIRST(&t->unused);

    if (!c)
        return NULL;
    STAILQ_REMOVE_HEAD(&t->unused, next);
    *c = (struct child){ .gate = g,
                         .serial = serial ? serial : new_serial(g),
                         .ending = ENDING_CRASH,
                         .born = clock_ms(),
                         .peer = *peer,
                         .local = *local,
                         .server = *local,
                         .proxied = proxied,
                         .known = !proxied,
                         .channel.fd = -1,
                         .active.fd = -1 };
    LIST_INSERT_HEAD(children_of_serial(t, c->serial), c, by_serial);
    limits_enter(&g->limits, c->known ? peer : NULL);
    if (c->known)
        child_waits(c);
    return c;
}

void children_add_pid(struct child *c, pid_t pid)
{
    c->pid = pid;
    LIST_INSERT_HEAD(children_of_pid(&c->gate->children, pid), c, by_pid);
}

void children_put_back(struct child *c)
{
    struct children *t = &c->gate->children;

    *c = (struct child){ 0 };
    STAILQ_INSERT_HEAD(&t->unused, c, next);
}

void children_make_room(struct gate *g)
{
    struct child *c;

    TAILQ_FOREACH(c, &g->children.waiting, waiting)
        if (limits_is_heaviest(&g->limits, &c->peer)) {
            child_kill(c, ENDING_CROWDED);
            return;
        }
}

void children_reap(struct gate *g)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct child *c = children_find_pid(g, pid);

        if (!c)
            continue;
        LIST_REMOVE(c, by_pid);
        child_ended(c, status);
    }
    children_report(g);
    entry_mind(g);
}

/* If master doesn't read, the rest stays in the queue. Nothing is lost, since a
 * session keeps its place in the table until it has been reported. */
int children_report(struct gate *g)
{
    struct children *t = &g->children;
    struct child *c;

    while ((c = STAILQ_FIRST(&t->ended))) {
        int r = c->adopted
                    ? 0
                    : SEND(&g->frame.master, session_gone, 0,
                           .serial = c->serial, .status = (unsigned)c->status);

        if (r == -EAGAIN)
            break;
        STAILQ_REMOVE_HEAD(&t->ended, next);
        children_put_back(c);
    }
    return c ? -EAGAIN : 0;
}
