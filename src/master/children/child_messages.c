/* The first messages of each child, in master: its build, and whether its
 * set-up has succeeded. */
#include <errno.h>
#include <stdio.h>

#include "child.h"
#include "core/master.h"
#include "sallyport/ipc/build.h"

/* A child whose first message isn't `build` is of another build, too. */
void child_refuse_build(struct child *c, struct slice build)
{
    c->other_build = true;
    snprintf(c->failure, sizeof(c->failure),
             "%s is of build %.*s, and master of %s: the installation is half "
             "done; install again, then reload",
             process_name(c->row->process), (int)build.len, build.ptr,
             build_name());
}

int child_on_build(void *owner, struct msg_build *m)
{
    struct child *c = owner;

    if (slice_equal(m->name, slice_from(build_name())) &&
        m->messages == build_messages())
        return 0;
    child_refuse_build(c, m->name);
    return -ECANCELED;
}

int child_on_ready(void *owner, struct msg_ready *msg)
{
    struct child *c = owner;

    (void)msg;
    if (!c->channel.seen[MSG_build])
        return channel_refuse(&c->channel, "ready before its build was known");
    if (c->row->steps[c->step]) /* too early: it hasn't got `go` yet */
        return channel_refuse(&c->channel, "ready before its set-up was over");
    c->state = CHILD_READY;
    c->channel.phase = PHASE_RUN;
    loop_timer_clear(&c->master->loop, &c->timer);
    if (c->row->on_ready)
        c->row->on_ready(c);
    c->master->hooks.child_ready(c->master);
    return 0;
}

int child_on_failed(void *owner, struct msg_failed *msg)
{
    struct child *c = owner;

    snprintf(c->failure, sizeof(c->failure), "%.*s", (int)msg->why.len,
             msg->why.ptr);
    return -ECANCELED;
}
