/* Connections through a proxy: a header before the client's first byte has the
 * client's address. */
#ifndef SALLYPORT_SRC_SESSION_PROXIED_H
#define SALLYPORT_SRC_SESSION_PROXIED_H

#include "session.h"

/* Instead of a greeting: reads the header, then waits for gate's decision. */
void proxied_begin(struct session *s);
/* The control connection, in CONTROL_HEADER and CONTROL_ENTERING. */
void proxied_on_control(struct session *s, uint32_t events);
int proxied_on_admitted(void *owner, struct msg_admitted *m); /* by master */
int proxied_on_not_admitted(void *owner,
                            struct msg_not_admitted *m); /* by gate */

/* From gate: a connection that may be the data connection. It is in DATA_HEADER
 * until its header is read. If it belongs to another client, the right one is
 * still expected. */
int proxied_on_data(void *owner, struct msg_data_proxied *m);
void proxied_on_data_header(struct session *s);
void proxied_on_data_late(struct session *s);

#endif
