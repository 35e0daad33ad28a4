/* A local file that is being downloaded: its bytes stand under a temporary
 * name beside the target, which a rename makes visible when all are there. */
#ifndef CLIENT_PART_H
#define CLIENT_PART_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "fail.h"

struct part {
    int directory, fd;
    char name[NAME_MAX + 1]; /* temporary */
    uint64_t held;           /* bytes that an earlier try has left */
};

#define PART_NONE ((struct part){ -1, -1, "", 0 })

/* What the bytes belong to; bytes of another file or of another state of it
 * are never continued. */
struct part_source {
    const char *server, *path; /* "USER@HOST:PORT" */
    uint64_t size;
    time_t modified;
    bool resume; /* else it begins at its first byte */
};

/* In the directory of TARGET. -1 with the reason, also while another process
 * downloads the same. */
int part_open(struct part *p, const char *target,
              const struct part_source *from, struct failure *why);
/* Gives it its name; without REPLACE never that of a file that is there. WHEN
 * is its time, 0: now. 0; 1: the name is taken; -1 with the reason. */
int part_finish(struct part *p, const char *target, bool replace, time_t when,
                struct failure *why);
/* Closes it; KEEP: the next try continues it. */
void part_close(struct part *p, bool keep);

#endif
