/* The pairs on which sessions say name and password, in auth. Every pair gets
 * exactly one verdict, whatever happens on it, and each is closed after one
 * message: a session can neither hold a place nor try twice. */
#include <errno.h>
#include <sysexits.h>

#include "auth.h"
#include "sallyport/base/die.h"

static void say_verdict(struct pending *p, bool yes, size_t row, uint64_t name)
{
    struct auth *a = p->auth;
    struct packet verdict = { .message = MSG_VERDICT,
                              .value = { NUMBER(p->serial),
                                         NUMBER(a->generation), NUMBER(row),
                                         NUMBER(yes), NUMBER(name) } };
    int r = channel_send(&a->master, &verdict);

    loop_remove(&a->loop, &p->watch);
    loop_timer_clear(&a->loop, &p->timer);
    channel_close(&p->channel);
    p->used = false;
    /* It asks for 32 at a time, and there is room for many more. */
    if (r < 0 && r != -EPIPE)
        die(EX_SOFTWARE, "the verdict can't be sent: %d", -r);
}

static int on_credentials(void *owner, struct packet *packet)
{
    struct pending *p = owner;
    struct secret password SECRET_CLEANUP = { 0 };
    size_t row = 0;
    const struct attempt a = { .name = packet->value[0].text,
                               .password = &password,
                               .claims = packet->value[2].text,
                               .proof = packet->value[3].text,
                               .name_key = p->auth->name_key,
                               .serial = p->serial,
                               .servers = &p->auth->servers };
    enum judgement j = JUDGED_PASSWORD;

    if (secret_set(&password, packet->value[1].text) == 0)
        j = judge(&p->auth->users, &a, &row);
    if (j != JUDGED_RIGHT)
        tell_failed_login(p, &a, j);
    say_verdict(p, j == JUDGED_RIGHT, row,
                siphash(a.name_key, a.name.ptr, a.name.len));
    return -ECANCELED;
}

static const struct handler handlers[] = {
    { MSG_CREDENTIALS, on_credentials },
};

static void on_ready(void *owner, uint32_t events)
{
    struct pending *p = owner;
    int r = channel_dispatch(&p->channel, handlers,
                             sizeof(handlers) / sizeof(handlers[0]), p);

    (void)events;
    if (!p->used || r == 0)
        return;
    if (r == -EPROTO)
        tell_wrong(p, p->channel.wrong);
    say_verdict(p, false, 0, 0);
}

/* The hashes of others may have taken all this time, while the password lay
 * here: what has come is judged. */
static void on_time(void *owner)
{
    struct pending *p = owner;

    on_ready(p, EPOLLIN);
    if (p->used)
        say_verdict(p, false, 0, 0);
}

void pending_open(struct auth *a, int fd, uint64_t serial,
                  const struct address *peer)
{
    struct pending *p = NULL;
    int r;

    for (size_t i = 0; i < PENDING_MAX && !p; i++)
        if (!a->pending[i].used)
            p = &a->pending[i];
    if (!p)
        die(EX_PROTOCOL, "master asks for too many verdicts");
    *p = (struct pending){
        .auth = a, .serial = serial, .peer = *peer, .used = true
    };
    channel_init(&p->channel, fd, PROCESS_AUTH, PROCESS_SESSION, PHASE_RUN);
    p->watch = (struct loop_watch){
        .fd = fd, .events = EPOLLIN, .on_ready = on_ready, .owner = p
    };
    p->timer = (struct loop_timer){ .on_time = on_time, .owner = p };
    loop_timer_set(&a->loop, &p->timer, PENDING_MS);
    r = loop_add(&a->loop, &p->watch);
    if (r < 0)
        say_verdict(p, false, 0, 0);
}

void pending_release(struct auth *a)
{
    for (size_t i = 0; i < PENDING_MAX; i++)
        if (a->pending[i].used)
            channel_close(&a->pending[i].channel);
}
