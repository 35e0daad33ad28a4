/* WRITE_UNIQUE, for STOU: an upload never replaces a file, even if the user may
 * replace files. */
#include "peer.h"

PeerTest(unique, never_replaces, peer_start(p))
{
    DONE(ask_put(p, "/new", WRITE_UNIQUE, 0, 100, 1));
    GETS(EXISTS, ask_write(p, "/new", WRITE_UNIQUE, 0, 0, NULL));
    cr_expect_eq(disk_partials(p, "/"), 0);
    /* The name is taken after the upload has begun. */
    DONE(ask_upload(p, "/late", WRITE_UNIQUE, 0, 100, 1));
    disk_fill(p, "/late", 50, 2);
    cr_expect_neq(ask_commit(p, 100), OUTCOME_OK);
    cr_expect(disk_is(p, "/late", 50, 2));
    /* The next STOR can replace the file. */
    ask_store(p, "/late", 10, 3);
    cr_expect(disk_is(p, "/late", 10, 3));
}
