/* How much of a partial is on the disk for certain. */
#ifndef FILES_CONFIRMED_H
#define FILES_CONFIRMED_H

#include <stdbool.h>
#include <stdint.h>

struct files;
struct stat;

/* The confirmed length of the partial FD, whose facts are *st. 0 where there is
 * no mark. */
uint64_t confirmed_length(const struct files *f, int fd, const struct stat *st);

/* Has FD a mark, of any kind? */
bool confirmed_is_marked(int fd);

/* Syncs the bytes of FD, then counts them: 0; -errno when the sync failed, and
 * then no byte of this partial counts any more. A mark that can't be written is
 * no error: it stays lower. */
int confirmed_raise(struct files *f, int fd);

/* No more than LENGTH counts, also after a power cut. To be called before a
 * byte at LENGTH or after it is overwritten or cut. 0 or -errno. */
int confirmed_lower(const struct files *f, int fd, uint64_t length);

/* To be called before SIZE reports a length of the partial FD to any client:
 * from then on the rest of that file may come, on any connection. The record
 * survives a power cut. 0 or -errno. */
int confirmed_report(const struct files *f, int fd);
bool confirmed_is_reported(int fd);

/* For a partial that becomes a file. Was its length reported? */
bool confirmed_remove(int fd);

#endif
