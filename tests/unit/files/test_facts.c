/* The facts of a name, among them the perm fact, and the content of a file. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "files/files.h"
#include "peer.h"
#include "sallyport/domain/outcome.h"
#include "sallyport/domain/rights.h"
#include "sallyport/ftp/listing.h"

#define FILE_PERM                                                              \
    (PERM_APPEND | PERM_DELETE | PERM_RENAME | PERM_READ | PERM_WRITE)
#define LINK_PERM (FILE_PERM & ~(unsigned)PERM_RENAME)
#define HOME_PERM                                                              \
    (PERM_CREATE | PERM_ENTER | PERM_LIST | PERM_MAKE | PERM_PURGE)

Test(facts, table)
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
        { "/folder/up", OUTCOME_OK, ENTRY_FILE, LINK_PERM, "/file" },
        { "/link-to-folder", OUTCOME_OK, ENTRY_DIRECTORY, HOME_PERM,
          "/folder" },
        { "/escape", OUTCOME_OK, ENTRY_LINK, PERM_DELETE, "/escape" },
        { "/fifo", OUTCOME_OK, ENTRY_FIFO, 0, "/fifo" },
        { "/missing", OUTCOME_NOT_FOUND, 0, 0, NULL },
        { "/missing/file", OUTCOME_NOT_FOUND, 0, 0, NULL },
        { "/file/x", OUTCOME_NOT_DIRECTORY, 0, 0, NULL },
        { "/.sallyport-x", OUTCOME_NOT_FOUND, 0, 0, NULL },
        { "/.sallyport-folder/file", OUTCOME_NOT_FOUND, 0, 0, NULL },
    };
    struct peer p;

    peer_init(&p);
    disk_put(&p, "/file", "hello", 5);
    disk_directory(&p, "/folder");
    disk_put(&p, "/folder/file", "inner", 5);
    disk_link(&p, "folder/file", "/link");
    disk_link(&p, "../file", "/folder/up");
    disk_link(&p, "/folder", "/link-to-folder");
    disk_link(&p, "/etc/passwd", "/escape");
    cr_assert_eq(mkfifo(disk_path(&p, "/fifo"), 0666), 0);
    if (geteuid() == 0)
        cr_assert_eq(chown(disk_path(&p, "/fifo"), PEER_UID, PEER_UID), 0);
    disk_put(&p, "/.sallyport-x", "x", 1);
    disk_directory(&p, "/.sallyport-folder");
    disk_put(&p, "/.sallyport-folder/file", "x", 1);
    peer_run(&p);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct msg_facts_are is;
        struct stat st;
        int r = ask_facts(&p, rows[i].path,
                          (enum facts_for)(i % FACTS_FOR_COUNT), &is);

        cr_expect_eq(r, rows[i].outcome, "%s: %d", rows[i].path, r);
        if (r != OUTCOME_OK)
            continue;
        cr_assert_eq(lstat(disk_path(&p, rows[i].same_as), &st), 0);
        cr_expect_eq(is.kind, rows[i].kind, "%s", rows[i].path);
        cr_expect_eq(is.size, (uint64_t)st.st_size);
        cr_expect_eq(is.mtime, st.st_mtime);
        cr_expect_eq(is.perm, rows[i].perm, "%s: %lx", rows[i].path, is.perm);
        cr_expect_eq(is.mode, st.st_mode & 07777);
        cr_expect_eq(is.device, st.st_dev);
        cr_expect_eq(is.inode, st.st_ino);
    }
    peer_stop(&p);
}

/* RNFR of a user who may rename but not list finds the user's file. */
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
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer p;
        struct msg_facts_are is;

        peer_init(&p);
        p.start.rights = RIGHT_ALL & ~rows[i].without;
        peer_run(&p);
        cr_expect_eq(ask_facts(&p, "/", rows[i].what_for, &is), rows[i].outcome,
                     "row %zu", i);
        cr_expect_eq(ask_facts(&p, "/missing", rows[i].what_for, &is),
                     rows[i].outcome ? rows[i].outcome : OUTCOME_NOT_FOUND);
        peer_stop(&p);
    }
}

#define ME    1000
#define OTHER 2000

/* Writes the fact as a listing shows it. */
static void text_of(unsigned perm, char out[12])
{
    const struct entry e = { .perm = perm };
    struct buf line;
    struct slice rest, text;

    buf_init(&line, 64);
    cr_assert_eq(listing_facts(&line, &e, LISTING_PERM), 0);
    rest = buf_slice(&line);
    slice_cut(&rest, '=', &text);
    slice_cut(&rest, ';', &text);
    cr_assert_eq(slice_copy(text, out, 12), 0);
    buf_release(&line);
}

Test(perm, tells_the_truth)
{
    static const struct {
        unsigned rights, kind, mode, folder_mode;
        uid_t owner, folder_owner;
        bool link;
        const char *perm, *why;
    } rows[] = {
        { RIGHT_ALL, S_IFREG, 0600, 0700, ME, ME, false, "adfrw", "own file" },
        { RIGHT_ALL, S_IFDIR, 0700, 0700, ME, ME, false, "cdeflmp",
          "own directory" },
        { RIGHT_ALL, S_IFREG, 0000, 0700, ME, ME, false, "dfw",
          "unreadable, but a new one can take its place" },
        { RIGHT_ALL, S_IFREG, 0600, 0500, ME, ME, false, "r",
          "in a folder that can't be written" },
        { RIGHT_ALL, S_IFREG, 0600, 0200, ME, ME, false, "r",
          "nor without search" },
        { RIGHT_ALL, S_IFREG, 0600, 0700, OTHER, ME, false, "dfw",
          "another's file in one's own folder" },
        { RIGHT_ALL, S_IFREG, 0604, 01707, OTHER, OTHER, false, "r",
          "sticky: another's file stays" },
        { RIGHT_ALL, S_IFREG, 0600, 01707, ME, OTHER, false, "adfrw",
          "sticky: one's own goes" },
        { RIGHT_ALL, S_IFDIR, 0400, 0700, ME, ME, false, "df",
          "a folder without search" },
        { RIGHT_ALL, S_IFDIR, 0500, 0700, ME, ME, false, "defl",
          "a folder that can't be written" },
        { RIGHT_ALL, S_IFDIR, 0700, 0700, ME, ME, true, "celmp",
          "RMD refuses a link" },
        { RIGHT_ALL, S_IFREG, 0600, 0700, ME, ME, true, "adrw",
          "a link to a file" },
        { RIGHT_ALL, S_IFLNK, 0777, 0700, ME, ME, true, "d", "dangling" },
        { RIGHT_ALL, S_IFIFO, 0600, 0700, ME, ME, false, "", "a FIFO" },
        { RIGHT_READ, S_IFREG, 0600, 0700, ME, ME, false, "r", "read" },
        { RIGHT_LIST, S_IFDIR, 0700, 0700, ME, ME, false, "el", "list" },
        { RIGHT_WRITE, S_IFREG, 0600, 0700, ME, ME, false, "",
          "write without replace" },
        { RIGHT_WRITE, S_IFDIR, 0700, 0700, ME, ME, false, "ce", "new names" },
        { RIGHT_WRITE | RIGHT_REPLACE, S_IFREG, 0600, 0700, ME, ME, false, "aw",
          "replace" },
        { RIGHT_DELETE, S_IFREG, 0600, 0700, ME, ME, false, "d", "delete" },
        { RIGHT_DELETE, S_IFDIR, 0700, 0700, ME, ME, false, "ep", "purge" },
        { RIGHT_DIRECTORY, S_IFDIR, 0700, 0700, ME, ME, false, "dem",
          "folder" },
        { RIGHT_RENAME, S_IFREG, 0600, 0700, ME, ME, false, "f", "rename" },
        { 0, S_IFREG, 0600, 0700, ME, ME, false, "", "nothing" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct files f = { .uid = ME, .gid = ME };
        const struct mount m = { .rights = rows[i].rights };
        struct stat st = { .st_mode = rows[i].kind | rows[i].mode,
                           .st_uid = rows[i].owner,
                           .st_gid = rows[i].owner };
        struct stat folder = { .st_mode = S_IFDIR | rows[i].folder_mode,
                               .st_uid = rows[i].folder_owner,
                               .st_gid = rows[i].folder_owner };
        char text[12];

        text_of(facts_perm(&f, &m, &folder, &st, rows[i].link), text);
        cr_expect_str_eq(text, rows[i].perm, "%s: %s", rows[i].why, text);
    }
}

/* STOR of a name that is taken, for each on_conflict. */
Test(perm, conflicts)
{
    static const struct {
        enum conflict conflict;
        unsigned rights, folder_mode;
        uid_t owner;
        const char *perm;
    } rows[] = {
        { CONFLICT_VERSION, RIGHT_WRITE | RIGHT_REPLACE, 0700, ME, "aw" },
        { CONFLICT_VERSION, RIGHT_WRITE, 0700, ME, "" },
        { CONFLICT_RENAME, RIGHT_WRITE, 0700, ME, "aw" },
        { CONFLICT_RENAME, RIGHT_WRITE, 01777, OTHER, "aw" },
        { CONFLICT_RENAME, RIGHT_WRITE, 0500, ME, "" },
        { CONFLICT_RENAME, RIGHT_REPLACE, 0700, ME, "" },
        { CONFLICT_REJECT, RIGHT_WRITE | RIGHT_REPLACE, 0700, ME, "" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct files f = { .rules.on_conflict = rows[i].conflict,
                           .uid = ME,
                           .gid = ME };
        const struct mount m = { .rights = rows[i].rights };
        struct stat st = { .st_mode = S_IFREG | 0644,
                           .st_uid = rows[i].owner,
                           .st_gid = rows[i].owner };
        struct stat folder = { .st_mode = S_IFDIR | rows[i].folder_mode,
                               .st_uid = rows[i].owner };
        char text[12];

        text_of(facts_perm(&f, &m, &folder, &st, false), text);
        cr_expect_str_eq(text, rows[i].perm, "row %zu: %s", i, text);
    }
}

Test(perm, groups_and_the_home)
{
    struct files f = {
        .uid = ME, .gid = ME, .groups = { 7, 8 }, .group_count = 2
    };
    const struct mount m = { .rights = RIGHT_ALL };
    struct stat st = { .st_mode = S_IFREG | 0640,
                       .st_uid = OTHER,
                       .st_gid = 8 };
    struct stat folder = { .st_mode = S_IFDIR | 0070,
                           .st_uid = OTHER,
                           .st_gid = 7 };
    struct stat home = { .st_mode = S_IFDIR | 0700, .st_uid = ME };
    char text[12];

    text_of(facts_perm(&f, &m, &folder, &st, false), text);
    cr_expect_str_eq(text, "adfrw");
    text_of(facts_perm(&f, &m, NULL, &home, false), text);
    cr_expect_str_eq(text, "celmp"); /* never deleted, never renamed */
}

static void make_socket(const char *path)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strncpy(a.sun_path, path, sizeof(a.sun_path) - 1);
    cr_assert_eq(bind(fd, (void *)&a, sizeof(a)), 0);
    close(fd);
}

Test(read, table)
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
        { "/out", 0, OUTCOME_NOT_FOUND },
        { "/missing", 0, OUTCOME_NOT_FOUND },
        { "/file/x", 0, OUTCOME_NOT_DIRECTORY },
        { "/.sallyport-secret", 0, OUTCOME_NOT_FOUND },
        { "/.sallyport-folder/file", 0, OUTCOME_NOT_FOUND },
        { "/closed", 0, OUTCOME_DENIED },
    };
    struct peer p;

    peer_init(&p);
    disk_put(&p, "/file", "hello", 5);
    disk_directory(&p, "/folder");
    disk_put(&p, "/folder/file", "hello", 5);
    disk_link(&p, "folder/file", "/link");
    disk_link(&p, "/etc/passwd", "/out");
    cr_assert_eq(mkfifo(disk_path(&p, "/fifo"), 0666), 0);
    make_socket(disk_path(&p, "/socket"));
    disk_put(&p, "/.sallyport-secret", "x", 1);
    disk_directory(&p, "/.sallyport-folder");
    disk_put(&p, "/.sallyport-folder/file", "x", 1);
    disk_put(&p, "/closed", "x", 1);
    cr_assert_eq(chmod(disk_path(&p, "/closed"), 0), 0);
    peer_run(&p);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[8] = "";
        int fd, r = ask_read(&p, rows[i].path, rows[i].offset, &fd);

        cr_expect_eq(r, rows[i].outcome, "%s: %d", rows[i].path, r);
        if (fd < 0)
            continue;
        cr_expect_eq(read(fd, text, sizeof(text)), 5);
        cr_expect_str_eq(text, "hello");
        cr_expect_lt(write(fd, "x", 1), 0, "opened for reading only");
        close(fd);
    }
    peer_stop(&p);
}

/* A program that waits for a reader would write to one that isn't there. */
Test(read, fifo_is_not_opened)
{
    char event[512];
    struct peer p;
    int fd, watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    peer_init(&p);
    cr_assert_eq(mkfifo(disk_path(&p, "/fifo"), 0666), 0);
    cr_assert_geq(inotify_add_watch(watch, disk_path(&p, "/fifo"), IN_OPEN), 0);
    peer_run(&p);
    cr_expect_eq(ask_read(&p, "/fifo", 0, &fd), OUTCOME_NOT_REGULAR);
    cr_expect_lt(read(watch, event, sizeof(event)), 0, "it was opened");
    close(watch);
    peer_stop(&p);
}

Test(read, needs_the_right)
{
    struct peer p;
    int fd;

    peer_init(&p);
    disk_put(&p, "/file", "hello", 5);
    p.start.rights = RIGHT_ALL & ~RIGHT_READ;
    peer_run(&p);
    cr_expect_eq(ask_read(&p, "/file", 0, &fd), OUTCOME_NO_RIGHT);
    cr_expect_eq(ask_read(&p, "/missing", 0, &fd), OUTCOME_NO_RIGHT);
    peer_stop(&p);
}

Test(read, tells_size_and_time)
{
    struct peer p;
    struct message reply;

    peer_init(&p);
    disk_put(&p, "/big", "", 0);
    /* A sparse file: sizes have 64 bits everywhere. */
    cr_assert_eq(truncate(disk_path(&p, "/big"), (off_t)5 << 30), 0);
    peer_run(&p);
    cr_assert_eq(ASK(&p, &reply, file_read, NEXT(&p), .path = SLICE("/big"),
                     .offset = 0),
                 OUTCOME_OK);
    cr_expect_eq(reply.file_readable.size, (uint64_t)5 << 30);
    message_close(&reply);
    peer_stop(&p);
}
