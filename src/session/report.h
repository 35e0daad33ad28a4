/* What a session tells the log. */
#ifndef SALLYPORT_SRC_SESSION_REPORT_H
#define SALLYPORT_SRC_SESSION_REPORT_H

#include "session.h"

struct change {
    const char *verb;
    struct slice path, to; /* to: empty, or the new name, time or mode */
};

void report_connect(struct session *s);
void report_login(struct session *s);
/* What the client calls itself, as soon as somebody is logged in; once. */
void report_client(struct session *s);
void report_login_failed(struct session *s, const char *reason);
/* One for each transfer. RESULT is the reply's code. */
void report_transfer(struct session *s, unsigned result, const char *reason);
/* For a transfer that is under way when the session ends. */
void report_cut(struct session *s, const char *reason);
/* One that has been made, and has no reply of its own. */
void report_change(struct session *s, const struct change *c, unsigned result);
struct refused_command {
    const char *verb;
    struct slice path, argument; /* one of them, or none */
    unsigned result;
    const char *reason;
    uint64_t number; /* of refusals that the line stands for; 0: this one */
};
/* A command of the user's was refused. */
void report_refusal(struct session *s, const struct refused_command *about);
void report_end(struct session *s, enum ending ending, const char *cause);

/* The records of what the log must have before the client has its reply
 * (verdict.h). They hold their arguments' texts, which must live. */
void record_transfer(struct event_record *r, const struct session *s,
                     unsigned result, const char *reason,
                     struct slice stored_as);
void record_change(struct event_record *r, const struct session *s,
                   const struct change *c, unsigned result, const char *reason);
/* PORT or EPRT of another host, or of a port below 1024. */
void record_foreign(struct event_record *r, const struct session *s,
                    const char *verb, const char *target);

#endif
