/* Whether the files of certificates and keys have changed. */
#ifndef SALLYPORT_SRC_MASTER_STAMPS_H
#define SALLYPORT_SRC_MASTER_STAMPS_H

#include "certificates.h"

/* Of all that is open. */
void stamps_take(struct pair_set *set);
/* The same files under the same names, and nobody has changed one between. */
bool stamps_are_same(const struct pair_set *a, const struct pair_set *b);
/* Marks in SET, just opened, what CURRENT has too: it is in use. */
void stamps_compare(struct pair_set *set, const struct pair_set *current);

#endif
