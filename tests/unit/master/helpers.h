/* The real programs check and reader, for a master of a test. */
#ifndef TEST_UNIT_MASTER_HELPERS_H
#define TEST_UNIT_MASTER_HELPERS_H

#include "master/core/master.h"

/* M executes those of this build. */
void helpers_find(struct master *m);
/* M has these settings, and hands them to check. */
void helpers_configure(struct master *m, const char *text);

#endif
