/* What a session tells the log. */
#ifndef SALLYPORT_SRC_SESSION_REPORT_H
#define SALLYPORT_SRC_SESSION_REPORT_H

#include "session.h"

void report_connect(struct session *s);
void report_login(struct session *s);
/* What the client calls itself, as soon as somebody is logged in; once. */
void report_client(struct session *s);
void report_login_failed(struct session *s, const char *reason);
/* One for each transfer. RESULT is the reply's code. 0; -ENOBUFS: lost. */
int report_transfer(struct session *s, unsigned result, const char *reason,
                    struct slice stored_as);
/* PORT or EPRT of another host, or of a port below 1024. */
void report_foreign(struct session *s, const char *verb, const char *target);
/* For a transfer that is under way when the session ends. */
void report_cut(struct session *s, const char *reason);
void report_change(struct session *s, const char *verb, struct slice path,
                   struct slice to, unsigned result, const char *reason);
void report_end(struct session *s, enum ending ending, const char *cause);

#endif
