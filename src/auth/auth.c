/* Auth at work: what master says, and the one loop. Auth knows the hashes and
 * nothing else: no file, no network, no rights; what it says is yes or no, and
 * which row. */
#include "auth.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"

void auth_init(struct auth *a, int fd)
{
    *a = (struct auth){ .loop.epoll_fd = -1 };
    channel_init(&a->master, fd, PROCESS_AUTH, PROCESS_MASTER, PHASE_START);
    event_sender_init(&a->log, -1, PROCESS_AUTH);
}

void auth_release(struct auth *a)
{
    pending_release(a);
    channel_close(&a->master);
    loop_remove(&a->loop, &a->log_watch);
    event_sender_release(&a->log);
    users_release(&a->users);
    loop_release(&a->loop);
}

int auth_take_users(struct auth *a, int fd, uint64_t generation,
                    struct complaint *c)
{
    struct users newer;
    int r = users_read(&newer, fd, "users", c);

    fd_close(&fd);
    if (r < 0)
        return r;
    if (a->generation > 0)
        users_release(&a->users);
    a->users = newer;
    a->generation = generation;
    return 0;
}

void auth_take_key(struct auth *a, uint64_t first, uint64_t second)
{
    memcpy(a->name_key, &first, sizeof(first));
    memcpy(a->name_key + sizeof(first), &second, sizeof(second));
}

/* Gate judges it, and says what is wrong. Of one that can't be read here no
 * client proves anything. */
void auth_take_certificate(struct auth *a, int fd)
{
    proof_servers_add(&a->servers, fd);
    fd_close(&fd);
}

static int on_log(void *owner, struct packet *p)
{
    return auth_log_to(owner, fd_take(&p->fd[0]));
}

/* Master has read the same bytes before. */
static int on_users(void *owner, struct packet *p)
{
    struct complaint c = { "" };

    auth_take_key(owner, p->value[1].number, p->value[2].number);
    if (auth_take_users(owner, fd_take(&p->fd[0]), p->value[0].number, &c) < 0)
        die(EX_DATAERR, "%s", c.text);
    return 0;
}

static int on_certificate(void *owner, struct packet *p)
{
    auth_take_certificate(owner, fd_take(&p->fd[0]));
    return 0;
}

static int on_verify(void *owner, struct packet *p)
{
    struct auth *a = owner;

    if (p->value[1].number > a->generation)
        die(EX_PROTOCOL, "master asks by users that it hasn't sent");
    pending_open(a, fd_take(&p->fd[0]), p->value[0].number,
                 &p->value[2].address);
    return 0;
}

static const struct handler handlers[] = {
    { MSG_LOG, on_log },
    { MSG_USERS, on_users },
    { MSG_CERTIFICATE, on_certificate },
    { MSG_VERIFY, on_verify },
};

static void on_master(void *owner, uint32_t events)
{
    struct auth *a = owner;
    int r = channel_dispatch(&a->master, handlers,
                             sizeof(handlers) / sizeof(handlers[0]), a);

    (void)events;
    if (r == -EPROTO)
        die(EX_PROTOCOL, "master sent %s", a->master.wrong);
    if (r < 0) /* master is gone, and so is the service */
        loop_stop(&a->loop);
}

int auth_run(struct auth *a)
{
    struct packet ready = { .message = MSG_READY };
    int r;

    a->master_watch = (struct loop_watch){
        .fd = a->master.fd, .events = EPOLLIN, .on_ready = on_master, .owner = a
    };
    r = loop_add(&a->loop, &a->master_watch);
    if (r == 0)
        r = channel_send(&a->master, &ready);
    a->master.phase = PHASE_RUN;
    return r == 0 ? loop_run(&a->loop) : r;
}
