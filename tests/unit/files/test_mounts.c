/* The tree of a user: the home and shares. Tests to which mount a path belongs,
 * what is listed, and what is refused. */
#include "peer.h"
#include "support/cast.h"
#include "syncs.h"

#define K    1024u
#define READ (RIGHT_LIST | RIGHT_READ)

Test(mounts, paths_on_borders)
{
    static const struct {
        const char *path, *mount;
    } rows[] = {
        { "/", "" },
        { "/a", "" },
        { "/share", "/share" },
        { "/share/a/b", "/share" },
        { "/shares", "" },
        { "/shar", "" },
        { "/share-2/a", "/share-2" },
        { "/a/share", "" },
    };
    struct files f = { .mount = { { .at = SLICE("") },
                                  { .at = SLICE("/share") },
                                  { .at = SLICE("/share-2") } },
                       .mounts = 3 };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect(slice_equal(mount_of(&f, slice_from(rows[i].path))->at,
                              slice_from(rows[i].mount)),
                  "%s", rows[i].path);
}

static const char *list(struct peer *p, const char *path,
                        enum list_format format, const char *argument)
{
    cr_assert_eq(ask_list(p, path, format, argument), OUTCOME_OK, "%s", path);
    cr_expect_eq(p->listed, OUTCOME_OK);
    return p->text;
}

/* Returns how often TEXT contains PART. */
static int count(const char *text, const char *part)
{
    int n = 0;

    for (; (text = strstr(text, part)); text += strlen(part))
        n++;
    return n;
}

static void expect_names(struct peer *p, const char *path, const char *argument,
                         const char *wanted)
{
    const char *text = list(p, path, LIST_NAMES, argument);

    cr_expect_str_eq(text, wanted, "%s %s: %s", path, argument, text);
}

static unsigned perm_of(struct peer *p, const char *path)
{
    cr_expect_eq(ask_facts(p, path, FACTS_FOR_ANY), OUTCOME_OK, "%s", path);
    cr_expect_eq(p->are.kind, ENTRY_DIRECTORY);
    return (unsigned)p->are.perm;
}

/* A share is listed in "/" with its own facts and rights, and hides what the
 * home has under its name. Nothing is made in the home. */
PeerTest(mounts, a_share_appears, peer_init(p))
{
    const char *text;

    PLAY(p, SHARES("/contracts", READ), DIRECTORY("/contracts"),
         PUT("/contracts/hidden", "x"), PUT(SHARE "/seen", "xy"),
         BITS(SHARE "/seen", 0644), PUT("/own", "x"), RUN());
    expect_names(p, "/", "", "own\r\ncontracts\r\n");
    expect_names(p, "/contracts", "", "seen\r\n");
    expect_names(p, "/con*", "con*", "contracts\r\n");
    expect_names(p, "/o*", "o*", "own\r\n");
    expect_names(p, "/contracts/s*", "contracts/s*", "contracts/seen\r\n");
    text = list(p, "/", LIST_LONG, "");
    cr_expect_eq(count(text, "contracts"), 1, "%s", text);
    cr_expect_eq(count(text, "drwxrwx---"), 1, "%s", text);
    text = list(p, "/", LIST_FACTS, "");
    cr_expect_eq(count(text, "perm=el;"), 1, "%s", text);
    cr_expect_eq(perm_of(p, "/contracts"), PERM_ENTER | PERM_LIST);
    GETS(OK, ask_facts(p, "/contracts", FACTS_FOR_ANY));
    cr_expect_eq(p->are.inode, disk_stat(p, SHARE).st_ino);
    PLAY(p, CWD("/contracts"), CWD("/contracts/seen", NOT_DIRECTORY),
         MLST("/contracts/hidden", NOT_FOUND), SIZE("/contracts/seen", 2));
}

/* A listing of a share shows the names of the members who own the files, if
 * master has sent these names in time. A listing of the home shows none. */
PeerTest(mounts, whose_files_they_are, (skip_without_root(), peer_init(p)))
{
    static const struct {
        const char *path;
        uid_t owner;
    } files[] = { { SHARE "/bert's", 70001 },
                  { SHARE "/own", PEER_UID },
                  { SHARE "/root's", 0 },
                  { SHARE "/unknown", 70257 },
                  { "/f", PEER_UID } };
    const char *text;

    peer_share(p, "/contracts", READ);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        disk_put(p, files[i].path, "x", 1);
        cr_assert_eq(chown(disk_path(p, files[i].path), files[i].owner, 0), 0);
    }
    peer_run(p);
    SAY(&p->master, owner_is, .uid = 70001, .name = SLICE("bert"));
    text = list(p, "/contracts", LIST_LONG, "");
    cr_expect_eq(count(text, " bert group "), 1, "%s", text);
    cr_expect_eq(count(text, " anna group "), 1, "%s", text);
    cr_expect_eq(count(text, " owner group "), 2, "%s", text);
    text = list(p, "/contracts", LIST_FACTS, "");
    cr_expect_eq(count(text, ";UNIX.ownername=bert; bert's\r\n"), 1, "%s",
                 text);
    cr_expect_eq(count(text, "UNIX.ownername="), 2, "%s", text);
    GETS(OK, ask_facts(p, "/contracts/bert's", FACTS_FOR_ANY));
    cr_expect(slice_equal(p->are.owner, SLICE("bert")));
    text = list(p, "/", LIST_FACTS, "");
    cr_expect_eq(count(text, "UNIX.ownername="), 0, "%s", text);
}

static void expect_reason(struct peer *p, const char *reason)
{
    const struct event_record e = peer_expect(p, EVENT_TROUBLE);

    cr_expect(slice_equal(e.text[FIELD_USER], SLICE("anna")));
    cr_expect(slice_equal(e.text[FIELD_REASON], slice_from(reason)), "%.*s",
              (int)e.text[FIELD_REASON].len, e.text[FIELD_REASON].ptr);
}

/* A mount that can't be opened is listed, but each path in it is refused as an
 * error, and the log says why. No reply says that nothing is there: otherwise a
 * client would remove its copy. */
PeerTest(mounts, what_cannot_be_opened, peer_init(p))
{
    static const struct {
        const char *at, *why;
    } rows[] = {
        { "/gone", "No such file or directory" },
        { "/late", "its disk doesn't answer" },
    };
    char reason[256];

    PLAY(p, SHARES("/gone", RIGHT_ALL), SHARES("/late", RIGHT_ALL),
         SHARES("/contracts", RIGHT_ALL));
    cr_assert_eq(rmdir(p->mounts[0].path), 0);
    PLAY(p, p->mounts[1].late = true, PUT("/gone", "x"), RUN());
    for (size_t i = 0; i < 2; i++) {
        snprintf(reason, sizeof(reason), "share %s at %s: nothing is in it: %s",
                 rows[i].at, p->mounts[i].path, rows[i].why);
        expect_reason(p, reason);
    }
    expect_names(p, "/", "", "gone\r\nlate\r\ncontracts\r\n");
    PLAY(p, MLST("/gone", IO), CWD("/gone", IO), RETR("/gone/f", IO),
         OPENS(STORE, "/late/f", 0, 0, IO), MKD("/late", MOUNT));
}

/* The kernel refuses a share to a process that isn't in the share's group. */
PeerTest(mounts, a_share_of_others, (skip_without_root(), peer_init(p)))
{
    char reason[256];

    peer_share(p, "/contracts", RIGHT_ALL)->gid++;
    peer_run(p);
    snprintf(reason, sizeof(reason),
             "share /contracts at %s: nothing is in it: Permission denied",
             p->mounts[0].path);
    expect_reason(p, reason);
    expect_names(p, "/", "", "contracts\r\n");
}

/* If the server doesn't run as root, all shares lie below one directory, as the
 * homes do. */
PeerTest(mounts, without_root_beneath_shares, peer_init(p))
{
    struct event_record e;

    if (geteuid() == 0)
        cr_assert_eq(chown(p->home, 0, 0), 0);
    PLAY(p, p->start.root = false, SHARES("/contracts", READ));
    peer_share(p, "/other", READ)->path = p->homes;
    peer_run(p);
    e = peer_expect(p, EVENT_TROUBLE);
    cr_expect_eq(memcmp(e.text[FIELD_REASON].ptr, "share /other", 12), 0);
    expect_names(p, "/", "", "contracts\r\nother\r\n");
}

/* No request renames, removes or replaces a mount. */
PeerTest(mounts, stay_where_they_are, peer_init(p))
{
    const char *const path = "/contracts";

    PLAY(p, SHARES("/contracts", RIGHT_ALL), PUT("/f", "x"), RUN(),
         RMD(path, MOUNT), RNFR(path, MOUNT), RNTO(path, "/x", MOUNT),
         DELE(path, IS_DIRECTORY), MFMT(path, MOUNT),
         CHMOD(path, 0777, SHARE_MODE), MKD(path, MOUNT),
         RNTO("/f", path, MOUNT), OPENS(STORE, path, 0, 0, MOUNT), HAS("/f"),
         HAS(SHARE));
}

/* A rename between two mounts is refused, even on one file system, where the
 * kernel would permit it. */
PeerTest(mounts, nothing_moves_between_them, peer_init(p))
{
    static const char *const paths[] = { "/f", "/contracts/f", "/other/f" };
    static const char *const disk[] = { "/f", SHARE "/f",
                                        "/../../shares/other/f" };
    char to[64];

    PLAY(p, SHARES("/contracts", RIGHT_ALL), SHARES("/other", RIGHT_ALL));
    for (int i = 0; i < 3; i++)
        disk_put(p, disk[i], "x", 1);
    peer_run(p);
    for (int from = 0; from < 3; from++)
        for (int i = 0; i < 3; i++) {
            snprintf(to, sizeof(to), "%s2", paths[i]);
            cr_expect_eq(ask_rename(p, paths[from], to),
                         from == i ? OUTCOME_OK : OUTCOME_BETWEEN_MOUNTS);
            if (from == i)
                GETS(OK, ask_rename(p, to, paths[from]));
            cr_expect_eq(ask_rename(p, paths[from], paths[i]),
                         from == i ? OUTCOME_OK : OUTCOME_BETWEEN_MOUNTS);
        }
    for (int i = 0; i < 3; i++)
        cr_expect(disk_has(p, disk[i]));
}

/* Links aren't followed in a share, nor in a home where the user sees only own
 * files. */
Test(mounts, links_are_not_followed)
{
    struct peer p;
    const char *text;

    for (int mine = 0; mine < 2; mine++) {
        peer_init(&p);
        PLAY(&p, SHARES("/contracts", RIGHT_ALL), DIRECTORY("/secret"),
             PUT("/secret/f", "x"), LINK("secret/f", "/link"),
             LINK("secret", "/way"), PUT(SHARE "/f", "x"),
             BITS(SHARE "/f", 0666), LINK("f", SHARE "/link"));
        if (mine)
            p.start.rights = (RIGHT_ALL & ~RIGHT_DIRECTORY) | RIGHT_MINE;
        peer_run(&p);
        cr_expect_eq(ask_read(&p, "/link", 0, NULL),
                     mine ? OUTCOME_NOT_FOUND : OUTCOME_OK);
        cr_expect_eq(ask_path(&p, MSG_directory_enter, "/way"),
                     mine ? OUTCOME_NOT_FOUND : OUTCOME_OK);
        cr_expect_eq(ask_path(&p, MSG_file_delete, "/way/f"),
                     mine ? OUTCOME_NOT_FOUND : OUTCOME_OK);
        PLAY(&p, RETR("/contracts/link", NOT_FOUND),
             OPENS(STORE, "/contracts/link", 0, 0, NOT_REGULAR));
        text = list(&p, "/contracts", LIST_LONG, "");
        cr_expect_eq(count(text, "link -> f"), 1, "%s", text);
        GETS(OK, ask_facts(&p, "/contracts/link", FACTS_FOR_ANY));
        cr_expect_eq(p.are.kind, ENTRY_LINK);
        peer_stop(&p);
    }
}

/* If a share is full, idle partials of the share are removed, but none of the
 * home; and the other way round. */
PeerTest(mounts, each_frees_its_own, peer_init(p))
{
    PLAY(p, SHARES("/contracts", RIGHT_ALL), DIRECTORY("/in"), RUN(),
         CUTS("/in/f", 200 * K, 1), CUTS("/contracts/f", 200 * K, 1), LEAVE(),
         time_ahead += HOUR, RUN(), SENDS(STORE, "/contracts/g", 0, 10, 1),
         FULL(NO_SPACE), ABORT());
    cr_expect_eq(peer_expect(p, EVENT_SERVICE).number[FIELD_NUMBER], 1);
    PLAY(p, PARTIALS(SHARE, 0), PARTIALS("/in", 1),
         CUTS("/contracts/f", 200 * K, 1), SENDS(STORE, "/g", 0, 10, 1),
         FULL(NO_SPACE), ABORT(), EVENT(SERVICE));
    cr_expect_eq(disk_partials(p, "/in"), 0, "the home's");
    cr_expect_eq(disk_partials(p, SHARE), 1);
}

/* A process can have FILES_MOUNTS_MAX mounts. */
PeerTest(mounts, as_many_as_there_can_be, peer_init(p))
{
    static char at[FILES_MOUNTS_MAX][16];
    const char *text;

    for (int i = 0; i < FILES_MOUNTS_MAX; i++) {
        snprintf(at[i], sizeof(at[i]), "/d%d", i);
        peer_share(p, at[i], READ);
    }
    peer_run(p);
    text = list(p, "/", LIST_FACTS, "");
    cr_expect_eq(count(text, "perm=el;"), FILES_MOUNTS_MAX);
}
