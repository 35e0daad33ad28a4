/* The state of the process keys. */
#ifndef SALLYPORT_SRC_KEYS_KEYS_H
#define SALLYPORT_SRC_KEYS_KEYS_H

#include <stdbool.h>
#include <sys/queue.h>

#include "sallyport/base/loop.h"
#include "sallyport/domain/limits.h"
#include "sallyport/event/event.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/process/frame.h"
#include "sallyport/tls/sign.h"

/* The rate of signatures for a session: a burst, then so many in a second. Each
 * handshake needs one, and a client opens a data connection for each file. */
#define SIGN_BURST      100u
#define SIGN_PER_SECOND 50u

struct keys;

/* Gate or a session, which asks for signatures. */
struct asker {
    struct keys *keys;
    enum process process;
    uint64_t serial;
    struct address peer; /* the session's client */
    struct channel channel;
    struct loop_watch watch;
    struct loop_timer timer; /* while it is over the rate */
    uint64_t tokens; /* thousandths of a signature that it may still have */
    uint64_t since;  /* clock_ms() when tokens were last counted */
    LIST_ENTRY(asker) next;
};

struct key {
    uint64_t number; /* master assigns it */
    struct sign_key *key;
};

struct keys {
    struct frame frame; /* the first member */
    struct key key[CERTIFICATES_MAX];
    size_t count;
    size_t askers, askers_max;
    LIST_HEAD(, asker) list;
};

extern const struct frame_row keys_row;

/* NULL: no key has that number. */
const struct sign_key *keys_find(const struct keys *k, uint64_t number);

/* Takes the descriptor, unless there are askers_max already: master counts
 * wrong then, and the process at the other end gets no signature. */
void asker_open(struct keys *k, struct msg_keys_client *m);
void asker_close(struct asker *a);

#endif
