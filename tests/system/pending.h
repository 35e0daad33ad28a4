/* Transfers that a test keeps under way as long as it needs, each in a session
 * of its own as "anna". Even numbers are uploads; odd numbers download the file
 * "big", which is larger than all buffers on the way. */
#ifndef TESTS_SYSTEM_PENDING_H
#define TESTS_SYSTEM_PENDING_H

#include "support/session.h"

struct pending {
    const struct server *server;
    const unsigned char *bytes; /* from pending_prepare() */
    int number;
    char name[16];
    struct session s;
    struct data d;
};

/* Writes "big". The caller frees the returned bytes. */
unsigned char *pending_prepare(const struct server *server);
/* Sends a part of an upload, or begins a download. */
void pending_begin(struct pending *p, int number, const struct server *server,
                   const unsigned char *bytes);
/* Transfers the rest and reads its 226; the file must be whole. The session
 * ends. */
void pending_finish(struct pending *p);

#endif
