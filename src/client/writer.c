/* Uses two blocks: libcurl's thread fills one while the other thread writes the
 * other. */
#include "writer.h"

#include <signal.h>
#include <string.h>

#include "sallyport/base/fd.h"

/* Returns 0 or errno. */
static int writer_put(struct writer *w, const char *bytes, size_t len)
{
    digest_add(w->digest, bytes, len);
    return -fd_write_all(w->fd, bytes, len);
}

static void *writer_thread(void *of)
{
    struct writer *w = of;

    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (w->handed == 0 && !w->over)
            pthread_cond_wait(&w->changed, &w->lock);
        if (w->handed == 0)
            break;
        const char *block = w->block[1 - w->filling];
        size_t len = w->handed;
        int error = w->error;
        pthread_mutex_unlock(&w->lock);
        /* After a gap no further byte may be written. */
        error = error ? error : writer_put(w, block, len);
        pthread_mutex_lock(&w->lock);
        w->error = error;
        w->handed = 0;
        pthread_cond_signal(&w->changed);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* Signals go to the threads that wait for the network. */
static bool writer_start(struct writer *w)
{
    sigset_t all, kept;

    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &kept);
    int r = pthread_create(&w->thread, NULL, writer_thread, w);
    pthread_sigmask(SIG_SETMASK, &kept, NULL);
    return r == 0;
}

void writer_begin(struct writer *w, int fd, struct digest *d, bool gather,
                  bool small)
{
    static _Thread_local char blocks[2][WRITER_BLOCK];

    *w = (struct writer){ .fd = fd,
                          .digest = d,
                          .block = gather ? blocks : NULL };
    w->threaded = gather && !small && writer_start(w);
}

/* Gives the full block to the thread when that is free. Returns 0, or -1: an
 * earlier block couldn't be written. */
static int writer_hand(struct writer *w)
{
    pthread_mutex_lock(&w->lock);
    while (w->handed > 0)
        pthread_cond_wait(&w->changed, &w->lock);
    int error = w->error;
    w->handed = w->held;
    w->filling = 1 - w->filling;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
    return error == 0 ? 0 : -1;
}

static int writer_now(struct writer *w, const char *bytes, size_t len)
{
    w->error = writer_put(w, bytes, len);
    return w->error == 0 ? 0 : -1;
}

static int writer_flush(struct writer *w)
{
    size_t len = w->held;
    int r = 0;

    if (len > 0)
        r = w->threaded ? writer_hand(w)
                        : writer_now(w, w->block[w->filling], len);
    w->held = 0;
    return r;
}

int writer_add(struct writer *w, const char *bytes, size_t len)
{
    if (!w->block)
        return writer_now(w, bytes, len);
    while (len > 0) {
        size_t room = WRITER_BLOCK - w->held, n = len < room ? len : room;

        memcpy(w->block[w->filling] + w->held, bytes, n);
        w->held += n;
        bytes += n;
        len -= n;
        if (w->held == WRITER_BLOCK && writer_flush(w) < 0)
            return -1;
    }
    return 0;
}

int writer_end(struct writer *w)
{
    writer_flush(w);
    if (w->threaded) {
        pthread_mutex_lock(&w->lock);
        w->over = true;
        pthread_cond_signal(&w->changed);
        pthread_mutex_unlock(&w->lock);
        pthread_join(w->thread, NULL);
        pthread_cond_destroy(&w->changed);
        pthread_mutex_destroy(&w->lock);
        w->threaded = false;
    }
    return w->error == 0 ? 0 : -1;
}
