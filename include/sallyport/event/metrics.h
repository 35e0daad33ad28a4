/* The metrics: counters that log adds up from events, and gauges that master
 * writes. They are in memory that all generations share, so they survive a
 * reload, and the death of any process except the supervisor. sallyportctl gets
 * them from master, and makes the text for Prometheus by metrics_text(). */
#ifndef SALLYPORT_EVENT_METRICS_H
#define SALLYPORT_EVENT_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "sallyport/base/buf.h"
#include "sallyport/event/event.h"

#define METRICS_COUNTERS 512 /* places; the tables need fewer */

/* The gauges: the name and its label, and the help. Gauges of one name follow
 * each other; the first gauge has the help. */
#define GAUGES(G)                                                              \
    G(LOGGED_IN, "sallyport_sessions", "{state=\"logged in\"}",                \
      "Sessions of all generations.")                                          \
    G(GREETED, "sallyport_sessions", "{state=\"not logged in\"}", NULL)        \
    G(MAX_SESSIONS, "sallyport_sessions_limit", "",                            \
      "The setting max_sessions.")                                             \
    G(USERS, "sallyport_users", "", "Rows of the users file.")                 \
    G(REFUSED, "sallyport_users_file_refused", "",                             \
      "Whether the server refuses the users file as it is now, and keeps "     \
      "the old users (1: yes).")                                               \
    G(VERIFIED, "sallyport_password_checks", "{state=\"verified\"}",           \
      "Passwords that are verified, or wait for that.")                        \
    G(WAITING, "sallyport_password_checks", "{state=\"waiting\"}", NULL)       \
    G(BANS, "sallyport_bans", "", "Addresses and networks that are banned.")   \
    G(CERTIFICATE, "sallyport_certificate_expiry_timestamp_seconds", "",       \
      "When the first of the certificates expires.")  /* 0: none */            \
    G(SINCE, "sallyport_start_timestamp_seconds", "", /* 0: none is set */     \
      "When the generation that leads was ready: the start or the last "       \
      "reload.")
#define GAUGE(gauge, name, labels, help) GAUGE_##gauge,
enum gauge { GAUGES(GAUGE) GAUGE_COUNT };

/* The memory of the metrics. Map it by SHARED_MAP(), so that no fork inherits
 * it: the processes files are forks of master. The memory is all zero at first.
 * A process reads or writes each number by one access. The numbers only inform:
 * the server makes no decision by the counters and gauges. */
struct metrics {
    uint64_t counter[METRICS_COUNTERS];
    uint64_t gauge[GAUGE_COUNT];
    uint64_t lost; /* lines that no log could write, and no line has counted */
    bool torn;     /* the last line was written only in part */
};

/* Returns the name under which the supervisor keeps this memory. The name
 * contains a hash of the names of all metrics: if the tables change, the
 * counters begin at 0. */
const char *metrics_name(void);
/* Counts an event. Any process can have sent it, so an unknown value counts as
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
/* Adds all metrics in Prometheus' text format. Returns 0 or -ENOBUFS. */
int metrics_text(const struct metrics *m, struct buf *into);

#endif
