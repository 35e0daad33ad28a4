/* The clock of preload/clock.c. */
#ifndef TESTS_SYSTEM_CLOCK_H
#define TESTS_SYSTEM_CLOCK_H

#include <stddef.h>
#include <time.h>

/* Makes the file that moves the clock of programs that begin after it, and
 * writes its NAME. Returns the seconds that are added. */
volatile time_t *clock_take(char *name, size_t size);

#endif
