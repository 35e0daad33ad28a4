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
    bool serves;   /* gate has reported that it accepts */
    bool recovery; /* a file that was inherited isn't read from the disk */
    struct channel supervisor;
    struct loop_watch watch;
    struct buf names; /* of the inherited descriptors */
    struct heirloom *heirloom;
    size_t count;
};

/* Sets no supervisor and nothing inherited. A test starts master in this
 * way. */
void succession_init(struct succession *s);
/* Takes what the supervisor has prepared. Returns 0 or -errno: this process
 * wasn't started by a supervisor. */
int succession_open(struct succession *s);
void succession_release(struct succession *s);

/* Returns the inherited descriptor of that name, which the caller then owns, or
 * -1. S may be NULL. */
int succession_inherit(struct succession *s, const char *name);
/* Returns an inherited descriptor whose name begins with KIND and that nobody
 * has taken, or -1. */
int succession_inherit_any(struct succession *s, const char *kind);
/* During a recovery: returns a copy of the file that was in use under this
 * path. Otherwise returns -1. */
int succession_recover_file(struct succession *s, const char *path);
/* Did the generation before use the file that FD is open on, unchanged, under
 * this path? */
bool succession_had_file(const struct succession *s, const char *path, int fd);
/* Asks the supervisor to keep a copy of the file FD, which is in use under
 * PATH. */
int succession_keep_file(struct succession *s, const char *path, int fd);
/* Closes the inherited descriptors that nobody has taken. */
void succession_settle(struct succession *s);
/* As SEND() to the supervisor, but it waits a moment for room: no message may
 * be lost. */
#define SUCCESSION_SAY(s, name, ...)                                           \
    succession_say(s, MSG_##name, MESSAGE_BODY(name, __VA_ARGS__))
int succession_say(struct succession *s, enum message_kind kind,
                   const void *body);
/* Asks the supervisor to keep a copy of FD under NAME, and waits as above.
 * Returns 0 or -errno. */
int succession_keep(struct succession *s, const char *name, int fd);

/* Reports to the supervisor that the start has failed because of WHY. */
void succession_failed(struct succession *s, const char *why);
/* Asks the supervisor for a reload. Returns the number that MSG_renewed will
 * have, or 0: there is no supervisor. */
uint32_t succession_renew(struct succession *s);

#endif
