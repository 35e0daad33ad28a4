/* Moves the clock of programs that preload tests/system/preload/clock.c. */
#ifndef TESTS_SYSTEM_CLOCK_H
#define TESTS_SYSTEM_CLOCK_H

#include <stddef.h>
#include <time.h>

/* Makes a file that moves the clock of programs that start later, and writes
 * its path to NAME. Maps the file, and returns a pointer to its content: the
 * number of seconds that these programs add. */
volatile time_t *clock_take(char *name, size_t size);

#endif
