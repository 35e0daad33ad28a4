/* What "top" shows: the answers to "status" and "who", with present rates. */
#ifndef CTL_TOP_H
#define CTL_TOP_H

#include "ctl.h"

enum top_order {
    TOP_RATE,
    TOP_USER,
    TOP_ADDRESS,
    TOP_FILE,
    TOP_AGE,
    TOP_ORDERS
};

struct top_view {
    json_t *status;    /* as status_read() */
    json_t *rows;      /* as who_read(), sorted */
    uint64_t up, down; /* bytes per second of all transfers */
    uint64_t transfers;
};

/* Asks the server again. After a failure the view is empty. Returns an exit
 * code. */
int top_view_read(struct context *x, struct top_view *v);
void top_view_sort(struct top_view *v, enum top_order order);
void top_view_release(struct top_view *v);

#endif
