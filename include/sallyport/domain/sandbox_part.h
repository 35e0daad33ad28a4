/* The parts of a sandbox that allow_weaker can leave out: the configuration
 * names them, and master reports each part that is missing. */
#ifndef SALLYPORT_DOMAIN_SANDBOX_PART_H
#define SALLYPORT_DOMAIN_SANDBOX_PART_H

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

/* Returns "seccomp" and so on; "?" for anything but one part. */
const char *sandbox_part_word(unsigned part);

#endif
