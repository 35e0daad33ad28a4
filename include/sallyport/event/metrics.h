/* The metrics: counters that log adds up from events, and gauges that master
 * writes. They are in memory of all generations, so they
 * survive a reload and the death of any process but the supervisor.
 * sallyportctl gets them from master, and has the text for Prometheus from
 * here. */
#ifndef SALLYPORT_EVENT_METRICS_H
#define SALLYPORT_EVENT_METRICS_H

#include <stdint.h>

#include "sallyport/base/buf.h"
#include "sallyport/event/event.h"

#define METRICS_COUNTERS 512 /* places; the tables need fewer */

enum gauge {
    GAUGE_LOGGED_IN,
    GAUGE_GREETED, /* sessions that aren't logged in */
    GAUGE_MAX_SESSIONS,
    GAUGE_USERS,
    GAUGE_REFUSED,  /* 1: the users file was refused */
    GAUGE_VERIFIED, /* passwords that auth verifies now */
    GAUGE_WAITING,  /* passwords that wait for auth */
    GAUGE_BANS,
    GAUGE_CERTIFICATE, /* the earliest expiry, in seconds since 1970; 0: none */
    GAUGE_SINCE,       /* when this generation was ready; 0: no gauge is set */
    GAUGE_COUNT
};

/* All zero at first. Each number is read and written by one access. The server
 * decides nothing by these numbers. */
struct metrics {
    uint64_t counter[METRICS_COUNTERS];
    uint64_t gauge[GAUGE_COUNT];
};

/* Returns the supervisor's name for that memory, which has a hash of all names:
 * if the tables change, the counters begin at 0. */
const char *metrics_name(void);
/* Maps FD by shared_map(): the processes files are forks of master, and must
 * not write it. Returns 0 or -errno. */
int metrics_map(struct metrics **ret, int fd, int protection);
/* Adds an event. Any process may have sent it, so an unknown value counts as
 * "other". */
void metrics_count(struct metrics *m, const struct event_record *r);
void metrics_gauge(struct metrics *m, enum gauge g, uint64_t value);

/* Sums of the counters, for sallyportctl. */
struct metrics_totals {
    uint64_t complete, failed; /* uploads and downloads */
    uint64_t bytes_in, bytes_out;
    uint64_t logins_failed;
};

void metrics_total(const struct metrics *m, struct metrics_totals *ret);
/* Adds all of them in Prometheus' text format. Returns 0 or -ENOBUFS. */
int metrics_text(const struct metrics *m, struct buf *into);

#endif
