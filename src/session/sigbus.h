/* Survives SIGBUS: a mapped file can be cut by another process. */
#ifndef SALLYPORT_SRC_SESSION_SIGBUS_H
#define SALLYPORT_SRC_SESSION_SIGBUS_H

#include <stdbool.h>
#include <stddef.h>

/* Installs the handler. */
void sigbus_init(void);
/* Until the next call a fault in these bytes is survived: its page becomes
 * zeros, and sigbus_hit() true. Other faults kill, as usual. */
void sigbus_watch(const void *start, size_t len);
bool sigbus_hit(void);

#endif
