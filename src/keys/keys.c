/* Keys at work: what master says, and the one loop. Keys knows the private keys
 * and nothing else: no file, no network, no user; it signs handshakes. */
#include "keys.h"

#include <errno.h>
#include <sysexits.h>

#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"

void keys_init(struct keys *k, int fd)
{
    *k = (struct keys){ .loop.epoll_fd = -1 };
    channel_init(&k->master, fd, PROCESS_KEYS, PROCESS_MASTER, PHASE_START);
    event_sender_init(&k->log, -1, PROCESS_KEYS);
    LIST_INIT(&k->list);
}

void keys_release(struct keys *k)
{
    while (!LIST_EMPTY(&k->list))
        asker_close(LIST_FIRST(&k->list));
    for (size_t i = 0; i < k->count; i++)
        sign_key_free(k->key[i].key);
    channel_close(&k->master);
    event_sender_release(&k->log);
    loop_release(&k->loop);
}

const struct sign_key *keys_find(const struct keys *k, uint64_t number)
{
    for (size_t i = 0; i < k->count; i++)
        if (k->key[i].number == number)
            return k->key[i].key;
    return NULL;
}

static int on_log(void *owner, struct packet *p)
{
    struct keys *k = owner;

    event_sender_renew(&k->log, fd_take(&p->fd[0]));
    return 0;
}

static int on_peer(void *owner, struct packet *p)
{
    uint64_t process = p->value[0].number;

    if (process != PROCESS_SESSION && process != PROCESS_GATE)
        die(EX_PROTOCOL, "master sends one who has nothing to sign");
    asker_open(owner, fd_take(&p->fd[0]), (enum process)process,
               p->value[1].number);
    return 0;
}

static const struct handler handlers[] = {
    { MSG_LOG, on_log },
    { MSG_KEYS_PEER, on_peer },
};

static void on_master(void *owner, uint32_t events)
{
    struct keys *k = owner;
    int r = channel_dispatch(&k->master, handlers,
                             sizeof(handlers) / sizeof(handlers[0]), k);

    (void)events;
    if (r == -EPROTO)
        die(EX_PROTOCOL, "master sent %s", k->master.wrong);
    if (r < 0) /* master is gone, and so is the service */
        loop_stop(&k->loop);
}

int keys_run(struct keys *k)
{
    struct packet ready = { .message = MSG_READY };
    int r;

    k->master_watch = (struct loop_watch){
        .fd = k->master.fd, .events = EPOLLIN, .on_ready = on_master, .owner = k
    };
    r = loop_add(&k->loop, &k->master_watch);
    if (r == 0)
        r = channel_send(&k->master, &ready);
    k->master.phase = PHASE_RUN;
    return r == 0 ? loop_run(&k->loop) : r;
}
