/* Master's place among the generations: what it inherits from the one before,
 * what the supervisor keeps for the next one, and whether it leads. */
#ifndef SALLYPORT_SRC_MASTER_CORE_SUCCESSION_H
#define SALLYPORT_SRC_MASTER_CORE_SUCCESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/loop.h"
#include "sallyport/ipc/channel.h"

struct heirloom {
    const char *name;
    int fd;
};

struct succession {
    uint64_t generation;
    bool leads;    /* this is the newest generation */
    bool adopts;   /* gate adopts sessions before it accepts */
    bool serves;   /* gate has said that it accepts */
    bool recovery; /* nothing is read from the disk that was inherited */
    struct channel supervisor;
    struct loop_watch watch;
    struct buf names; /* of the heirlooms */
    struct heirloom *heirloom;
    size_t count;
};

/* No supervisor, nothing inherited: as a test starts master. */
void succession_init(struct succession *s);
/* As the supervisor starts it. 0 or -errno: nobody but it has to start it. */
int succession_open(struct succession *s);
void succession_release(struct succession *s);

/* The inherited descriptor of that name, the caller's from here on; or -1. S
 * may be NULL. */
int succession_inherit(struct succession *s, const char *name);
/* One whose name begins so and that nobody has taken, or -1. */
int succession_inherit_any(struct succession *s, const char *kind);
/* In a recovery: a copy of the file that was in use under this path; else -1.
 */
int succession_recover_file(struct succession *s, const char *path);
/* The generation before used the file that FD is open on, unchanged, under this
 * path. */
bool succession_had_file(const struct succession *s, const char *path, int fd);
/* The supervisor keeps a copy of the file FD, which is in use under PATH. */
int succession_keep_file(struct succession *s, const char *path, int fd);
/* Closes what was inherited and isn't used. */
void succession_settle(struct succession *s);
/* The supervisor keeps a copy of FD under NAME. May wait for it for a moment.
 * 0 or -errno */
int succession_keep(struct succession *s, const char *name, int fd);

/* The start has failed: WHY goes to whoever asked for it. */
void succession_failed(struct succession *s, const char *why);
/* Asks for a reload: the number that MSG_renewed will name, or 0: there is
 * nobody to ask. */
uint32_t succession_renew(struct succession *s);

#endif
