/* Connections that wait for their session, since as many sessions as `startups`
 * permits haven't logged in, or since master reads too slowly. */
#ifndef GATE_QUEUE_H
#define GATE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "entry.h"
#include "sallyport/base/loop.h"

/* After this time a connection gets the place of a session of the address with
 * the most sessions. */
#define QUEUE_ROOM_MS 500
/* The queue is looked through at least so often. */
#define QUEUE_LOOK_MS 100

struct child;
struct gate;

struct queued {
    TAILQ_ENTRY(queued) next;
    struct gate *gate;
    struct entry entry;  /* owns its socket; -1: CHILD has it */
    struct child *child; /* forked already, to read a PROXY header */
    uint32_t request;    /* CHILD's MSG_admit */
    uint64_t since;
    struct loop_watch watch; /* for the client's end */
};
TAILQ_HEAD(queued_list, queued);

struct queue {
    struct queued *slot;
    struct queued_list unused, waiting; /* the latter: the oldest first */
    size_t count;
    struct loop_timer timer;
};

int queue_init(struct gate *g); /* 0 or -ENOMEM */
void queue_release(struct gate *g);
/* Closes all connections that wait. */
void queue_close(struct gate *g);

bool queue_is_empty(const struct gate *g);
/* LIMIT_NONE: it waits, and E's socket is the queue's. Otherwise why it can't:
 * the queue is full, and no other address has more connections. */
enum limit queue_add(struct gate *g, struct entry *e);
/* The same for C, whose address is known now; its answer to REQUEST waits. */
enum limit queue_add_child(struct child *c, uint32_t request);
/* The request of C that waits for its answer; 0: none. */
uint32_t queue_request(const struct child *c);
/* C has ended. Does nothing if C doesn't wait. */
void queue_leave(struct child *c);
/* A place may be free: looks in the next turn of the loop, not now. */
void queue_wake(struct gate *g);

#endif
