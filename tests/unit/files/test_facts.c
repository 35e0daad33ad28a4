/* Facts of a name, among them perm, and the reading of a file. */
#include <sys/inotify.h>

#include "peer.h"
#include "sallyport/ftp/listing.h"

#define FILE_PERM                                                              \
    (PERM_APPEND | PERM_DELETE | PERM_RENAME | PERM_READ | PERM_WRITE)
#define LINK_PERM (FILE_PERM & ~(unsigned)PERM_RENAME)
#define HOME_PERM                                                              \
    (PERM_CREATE | PERM_ENTER | PERM_LIST | PERM_MAKE | PERM_PURGE)

static void furnish(struct peer *p)
{
    peer_init(p);
    PLAY(p, PUT("/file", "hello"), DIRECTORY("/folder"),
         PUT("/folder/file", "hello"), LINK("folder/file", "/link"),
         LINK("../file", "/folder/up"), LINK("/folder", "/link-to-folder"),
         LINK("/etc/passwd", "/escape"));
    cr_assert_eq(mkfifo(disk_path(p, "/fifo"), 0666), 0);
    if (geteuid() == 0)
        cr_assert_eq(chown(disk_path(p, "/fifo"), PEER_UID, PEER_UID), 0);
    disk_socket(p, "/socket");
    PLAY(p, PUT("/closed", "x"), BITS("/closed", 0), PUT("/.sallyport-x", "x"),
         DIRECTORY("/.sallyport-folder"), PUT("/.sallyport-folder/file", "x"));
}

PeerTest(facts, table, furnish(p))
{
    static const struct {
        const char *path;
        int outcome;
        enum entry_kind kind;
        unsigned perm;
        const char *same_as; /* on disk */
    } rows[] = {
        { "/file", OUTCOME_OK, ENTRY_FILE, FILE_PERM, "/file" },
        { "/folder/file", OUTCOME_OK, ENTRY_FILE, FILE_PERM, "/folder/file" },
        { "/folder", OUTCOME_OK, ENTRY_DIRECTORY,
          HOME_PERM | PERM_DELETE | PERM_RENAME, "/folder" },
        { "/", OUTCOME_OK, ENTRY_DIRECTORY, HOME_PERM, "/" },
        { "/link", OUTCOME_OK, ENTRY_FILE, LINK_PERM, "/folder/file" },
        { "/folder/up", OUTCOME_NOT_REGULAR, 0, 0, NULL }, /* RNFR */
        { "/link-to-folder", OUTCOME_OK, ENTRY_LINK, PERM_DELETE,
          "/link-to-folder" },
        { "/escape", OUTCOME_OK, ENTRY_LINK, PERM_DELETE, "/escape" },
        { "/link-to-folder", OUTCOME_NOT_REGULAR, 0, 0, NULL }, /* RNFR */
        { "/fifo", OUTCOME_OK, ENTRY_FIFO, 0, "/fifo" },
        { "/missing", OUTCOME_NOT_FOUND, 0, 0, NULL },
        { "/missing/file", OUTCOME_NOT_FOUND, 0, 0, NULL },
        { "/file/x", OUTCOME_NOT_DIRECTORY, 0, 0, NULL },
        { "/.sallyport-x", OUTCOME_NOT_FOUND, 0, 0, NULL },
        { "/.sallyport-folder/file", OUTCOME_NOT_FOUND, 0, 0, NULL },
    };

    peer_run(p);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int r =
            ask_facts(p, rows[i].path, (enum facts_for)(i % FACTS_FOR_PARTIAL));

        cr_expect_eq(r, rows[i].outcome, "%s: %d", rows[i].path, r);
        if (r != OUTCOME_OK)
            continue;
        const struct msg_facts_are is = p->are;
        const struct stat st = disk_stat(p, rows[i].same_as);
        cr_expect_eq(is.kind, rows[i].kind, "%s", rows[i].path);
        cr_expect_eq(is.size, (uint64_t)st.st_size);
        cr_expect_eq(is.mtime, st.st_mtime);
        cr_expect_eq(is.perm, rows[i].perm, "%s: %lx", rows[i].path, is.perm);
        cr_expect_eq(is.mode, st.st_mode & 07777);
        cr_expect_eq(is.device, st.st_dev);
        cr_expect_eq(is.inode, st.st_ino);
    }
}

/* RNFR needs the right to rename, but not the right to list. */
Test(facts, need_the_right)
{
    static const struct {
        unsigned without, what_for;
        int outcome;
    } rows[] = {
        { RIGHT_LIST, 0, OUTCOME_NO_RIGHT },
        { RIGHT_LIST, 1, OUTCOME_NO_RIGHT },
        { RIGHT_LIST, 2, OUTCOME_OK },
        { RIGHT_RENAME, 0, OUTCOME_OK },
        { RIGHT_RENAME, 1, OUTCOME_OK },
        { RIGHT_RENAME, 2, OUTCOME_NO_RIGHT },
        { RIGHT_LIST, FACTS_FOR_PARTIAL, OUTCOME_OK },
        { RIGHT_WRITE, FACTS_FOR_PARTIAL, OUTCOME_NO_RIGHT },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer *p = peer_new();

        PLAY(p, p->start.rights = RIGHT_ALL & ~rows[i].without, RUN());
        cr_expect_eq(ask_facts(p, "/", rows[i].what_for), rows[i].outcome,
                     "row %zu", i);
        cr_expect_eq(ask_facts(p, "/missing", rows[i].what_for),
                     rows[i].outcome ? rows[i].outcome : OUTCOME_NOT_FOUND);
        peer_stop(p);
    }
}

/* Writes perm as a listing shows it. */
static void text_of(unsigned perm, char out[12])
{
    const struct entry e = { .perm = perm };
    struct buf line;
    struct slice rest, text;

    buf_init(&line, 512);
    cr_assert_eq(listing_facts(&line, &e, LISTING_PERM), 0);
    rest = buf_slice(&line);
    slice_cut(&rest, '=', &text);
    slice_cut(&rest, ';', &text);
    cr_assert_eq(slice_copy(text, out, 12), 0);
    buf_release(&line);
}

#define STORE (RIGHT_WRITE | RIGHT_REPLACE)

/* perm follows the user's rights and, for STOR and APPE of a taken name,
 * on_conflict. The disk can still refuse what perm permits. */
Test(perm, rights)
{
    static const struct {
        enum conflict conflict;
        unsigned rights, kind;
        bool link;
        const char *perm, *why;
    } rows[] = {
        { 0, RIGHT_ALL, S_IFREG, false, "adfrw", "a file" },
        { 0, RIGHT_ALL, S_IFDIR, false, "cdeflmp", "a directory" },
        { 0, RIGHT_ALL, S_IFDIR, true, "celmp", "RMD refuses a link" },
        { 0, RIGHT_ALL, S_IFREG, true, "adrw", "a link to a file" },
        { 0, RIGHT_ALL, S_IFLNK, true, "d", "dangling" },
        { 0, RIGHT_ALL, S_IFIFO, false, "", "a FIFO" },
        { 0, RIGHT_READ, S_IFREG, false, "r", "read" },
        { 0, RIGHT_LIST, S_IFDIR, false, "el", "list" },
        { 0, RIGHT_WRITE, S_IFREG, false, "", "write without replace" },
        { 0, RIGHT_WRITE, S_IFDIR, false, "ce", "new names" },
        { 0, STORE, S_IFREG, false, "aw", "replace" },
        { 0, RIGHT_DELETE, S_IFREG, false, "d", "delete" },
        { 0, RIGHT_DELETE, S_IFDIR, false, "ep", "purge" },
        { 0, RIGHT_DIRECTORY, S_IFDIR, false, "dem", "folder" },
        { 0, RIGHT_RENAME, S_IFREG, false, "f", "rename" },
        { 0, 0, S_IFREG, false, "", "nothing" },
        { 0, 0, S_IFDIR, false, "e", "CWD needs no right" },
        { 0, RIGHT_RENAME | RIGHT_MINE, S_IFREG, false, "f", "an own file" },
        { 0, RIGHT_RENAME | RIGHT_MINE, S_IFDIR, false, "e", "others see it" },
        { 0, STORE | RIGHT_INSPECT, S_IFREG, false, "w", "it waits" },
        { CONFLICT_RENAME, RIGHT_WRITE, S_IFREG, false, "w", "another name" },
        { CONFLICT_RENAME, RIGHT_REPLACE, S_IFREG, false, "", "no write" },
        { CONFLICT_REJECT, STORE, S_IFREG, false, "", "reject" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct files f = { .rules.on_conflict = rows[i].conflict };
        const struct mount m = { .rights = rows[i].rights,
                                 .mine = rows[i].rights & RIGHT_MINE,
                                 .inspect = rows[i].rights & RIGHT_INSPECT };
        const struct stat st = { .st_mode = rows[i].kind };
        char text[12];

        text_of(facts_perm(&f, &m, &st, rows[i].link), text);
        cr_expect_str_eq(text, rows[i].perm, "%s: %s", rows[i].why, text);
    }
}

PeerTest(read, table, furnish(p))
{
    static const struct {
        const char *path;
        uint64_t offset;
        int outcome;
    } rows[] = {
        { "/file", 0, OUTCOME_OK },
        { "/file", 5, OUTCOME_OK },
        { "/file", 6, OUTCOME_BAD_OFFSET },
        { "/file", UINT64_MAX, OUTCOME_BAD_OFFSET },
        { "/folder/file", 0, OUTCOME_OK },
        { "/link", 0, OUTCOME_OK },
        { "/folder", 0, OUTCOME_IS_DIRECTORY },
        { "/", 0, OUTCOME_IS_DIRECTORY },
        { "/fifo", 0, OUTCOME_NOT_REGULAR },
        { "/socket", 0, OUTCOME_NOT_REGULAR },
        { "/escape", 0, OUTCOME_NOT_FOUND },
        { "/missing", 0, OUTCOME_NOT_FOUND },
        { "/file/x", 0, OUTCOME_NOT_DIRECTORY },
        { "/.sallyport-x", 0, OUTCOME_NOT_FOUND },
        { "/.sallyport-folder/file", 0, OUTCOME_NOT_FOUND },
        { "/closed", 0, OUTCOME_DENIED },
    };

    peer_run(p);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[8] = "";
        int fd, r = ask_read(p, rows[i].path, rows[i].offset, &fd);

        cr_expect_eq(r, rows[i].outcome, "%s: %d", rows[i].path, r);
        if (fd < 0)
            continue;
        cr_expect_eq(read(fd, text, sizeof(text)), 5);
        cr_expect_str_eq(text, "hello");
        cr_expect_lt(write(fd, "x", 1), 0, "opened for reading only");
        close(fd);
    }
}

/* RETR opens no FIFO: a program that waits for a reader would begin to write,
 * but nobody would read. */
PeerTest(read, fifo_is_not_opened, peer_init(p))
{
    char event[512];
    int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    cr_assert_eq(mkfifo(disk_path(p, "/fifo"), 0666), 0);
    cr_assert_geq(inotify_add_watch(watch, disk_path(p, "/fifo"), IN_OPEN), 0);
    PLAY(p, RUN(), RETR("/fifo", NOT_REGULAR));
    cr_expect_lt(read(watch, event, sizeof(event)), 0, "it was opened");
    close(watch);
}

PeerTest(read, needs_the_right, peer_init(p))
{
    PLAY(p, PUT("/file", "hello"), p->start.rights = RIGHT_ALL & ~RIGHT_READ,
         RUN(), RETR("/file", NO_RIGHT), RETR("/missing", NO_RIGHT));
}

PeerTest(read, tells_size_and_time, peer_init(p))
{
    disk_put(p, "/big", "", 0);
    /* A sparse file: sizes have 64 bits everywhere. */
    cr_assert_eq(truncate(disk_path(p, "/big"), (off_t)5 << 30), 0);
    peer_run(p);
    DONE(ASK(p, file_read, .path = SLICE("/big")));
    cr_expect_eq(heard.file_readable.size, (uint64_t)5 << 30);
}
