/* The first bytes of one file into another. */
#ifndef FILES_COPY_H
#define FILES_COPY_H

#include <stdint.h>

/* The first LEN bytes of FROM become all of INTO, which must be empty: 0;
 * -EBUSY when FROM got shorter meanwhile; -errno. */
int copy_head(int from, int into, uint64_t len);

#endif
