/* The state of the process log. */
#ifndef SALLYPORT_SRC_LOG_LOG_H
#define SALLYPORT_SRC_LOG_LOG_H

#include "sallyport/base/loop.h"
#include "sallyport/base/random.h"
#include "sallyport/domain/choices.h"
#include "sallyport/event/event.h"
#include "sallyport/event/metrics.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/process/frame.h"

/* The rate of log lines, in bytes: RATE_BURST at once, then RATE_SECOND in a
 * second. So a client can't fill the disk with log lines. All sessions of a
 * user share one rate, and wait for it until they end. Other senders don't
 * wait: log drops their events over the rate.
 *
 * A transfer of a tiny file logs about 300 bytes, and one session on loopback
 * makes 400 transfers in a second. */
#define RATE_BURST  (1u << 20)
#define RATE_SECOND 256000
#define RATE_USERS  4096

/* The rates of users, each for debt_add(). Users with the same slot share one
 * rate. */
struct rates {
    uint8_t key[SIPHASH_KEY];
    uint64_t of[RATE_USERS];
};

/* Returns the milliseconds from NOW until the next line may be written; 0:
 * now. */
uint64_t rate_wait(const uint64_t *rate, uint64_t now);
/* Counts a line of BYTES, written at NOW. */
void rate_charge(uint64_t *rate, size_t bytes, uint64_t now);
uint64_t *rate_of_user(struct rates *all, struct slice user);

struct log;

/* A process that sends events; master has named it. */
struct sender {
    struct log *log;
    struct channel channel;
    struct loop_watch watch;
    enum process process;
    uint64_t serial; /* serial of the session; 0: none */
    struct address peer;
    uint64_t own[2];  /* the rates of told and of due events, without a user */
    uint64_t *rate;   /* the rate of the sender's user: log makes the sender
                       * wait, and drops no event; NULL: it has no user */
    uint64_t dropped; /* events dropped since the last report */
    struct loop_timer timer; /* until the report of dropped events, or while the
                              * sender waits */
    bool used;
};

struct log {
    struct frame frame; /* the first member */
    int output;
    enum log_format format;
    bool prefixed;           /* systemd reads the severity at the beginning of a
                              * line */
    struct metrics *metrics; /* the counters of all generations */
    struct sender *sender;
    size_t senders;
    size_t used; /* number of senders in use */
    struct rates users;
    struct loop_timer last; /* runs once master has gone */
};

extern const struct frame_row log_row;

/* Call it when a sender has ended: if master has gone and no sender is left,
 * log ends. */
void log_sender_ended(struct log *l);

void senders_release(struct log *l);
/* Handles master's message about a new sender. OWNER: the struct log. */
int senders_on_sender(void *owner, struct msg_speaker *msg);
/* Reads all events that have arrived so far. */
void senders_read_all(struct log *l);

/* Writes the event in the form of `log_format`, by one write(2). Returns the
 * number of bytes. If the line can't be written, adds 1 to l->metrics->lost. */
size_t line_write(struct log *l, const struct sender *from,
                  const struct event_record *sent);
/* Counts N lines that can't be written. */
void line_lost(struct log *l, uint64_t n);
/* Writes a line with the number of lost lines. Keeps the number if this line
 * can't be written. */
void line_write_lost(struct log *l);

#endif
