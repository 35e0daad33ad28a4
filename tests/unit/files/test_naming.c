/* Uploads to a taken name: with each on_conflict, one upload, and ten at
 * once. */
#include <linux/magic.h>
#include <sys/file.h>

#include "renames.h"
#include "steps.h"
#include "support/cast.h"
#include "syncs.h"

#define K             1024u
#define TEN           10
#define OLD           "/in/f.txt"
#define SECOND        "/in/f (2).txt"
#define ALL_BUT_STORE (RIGHT_ALL & ~(RIGHT_WRITE | RIGHT_LIST))

static void start(struct peer *p, enum conflict conflict)
{
    peer_init(p);
    p->start.rules.on_conflict = conflict;
    PLAY(p, DIRECTORY("/in"), RUN());
}

/* The end of an upload to a name that is taken, at the beginning or
 * meanwhile. */
static const struct row {
    enum conflict conflict, wish; /* the server's, the client's */
    unsigned without;             /* the right that the user lacks */
    int outcome;
    const char *stored; /* the path of the new file; "": none */
    const char *old; /* the path of the old file at the end; NULL: replaced */
} rows[] = {
    { CONFLICT_OVERWRITE, 0, 0, 0, "/in/f.txt", NULL },
    { CONFLICT_OVERWRITE, 0, RIGHT_REPLACE, OUTCOME_NO_RIGHT, "", OLD },
    { CONFLICT_RENAME, 0, 0, 0, SECOND, OLD },
    { CONFLICT_RENAME, 0, ALL_BUT_STORE, 0, SECOND, OLD },
    { CONFLICT_VERSION, 0, 0, 0, "/in/f.txt", "/in/f.txt.~1~" },
    { CONFLICT_VERSION, 0, RIGHT_REPLACE, OUTCOME_NO_RIGHT, "", OLD },
    { CONFLICT_REJECT, 0, 0, OUTCOME_NAME_TAKEN, "", OLD },
    { CONFLICT_REJECT, 0, ALL_BUT_STORE, OUTCOME_NAME_TAKEN, "", OLD },
    /* The client's choice only counts if it is stricter. */
    { CONFLICT_OVERWRITE, CONFLICT_RENAME, 0, 0, SECOND, OLD },
    { CONFLICT_OVERWRITE, CONFLICT_RENAME, RIGHT_REPLACE, 0, SECOND, OLD },
    { CONFLICT_OVERWRITE, CONFLICT_REJECT, 0, OUTCOME_NAME_TAKEN, "", OLD },
    { CONFLICT_RENAME, CONFLICT_VERSION, 0, 0, SECOND, OLD },
    { CONFLICT_RENAME, CONFLICT_REJECT, 0, OUTCOME_NAME_TAKEN, "", OLD },
    { CONFLICT_VERSION, CONFLICT_RENAME, 0, 0, SECOND, OLD },
    { CONFLICT_VERSION, CONFLICT_REJECT, 0, OUTCOME_NAME_TAKEN, "", OLD },
    { CONFLICT_REJECT, CONFLICT_RENAME, 0, OUTCOME_NAME_TAKEN, "", OLD },
    { CONFLICT_REJECT, CONFLICT_VERSION, 0, OUTCOME_NAME_TAKEN, "", OLD },
};

static void upload_to_taken(const struct row *row, bool meanwhile)
{
    struct peer *p = peer_new();

    p->start.rules.on_conflict = row->conflict;
    p->wish = row->wish;
    p->start.rights = RIGHT_ALL & ~row->without;
    disk_directory(p, "/in");
    if (!meanwhile)
        disk_fill(p, OLD, 50, 1);
    peer_run(p);
    int r = ask_upload(p, OLD, WRITE_STORE, 0, 100, 2);
    cr_expect_eq(r, meanwhile ? OUTCOME_OK : row->outcome, "row %td: %d",
                 row - rows, r);
    if (meanwhile)
        disk_fill(p, OLD, 50, 1);
    if (r == OUTCOME_OK)
        cr_expect_eq(ask_commit(p, 100), row->outcome, "row %td", row - rows);
    cr_expect_str_eq(p->stored, row->stored);
    cr_expect(!row->stored[0] || disk_is(p, row->stored, 100, 2), "%s",
              row->stored);
    cr_expect(!row->old || disk_is(p, row->old, 50, 1), "%s", row->old);
    cr_expect_eq(disk_partials(p, "/in"), 0);
    peer_stop(p);
}

Test(naming, taken_at_the_beginning)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        upload_to_taken(&rows[i], false);
}

Test(naming, taken_meanwhile)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        upload_to_taken(&rows[i], true);
}

/* A client resumes onto a finished file that on_conflict keeps or moves. With
 * rename and reject this is refused, since the server can't know to which file
 * the rest belongs. The old file is always kept whole. */
Test(naming, onto_a_finished_file)
{
    static const struct {
        enum conflict conflict;
        enum write_mode mode;
        uint64_t rest;
        int outcome;
        const char *old;
    } on[] = {
        { CONFLICT_RENAME, WRITE_APPEND, 0, OUTCOME_SEND_WHOLE, OLD },
        { CONFLICT_RENAME, WRITE_STORE, 30 * K, OUTCOME_SEND_WHOLE, OLD },
        { CONFLICT_VERSION, WRITE_APPEND, 0, 0, "/in/f.txt.~1~" },
        { CONFLICT_VERSION, WRITE_STORE, 9, 0, "/in/f.txt.~1~" },
        { CONFLICT_REJECT, WRITE_APPEND, 0, OUTCOME_NAME_TAKEN, OLD },
        { CONFLICT_REJECT, WRITE_STORE, 9, OUTCOME_NAME_TAKEN, OLD },
    };

    for (size_t i = 0; i < sizeof(on) / sizeof(on[0]); i++) {
        struct peer p;

        start(&p, on[i].conflict);
        disk_fill(&p, OLD, 50 * K, 1);
        int r = ask_upload(&p, OLD, on[i].mode, on[i].rest, 60 * K, 1);
        cr_expect_eq(r, on[i].outcome, "row %zu: %d", i, r);
        if (r == OUTCOME_OK) {
            PLAY(&p, ROW("row %zu: ", i), COMMIT(60 * K), STORED(OLD),
                 IS(OLD, 60 * K, 1));
        }
        cr_expect(disk_is(&p, on[i].old, 50 * K, 1), "row %zu", i);
        peer_stop(&p);
    }
}

/* SIZE has reported the partial, and then another file has got its name: the
 * upload is resumed, and gets another name. */
Test(naming, resumes_a_partial_whose_name_is_taken)
{
    static const enum write_mode modes[] = { WRITE_STORE, WRITE_APPEND };

    for (int i = 0; i < 2; i++) {
        struct peer p;

        start(&p, CONFLICT_RENAME);
        PLAY(&p, CUTS("/in/f", 200 * K, 1), SIZE("/in/f", 192 * K),
             FILL("/in/f", 50 * K, 2));
        DONE(ask_put(&p, "/in/f", modes[i], i == 0 ? 192 * K : 0, 300 * K, 1));
        PLAY(&p, STORED("/in/f (2)"), IS("/in/f (2)", 300 * K, 1),
             IS("/in/f", 50 * K, 2));
        peer_stop(&p);
    }
}

/* If a directory gets the name meanwhile, it is never moved or replaced. */
Test(naming, folder_that_came)
{
    static const int outcomes[CONFLICT_COUNT] = { OUTCOME_IS_DIRECTORY, 0,
                                                  OUTCOME_IS_DIRECTORY,
                                                  OUTCOME_NAME_TAKEN };

    for (int mode = 0; mode < CONFLICT_COUNT; mode++) {
        struct peer p;

        start(&p, (enum conflict)mode);
        PLAY(&p, SENDS(STORE, "/in/f", 0, 10, 1), DIRECTORY("/in/f"));
        cr_expect_eq(ask_commit(&p, 10), outcomes[mode], "mode %d", mode);
        cr_expect_eq(disk_partials(&p, "/in"), 0);
        peer_stop(&p);
    }
}

/* The upload replaces a link, but never the link's target. on_conflict =
 * version refuses the upload, since a link can't become a version. */
Test(naming, a_link)
{
    static const int outcomes[CONFLICT_COUNT] = { 0, 0, OUTCOME_NAME_TAKEN,
                                                  OUTCOME_NAME_TAKEN };

    for (int mode = 0; mode < CONFLICT_COUNT; mode++) {
        struct peer p;

        start(&p, (enum conflict)mode);
        PLAY(&p, FILL("/in/there", 50, 1), LINK("there", "/in/f"));
        int r = ask_upload(&p, "/in/f", WRITE_STORE, 0, 100, 2);
        cr_expect_eq(r, outcomes[mode], "mode %d: %d", mode, r);
        if (r == OUTCOME_OK) {
            PLAY(&p, COMMIT(100), IS(p.stored, 100, 2));
        }
        PLAY(&p, SENDS(STORE, "/in/late", 0, 100, 2),
             LINK("there", "/in/late"));
        cr_expect_eq(ask_commit(&p, 100), outcomes[mode], "mode %d", mode);
        PLAY(&p, IS("/in/there", 50, 1), PARTIALS("/in", 0));
        peer_stop(&p);
    }
}

/* Ten sessions of one user upload to one name, and all uploads begin before the
 * first commit. Each gets a name of its own. */
static void rename_ten(void)
{
    static struct peer p[TEN];

    start(&p[0], CONFLICT_RENAME);
    for (unsigned i = 1; i < TEN; i++)
        peer_join(&p[i], &p[0], false);
    for (unsigned i = 0; i < TEN; i++)
        DONE(ask_upload(&p[i], "/in/f.txt", WRITE_STORE, 0, 100 + i, i));
    for (unsigned i = 0; i < TEN; i++)
        send_commit(&p[i], 100 + i);
    for (unsigned i = 0; i < TEN; i++) {

        slice_copy(EXPECT(&p[i].session, file_stored)->path, p[i].stored,
                   sizeof(p[i].stored));
    }
    cr_assert_eq(disk_partials(&p[0], "/in"), 0);
    for (unsigned i = 0; i < TEN; i++) {
        cr_assert(disk_is(&p[0], p[i].stored, 100 + i, i), "%s", p[i].stored);
        for (unsigned j = 0; j < i; j++)
            cr_assert_str_neq(p[i].stored, p[j].stored);
    }
    cr_assert(disk_has(&p[0], "/in/f (10).txt"), "no gaps");
    for (unsigned i = 1; i < TEN; i++)
        peer_leave(&p[i]);
    peer_stop(&p[0]);
}

Test(naming, ten_at_once_rename)
{
    rename_ten();
}

/* The same works on a file system without RENAME_NOREPLACE. */
Test(naming, ten_at_once_rename_plain)
{
    rename_faults.no_flags = true;
    rename_ten();
}

/* A hundred files get one name within a second or two, by uploads or by RNTO:
 * each file stays. */
static void version_hundred(bool renames)
{
    bool seen[100] = { false };
    const struct dirent *e;
    struct peer p;

    start(&p, CONFLICT_VERSION);
    for (unsigned i = 0; i < 100; i++) {
        ask_store(&p, renames ? "/in/g" : "/in/f", 100 + i, i);
        if (renames)
            cr_assert_eq(ask_rename(&p, "/in/g", "/in/f"), 0, "%u", i);
    }
    cr_expect(disk_is(&p, "/in/f", 199, 99));
    DIR *d = opendir(disk_path(&p, "/in"));
    while ((e = readdir(d)) != NULL)
        if (e->d_name[0] == 'f') {
            char path[NAME_MAX + 5];

            snprintf(path, sizeof(path), "/in/%s", e->d_name);
            size_t len = (size_t)disk_stat(&p, path).st_size;
            cr_assert(len >= 100 && len < 200 && !seen[len - 100]);
            seen[len - 100] = disk_is(&p, path, len, (unsigned)len - 100);
        }
    closedir(d);
    for (unsigned i = 0; i < 100; i++)
        cr_expect(seen[i], "%u", i);
    peer_stop(&p);
}

Test(naming, a_hundred_versions)
{
    version_hundred(false);
    version_hundred(true);
}

/* The old file already has its second name when the new file fails to get the
 * first one: the old file gets its name back. */
PeerTest(naming, version_puts_the_old_one_back,
         (rename_faults.no_flags = true, rename_faults.once_replace = "f",
          start(p, CONFLICT_VERSION)))
{
    PLAY(p, FILL("/in/f", 50, 1), SENDS(STORE, "/in/f", 0, 100, 2));
    cr_assert_neq(ask_commit(p, 100), OUTCOME_OK);
    PLAY(p, IS("/in/f", 50, 1), GONE("/in/f.~1~"), GONE("/in/f.~2~"));
}

/* The process was killed, and the next upload makes a version again. On a
 * network disk the old file then has one other name at most. */
static void version_once_more(struct peer *p)
{
    bool before = disk_is(p, "/in/f", 50, 1);

    if (disk_type == 0 || !before)
        return;
    PLAY(p, RUN(), STOR("/in/f", 100, 2), IS("/in/f.~1~", 50, 1),
         GONE("/in/f.~2~"), LEAVE());
}

/* At each step of the commit the name shows a whole file, also if the process
 * is killed there. Returns false if the commit has fewer steps. */
static bool version_until(int steps)
{
    struct steps *s;
    struct peer p;
    bool held = true;
    int done = 0;

    rename_faults.no_flags = true;
    peer_init(&p);
    p.start.rules.on_conflict = CONFLICT_VERSION;
    PLAY(&p, DIRECTORY("/in"), FILL("/in/f", 50, 1));
    s = steps_for_next();
    PLAY(&p, RUN(), SENDS(STORE, "/in/f", 0, 100, 2));
    steps_hold(s);
    send_commit(&p, 100);
    for (; held && done < steps; done++) {
        held = steps_next(s, &p) == STEPPED_HELD;
        cr_expect(disk_is(&p, "/in/f", 50, 1) || disk_is(&p, "/in/f", 100, 2),
                  "step %d", done);
    }
    if (held) {
        peer_kill(&p);
        cr_expect(disk_is(&p, "/in/f", 50, 1) ||
                      (disk_is(&p, "/in/f", 100, 2) &&
                       (disk_is(&p, "/in/f.~1~", 50, 1) ||
                        disk_is(&p, "/in/f.~2~", 50, 1))),
                  "killed at step %d", done);
        steps_free(s);
        version_once_more(&p);
        peer_remove(&p);
    } else {
        PLAY(&p, IS("/in/f", 100, 2), IS("/in/f.~1~", 50, 1));
        steps_free(s);
        peer_stop(&p);
    }
    steps_end(s);
    return held;
}

static void version_at_each_step(int least)
{
    int steps = 1;

    while (version_until(steps))
        steps++;
    cr_expect_gt(steps, least);
}

Test(naming, version_plain_never_lacks_the_name)
{
    version_at_each_step(4);
}

Test(naming, version_on_a_network_disk_never_lacks_the_name)
{
    disk_type = FUSE_SUPER_MAGIC;
    version_at_each_step(2);
}

/* A rename makes a link with the new name, but can't remove the old name. If
 * another program has taken the new name meanwhile, its file is kept; otherwise
 * the link is removed. */
Test(naming, a_link_that_is_not_taken_back)
{
    struct steps *s;
    struct peer *p = peer_new();

    rename_faults = (struct rename_faults){ .no_flags = true,
                                            .kept = "e",
                                            .kept_error = EACCES };
    PLAY(p, DIRECTORY("/in"), FILL("/in/e", 50, 1), FILL("/in/other", 70, 2));
    s = steps_for_next();
    peer_run(p);
    cr_expect_neq(ask_rename(p, "/in/e", "/in/g"), OUTCOME_OK);
    cr_expect_not(disk_has(p, "/in/g"), "this one is taken back");
    steps_hold(s);
    REQUEST(&p->session, rename, .from = SLICE("/in/e"), .to = SLICE("/in/f"));
    for (int i = 0; i < 3; i++) /* rename, link, unlink */
        if (!disk_has(p, "/in/f"))
            cr_assert_eq(steps_next(s, p), STEPPED_HELD);
    PLAY(p, IS("/in/f", 50, 1), MOVE("/in/other", "/in/g"),
         MOVE("/in/g", "/in/f"));
    steps_free(s);
    EXPECT(&p->session, refused);
    PLAY(p, IS("/in/f", 70, 2), IS("/in/e", 50, 1));
    rename_faults.kept = NULL;
    peer_stop(p);
    steps_end(s);
}

/* The disk's server may yet remove the old name, so both stay. */
Test(naming, an_old_name_that_may_go_later)
{
    const int errors[] = { EIO, ETIMEDOUT };

    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        struct peer *p = peer_new();

        rename_faults = (struct rename_faults){ .no_flags = true,
                                                .kept = "e",
                                                .kept_error = errors[i] };
        PLAY(p, FILL("/e", 50, 1), RUN());
        cr_expect_neq(ask_rename(p, "/e", "/f"), OUTCOME_OK);
        cr_expect(disk_is(p, "/f", 50, 1) && disk_is(p, "/e", 50, 1), "%zu", i);
        rename_faults.kept = NULL;
        peer_stop(p);
    }
}

/* The second upload gets a longer name, which makes its path too long for a
 * reply. */
PeerTest(naming, path_at_its_limit, start(p, CONFLICT_RENAME))
{
    char path[4097] = "";

    while (strlen(path) + 202 < 4096 - 10) {
        strcat(path, "/");
        memset(path + strlen(path), 'd', 200);
        DONE(ask_path(p, MSG_directory_make, path));
    }
    strcat(path, "/");
    memset(path + strlen(path), 'f', 4096 - strlen(path));
    for (int i = 0; i < 2; i++) {
        DONE(ask_upload(p, path, WRITE_STORE, 0, 10, 1));
        cr_assert_eq(ask_commit(p, 10), i == 0 ? OUTCOME_OK : OUTCOME_BAD_NAME);
    }
}

/* Another session deletes the name between the swap and its check. The reply
 * calls this neither an error of the disk nor a success. */
PeerTest(naming, a_name_that_goes_in_the_midst,
         (rename_faults.slow_swap = 3000000, start(p, CONFLICT_VERSION)))
{
    ino_t ours;

    PLAY(p, FILL("/in/f", 50, 1), SENDS(STORE, "/in/f", 0, 100, 2));
    ours = disk_stat(p, disk_partial(p, "/in")).st_ino;
    send_commit(p, 100);
    while (disk_stat(p, "/in/f").st_ino != ours)
        continue;
    cr_assert_eq(unlink(disk_path(p, "/in/f")), 0);
    cr_expect_eq(EXPECT(&p->session, refused)->outcome, OUTCOME_NAME_LOST);
    cr_expect(disk_is(p, "/in/f.~1~", 50, 1), "the old one is kept");
}

/* A rename (RNTO) to an existing file has the result of an upload to its
 * name. */
static const struct {
    enum conflict conflict;
    unsigned rights;
    int outcome;
    const char *new, *old; /* the paths at the end */
} renames[] = {
    { CONFLICT_OVERWRITE, RIGHT_ALL, 0, OLD, NULL },
    { CONFLICT_OVERWRITE, RIGHT_RENAME, OUTCOME_NO_RIGHT, "/up", OLD },
    { CONFLICT_RENAME, RIGHT_ALL, 0, SECOND, OLD },
    { CONFLICT_RENAME, RIGHT_RENAME, 0, SECOND, OLD },
    { CONFLICT_VERSION, RIGHT_ALL, 0, OLD, "/in/f.txt.~1~" },
    { CONFLICT_VERSION, RIGHT_RENAME, OUTCOME_NO_RIGHT, "/up", OLD },
    { CONFLICT_REJECT, RIGHT_ALL, OUTCOME_NAME_TAKEN, "/up", OLD },
};

static void rename_onto_each(void)
{
    for (size_t i = 0; i < sizeof(renames) / sizeof(renames[0]); i++) {
        const char *old = renames[i].old;
        struct peer *p = peer_new();

        p->start.rules.on_conflict = renames[i].conflict;
        p->start.rights = renames[i].rights;
        PLAY(p, DIRECTORY("/in"), FILL("/in/f.txt", 50, 1), FILL("/up", 100, 2),
             RUN());
        int r = ask_rename(p, "/up", "/in/f.txt");
        cr_expect_eq(r, renames[i].outcome, "row %zu: %d", i, r);
        if (r == OUTCOME_OK) {
            cr_expect_str_eq(p->stored, renames[i].new, "row %zu: %s", i,
                             p->stored);
            cr_expect_not(disk_has(p, "/up"));
        }
        cr_expect(disk_is(p, renames[i].new, 100, 2), "row %zu", i);
        cr_expect(!old || disk_is(p, old, 50, 1), "row %zu", i);
        /* A rename of a file to its own name changes nothing, and succeeds. */
        PLAY(p, ROW("row %zu: ", i), RNTO(renames[i].new, renames[i].new),
             IS(renames[i].new, 100, 2));
        peer_stop(p);
    }
}

Test(naming, rename_onto_a_file)
{
    rename_onto_each();
}

Test(naming, rename_onto_a_file_plain)
{
    rename_faults.no_flags = true;
    rename_onto_each();
}

/* Another file gets the name between the check and the rename: it is kept. */
PeerTest(naming, rename_onto_a_late_file_plain,
         (rename_faults = (struct rename_faults){ .no_flags = true,
                                                  .late = "f" },
          start(p, CONFLICT_REJECT)))
{
    PLAY(p, FILL("/in/e", 50, 1), RNTO("/in/e", "/in/f", NAME_TAKEN));
    cr_expect(disk_is(p, "/in/f", 0, 1), "the late one");
    PLAY(p, IS("/in/e", 50, 1), RNTO("/in/e", "/in/g"), IS("/in/g", 50, 1),
         GONE("/in/e"));
}

/* A rename works without hard links, too. */
PeerTest(naming, rename_without_links,
         (rename_faults = (struct rename_faults){ .no_flags = true,
                                                  .no_links = true },
          start(p, CONFLICT_REJECT)))
{
    PLAY(p, FILL("/in/e", 50, 1), DIRECTORY("/in/d"), RNTO("/in/e", "/in/f"),
         RNTO("/in/d", "/in/f", EXISTS), RNTO("/in/d", "/in/d/d", BAD_NAME),
         RNTO("/in/d", "/in/c"), IS("/in/f", 50, 1));
}

/* If the look at the new name fails, the rename fails and replaces nothing. */
PeerTest(naming, rename_without_a_look,
         (rename_faults = (struct rename_faults){ .no_flags = true,
                                                  .no_links = true },
          look_fails = "f", start(p, CONFLICT_REJECT)))
{
    look_fails = NULL;
    PLAY(p, FILL("/in/e", 50, 1), FILL("/in/f", 60, 2));
    cr_expect_neq(ask_rename(p, "/in/e", "/in/f"), OUTCOME_OK);
    PLAY(p, IS("/in/e", 50, 1), IS("/in/f", 60, 2));
}

/* The process dies after the link, before it removes the partial's name. The
 * name of the file shows the whole file, never an empty one, and the timer
 * removes the partial's name. */
Test(naming, death_without_noreplace)
{
    static const enum conflict conflicts[] = { CONFLICT_REJECT, CONFLICT_RENAME,
                                               CONFLICT_VERSION };

    for (size_t i = 0; i < sizeof(conflicts) / sizeof(conflicts[0]); i++) {
        struct peer p;

        rename_faults =
            (struct rename_faults){ .no_flags = true, .dies = true };
        start(&p, conflicts[i]);
        DONE(ask_upload(&p, "/in/f", WRITE_STORE, 0, 100, 2));
        p.may_die = true;
        GETS(UNANSWERED, ask_commit(&p, 100));
        peer_end_as(&p, 77);
        PLAY(&p, ROW("row %zu: ", i), IS("/in/f", 100, 2), PARTIALS("/in", 1));
        rename_faults = (struct rename_faults){ 0 };
        PLAY(&p, ROW("row %zu: ", i), RUN(), LISTS(NAMES, "/in", 1),
             SWEEPS(HOUR, 1), PARTIALS("/in", 0), IS("/in/f", 100, 2));
        peer_stop(&p);
    }
}

/* An NFS server begins again after a change and before its answer, so its
 * client sends the change a second time, which fails. The upload succeeds,
 * since the name is there. */
Test(naming, a_change_that_is_sent_twice)
{
    for (int i = 0; i < 2 * CONFLICT_COUNT; i++) {
        const enum conflict c = (enum conflict)(i / 2);
        const bool taken = i % 2;
        struct peer p;

        disk_type = NFS_SUPER_MAGIC;
        rename_faults = (struct rename_faults){
            .no_flags = true,
            .repeated = taken && c == CONFLICT_RENAME ? "f (2)" : "f",
        };
        start(&p, c);
        if (taken)
            disk_fill(&p, "/in/f", 50, 1);
        if (taken && c == CONFLICT_REJECT) {
            GETS(NAME_TAKEN, ask_upload(&p, "/in/f", WRITE_STORE, 0, 100, 2));
        } else {
            PLAY(&p, ROW("row %d: ", i), SENDS(STORE, "/in/f", 0, 100, 2),
                 COMMIT(100));
            cr_expect(disk_is(&p, p.stored, 100, 2), "row %d: %s", i, p.stored);
        }
        cr_expect_eq(disk_partials(&p, "/in"), 0, "row %d", i);
        peer_stop(&p);
    }
}

/* On a network disk a rename can happen although it has failed. So the file
 * isn't cut to its confirmed length before an upload continues it. */
PeerTest(naming, a_failed_rename_cuts_nothing,
         (rename_faults = (struct rename_faults){ .no_flags = true,
                                                  .once = "f" },
          start(p, CONFLICT_REJECT)))
{
    PLAY(p, SENDS(STORE, "/in/f", 0, 200 * 1024, 1), COMMIT(200 * 1024, IO),
         IS(disk_partial(p, "/in"), 200 * 1024, 1), SIZE("/in/f", 192 * 1024),
         APPE("/in/f", 196 * 1024, 1));
}

/* Only overwrite works if the file system has neither RENAME_NOREPLACE nor hard
 * links. */
Test(naming, overwrite_only)
{
    for (int c = 0; c < CONFLICT_COUNT; c++) {
        bool works = c == CONFLICT_OVERWRITE;
        struct peer p;

        rename_faults =
            (struct rename_faults){ .no_flags = true, .no_links = true };
        start(&p, (enum conflict)c);
        DONE(ask_upload(&p, "/in/f", WRITE_STORE, 0, 100, 2));
        cr_expect_eq(ask_commit(&p, 100),
                     works ? OUTCOME_OK : OUTCOME_ONLY_OVERWRITE, "%d", c);
        cr_expect_eq(disk_has(&p, "/in/f"), works, "%d", c);
        peer_stop(&p);
    }
}

/* The disk can't have the name, such as "a:b" on vfat. The commit is refused as
 * BAD_NAME, so that no client retries, and no partial is left; with and without
 * hard links, and before an inspection. */
Test(naming, a_name_that_the_disk_cannot_have)
{
    for (int i = 0; i < 4 * CONFLICT_COUNT; i++) {
        struct files_mount *share;
        struct peer *p = peer_new();

        rename_faults =
            (struct rename_faults){ .bad = "a:b", .no_links = i & 1 };
        p->start.rules.on_conflict = (enum conflict)(i / 4);
        share = peer_share(p, "/in", RIGHT_ALL);
        share->rights |= i & 2 ? RIGHT_INSPECT : 0;
        PLAY(p, ROW("row %d: ", i), RUN(),
             SENDS(STORE, "/in/a:b", 0, 100 * K, 2), COMMIT(100 * K, BAD_NAME),
             PARTIALS("/../../shares/in", 0), SENDS(STORE, "/in/ab", 0, 100, 2),
             COMMIT(100));
        if (!(i & 2)) /* otherwise the file waits for inspection */
            cr_expect_eq(ask_rename(p, "/in/ab", "/in/a:b"), OUTCOME_BAD_NAME,
                         "row %d", i);
        peer_stop(p);
    }
}

/* Then the partial gets another name for a moment. It isn't left there. */
PeerTest(naming, a_partial_that_cannot_go_back, peer_init(p))
{
    rename_faults = (struct rename_faults){
        .bad = "a:b", .no_links = true, .once = disk_partial_name(p, "a:b")
    };
    p->start.rules.on_conflict = CONFLICT_RENAME;
    PLAY(p, RUN(), SENDS(STORE, "/a:b", 0, 100 * K, 2),
         COMMIT(100 * K, BAD_NAME), PARTIALS("/", 0));
}

/* exfat can't swap two names, and has no links: the reply doesn't blame the
 * name. */
PeerTest(naming, no_swap_is_no_bad_name,
         (rename_faults = (struct rename_faults){ .no_swap = true,
                                                  .no_links = true },
          start(p, CONFLICT_VERSION)))
{
    PLAY(p, FILL("/in/f", 50, 1), SENDS(STORE, "/in/f", 0, 100, 2),
         COMMIT(100, ONLY_OVERWRITE), IS("/in/f", 50, 1));
}

/* A process that can open the directory can lock it. While it does, the commit
 * is refused as busy, and changes nothing. */
PeerTest(naming, lock_that_is_held, start(p, CONFLICT_VERSION))
{
    int folder;

    disk_fill(p, "/in/f", 50, 1);
    folder = open(disk_path(p, "/in"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(folder, 0);
    cr_assert_eq(flock(folder, LOCK_EX), 0);
    PLAY(p, SENDS(STORE, "/in/f", 0, 100, 2), COMMIT(100, BUSY),
         IS("/in/f", 50, 1));
    close(folder);
    PLAY(p, STOR("/in/f", 100, 2), IS("/in/f.~1~", 50, 1));
}
