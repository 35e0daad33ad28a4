/* Arena for OpenSSL's memory in a process that forks. */
#ifndef SALLYPORT_TLS_ARENA_H
#define SALLYPORT_TLS_ARENA_H

#include <stdbool.h>

/* From now on OpenSSL's allocations lie close together, except large pieces.
 * Call it before any other function that uses OpenSSL: otherwise, and with
 * AddressSanitizer, it returns false, and all pieces come from malloc. */
bool tls_arena_begin(void);
/* From now on all pieces come from malloc, and freeing an earlier piece does
 * nothing, so that a forked session doesn't copy its page. Call it at the end
 * of the set-up. */
void tls_arena_end(void);

#endif
