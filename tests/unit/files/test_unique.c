/* WRITE_UNIQUE, for STOU: an upload never replaces a file, even if the user may
 * replace files. */
#include "peer.h"

PeerTest(unique, never_replaces, peer_start(p))
{
    DONE(ask_put(p, "/new", WRITE_UNIQUE, 0, 100, 1));
    PLAY(p, OPENS(UNIQUE, "/new", 0, 0, EXISTS), PARTIALS("/", 0));
    /* The name is taken after the upload has begun. */
    PLAY(p, SENDS(UNIQUE, "/late", 0, 100, 1), FILL("/late", 50, 2));
    cr_expect_neq(ask_commit(p, 100), OUTCOME_OK);
    cr_expect(disk_is(p, "/late", 50, 2));
    /* The next STOR can replace the file. */
    PLAY(p, STOR("/late", 10, 3), IS("/late", 10, 3));
}
