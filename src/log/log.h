/* What the process log holds. */
#ifndef SALLYPORT_SRC_LOG_LOG_H
#define SALLYPORT_SRC_LOG_LOG_H

#include "rate.h"
#include "sallyport/base/loop.h"
#include "sallyport/event/event.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/process/frame.h"

struct log;

/* Somebody who sends events; who it is was said by master. */
struct sender {
    struct log *log;
    struct channel channel;
    struct loop_watch watch;
    enum process process;
    uint64_t serial; /* 0: not of one session */
    struct address peer;
    struct rate own;
    struct rate *rate;       /* its own, or that of its user */
    bool paced;              /* of a user: it waits, nothing is dropped */
    uint64_t dropped;        /* over the rate, since that was last told */
    struct loop_timer timer; /* armed while that is to be told, or it waits */
    bool used;
};

struct log {
    struct frame frame; /* the first member */
    int output;
    uint64_t lost; /* lines that couldn't be written */
    struct sender *sender;
    size_t senders;
    size_t used; /* of them */
    struct rates users;
    struct loop_timer last; /* armed once master is gone */
};

extern const struct frame_row log_row;

/* One sender less: without master and without senders log is done. */
void log_sender_ended(struct log *l);

/* For each session itself, its files, and one that has ended while there was no
 * log; and those of the service. 0 or -ENOMEM */
int senders_init(struct log *l, uint64_t max_sessions);
size_t senders_for(uint64_t max_sessions);
void senders_release(struct log *l);
/* owner: struct log */
int senders_on_sender(void *owner, struct msg_log_sender *msg);
/* All that they have said so far. */
void senders_drain(struct log *l);

/* "TIME EVENT process=… serial=… peer=… …": one write(2).
 * Returns its bytes. */
size_t line_write(struct log *l, const struct sender *from,
                  const struct event_record *r);
/* The same without time and end: 0 or -ENOBUFS. */
int line_text(const struct sender *from, const struct event_record *r,
              struct buf *into);

#endif
