/* What a session reports to the log. */
#ifndef SALLYPORT_SRC_SESSION_REPORT_H
#define SALLYPORT_SRC_SESSION_REPORT_H

#include "session.h"

struct change {
    const char *verb;
    struct slice path, to; /* to: empty, or the new name, time or mode */
};

void report_connect(struct session *s);
void report_login(struct session *s);
/* The client's name for itself, once, when a user is logged in. */
void report_client(struct session *s);
void report_login_failed(struct session *s, const char *reason);
/* One event for each transfer. RESULT is the reply's code. */
void report_transfer(struct session *s, unsigned result, const char *reason);
/* The session ends in the midst of a transfer. */
void report_cut(struct session *s, const char *reason);
/* A change that has been made and has no reply of its own. */
void report_change(struct session *s, const struct change *c, unsigned result);
struct refused_command {
    const char *verb;
    struct slice path, argument; /* at most one of the two */
    unsigned result;
    const char *reason;
    uint64_t
        number; /* the number of refusals that the line is about; 0: this one */
};
/* A command was refused. */
void report_refusal(struct session *s, const struct refused_command *about);
void report_end(struct session *s, enum ending ending, const char *cause);

/* The records of events that must be in the log before the client has its reply
 * (verdict.h). They point to their arguments' texts, which must live. */
void report_of_transfer(struct event_record *r, const struct session *s,
                        unsigned result, const char *reason,
                        struct slice stored_as);
void report_of_change(struct event_record *r, const struct session *s,
                      const struct change *c, unsigned result,
                      const char *reason);
/* PORT or EPRT that names another host, or a port below 1024. */
void report_of_foreign(struct event_record *r, const struct session *s,
                       const char *verb, const char *target);

#endif
