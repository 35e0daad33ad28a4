/* Wires: the pairs between a process and one that serves many, log or keys,
 * whose ends master hands on. A new log, or new keys, gets new ones from
 * everybody who lives. */
#ifndef SALLYPORT_SRC_MASTER_WIRE_H
#define SALLYPORT_SRC_MASTER_WIRE_H

#include <stdbool.h>

#include "sallyport/base/address.h"
#include "sallyport/base/process.h"
#include "sallyport/users/users.h"

struct child;
struct master;

/* Who it is that speaks, as log and keys hear it from master. */
struct speaker {
    enum process process;
    uint64_t serial; /* 0: not of one session */
    struct address peer;
    char user[USER_NAME_MAX + 1]; /* whose password was right; "": nobody's */
};

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
/* Hands END, which stays the caller's, to log as that speaker's: 0; -EAGAIN: it
 * is slow. */
int wire_introduce(struct child *log, const struct speaker *who, int end);
/* PROCESS_LOG or PROCESS_KEYS is gone: all need new ones. To log they get them
 * at once, and what they say waits for it in the pair. */
void wires_are_stale(struct master *m, enum process to);

#endif
