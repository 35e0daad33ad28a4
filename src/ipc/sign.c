/* Asking keys for a signature. Runs in gate and session, in the midst of a
 * handshake: the one place where a session waits for another process. */
#include "sallyport/ipc/sign.h"

#include <errno.h>
#include <string.h>

#include "sallyport/base/clock.h"

static int take(const struct packet *p, struct sign_result *ret)
{
    struct slice bytes = p->value[0].text;

    if (p->message == MSG_NOT_SIGNED)
        return p->value[0].number > 0 && p->value[0].number < 4096
                   ? -(int)p->value[0].number
                   : -EPROTO;
    if (bytes.len == 0 || bytes.len > sizeof(ret->bytes))
        return -EPROTO;
    memcpy(ret->bytes, bytes.ptr, bytes.len);
    ret->len = bytes.len;
    return 0;
}

int sign_begin(struct sign_channel *s, const struct sign_request *r,
               uint32_t *request)
{
    struct packet p = { .message = MSG_SIGN,
                        .request = channel_next(&s->keys),
                        .value = { NUMBER(r->key), NUMBER(r->scheme),
                                   TEXT(r->message) } };

    *request = p.request;
    return channel_send(&s->keys, &p);
}

/* An answer that comes too late for its own question is passed over. */
int sign_end(struct sign_channel *s, uint32_t request, struct sign_result *ret)
{
    struct packet p;
    int r;

    do
        r = channel_receive(&s->keys, &p);
    while (r == 1 && p.request != request);
    ret->len = 0;
    if (r < 0)
        return r;
    return r == 0 ? -EAGAIN : take(&p, ret);
}

static int await(struct sign_channel *s, uint32_t request,
                 struct sign_result *ret)
{
    uint64_t end = clock_ms() + (uint64_t)s->ms;

    for (;;) {
        uint64_t now = clock_ms();
        struct packet p;
        int r = channel_wait(&s->keys, &p, now < end ? (int)(end - now) : 0);

        if (r < 0)
            return r;
        if (p.request == request)
            return take(&p, ret);
    }
}

int sign_ask(void *owner, const struct sign_request *r, struct sign_result *ret)
{
    struct sign_channel *s = owner;
    uint32_t request;
    int e = sign_begin(s, r, &request);

    ret->len = 0;
    return e < 0 ? e : await(s, request, ret);
}
