/* The set-up messages of master up to GO, and the cage. In keys, before it
 * meets anybody. */
#include "setup.h"

#include <errno.h>

#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"

/* Standard ones, master, log, the loop; a key file and a new log for a moment.
 */
#define FILES_BESIDES 16

void setup_init(struct setup *s, struct keys *k)
{
    process_ignore_signals();
    *s = (struct setup){ .keys = k, .root_fd = -1 };
}

static int on_cage(void *owner, struct packet *p)
{
    struct setup *s = owner;

    s->root_fd = fd_take(&p->fd[0]);
    s->plan.root_fd = s->root_fd;
    s->has_cage = true;
    return cage_plan_told(&s->plan, p->value[0].number, p->value[1].number,
                          p->value[2].number, p->value[3].number);
}

static int on_log(void *owner, struct packet *p)
{
    struct setup *s = owner;

    event_sender_renew(&s->keys->log, fd_take(&p->fd[0]));
    return 0;
}

static int on_key(void *owner, struct packet *p)
{
    struct setup *s = owner;

    return keys_add(s->keys, p, &s->complaint);
}

static int on_peers(void *owner, struct packet *p)
{
    struct setup *s = owner;

    s->keys->askers_max = p->value[0].number;
    return 0;
}

static const struct handler handlers[] = {
    { MSG_CAGE, on_cage },
    { MSG_LOG, on_log },
    { MSG_KEY, on_key },
    { MSG_PEERS, on_peers },
};

int setup_receive(struct setup *s)
{
    struct channel *c = &s->keys->master;
    int r = loop_init(&s->keys->loop);

    if (r == 0)
        r = channel_setup(c, handlers, sizeof(handlers) / sizeof(handlers[0]),
                          s, SETUP_MS, &s->complaint);
    if (r < 0)
        return -EINVAL;
    s->keys->taken = s->keys->count;
    if (!s->has_cage || s->keys->count == 0 || s->keys->askers_max == 0)
        return complain(&s->complaint, "keys: set-up: something is missing");
    return 0;
}

int setup_cage(struct setup *s)
{
    unsigned weaker = 0;
    int r;

    event_syscalls_by(&s->keys->log);
    cage_on_refused(event_on_syscall);
    s->plan.max_files = s->keys->askers_max + FILES_BESIDES;
    r = cage_enter(PROCESS_KEYS, &s->plan, &weaker, &s->complaint);
    fd_close(&s->root_fd);
    if (r == 0 && weaker)
        say("its cage is weaker, as allow_weaker permits");
    return r;
}

void setup_failed(struct setup *s)
{
    channel_failed(&s->keys->master, &s->complaint);
}
