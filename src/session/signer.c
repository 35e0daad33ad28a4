/* The session's channel to keys: who signs its handshakes. While keys is away a
 * handshake waits for master to send a new channel, until its deadline. Asks
 * nothing itself: the room tls does, in the midst of a handshake. */
#include "signer.h"

#include <sysexits.h>

#include "control.h"
#include "data.h"
#include "sallyport/base/die.h"
#include "sallyport/tls/context.h"

#define SIGN_MS 2000

/* It is only watched for its end. */
static void on_keys(void *owner, uint32_t events)
{
    struct session *s = owner;

    if (!(events & (EPOLLHUP | EPOLLERR)))
        return;
    loop_remove(&s->loop, &s->keys_watch);
    channel_close(&s->signer.keys);
}

void signer_start(struct session *s, int fd)
{
    const struct signer signer = { sign_ask, &s->signer };

    loop_remove(&s->loop, &s->keys_watch);
    channel_close(&s->signer.keys);
    if (fd < 0)
        return;
    channel_init(&s->signer.keys, fd, PROCESS_SESSION, PROCESS_KEYS, PHASE_RUN);
    s->signer.ms = SIGN_MS;
    s->keys_watch = (struct loop_watch){
        .fd = fd, .events = 0, .on_ready = on_keys, .owner = s
    };
    if (loop_add(&s->loop, &s->keys_watch) < 0)
        die(EX_OSERR, "epoll refuses the channel to keys");
    tls_context_signer(s->tls, &signer);
    control_go_on(s);
    transfer_go_on(s);
}

bool signer_is_there(const struct session *s)
{
    return s->signer.keys.fd >= 0;
}
