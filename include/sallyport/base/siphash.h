/* SipHash-2-4 (Aumasson and Bernstein): a keyed hash for names and tables. */
#ifndef SALLYPORT_BASE_SIPHASH_H
#define SALLYPORT_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY 16

uint64_t siphash(const uint8_t key[SIPHASH_KEY], const void *data, size_t len);

#endif
