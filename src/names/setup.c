/* The set-up messages of master up to GO, and the cage. In names, before it
 * hears of any name. */
#include "setup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"

/* Standard ones, master, log, the loop; a lookup's pipe, sockets and files. */
#define FILES_MAX 64

static void ignore_signals(void)
{
    static const int ignored[] = { SIGPIPE, SIGHUP, SIGINT, SIGTERM };

    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        signal(ignored[i], SIG_IGN);
}

void setup_init(struct setup *s, struct names *n)
{
    ignore_signals();
    *s = (struct setup){ .names = n };
}

/* It needs no root folder: /etc/hosts and the like stand in the system's. */
static int on_cage(void *owner, struct packet *p)
{
    struct setup *s = owner;

    s->plan = (struct cage_plan){
        .root = p->value[0].number != 0,
        .uid = (uid_t)p->value[1].number,
        .gid = (gid_t)p->value[2].number,
        .allow_weaker = (unsigned)p->value[3].number,
        .root_fd = -1,
        .max_files = FILES_MAX,
    };
    s->has_cage = true;
    return 0;
}

static int on_log(void *owner, struct packet *p)
{
    struct setup *s = owner;

    event_sender_renew(&s->names->log, fd_take(&p->fd[0]));
    return 0;
}

static const struct handler handlers[] = {
    { MSG_CAGE, on_cage },
    { MSG_LOG, on_log },
};

int setup_receive(struct setup *s)
{
    struct channel *c = &s->names->master;
    int r = loop_init(&s->names->loop);

    if (r == 0)
        r = channel_setup(c, handlers, sizeof(handlers) / sizeof(handlers[0]),
                          s, SETUP_MS);
    if (r == -EPROTO)
        return complain(&s->complaint, "names: set-up: %s", c->wrong);
    if (r < 0)
        return complain(&s->complaint, "names: set-up: %s", strerror(-r));
    if (!s->has_cage)
        return complain(&s->complaint, "names: set-up: no cage");
    return 0;
}

static struct event_sender *sender; /* for a handler that gets no owner */

static void on_refused_call(int number)
{
    event_send_syscall(sender, number);
}

/* Where the name service keeps what it reads: /etc/hosts, resolv.conf (which
 * may be a link into /run), nsswitch.conf; and its libraries. */
static const char *const folders[] = { "/etc", "/run", "/usr", "/lib",
                                       "/lib64" };
#define FOLDERS (sizeof(folders) / sizeof(folders[0]))

int setup_cage(struct setup *s)
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
    sender = &s->names->log;
    cage_on_refused(on_refused_call);
    r = cage_enter(PROCESS_NAMES, &s->plan, &weaker, &s->complaint);
    while (n > 0)
        fd_close(&fd[--n]);
    if (r == 0 && weaker)
        say("its cage is weaker, as allow_weaker permits");
    return r;
}

void setup_failed(struct setup *s)
{
    struct slice why = slice_from(s->complaint.text);
    struct packet p = { .message = MSG_FAILED, .value = { TEXT(why) } };

    channel_send(&s->names->master, &p);
}
