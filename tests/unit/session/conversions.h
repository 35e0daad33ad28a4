/* The common part of the tests of conversions: transfers with given bytes and
 * limits, of a real session between fake peers. */
#ifndef TESTS_UNIT_SESSION_CONVERSIONS_H
#define TESTS_UNIT_SESSION_CONVERSIONS_H

#include <stdio.h>

#include "fake.h"
#include "sallyport/ipc/channel.h"

/* A STOR of /x from its 150 and handshake on. */
struct upload {
    struct fake f;
    struct tls_client *tls;
    FILE *sink;
    int data;
    bool fleeting; /* nothing is to be kept of it if it is cut */
};

/* LIMIT is the file's size limit as files says it. */
void upload_begin(struct upload *u, uint64_t limit);
/* MESSAGE from the session, whose one number is returned; then files' ANSWER,
 * and all is closed but the session. */
uint64_t upload_end(struct upload *u, enum message_kind message,
                    struct message *answer);

/* RETR, up to the handshake of its data connection, of SOURCE, which files
 * says is SIZE long. */
struct tls_client *download_begin(struct fake *f, int *data, FILE *source,
                                  uint64_t size);

/* The client goes, and the session with it; no system call was refused. */
void session_leave(struct fake *f);

#endif
