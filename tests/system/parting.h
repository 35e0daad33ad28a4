/* Checks how the server ends a connection, as the client's own socket sees
 * it. */
#ifndef TESTS_SYSTEM_PARTING_H
#define TESTS_SYSTEM_PARTING_H

#include <stdbool.h>

#include "support/session.h"

enum parting {
    PARTING_NOTIFIED, /* close_notify, then FIN */
    PARTING_AT_ONCE,  /* the same, but the server doesn't wait for the client's
                         end */
    PARTING_BARE      /* a FIN without close_notify, as bytes are missing */
};

/* Reads FD to its end. The server must end it as WANTED, and not by a reset.
 * Unless WANTED is PARTING_AT_ONCE, then sends a FIN, after a close_notify if
 * the server has sent one; the server must not answer with a reset. T is NULL
 * for a connection without TLS. */
void parting_expect(int fd, struct tls_client *t, enum parting wanted);
/* parting_expect_control() does the same for a control channel, and drops the
 * session; parting_expect_data() for a data channel, which it closes. */
void parting_expect_control(struct session *s, enum parting wanted);
void parting_expect_data(struct data *d, enum parting wanted);

/* Sends so much that the server ends the connection with some of it unread. */
void parting_write_junk(int fd, struct tls_client *t);

#endif
