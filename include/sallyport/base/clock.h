/* Time. Deadlines run on the monotonic clock, so a clock step ends nothing. */
#ifndef SALLYPORT_BASE_CLOCK_H
#define SALLYPORT_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Milliseconds since some start, never going back. */
uint64_t clock_ms(void);
/* Microseconds of the same clock. */
uint64_t clock_us(void);

/* Is it in one of the years 1 to 9999, which four digits can show? */
bool clock_has_year(time_t when);
/* Seconds since 1970 to UTC fields without reading any time zone file (works
 * in a cage). Years 1 to 9999; others are clamped. */
void clock_utc(time_t when, struct tm *ret);
/* The way back: year, month, day, hour, minute, second. -ERANGE for what no
 * calendar has (month 13, second 60), and for years out of 1970 to 9999. */
int clock_from_utc(const struct tm *tm, time_t *ret);

#define CLOCK_TEXT_MAX 32
/* "2026-11-20T07:42:01.123Z" of now. Returns out. */
const char *clock_text(char out[CLOCK_TEXT_MAX]);

#endif
