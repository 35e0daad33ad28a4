/* The set-up of a child: each step sends one message. Runs in master. */
#include "children.h"

#include <errno.h>

#include "sallyport/base/fd.h"
#include "sallyport/sandbox/sandbox.h"

int steps_conf(struct child *c)
{
    return SEND(&c->channel, conf, 0, .settings = c->master->conf,
                .before = c->master->most_before);
}

int steps_sandbox(struct child *c)
{
    const struct master *m = c->master;
    const struct account_ids *id = &m->account[c->row->process];
    unsigned weaker = m->settings.allow_weaker;

    if (m->no_empty)
        weaker |= SANDBOX_CHROOT;
    return SEND(&c->channel, sandbox, 0, .root = m->root, .uid = id->uid,
                .gid = id->gid, .allow_weaker = weaker, .directory = m->empty);
}

/* The service gets the other end as soon as it can take it; until then the
 * messages wait in the channel. */
static int send_service(struct child *c, enum process service,
                        struct service_channel **ret)
{
    const struct speaker who = { .process = c->row->process };
    int ends[2];
    int r = fd_pair(ends);

    if (r < 0)
        return r;
    r = service == PROCESS_LOG ? SEND(&c->channel, log, 0, .log = ends[0])
                               : SEND(&c->channel, keys, 0, .keys = ends[0]);
    fd_close(&ends[0]);
    if (r < 0) {
        fd_close(&ends[1]);
        return r;
    }
    service_end(c->master, ret);
    *ret = service_open(c->master, service, &who, ends[1]);
    services_flush(c->master);
    return *ret ? 0 : -ENOMEM;
}

int steps_log(struct child *c)
{
    return send_service(c, PROCESS_LOG, &c->log);
}

int steps_keys(struct child *c)
{
    return send_service(c, PROCESS_KEYS, &c->keys);
}

/* The peers of keys are gate and all sessions, and those that have ended while
 * new ones come. */
int steps_peers(struct child *c)
{
    return SEND(&c->channel, peers, 0,
                .most = 2 * master_places(c->master) + 16);
}

int steps_listeners(struct child *c)
{
    const struct listeners *l = c->master->listeners;

    if (c->index >= l->control_count)
        return 0;
    return child_more(SEND(&c->channel, listener, 0, .index = c->index,
                           .bound = l->control[c->index].address,
                           .listener = l->control[c->index].fd));
}

/* The gate of a generation that retires only reads what the newest one writes.
 */
int steps_memory(struct child *c)
{
    const struct master *m = c->master;
    int memory = m->state == MASTER_RETIRING ? m->memory_read : m->memory;

    return SEND(&c->channel, memory, 0, .file = memory, .bans = m->bans_read,
                .board = m->board_read, .generation = m->succession.generation);
}

/* Each process gets a page of its own, also one that replaces another. */
int steps_beat(struct child *c)
{
    FD_CLEANUP int fd = -1;

    beat_unmap(&c->beat);
    c->pulse = (struct pulse){ 0 };
    fd = beat_make(&c->beat);
    return fd < 0 ? fd : SEND(&c->channel, beat, 0, .page = fd);
}

int steps_output(struct child *c)
{
    return SEND(&c->channel, log_output, 0, .output = c->master->output,
                .prefixed = c->master->prefixed,
                .metrics = c->master->metrics_memory);
}

/* Keys must report a bad key itself. Gate, which asks for a proof of each key
 * after `go`, would only see that nobody signs. */
int steps_keys_ready(struct child *c)
{
    return children_ready(c->master, PROCESS_KEYS) ? 0 : -EBUSY;
}

int steps_go(struct child *c)
{
    return SEND(&c->channel, go, 0);
}
