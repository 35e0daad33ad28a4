/* Connections that a proxy brings: the header in front of them says whose they
 * are. */
#ifndef SALLYPORT_SRC_SESSION_PROXIED_H
#define SALLYPORT_SRC_SESSION_PROXIED_H

#include "session.h"

/* Instead of a greeting: the header, then gate's word on the client. */
void proxied_begin(struct session *s);
/* The control connection, while s->arrival isn't ARRIVED. */
void proxied_ready(struct session *s, uint32_t events);
int proxied_on_entered(void *owner, struct packet *p);  /* by master */
int proxied_on_kept_out(void *owner, struct packet *p); /* by gate */

/* By gate: what may be the data connection, in state DATA_HEADER until its
 * header was read. If it isn't, the right one is still expected. */
int proxied_on_data(void *owner, struct packet *p);
void proxied_data_ready(struct session *s);

#endif
