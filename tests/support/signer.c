/* A signer that has the keys itself. It signs by sign_make(), as the process
 * `keys` does. */
#include "signer.h"

#include "sallyport/base/fd.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/tls/sign.h"
#include "test.h"

#define KEYS_MAX 64

static struct evp_pkey_st *keys[KEYS_MAX];
static size_t count;

static int sign(void *owner, const struct sign_request *r,
                struct sign_result *ret)
{
    (void)owner;
    return r->key < count ? sign_make(keys[r->key], r, ret) : -ENOENT;
}

/* Fills in the pair of these files, and adds its key to the list. */
static bool take(const struct key_files *f, struct tls_pair *ret,
                 struct complaint *c)
{
    *ret = (struct tls_pair){ .certificate_fd = f->certificate_fd,
                              .certificate = f->certificate,
                              .key = f->key,
                              .number = count };
    keys[count] = sign_key_new(f->key_fd, f->key, c);
    return keys[count++];
}

struct tls_context *signer_context_as(const struct key_files *f, size_t n,
                                      const struct tls_policy *policy,
                                      struct complaint *c)
{
    const struct signer signer = { sign, NULL };
    struct tls_pair pairs[CERTIFICATES_MAX];

    if (count + n > KEYS_MAX)
        signer_free_all();
    for (size_t i = 0; i < n; i++)
        if (!take(&f[i], &pairs[i], c))
            return NULL;
    return tls_context_new(pairs, n, policy, &signer, c);
}

struct tls_context *signer_context_of(const struct key_files *f, size_t n,
                                      struct complaint *c)
{
    return signer_context_as(f, n, &(struct tls_policy){ 0 }, c);
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
    struct message m;

    while (channel_wait(c, &m, INT_MAX) == 1) {
        const struct sign_request r = { m.sign.key, (uint16_t)m.sign.scheme,
                                        m.sign.message };
        struct sign_result result = { .len = 0 };
        const int error = sign(NULL, &r, &result) ? EPERM : 0;
        const struct slice bytes = { (const char *)result.bytes, result.len };

        SEND(c, signature, m.request, .error = error, .signature = bytes);
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
