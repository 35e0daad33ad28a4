/* Shared by the tests of conversions: transfers with given bytes and limits, in
 * a real session between fake peers. */
#ifndef TESTS_UNIT_SESSION_CONVERSIONS_H
#define TESTS_UNIT_SESSION_CONVERSIONS_H

#include <stdio.h>

#include "fake.h"
#include "sallyport/ipc/channel.h"

/* A STOR of /x, after its 150 and handshake. */
struct upload {
    struct tls_client *tls;
    FILE *sink;
    int data;
    bool fleeting; /* nothing of it is kept if it is cut */
};

/* LIMIT is the file's size limit, as files reports it. */
void upload_begin(struct upload *u, uint64_t limit);
/* Expects MESSAGE from the session and returns its one number. Then sends
 * files' ANSWER, and closes all but the session. */
uint64_t upload_end(struct upload *u, enum message_kind message,
                    struct message *answer);

/* Plays RETR up to the handshake of its data connection. Files passes SOURCE,
 * and reports SIZE as its length. */
struct tls_client *download_begin(int *data, FILE *source, uint64_t size);

/* The client leaves, and the session ends, without a refused system call. */
void session_leave(void);

#endif
