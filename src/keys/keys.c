/* Keys at work: what master says, and the one loop. Keys knows the private keys
 * and nothing else: no file, no network, no user; it signs handshakes. */
#include "keys.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"

#define NAME_SIZE 1025 /* a text of a message */

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

int keys_add(struct keys *k, const struct packet *p, struct complaint *c)
{
    char name[NAME_SIZE];
    struct sign_key *key;

    if (k->count == KEYS_MAX)
        return complain(c, "too many keys");
    if (slice_copy(p->value[1].text, name, sizeof(name)) < 0)
        return complain(c, "the path of a key is too long");
    key = sign_key_new(p->fd[0], name, c);
    if (!key)
        return -EINVAL;
    k->key[k->count++] = (struct key){ p->value[0].number, key };
    return 0;
}

/* Those of a reload are good all together, or none is. */
static int on_key(void *owner, struct packet *p)
{
    struct keys *k = owner;

    if (!k->complaint.text[0])
        keys_add(k, p, &k->complaint);
    return 0;
}

static void forget_new(struct keys *k)
{
    while (k->count > k->taken)
        sign_key_free(k->key[--k->count].key);
}

static int on_take(void *owner, struct packet *p)
{
    struct keys *k = owner;
    struct packet answer = { .message = MSG_TAKEN,
                             .value = { NUMBER(p->value[0].number) } };

    if (k->complaint.text[0]) {
        answer.message = MSG_NOT_TAKEN;
        answer.value[1].text = slice_from(k->complaint.text);
        forget_new(k);
    }
    k->taken = k->count;
    int r = channel_send(&k->master, &answer);
    k->complaint.text[0] = '\0';
    return r;
}

/* Master may not know that a reload's were given up. */
static int on_key_gone(void *owner, struct packet *p)
{
    struct keys *k = owner;

    for (size_t i = 0; i < k->taken; i++) {
        if (k->key[i].number != p->value[0].number)
            continue;
        sign_key_free(k->key[i].key);
        memmove(&k->key[i], &k->key[i + 1],
                (k->count - i - 1) * sizeof(k->key[0]));
        k->taken--;
        k->count--;
        break;
    }
    return 0;
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
    { MSG_LOG, on_log },   { MSG_KEYS_PEER, on_peer },    { MSG_KEY, on_key },
    { MSG_TAKE, on_take }, { MSG_KEY_GONE, on_key_gone },
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
