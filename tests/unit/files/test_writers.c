/* Two sessions change one name at the same moment. The result is the same as if
 * the acknowledged commands had run one after the other. */
#include <linux/magic.h>
#include <sys/file.h>

#include "renames.h"
#include "steps.h"
#include "support/cast.h"
#include "support/dimensions.h"
#include "support/long.h"
#include "syncs.h"

#define K 1024u

/* The commands of the second session. It sends each of them while the commit of
 * the first session's APPE stops before a change of a name. */
static const struct rival {
    const char *name;
    bool is_file; /* a file of 50 KiB has the name */
    enum { STORE, APPEND, DELETE, RENAME_ONTO, RENAME_AWAY } what;
} rivals[] = {
    { "STOR", true, STORE },
    { "APPE", true, APPEND },
    { "DELE", true, DELETE },
    { "RNTO onto it", true, RENAME_ONTO },
    { "RNTO away", true, RENAME_AWAY },
    { "STOR of a new file", false, STORE },
    { "APPE of a new file by another user", false, APPEND },
    { "RNTO to the new name", false, RENAME_ONTO },
};

/* The user of the second session, and where it runs. */
static const struct whose {
    const char *user;
    bool node; /* on another machine, with a network disk */
    const char *why_not;
} whose[] = {
    [WHO_OWN] = { "anna", false, NULL },
    [WHO_OTHER] = { "bert", false, NULL },
    [WHO_OLDER] = { .why_not = "its files is an older build: tests/system/"
                               "partials plays 1.0.0" },
    [WHO_PROGRAM] = { .why_not = "it asks for no lock, so nothing orders the "
                                 "two: of_a_directory_that_is_replaced" },
    [WHO_NODE] = { "anna", true, NULL },
};
DIMENSION_ROWS(whose, WHO_COUNT);

/* The two sessions of a test, which runs in a process of its own. */
static struct pair {
    struct peer a, b;
    struct steps *steps[2];
} pair;

static void start_pair(const char *other, enum conflict conflict)
{
    peer_init(&pair.a);
    pair.a.start.rules.on_conflict = conflict;
    disk_directory(&pair.a, "/in");
    pair.steps[0] = steps_for_next();
    peer_run(&pair.a);
    pair.b = pair.a;
    pair.b.start.name = other;
    pair.steps[1] = steps_for_next();
    peer_run(&pair.b);
}

static void start(void)
{
    start_pair("anna", CONFLICT_OVERWRITE);
}

static void end_steps(void)
{
    for (int i = 0; i < 2; i++)
        steps_end(pair.steps[i]);
}

static void end(void)
{
    for (int i = 0; i < 2; i++)
        steps_free(pair.steps[i]);
    peer_leave(&pair.b);
    peer_stop(&pair.a);
    end_steps();
}

/* Defines a test with the sessions A and B, which BEGIN makes. */
#define PairTest(name, begin)                                                  \
    static void writers_##name(struct peer *a, struct peer *b);                \
    Test(writers, name)                                                        \
    {                                                                          \
        begin;                                                                 \
        writers_##name(&pair.a, &pair.b);                                      \
        end();                                                                 \
    }                                                                          \
    static void writers_##name(struct peer *a, struct peer *b)

/* Uploads LEN bytes of pattern SEED from p->first on. The caller commits or
 * aborts the upload. */
static int open_upload(struct peer *p, enum write_mode mode, size_t len,
                       unsigned seed)
{
    int fd, r = ask_write(p, "/in/f", mode, 0, 0, &fd);

    if (r == OUTCOME_OK) {
        put_pattern(fd, p->first, p->first + len, seed);
        close(fd);
    }
    return r;
}

static void send_rival(const struct rival *rival, uint64_t length)
{
    struct peer *p = &pair.b;

    if (rival->what == STORE || rival->what == APPEND)
        REQUEST(&p->session, file_commit, .length = length);
    else if (rival->what == DELETE)
        REQUEST(&p->session, file_delete, .path = SLICE("/in/f"));
    else if (rival->what == RENAME_ONTO)
        REQUEST(&p->session, rename, .from = SLICE("/in/g"),
                .to = SLICE("/in/f"));
    else
        REQUEST(&p->session, rename, .from = SLICE("/in/f"),
                .to = SLICE("/in/h"));
}

/* Runs the process to its answer, or until it waits for the other process.
 * Returns true if it has answered. */
static bool run(struct steps *s, struct peer *p)
{
    enum stepped at;

    do
        at = steps_next(s, p);
    while (at == STEPPED_HELD);
    return at == STEPPED_ANSWERED;
}

/* Runs both processes to their answers: first the rival, until it waits for the
 * other process. */
static void run_both(void)
{
    bool first = false, second = false;

    while (!first || !second) {
        second = second || run(pair.steps[1], &pair.b);
        first = first || run(pair.steps[0], &pair.a);
    }
}

/* Does the disk look as if the rival's command had been the last? APPENDED: the
 * first session's APPE has succeeded. */
static bool is_by_rival(const struct rival *rival, bool appended)
{
    size_t base = rival->is_file ? 50 * K : 0;

    switch (rival->what) {
    case STORE:
        return disk_is(&pair.a, "/in/f", 20 * K, 2);
    case APPEND:
        return disk_is(&pair.a, "/in/f", base + 20 * K, 1);
    case DELETE:
        return !disk_has(&pair.a, "/in/f");
    case RENAME_ONTO:
        return disk_is(&pair.a, "/in/f", 30 * K, 3);
    case RENAME_AWAY:
        return !disk_has(&pair.a, "/in/f") &&
               disk_is(&pair.a, "/in/h", base + (appended ? 10 * K : 0), 1);
    }
    return false;
}

static void begin(const struct rival *rival, const struct whose *of)
{
    size_t base = rival->is_file ? 50 * K : 0;
    bool store = rival->what == STORE;
    bool new = rival->what == APPEND && !rival->is_file;

    start_pair(new ? "bert" : of->user, CONFLICT_OVERWRITE);
    if (rival->is_file)
        disk_fill(&pair.a, "/in/f", base, 1);
    disk_fill(&pair.a, "/in/g", 30 * K, 3);
    cr_assert_eq(open_upload(&pair.a, WRITE_APPEND, 10 * K, 1), 0);
    if (store || rival->what == APPEND)
        cr_assert_eq(open_upload(&pair.b, store ? WRITE_STORE : WRITE_APPEND,
                                 20 * K, store ? 2 : 1),
                     0);
}

/* Begins the first session's commit, and stops it after STOPS changes of a
 * name. Returns false if the commit has no such stop. */
static bool commit_until(int stops, uint64_t length)
{
    bool reached = true;

    steps_hold(pair.steps[0]);
    steps_hold(pair.steps[1]);
    send_commit(&pair.a, length);
    for (int i = 0; reached && i <= stops; i++)
        reached = steps_next(pair.steps[0], &pair.a) == STEPPED_HELD;
    return reached;
}

/* Plays one rival against the first session's commit. Returns the same as
 * commit_until(). */
static bool play(const struct rival *rival, const struct whose *of, int stops)
{
    size_t base = rival->is_file ? 50 * K : 0;
    int r[2];

    begin(rival, of);
    const bool reached = commit_until(stops, base + 10 * K);
    send_rival(rival, rival->what == STORE ? 20 * K : base + 20 * K);
    run_both();
    r[0] = ask_answer(&pair.a);
    r[1] = ask_answer(&pair.b);
    for (int i = 0; i < 2; i++)
        cr_expect(r[i] == OUTCOME_OK || r[i] == OUTCOME_CHANGED, "%s: %d",
                  rival->name, r[i]);
    cr_expect(r[1] == OUTCOME_OK ? is_by_rival(rival, r[0] == OUTCOME_OK)
                                 : disk_is(&pair.a, "/in/f", base + 10 * K, 1),
              "%s of %s after %d changes: outcomes %d and %d", rival->name,
              of->user, stops, r[0], r[1]);
    end();
    return reached;
}

/* Only partials have the user's name. */
static bool matters(const struct rival *rival, const struct whose *of)
{
    return is_long() || of != &whose[WHO_OTHER] || rival->what <= APPEND;
}

static void play_all(const struct whose *of)
{
    disk_type = of->node ? FUSE_SUPER_MAGIC : 0;
    rename_faults.nodes = rename_faults.no_flags = of->node;
    for (size_t i = 0; i < sizeof(rivals) / sizeof(rivals[0]); i++)
        for (int stops = 0;
             matters(&rivals[i], of) && play(&rivals[i], of, stops);)
            stops++;
}

Test(writers, of_one_name)
{
    for (enum who who = 0; who < WHO_COUNT; who++)
        if (dimension_plays(who_words[who], whose[who].user,
                            whose[who].why_not))
            play_all(&whose[who]);
}

/* Another machine removes the partial just before the rename. */
PeerTest(writers, a_partial_that_vanishes, peer_init(p))
{
    PLAY(p, rename_faults.vanishes = "f", RUN(), DIRECTORY("/in"));
    cr_assert_eq(open_upload(p, WRITE_STORE, 10 * K, 1), 0);
    PLAY(p, COMMIT(10 * K, PARTIAL_TAKEN), GONE("/in/f"));
}

/* An APPE beside an upload of the same name is busy, since its bytes can be the
 * rest of this upload. */
PairTest(an_append_beside_an_upload, start())
{
    DONE(open_upload(a, WRITE_STORE, 10 * K, 1));
    GETS(BUSY, open_upload(b, WRITE_APPEND, 10 * K, 1));
    GETS(OK, open_upload(b, WRITE_STORE, 20 * K, 2));
    GETS(OK, ask_abort(b));
    GETS(OK, ask_commit(a, 10 * K));
    GETS(OK, open_upload(b, WRITE_APPEND, 10 * K, 1));
    GETS(OK, ask_abort(b));
}

static void send_store(int which)
{
    struct peer *p = which == 0 ? &pair.a : &pair.b;

    REQUEST(&p->session, file_write, .path = SLICE("/in/f"),
            .mode = WRITE_STORE, .conflict = CONFLICT_OVERWRITE);
}

/* The first session has made its partial, but hasn't locked it yet. The second
 * session takes this partial for an old one: it has locked the partial, and is
 * about to replace it. Both uploads succeed. */
PairTest(that_begin_at_once, start())
{
    steps_hold_at_lock(pair.steps[0]);
    send_store(0);
    cr_assert_eq(steps_next(pair.steps[0], a), STEPPED_HELD);
    steps_hold(pair.steps[1]);
    send_store(1);
    cr_assert_eq(steps_next(pair.steps[1], b), STEPPED_HELD);
    cr_assert(run(pair.steps[0], a));
    GETS(OK, ask_answer(a));
    cr_assert(run(pair.steps[1], b));
    GETS(OK, ask_answer(b));
    cr_expect_eq(disk_partials(a, "/in"), 2);
    steps_free(pair.steps[0]);
    steps_free(pair.steps[1]);
    GETS(OK, ask_commit(a, 0));
    GETS(OK, ask_commit(b, 0));
    cr_expect_eq(disk_partials(a, "/in"), 0);
}

/* Before the first session locks its new partial, the second session replaces
 * the partial, and may also commit. Both uploads succeed. */
Test(writers, that_begin_before_the_lock)
{
    for (int commits = 0; commits < 2; commits++) {
        start();
        steps_hold_at_lock(pair.steps[0]);
        send_store(0);
        cr_assert_eq(steps_next(pair.steps[0], &pair.a), STEPPED_HELD);
        DONE(open_upload(&pair.b, WRITE_STORE, 20 * K, 2));
        if (commits)
            GETS(OK, ask_commit(&pair.b, 20 * K));
        cr_assert(run(pair.steps[0], &pair.a));
        GETS(OK, ask_answer(&pair.a));
        steps_free(pair.steps[0]);
        PLAY(&pair.a, COMMIT(0), IS("/in/f", 0, 1));
        if (!commits)
            GETS(OK, ask_commit(&pair.b, 20 * K));
        cr_expect_eq(disk_partials(&pair.a, "/in"), 0);
        end();
    }
}

/* The commit comes after SIZE has found no file, and before SIZE looks for a
 * partial. */
PairTest(a_size_beside_a_commit, start())
{
    DONE(open_upload(a, WRITE_STORE, 200 * K, 1));
    steps_hold_at_miss(pair.steps[1]);
    REQUEST(&b->session, facts, .path = SLICE("/in/f"),
            .purpose = FACTS_FOR_SIZE);
    cr_assert_eq(steps_next(pair.steps[1], b), STEPPED_HELD);
    DONE(ask_commit(a, 200 * K));
    cr_assert(run(pair.steps[1], b));
    cr_expect_eq(EXPECT(&b->session, facts_are)->size, 200 * K);
}

static void cut_upload(struct peer *p, enum write_mode mode, size_t len,
                       unsigned seed)
{
    DONE(open_upload(p, mode, len, seed));
    DONE(ask_abort(p));
}

/* SIZE waits for an upload, which becomes the file; before SIZE goes on, the
 * next upload of this name is cut. SIZE answers with the file, so the client's
 * rest belongs to the file, and never to the partial. */
Test(writers, a_size_beside_a_commit_and_a_cut)
{
    for (int i = 0; i < 2 * CONFLICT_REJECT; i++) {
        const enum conflict conflict = (enum conflict)(i / 2);
        const bool kept = conflict == CONFLICT_RENAME;

        start_pair("anna", conflict);
        struct peer *a = &pair.a, *b = &pair.b;
        DONE(open_upload(a, WRITE_STORE, 200 * K, 1));
        steps_hold(pair.steps[1]);
        REQUEST(&b->session, facts, .path = SLICE("/in/f"),
                .purpose = FACTS_FOR_SIZE);
        cr_assert_eq(steps_next(pair.steps[1], b), STEPPED_BLOCKED);
        DONE(ask_commit(a, 200 * K));
        cut_upload(a, WRITE_STORE, 300 * K, 2);
        cr_assert(run(pair.steps[1], b));
        cr_expect_eq(EXPECT(&b->session, facts_are)->size, 200 * K);
        steps_free(pair.steps[1]);
        int r = ask_upload(b, "/in/f", i % 2 ? WRITE_APPEND : WRITE_STORE,
                           i % 2 ? 0 : 100 * K, 250 * K, 1);
        cr_expect_eq(r, kept ? OUTCOME_SEND_WHOLE : OUTCOME_OK, "row %d: %d", i,
                     r);
        if (r == OUTCOME_OK)
            DONE(ask_commit(b, 250 * K));
        cr_expect(disk_is(a, "/in/f", kept ? 200 * K : 250 * K, 1), "row %d",
                  i);
        end();
    }
}

static int append_opens(struct peer *p)
{
    int r = ask_write(p, "/in/f", WRITE_APPEND, 0, 0, NULL);

    if (r == OUTCOME_OK)
        ask_abort(p);
    return r;
}

/* Sends SIZE, and then the rest by APPE: this works on each connection. */
static void complete(struct peer *p, uint64_t size)
{
    PLAY(p, SIZE("/in/f", size), APPE("/in/f", 300 * K, 1), PARTIALS("/in", 0));
}

/* A file has the name, with other bytes than the partial. A client sends SITE
 * PARTIAL on one connection, and the rest on another. */
PairTest(the_rest_beside_a_file, start())
{
    cut_upload(a, WRITE_STORE, 200 * K, 1);
    disk_fill(a, "/in/f", 250 * K, 2);
    DONE(ask_facts(a, "/in/f", FACTS_FOR_PARTIAL));
    cr_expect_eq(a->are.size, 192 * K);
    GETS(SIZE_FIRST, ask_upload(b, "/in/f", WRITE_STORE, 192 * K, 300 * K, 1));
    GETS(SIZE_FIRST, append_opens(b));
    PLAY(b, IS("/in/f", 250 * K, 2), SIZE("/in/f", 250 * K), UNLINK("/in/f"));
    cr_expect_eq(ask_upload(b, "/in/f", WRITE_STORE, 100 * K, 300 * K, 2),
                 OUTCOME_SIZE_FIRST, "the file has gone");
    disk_fill(b, "/in/f", 250 * K, 2);
    GETS(SIZE_FIRST, append_opens(b));
    PLAY(b, SIZE("/in/f", 250 * K));
    GETS(OK, append_opens(b));
    DONE(ask_put(b, "/in/f", WRITE_STORE, 200 * K, 300 * K, 2));
}

/* The commit of the rest is refused: the partial can still be resumed, on each
 * connection. */
PairTest(the_rest_after_a_refused_commit, start())
{
    cut_upload(a, WRITE_STORE, 200 * K, 1);
    cr_assert_eq(ask_size(a, "/in/f"), 192 * K);
    DONE(open_upload(a, WRITE_APPEND, 10 * K, 1));
    DONE(ask_rename(b, "/in", "/out"));
    GETS(MOVED, ask_commit(a, 202 * K));
    DONE(ask_rename(b, "/out", "/in"));
    GETS(SIZE_FIRST, append_opens(b));
    complete(b, 192 * K);
}

/* The process dies between the sync and the rename. The record of SIZE is kept.
 * After file_prepare alone the partial can still be resumed. */
Test(writers, the_rest_after_a_death_before_the_rename)
{
    for (int i = 0; i < 2; i++) {
        start();
        cut_upload(&pair.a, WRITE_STORE, 200 * K, 1);
        cr_assert_eq(ask_size(&pair.a, "/in/f"), 192 * K);
        DONE(open_upload(&pair.a, WRITE_APPEND, 70 * K, 1));
        DONE(ask_prepare(&pair.a, 262 * K));
        if (i == 0) {
            steps_hold(pair.steps[0]);
            send_commit(&pair.a, 262 * K);
            cr_assert_eq(steps_next(pair.steps[0], &pair.a), STEPPED_HELD);
        }
        peer_kill(&pair.a);
        cr_expect_not(disk_has(&pair.b, "/in/f"));
        GETS(SIZE_FIRST, append_opens(&pair.b));
        cr_expect_eq(ask_size(&pair.b, "/in/f"), i == 0 ? 0 : 192 * K);
        GETS(OK, append_opens(&pair.b));
        end_steps();
        peer_stop(&pair.b);
    }
}

/* On a network disk an upload can lose its lock, and another server's partial
 * gets the name of its own one. The upload must neither publish nor delete this
 * other partial. */
PeerTest(writers, a_partial_of_another_server, peer_start(p))
{
    const char *name;

    disk_directory(p, "/in");
    cr_assert_eq(open_upload(p, WRITE_STORE, 200 * K, 1), 0);
    name = disk_partial(p, "/in");
    PLAY(p, UNLINK(name), FILL(name, 300 * K, 2),
         COMMIT(200 * K, PARTIAL_TAKEN), GONE("/in/f"), IS(name, 300 * K, 2));
}

/* Starts two processes with a home on a network disk that loses locks. */
static void start_lossy(void)
{
    disk_type = FUSE_SUPER_MAGIC;
    rename_faults.locks_are_lost = true;
    start();
}

/* The second session can't know whether the first writer has ended, so it gets
 * a partial of its own. The first session is told so at its next sync, or at
 * its commit. */
Test(writers, a_lost_lock)
{
    for (int syncs = 0; syncs < 2; syncs++) {
        start_lossy();
        cr_assert_eq(open_upload(&pair.a, WRITE_STORE, 200 * K, 1), 0);
        DONE(ask_sync(&pair.a));
        PLAY(&pair.b, SIZE("/in/f", 0),
             OPENS(STORE, "/in/f", 64 * K, 0, BAD_OFFSET));
        cr_assert_eq(open_upload(&pair.b, WRITE_STORE, 300 * K, 2), 0);
        if (syncs)
            GETS(PARTIAL_TAKEN, ask_sync(&pair.a));
        else
            GETS(PARTIAL_TAKEN, ask_commit(&pair.a, 200 * K));
        if (syncs)
            GETS(OK, ask_abort(&pair.a));
        cr_expect_not(disk_has(&pair.a, "/in/f"));
        GETS(OK, ask_commit(&pair.b, 300 * K));
        cr_expect(disk_is(&pair.a, "/in/f", 300 * K, 2));
        end();
    }
}

/* Two partials can't be resumed: one has the token of a writer that was cut
 * off, and one has no confirmed length. Both are removed an hour after their
 * last change. */
Test(writers, that_were_cut_off)
{
    start_lossy();
    cut_upload(&pair.b, WRITE_STORE, 200 * K, 1);
    DONE(ask_upload(&pair.b, "/in/short", WRITE_STORE, 0, 10, 1));
    peer_kill(&pair.b);
    PLAY(&pair.a, SENDS(STORE, "/in/long", 0, 200 * K, 1), SYNC());
    peer_kill(&pair.a);
    for (int hours = 0; hours < 2; hours++)
        PLAY(&pair.a, SWEEPS(hours * HOUR, hours ? 2U : 0U),
             PARTIALS("/in", hours ? 1 : 3));
    PLAY(&pair.a, RUN(), SIZE("/in/f", 192 * K));
    peer_stop(&pair.a);
    end_steps();
}

/* The first writer has ended, so its partial is resumed, but only by one
 * upload, although both sessions get the lock. */
PairTest(the_rest_on_a_network_disk, start_lossy())
{
    cut_upload(a, WRITE_STORE, 200 * K, 1);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(ask_size(i ? b : a, "/in/f"), 192 * K);
    DONE(ask_write(a, "/in/f", WRITE_APPEND, 0, 0, NULL));
    cr_assert_eq(ask_abort(a), OUTCOME_OK, "before its first byte");
    PLAY(b, SIZE("/in/f", 192 * K), SENDS(APPEND, "/in/f", 0, 300 * K, 1),
         FIRST(192 * K));
    GETS(SIZE_FIRST, ask_write(a, "/in/f", WRITE_APPEND, 0, 0, NULL));
    PLAY(b, SYNC(), COMMIT(300 * K));
    cr_expect(disk_is(a, "/in/f", 300 * K, 1));
    cr_expect_not(disk_has_attribute(a, "/in/f", "user.sallyport.owner"));
}

/* A claim succeeds if it is sent twice, and finds its own token the second
 * time. A claim fails if another machine's upload has set a token since the
 * look, or has changed the partial and ended. */
Test(writers, a_claim)
{
    FILE *file = tmpfile();
    const int fd = fileno(file);
    struct partial mine = { .fd = fd, .kind = PARTIAL_OWN, .locks_die = true };
    struct partial other = mine, local = { .fd = fd, .kind = PARTIAL_OWN };

    cr_assert_eq(fstat(fd, &mine.opened), 0);
    other.opened = mine.opened;
    cr_expect_eq(owner_claim_rest(&local), 0);
    cr_expect_not(attribute_is_set(fd, ATTRIBUTE_OWNER));
    marks_repeat = true;
    cr_expect_eq(owner_claim_rest(&mine), 0);
    marks_repeat = false;
    cr_expect(owner_is_ours(&mine));
    GETS(PARTIAL_TAKEN, owner_claim_rest(&other));
    cr_expect(attribute_is_set(fd, ATTRIBUTE_OWNER));
    owner_release(&mine);
    cr_assert_eq(ftruncate(fd, 10), 0);
    GETS(PARTIAL_TAKEN, owner_claim_rest(&other));
    cr_expect_not(attribute_is_set(fd, ATTRIBUTE_OWNER));
    fclose(file);
}

/* The requests that give or take a name in /in. */
static const struct named {
    const char *name;
    enum { COMMIT, REMOVE, MOVE_OUT, MOVE_IN, MOVE_ALL } what;
} named[] = {
    { "the commit of a STOR", COMMIT },
    { "DELE", REMOVE },
    { "RNTO out of it", MOVE_OUT },
    { "RNTO into it", MOVE_IN },
    { "RNTO of a directory in it", MOVE_ALL },
};

static void send_named(struct peer *p, const struct named *n)
{
    static const char *const paths[][2] = { [MOVE_OUT] = { "/in/g", "/out" },
                                            [MOVE_IN] = { "/g", "/in/h" },
                                            [MOVE_ALL] = { "/in/d", "/in/e" } };

    if (n->what == COMMIT)
        send_commit(p, 10);
    else if (n->what == REMOVE)
        REQUEST(&p->session, file_delete, .path = SLICE("/in/g"));
    else
        REQUEST(&p->session, rename, .from = slice_from(paths[n->what][0]),
                .to = slice_from(paths[n->what][1]));
}

static void begin_named(const struct named *n)
{
    start();
    PLAY(&pair.a, DIRECTORY("/in/d"), PUT("/in/g", "1"), PUT("/g", "2"));
    if (n->what == COMMIT)
        cr_assert_eq(open_upload(&pair.a, WRITE_STORE, 10, 1), 0);
}

/* Moves the directory by hand, so that its path leads to a new one. */
static void replace_directory(void)
{
    PLAY(&pair.a, MOVE("/in", "/moved"), DIRECTORY("/in"));
}

/* While the request waits for the lock of a job, the job replaces the
 * directory. The request then changes nothing. */
Test(writers, wait_for_a_directory_that_is_replaced)
{
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        begin_named(&named[i]);
        int job = open(disk_path(&pair.a, "/in"), O_RDONLY | O_CLOEXEC);
        cr_assert_eq(flock(job, LOCK_EX), 0);
        steps_hold(pair.steps[0]);
        send_named(&pair.a, &named[i]);
        cr_assert_eq(steps_next(pair.steps[0], &pair.a), STEPPED_BLOCKED);
        replace_directory();
        close(job);
        steps_free(pair.steps[0]);
        cr_expect_eq(ask_answer(&pair.a), OUTCOME_MOVED, "%s", named[i].name);
        PLAY(&pair.a, ROW("%s: ", named[i].name), IS("/g", 1, '2'),
             IS("/moved/g", 1, '1'), GONE("/moved/f"), GONE("/moved/e"));
        end();
    }
}

/* A local program, which asks for no lock, replaces the directory just before
 * the rename. The reply doesn't name a place where the file isn't. */
Test(writers, of_a_directory_that_is_replaced)
{
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        begin_named(&named[i]);
        steps_hold(pair.steps[0]);
        send_named(&pair.a, &named[i]);
        cr_assert_eq(steps_next(pair.steps[0], &pair.a), STEPPED_HELD);
        replace_directory();
        steps_free(pair.steps[0]);
        /* The old order: first the request, then the replacement. */
        cr_expect_eq(ask_answer(&pair.a),
                     named[i].what == REMOVE || named[i].what == MOVE_OUT
                         ? OUTCOME_OK
                         : OUTCOME_STORED_MOVED,
                     "%s", named[i].name);
        end();
    }
}

/* RNTO of a directory waits until an upload in it has its name. */
PairTest(rename_of_the_directory, start())
{
    cr_assert_eq(open_upload(a, WRITE_STORE, 10, 1), 0);
    steps_hold(pair.steps[0]);
    steps_hold(pair.steps[1]);
    send_commit(a, 10);
    cr_assert_eq(steps_next(pair.steps[0], a), STEPPED_HELD);
    REQUEST(&b->session, rename, .from = SLICE("/in"), .to = SLICE("/out"));
    cr_expect_eq(steps_next(pair.steps[1], b), STEPPED_BLOCKED);
    run_both();
    GETS(OK, ask_answer(a));
    GETS(OK, ask_answer(b));
    cr_expect(disk_is(a, "/out/f", 10, 1));
}
