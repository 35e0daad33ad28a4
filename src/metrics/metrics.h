/* The state of the process metrics. */
#ifndef SALLYPORT_SRC_METRICS_METRICS_H
#define SALLYPORT_SRC_METRICS_METRICS_H

#include <microhttpd.h>

#include "sallyport/base/loop.h"
#include "sallyport/event/metrics.h"
#include "sallyport/process/frame.h"

/* Connections at a time: further ones wait in the kernel. */
#define GUESTS 16
/* From accept to the end of the answer, however slowly the guest reads. */
#define GUEST_MS 10000

/* A connection of an HTTP client. */
struct guest {
    int fd; /* libmicrohttpd's */
    bool used;
    uint64_t until; /* clock_ms() */
};

struct scraped {
    struct frame frame; /* the first member */
    int listener;
    struct metrics *metrics; /* only to read */
    struct MHD_Daemon *http;
    struct loop_watch watch; /* of all that http waits for */
    struct loop_timer timer; /* the next time that http or a guest needs */
    struct guest guest[GUESTS];
    uint64_t guest_ms; /* GUEST_MS; a test has its own */
};

extern const struct frame_row metrics_row;

#endif
