/* The pairs on which sessions send name and password. Runs in auth. Each pair
 * gets exactly one verdict, whatever happens on it, and is closed after one
 * message: a session can neither block a place nor try twice. */
#include <errno.h>
#include <sysexits.h>

#include "auth.h"
#include "sallyport/base/die.h"

static void pending_send_verdict(struct pending *p, bool yes, size_t row,
                                 uint64_t name)
{
    struct auth *a = p->auth;
    int r = SEND(&a->frame.master, verdict, 0, .serial = p->serial,
                 .edition = a->generation, .row = row, .accepted = yes,
                 .name = name);

    loop_remove(&a->frame.loop, &p->watch);
    loop_timer_clear(&a->frame.loop, &p->timer);
    channel_close(&p->channel);
    p->used = false;
    /* Master has at most 32 questions open, and the socket has room for
     * more. */
    if (r < 0 && r != -EPIPE)
        die(EX_SOFTWARE, "the verdict can't be sent: %d", -r);
}

static int pending_on_credentials(void *owner, struct msg_credentials *msg)
{
    struct pending *p = owner;
    struct secret password SECRET_CLEANUP = { 0 };
    size_t row = 0;
    const struct attempt a = { .name = msg->name,
                               .password = &password,
                               .claims = msg->certificate,
                               .proof = msg->handshake,
                               .name_key = p->auth->name_key,
                               .serial = p->serial,
                               .servers = &p->auth->servers };
    enum judgement j = JUDGED_PASSWORD;

    if (secret_set(&password, msg->password) == 0)
        j = judge(&p->auth->users, &a, &row);
    if (j != JUDGED_RIGHT)
        report_failed_login(p, &a, j);
    pending_send_verdict(p, j == JUDGED_RIGHT, row,
                         siphash(a.name_key, a.name.ptr, a.name.len));
    return -ECANCELED;
}

static const struct handler handlers[] = {
    ON(credentials, pending_on_credentials),
};

static void pending_on_ready(void *owner, uint32_t events)
{
    struct pending *p = owner;
    int r = DISPATCH(&p->channel, handlers, p);

    (void)events;
    if (!p->used || r == 0)
        return;
    if (r == -EPROTO)
        report_wrong(p, p->channel.wrong);
    pending_send_verdict(p, false, 0, 0);
}

/* The password may have waited here while auth computed other hashes. So a
 * message that has arrived is still answered. */
static void pending_on_time(void *owner)
{
    struct pending *p = owner;

    pending_on_ready(p, EPOLLIN);
    if (p->used)
        pending_send_verdict(p, false, 0, 0);
}

void pending_open(struct auth *a, int fd, uint64_t serial,
                  const struct address *peer)
{
    struct pending *p = NULL;

    for (size_t i = 0; i < VERIFICATIONS_MAX && !p; i++)
        if (!a->pending[i].used)
            p = &a->pending[i];
    if (!p)
        die(EX_PROTOCOL, "master asks for too many verdicts");
    *p = (struct pending){
        .auth = a, .serial = serial, .peer = *peer, .used = true
    };
    channel_init(&p->channel, fd, PROCESS_AUTH, PROCESS_SESSION, PHASE_RUN);
    p->timer = (struct loop_timer){ .on_time = pending_on_time, .owner = p };
    loop_timer_set(&a->frame.loop, &p->timer, PENDING_MS);
    if (loop_add_reader(&a->frame.loop, &p->watch, fd, pending_on_ready, p) < 0)
        pending_send_verdict(p, false, 0, 0);
}

void pending_release(struct auth *a)
{
    for (size_t i = 0; i < VERIFICATIONS_MAX; i++)
        if (a->pending[i].used)
            channel_close(&a->pending[i].channel);
}
