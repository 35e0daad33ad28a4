/* Wires: the pairs between a process and one that serves many, log or keys,
 * whose ends master hands on. A new log, or new keys, gets new ones from
 * everybody who lives. */
#ifndef SALLYPORT_SRC_MASTER_WIRE_H
#define SALLYPORT_SRC_MASTER_WIRE_H

#include <stdbool.h>

#include "sallyport/base/process.h"

struct master;

struct wire {
    int end;    /* the server's end, not handed on yet; -1: none */
    bool stale; /* leads to a process that is no more */
    bool held;  /* not handed on before it is known whose client speaks */
};

void wire_init(struct wire *w);
void wire_close(struct wire *w);
/* Has the speaker closed its end, or not got it? */
bool wire_is_dead(const struct wire *w);
/* The speaker shall see that nobody is there, and gets a new one later. */
void wire_wait(struct wire *w);
/* Hands on what waits, as far as it can be taken. Harmless at any time. */
void wires_flush(struct master *m);
struct session;
/* The client of a session whose wire is held isn't known and won't be: what it
 * has said so far goes to log, with the proxy's address. */
void wire_last_words(struct session *s);
/* PROCESS_LOG or PROCESS_KEYS is gone: all need new ones. */
void wires_are_stale(struct master *m, enum process to);

#endif
