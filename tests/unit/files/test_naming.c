/* Uploads to a taken name: with each on_conflict, one upload, and ten at
 * once. */
#include <linux/magic.h>
#include <sys/file.h>

#include "places.h"
#include "renames.h"
#include "steps.h"
#include "support/cast.h"
#include "support/long.h"
#include "syncs.h"

#define K   1024u
#define TEN 10
static void start(struct peer *p, enum conflict conflict)
{
    peer_init(p);
    PLAY(p, p->start.rules.on_conflict = conflict, DIRECTORY("/in"), RUN());
}

/* One case of an upload or a rename to f.txt, a name that something else can
 * have, too. RULE: on_conflict; WISH: the client's. The functions below are the
 * reference for the outcome. */
struct cell {
    enum disk { PLAIN, NO_FLAGS, ONLY_OVERWRITES, DISKS } disk;
    enum conflict rule, wish;
    enum way { STORES, APPENDS, RESTS, UNIQUE, RENAMES, WAYS } way;
    unsigned is;   /* of enum name_is; NAME_IS_COUNT: nothing */
    unsigned late; /* it comes between the beginning and the commit */
    /* So this has the name at the beginning, and at the end. */
    enum stands { NOTHING, A_FILE, A_LINK, A_DIRECTORY } sight, stands;
    size_t place;
};

static bool folds; /* the disk has one name for "F" and "f" */

static enum stands stands_for(unsigned is, bool end)
{
    switch ((enum name_is)is) {
    case NAME_IS_FILE:
    case NAME_IS_HARD_LINK:
    case NAME_IS_REPLACED:
        return A_FILE;
    case NAME_IS_GONE:
        return end ? NOTHING : A_FILE;
    case NAME_IS_OTHER_CASE:
        return folds ? A_FILE : NOTHING;
    case NAME_IS_LINK:
        return A_LINK;
    case NAME_IS_DIRECTORY:
        return A_DIRECTORY;
    case NAME_IS_COUNT:
        break;
    }
    return NOTHING;
}

/* Does the session see something else at the end than at the beginning? */
static bool changes(unsigned is)
{
    return is == NAME_IS_GONE || is == NAME_IS_REPLACED;
}

/* Has something changed since the beginning of the upload? */
static bool has_changed(const struct cell *c)
{
    return c->sight != c->stands || c->is == NAME_IS_REPLACED;
}

/* The home, where links are followed, and two shares. */
static const struct {
    const char *path;
    unsigned rights;
} places[] = { { "", RIGHT_ALL },
               { "/keep", RIGHT_ALL & ~RIGHT_REPLACE },
               { "/store", RIGHT_LIST | RIGHT_WRITE } };
#define PLACES (sizeof(places) / sizeof(places[0]))

/* The client's wish only counts if it is stricter. STOU never replaces. */
static enum conflict rule_of(const struct cell *c)
{
    static const int strict[CONFLICT_COUNT] = {
        [CONFLICT_RENAME] = 1, [CONFLICT_REJECT] = 2
    };

    if (c->way == RENAMES)
        return c->rule;
    if (c->way == UNIQUE)
        return CONFLICT_REJECT;
    return strict[c->wish] > strict[c->rule] ? c->wish : c->rule;
}

static int permitted(const struct cell *c)
{
    const enum conflict rule = rule_of(c);

    if (rule == CONFLICT_REJECT)
        return OUTCOME_NAME_TAKEN;
    return rule == CONFLICT_RENAME || places[c->place].rights & RIGHT_REPLACE
               ? OUTCOME_OK
               : OUTCOME_NO_RIGHT;
}

/* Returns the outcome of the beginning of an upload; the name is taken. A link
 * is followed in the home only. A rest is never added to a file that keeps its
 * name. */
static int at_sight(const struct cell *c)
{
    if (c->sight == A_DIRECTORY)
        return OUTCOME_IS_DIRECTORY;
    if (c->sight == A_LINK && c->place > 0)
        return OUTCOME_NOT_REGULAR;
    if (c->way == UNIQUE)
        return OUTCOME_EXISTS;
    return c->way != STORES && rule_of(c) == CONFLICT_RENAME
               ? (int)OUTCOME_SEND_WHOLE
               : permitted(c);
}

/* Returns the outcome of the step that gives the name. */
static int at_the_end(const struct cell *c)
{
    const enum conflict rule = rule_of(c);
    const bool may = places[c->place].rights & RIGHT_REPLACE;

    if (c->stands == NOTHING && c->way == RENAMES)
        return OUTCOME_OK;
    if ((c->way == APPENDS || c->way == RESTS) && has_changed(c) &&
        rule != CONFLICT_REJECT)
        return OUTCOME_CHANGED;
    if (c->disk == ONLY_OVERWRITES && (rule != CONFLICT_OVERWRITE || !may))
        return OUTCOME_ONLY_OVERWRITE;
    if (c->stands == NOTHING || rule == CONFLICT_RENAME)
        return OUTCOME_OK;
    if (rule != CONFLICT_REJECT && !may)
        return OUTCOME_NO_RIGHT;
    if (permitted(c) != OUTCOME_OK)
        return permitted(c);
    return c->stands == A_DIRECTORY ? OUTCOME_IS_DIRECTORY : OUTCOME_OK;
}

static int renames(const struct cell *c)
{
    if (!(places[c->place].rights & RIGHT_RENAME))
        return OUTCOME_NO_RIGHT;
    if (c->stands == A_DIRECTORY)
        return OUTCOME_EXISTS;
    return c->stands && permitted(c) ? permitted(c) : at_the_end(c);
}

/* Returns the path of NAME in the directory d of the place, for a client or
 * (ON_DISK) on the disk. */
static const char *in(const struct cell *c, bool on_disk, const char *name)
{
    static char out[8][96];
    static int turn;

    turn = (turn + 1) % 8;
    snprintf(out[turn], sizeof(out[turn]), "%s%s/d/%s",
             on_disk && c->place > 0 ? "/../../shares" : "",
             places[c->place].path, name);
    return out[turn];
}

/* Returns the pattern of the new file. Only APPE and REST keep old bytes. */
static unsigned seed(const struct cell *c)
{
    return c->way == APPENDS || c->way == RESTS ? 1 : 2;
}

/* The file that replaces another one has other bytes. */
static unsigned old_seed(const struct cell *c)
{
    return c->is == NAME_IS_REPLACED ? 4 : 1;
}

/* Changes what stands there, between the beginning and the commit. */
static void change_name(struct peer *p, const struct cell *c, const char *name)
{
    if (c->late)
        names_make(p, (enum name_is)c->is, name);
    if (changes(c->is))
        PLAY(p, UNLINK(name));
    if (c->is == NAME_IS_REPLACED)
        disk_fill(p, name, 50, old_seed(c));
}

/* Plays the cell. Returns the last outcome; *wanted: as it should be. */
static int play_cell(struct peer *p, struct cell *c, int *wanted)
{
    static const enum write_mode modes[] = { WRITE_STORE, WRITE_APPEND,
                                             WRITE_STORE, WRITE_UNIQUE };
    const char *f = in(c, false, "f.txt"), *f_disk = in(c, true, "f.txt");

    p->wish = c->wish;
    disk_empty(p, in(c, true, ""));
    disk_fill(p, in(c, true, "there"), 50, 1);
    if (!c->late)
        names_make(p, (enum name_is)c->is, f_disk);
    if (c->way == RENAMES) {
        disk_fill(p, in(c, true, "up"), 100, seed(c));
        *wanted = renames(c);
        return ask_rename(p, in(c, false, "up"), f);
    }
    *wanted = c->sight          ? at_sight(c)
              : c->way == RESTS ? (int)OUTCOME_BAD_OFFSET
                                : OUTCOME_OK;
    int r =
        ask_upload(p, f, modes[c->way], c->way == RESTS ? 9 : 0, 100, seed(c));
    if (r != OUTCOME_OK) {
        c->stands = c->sight;
        if (c->late)
            c->is = NAME_IS_COUNT;
        else if (c->is == NAME_IS_REPLACED)
            c->is = NAME_IS_FILE;
        return r;
    }
    change_name(p, c, f_disk);
    step_gets("the beginning", r, *wanted);
    *wanted = at_the_end(c);
    return ask_commit(p, 100);
}

/* The old file or link keeps its name or is replaced; a link's target always
 * stays. */
static void check_cell(struct peer *p, const struct cell *c, int r)
{
    const char *old = "f.txt", *new = old;
    const enum conflict rule = rule_of(c);

    if (r == OUTCOME_OK && c->stands && rule == CONFLICT_RENAME)
        new = "f (2).txt";
    else if (r == OUTCOME_OK)
        old = NULL;
    old = old ? in(c, true, old) : NULL;
    if (r == OUTCOME_OK)
        PLAY(p, STORED(in(c, false, new)), IS(in(c, true, new), 100, seed(c)),
             GONE(in(c, true, "up")));
    /* A rename of a file to its own name changes nothing, and succeeds. */
    if (r == OUTCOME_OK && c->way == RENAMES)
        PLAY(p, RNTO(p->stored, p->stored), IS(in(c, true, new), 100, seed(c)));
    else if (c->way == RENAMES)
        PLAY(p, IS(in(c, true, "up"), 100, seed(c)));
    if (old && c->stands == A_FILE)
        PLAY(p, IS(old, 50, old_seed(c)));
    else if (old)
        PLAY(p, STEP_IS(disk_has(playing, old), c->stands != NOTHING));
    PLAY(p, IS(in(c, true, "there"), 50, 1), PARTIALS(in(c, true, ""), 0));
    if (c->is == NAME_IS_OTHER_CASE && !folds)
        PLAY(p, IS(in(c, true, "F.TXT"), 50, 1));
}

/* Takes the next coordinate, below MOST, from the number of a cell. */
static unsigned next(unsigned *number, unsigned most)
{
    const unsigned n = *number % most;

    *number /= most;
    return n;
}

static struct peer *peer_for_cell(struct peer *last, const struct cell *c)
{
    static enum disk disk = DISKS;

    if (last && disk == c->disk && last->start.rules.on_conflict == c->rule)
        return last;
    if (last)
        peer_stop(last);
    disk = c->disk;
    rename_faults = (struct rename_faults){
        .no_flags = disk == NO_FLAGS || disk == ONLY_OVERWRITES,
        .no_links = disk == ONLY_OVERWRITES,
    };
    last = peer_new();
    last->start.rules.on_conflict = c->rule;
    PLAY(last, SHARES(places[1].path, places[1].rights),
         SHARES(places[2].path, places[2].rights), DIRECTORY("/d"),
         DIRECTORY("/../../shares/keep/d"), DIRECTORY("/../../shares/store/d"),
         PUT("/d/case", ""), RUN());
    folds = disk_has(last, "/d/CASE");
    return last;
}

Test(naming, who_gets_the_name)
{
    const size_t count = PLACES * 2 * (NAME_IS_COUNT + 1) * WAYS *
                         CONFLICT_COUNT * CONFLICT_COUNT * DISKS;
    struct peer *p = NULL;

    for (unsigned i = 0; i < count; i += is_long() ? 1 : 11) {
        unsigned n = i;
        struct cell c;
        int wanted, r;

        c.place = next(&n, PLACES);
        c.late = next(&n, 2);
        c.is = next(&n, NAME_IS_COUNT + 1);
        c.way = next(&n, WAYS);
        c.wish = next(&n, CONFLICT_COUNT);
        c.rule = next(&n, CONFLICT_COUNT);
        c.disk = next(&n, DISKS);
        c.late &= c.way != RENAMES;
        if ((c.late || c.way == RENAMES) && changes(c.is))
            continue;
        p = peer_for_cell(p, &c);
        c.stands = stands_for(c.is, true);
        c.sight = c.late ? NOTHING : stands_for(c.is, false);
        ROW("disk %u, rule %u, wish %u, way %u, %s, late %u, %s/: ", c.disk,
            c.rule, c.wish, c.way,
            c.is < NAME_IS_COUNT ? name_is_words[c.is] : "nothing", c.late,
            places[c.place].path);
        r = play_cell(p, &c, &wanted);
        step_gets("play_cell()", r, wanted);
        check_cell(p, &c, r);
    }
    peer_stop(p);
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

/* The same works on a file system without RENAME_NOREPLACE. */
Test(naming, ten_at_once_rename)
{
    rename_ten();
    rename_faults.no_flags = true;
    rename_ten();
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
    PLAY(p, IS("/in/f", 70, 2), IS("/in/e", 50, 1), rename_faults.kept = NULL);
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
    PLAY(p, look_fails = NULL, FILL("/in/e", 50, 1), FILL("/in/f", 60, 2));
    cr_expect_neq(ask_rename(p, "/in/e", "/in/f"), OUTCOME_OK);
    PLAY(p, IS("/in/e", 50, 1), IS("/in/f", 60, 2));
}

/* The process dies after the link, before it removes the partial's name. The
 * name of the file shows the whole file, never an empty one, and the timer
 * removes the partial's name. */
Test(naming, death_without_noreplace)
{
    static const enum conflict conflicts[] = { CONFLICT_REJECT,
                                               CONFLICT_RENAME };

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

/* RNFR of the wanted name is refused while another file has it, and the last
 * upload of this name another one. */
PeerTest(naming, rename_of_the_wanted_name, start(p, CONFLICT_RENAME))
{
    struct peer other;

    PLAY(p, STOR("/in/f", 50, 1), RNFR("/in/f"), STOR("/in/f", 100, 2),
         RNFR("/in/f", ELSEWHERE), MLST("/in/f"), SIZE("/in/f", 50));
    peer_join(&other, p, false);
    PLAY(&other, RNFR("/in/f"), LEAVE());
    /* The older file goes, a link to the upload comes, or a directory. */
    PLAY(p, MOVE("/in/f", "/old"), RNFR("/in/f", NOT_FOUND));
    cr_assert_eq(link(disk_path(p, "/in/f (2)"), disk_path(p, "/in/f")), 0);
    PLAY(p, RNFR("/in/f"), UNLINK("/in/f"), MKD("/in/f"), RNFR("/in/f"),
         RMD("/in/f"), MOVE("/old", "/in/f"), RNFR("/in/f", ELSEWHERE));
    /* The stored file goes, and another file gets its name. */
    PLAY(p, RNFR("/in/f (2)"), RNTO("/in/f (2)", "/in/g"), RNFR("/in/f"),
         FILL("/in/f (2)", 70, 3), RNFR("/in/f"));
    /* The next upload gets a name of its own, and then the wanted one. */
    PLAY(p, STOR("/in/f", 60, 4), STORED("/in/f (3)"), RNFR("/in/f", ELSEWHERE),
         DELE("/in/f"), STOR("/in/f", 80, 5), STORED("/in/f"), RNFR("/in/f"),
         RNTO("/in/f", "/in/h"), IS("/in/h", 80, 5));
}

/* Then the partial gets another name for a moment. It isn't left there. */
PeerTest(naming, a_partial_that_cannot_go_back, peer_init(p))
{
    rename_faults = (struct rename_faults){
        .bad = "a:b", .no_links = true, .once = disk_partial_name(p, "a:b")
    };
    PLAY(p, p->start.rules.on_conflict = CONFLICT_RENAME, RUN(),
         SENDS(STORE, "/a:b", 0, 100 * K, 2), COMMIT(100 * K, BAD_NAME),
         PARTIALS("/", 0));
}

/* A process that can open the directory can lock it. While it does, the commit
 * is refused as busy, and changes nothing. */
PeerTest(naming, lock_that_is_held, start(p, CONFLICT_RENAME))
{
    int folder;

    disk_fill(p, "/in/f", 50, 1);
    folder = open(disk_path(p, "/in"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(folder, 0);
    cr_assert_eq(flock(folder, LOCK_EX), 0);
    PLAY(p, SENDS(STORE, "/in/f", 0, 100, 2), COMMIT(100, BUSY),
         IS("/in/f", 50, 1));
    close(folder);
    PLAY(p, STOR("/in/f", 100, 2), IS("/in/f (2)", 100, 2));
}
