/* The stages of one transfer, one after the other. */
#ifndef SALLYPORT_SRC_SESSION_CHAIN_H
#define SALLYPORT_SRC_SESSION_CHAIN_H

#include "filter.h"

/* What is done to the bytes of a transfer, as a set. */
enum conversion {
    CONVERT_ASCII = 1,  /* TYPE A: line ends */
    CONVERT_DEFLATE = 2 /* MODE Z */
};

enum direction { TO_CLIENT, FROM_CLIENT };

struct chain;

/* NULL: no memory. LEVEL is MODE Z's, 1 to 9. */
struct chain *chain_new(enum direction where, unsigned conversions, int level);
void chain_free(struct chain *c); /* NULL is fine */

/* As a stage's run(), for all of them: runs until the input is used up or the
 * room is full. FILTER_ENDED: the last stage has ended. */
enum filter_result chain_run(struct chain *c, struct filter_io *io, bool last);
/* After FILTER_SHORT and FILTER_BAD: what is wrong with the input. */
const char *chain_fault(const struct chain *c);

#endif
