/* Time. Deadlines use the monotonic clock, so that a change of the system's
 * time ends nothing. */
#ifndef SALLYPORT_BASE_CLOCK_H
#define SALLYPORT_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Returns milliseconds since an arbitrary start; they never go back. */
uint64_t clock_ms(void);
/* Returns microseconds of the same clock. */
uint64_t clock_us(void);

/* Is WHEN in the years 1 to 9999, which four digits can show? */
bool clock_has_year(time_t when);
/* Converts seconds since 1970 to UTC. It reads no time zone file, so that it
 * works in a sandbox. A time outside the years 1 to 9999 is clamped. */
void clock_utc(time_t when, struct tm *ret);
/* Converts year, month, day, hour, minute and second of UTC to seconds since
 * 1970. Returns 0, or -ERANGE for a date that doesn't exist (month 13, second
 * 60) and for years before 1970 or after 9999. */
int clock_from_utc(const struct tm *tm, time_t *ret);

#define CLOCK_TEXT_MAX 32
/* Writes the present time: "2026-11-20T07:42:01.123Z". Returns OUT. */
const char *clock_text(char out[CLOCK_TEXT_MAX]);

#endif
