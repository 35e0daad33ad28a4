/* The set-up messages of master up to GO, and the cage. In auth, before it
 * meets any session. */
#include "setup.h"

#include <errno.h>

#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"

/* Standard ones, master, log, the loop; a new users file and a new log for a
 * moment; the pairs. */
#define FILES_BESIDES 16

void setup_init(struct setup *s, struct auth *a)
{
    process_ignore_signals();
    *s = (struct setup){ .auth = a, .root_fd = -1 };
}

static int on_cage(void *owner, struct packet *p)
{
    struct setup *s = owner;

    s->root_fd = fd_take(&p->fd[0]);
    s->plan.root_fd = s->root_fd;
    s->plan.max_files = PENDING_MAX + FILES_BESIDES;
    s->has_cage = true;
    return cage_plan_told(&s->plan, p->value[0].number, p->value[1].number,
                          p->value[2].number, p->value[3].number);
}

static int on_log(void *owner, struct packet *p)
{
    struct setup *s = owner;

    return auth_log_to(s->auth, fd_take(&p->fd[0]));
}

static int on_users(void *owner, struct packet *p)
{
    struct setup *s = owner;

    auth_take_key(s->auth, p->value[1].number, p->value[2].number);
    return auth_take_users(s->auth, fd_take(&p->fd[0]), p->value[0].number,
                           &s->complaint);
}

static int on_certificate(void *owner, struct packet *p)
{
    struct setup *s = owner;

    auth_take_certificate(s->auth, fd_take(&p->fd[0]));
    return 0;
}

static const struct handler handlers[] = {
    { MSG_CAGE, on_cage },
    { MSG_LOG, on_log },
    { MSG_USERS, on_users },
    { MSG_CERTIFICATE, on_certificate },
};

int setup_receive(struct setup *s)
{
    struct channel *c = &s->auth->master;
    int r = loop_init(&s->auth->loop);

    if (r == 0)
        r = channel_setup(c, handlers, sizeof(handlers) / sizeof(handlers[0]),
                          s, SETUP_MS, &s->complaint);
    if (r < 0)
        return -EINVAL;
    if (!s->has_cage || s->auth->generation == 0)
        return complain(&s->complaint, "auth: set-up: something is missing");
    return 0;
}

int setup_cage(struct setup *s)
{
    unsigned weaker = 0;
    int r;

    if (proof_begin() < 0)
        return complain(&s->complaint, "auth: no memory for OpenSSL");
    event_syscalls_by(&s->auth->log);
    cage_on_refused(event_on_syscall);
    r = cage_enter(PROCESS_AUTH, &s->plan, &weaker, &s->complaint);
    fd_close(&s->root_fd);
    if (r == 0 && weaker)
        say("its cage is weaker, as allow_weaker permits");
    return r;
}

void setup_failed(struct setup *s)
{
    channel_failed(&s->auth->master, &s->complaint);
}
