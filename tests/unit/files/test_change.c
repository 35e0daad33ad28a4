/* MKD, RMD, DELE, RENAME, and the check for CWD. */
#include <linux/magic.h>

#include "files/files.h"
#include "peer.h"
#include "sallyport/base/fd.h"
#include "syncs.h"

#define K 1024u

static void furnish(struct peer *p)
{
    disk_put(p, "/file", "hello", 5);
    disk_put(p, "/other", "other", 5);
    disk_directory(p, "/empty");
    disk_directory(p, "/full");
    disk_put(p, "/full/file", "x", 1);
    disk_directory(p, "/full/deep");
    disk_directory(p, "/closed");
    disk_put(p, "/closed/file", "x", 1);
    disk_directory(p, "/closed/folder");
    cr_assert_eq(chmod(disk_path(p, "/closed"), 0500), 0);
    disk_directory(p, "/locked");
    cr_assert_eq(chmod(disk_path(p, "/locked"), 0600), 0);
    disk_link(p, "file", "/link");
    disk_link(p, "empty", "/link-to-folder");
    disk_link(p, "nothing", "/dangling");
    cr_assert_eq(mkfifo(disk_path(p, "/fifo"), 0666), 0);
    disk_put(p, "/.sallyport-x", "x", 1);
    disk_directory(p, "/.sallyport-folder");
}

/* On a network disk a directory has a lock file, which no client sees. */
PeerTest(change, a_lock_file_is_no_obstacle, peer_init(p))
{
    disk_type = FUSE_SUPER_MAGIC;
    peer_run(p);
    disk_directory(p, "/folder");
    disk_fill(p, "/folder/f", 10, 1);
    cr_expect_eq(ask_path(p, MSG_file_delete, "/folder/f"), OUTCOME_OK);
    cr_expect(disk_has(p, "/folder/" LOCK_FILE));
    disk_fill(p, "/folder/g", 10, 1);
    cr_expect_eq(ask_path(p, MSG_directory_remove, "/folder"),
                 OUTCOME_NOT_EMPTY);
    cr_expect(disk_has(p, "/folder/" LOCK_FILE));
    cr_expect_eq(ask_path(p, MSG_file_delete, "/folder/g"), OUTCOME_OK);
    cr_expect_eq(ask_path(p, MSG_directory_remove, "/folder"), OUTCOME_OK);
    cr_expect_not(disk_has(p, "/folder"));
}

/* Each row has its own home. GONE and THERE are checked afterwards. */
Test(change, one_path)
{
    static const struct {
        enum message_kind message;
        const char *path;
        unsigned rights;
        int outcome;
        const char *gone, *there;
    } rows[] = {
        { MSG_directory_enter, "/", 0, OUTCOME_OK, "", "/" },
        { MSG_directory_enter, "/empty", 0, OUTCOME_OK, "", "/" },
        { MSG_directory_enter, "/link-to-folder", 0, OUTCOME_OK, "", "/" },
        { MSG_directory_enter, "/locked", 0, OUTCOME_DENIED, "", "/" },
        { MSG_directory_enter, "/file", 0, OUTCOME_NOT_DIRECTORY, "", "/" },
        { MSG_directory_enter, "/missing", 0, OUTCOME_NOT_FOUND, "", "/" },
        { MSG_directory_enter, "/.sallyport-folder", 0, OUTCOME_NOT_FOUND, "",
          "/" },

        { MSG_directory_make, "/new", RIGHT_DIRECTORY, OUTCOME_OK, "", "/new" },
        { MSG_directory_make, "/full/new", RIGHT_DIRECTORY, OUTCOME_OK, "",
          "/full/new" },
        { MSG_directory_make, "/new", RIGHT_ALL & ~RIGHT_DIRECTORY,
          OUTCOME_NO_RIGHT, "/new", "/" },
        { MSG_directory_make, "/", RIGHT_ALL, OUTCOME_EXISTS, "", "/" },
        { MSG_directory_make, "/file", RIGHT_ALL, OUTCOME_EXISTS, "", "/file" },
        { MSG_directory_make, "/dangling", RIGHT_ALL, OUTCOME_EXISTS,
          "/nothing", "/dangling" },
        { MSG_directory_make, "/missing/new", RIGHT_ALL, OUTCOME_NOT_FOUND, "",
          "/" },
        { MSG_directory_make, "/file/new", RIGHT_ALL, OUTCOME_NOT_DIRECTORY, "",
          "/" },
        { MSG_directory_make, "/closed/new", RIGHT_ALL, OUTCOME_DENIED, "",
          "/" },
        { MSG_directory_make, "/.sallyport-new", RIGHT_ALL, OUTCOME_BAD_NAME,
          "/.sallyport-new", "/" },
        { MSG_directory_make, "/.sallyport-folder/new", RIGHT_ALL,
          OUTCOME_NOT_FOUND, "/.sallyport-folder/new", "/" },
        { MSG_directory_make, "/tab\t", RIGHT_ALL, OUTCOME_BAD_NAME, "/tab\t",
          "/" },

        { MSG_directory_remove, "/empty", RIGHT_DIRECTORY, OUTCOME_OK, "/empty",
          "/" },
        { MSG_directory_remove, "/empty", RIGHT_ALL & ~RIGHT_DIRECTORY,
          OUTCOME_NO_RIGHT, "", "/empty" },
        { MSG_directory_remove, "/full", RIGHT_ALL, OUTCOME_NOT_EMPTY, "",
          "/full/file" },
        { MSG_directory_remove, "/", RIGHT_ALL, OUTCOME_DENIED, "", "/" },
        { MSG_directory_remove, "/file", RIGHT_ALL, OUTCOME_NOT_DIRECTORY, "",
          "/file" },
        { MSG_directory_remove, "/link-to-folder", RIGHT_ALL,
          OUTCOME_NOT_DIRECTORY, "", "/empty" },
        { MSG_directory_remove, "/missing", RIGHT_ALL, OUTCOME_NOT_FOUND, "",
          "/" },
        { MSG_directory_remove, "/closed/folder", RIGHT_ALL, OUTCOME_DENIED, "",
          "/closed/folder" },
        { MSG_directory_remove, "/.sallyport-folder", RIGHT_ALL,
          OUTCOME_NOT_FOUND, "", "/.sallyport-folder" },

        { MSG_file_delete, "/file", RIGHT_DELETE, OUTCOME_OK, "/file",
          "/link" },
        { MSG_file_delete, "/link", RIGHT_DELETE, OUTCOME_OK, "/link",
          "/file" },
        { MSG_file_delete, "/link-to-folder", RIGHT_DELETE, OUTCOME_OK,
          "/link-to-folder", "/empty" },
        { MSG_file_delete, "/dangling", RIGHT_DELETE, OUTCOME_OK, "/dangling",
          "/" },
        { MSG_file_delete, "/file", RIGHT_ALL & ~RIGHT_DELETE, OUTCOME_NO_RIGHT,
          "", "/file" },
        { MSG_file_delete, "/empty", RIGHT_ALL, OUTCOME_IS_DIRECTORY, "",
          "/empty" },
        { MSG_file_delete, "/", RIGHT_ALL, OUTCOME_IS_DIRECTORY, "", "/" },
        { MSG_file_delete, "/fifo", RIGHT_ALL, OUTCOME_NOT_REGULAR, "",
          "/fifo" },
        { MSG_file_delete, "/missing", RIGHT_ALL, OUTCOME_NOT_FOUND, "", "/" },
        { MSG_file_delete, "/closed/file", RIGHT_ALL, OUTCOME_DENIED, "",
          "/closed/file" },
        { MSG_file_delete, "/.sallyport-x", RIGHT_ALL, OUTCOME_NOT_FOUND, "",
          "/.sallyport-x" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer *p = peer_new();

        furnish(p);
        p->start.rights = rows[i].rights;
        peer_run(p);
        int r = ask_path(p, rows[i].message, rows[i].path);
        cr_expect_eq(r, rows[i].outcome, "%s %s: %d",
                     message_name(rows[i].message), rows[i].path, r);
        cr_expect(!*rows[i].gone || !disk_has(p, rows[i].gone), "%s",
                  rows[i].path);
        cr_expect(disk_has(p, rows[i].there), "%s", rows[i].path);
        peer_stop(p);
    }
}

Test(change, rename)
{
    static const struct {
        const char *from, *to;
        unsigned rights;
        int outcome;
    } rows[] = {
        { "/file", "/new", RIGHT_RENAME, OUTCOME_OK },
        { "/file", "/empty/new", RIGHT_RENAME, OUTCOME_OK },
        { "/empty", "/new", RIGHT_RENAME, OUTCOME_OK },
        { "/full", "/empty/new", RIGHT_RENAME, OUTCOME_OK },
        { "/dangling", "/new", RIGHT_ALL, OUTCOME_NOT_REGULAR },
        { "/link", "/new", RIGHT_ALL, OUTCOME_NOT_REGULAR },
        { "/fifo", "/new", RIGHT_ALL, OUTCOME_NOT_REGULAR },
        { "/file", "/new", RIGHT_ALL & ~RIGHT_RENAME, OUTCOME_NO_RIGHT },
        { "/file", "/other", RIGHT_RENAME, OUTCOME_NO_RIGHT },
        { "/file", "/other", RIGHT_RENAME | RIGHT_REPLACE, OUTCOME_OK },
        { "/file", "/link", RIGHT_ALL, OUTCOME_OK },
        { "/file", "/empty", RIGHT_ALL, OUTCOME_EXISTS },
        { "/file", "/fifo", RIGHT_ALL, OUTCOME_EXISTS },
        { "/full", "/empty", RIGHT_ALL, OUTCOME_EXISTS },
        { "/full", "/file", RIGHT_ALL, OUTCOME_EXISTS },
        { "/full", "/full/deep/new", RIGHT_ALL, OUTCOME_BAD_NAME },
        { "/full", "/full/new", RIGHT_ALL, OUTCOME_BAD_NAME },
        { "/", "/new", RIGHT_ALL, OUTCOME_DENIED },
        { "/file", "/", RIGHT_ALL, OUTCOME_EXISTS },
        { "/missing", "/new", RIGHT_ALL, OUTCOME_NOT_FOUND },
        { "/file", "/missing/new", RIGHT_ALL, OUTCOME_NOT_FOUND },
        { "/file", "/other/new", RIGHT_ALL, OUTCOME_NOT_DIRECTORY },
        { "/file", "/closed/new", RIGHT_ALL, OUTCOME_DENIED },
        { "/.sallyport-x", "/new", RIGHT_ALL, OUTCOME_NOT_FOUND },
        { "/file", "/.sallyport-y", RIGHT_ALL, OUTCOME_BAD_NAME },
        { "/file", "/.sallyport-x", RIGHT_ALL, OUTCOME_BAD_NAME },
        { "/file", "/bad\x01", RIGHT_ALL, OUTCOME_BAD_NAME },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer *p = peer_new();
        struct stat before, after;
        const char *where;

        furnish(p);
        p->start.rights = rows[i].rights;
        peer_run(p);
        memset(&before, 0, sizeof(before));
        lstat(disk_path(p, rows[i].from), &before);
        int r = ask_rename(p, rows[i].from, rows[i].to);
        cr_expect_eq(r, rows[i].outcome, "%s %s: %d", rows[i].from, rows[i].to,
                     r);
        where = r == OUTCOME_OK ? rows[i].to : rows[i].from;
        if (before.st_ino != 0) {
            cr_expect_eq(lstat(disk_path(p, where), &after), 0);
            cr_expect_eq(after.st_ino, before.st_ino, "%s", where);
        }
        cr_expect(r != OUTCOME_OK || !disk_has(p, rows[i].from));
        peer_stop(p);
    }
}

/* Retention couldn't remove such a file. */
Test(change, paths_that_would_be_too_long)
{
    static const struct {
        const char *at, *on_disk;
        int depth; /* with names of 100 bytes */
    } rows[] = { { "", "", 40 }, { "/contracts", SHARE, 39 } };
    const mode_t mode = geteuid() == 0 ? 0777 : 0700;
    char name[256], from[64], to[64];
    struct peer p;

    memset(name, 'd', sizeof(name));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t len = strlen(rows[i].at) + sizeof("/a") - 1;

        peer_init(&p);
        peer_share(&p, "/contracts", RIGHT_ALL);
        snprintf(from, sizeof(from), "%s/a", rows[i].on_disk);
        disk_directory(&p, from);
        name[100] = '\0';
        FD_CLEANUP int at = disk_dig(&p, from, rows[i].depth, name);
        len += (size_t)rows[i].depth * 101;
        name[100] = 'd';
        name[FTP_PATH_MAX - len - 1] = '\0';
        cr_assert_eq(mkdirat(at, name, mode), 0);
        name[FTP_PATH_MAX - len - 1] = 'd';
        peer_run(&p);
        snprintf(from, sizeof(from), "%s/a", rows[i].at);
        snprintf(to, sizeof(to), "%s/bb", rows[i].at);
        cr_expect_eq(ask_rename(&p, from, to), OUTCOME_TOO_DEEP);
        snprintf(to, sizeof(to), "%s/b", rows[i].at);
        cr_expect_eq(ask_rename(&p, from, to), OUTCOME_OK);
        peer_stop(&p);
    }
}

PeerTest(change, new_folder_is_private, peer_start(p))
{
    struct stat st;

    DONE(ask_path(p, MSG_directory_make, "/new"));
    cr_assert_eq(stat(disk_path(p, "/new"), &st), 0);
    cr_assert_eq(st.st_mode & 07777, 0700);
}

static void cut_upload(struct peer *p, const char *path)
{
    int fd;

    DONE(ask_write(p, path, WRITE_STORE, 0, 0, &fd));
    put_pattern(fd, 0, 200 * K, 1);
    close(fd);
    DONE(ask_abort(p));
}

PeerTest(change, partials_are_no_obstacle, peer_init(p))
{
    disk_directory(p, "/folder");
    disk_directory(p, "/folder/inner");
    peer_run(p);
    cut_upload(p, "/folder/a");
    cut_upload(p, "/folder/b");
    /* It contains something else: nothing is deleted. */
    cr_assert_eq(ask_path(p, MSG_directory_remove, "/folder"),
                 OUTCOME_NOT_EMPTY);
    cr_assert_eq(disk_partials(p, "/folder"), 2);
    DONE(ask_path(p, MSG_directory_remove, "/folder/inner"));
    DONE(ask_path(p, MSG_file_delete, "/folder/a"));
    cr_assert_eq(disk_partials(p, "/folder"), 1);
    cr_assert_eq(ask_path(p, MSG_file_delete, "/folder/a"), OUTCOME_NOT_FOUND);
    DONE(ask_path(p, MSG_directory_remove, "/folder"));
    cr_assert_not(disk_has(p, "/folder"));
}

/* A directory with a running upload isn't removed. */
PeerTest(change, running_upload_is_an_obstacle, peer_init(p))
{
    struct peer b;

    disk_directory(p, "/folder");
    peer_run(p);
    DONE(ask_write(p, "/folder/f", WRITE_STORE, 0, 0, NULL));
    b = *p;
    peer_run(&b);
    cr_assert_eq(ask_path(&b, MSG_directory_remove, "/folder"),
                 OUTCOME_NOT_EMPTY);
    cr_assert_eq(disk_partials(p, "/folder"), 1);
    DONE(ask_commit(p, 0));
    channel_close(&b.session);
    cr_assert_eq(peer_wait(&b), 0);
}

/* The directories of an upload with a 226 are synced; a directory that can't be
 * read needs no sync. */
Test(change, new_names_are_synced)
{
    static const struct {
        bool fsync;
        int make, rename;
    } rows[] = { { false, OUTCOME_OK, OUTCOME_OK },
                 { true, OUTCOME_IO, OUTCOME_STORED_UNSAFE } };

    sync_directories_fail = true;
    for (size_t i = 0; i < 2; i++) {
        struct peer *p = peer_new();

        furnish(p);
        disk_directory(p, "/blind");
        cr_assert_eq(chmod(disk_path(p, "/blind"), 0300), 0);
        p->start.rules.fsync = rows[i].fsync;
        peer_run(p);
        cr_expect_eq(ask_path(p, MSG_directory_make, "/new"), rows[i].make);
        cr_expect_eq(ask_rename(p, "/file", "/else"), rows[i].rename);
        cr_expect_eq(ask_rename(p, "/other", "/empty/o"), rows[i].rename);
        cr_expect_eq(ask_path(p, MSG_directory_make, "/blind/new"), OUTCOME_OK);
        cr_expect_eq(ask_path(p, MSG_file_delete, "/else"), OUTCOME_OK);
        peer_stop(p);
    }
}
