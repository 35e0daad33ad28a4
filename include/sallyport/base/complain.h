/* How a process says what is wrong: to the person who wrote an input, on
 * standard error, and at its end. */
#ifndef SALLYPORT_BASE_COMPLAIN_H
#define SALLYPORT_BASE_COMPLAIN_H

#include <stdbool.h>

/* A complaint says what is wrong with an input, in words for the person who
 * wrote that input. */
#define COMPLAINT_MAX 512

struct complaint {
    char text[COMPLAINT_MAX]; /* "" while there is none */
};

/* Writes the text unless there is one already: the first complaint stays.
 * Always returns -EINVAL. */
int complain(struct complaint *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints lines on standard error, each with the title of the process before
 * it. Call this before the first line. It keeps TITLE, which must not change.
 */
void stderr_title(const char *title);
/* WAITS: may stderr_print() block? Yes for a program that a person runs;
 * daemons must not. */
void stderr_wait(bool waits);
/* Prints one line. It never waits: a line that standard error can't take now is
 * lost. */
void stderr_print(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Ends a process after a broken invariant, or because a peer lies: one line on
 * standard error, then _exit(2). Master never calls it for anything that a peer
 * did. STATUS is a sysexits(3) code. */
_Noreturn void die(int status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
