/* The build of this program. Master and the processes that it executes must be
 * of one build. */
#ifndef SALLYPORT_IPC_BUILD_H
#define SALLYPORT_IPC_BUILD_H

#include <stdbool.h>
#include <stdint.h>

struct channel;

/* Returns "0.2.0-5f0c2d1b": the version, and a hash of the sources. */
const char *build_name(void);
/* Writes the same name, filled up with NULs. What one process gives another one
 * as a struct begins with it, since two builds may have structs of the same
 * size with different fields. */
#define BUILD_NAME_MAX 64
void build_name_fill(char out[BUILD_NAME_MAX]);
/* Is NAME, filled up like that, the name of this build? */
bool build_name_is(const char name[BUILD_NAME_MAX]);
/* Returns a hash of the list of messages, that is, of all that both ends must
 * agree on. */
uint64_t build_messages(void);
/* Sends `build`, the first message of a child. If it fails, the set-up finds
 * out. */
void build_tell(struct channel *master);

#endif
