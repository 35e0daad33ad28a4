/* The end of a process that meets a broken invariant or a lying peer. A line
 * on standard error, then _exit. Never called by master for anything that a
 * peer did. */
#ifndef SALLYPORT_BASE_DIE_H
#define SALLYPORT_BASE_DIE_H

#include <stdnoreturn.h>

/* Before the first die() or say(); TITLE must live on. */
void die_title(const char *title);

/* STATUS is a sysexits(3) code. */
noreturn void die(int status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* One line on standard error, with the title. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
