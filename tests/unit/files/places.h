/* The places and names of tests/support/dimensions.h in the tree of a peer. */
#ifndef TEST_FILES_PLACES_H
#define TEST_FILES_PLACES_H

#include "peer.h"
#include "support/dimensions.h"

struct files_place {
    const char *path;  /* of a directory, for the client */
    const char *disk;  /* the same one, for the functions disk_… */
    const char *share; /* NULL: it is in the home */
    unsigned rights;
    const char *why_not;
};

extern const struct files_place files_places[PLACE_COUNT];

/* Is the place to be played here? Then all processes that are forked later find
 * their disks as there. */
bool places_go(enum place_kind place);
/* Call it before peer_run(): makes the place's share. */
void places_furnish(struct peer *p, enum place_kind place);
/* Makes the place's directory, unless it is there. */
void places_enter(struct peer *p, enum place_kind place);

/* Makes what a name can lead to at PATH of the disk. Files have 50 bytes of
 * pattern 1; links lead to "there" beside PATH. Returns PATH, or the path in
 * its other case. */
const char *names_make(struct peer *p, enum name_is is, const char *path);

#endif
