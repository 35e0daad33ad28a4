/* A local file that is being downloaded: its bytes are under a temporary name
 * beside the target. A rename makes the file visible when it is complete. */
#ifndef CLIENT_PART_H
#define CLIENT_PART_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "fail.h"

struct part {
    int directory, fd;
    char name[NAME_MAX + 1]; /* the temporary name */
    uint64_t held;           /* bytes that an earlier try left */
};

#define PART_NONE ((struct part){ -1, -1, "", 0 })

/* Is NAME, without directories, one of these temporary names? */
bool part_is_name(const char *name);

/* Identifies the bytes: those of another file, or of another state of it, are
 * never continued. */
struct part_source {
    const char *server, *path; /* "USER@HOST:PORT" */
    uint64_t size;
    time_t modified;
    bool resume; /* false: it begins at its first byte */
};

/* Opens the partial file in the directory of TARGET. Returns 0, or -1 with the
 * reason, also while another process downloads the same. */
int part_open(struct part *p, const char *target,
              const struct part_source *from, struct failure *why);
/* Gives the file its name; without REPLACE, never that of an existing file.
 * WHEN is its time; 0: now. Returns 0; 1: the name is taken; -1 with the
 * reason. If the file system has lost bytes, the partial file is removed, since
 * nobody knows which. */
int part_finish(struct part *p, const char *target, bool replace, time_t when,
                struct failure *why);
/* Closes the file. KEEP: keeps it for the next try, unless the file system has
 * lost bytes. */
void part_close(struct part *p, bool keep);

#endif
