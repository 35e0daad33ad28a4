/* Wires to log: the pair between a process and log, whose ends master hands on.
 * A new log gets new ones from everybody who lives. */
#ifndef SALLYPORT_SRC_MASTER_WIRE_H
#define SALLYPORT_SRC_MASTER_WIRE_H

#include <stdbool.h>

struct master;

struct log_wire {
    int end;    /* log's end, not handed on yet; -1: none */
    bool stale; /* leads to a log that is no more */
};

void wire_init(struct log_wire *w);
void wire_close(struct log_wire *w);
/* Hands on what waits, as far as log can take it. Harmless at any time. */
void wires_flush(struct master *m);
/* Log is gone: all need new ones. */
void wires_are_stale(struct master *m);

#endif
