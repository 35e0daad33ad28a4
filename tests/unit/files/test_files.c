/* The start of the process, and the causes of its end, among them a session
 * that breaks the protocol. */
#include <grp.h>
#include <linux/magic.h>
#include <sys/resource.h>

#include "peer.h"
#include "sallyport/ftp/listing.h"
#include "support/cast.h"
#include "support/lie.h"
#include "support/processes.h"
#include "support/wait.h"
#include "syncs.h"

#define LIE(name, ...)                                                         \
    {                                                                          \
        .kind = MSG_##name, .name = { __VA_ARGS__ }                            \
    }

Test(files, lies_end_it)
{
    static const struct {
        struct message lie;
        const char *why;
    } rows[] = {
        { { .kind = MSG_file_sync }, "nothing is open" },
        { { .kind = MSG_file_commit }, "nothing is open" },
        { { .kind = MSG_file_abort }, "nothing is open" },
        { LIE(file_read, .path = SLICE("/a/../b")),
          "a path that isn't normal" },
        { LIE(file_read, .path = SLICE("/a/")), "a slash at the end" },
        { LIE(directory_make, .path = SLICE("//a")), "an empty component" },
        { LIE(directory_enter, .path = SLICE("/./a")), "a dot" },
        { LIE(rename, .from = SLICE("/a"), .to = SLICE("/..")),
          "the second path" },
        { LIE(file_write, .path = SLICE("/a"), .mode = WRITE_MODE_COUNT),
          "an unknown mode" },
        { LIE(directory_list, .path = SLICE("/"), .format = LIST_FORMAT_COUNT,
              .argument = SLICE("")),
          "an unknown format" },
        { LIE(directory_list, .path = SLICE("/"), .format = LIST_FACTS,
              .argument = SLICE(""), .facts = LISTING_ALL + 1),
          "an unknown fact" },
        { LIE(times, .path = SLICE("/a"), .access = -1), "a time before 1970" },
        { LIE(times, .path = SLICE("/a"), .modify = -1), "a time before 1970" },
        { LIE(times, .path = SLICE("/a"), .access = 253402300800),
          "the year 10000" },
        { LIE(times, .path = SLICE("/a"), .modify = 253402300800),
          "the year 10000" },
        { LIE(mode, .path = SLICE("/a"), .mode = 04755), "set-user-ID" },
        { LIE(mode, .path = SLICE("/a"), .mode = 01777), "the sticky bit" },
        { LIE(mode, .path = SLICE("/a"),
              .mode = UINT64_C(0644) | UINT64_C(1) << 32),
          "more than a mode" },
        { LIE(facts, .path = SLICE("/"), .purpose = FACTS_FOR_COUNT),
          "an unknown purpose" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer *p = peer_new();
        struct message lie = rows[i].lie;

        PLAY(p, PUT("/a", "hello"), RUN());
        lie.request = 1;
        cr_expect_eq(lie_send(&p->session, lie.kind, &lie.request), 0, "%s",
                     rows[i].why);
        cr_expect_eq(peer_wait(p), EX_PROTOCOL, "%s", rows[i].why);
        cr_expect(disk_has(p, "/a"));
        peer_remove(p);
    }
}

/* While an upload is open, only its own requests are permitted. */
Test(files, second_upload_ends_it)
{
    struct peer *p = peer_started();

    DONE(ask_write(p, "/f", WRITE_STORE, 0, 0, NULL));
    REQUEST(&p->session, directory_enter, .path = SLICE("/"));
    cr_expect_eq(peer_wait(p), EX_PROTOCOL);
    peer_remove(p);
}

/* The session reads no answer: the process ends when no more answers fit into
 * the socket. */
Test(files, session_that_never_reads)
{
    struct peer *p = peer_started();
    struct pollfd room = { .events = POLLOUT };
    int r = 0;

    room.fd = p->session.fd;
    while (r == 0 || r == -EAGAIN) {
        r = SEND(&p->session, directory_enter, NEXT(p), .path = SLICE("/"));
        if (r == -EAGAIN)
            cr_assert_eq(poll(&room, 1, PEER_MS), 1);
    }
    cr_expect_eq(r, -EPIPE);
    cr_expect_eq(peer_wait(p), EX_PROTOCOL);
    peer_remove(p);
}

Test(files, master_that_lies)
{
    struct peer *p = peer_started();

    cr_assert_eq(send(p->master.fd, "lie", 3, MSG_NOSIGNAL), 3);
    cr_expect_eq(peer_wait(p), EX_PROTOCOL);
    peer_remove(p);
}

struct descriptors {
    pid_t pid;
    size_t wanted;
};

static bool has_as_many(void *argument)
{
    const struct descriptors *d = argument;

    return process_descriptors(d->pid) == d->wanted;
}

/* No descriptor stays open after a request. Files answers a LIST before it
 * closes the directory. */
PeerTest(files, keeps_no_descriptor, peer_init(p))
{
    PLAY(p, PUT("/f", "hello"), DIRECTORY("/folder"), PUT("/folder/f", "hello"),
         LINK("folder/f", "/link"), RUN());
    struct descriptors have = { p->pid, process_descriptors(p->pid) };
    for (int i = 0; i < 100; i++) {
        GETS(OK, ask_read(p, "/f", 0, NULL));
        GETS(BAD_OFFSET, ask_read(p, "/f", 9, NULL));
        PLAY(p, RETR("/folder", IS_DIRECTORY), OPENS(STORE, "/folder/g", 0, 0),
             COMMIT(0), OPENS(APPEND, "/folder/g", 0, 0), ABORT(),
             OPENS(STORE, "/folder", 0, 0, IS_DIRECTORY),
             OPENS(STORE, "/folder/g", 7, 0, BAD_OFFSET), SIZE("/link", 5),
             SIZE("/folder/x", 0), CWD("/folder"), MKD("/folder/new"),
             RMD("/folder/new"), RMD("/folder", NOT_EMPTY), DELE("/folder/g"),
             DELE("/folder/g", NOT_FOUND), RNTO("/f", "/folder/h"),
             RNTO("/folder/h", "/f"));
        for (enum list_format l = 0; l < LIST_FORMAT_COUNT; l++)
            ask_list(p, "/", l, "");
        ask_list(p, "/f", LIST_LONG, "");
    }
    cr_expect(wait_until(has_as_many, &have, WAIT_MS));
}

static void make_homes(struct peer *p)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/file", p->homes);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    snprintf(path, sizeof(path), "%s/closed", p->homes);
    cr_assert_eq(mkdir(path, 0), 0);
    snprintf(path, sizeof(path), "%s/link-out", p->homes);
    cr_assert_eq(symlink("/tmp", path), 0);
    snprintf(path, sizeof(path), "%s/link-in", p->homes);
    cr_assert_eq(symlink("anna", path), 0);
}

/* If the server doesn't run as root, a home must be below the homes' directory.
 * With root the users file can name any directory that the user can enter. 0:
 * files starts. */
Test(files, homes)
{
    static const struct {
        const char *home; /* after the homes' directory */
        int error, error_of_root;
    } rows[] = {
        { "/anna", 0, 0 },
        { "//anna/", 0, 0 },
        { "/link-in", 0, 0 },
        { "/missing", ENOENT, ENOENT },
        { "/file", ENOTDIR, ENOTDIR },
        { "/closed", EACCES, EACCES },
        { "/link-out", EXDEV, 0 },
        { "", EXDEV, 0 },
        { "/", EXDEV, 0 },
        { "/../homes/anna", EXDEV, 0 },
        { "x/anna", EXDEV, ENOENT },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer *p = peer_new();
        char home[256];
        int error = geteuid() == 0 ? rows[i].error_of_root : rows[i].error;

        make_homes(p);
        snprintf(home, sizeof(home), "%s%s", p->homes, rows[i].home);
        p->start.home = home;
        peer_fork(p);
        cast_hear(&p->master);
        cr_expect_eq(heard.kind, error ? MSG_failed : MSG_ready, "%s", home);
        if (error)
            cr_expect_eq(heard.failed.error, error, "%s: %d", home,
                         heard.failed.error);
        channel_close(&p->session);
        cr_expect_eq(peer_wait(p), 0);
        peer_remove(p);
    }
}

/* Master looks again at what files tells it, and must wait for no disk. */
Test(files, tells_directories_of_local_disks)
{
    static const struct {
        long disk;
        unsigned told;
    } rows[] = { { TMPFS_MAGIC, 2 },
                 { SMB2_SUPER_MAGIC, 0 },
                 { NFS_SUPER_MAGIC, 0 },
                 { FUSE_SUPER_MAGIC, 0 } };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer *p = peer_new();
        struct message m;
        unsigned told = 0;

        disk_type = rows[i].disk;
        peer_share(p, "/in", RIGHT_ALL);
        peer_fork(p);
        do {
            cr_assert_eq(channel_wait(&p->master, &m, 10000), 1);
            told += m.kind == MSG_files_opened;
        } while (m.kind != MSG_ready);
        cr_expect_eq(told, rows[i].told, "row %zu: %u", i, told);
        p->master.phase = PHASE_RUN;
        peer_stop(p);
    }
}

/* A sandbox that fails is reported to master, since standard error is closed by
 * then. */
Test(files, a_sandbox_that_fails_is_reported)
{
    const struct rlimit low = { 512, 512 };
    struct peer p;

    if (geteuid() == 0) { /* root could raise the limit again */
        cr_assert_eq(setgroups(0, NULL), 0);
        cr_assert_eq(setresgid(PEER_UID, PEER_UID, PEER_UID), 0);
        cr_assert_eq(setresuid(PEER_UID, PEER_UID, PEER_UID), 0);
    }
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
    peer_init(&p);
    peer_fork(&p);
    EXPECT(&p.master, failed);
    cr_expect_eq(heard.failed.error, EPERM);
    cr_expect(
        slice_starts(heard.failed.why,
                     SLICE("sandbox of files: limits: 2304 open files are")));
    channel_close(&p.session);
    cr_expect_eq(peer_wait(&p), 0);
    peer_remove(&p);
}

/* If root has started the process, it takes the user's uid. It has no
 * capabilities, and can't gain any. */
PeerTest(files, is_the_user, peer_start(p))
{
    const uid_t uid = p->start.root ? PEER_UID : geteuid();
    char ids[64], line[64];

    snprintf(ids, sizeof(ids), "%u\t%u\t%u\t%u", uid, uid, uid, uid);
    cr_expect_str_eq(process_status(p->pid, "Uid", line, sizeof(line)), ids);
    cr_expect_str_eq(process_status(p->pid, "CapEff", line, sizeof(line)),
                     "0000000000000000");
    cr_expect_eq(process_number(p->pid, "NoNewPrivs"), 1);
}

/* The outcome for each errno. */
Test(files, outcomes)
{
    static const struct {
        int result;
        enum outcome outcome;
    } rows[] = {
        { OUTCOME_BAD_OFFSET, OUTCOME_BAD_OFFSET },
        { OUTCOME_OK, OUTCOME_OK },
        { -ENOENT, OUTCOME_NOT_FOUND },
        { -ELOOP, OUTCOME_NOT_FOUND },
        { -EACCES, OUTCOME_DENIED },
        { -EPERM, OUTCOME_DENIED },
        { -EEXIST, OUTCOME_EXISTS },
        { -ENOTDIR, OUTCOME_NOT_DIRECTORY },
        { -EISDIR, OUTCOME_IS_DIRECTORY },
        { -ENXIO, OUTCOME_NOT_REGULAR },
        { -ENOTEMPTY, OUTCOME_NOT_EMPTY },
        { -ENAMETOOLONG, OUTCOME_BAD_NAME },
        { -ENOSPC, OUTCOME_NO_SPACE },
        { -EDQUOT, OUTCOME_NO_SPACE },
        { -EFBIG, OUTCOME_TOO_LARGE_HERE },
        { -EROFS, OUTCOME_READ_ONLY },
        { -EBUSY, OUTCOME_BUSY },
        { -ERANGE, OUTCOME_BAD_TIME },
        { -EXDEV, OUTCOME_CROSS_DEVICE },
        { -EPIPE, OUTCOME_GONE_AWAY },
        { -EIO, OUTCOME_IO },
        { -EPROTO, OUTCOME_IO },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_eq(files_outcome(rows[i].result), rows[i].outcome, "row %zu",
                     i);
}
