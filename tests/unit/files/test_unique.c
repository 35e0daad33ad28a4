/* WRITE_UNIQUE, for STOU: a new name or none, also for users who may replace
 * files. */
#include "peer.h"

PeerTest(unique, stores_what_is_new, peer_start(p))
{
    int fd;

    DONE(ask_write(p, "/new", WRITE_UNIQUE, 0, 0, &fd));
    put_pattern(fd, 0, 100, 1);
    close(fd);
    DONE(ask_commit(p, 100));
    cr_expect(disk_is(p, "/new", 100, 1));
    cr_assert_eq(ask_write(p, "/new", WRITE_UNIQUE, 0, 0, &fd), OUTCOME_EXISTS);
    cr_expect_eq(disk_partials(p, "/"), 0);
}

/* The name was taken after the upload began. */
PeerTest(unique, never_replaces, peer_start(p))
{
    int fd;

    DONE(ask_write(p, "/new", WRITE_UNIQUE, 0, 0, &fd));
    put_pattern(fd, 0, 100, 1);
    close(fd);
    disk_fill(p, "/new", 50, 2);
    cr_expect_neq(ask_commit(p, 100), OUTCOME_OK);
    cr_expect(disk_is(p, "/new", 50, 2));
    /* The next upload may replace again. */
    DONE(ask_write(p, "/new", WRITE_STORE, 0, 0, &fd));
    put_pattern(fd, 0, 10, 3);
    close(fd);
    DONE(ask_commit(p, 10));
    cr_expect(disk_is(p, "/new", 10, 3));
}
