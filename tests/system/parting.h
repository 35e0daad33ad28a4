/* How a connection ends, as the client's own socket shows it. */
#ifndef TESTS_SYSTEM_PARTING_H
#define TESTS_SYSTEM_PARTING_H

#include <stdbool.h>

#include "support/session.h"

enum parting {
    PARTING_NOTIFIED, /* close_notify, then FIN */
    PARTING_AT_ONCE,  /* the same, of a process that waits for nothing more */
    PARTING_BARE      /* FIN alone: something is missing */
};

/* Reads FD up to the server's end, which must be that one and no reset; then
 * says this side's own end, if there still is TLS, and a FIN. They must reach a
 * server that takes them, and no reset be the answer, if it waits for them. T
 * may be NULL. */
void parting_expect(int fd, struct tls_client *t, enum parting wanted);
/* The same of both; CONTROL is dropped. */
void parting_expect_control(struct session *s, enum parting wanted);
void parting_expect_data(struct data *d, enum parting wanted);

/* More than the server will read: it lies there when it says its end. */
void parting_write_junk(int fd, struct tls_client *t);

#endif
