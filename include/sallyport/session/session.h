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

/* How many milliseconds a session waits for its peers. Then it ends. */
struct session_deadlines {
    uint64_t ask;      /* for an answer of files */
    uint64_t ask_long; /* if a slow disk or a big file may delay it */
    uint64_t port;     /* for gate's answer to PASV */
};

struct session_start {
    const struct settings *settings;
    const struct session_deadlines *deadlines; /* of a test; NULL: as usual */
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
