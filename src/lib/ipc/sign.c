/* Asks keys for a signature. Runs in gate and session, during a handshake. A
 * session waits for another process only here, and for log before a final
 * reply. */
#include "sallyport/ipc/sign.h"

#include <errno.h>
#include <string.h>

#include "sallyport/base/clock.h"

/* How often to ask. If keys dies, it loses the request that it has read, so its
 * successor must get the request again. */
#define SIGN_TRIES 2

/* Waits for the answer, and skips a late answer to an earlier request. */
static int sign_await(struct sign_channel *s, uint32_t request,
                      struct sign_result *ret)
{
    uint64_t end = clock_ms() + (uint64_t)s->ms / SIGN_TRIES;

    for (;;) {
        uint64_t now = clock_ms();
        struct message m;
        int r = channel_wait(&s->keys, &m, now < end ? (int)(end - now) : 0);

        if (r < 0)
            return r;
        if (m.request == request) {
            struct slice bytes = m.signature.signature;

            if (m.signature.error > 0)
                return -m.signature.error;
            if (bytes.len == 0 || bytes.len > sizeof(ret->bytes))
                return -EPROTO;
            memcpy(ret->bytes, bytes.ptr, bytes.len);
            ret->len = bytes.len;
            return 0;
        }
    }
}

int sign_ask(void *owner, const struct sign_request *r, struct sign_result *ret)
{
    struct sign_channel *s = owner;
    int e = -ETIMEDOUT;

    ret->len = 0;
    for (int i = 0; i < SIGN_TRIES && e == -ETIMEDOUT; i++) {
        uint32_t request = channel_next(&s->keys);

        e = SEND(&s->keys, sign, request, .key = r->key, .scheme = r->scheme,
                 .message = r->message);
        if (e == 0)
            e = sign_await(s, request, ret);
    }
    return e;
}
