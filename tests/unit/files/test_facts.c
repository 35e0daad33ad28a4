/* FACTS, for SIZE, MDTM, MLST and RNFR. */
#include <criterion/criterion.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/perm.h"
#include "peer.h"
#include "sallyport/users/rights.h"

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
        enum file_kind kind;
        unsigned perm;
        const char *same_as; /* on disk */
    } rows[] = {
        { "/file", OUTCOME_OK, KIND_FILE, FILE_PERM, "/file" },
        { "/folder/file", OUTCOME_OK, KIND_FILE, FILE_PERM, "/folder/file" },
        { "/folder", OUTCOME_OK, KIND_FOLDER,
          HOME_PERM | PERM_DELETE | PERM_RENAME, "/folder" },
        { "/", OUTCOME_OK, KIND_FOLDER, HOME_PERM, "/" },
        { "/link", OUTCOME_OK, KIND_FILE, LINK_PERM, "/folder/file" },
        { "/folder/up", OUTCOME_OK, KIND_FILE, LINK_PERM, "/file" },
        { "/link-to-folder", OUTCOME_OK, KIND_FOLDER, HOME_PERM, "/folder" },
        { "/escape", OUTCOME_OK, KIND_OTHER, PERM_DELETE, "/escape" },
        { "/fifo", OUTCOME_OK, KIND_OTHER, 0, "/fifo" },
        { "/missing", OUTCOME_NOT_FOUND, 0, 0, NULL },
        { "/missing/file", OUTCOME_NOT_FOUND, 0, 0, NULL },
        { "/file/x", OUTCOME_NOT_FOLDER, 0, 0, NULL },
        { "/.sallyport-x", OUTCOME_NOT_FOUND, 0, 0, NULL },
        { "/.sallyport-folder/file", OUTCOME_NOT_FOUND, 0, 0, NULL },
    };
    struct peer p;

    peer_init(&p);
    disk_put(&p, "/file", "hello", 5);
    disk_folder(&p, "/folder");
    disk_put(&p, "/folder/file", "inner", 5);
    disk_link(&p, "folder/file", "/link");
    disk_link(&p, "../file", "/folder/up");
    disk_link(&p, "/folder", "/link-to-folder");
    disk_link(&p, "/etc/passwd", "/escape");
    cr_assert_eq(mkfifo(disk_path(&p, "/fifo"), 0666), 0);
    if (geteuid() == 0)
        cr_assert_eq(chown(disk_path(&p, "/fifo"), PEER_UID, PEER_UID), 0);
    disk_put(&p, "/.sallyport-x", "x", 1);
    disk_folder(&p, "/.sallyport-folder");
    disk_put(&p, "/.sallyport-folder/file", "x", 1);
    peer_run(&p);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct packet reply;
        struct stat st;
        int r = ask_facts(&p, rows[i].path, (unsigned)i % 3, &reply);

        cr_expect_eq(r, rows[i].outcome, "%s: %d", rows[i].path, r);
        if (r != OUTCOME_OK)
            continue;
        cr_assert_eq(lstat(disk_path(&p, rows[i].same_as), &st), 0);
        cr_expect_eq(reply.message, MSG_FACTS_ARE);
        cr_expect_eq(reply.value[0].number, rows[i].kind, "%s", rows[i].path);
        cr_expect_eq(reply.value[1].number, (uint64_t)st.st_size);
        cr_expect_eq(reply.value[2].number, (uint64_t)st.st_mtime);
        cr_expect_eq(reply.value[3].number, rows[i].perm, "%s: %lx",
                     rows[i].path, reply.value[3].number);
        cr_expect_eq(reply.value[4].number, st.st_mode & 07777);
        cr_expect_eq(reply.value[5].number, st.st_dev);
        cr_expect_eq(reply.value[6].number, st.st_ino);
    }
    peer_stop(&p);
}

/* RNFR of a user who may rename but not list finds its file. */
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
        struct packet reply;

        peer_init(&p);
        p.start.rights = RIGHT_ALL & ~rows[i].without;
        peer_run(&p);
        cr_expect_eq(ask_facts(&p, "/", rows[i].what_for, &reply),
                     rows[i].outcome, "row %zu", i);
        cr_expect_eq(ask_facts(&p, "/missing", rows[i].what_for, &reply),
                     rows[i].outcome ? rows[i].outcome : OUTCOME_NOT_FOUND);
        peer_stop(&p);
    }
}
