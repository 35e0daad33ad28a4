/* Time, and rates. Deadlines use the monotonic clock, so a change of the
 * system's time doesn't end them early or late. */
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
/* Converts seconds since 1970 to UTC. A time before year 1 or after 9999
 * becomes the first or last second of those years. The C library reads the time
 * zone's file at the first call, so sandbox_enter() calls tzset(3) before the
 * sandbox closes. */
void clock_utc(time_t when, struct tm *ret);
/* Converts seconds since 1970 to local time, in the time zone that this process
 * has read at its start. Returns false for a time outside the years 1 to 9999.
 */
bool clock_local(time_t when, struct tm *ret);
/* Converts year, month, day, hour, minute and second of UTC to seconds since
 * 1970. Returns 0, or -ERANGE for a date that doesn't exist (month 13, second
 * 60) and for years before 1970 or after 9999. */
int clock_from_utc(const struct tm *tm, time_t *ret);

#define CLOCK_TEXT_MAX 32
/* Writes the current time: "2026-11-20T07:42:01.123Z". Returns OUT. */
const char *clock_text(char out[CLOCK_TEXT_MAX]);

/* Limits a rate of events. Each event adds the time EACH to a debt, which falls
 * as time passes. If CREDIT is the largest debt, CREDIT / EACH events can
 * happen at once, and after them one event per EACH. *PAID is the time at which
 * the debt will be 0; 0: there is no debt. The caller chooses the unit of time,
 * the same for all values. */

uint64_t debt_owed(const uint64_t *paid, uint64_t now);
/* Returns the time to wait until an event can add EACH without a debt over
 * CREDIT; 0: the event can happen now. */
uint64_t debt_wait(const uint64_t *paid, uint64_t each, uint64_t credit,
                   uint64_t now);
/* Returns the result of debt_wait(). If it is 0, adds EACH to the debt. */
uint64_t debt_take(uint64_t *paid, uint64_t each, uint64_t credit,
                   uint64_t now);
/* Adds EACH to the debt if it is below MOST. Otherwise the debt becomes MOST.
 */
void debt_add(uint64_t *paid, uint64_t each, uint64_t most, uint64_t now);

#endif
