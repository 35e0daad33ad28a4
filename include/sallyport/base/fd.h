/* Descriptors: ownership by a cleanup attribute, and whole reads and writes. */
#ifndef SALLYPORT_BASE_FD_H
#define SALLYPORT_BASE_FD_H

#include <stdbool.h>
#include <stddef.h>

#include "sallyport/base/buf.h"

/* Closes *fd unless it is negative, and sets it to -1. Keeps errno. */
void fd_close(int *fd);
#define FD_CLEANUP __attribute__((cleanup(fd_close)))

/* Returns *fd, which the caller owns from here on, and sets it to -1. */
int fd_take(int *fd);

int fd_set_nonblock(int fd, bool on); /* 0 or -errno */
int fd_set_cloexec(int fd, bool on);  /* 0 or -errno */

/* Two ends of a SOCK_SEQPACKET pair, non-blocking, close-on-exec. 0 or -errno
 */
int fd_pair(int ends[2]);

/* Writes all bytes; repeats short and interrupted writes. For blocking files. 0
 * or -errno */
int fd_write_all(int fd, const void *data, size_t len);
/* Reads the whole file by pread(2), without moving its position. 0; -EFBIG:
 * larger than the buffer's maximum; -errno */
int fd_read_file(int fd, struct buf *into);

/* A sealed memfd with these bytes (no write, no resize): the descriptor or
 * -errno. NAME is for /proc only. */
int fd_sealed(const char *name, struct slice bytes);

/* Closes all descriptors from FIRST on, except the N in KEEP. */
void fd_close_others(int first, const int *keep, size_t n);

#endif
