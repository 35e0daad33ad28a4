/* What is left of those who spoke to log: the log's ends of their wires, which
 * wait in master for the next log while there is none, or it is slow. */
#ifndef SALLYPORT_SRC_MASTER_LEFTOVER_H
#define SALLYPORT_SRC_MASTER_LEFTOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

struct leftover {
    struct speaker who;
    int end;
};

struct leftovers {
    struct leftover *all; /* the first one ended first */
    size_t size, used;
    uint64_t lost; /* that found no place, since that was last told */
};

/* One for each session at a time, and a few. */
size_t leftovers_for(uint64_t max_sessions);
/* 0 or -ENOMEM */
int leftovers_init(struct leftovers *l, uint64_t max_sessions);
/* Says how many there were for whom no log came. */
void leftovers_release(struct leftovers *l);
/* WHO has ended, or has to: its wire's end is kept, if it has said anything or
 * still can, and handed on at once where that goes. Of one that is held only
 * what was said counts (a proxy's health checks say nothing). Those OF_USER may
 * have all places, all others half of them. */
void leftovers_take(struct master *m, struct wire *w, const struct speaker *who,
                    bool of_user);
/* 0; -EAGAIN: log is slow. Harmless at any time. */
int leftovers_flush(struct master *m);

#endif
