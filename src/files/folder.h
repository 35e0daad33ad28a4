/* Reading a folder, in constant memory and in the order of the disk. */
#ifndef FILES_FOLDER_H
#define FILES_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FOLDER_BYTES 32768

struct folder {
    int fd;
    size_t len, at;
    bool maybe_folder; /* the last name: it is one, or the disk doesn't say */
    uint8_t bytes[FOLDER_BYTES] __attribute__((aligned(8)));
};

/* FD stays the caller's; it must be at its start. */
void folder_begin(struct folder *d, int fd);
/* 1: *name is the next one ("." and ".." are left out), until the next call.
 * 0: the end. -errno */
int folder_next(struct folder *d, const char **name);

#endif
