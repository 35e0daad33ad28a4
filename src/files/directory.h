/* Reading a directory, in constant memory and in the order of the disk. */
#ifndef FILES_DIRECTORY_H
#define FILES_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIRECTORY_BYTES 32768

struct directory {
    int fd;
    size_t len, at;
    bool maybe_directory; /* the last name is one, or the disk doesn't say */
    uint8_t bytes[DIRECTORY_BYTES] __attribute__((aligned(8)));
};

/* FD stays the caller's; it must be at its start. */
void directory_begin(struct directory *d, int fd);
/* 1: *name is the next one ("." and ".." are left out), until the next call.
 * 0: the end. -errno */
int directory_next(struct directory *d, const char **name);

#endif
