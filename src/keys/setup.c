/* The set-up messages of master up to GO, and the cage. In keys, before it
 * meets anybody. */
#include "setup.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"

/* Standard ones, master, log, the loop; a key file and a new log for a moment.
 */
#define FILES_BESIDES 16

/* A terminal and systemd signal all processes at once; master alone stops the
 * service, in order. */
static void ignore_signals(void)
{
    static const int ignored[] = { SIGPIPE, SIGHUP, SIGINT, SIGTERM };

    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        signal(ignored[i], SIG_IGN);
}

void setup_init(struct setup *s, struct keys *k)
{
    ignore_signals();
    *s = (struct setup){ .keys = k, .root_fd = -1 };
}

static int on_cage(void *owner, struct packet *p)
{
    struct setup *s = owner;

    s->root_fd = fd_take(&p->fd[0]);
    s->plan = (struct cage_plan){
        .root = p->value[0].number != 0,
        .uid = (uid_t)p->value[1].number,
        .gid = (gid_t)p->value[2].number,
        .allow_weaker = (unsigned)p->value[3].number,
        .root_fd = s->root_fd,
    };
    s->has_cage = true;
    return 0;
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
                          s, SETUP_MS);
    if (s->complaint.text[0])
        return -EINVAL;
    if (r == -EPROTO)
        return complain(&s->complaint, "keys: set-up: %s", c->wrong);
    if (r < 0)
        return complain(&s->complaint, "keys: set-up: %s", strerror(-r));
    s->keys->taken = s->keys->count;
    if (!s->has_cage || s->keys->count == 0 || s->keys->askers_max == 0)
        return complain(&s->complaint, "keys: set-up: something is missing");
    return 0;
}

static struct event_sender *sender; /* for a handler that gets no owner */

static void on_refused_call(int number)
{
    event_send_syscall(sender, number);
}

int setup_cage(struct setup *s)
{
    unsigned weaker = 0;
    int r;

    sender = &s->keys->log;
    cage_on_refused(on_refused_call);
    s->plan.max_files = s->keys->askers_max + FILES_BESIDES;
    r = cage_enter(PROCESS_KEYS, &s->plan, &weaker, &s->complaint);
    fd_close(&s->root_fd);
    if (r == 0 && weaker)
        say("its cage is weaker, as allow_weaker permits");
    return r;
}

void setup_failed(struct setup *s)
{
    struct slice why = slice_from(s->complaint.text);
    struct packet p = { .message = MSG_FAILED, .value = { TEXT(why) } };

    channel_send(&s->keys->master, &p);
}
