/* The process that talks to one client. Gate's fork enters here. */
#ifndef SALLYPORT_SESSION_SESSION_H
#define SALLYPORT_SESSION_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <stdnoreturn.h>

#include "sallyport/base/address.h"

struct settings;
struct tls_context;

/* One that is logged in says MSG_alive so many times in idle_timeout. */
#define SESSION_ALIVE 4

struct session_start {
    const struct settings *settings;
    struct tls_context *tls;
    int control, master, gate, log, keys; /* owned from here on */
    uint64_t serial;
    struct address peer, local;
    bool implicit; /* TLS from the first byte on; P is the default then */
    bool proxied;  /* PEER is a proxy: its header comes first */
};

/* Closes all other descriptors, enters the sandbox, serves, and exits with the
 * enum ending as its status. */
noreturn void session_main(const struct session_start *start);

#endif
