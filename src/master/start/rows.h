/* The table of the processes that master executes. */
#ifndef SALLYPORT_SRC_MASTER_START_ROWS_H
#define SALLYPORT_SRC_MASTER_START_ROWS_H

#include "children/child.h"

const struct child_row *rows_find(enum process p);

#endif
