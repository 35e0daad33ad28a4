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

static void expect_nothing_below(struct peer *p, const char *path)
{
    char in[64], to[64];

    snprintf(in, sizeof(in), "%s/f", path);
    snprintf(to, sizeof(to), "%s/new", path);
    PLAY(p, ROW("%s: ", path), MLST(in, NOT_FOUND), RETR(in, NOT_FOUND),
         OPENS(STORE, to, 0, 0, NOT_FOUND), DELE(in, NOT_FOUND),
         MKD(to, NOT_FOUND), RNTO(in, "/moved", NOT_FOUND),
         RNTO("/f", to, NOT_FOUND), ROW("%s", ""));
}

/* Expects NOT_FOUND for each request that names PATH, or a name in PATH. */
static void expect_nothing(struct peer *p, const char *path)
{
    PLAY(p, ROW("%s: ", path), CWD(path, NOT_FOUND),
         STEP(ask_list(p, path, LIST_FACTS, ""), OUTCOME_NOT_FOUND),
         STEP(ask_list(p, path, LIST_NAMES, ""), OUTCOME_NOT_FOUND),
         MLST(path, NOT_FOUND), RNFR(path, NOT_FOUND),
         OPENS(STORE, path, 0, 0, NOT_FOUND), MKD(path, NOT_FOUND),
         RMD(path, NOT_FOUND), DELE(path, NOT_FOUND),
         RNTO(path, "/moved", NOT_FOUND), RNTO("/f", path, NOT_FOUND),
         MFMT(path, NOT_FOUND), CHMOD(path, 0777, NOT_FOUND),
         STEP(ask_space(p, path, 0), OUTCOME_NOT_FOUND));
    expect_nothing_below(p, path);
}

/* Makes /f, and the directory NAME with a file f. */
static void furnish(struct peer *p, const char *name)
{
    char path[64];

    PLAY(p, PUT("/f", "x"), DIRECTORY(name));
    snprintf(path, sizeof(path), "%s/f", name);
    disk_put(p, path, "xy", 2);
}

/* Steps of PLAY(). */
#define FURNISH(name)        furnish(playing, name)
#define RESPELL(name, other) respell(playing, name, other)
#define CLEAR(other)         clear(playing, other)
#define NOTHING(path)        expect_nothing(playing, path)

PeerTest(guard, another_spelling, (in_own_namespace(), peer_init(p)))
{
    PLAY(p, DIRECTORY("/d"), FURNISH("/d/in"), RESPELL("/d/in", "/d/IN"),
         RIGHTS("/d/in", READ), RUN(), NOTHING("/d/IN"), LISTS(FACTS, "/d", 1),
         LISTS(LONG, "/d", 1), LISTS(NAMES, "/d", 1), LISTS(NAMES, "/d/in", 1),
         SIZE("/d/in/f", 2), MKD("/d/more"), RNTO("/d/more", "/d/moved"),
         RMD("/d/moved"), CLEAR("/d/IN"));
}

/* A directory above has only one path, too: if a user could rename it,
 * everything in it would have the rights of the home. */
PeerTest(guard, another_spelling_above, (in_own_namespace(), peer_init(p)))
{
    PLAY(p, FURNISH("/d"), DIRECTORY("/d/in"), DIRECTORY("/e"),
         RESPELL("/d", "/D"), RESPELL("/d", "/e/d"), RIGHTS("/d/in", READ),
         RUN(), NOTHING("/D"), NOTHING("/D/in"), NOTHING("/e/d"),
         LISTS(FACTS, "/", 3), LISTS(FACTS, "/e", 0), SIZE("/d/f", 2),
         CLEAR("/D"), CLEAR("/e/d"));
}

/* A directory with rights of its own can be inside another one. */
PeerTest(guard, in_another_mount, (in_own_namespace(), peer_init(p)))
{
    PLAY(p, DIRECTORY("/d"), DIRECTORY("/d/e"), FURNISH("/d/e/in"),
         RESPELL("/d/e/in", "/d/e/IN"), RIGHTS("/d", RIGHT_ALL),
         RIGHTS("/d/e/in", READ), RUN(), CWD("/d/e/IN", NOT_FOUND));
    expect_nothing_below(p, "/d/e/IN");
    PLAY(p, LISTS(NAMES, "/d/e", 1), CLEAR("/d/e/IN"));
}

/* Another user's file gets the same answer as a missing file, also if the path
 * uses it as a directory. */
PeerTest(guard, among_own_files, (skip_without_root(), peer_init(p)))
{
    PLAY(p, DIRECTORY("/d"), PUT("/d/g", "x"));
    cr_assert_eq(chown(disk_path(p, "/d/g"), 0, 0), 0);
    PLAY(p, RIGHTS("/d", RIGHT_ALL | RIGHT_MINE), RUN(),
         RETR("/d/g", NOT_FOUND), RETR("/d/g/f", NOT_FOUND));
}

/* The directory has moved since the login, and another directory has its
 * name. */
PeerTest(guard, replaced_since_the_login, (in_own_namespace(), peer_init(p)))
{
    PLAY(p, FURNISH("/in"), DIRECTORY("/e"), RIGHTS("/in", READ), RUN(),
         MOVE("/in", "/e/old"), NOTHING("/e/old"), DIRECTORY("/in"),
         PUT("/in/f", "x"), RESPELL("/in", "/IN"), NOTHING("/IN"),
         NOTHING("/e/old"));
    cr_expect_eq(ask_size(p, "/in/f"), 2, "the login's");
    PLAY(p, LISTS(FACTS, "/", 3), CLEAR("/IN"));
}

/* A disk is mounted on the directory after the login. Another directory can
 * still be reached through a bind mount. */
PeerTest(guard, mounted_since_the_login, (in_own_namespace(), peer_init(p)))
{
    PLAY(p, FURNISH("/d"), DIRECTORY("/e"), DIRECTORY("/in"),
         RIGHTS("/in", READ), RUN());
    cr_assert_eq(mount("none", disk_path(p, "/in"), "tmpfs", 0, "mode=777"), 0);
    PLAY(p, PUT("/in/f", "x"), RESPELL("/in", "/IN"), RESPELL("/d", "/D"),
         NOTHING("/IN"), RETR("/D/f"), CLEAR("/D"), CLEAR("/IN"), CLEAR("/in"));
}

/* A disk that hangs doesn't block a path to another disk. */
PeerTest(guard, mounted_disk_is_left_alone, (in_own_namespace(), peer_init(p)))
{
    PLAY(p, FURNISH("/d"), DIRECTORY("/in"));
    cr_assert_eq(mount("none", disk_path(p, "/in"), "tmpfs", 0, "mode=777"), 0);
    PLAY(p, RIGHTS("/in", READ), look_fails = "in", RUN(), SIZE("/d/f", 2),
         CLEAR("/in"));
}

/* A name that doesn't exist at the check isn't opened, even if it exists
 * afterwards. */
PeerTest(guard, missing_at_the_look, peer_init(p))
{
    PLAY(p, FURNISH("/D"), DIRECTORY("/in"), RIGHTS("/in", READ),
         rename_faults.folds = true, RUN(), CWD("/D", NOT_FOUND),
         MKD("/D/new", NOT_FOUND));
}

/* Spellings aren't checked in a drop, where no name is looked at, nor in a
 * share, which hides the home's directories below its name. */
PeerTest(guard, not_in_drops_and_shares, (in_own_namespace(), peer_init(p)))
{
    PLAY(p, DIRECTORY("/drop"), DIRECTORY("/drop/in"),
         RESPELL("/drop/in", "/drop/IN"), SHARES("/contracts", RIGHT_ALL),
         FURNISH(SHARE "/in"), RESPELL(SHARE "/in", SHARE "/IN"),
         RIGHTS("/drop", RIGHT_WRITE), RIGHTS("/drop/in", READ),
         RIGHTS("/contracts/in", READ), RUN(), EVENT(TROUBLE),
         STOR("/drop/IN", 10, 1), SIZE("/contracts/IN/f", 2), CLEAR("/drop/IN"),
         CLEAR(SHARE "/IN"));
}

/* Each request opens the directory for reading, and when this is denied,
 * without reading. The test needs root, since otherwise the limit of
 * descriptors is higher. */
PeerTest(guard, no_descriptor_stays, (skip_without_root(), peer_init(p)))
{
    PLAY(p, DIRECTORY("/d"), DIRECTORY("/in"), BITS("/d", 0400),
         RIGHTS("/in", READ), RUN());
    for (int i = 0; i < 2400; i++)
        GETS(DENIED, ask_path(p, MSG_file_delete, "/d/f"));
}

/* The disk of the directory doesn't answer at the login, but afterwards. */
PeerTest(guard, late, (in_own_namespace(), peer_init(p)))
{
    PLAY(p, FURNISH("/in"), RESPELL("/in", "/IN"), RIGHTS("/in", READ),
         p->mounts[0].late = true, RUN(), EVENT(TROUBLE), NOTHING("/IN"),
         CWD("/in", IO), CLEAR("/IN"));
}

/* The directory couldn't be made at the login. Until the next login no other
 * directory can get its name or a name above it: its files would then be in the
 * directory with the rights. */
PeerTest(guard, nothing_takes_its_place, peer_init(p))
{
    static const char *const paths[] = { "/a/IN", "/B", "/B/IN" };

    PLAY(p, DIRECTORY("/a"), DIRECTORY("/x"), PUT("/f", "x"), PUT("/x/f", "x"),
         RIGHTS("/a/in", READ), RIGHTS("/b/in", READ),
         p->mounts[0].late = p->mounts[1].late = true,
         rename_faults.folds = true, RUN(), EVENT(TROUBLE), EVENT(TROUBLE));
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        PLAY(p, ROW("%s: ", paths[i]), MKD(paths[i], NOT_FOUND),
             RNTO("/x", paths[i], NOT_FOUND));
    PLAY(p, GONE("/a/in"), GONE("/b"), HAS("/x/f"), RNTO("/x", "/a/Y"),
         MKD("/b"), MKD("/C"), HAS("/a/y/f"), HAS("/c"));
}

/* If no directory has rights of its own, every spelling that the disk accepts
 * is permitted. */
PeerTest(guard, no_rights_of_their_own, (in_own_namespace(), peer_init(p)))
{
    PLAY(p, FURNISH("/d"), RESPELL("/d", "/D"), SHARES("/contracts", READ),
         RUN(), SIZE("/D/f", 2), LISTS(FACTS, "/", 4), CLEAR("/D"));
}
