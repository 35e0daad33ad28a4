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

/* The rate of signatures for a session: 100 at once, then 50 in a second. Each
 * handshake needs one, and a client opens a data connection for each file. */
#define SIGN_EACH_MS   20u
#define SIGN_CREDIT_MS 2000u

struct keys {
    struct frame frame; /* the first member */
    struct evp_pkey_st *key[CERTIFICATES_MAX];
    size_t count;
    size_t askers, askers_max;
    LIST_HEAD(askers, asker) list;
};

extern const struct frame_row keys_row;

#endif
