/* Plays every request in the real sandbox, which only the release build has,
 * with and without root. peer_stop() fails if the sandbox has refused a system
 * call. */
#include "peer.h"

#define K 1024u

static void upload(struct peer *p, const char *path, enum write_mode mode,
                   uint64_t offset, size_t len, bool commit)
{
    int fd;

    DONE(ask_write(p, path, mode, offset, len, &fd));
    put_pattern(fd, p->first, len, 1);
    close(fd);
    DONE(ask_sync(p));
    DONE(commit ? ask_commit(p, len) : ask_abort(p));
}

static void go_through_all(struct peer *p)
{
    PLAY(p, MKD("/folder"), CWD("/folder"));
    upload(p, "/folder/f", WRITE_STORE, 0, 200 * K, false);
    DONE(ask_facts(p, "/folder/f", FACTS_FOR_SIZE));
    upload(p, "/folder/f", WRITE_APPEND, 0, 300 * K, true);
    upload(p, "/folder/f", WRITE_APPEND, 0, 400 * K, true);
    upload(p, "/folder/f", WRITE_STORE, 350 * K, 380 * K, true);
    upload(p, "/folder/tiny", WRITE_STORE, 0, 1, false);
    cr_assert(disk_is(p, "/folder/f", 380 * K, 1));
    DONE(ask_read(p, "/folder/f", 5, NULL));
    for (enum list_format l = 0; l < LIST_FORMAT_COUNT; l++) {
        DONE(ask_list(p, "/", l, ""));
        DONE(p->listed);
    }
    DONE(ask_facts(p, "/", FACTS_FOR_ANY));
    DONE(ask_times(p, "/folder/f", 5, 6));
    DONE(ask_mode(p, "/folder/f", 0600));
    DONE(ask_space(p, "/", UINT64_MAX));
    upload(p, "/folder/unique", WRITE_UNIQUE, 0, 5, true);
    PLAY(p, DELE("/folder/unique"), RNTO("/folder/f", "/f"));
    upload(p, "/g", WRITE_STORE, 0, 10, true);
    PLAY(p, RNTO("/g", "/f"), DELE("/f"));
    upload(p, "/folder/h", WRITE_STORE, 0, 200 * K, false);
    disk_age(p, disk_partial(p, "/folder"), 9);
    upload(p, "/elsewhere", WRITE_STORE, 0, 200 * K, false);
    upload(p, "/folder/i", WRITE_STORE, 0, 200 * K, false);
    PLAY(p, SWEEPS(HOUR, 1), RMD("/folder"), DELE("/elsewhere"));
}

static void run(struct peer *p)
{
    PLAY(p, p->start.rules.fsync = true, LINK("nowhere", "/dangling"),
         LINK("/", "/link"), RUN());
    go_through_all(p);
    peer_stop(p);
}

Test(sandbox, every_request)
{
    run(peer_new());
}

/* The process keeps the caller's uid, as it does if root hasn't started
 * sallyportd. */
Test(sandbox, every_request_without_root)
{
    struct peer *p = peer_new();

    if (geteuid() == 0) {
        cr_assert_eq(chown(p->home, 0, 0), 0);
        p->start.root = false;
    }
    run(p);
}
