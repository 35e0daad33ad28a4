/* Memory that several processes share: a sealed file without a name. */
#ifndef SALLYPORT_BASE_SHARED_H
#define SALLYPORT_BASE_SHARED_H

#include <stddef.h>
#include <sys/mman.h>

#include "sallyport/base/slice.h"

/* Makes a file of SIZE zero bytes in memory. It is sealed, so that no process
 * can shorten it while another process maps it. Returns the descriptor or
 * -errno. NAME shows in /proc only. */
int shared_make(const char *name, size_t size);
/* Maps the first SIZE bytes of FD, which stays the caller's. No fork inherits
 * the mapped memory, and no core dump contains it. FD -1 means private memory.
 * PROTECTION is as for mmap(2). Returns the memory, or NULL with errno; EINVAL:
 * FD isn't sealed, or is too short. */
void *shared_map(int fd, size_t size, int protection);
/* Maps the struct to which the variable P will point. Returns 0 or -errno. */
#define SHARED_MAP(p, fd, protection)                                          \
    shared_map_to(&(p), (fd), sizeof(*(p)), (protection))
int shared_map_to(void *pointer, int fd, size_t size, int protection);
/* Unmaps P, unless it is NULL. Returns NULL. */
void *shared_unmap(const void *p, size_t size);
/* Unmaps the struct to which the variable P points, and sets P to NULL. */
#define SHARED_UNMAP(p) ((p) = shared_unmap((p), sizeof(*(p))))
/* Maps all of the sealed file FD for reading. If the file is empty, ret->ptr is
 * NULL. Returns 0 or -errno. The caller unmaps the memory by shared_unmap(). */
int shared_map_whole(int fd, struct slice *ret);

#endif
