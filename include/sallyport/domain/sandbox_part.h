/* The parts of a sandbox that allow_weaker can excuse: the configuration names
 * them, the sandbox leaves them out, and master reports it. */
#ifndef SALLYPORT_DOMAIN_SANDBOX_PART_H
#define SALLYPORT_DOMAIN_SANDBOX_PART_H

#include "sallyport/base/slice.h"

enum sandbox_part {
    SANDBOX_IDS = 1,
    SANDBOX_CHROOT = 2,
    SANDBOX_SECCOMP = 4,
    SANDBOX_LANDLOCK = 8,
};

#define SANDBOX_PARTS 4
extern const struct sandbox_part_row {
    enum sandbox_part part;
    const char *word;
} sandbox_parts[SANDBOX_PARTS];

/* The part of that name, or 0. */
unsigned sandbox_part_parse(struct slice word);
/* "seccomp"; "?" for anything but one part. */
const char *sandbox_part_word(unsigned part);

#endif
