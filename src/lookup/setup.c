/* The set-up messages of master up to GO, and the sandbox. In lookup, before it
 * hears of any name. */
#include "setup.h"

#include <errno.h>
#include <fcntl.h>

#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"

/* Standard ones, master, log, the loop; a lookup's pipe, sockets and files. */
#define FILES_MAX 64

void setup_init(struct setup *s, struct lookup *n)
{
    process_ignore_signals();
    *s = (struct setup){ .lookup = n };
}

/* It needs no root folder: /etc/hosts and the like stand in the system's. */
static int setup_on_sandbox(void *owner, struct msg_sandbox *msg)
{
    struct setup *s = owner;

    s->plan.root_fd = -1;
    s->plan.max_files = FILES_MAX;
    s->has_sandbox = true;
    return sandbox_plan_set(&s->plan, msg->root, msg->uid, msg->gid,
                            msg->allow_weaker);
}

static int setup_on_log(void *owner, struct msg_log *msg)
{
    struct setup *s = owner;

    event_sender_renew(&s->lookup->log, fd_take(&msg->log));
    return 0;
}

static const struct handler handlers[] = {
    ON(sandbox, setup_on_sandbox),
    ON(log, setup_on_log),
};

int setup_receive(struct setup *s)
{
    struct channel *c = &s->lookup->master;
    int r = loop_init(&s->lookup->loop);

    if (r == 0)
        r = channel_setup(c, handlers, sizeof(handlers) / sizeof(handlers[0]),
                          s, SETUP_MS, &s->complaint);
    if (r < 0)
        return -EINVAL;
    if (!s->has_sandbox)
        return complain(&s->complaint, "lookup: set-up: no sandbox");
    return 0;
}

/* Where the name service keeps what it reads: /etc/hosts, resolv.conf (which
 * may be a link into /run), nsswitch.conf; and its libraries. */
static const char *const folders[] = { "/etc", "/run", "/usr", "/lib",
                                       "/lib64" };
#define FOLDERS (sizeof(folders) / sizeof(folders[0]))

int setup_sandbox(struct setup *s)
{
    int fd[FOLDERS];
    size_t n = 0;
    unsigned weaker = 0;
    int r;

    for (size_t i = 0; i < FOLDERS; i++) {
        fd[n] = open(folders[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
        n += fd[n] >= 0;
    }
    s->plan.beneath = fd;
    s->plan.beneath_count = n;
    event_syscalls_by(&s->lookup->log);
    sandbox_on_refused(event_on_syscall);
    r = sandbox_enter(PROCESS_LOOKUP, &s->plan, &weaker, &s->complaint);
    while (n > 0)
        fd_close(&fd[--n]);
    if (r == 0 && weaker)
        say("its sandbox is weaker, as allow_weaker permits");
    return r;
}

void setup_failed(struct setup *s)
{
    channel_failed(&s->lookup->master, &s->complaint);
}
