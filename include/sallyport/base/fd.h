/* Descriptors: ownership by a cleanup attribute, and whole reads and writes. */
#ifndef SALLYPORT_BASE_FD_H
#define SALLYPORT_BASE_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/buf.h"

/* Closes *fd unless it is negative, and sets it to -1. errno doesn't change. */
void fd_close(int *fd);
#define FD_CLEANUP __attribute__((cleanup(fd_close)))

/* Returns *fd, which the caller owns from now on, and sets it to -1. */
int fd_take(int *fd);

int fd_set_nonblock(int fd, bool on); /* returns 0 or -errno */
int fd_set_cloexec(int fd, bool on);  /* returns 0 or -errno */

/* Makes the two ends of a SOCK_SEQPACKET pair, non-blocking and close-on-exec.
 * Returns 0 or -errno. */
int fd_pair(int ends[2]);

/* Writes all bytes to a blocking file; repeats short and interrupted writes.
 * Returns 0 or -errno. */
int fd_write_all(int fd, const void *data, size_t len);
/* Locks the file of FD by flock(2), against everybody who has opened it
 * separately. Waits at most MS milliseconds. Returns 0; -ETIMEDOUT: somebody
 * else still has the lock; another -errno. */
int fd_lock(int fd, uint64_t ms);
/* Can another machine change files on this disk, too? Returns true if the file
 * system is FUSE (such as GlusterFS), NFS, CephFS or SMB, or if fstatfs(2)
 * can't tell its type. */
bool fd_on_network_disk(int fd);
/* Is ERROR the errno of a disk that fails or can't be reached? */
bool fd_is_away(int error);
/* The same, or of a full disk, or of a lack of memory or descriptors: can a
 * later try succeed? */
bool fd_may_pass(int error);
/* Call it if F_SETLEASE on FD has failed with ERROR. Returns true if ERROR only
 * means that the disk has no leases, not that somebody has the file open. */
bool fd_has_no_leases(int fd, int error);
/* Reads the whole file by pread(2), without moving its position. Returns 0;
 * -EFBIG: the file is larger than the buffer's maximum; another -errno. */
int fd_read_file(int fd, struct buf *into);

/* Makes a memfd with BYTES, sealed against writing and resizing. Returns the
 * descriptor or -errno. NAME shows in /proc only. */
int fd_sealed(const char *name, struct slice bytes);
/* Makes a sealed memfd with the bytes of the file FROM, but at most its first
 * MOST bytes. sendfile(2) copies the bytes, so this process's memory never has
 * them. The seccomp filters refuse sendfile(2), so call fd_sealed_copy() and
 * fd_copy() before the sandbox closes. Returns the descriptor or -errno. */
int fd_sealed_copy(const char *name, int from, size_t most);
/* Writes the bytes of the file FROM, but at most its first MOST bytes, to the
 * file TO, at TO's position. Returns 0 or -errno. */
int fd_copy(int to, int from, size_t most);
/* Seals a memfd against writing and resizing, and seeks to its start. Returns 0
 * or -errno. */
int fd_seal(int fd);
/* Is FD sealed against writing and resizing? */
bool fd_is_sealed(int fd);

/* Opens /dev/null for each of the descriptors 0 to 2 that is closed, in the
 * wrong direction, so that a read or write fails. Otherwise the next file or
 * socket would get such a number, and the process would write messages to it.
 */
void fd_fill_standard(void);
/* Closes all descriptors from FIRST on, except the N in KEEP. */
void fd_close_others(int first, const int *keep, size_t n);

#endif
