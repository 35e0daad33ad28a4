/* The rows that move files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"
#include "wire.h"

#define SMALL     4096u
#define SEND_SIZE 262144u

void load_retrieve(struct control *c, const char *name,
                   const unsigned char *bytes, size_t len,
                   _Atomic unsigned long long *received)
{
    unsigned char block[LOAD_BLOCK];
    char command[256];
    size_t at = 0, got;

    snprintf(command, sizeof(command), "RETR %s", name);
    SSL *data = ftp_data(c, command);
    while ((got = wire_receive(data, block, sizeof(block))) > 0) {
        if (got > len - at || memcmp(block, bytes + at, got) != 0)
            wire_fail("%s: other bytes than the file's came", command);
        at += got;
        if (received)
            *received += got;
    }
    if (at != len)
        wire_fail("%s: only %zu of %zu bytes came", command, at, len);
    wire_close(data, false);
    ftp_expect(c, '2', command);
}

static void store(struct control *c, const char *name,
                  const unsigned char *bytes, size_t len)
{
    char command[256];

    snprintf(command, sizeof(command), "STOR %s", name);
    SSL *data = ftp_data(c, command);
    for (size_t at = 0; at < len;) {
        size_t n = len - at < SEND_SIZE ? len - at : SEND_SIZE;
        wire_send(data, bytes + at, n);
        at += n;
    }
    wire_close(data, true);
    ftp_expect(c, '2', command);
}

/* Logs in, and waits until all streams have logged in and the row begins. */
static void begin(struct worker *w)
{
    ftp_login(&w->control, &w->plan->account);
    ftp_prepare(&w->control);
    pthread_barrier_wait(w->start);
    pthread_barrier_wait(w->start);
}

static void *down(void *of)
{
    struct worker *w = of;

    begin(w);
    load_retrieve(&w->control, w->plan->remote, w->source->bytes,
                  w->source->len, NULL);
    return NULL;
}

static void *up(void *of)
{
    struct worker *w = of;
    char name[128];

    begin(w);
    snprintf(name, sizeof(name), "%s%u", w->plan->remote, w->index);
    store(&w->control, name, w->source->bytes, w->source->len);
    return NULL;
}

static void print_transfers(double bytes, double seconds)
{
    printf("{\"bytes\":%.0f,\"seconds\":%.6f,\"connections\":%u,"
           "\"resumed\":%u}\n",
           bytes, seconds, ftp_connections, ftp_resumed);
}

static void run_streams(const struct plan *p, void *(*one)(void *))
{
    struct source source = load_source(p);
    struct worker *workers = calloc(p->streams, sizeof(*workers));
    pthread_barrier_t start;

    if (!workers || pthread_barrier_init(&start, NULL, p->streams + 1) != 0)
        wire_fail("no memory for %u streams", p->streams);
    for (unsigned i = 0; i < p->streams; i++) {
        workers[i] =
            (struct worker){ .plan = p, .source = &source, .index = i };
        workers[i].start = &start;
        if (pthread_create(&workers[i].thread, NULL, one, &workers[i]) != 0)
            wire_fail("no thread");
    }
    pthread_barrier_wait(&start);
    load_step("ready");
    double from = wire_now();
    pthread_barrier_wait(&start);
    for (unsigned i = 0; i < p->streams; i++)
        pthread_join(workers[i].thread, NULL);
    double seconds = wire_now() - from;
    load_step("done");
    for (unsigned i = 0; i < p->streams; i++)
        ftp_quit(&workers[i].control);
    print_transfers((double)source.len * p->streams, seconds);
    free(workers);
}

void row_down(const struct plan *p)
{
    run_streams(p, down);
}

void row_up(const struct plan *p)
{
    run_streams(p, up);
}

static void run_small(const struct plan *p, bool is_upload)
{
    struct source source = load_source(p);
    struct control c;

    if (source.len / SMALL < p->count)
        wire_fail("%s is too short for %u files", p->source, p->count);
    ftp_login(&c, &p->account);
    ftp_prepare(&c);
    load_step("ready");
    double from = wire_now();
    for (unsigned i = 0; i < p->count; i++) {
        const unsigned char *bytes = source.bytes + (size_t)i * SMALL;
        char name[128];

        snprintf(name, sizeof(name), "%s%06u", p->remote, i);
        if (is_upload)
            store(&c, name, bytes, SMALL);
        else
            load_retrieve(&c, name, bytes, SMALL, NULL);
    }
    double seconds = wire_now() - from;
    load_step("done");
    ftp_quit(&c);
    print_transfers((double)SMALL * p->count, seconds);
}

void row_small_down(const struct plan *p)
{
    run_small(p, false);
}

void row_small_up(const struct plan *p)
{
    run_small(p, true);
}
