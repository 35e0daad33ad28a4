/* Measures the cost of a private key in its own process: full handshakes of TLS
 * 1.3 with the key in the server's process, and with the process keys (its code
 * and messages, without its sandbox), in turns. The client is a thread of the
 * same process and costs the same in both. It is a measure, not a test. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keys/keys.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/ipc/sign.h"
#include "sallyport/tls/context.h"
#include "sallyport/tls/stream.h"
#include "support/messages.h"
#include "support/tls_client.h"

#define ROUNDS 5
#define WAIT   10000

struct cost {
    uint64_t wall, cpu; /* microseconds */
};

static uint64_t used(int who)
{
    struct rusage u;

    getrusage(who, &u);
    return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000u +
           (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void *be_client(void *fd)
{
    struct tls_client *c = tls_client_new(*(int *)fd, NULL);

    if (!c)
        die(1, "the client's handshake failed");
    tls_client_free(c);
    return NULL;
}

static void shake_hands(struct tls_context *t)
{
    pthread_t client;
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
        die(1, "socketpair failed");
    pthread_create(&client, NULL, be_client, &ends[1]);
    struct stream *s = stream_plain(ends[0], 20u << 10);
    enum stream_state state = STREAM_AGAIN;
    if (stream_secure(s, t, STREAM_DATA) == 0)
        while ((state = stream_handshake(s)) == STREAM_AGAIN)
            ;
    if (state != STREAM_OK)
        die(1, "the server's handshake failed: %s", stream_cause(s));
    pthread_join(client, NULL);
    stream_free(s);
    close(ends[0]);
    close(ends[1]);
}

static struct cost measure(struct tls_context *t, unsigned count)
{
    uint64_t wall = clock_us(), cpu = used(RUSAGE_SELF);

    for (unsigned i = 0; i < count; i++)
        shake_hands(t);
    return (struct cost){ (clock_us() - wall) / count,
                          (used(RUSAGE_SELF) - cpu) / count };
}

static int sign_here(void *owner, const struct sign_request *r,
                     struct sign_result *ret)
{
    return sign_make(owner, r, ret);
}

static _Noreturn void be_keys(int fd, int key)
{
    static struct keys k;

    frame_init(&k.frame, &keys_row, fd);
    k.frame.setup.file[SETUP_KEY].fd = key;
    if (frame_set_up(&k.frame) < 0)
        die(1, "keys: %s", k.frame.why.text);
    frame_work(&k.frame);
    _exit(0);
}

/* The channel is gate's, which has no rate limit. */
static void start_keys(int key, struct channel *master, struct sign_channel *to)
{
    int ends[2], mine[2];
    struct message m;

    if (fd_pair(ends) < 0 || fd_pair(mine) < 0)
        die(1, "no channels");
    if (fork() == 0) {
        fd_close_others(3, (const int[]){ ends[1], key }, 2);
        be_keys(ends[1], key);
    }
    channel_init(master, ends[0], PROCESS_MASTER, PROCESS_KEYS, PHASE_START);
    if (channel_wait(master, &m, WAIT) != 1 || m.kind != MSG_ready)
        die(1, "keys isn't ready");
    master->phase = PHASE_RUN;
    if (SAY(master, speaker, 0, .process = PROCESS_GATE, .end = mine[1]) < 0)
        die(1, "keys doesn't take a client");
    to->ms = WAIT;
    channel_init(&to->keys, mine[0], PROCESS_GATE, PROCESS_KEYS, PHASE_RUN);
}

static int open_or_die(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        die(1, "%s can't be read", path);
    return fd;
}

static struct tls_context *context(char **argv, const struct signer *signer)
{
    struct complaint c = { "" };
    const struct tls_pair pair = { .certificate_fd = open_or_die(argv[2]),
                                   .certificate = argv[2],
                                   .key = argv[3],
                                   .number = 1 };
    struct tls_context *t;

    t = tls_context_new(&pair, 1, &(struct tls_policy){ 0 }, signer, &c);
    if (!t)
        die(1, "%s", c.text);
    return t;
}

int main(int argc, char **argv)
{
    struct complaint c = { "" };
    static struct sign_channel to;
    struct channel master;
    int key;

    if (argc != 4 || atoi(argv[1]) <= 0) {
        fputs("usage: sign HANDSHAKES CERTIFICATE KEY\n", stderr);
        return 64;
    }
    key = open_or_die(argv[3]);
    struct evp_pkey_st *k = sign_key_new(key, argv[3], &c);
    if (!k)
        die(1, "%s", c.text);
    start_keys(key, &master, &to);
    struct tls_context *here = context(argv, &(struct signer){ sign_here, k });
    struct tls_context *there =
        context(argv, &(struct signer){ sign_ask, &to });
    puts("microseconds a handshake, client and server; wall, CPU without keys");
    for (int i = 0; i < ROUNDS; i++) {
        struct cost a = measure(here, (unsigned)atoi(argv[1]));
        struct cost b = measure(there, (unsigned)atoi(argv[1]));

        printf("key here %llu %llu   in keys %llu %llu\n",
               (unsigned long long)a.wall, (unsigned long long)a.cpu,
               (unsigned long long)b.wall, (unsigned long long)b.cpu);
    }
    channel_close(&to.keys);
    channel_close(&master);
    wait(NULL);
    printf("keys: %llu CPU in all, for %d signatures\n",
           (unsigned long long)used(RUSAGE_CHILDREN),
           ROUNDS * atoi(argv[1]) + 3);
    return 0;
}
