/* Master's place among the generations: what it inherits from the one before,
 * what the supervisor keeps for the next one, and whether it leads. */
#ifndef SALLYPORT_SRC_MASTER_SUCCESSION_H
#define SALLYPORT_SRC_MASTER_SUCCESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/loop.h"
#include "sallyport/ipc/channel.h"

struct master;

struct heirloom {
    const char *name;
    int fd;
};

struct succession {
    uint64_t generation;
    bool announced; /* the supervisor knows that gate accepts */
    bool leads;     /* this is the newest generation: its gate may accept */
    bool recovery;  /* nothing is read from the disk that was inherited */
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
/* In a recovery: a copy of the file that was in use under this path; else -1.
 */
int succession_recover_file(struct succession *s, const char *path);
/* The supervisor keeps a copy of the file FD, which is in use under PATH. */
int succession_keep_file(struct succession *s, const char *path, int fd);
/* Closes what was inherited and isn't used. */
void succession_settle(struct succession *s);
/* The supervisor keeps a copy of FD under NAME. May wait for it for a moment.
 * 0 or -errno */
int succession_keep(struct succession *s, const char *name, int fd);

/* Listens to the supervisor from here on. 0 or -errno */
int succession_start(struct master *m);
/* The start has failed: WHY goes to whoever asked for it. */
void succession_failed(struct succession *s, const char *why);
/* Everything is ready: the supervisor answers by MSG_lead, and gate opens. */
void succession_up(struct master *m);
/* Gate accepts. */
void succession_leading(struct master *m);

#endif
