/* The process session, which talks to one client. A fork of gate calls
 * session_main(). */
#ifndef SALLYPORT_SESSION_SESSION_H
#define SALLYPORT_SESSION_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <stdnoreturn.h>

#include "sallyport/base/address.h"

struct settings;
struct tls_context;

/* How many milliseconds a session waits for its peers before it ends. */
struct session_deadlines {
    uint64_t ask;      /* for an answer of files */
    uint64_t ask_long; /* for an answer of files that a slow disk or a large
                          file can delay */
    uint64_t
        gate; /* for gate's answer to PASV, and for gate's ticket keys after a
                 login. Master replaces a hanging gate within 14 s */
    uint64_t gateless; /* for the next gate, after a gate has ended */
    uint64_t silent;   /* for a byte of an upload, before another session can
                          resume it */
    uint64_t log;      /* for log, which may wait 10 s for its restart */
};

struct session_start {
    const struct settings *settings;
    const struct session_deadlines
        *deadlines; /* deadlines of a test; NULL: the defaults */
    struct tls_context *tls;
    int control, master, gate, log, keys; /* owned by the session from now on */
    uint64_t serial;
    struct address peer, local;
    bool implicit;        /* TLS begins with the first byte; PROT P is set */
    bool proxied;         /* PEER is a proxy and sends a PROXY header first */
    bool drain_announced; /* sallyportctl has announced a drain: a health check
                             of the proxy gets 421 */
};

/* Closes all other descriptors, enters the sandbox, serves the client, and
 * exits with an enum ending as its status. */
noreturn void session_main(const struct session_start *start);

#endif
