/* A signer that has the keys itself; sign_make() does the work, as in keys. */
#include "signer.h"

#include <errno.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/tls/sign.h"

#define KEYS_MAX 64

static struct sign_key *keys[KEYS_MAX];
static size_t count;

static int sign(void *owner, const struct sign_request *r,
                struct sign_result *ret)
{
    (void)owner;
    return r->key < count ? sign_make(keys[r->key], r, ret) : -ENOENT;
}

struct tls_context *signer_context_of(const struct key_files *f, size_t n,
                                      struct complaint *c)
{
    const struct signer signer = { sign, NULL };
    struct tls_pair pairs[TLS_PAIRS_MAX];

    if (count + n > KEYS_MAX)
        signer_free_all();
    for (size_t i = 0; i < n; i++) {
        pairs[i] = (struct tls_pair){ f[i].certificate_fd, f[i].certificate,
                                      f[i].key, count };
        keys[count] = sign_key_new(f[i].key_fd, f[i].key, c);
        if (!keys[count++])
            return NULL;
    }
    return tls_context_new(pairs, n, &signer, c);
}

struct tls_context *signer_context(const struct key_files *f,
                                   struct complaint *c)
{
    return signer_context_of(f, 1, c);
}

void signer_free_all(void)
{
    while (count > 0)
        sign_key_free(keys[--count]);
}

static void serve(struct channel *c)
{
    struct packet p;

    while (channel_wait(c, &p, -1) == 1) {
        const struct sign_request r = { p.value[0].number,
                                        (uint16_t)p.value[1].number,
                                        p.value[2].text };
        struct sign_result result;
        struct packet out = { .message = MSG_SIGNED, .request = p.request };

        if (sign(NULL, &r, &result) != 0)
            out = (struct packet){ .message = MSG_NOT_SIGNED,
                                   .request = p.request,
                                   .value = { NUMBER(EPERM) } };
        else
            out.value[0].text =
                (struct slice){ (const char *)result.bytes, result.len };
        channel_send(c, &out);
    }
}

int signer_process(void)
{
    struct channel c;
    int ends[2];

    if (fd_pair(ends) < 0)
        return -1;
    if (fork() == 0) {
        fd_close_others(3, &ends[1], 1);
        channel_init(&c, ends[1], PROCESS_KEYS, PROCESS_SESSION, PHASE_RUN);
        serve(&c);
        _exit(0);
    }
    close(ends[1]);
    return ends[0];
}
