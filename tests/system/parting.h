/* How a connection ends, as the client's own socket sees it. */
#ifndef TESTS_SYSTEM_PARTING_H
#define TESTS_SYSTEM_PARTING_H

#include <stdbool.h>

#include "support/session.h"

enum parting {
    PARTING_NOTIFIED, /* close_notify, then FIN */
    PARTING_AT_ONCE,  /* the same, from a process that waits for nothing more */
    PARTING_BARE      /* a FIN alone: bytes are missing */
};

/* Reads FD up to the server's end, which must be WANTED and no reset. Then
 * sends this side's end, if TLS is still possible, and a FIN. If the server
 * waits for them, it must accept them and not answer with a reset. T may be
 * NULL. */
void parting_expect(int fd, struct tls_client *t, enum parting wanted);
/* Does the same for both channels of a session; CONTROL is dropped. */
void parting_expect_control(struct session *s, enum parting wanted);
void parting_expect_data(struct data *d, enum parting wanted);

/* Sends more than the server reads: the rest is unread when the server ends the
 * connection. */
void parting_write_junk(int fd, struct tls_client *t);

#endif
