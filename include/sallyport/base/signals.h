/* Signals as events of a loop: no code runs inside a handler. */
#ifndef SALLYPORT_BASE_SIGNALS_H
#define SALLYPORT_BASE_SIGNALS_H

#include "sallyport/base/loop.h"

struct signals_row {
    int number;
    void (*handle)(void *owner);
};

struct signals {
    struct loop_watch watch; /* fd -1: not open */
    const struct signals_row *row;
    size_t count;
    void *owner;
};

/* Blocks the signals of the N rows, and calls their functions from L. Forks
 * inherit the mask until they unblock it. SIGPIPE is ignored. ROW must outlive
 * S. Returns 0 or -errno. */
int signals_open(struct signals *s, struct loop *l,
                 const struct signals_row *row, size_t n, void *owner);
void signals_close(struct signals *s, struct loop *l);

#endif
