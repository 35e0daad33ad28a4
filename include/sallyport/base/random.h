/* Random bytes from the kernel. */
#ifndef SALLYPORT_BASE_RANDOM_H
#define SALLYPORT_BASE_RANDOM_H

#include <stddef.h>

/* Ends the process if the kernel gives none. */
void random_bytes(void *out, size_t len);

#endif
