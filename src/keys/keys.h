/* What the process keys holds. */
#ifndef SALLYPORT_SRC_KEYS_KEYS_H
#define SALLYPORT_SRC_KEYS_KEYS_H

#include <stdbool.h>
#include <sys/queue.h>

#include "sallyport/base/loop.h"
#include "sallyport/event/event.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/process/frame.h"
#include "sallyport/tls/sign.h"

#define KEYS_MAX 144 /* private keys: 9 generations of 16 */

/* A session may have so many signatures at once, and then so many a second: a
 * handshake is one, and a client opens a data connection for each file. */
#define SIGN_BURST      100u
#define SIGN_PER_SECOND 50u

struct keys;

/* One who asks: a session, or gate. */
struct asker {
    struct keys *keys;
    enum process process;
    uint64_t serial;
    struct channel channel;
    struct loop_watch watch;
    struct loop_timer timer; /* while it has asked for too many */
    uint64_t tokens;         /* thousandths of a signature that it may have */
    uint64_t since;          /* clock_ms() of their last count */
    LIST_ENTRY(asker) next;
};

struct key {
    uint64_t number; /* as master gave it */
    struct sign_key *key;
};

struct keys {
    struct frame frame; /* the first member */
    struct key key[KEYS_MAX];
    size_t count;
    size_t taken;               /* those after it came with a reload */
    struct complaint complaint; /* about one of those */
    size_t askers, askers_max;
    LIST_HEAD(, asker) list;
};

extern const struct frame_row keys_row;

/* NULL: there is none of that number. */
const struct sign_key *keys_find(const struct keys *k, uint64_t number);

/* Takes the descriptor. Beyond askers_max it is closed: master counts wrong. */
void asker_open(struct keys *k, int fd, enum process process, uint64_t serial);
void asker_close(struct asker *a);

#endif
