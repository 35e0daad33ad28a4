/* Arena for OpenSSL's memory in a process that forks. */
#ifndef SALLYPORT_TLS_ARENA_H
#define SALLYPORT_TLS_ARENA_H

#include <stdbool.h>

/* From now on what OpenSSL allocates lies close together, except large pieces.
 * Call it before any other function that uses OpenSSL: else it returns false,
 * and all comes from malloc. So it does with AddressSanitizer. */
bool tls_arena_begin(void);
/* From now on all pieces come from malloc, and to free an earlier piece does
 * nothing, so that a forked session doesn't copy its page. Call it at the end
 * of the set-up. */
void tls_arena_end(void);

#endif
