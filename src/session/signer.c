/* The channel to keys, which signs this session's handshakes. While keys is
 * away, a handshake waits for the new channel from master, until its deadline.
 * The requests are made by the room tls, in the midst of a handshake. */
#include "signer.h"

#include <sysexits.h>

#include "control.h"
#include "sallyport/base/die.h"
#include "sallyport/tls/context.h"
#include "transfer.h"

/* Keys may have died: the next one gets this request from the same channel. It
 * starts after 10 s at the latest. */
#define SIGN_MS 15000

/* Only its end is watched for. */
static void signer_on_channel(void *owner, uint32_t events)
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
        .fd = fd, .events = 0, .on_ready = signer_on_channel, .owner = s
    };
    if (loop_add(&s->loop, &s->keys_watch) < 0)
        die(EX_OSERR, "epoll refuses the channel to keys");
    tls_context_signer(s->tls, &signer);
    control_on_keys(s);
    transfer_run(s, WAITS_KEYS);
}

bool signer_is_there(const struct session *s)
{
    return s->signer.keys.fd >= 0;
}
