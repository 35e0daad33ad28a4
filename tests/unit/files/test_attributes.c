/* The requests times, mode and space: what they change, and for which users. */
#include <sys/statvfs.h>

#include "peer.h"
#include "sallyport/ftp/listing.h"

static void furnish(struct peer *p)
{
    peer_init(p);
    PLAY(p, PUT("/file", "hello"), DIRECTORY("/folder"), PUT("/folder/in", "x"),
         PUT("/writable", "x"), BITS("/writable", 0200), PUT("/closed", "x"),
         BITS("/closed", 0), LINK("folder/in", "/link"),
         LINK("/etc/passwd", "/escape"), LINK("/folder", "/to-folder"),
         LINK("/", "/to-home"), DIRECTORY("/other"), LINK("..", "/other/up"),
         PUT("/.sallyport-x", "x"));
    cr_assert_eq(mkfifo(disk_path(p, "/fifo"), 0666), 0);
    if (geteuid() == 0)
        cr_assert_eq(chown(disk_path(p, "/fifo"), PEER_UID, PEER_UID), 0);
}

/* Paths for the requests times and mode, and the file that each changes. */
static const struct {
    const char *path;
    int outcome;
    const char *changed;
} subjects[] = {
    { "/file", OUTCOME_OK, "/file" },
    { "/folder", OUTCOME_OK, "/folder" },
    { "/folder/in", OUTCOME_OK, "/folder/in" },
    { "/link", OUTCOME_OK, "/folder/in" },
    { "/to-folder", OUTCOME_OK, "/folder" },
    { "/writable", OUTCOME_OK, "/writable" },
    { "/", OUTCOME_OK, "/" },
    { "/to-home", OUTCOME_OK, "/" },
    { "/other/up", OUTCOME_OK, "/" },
    { "/closed", OUTCOME_DENIED, NULL },
    { "/escape", OUTCOME_NOT_FOUND, NULL },
    { "/fifo", OUTCOME_NOT_REGULAR, NULL },
    { "/missing", OUTCOME_NOT_FOUND, NULL },
    { "/file/x", OUTCOME_NOT_DIRECTORY, NULL },
    { "/.sallyport-x", OUTCOME_NOT_FOUND, NULL },
};
#define SUBJECTS (sizeof(subjects) / sizeof(subjects[0]))

PeerTest(attributes, times, furnish(p))
{
    peer_run(p);
    for (size_t i = 0; i < SUBJECTS; i++) {
        time_t modify = 1000000000 + (time_t)i;
        int r = ask_times(p, subjects[i].path, 5, modify);

        cr_expect_eq(r, subjects[i].outcome, "%s: %d", subjects[i].path, r);
        if (r != OUTCOME_OK)
            continue;
        const struct stat st = disk_stat(p, subjects[i].changed);
        cr_expect_eq(st.st_mtim.tv_sec, modify, "%s", subjects[i].path);
        cr_expect_eq(st.st_mtim.tv_nsec, 0);
        cr_expect_eq(st.st_atim.tv_sec, 5, "%s", subjects[i].path);
    }
    GETS(OK, ask_times(p, "/file", 0, 0));
    cr_expect_eq(disk_stat(p, "/file").st_mtim.tv_sec, 0, "1970 is a time");
}

/* The disk limits which years can be stored. The file always has the time of
 * the last request that has succeeded. */
PeerTest(attributes, times_of_far_years, furnish(p))
{
    static const time_t years[] = { 4294967296, 15032385535, 15032385536,
                                    253402300799 };
    time_t stored = disk_stat(p, "/file").st_mtim.tv_sec;

    peer_run(p);
    for (size_t i = 0; i < sizeof(years) / sizeof(years[0]); i++) {
        int r = ask_times(p, "/file", 0, years[i]);

        cr_expect(r == OUTCOME_OK || r == OUTCOME_BAD_TIME, "%d", r);
        if (r == OUTCOME_OK)
            stored = years[i];
        cr_expect_eq(disk_stat(p, "/file").st_mtim.tv_sec, stored);
    }
}

/* The request mode doesn't open a FIFO: a program that reads the FIFO would see
 * its end. */
PeerTest(attributes, fifo_is_not_opened, furnish(p))
{
    struct pollfd poll_fd = { .events = POLLIN };

    poll_fd.fd = open(disk_path(p, "/fifo"), O_RDONLY | O_NONBLOCK);
    cr_assert_geq(poll_fd.fd, 0);
    PLAY(p, BITS("/fifo", 0222), RUN(), CHMOD("/fifo", 0666, NOT_REGULAR));
    cr_expect_eq(poll(&poll_fd, 1, 0), 0, "no writer came and went");
    close(poll_fd.fd);
}

PeerTest(attributes, mode, furnish(p))
{
    peer_run(p);
    for (size_t i = 0; i < SUBJECTS; i++) {
        unsigned mode = i % 2 ? 0750 : 0705;
        bool home =
            subjects[i].changed && strcmp(subjects[i].changed, "/") == 0;
        int r = ask_mode(p, subjects[i].path, mode);

        cr_expect_eq(r, home ? OUTCOME_DENIED : subjects[i].outcome, "%s: %d",
                     subjects[i].path, r);
        if (r == OUTCOME_OK)
            cr_expect_eq(disk_mode(p, subjects[i].changed), mode, "%s",
                         subjects[i].path);
    }
}

/* A mode never prevents the owner from reading a file or using a directory,
 * since retention has to. */
PeerTest(attributes, a_mode_that_closes, peer_start(p))
{
    PLAY(p, DIRECTORY("/d"), FILL("/d/f", 10, 1), CHMOD("/d/f", 0040),
         MODE("/d/f", 0440), CHMOD("/d", 0477), MODE("/d", 0777));
}

/* A directory keeps its set-group-ID and sticky bits; a file loses such
 * bits. */
PeerTest(attributes, bits_beyond_nine, furnish(p))
{
    PLAY(p, BITS("/folder", 03770), BITS("/file", 06755), RUN(),
         CHMOD("/folder", 0755), MODE("/folder", 03755), CHMOD("/file", 0755),
         MODE("/file", 0755));
}

/* If the process isn't in a directory's group, it can't change the mode: the
 * kernel would clear the set-group-ID bit. */
PeerTest(attributes, the_group_of_local_programs,
         (skip_without_root(), furnish(p)))
{
    cr_assert_eq(chown(disk_path(p, "/folder"), (uid_t)-1, 70999), 0);
    PLAY(p, BITS("/folder", 02770), RUN(), CHMOD("/folder", 0755, DENIED),
         MODE("/folder", 02770));
}

/* The times and mode of another user's file can't be changed, although this
 * user may write the file. */
PeerTest(attributes, of_others, (skip_without_root(), furnish(p)))
{
    disk_put(p, "/others", "x", 1);
    cr_assert_eq(chown(disk_path(p, "/others"), 1, 1), 0);
    PLAY(p, BITS("/others", 0666), RUN(), MFMT("/others", DENIED),
         CHMOD("/others", 0777, DENIED), MODE("/others", 0666));
    cr_expect_neq(disk_stat(p, "/others").st_mtim.tv_sec, 5);
}

Test(attributes, need_the_right)
{
    static const struct {
        unsigned without;
        int times, mode, space;
    } rows[] = {
        { RIGHT_WRITE, OUTCOME_NO_RIGHT, OUTCOME_NO_RIGHT, OUTCOME_NO_RIGHT },
        { RIGHT_REPLACE, OUTCOME_OK, OUTCOME_NO_RIGHT, OUTCOME_OK },
        { RIGHT_ALL & ~(RIGHT_LIST | RIGHT_WRITE), OUTCOME_OK, OUTCOME_NO_RIGHT,
          OUTCOME_OK },
        { RIGHT_ALL & ~(RIGHT_LIST | RIGHT_WRITE | RIGHT_REPLACE), OUTCOME_OK,
          OUTCOME_OK, OUTCOME_OK },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer p;

        furnish(&p);
        p.start.rights = RIGHT_ALL & ~rows[i].without;
        peer_run(&p);
        cr_expect_eq(ask_times(&p, "/file", 5, 5), rows[i].times, "row %zu", i);
        cr_expect_eq(ask_mode(&p, "/file", 0600), rows[i].mode, "row %zu", i);
        cr_expect_eq(ask_space(&p, "/", 0), rows[i].space, "row %zu", i);
        peer_stop(&p);
    }
}

PeerTest(attributes, space, furnish(p))
{
    struct statvfs disk;

    peer_run(p);
    DONE(ask_space(p, "/folder", UINT64_MAX));
    cr_assert_eq(statvfs(p->home, &disk), 0);
    /* Other processes use this disk, too, so the number isn't exact. */
    cr_expect_gt(p->space.bytes, 0);
    cr_expect_leq(p->space.bytes, (uint64_t)disk.f_blocks * disk.f_frsize);
    GETS(NOT_DIRECTORY, ask_space(p, "/file", 0));
    GETS(NOT_FOUND, ask_space(p, "/missing", 0));
}

/* MLSD lists only the facts that are requested. */
PeerTest(attributes, facts_of_a_listing, furnish(p))
{
    PLAY(p, p->facts = LISTING_TYPE | LISTING_SIZE, RUN());
    DONE(ask_list(p, "/folder", LIST_FACTS, ""));
    cr_expect_str_eq(p->text, "type=file;size=1; in\r\n");
}
