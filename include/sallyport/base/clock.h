/* Time, and rates. Deadlines use the monotonic clock, so that a change of the
 * system's time ends nothing. */
#ifndef SALLYPORT_BASE_CLOCK_H
#define SALLYPORT_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Returns milliseconds since an arbitrary start. The clock never goes back. */
uint64_t clock_ms(void);
/* Returns microseconds of the same clock. */
uint64_t clock_us(void);

/* Is WHEN in the years 1 to 9999, which four digits can show? */
bool clock_has_year(time_t when);
/* Converts seconds since 1970 to UTC. A time outside the years 1 to 9999 is
 * clamped. The C library reads the time zone's file at the first call, so
 * sandbox_enter() calls tzset(3) before the sandbox closes. */
void clock_utc(time_t when, struct tm *ret);
/* Converts to local time, in the time zone that this process has read at its
 * start. Returns false for a time outside the years 1 to 9999. */
bool clock_local(time_t when, struct tm *ret);
/* Converts year, month, day, hour, minute and second of UTC to seconds since
 * 1970. Returns 0, or -ERANGE for a date that doesn't exist (month 13, second
 * 60) and for years before 1970 or after 9999. */
int clock_from_utc(const struct tm *tm, time_t *ret);

#define CLOCK_TEXT_MAX 32
/* Writes the current time: "2026-11-20T07:42:01.123Z". Returns OUT. */
const char *clock_text(char out[CLOCK_TEXT_MAX]);

/* A rate: each event adds EACH to a debt, which time pays off. If the debt can
 * be at most CREDIT, CREDIT / EACH events can happen at once, and then one
 * event in each EACH. *PAID is the time at which the debt is paid off; 0: there
 * is no debt. All values are in one unit of time, which the caller chooses. */

uint64_t debt_owed(const uint64_t *paid, uint64_t now);
/* Returns how long to wait until the debt can grow by EACH; 0: it can now. */
uint64_t debt_wait(const uint64_t *paid, uint64_t each, uint64_t credit,
                   uint64_t now);
/* Returns the same as debt_wait(), and adds EACH if the result is 0. */
uint64_t debt_take(uint64_t *paid, uint64_t each, uint64_t credit,
                   uint64_t now);
/* Adds EACH if the debt is below MOST. Otherwise the debt becomes MOST. */
void debt_add(uint64_t *paid, uint64_t each, uint64_t most, uint64_t now);

#endif
