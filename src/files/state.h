/* What the process files knows. It is passed to every part of the room; there
 * is no other state. */
#ifndef FILES_STATE_H
#define FILES_STATE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "copy.h"
#include "partial.h"
#include "resume.h"
#include "sallyport/base/siphash.h"
#include "sallyport/domain/limits.h"
#include "sallyport/domain/outcome.h"
#include "sallyport/event/event.h"
#include "sallyport/files/files.h"
#include "sallyport/ftp/path.h"
#include "sallyport/ipc/channel.h"
#include "told.h"

/* The upload that is open while the session's channel is in PHASE_WRITING, and
 * what is known of it until the session has its answer. */
struct upload {
    bool open;
    bool untold;   /* if the session dies, nobody has logged it */
    bool prepared; /* its length is checked, and all of it is synced */
    bool stands;   /* the rename was done */
    enum write_mode mode;
    uint64_t began, first, length; /* clock_ms(); where it began, how far */
    int directory;                 /* where the target and its partial stand */
    char name[NAME_MAX + 1];
    struct path path; /* of the target, as the client named it */
    enum conflict conflict;
    bool onto_nothing; /* APPE: must the name still be free at the commit? */
    struct partial partial;
    struct copy copy; /* of the file that REST or APPE continues with */
};

struct files {
    struct files_rules rules;
    unsigned rights;
    const char *user;
    uint8_t name_key[SIPHASH_KEY];
    uid_t uid;
    gid_t gid;
    gid_t groups[GROUPS_MAX];
    int group_count;
    int root; /* the home; every path is resolved beneath it */
    struct channel session, master;
    struct event_sender log;
    bool over;   /* session or master is gone */
    bool orphan; /* master is */
    int died;    /* the signal that ended the session; 0: it left, or lives */
    struct upload upload;
    struct told told;
    bool no_marks;      /* logged: confirmed lengths can't be stored */
    dev_t swept_device; /* the directory that was swept last */
    ino_t swept_inode;
};

#endif
