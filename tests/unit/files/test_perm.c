/* The perm fact, which depends on rights and modes. */
#include <criterion/criterion.h>
#include <sys/stat.h>

#include "files/files.h"
#include "sallyport/domain/rights.h"
#include "sallyport/ftp/listing.h"

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
          "own folder" },
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
        struct files f = { .rights = rows[i].rights, .uid = ME, .gid = ME };
        struct stat st = { .st_mode = rows[i].kind | rows[i].mode,
                           .st_uid = rows[i].owner,
                           .st_gid = rows[i].owner };
        struct stat folder = { .st_mode = S_IFDIR | rows[i].folder_mode,
                               .st_uid = rows[i].folder_owner,
                               .st_gid = rows[i].folder_owner };
        char text[12];

        text_of(facts_perm(&f, &folder, &st, rows[i].link), text);
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
        struct files f = { .rights = rows[i].rights,
                           .rules.on_conflict = rows[i].conflict,
                           .uid = ME,
                           .gid = ME };
        struct stat st = { .st_mode = S_IFREG | 0644,
                           .st_uid = rows[i].owner,
                           .st_gid = rows[i].owner };
        struct stat folder = { .st_mode = S_IFDIR | rows[i].folder_mode,
                               .st_uid = rows[i].owner };
        char text[12];

        text_of(facts_perm(&f, &folder, &st, false), text);
        cr_expect_str_eq(text, rows[i].perm, "row %zu: %s", i, text);
    }
}

Test(perm, groups_and_the_home)
{
    struct files f = { .rights = RIGHT_ALL,
                       .uid = ME,
                       .gid = ME,
                       .groups = { 7, 8 },
                       .group_count = 2 };
    struct stat st = { .st_mode = S_IFREG | 0640,
                       .st_uid = OTHER,
                       .st_gid = 8 };
    struct stat folder = { .st_mode = S_IFDIR | 0070,
                           .st_uid = OTHER,
                           .st_gid = 7 };
    struct stat home = { .st_mode = S_IFDIR | 0700, .st_uid = ME };
    char text[12];

    text_of(facts_perm(&f, &folder, &st, false), text);
    cr_expect_str_eq(text, "adfrw");
    text_of(facts_perm(&f, NULL, &home, false), text);
    cr_expect_str_eq(text, "celmp"); /* never deleted, never renamed */
}
