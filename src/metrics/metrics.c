/* The handlers of metrics: libmicrohttpd speaks HTTP, in our loop and without
 * threads. It runs with the rights of this process, which has none: a client
 * that breaks it reads the numbers that it may read anyway. A client gets
 * GUEST_MS for its request and the answer. */
#include "metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"

#define TEXT_MAX      (256u << 10)
#define REQUEST_BYTES 8192 /* what libmicrohttpd keeps of a request */
#define TURN_MS       500  /* between two looks at the guests' times */
/* Standard ones, master, log, two loops, the listener. */
#define FILES_BESIDES 16

static enum MHD_Result answer(struct MHD_Connection *c, unsigned code,
                              struct slice text)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(
        text.len, (void *)(uintptr_t)text.ptr, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result done;

    if (!r)
        return MHD_NO;
    MHD_add_response_header(r, "Content-Type",
                            "text/plain; version=0.0.4; charset=utf-8");
    MHD_add_response_header(r, "Connection", "close");
    if (code == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(r, "Allow", "GET, HEAD");
    done = MHD_queue_response(c, code, r);
    MHD_destroy_response(r);
    return done;
}

static enum MHD_Result answer_metrics(const struct scraped *s,
                                      struct MHD_Connection *c)
{
    enum MHD_Result done;
    struct buf text;

    buf_init(&text, TEXT_MAX);
    if (metrics_text(s->metrics, &text) == 0)
        done = answer(c, MHD_HTTP_OK, buf_slice(&text));
    else
        done = answer(c, MHD_HTTP_INTERNAL_SERVER_ERROR,
                      SLICE("no memory for the answer\n"));
    buf_release(&text);
    return done;
}

/* Called after the head of a request, before any body. */
static enum MHD_Result http_on_request(void *owner, struct MHD_Connection *c,
                                       const char *url, const char *method,
                                       const char *version, const char *body,
                                       size_t *body_len, void **request)
{
    (void)version, (void)body, (void)body_len, (void)request;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return answer(c, MHD_HTTP_METHOD_NOT_ALLOWED,
                      SLICE("only GET and HEAD\n"));
    if (strcmp(url, "/metrics") != 0)
        return answer(c, MHD_HTTP_NOT_FOUND, SLICE("see /metrics\n"));
    return answer_metrics(owner, c);
}

static struct guest *free_guest(struct scraped *s)
{
    for (size_t i = 0; i < GUESTS; i++)
        if (!s->guest[i].used)
            return &s->guest[i];
    return NULL;
}

static void http_on_connection(void *owner, struct MHD_Connection *c,
                               void **kept,
                               enum MHD_ConnectionNotificationCode code)
{
    struct scraped *s = owner;
    struct guest *g = *kept;

    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (g)
            g->used = false;
        return;
    }
    g = free_guest(s); /* there are as many as connections */
    if (!g)
        return;
    *g = (struct guest){
        .fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)
                  ->connect_fd,
        .used = true,
        .until = clock_ms() + s->guest_ms,
    };
    *kept = g;
}

/* libmicrohttpd's own time limit begins again with each byte. */
static bool guests_end_late(struct scraped *s)
{
    uint64_t now = clock_ms();
    bool any = false;

    for (size_t i = 0; i < GUESTS; i++) {
        any = any || s->guest[i].used;
        if (s->guest[i].used && now >= s->guest[i].until)
            shutdown(s->guest[i].fd, SHUT_RDWR);
    }
    return any;
}

static void http_run(struct scraped *s)
{
    MHD_UNSIGNED_LONG_LONG ms;
    bool before = guests_end_late(s), guests;

    MHD_run(s->http);
    guests = guests_end_late(s);
    if (MHD_get_timeout(s->http, &ms) != MHD_YES || ms > TURN_MS)
        ms = TURN_MS;
    /* The library listens again only in the run after the one that ended a
     * guest. */
    if (guests || before)
        loop_timer_set(&s->frame.loop, &s->timer, ms);
}

static void http_on_timer(void *owner)
{
    http_run(owner);
}

static void http_on_ready(void *owner, uint32_t events)
{
    (void)events;
    http_run(owner);
}

static void metrics_init(void *owner)
{
    struct scraped *s = owner;

    *s = (struct scraped){ .frame = s->frame,
                           .listener = -1,
                           .timer = { .on_timer = http_on_timer, .owner = s },
                           .guest_ms = GUEST_MS };
}

/* The next generation has the same listener, which libmicrohttpd must not shut
 * down. */
static void http_stop(struct scraped *s)
{
    s->listener = MHD_quiesce_daemon(s->http);
    MHD_stop_daemon(s->http);
}

static void metrics_release(void *owner)
{
    struct scraped *s = owner;

    loop_timer_clear(&s->frame.loop, &s->timer);
    loop_remove(&s->frame.loop, &s->watch);
    if (s->http)
        http_stop(s);
    fd_close(&s->listener);
    if (s->metrics)
        munmap(s->metrics, sizeof(*s->metrics));
}

static int metrics_on_metrics(void *owner, struct msg_metrics *m)
{
    struct scraped *s = owner;
    int r = metrics_map(&s->metrics, m->metrics, PROT_READ);

    s->listener = fd_take(&m->listener);
    return r;
}

/* Before the sandbox: it asks for the address of the listener. */
static int http_start(struct scraped *s)
{
    const union MHD_DaemonInfo *epoll;

    s->http = MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, http_on_request, s,
        MHD_OPTION_LISTEN_SOCKET, s->listener, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)GUESTS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)REQUEST_BYTES, MHD_OPTION_NOTIFY_CONNECTION, http_on_connection,
        s, MHD_OPTION_END);
    epoll =
        s->http ? MHD_get_daemon_info(s->http, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    return epoll ? loop_add_reader(&s->frame.loop, &s->watch, epoll->epoll_fd,
                                   http_on_ready, s)
                 : -EIO;
}

static int metrics_complete(void *owner)
{
    struct scraped *s = owner;

    s->frame.plan.max_files = GUESTS + FILES_BESIDES;
    if (!s->metrics || s->listener < 0)
        return complain(&s->frame.why, "metrics: set-up: something is missing");
    return http_start(s) < 0
               ? complain(&s->frame.why, "metrics: libmicrohttpd can't start")
               : 0;
}

static const struct handler metrics_setup[] = {
    FRAME_SETUP_WITH_LOG,
    ON(metrics, metrics_on_metrics),
};

const struct frame_row metrics_row = {
    .process = PROCESS_METRICS,
    .filter = &filter_metrics,
    .setup = metrics_setup,
    .setup_count = sizeof(metrics_setup) / sizeof(metrics_setup[0]),
    .init = metrics_init,
    .complete = metrics_complete,
    .release = metrics_release,
};
