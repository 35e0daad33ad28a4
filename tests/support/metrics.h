/* Makes the memory for metrics, as master does. */
#ifndef TESTS_SUPPORT_METRICS_H
#define TESTS_SUPPORT_METRICS_H

/* Returns a sealed file of the size of struct metrics, all zero. */
int metrics_memory(void);

#endif
