/* The rename that makes an upload visible. */
#ifndef FILES_PLACE_H
#define FILES_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "sallyport/base/conflict.h"

struct files;
struct upload;

/* May an upload begin, where a file, or a LINK to one, has its name? 0,
 * NO_RIGHT or NAME_TAKEN. */
int place_permitted(const struct files *f, bool link);
/* Gives the open upload its name, as on_conflict says, without ever replacing
 * a file that it may not: 0, and the upload's name and path are those under
 * which it is visible; else an enum outcome or -errno, and the partial stands
 * under its own name. */
int place_upload(const struct files *f, struct upload *u);

/* The Nth name to try instead of NAME, N from 1: for CONFLICT_RENAME "a (2).b"
 * or "new-a.b", for CONFLICT_VERSION "a.b.~1~". Cut between characters where
 * it would be longer than SIZE - 1. */
void place_name(enum conflict conflict, enum conflict_name style,
                const char *name, unsigned n, char *out, size_t size);

#endif
