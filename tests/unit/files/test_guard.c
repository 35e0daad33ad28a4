/* A directory of the home with rights of its own, and each directory above it,
 * has only one path, even on a disk that accepts several spellings of a name.
 * Here a bind mount plays the other spelling, or the disk ignores case
 * (renames.h). */
#include <sys/mount.h>

#include "peer.h"
#include "renames.h"
#include "support/scratch.h"
#include "syncs.h"

#define READ (RIGHT_LIST | RIGHT_READ)

static void in_own_namespace(void)
{
    if (!mounts_own())
        cr_skip_test("nothing can be mounted here");
}

/* Makes OTHER lead to NAME, too. */
static void respell(struct peer *p, const char *name, const char *other)
{
    disk_directory(p, other);
    cr_assert_eq(
        mount(disk_path(p, name), disk_path(p, other), NULL, MS_BIND, NULL), 0);
}

static void clear(struct peer *p, const char *other)
{
    cr_assert_eq(umount2(disk_path(p, other), MNT_DETACH), 0, "%s", other);
}

static void expect_missing(int outcome, const char *request, const char *path)
{
    cr_expect_eq(outcome, OUTCOME_NOT_FOUND, "%s %s: outcome %d", request, path,
                 outcome);
}

static void expect_nothing_below(struct peer *p, const char *path)
{
    char in[64], to[64];

    snprintf(in, sizeof(in), "%s/f", path);
    snprintf(to, sizeof(to), "%s/new", path);
    expect_missing(ask_facts(p, in, FACTS_FOR_ANY), "MLST", in);
    expect_missing(ask_read(p, in, 0, NULL), "RETR", in);
    expect_missing(ask_write(p, to, WRITE_STORE, 0, 0, NULL), "STOR", to);
    expect_missing(ask_path(p, MSG_file_delete, in), "DELE", in);
    expect_missing(ask_path(p, MSG_directory_make, to), "MKD", to);
    expect_missing(ask_rename(p, in, "/moved"), "RNFR", in);
    expect_missing(ask_rename(p, "/f", to), "RNTO", to);
}

/* Expects NOT_FOUND for each request that names PATH, or a name in PATH. */
static void expect_nothing(struct peer *p, const char *path)
{
    expect_missing(ask_path(p, MSG_directory_enter, path), "CWD", path);
    expect_missing(ask_list(p, path, LIST_FACTS, ""), "MLSD", path);
    expect_missing(ask_list(p, path, LIST_NAMES, ""), "NLST", path);
    expect_missing(ask_facts(p, path, FACTS_FOR_ANY), "MLST", path);
    expect_missing(ask_facts(p, path, FACTS_FOR_RENAME), "RNFR", path);
    expect_missing(ask_write(p, path, WRITE_STORE, 0, 0, NULL), "STOR", path);
    expect_missing(ask_path(p, MSG_directory_make, path), "MKD", path);
    expect_missing(ask_path(p, MSG_directory_remove, path), "RMD", path);
    expect_missing(ask_path(p, MSG_file_delete, path), "DELE", path);
    expect_missing(ask_rename(p, path, "/moved"), "RNFR", path);
    expect_missing(ask_rename(p, "/f", path), "RNTO", path);
    expect_missing(ask_times(p, path, 5, 5), "MFMT", path);
    expect_missing(ask_mode(p, path, 0777), "SITE CHMOD", path);
    expect_missing(ask_space(p, path, 0), "AVBL", path);
    expect_nothing_below(p, path);
}

static void expect_names(struct peer *p, const char *path,
                         enum list_format format, uint64_t number)
{
    DONE(ask_list(p, path, format, ""));
    cr_expect_eq(p->listed, OUTCOME_OK);
    cr_expect_eq(p->entries, number, "%s: %s", path, p->text);
}

/* Makes /f, and the directory NAME with a file f. */
static void furnish(struct peer *p, const char *name)
{
    char path[64];

    disk_put(p, "/f", "x", 1);
    disk_directory(p, name);
    snprintf(path, sizeof(path), "%s/f", name);
    disk_put(p, path, "xy", 2);
}

PeerTest(guard, another_spelling, (in_own_namespace(), peer_init(p)))
{
    disk_directory(p, "/d");
    furnish(p, "/d/in");
    respell(p, "/d/in", "/d/IN");
    peer_rights(p, "/d/in", READ);
    peer_run(p);
    expect_nothing(p, "/d/IN");
    expect_names(p, "/d", LIST_FACTS, 1);
    expect_names(p, "/d", LIST_LONG, 1);
    expect_names(p, "/d", LIST_NAMES, 1);
    expect_names(p, "/d/in", LIST_NAMES, 1);
    cr_expect_eq(ask_size(p, "/d/in/f"), 2);
    GETS(OK, ask_path(p, MSG_directory_make, "/d/more"));
    GETS(OK, ask_rename(p, "/d/more", "/d/moved"));
    GETS(OK, ask_path(p, MSG_directory_remove, "/d/moved"));
    clear(p, "/d/IN");
}

/* A directory above has only one path, too: if a user could rename it,
 * everything in it would have the rights of the home. */
PeerTest(guard, another_spelling_above, (in_own_namespace(), peer_init(p)))
{
    furnish(p, "/d");
    disk_directory(p, "/d/in");
    disk_directory(p, "/e");
    respell(p, "/d", "/D");
    respell(p, "/d", "/e/d");
    peer_rights(p, "/d/in", READ);
    peer_run(p);
    expect_nothing(p, "/D");
    expect_nothing(p, "/D/in");
    expect_nothing(p, "/e/d");
    expect_names(p, "/", LIST_FACTS, 3);
    expect_names(p, "/e", LIST_FACTS, 0);
    cr_expect_eq(ask_size(p, "/d/f"), 2);
    clear(p, "/D");
    clear(p, "/e/d");
}

/* A directory with rights of its own can be inside another one. */
PeerTest(guard, in_another_mount, (in_own_namespace(), peer_init(p)))
{
    disk_directory(p, "/d");
    disk_directory(p, "/d/e");
    furnish(p, "/d/e/in");
    respell(p, "/d/e/in", "/d/e/IN");
    peer_rights(p, "/d", RIGHT_ALL);
    peer_rights(p, "/d/e/in", READ);
    peer_run(p);
    GETS(NOT_FOUND, ask_path(p, MSG_directory_enter, "/d/e/IN"));
    expect_nothing_below(p, "/d/e/IN");
    expect_names(p, "/d/e", LIST_NAMES, 1);
    clear(p, "/d/e/IN");
}

/* Another user's file gets the same answer as a missing file, also if the path
 * uses it as a directory. */
PeerTest(guard, among_own_files, (skip_without_root(), peer_init(p)))
{
    disk_directory(p, "/d");
    disk_put(p, "/d/g", "x", 1);
    cr_assert_eq(chown(disk_path(p, "/d/g"), 0, 0), 0);
    peer_rights(p, "/d", RIGHT_ALL | RIGHT_MINE);
    peer_run(p);
    GETS(NOT_FOUND, ask_read(p, "/d/g", 0, NULL));
    GETS(NOT_FOUND, ask_read(p, "/d/g/f", 0, NULL));
}

/* The directory has moved since the login, and another directory has its
 * name. */
PeerTest(guard, replaced_since_the_login, (in_own_namespace(), peer_init(p)))
{
    furnish(p, "/in");
    disk_directory(p, "/e");
    peer_rights(p, "/in", READ);
    peer_run(p);
    disk_rename(p, "/in", "/e/old");
    expect_nothing(p, "/e/old");
    disk_directory(p, "/in");
    disk_put(p, "/in/f", "x", 1);
    respell(p, "/in", "/IN");
    expect_nothing(p, "/IN");
    expect_nothing(p, "/e/old");
    cr_expect_eq(ask_size(p, "/in/f"), 2, "the login's");
    expect_names(p, "/", LIST_FACTS, 3);
    clear(p, "/IN");
}

/* A disk is mounted on the directory after the login. Another directory can
 * still be reached through a bind mount. */
PeerTest(guard, mounted_since_the_login, (in_own_namespace(), peer_init(p)))
{
    furnish(p, "/d");
    disk_directory(p, "/e");
    disk_directory(p, "/in");
    peer_rights(p, "/in", READ);
    peer_run(p);
    cr_assert_eq(mount("none", disk_path(p, "/in"), "tmpfs", 0, "mode=777"), 0);
    disk_put(p, "/in/f", "x", 1);
    respell(p, "/in", "/IN");
    respell(p, "/d", "/D");
    expect_nothing(p, "/IN");
    GETS(OK, ask_read(p, "/D/f", 0, NULL));
    clear(p, "/D");
    clear(p, "/IN");
    clear(p, "/in");
}

/* A disk that hangs doesn't block a path to another disk. */
PeerTest(guard, mounted_disk_is_left_alone, (in_own_namespace(), peer_init(p)))
{
    furnish(p, "/d");
    disk_directory(p, "/in");
    cr_assert_eq(mount("none", disk_path(p, "/in"), "tmpfs", 0, "mode=777"), 0);
    peer_rights(p, "/in", READ);
    look_fails = "in";
    peer_run(p);
    cr_expect_eq(ask_size(p, "/d/f"), 2);
    clear(p, "/in");
}

/* A name that doesn't exist at the check isn't opened, even if it exists
 * afterwards. */
PeerTest(guard, missing_at_the_look, peer_init(p))
{
    furnish(p, "/D");
    disk_directory(p, "/in");
    peer_rights(p, "/in", READ);
    rename_faults.folds = true;
    peer_run(p);
    expect_missing(ask_path(p, MSG_directory_enter, "/D"), "CWD", "/D");
    GETS(NOT_FOUND, ask_path(p, MSG_directory_make, "/D/new"));
}

/* Spellings aren't checked in a drop, where no name is looked at, nor in a
 * share, which hides the home's directories below its name. */
PeerTest(guard, not_in_drops_and_shares, (in_own_namespace(), peer_init(p)))
{
    disk_directory(p, "/drop");
    disk_directory(p, "/drop/in");
    respell(p, "/drop/in", "/drop/IN");
    peer_share(p, "/contracts", RIGHT_ALL);
    furnish(p, SHARE "/in");
    respell(p, SHARE "/in", SHARE "/IN");
    peer_rights(p, "/drop", RIGHT_WRITE);
    peer_rights(p, "/drop/in", READ);
    peer_rights(p, "/contracts/in", READ);
    peer_run(p);
    peer_expect(p, EVENT_TROUBLE);
    DONE(ask_put(p, "/drop/IN", WRITE_STORE, 0, 10, 1));
    cr_expect_eq(ask_size(p, "/contracts/IN/f"), 2);
    clear(p, "/drop/IN");
    clear(p, SHARE "/IN");
}

/* Each request opens the directory for reading, and when this is denied,
 * without reading. The test needs root, since otherwise the limit of
 * descriptors is higher. */
PeerTest(guard, no_descriptor_stays, (skip_without_root(), peer_init(p)))
{
    disk_directory(p, "/d");
    disk_directory(p, "/in");
    cr_assert_eq(chmod(disk_path(p, "/d"), 0400), 0);
    peer_rights(p, "/in", READ);
    peer_run(p);
    for (int i = 0; i < 2400; i++)
        GETS(DENIED, ask_path(p, MSG_file_delete, "/d/f"));
}

/* The disk of the directory doesn't answer at the login, but afterwards. */
PeerTest(guard, late, (in_own_namespace(), peer_init(p)))
{
    furnish(p, "/in");
    respell(p, "/in", "/IN");
    peer_rights(p, "/in", READ);
    p->mounts[0].late = true;
    peer_run(p);
    peer_expect(p, EVENT_TROUBLE);
    expect_nothing(p, "/IN");
    GETS(IO, ask_path(p, MSG_directory_enter, "/in"));
    clear(p, "/IN");
}

/* The directory couldn't be made at the login. Until the next login no other
 * directory can get its name or a name above it: its files would then be in the
 * directory with the rights. */
PeerTest(guard, nothing_takes_its_place, peer_init(p))
{
    static const char *const paths[] = { "/a/IN", "/B", "/B/IN" };

    disk_directory(p, "/a");
    disk_directory(p, "/x");
    disk_put(p, "/f", "x", 1);
    disk_put(p, "/x/f", "x", 1);
    peer_rights(p, "/a/in", READ);
    peer_rights(p, "/b/in", READ);
    p->mounts[0].late = p->mounts[1].late = true;
    rename_faults.folds = true;
    peer_run(p);
    peer_expect(p, EVENT_TROUBLE);
    peer_expect(p, EVENT_TROUBLE);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        expect_missing(ask_path(p, MSG_directory_make, paths[i]), "MKD",
                       paths[i]);
        expect_missing(ask_rename(p, "/x", paths[i]), "RNTO", paths[i]);
    }
    cr_expect(!disk_has(p, "/a/in") && !disk_has(p, "/b"));
    cr_expect(disk_has(p, "/x/f"));
    GETS(OK, ask_rename(p, "/x", "/a/Y"));
    GETS(OK, ask_path(p, MSG_directory_make, "/b"));
    GETS(OK, ask_path(p, MSG_directory_make, "/C"));
    cr_expect(disk_has(p, "/a/y/f") && disk_has(p, "/c"));
}

/* If no directory has rights of its own, every spelling that the disk accepts
 * is permitted. */
PeerTest(guard, no_rights_of_their_own, (in_own_namespace(), peer_init(p)))
{
    furnish(p, "/d");
    respell(p, "/d", "/D");
    peer_share(p, "/contracts", READ);
    peer_run(p);
    cr_expect_eq(ask_size(p, "/D/f"), 2);
    expect_names(p, "/", LIST_FACTS, 4);
    clear(p, "/D");
}
