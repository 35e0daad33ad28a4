/* FACTS, for SIZE, MDTM, MLST and RNFR. */
#include <criterion/criterion.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/files.h"
#include "peer.h"
#include "sallyport/domain/entry.h"
#include "sallyport/domain/rights.h"

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
