/* An arena for the memory that OpenSSL allocates in a process that forks. */
#ifndef SALLYPORT_TLS_ARENA_H
#define SALLYPORT_TLS_ARENA_H

#include <stdbool.h>

/* Begins the arena: from now on OpenSSL's allocations lie close together,
 * except large pieces. Call it before any other function that uses OpenSSL.
 * Returns false if the call comes too late, or with AddressSanitizer: then all
 * pieces come from malloc. */
bool tls_arena_begin(void);
/* Ends the arena: from now on all pieces come from malloc. Freeing an earlier
 * piece does nothing, so that a forked session doesn't copy the page of that
 * piece. Call it at the end of the set-up. */
void tls_arena_end(void);

#endif
