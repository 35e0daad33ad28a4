/* Ends a process after a broken invariant or a peer that lies: one line on
 * standard error, then _exit(2). Master never calls it for anything that a peer
 * did. */
#ifndef SALLYPORT_BASE_DIE_H
#define SALLYPORT_BASE_DIE_H

#include <stdnoreturn.h>

/* STATUS is a sysexits(3) code. */
noreturn void die(int status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
