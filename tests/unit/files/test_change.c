/* Requests for MKD, RMD, DELE, RNFR with RNTO, and CWD. */
#include <linux/magic.h>

#include "peer.h"
#include "syncs.h"

#define K 1024u

static void furnish(struct peer *p)
{
    PLAY(p, PUT("/file", "hello"), PUT("/other", "other"), DIRECTORY("/empty"),
         DIRECTORY("/full"), PUT("/full/file", "x"), DIRECTORY("/full/deep"),
         DIRECTORY("/closed"), PUT("/closed/file", "x"),
         DIRECTORY("/closed/folder"), BITS("/closed", 0500),
         DIRECTORY("/locked"), BITS("/locked", 0600), LINK("file", "/link"),
         LINK("empty", "/link-to-folder"), LINK("nothing", "/dangling"));
    cr_assert_eq(mkfifo(disk_path(p, "/fifo"), 0666), 0);
    PLAY(p, PUT("/.sallyport-x", "x"), DIRECTORY("/.sallyport-folder"));
}

/* On a network disk a directory has a lock file, which no client sees. RMD
 * removes it with the directory. */
PeerTest(change, a_lock_file_is_no_obstacle, peer_init(p))
{
    PLAY(p, disk_type = FUSE_SUPER_MAGIC, RUN(), DIRECTORY("/folder"),
         FILL("/folder/f", 10, 1), DELE("/folder/f"), HAS("/folder/" LOCK_FILE),
         FILL("/folder/g", 10, 1), RMD("/folder", NOT_EMPTY),
         HAS("/folder/" LOCK_FILE), DELE("/folder/g"), RMD("/folder"),
         GONE("/folder"));
}

#define ENTER  MSG_directory_enter
#define MAKE   MSG_directory_make
#define REMOVE MSG_directory_remove
#define DELETE MSG_file_delete

/* After each row GONE must not exist, and THERE must exist. */
Test(change, one_path)
{
    static const struct {
        enum message_kind message;
        const char *path;
        unsigned rights;
        int outcome;
        const char *gone, *there;
    } rows[] = {
        { ENTER, "/", 0, OUTCOME_OK, NULL, NULL },
        { ENTER, "/empty", 0, OUTCOME_OK, NULL, NULL },
        { ENTER, "/link-to-folder", 0, OUTCOME_OK, NULL, NULL },
        { ENTER, "/locked", 0, OUTCOME_DENIED, NULL, NULL },
        { ENTER, "/file", 0, OUTCOME_NOT_DIRECTORY, NULL, NULL },
        { ENTER, "/missing", 0, OUTCOME_NOT_FOUND, NULL, NULL },
        { ENTER, "/.sallyport-folder", 0, OUTCOME_NOT_FOUND, NULL, NULL },

        { MAKE, "/new", RIGHT_DIRECTORY, OUTCOME_OK, NULL, "/new" },
        { MAKE, "/full/new", RIGHT_DIRECTORY, OUTCOME_OK, NULL, "/full/new" },
        { MAKE, "/new", RIGHT_ALL & ~RIGHT_DIRECTORY, OUTCOME_NO_RIGHT, "/new",
          NULL },
        { MAKE, "/", RIGHT_ALL, OUTCOME_EXISTS, NULL, NULL },
        { MAKE, "/file", RIGHT_ALL, OUTCOME_EXISTS, NULL, "/file" },
        { MAKE, "/dangling", RIGHT_ALL, OUTCOME_EXISTS, "/nothing",
          "/dangling" },
        { MAKE, "/missing/new", RIGHT_ALL, OUTCOME_NOT_FOUND, NULL, NULL },
        { MAKE, "/file/new", RIGHT_ALL, OUTCOME_NOT_DIRECTORY, NULL, NULL },
        { MAKE, "/closed/new", RIGHT_ALL, OUTCOME_DENIED, NULL, NULL },
        { MAKE, "/.sallyport-new", RIGHT_ALL, OUTCOME_BAD_NAME,
          "/.sallyport-new", NULL },
        { MAKE, "/.sallyport-folder/new", RIGHT_ALL, OUTCOME_NOT_FOUND,
          "/.sallyport-folder/new", NULL },
        { MAKE, "/tab\t", RIGHT_ALL, OUTCOME_BAD_NAME, "/tab\t", NULL },

        { REMOVE, "/empty", RIGHT_DIRECTORY, OUTCOME_OK, "/empty", NULL },
        { REMOVE, "/empty", RIGHT_ALL & ~RIGHT_DIRECTORY, OUTCOME_NO_RIGHT,
          NULL, "/empty" },
        { REMOVE, "/full", RIGHT_ALL, OUTCOME_NOT_EMPTY, NULL, "/full/file" },
        { REMOVE, "/", RIGHT_ALL, OUTCOME_DENIED, NULL, NULL },
        { REMOVE, "/file", RIGHT_ALL, OUTCOME_NOT_DIRECTORY, NULL, "/file" },
        { REMOVE, "/link-to-folder", RIGHT_ALL, OUTCOME_NOT_DIRECTORY, NULL,
          "/empty" },
        { REMOVE, "/missing", RIGHT_ALL, OUTCOME_NOT_FOUND, NULL, NULL },
        { REMOVE, "/closed/folder", RIGHT_ALL, OUTCOME_DENIED, NULL,
          "/closed/folder" },
        { REMOVE, "/.sallyport-folder", RIGHT_ALL, OUTCOME_NOT_FOUND, NULL,
          "/.sallyport-folder" },

        { DELETE, "/file", RIGHT_DELETE, OUTCOME_OK, "/file", "/link" },
        { DELETE, "/link", RIGHT_DELETE, OUTCOME_OK, "/link", "/file" },
        { DELETE, "/link-to-folder", RIGHT_DELETE, OUTCOME_OK,
          "/link-to-folder", "/empty" },
        { DELETE, "/dangling", RIGHT_DELETE, OUTCOME_OK, "/dangling", NULL },
        { DELETE, "/file", RIGHT_ALL & ~RIGHT_DELETE, OUTCOME_NO_RIGHT, NULL,
          "/file" },
        { DELETE, "/empty", RIGHT_ALL, OUTCOME_IS_DIRECTORY, NULL, "/empty" },
        { DELETE, "/", RIGHT_ALL, OUTCOME_IS_DIRECTORY, NULL, NULL },
        { DELETE, "/fifo", RIGHT_ALL, OUTCOME_NOT_REGULAR, NULL, "/fifo" },
        { DELETE, "/missing", RIGHT_ALL, OUTCOME_NOT_FOUND, NULL, NULL },
        { DELETE, "/closed/file", RIGHT_ALL, OUTCOME_DENIED, NULL,
          "/closed/file" },
        { DELETE, "/.sallyport-x", RIGHT_ALL, OUTCOME_NOT_FOUND, NULL,
          "/.sallyport-x" },
    };

    struct peer *p = NULL;
    int r = OUTCOME_OK;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        p = peer_for_row(p, r == OUTCOME_OK, rows[i].rights, furnish);
        r = ask_path(p, rows[i].message, rows[i].path);
        cr_expect_eq(r, rows[i].outcome, "%s %s: %d",
                     message_name(rows[i].message), rows[i].path, r);
        cr_expect(!rows[i].gone || !disk_has(p, rows[i].gone), "%s",
                  rows[i].path);
        cr_expect(!rows[i].there || disk_has(p, rows[i].there), "%s",
                  rows[i].path);
    }
    peer_stop(p);
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

    struct peer *p = NULL;
    int r = OUTCOME_OK;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct stat before = { 0 };

        p = peer_for_row(p, r == OUTCOME_OK, rows[i].rights, furnish);
        lstat(disk_path(p, rows[i].from), &before);
        r = ask_rename(p, rows[i].from, rows[i].to);
        cr_expect_eq(r, rows[i].outcome, "%s %s: %d", rows[i].from, rows[i].to,
                     r);
        const char *where = r == OUTCOME_OK ? rows[i].to : rows[i].from;
        if (before.st_ino != 0)
            cr_expect_eq(disk_stat(p, where).st_ino, before.st_ino, "%s",
                         where);
        cr_expect(r != OUTCOME_OK || !disk_has(p, rows[i].from));
    }
    peer_stop(p);
}

/* A rename of a directory is refused if a path in it would be too long, since
 * retention couldn't remove a file there. */
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
        GETS(TOO_DEEP, ask_rename(&p, from, to));
        snprintf(to, sizeof(to), "%s/b", rows[i].at);
        GETS(OK, ask_rename(&p, from, to));
        peer_stop(&p);
    }
}

PeerTest(change, new_folder_is_private, peer_start(p))
{
    PLAY(p, MKD("/new"), MODE("/new", 0700));
}

PeerTest(change, partials_are_no_obstacle, peer_init(p))
{
    PLAY(p, DIRECTORY("/folder"), DIRECTORY("/folder/inner"), RUN(),
         CUTS("/folder/a", 200 * K, 1), CUTS("/folder/b", 200 * K, 1));
    /* The directory contains another directory, so no partial is deleted. */
    PLAY(p, RMD("/folder", NOT_EMPTY), PARTIALS("/folder", 2),
         RMD("/folder/inner"), DELE("/folder/a"), PARTIALS("/folder", 1),
         DELE("/folder/a", NOT_FOUND));
    /* If the directory itself can't be removed, its partials are kept, too. */
    cr_assert_eq(chmod(p->home, 0500), 0);
    GETS(DENIED, ask_path(p, MSG_directory_remove, "/folder"));
    cr_assert_eq(chmod(p->home, 0700), 0);
    PLAY(p, PARTIALS("/folder", 1), RMD("/folder"), GONE("/folder"));
}

/* A directory with a running upload isn't removed. */
PeerTest(change, running_upload_is_an_obstacle, peer_init(p))
{
    struct peer b;

    PLAY(p, DIRECTORY("/folder"), RUN(), OPENS(STORE, "/folder/f", 0, 0));
    peer_join(&b, p, false);
    GETS(NOT_EMPTY, ask_path(&b, MSG_directory_remove, "/folder"));
    PLAY(p, PARTIALS("/folder", 1), COMMIT(0));
    peer_leave(&b);
}

/* With fsync = yes MKD and RNTO sync the directories, since a stored file must
 * not be lost with its directory. A directory that can't be read isn't
 * synced. */
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
        PLAY(p, DIRECTORY("/blind"), BITS("/blind", 0300),
             p->start.rules.fsync = rows[i].fsync, RUN());
        cr_expect_eq(ask_path(p, MSG_directory_make, "/new"), rows[i].make);
        cr_expect_eq(ask_rename(p, "/file", "/else"), rows[i].rename);
        cr_expect_eq(ask_rename(p, "/other", "/empty/o"), rows[i].rename);
        PLAY(p, MKD("/blind/new"), RMD("/blind", NOT_EMPTY), DELE("/else"));
        peer_stop(p);
    }
}

/* RNTO onto another name of the same file, which hardlink(1) or a person has
 * linked, leaves one name, as mv(1) does; but RNTO onto the same name keeps
 * it. */
PeerTest(change, rename_onto_a_link_of_the_file, peer_init(p))
{
    static const char *const names[] = { "/file", "/linked", "/full/linked" };
    char from[512];

    furnish(p);
    peer_run(p);
    snprintf(from, sizeof(from), "%s", disk_path(p, names[0]));
    for (size_t i = 0; i < 3; i++) {
        if (i > 0)
            cr_assert_eq(link(from, disk_path(p, names[i])), 0);
        GETS(OK, ask_rename(p, names[0], names[i]));
        cr_expect_eq(disk_has(p, names[0]), i == 0, "%zu", i);
        cr_expect(disk_has(p, names[i]));
        if (i > 0)
            disk_put(p, names[0], "hello", 5);
    }
}
