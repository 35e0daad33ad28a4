/* The rows of sessions: logins, idle sessions, and how long an idle session
 * waits for a reply while other sessions download. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "load.h"
#include "wire.h"

#define WARM_S     0.3
#define SAMPLES    1000000u
#define PAUSE_US   1000u /* between two NOOPs, and up to PAUSE_MORE longer */
#define PAUSE_MORE 2000u

static void *log_in_often(void *of)
{
    struct worker *w = of;
    struct control c;

    pthread_barrier_wait(w->start);
    for (unsigned i = 0; i < w->plan->count; i++) {
        double from = wire_now();
        ftp_login(&c, &w->plan->account);
        w->times[i] = (wire_now() - from) * 1e3;
        ftp_quit(&c);
    }
    return NULL;
}

void row_login(const struct plan *p)
{
    size_t n = (size_t)p->streams * p->count;
    struct worker *workers = calloc(p->streams, sizeof(*workers));
    double *times = calloc(n, sizeof(*times));
    pthread_barrier_t start;

    if (!workers || !times ||
        pthread_barrier_init(&start, NULL, p->streams + 1) != 0)
        wire_fail("no memory for %u clients", p->streams);
    for (unsigned i = 0; i < p->streams; i++) {
        workers[i] = (struct worker){ .plan = p, .index = i, .start = &start };
        workers[i].times = times + (size_t)i * p->count;
        if (pthread_create(&workers[i].thread, NULL, log_in_often,
                           &workers[i]) != 0)
            wire_fail("no thread");
    }
    load_step("ready");
    double from = wire_now();
    pthread_barrier_wait(&start);
    for (unsigned i = 0; i < p->streams; i++)
        pthread_join(workers[i].thread, NULL);
    double each = (wire_now() - from) * 1e3 / (double)n;
    load_step("done");
    load_sort(times, n);
    printf("{\"logins\":%zu,\"median_ms\":%.4f,\"each_ms\":%.4f}\n", n,
           load_percentile(times, n, 50), each);
    free(times);
    free(workers);
}

static struct control *open_sessions(const struct plan *p)
{
    struct control *all = calloc(p->count, sizeof(*all));

    if (!all)
        wire_fail("no memory for %u sessions", p->count);
    for (unsigned i = 0; i < p->count; i++) {
        ftp_login(&all[i], &p->account);
        ftp_prepare(&all[i]);
    }
    return all;
}

static void close_sessions(struct control *all, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        ftp_quit(&all[i]);
    free(all);
}

void row_idle(const struct plan *p)
{
    struct control *all = open_sessions(p);

    load_step("ready");
    for (unsigned i = 0; i < p->count; i++)
        ftp_command(&all[i], '2', "NOOP");
    load_step("done");
    close_sessions(all, p->count);
    printf("{\"sessions\":%u}\n", p->count);
}

/* Bytes of the downloads, which run until the program ends. */
static _Atomic unsigned long long received;

static void *download_on(void *of)
{
    struct worker *w = of;

    ftp_login(&w->control, &w->plan->account);
    ftp_prepare(&w->control);
    pthread_barrier_wait(w->start);
    for (;;)
        load_retrieve(&w->control, w->plan->remote, w->source->bytes,
                      w->source->len, &received);
    return NULL;
}

static void begin_downloads(const struct plan *p, const struct source *source)
{
    static pthread_barrier_t start;
    struct worker *workers = calloc(p->streams, sizeof(*workers));

    if (!workers || pthread_barrier_init(&start, NULL, p->streams + 1) != 0)
        wire_fail("no memory for %u streams", p->streams);
    for (unsigned i = 0; i < p->streams; i++) {
        workers[i] = (struct worker){ .plan = p, .source = source, .index = i };
        workers[i].start = &start;
        if (pthread_create(&workers[i].thread, NULL, download_on,
                           &workers[i]) != 0)
            wire_fail("no thread");
    }
    pthread_barrier_wait(&start);
}

/* Gives this thread priority, so that its own wait for a processor doesn't
 * count as the server's. Returns false without the privilege: then this wait is
 * measured, too. */
static bool go_ahead(void)
{
    struct sched_param first = { .sched_priority = 1 };

    return pthread_setschedparam(pthread_self(), SCHED_RR, &first) == 0;
}

static void pause_us(unsigned us)
{
    struct timespec t = { .tv_nsec = (long)us * 1000 };

    nanosleep(&t, NULL);
}

static struct control *open_echoes(const struct plan *p)
{
    struct control *all = calloc(p->count, sizeof(*all));

    if (!all)
        wire_fail("no memory for %u sessions", p->count);
    for (unsigned i = 0; i < p->count; i++) {
        all[i].fd = wire_connect(p->echo_port);
        all[i].ssl = wire_handshake(p->account.ctx, all[i].fd, NULL);
        if (!all[i].ssl)
            wire_fail("the echo's handshake failed");
    }
    return all;
}

static size_t ask(const struct plan *p, struct control *all, double *times)
{
    double end = wire_now() + p->seconds;
    unsigned random = 1;
    size_t n = 0;

    while (n < SAMPLES && wire_now() < end) {
        double from = wire_now();
        ftp_command(&all[n % p->count], '2', "NOOP");
        times[n++] = (wire_now() - from) * 1e3;
        random = random * 1103515245u + 12345u;
        pause_us(PAUSE_US + (random >> 16) % PAUSE_MORE);
    }
    return n;
}

void row_latency(const struct plan *p)
{
    struct source source = load_source(p);
    struct control *all = p->echo_port ? open_echoes(p) : open_sessions(p);
    double *times = calloc(SAMPLES, sizeof(*times));

    if (!times)
        wire_fail("no memory for times");
    begin_downloads(p, &source);
    bool is_ahead = go_ahead();
    pause_us((unsigned)(WARM_S * 1e6));
    load_step("ready");
    unsigned long long before = received;
    double from = wire_now();
    size_t n = ask(p, all, times);
    double seconds = wire_now() - from;
    double speed = (double)(received - before) / seconds / 1048576;
    load_step("done");
    load_sort(times, n);
    printf("{\"samples\":%zu,\"p50_ms\":%.4f,\"p99_ms\":%.4f,"
           "\"max_ms\":%.4f,\"mib_per_s\":%.1f,\"ahead\":%s}\n",
           n, load_percentile(times, n, 50), load_percentile(times, n, 99),
           load_percentile(times, n, 100), speed, is_ahead ? "true" : "false");
    /* Main ends the program, and with it the downloads. */
}
