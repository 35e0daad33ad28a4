/* Transfers that a test holds under way for as long as it likes, each in a
 * session of its own as "anna": those of an even number store, the others fetch
 * the file "big", which is larger than all buffers on the way. */
#ifndef TESTS_SYSTEM_PENDING_H
#define TESTS_SYSTEM_PENDING_H

#include "support/session.h"

struct pending {
    const struct server *server;
    const unsigned char *bytes; /* of pending_prepare() */
    int number;
    char name[16];
    struct session s;
    struct data d;
};

/* Writes "big". The bytes are the caller's to free. */
unsigned char *pending_prepare(const struct server *server);
/* A part of an upload is sent, or a download has begun. */
void pending_begin(struct pending *p, int number, const struct server *server,
                   const unsigned char *bytes);
/* The rest, and its 226: the file is whole. The session ends. */
void pending_finish(struct pending *p);

#endif
