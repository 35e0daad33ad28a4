/* Descriptors: ownership by a cleanup attribute, and whole reads and writes. */
#ifndef SALLYPORT_BASE_FD_H
#define SALLYPORT_BASE_FD_H

#include <stdbool.h>
#include <stddef.h>

#include "sallyport/base/buf.h"

/* Closes *fd if it is >= 0 and makes it -1; keeps errno. */
void fd_close(int *fd);
#define FD_CLEANUP __attribute__((cleanup(fd_close)))

/* Gives *fd to the caller and leaves -1. */
int fd_take(int *fd);

int fd_set_nonblock(int fd, bool on); /* 0 or -errno */
int fd_set_cloexec(int fd, bool on);  /* 0 or -errno */

/* Two ends of a SOCK_SEQPACKET pair, non-blocking, close-on-exec. 0 or -errno
 */
int fd_pair(int ends[2]);

/* All of it, over short writes and EINTR: 0 or -errno. For blocking files. */
int fd_write_all(int fd, const void *data, size_t len);
/* To the end of the file from its start by pread, at most the buffer's
 * maximum: 0, -EFBIG, -errno. */
int fd_read_file(int fd, struct buf *into);

/* A sealed memfd with these bytes (no write, no resize): the descriptor or
 * -errno. NAME is for /proc only. */
int fd_sealed(const char *name, struct slice bytes);

/* Closes all descriptors from FIRST on, but those in KEEP (N of them). */
void fd_close_others(int first, const int *keep, size_t n);

#endif
