/* The set-up messages of master up to GO, and the cage. In log, before it reads
 * any event. */
#include "setup.h"

#include <errno.h>
#include <unistd.h>

#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"
#include "sallyport/conf/settings.h"

/* Standard ones, master, output, the loop; a moment's. */
#define FILES_BESIDES 16

void setup_init(struct setup *s, struct log *l)
{
    process_ignore_signals();
    *s = (struct setup){ .log = l, .root_fd = -1 };
}

static int on_conf(void *owner, struct packet *p)
{
    struct setup *s = owner;
    static struct settings settings;
    struct buf text;
    int r;

    buf_init(&text, SETTINGS_TEXT_MAX);
    r = fd_read_file(p->fd[0], &text);
    if (r == 0)
        r = settings_parse(&settings, buf_slice(&text), "settings",
                           &s->complaint);
    buf_release(&text);
    if (r < 0)
        return r;
    s->plan.max_files = senders_for(settings.max_sessions) + FILES_BESIDES;
    return senders_init(s->log, settings.max_sessions);
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

static int on_output(void *owner, struct packet *p)
{
    struct setup *s = owner;

    s->log->output = fd_take(&p->fd[0]);
    return 0;
}

static int on_peer(void *owner, struct packet *p)
{
    struct setup *s = owner;

    return senders_on_peer(s->log, p);
}

static const struct handler handlers[] = {
    { MSG_CONF, on_conf },
    { MSG_CAGE, on_cage },
    { MSG_LOG_OUTPUT, on_output },
    { MSG_LOG_PEER, on_peer },
};

int setup_receive(struct setup *s)
{
    struct channel *c = &s->log->master;
    int r = loop_init(&s->log->loop);

    if (r == 0)
        r = channel_setup(c, handlers, sizeof(handlers) / sizeof(handlers[0]),
                          s, SETUP_MS, &s->complaint);
    if (r < 0)
        return -EINVAL;
    if (!s->has_cage || !s->log->sender || s->log->output < 0)
        return complain(&s->complaint, "log: set-up: something is missing");
    return 0;
}

/* A refused call of log's own: a line without a memory or a lock. */
static void on_refused_call(int number)
{
    char text[] = "log: a system call was refused: 0000\n";
    char *digit = text + sizeof(text) - 3;

    for (int i = 0; i < 4; i++, number /= 10)
        *digit-- = (char)('0' + number % 10);
    (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
}

int setup_cage(struct setup *s)
{
    unsigned weaker = 0;
    int r;

    cage_on_refused(on_refused_call);
    r = cage_enter(PROCESS_LOG, &s->plan, &weaker, &s->complaint);
    fd_close(&s->root_fd);
    if (r == 0 && weaker)
        say("its cage is weaker, as allow_weaker permits");
    return r;
}

void setup_failed(struct setup *s)
{
    channel_failed(&s->log->master, &s->complaint);
}
