/* A mapped file can lose its tail to somebody else: SIGBUS, survived. */
#ifndef SALLYPORT_SRC_SESSION_SIGBUS_H
#define SALLYPORT_SRC_SESSION_SIGBUS_H

#include <stdbool.h>
#include <stddef.h>

/* Installs the handler. */
void sigbus_init(void);
/* Faults in here are survived: the page becomes zeros and sigbus_hit() true,
 * until the next call. Faults elsewhere kill, as ever. */
void sigbus_watch(const void *start, size_t len);
bool sigbus_hit(void);

#endif
