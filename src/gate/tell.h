/* The events of gate. Their number is bounded if a stranger can cause them. */
#ifndef GATE_TELL_H
#define GATE_TELL_H

#include "sallyport/base/address.h"

struct gate;
struct child;

/* A limit refused a connection. */
void tell_refused(struct gate *g, const struct address *peer,
                  const struct address *local, const char *reason);
/* A data connection belongs to no session. */
void tell_stranger(struct gate *g, const struct address *peer,
                   const struct address *local, const char *reason);
/* Something that concerns the whole service: a certificate, a takeover. */
void tell_service(struct gate *g, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A session that a signal ended. */
void tell_death(struct child *c, int signal);
/* Its address is banned for MS. */
void tell_ban(struct child *c, int signal, uint64_t ms);
/* A session sent a message that it may not send. */
void tell_wrong(struct child *c, const char *wrong);

#endif
