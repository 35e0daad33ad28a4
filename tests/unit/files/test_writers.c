/* Two sessions that change one name at the same moment. Whatever the verbs, the
 * result is that of some serial order of the answered commands. */
#include <linux/magic.h>
#include <sys/xattr.h>

#include "files/files.h"
#include "renames.h"
#include "sallyport/base/fd.h"
#include "steps.h"
#include "syncs.h"

#define K 1024u

/* The end of the first session's APPE stops just before its rename. */
static const struct rival {
    const char *name;
    bool is_file; /* APPE goes onto a file of 50 KiB */
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

struct pair {
    struct peer a, b;
    struct steps *steps[2];
};

static void start_users(struct pair *pair, const char *other)
{
    peer_init(&pair->a);
    disk_directory(&pair->a, "/in");
    pair->steps[0] = steps_for_next();
    peer_run(&pair->a);
    pair->b = pair->a;
    pair->b.start.name = other;
    pair->steps[1] = steps_for_next();
    peer_run(&pair->b);
}

static void start(struct pair *pair)
{
    start_users(pair, "anna");
}

static void end(struct pair *pair)
{
    peer_leave(&pair->b);
    peer_stop(&pair->a);
    for (int i = 0; i < 2; i++)
        steps_end(pair->steps[i]);
}

/* An upload of LEN bytes from where files says. */
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

static void send_rival(struct pair *pair, const struct rival *rival,
                       uint64_t length)
{
    struct peer *p = &pair->b;
    int r = 0;

    if (rival->what == STORE || rival->what == APPEND)
        r = SEND(&p->session, file_commit, NEXT(p), .length = length);
    else if (rival->what == DELETE)
        r = SEND(&p->session, file_delete, NEXT(p), .path = SLICE("/in/f"));
    else if (rival->what == RENAME_ONTO)
        r = SEND(&p->session, rename, NEXT(p), .from = SLICE("/in/g"),
                 .to = SLICE("/in/f"));
    else
        r = SEND(&p->session, rename, NEXT(p), .from = SLICE("/in/f"),
                 .to = SLICE("/in/h"));
    cr_assert_eq(r, 0);
}

static int receive(struct peer *p)
{
    struct message reply;

    cr_assert_eq(channel_wait(&p->session, &reply, PEER_MS), 1);
    message_close(&reply);
    return reply.kind == MSG_refused ? (int)reply.refused.outcome
                                     : (int)OUTCOME_OK;
}

/* Runs it to its answer, or until the other one must go on first. */
static bool run(struct steps *s, struct peer *p)
{
    enum stepped at;

    do
        at = steps_next(s, p);
    while (at == STEPPED_HELD);
    return at == STEPPED_ANSWERED;
}

/* The rival first, until the other one must go on. */
static void run_both(struct pair *pair)
{
    bool first = false, second = false;

    while (!first || !second) {
        second = second || run(pair->steps[1], &pair->b);
        first = first || run(pair->steps[0], &pair->a);
    }
}

/* The rival's command was the last answered with success. */
static bool is_by_rival(struct pair *pair, const struct rival *rival,
                        bool appended)
{
    size_t base = rival->is_file ? 50 * K : 0;

    switch (rival->what) {
    case STORE:
        return disk_is(&pair->a, "/in/f", 20 * K, 2);
    case APPEND:
        return disk_is(&pair->a, "/in/f", base + 20 * K, 1);
    case DELETE:
        return !disk_has(&pair->a, "/in/f");
    case RENAME_ONTO:
        return disk_is(&pair->a, "/in/f", 30 * K, 3);
    case RENAME_AWAY:
        return !disk_has(&pair->a, "/in/f") &&
               disk_is(&pair->a, "/in/h", base + (appended ? 10 * K : 0), 1);
    }
    return false;
}

static void begin(struct pair *pair, const struct rival *rival)
{
    size_t base = rival->is_file ? 50 * K : 0;
    bool store = rival->what == STORE;
    bool new = rival->what == APPEND && !rival->is_file;

    start_users(pair, new ? "bert" : "anna");
    if (rival->is_file)
        disk_fill(&pair->a, "/in/f", base, 1);
    disk_fill(&pair->a, "/in/g", 30 * K, 3);
    cr_assert_eq(open_upload(&pair->a, WRITE_APPEND, 10 * K, 1), 0);
    if (store || rival->what == APPEND)
        cr_assert_eq(open_upload(&pair->b, store ? WRITE_STORE : WRITE_APPEND,
                                 20 * K, store ? 2 : 1),
                     0);
    steps_hold(pair->steps[0]);
    steps_hold(pair->steps[1]);
    cr_assert_eq(SEND(&pair->a.session, file_commit, NEXT(&pair->a),
                      .length = base + 10 * K),
                 0);
}

/* STOPS: how many changes of a name the append does before the rival comes.
 * Returns false if it has no further stop. */
static bool play(const struct rival *rival, int stops)
{
    size_t base = rival->is_file ? 50 * K : 0;
    bool reached = true;
    struct pair pair;
    int r[2];

    begin(&pair, rival);
    for (int i = 0; reached && i <= stops; i++)
        reached = steps_next(pair.steps[0], &pair.a) == STEPPED_HELD;
    send_rival(&pair, rival, rival->what == STORE ? 20 * K : base + 20 * K);
    run_both(&pair);
    r[0] = receive(&pair.a);
    r[1] = receive(&pair.b);
    for (int i = 0; i < 2; i++)
        cr_expect(r[i] == OUTCOME_OK || r[i] == OUTCOME_CHANGED, "%s: %d",
                  rival->name, r[i]);
    cr_expect(r[1] == OUTCOME_OK ? is_by_rival(&pair, rival, r[0] == OUTCOME_OK)
                                 : disk_is(&pair.a, "/in/f", base + 10 * K, 1),
              "%s after %d changes: outcomes %d and %d", rival->name, stops,
              r[0], r[1]);
    steps_free(pair.steps[0]);
    steps_free(pair.steps[1]);
    end(&pair);
    return reached;
}

Test(writers, of_one_name)
{
    for (size_t i = 0; i < sizeof(rivals) / sizeof(rivals[0]); i++)
        for (int stops = 0; play(&rivals[i], stops);)
            stops++;
}

/* The same on two machines with a network disk. */
Test(writers, of_one_name_on_two_machines)
{
    disk_type = FUSE_SUPER_MAGIC;
    rename_faults.nodes = rename_faults.no_flags = true;
    for (size_t i = 0; i < sizeof(rivals) / sizeof(rivals[0]); i++)
        for (int stops = 0; play(&rivals[i], stops);)
            stops++;
}

/* Each of the two stops at each change of a name. TAKEN: a file has it. */
static bool play_versions(int stops, bool taken)
{
    const char *second = taken ? "/in/f.~2~" : "/in/f.~1~";
    bool reached = true;
    struct pair pair;

    peer_init(&pair.a);
    pair.a.start.rules.on_conflict = CONFLICT_VERSION;
    disk_directory(&pair.a, "/in");
    if (taken)
        disk_fill(&pair.a, "/in/f", 50 * K, 1);
    for (int i = 0; i < 2; i++) {
        pair.steps[i] = steps_for_next();
        if (i)
            pair.b = pair.a;
        peer_run(i ? &pair.b : &pair.a);
    }
    cr_assert_eq(open_upload(&pair.a, WRITE_STORE, 10 * K, 2), 0);
    cr_assert_eq(open_upload(&pair.b, WRITE_STORE, 20 * K, 3), 0);
    steps_hold(pair.steps[0]);
    steps_hold(pair.steps[1]);
    SEND(&pair.a.session, file_commit, NEXT(&pair.a), .length = 10 * K);
    for (int i = 0; reached && i <= stops; i++)
        reached = steps_next(pair.steps[0], &pair.a) == STEPPED_HELD;
    SEND(&pair.b.session, file_commit, NEXT(&pair.b), .length = 20 * K);
    run_both(&pair);
    cr_expect_eq(receive(&pair.a), OUTCOME_OK);
    cr_expect_eq(receive(&pair.b), OUTCOME_OK);
    cr_expect(!taken || disk_is(&pair.a, "/in/f.~1~", 50 * K, 1), "after %d",
              stops);
    cr_expect(disk_is(&pair.a, "/in/f", 20 * K, 3) ||
                  disk_is(&pair.a, second, 20 * K, 3),
              "the second one is lost after %d", stops);
    cr_expect(disk_is(&pair.a, "/in/f", 10 * K, 2) ||
                  disk_is(&pair.a, second, 10 * K, 2),
              "the first one is lost after %d", stops);
    steps_free(pair.steps[0]);
    steps_free(pair.steps[1]);
    end(&pair);
    return reached;
}

Test(writers, versions_on_two_machines)
{
    disk_type = FUSE_SUPER_MAGIC;
    rename_faults.nodes = rename_faults.no_flags = true;
    for (int taken = 0; taken < 2; taken++)
        for (int stops = 0; play_versions(stops, taken);)
            stops++;
}

/* Another machine has removed the partial at the last moment. */
PeerTest(writers, a_partial_that_vanishes, peer_init(p))
{
    rename_faults.vanishes = "f";
    peer_run(p);
    disk_directory(p, "/in");
    cr_assert_eq(open_upload(p, WRITE_STORE, 10 * K, 1), 0);
    cr_expect_eq(ask_commit(p, 10 * K), OUTCOME_TAKEN_OVER);
    cr_expect_not(disk_has(p, "/in/f"));
}

/* Its bytes may be the rest of the upload that is under way. */
Test(writers, an_append_beside_an_upload)
{
    struct pair pair;

    start(&pair);
    DONE(open_upload(&pair.a, WRITE_STORE, 10 * K, 1));
    cr_expect_eq(open_upload(&pair.b, WRITE_APPEND, 10 * K, 1), OUTCOME_BUSY);
    cr_expect_eq(open_upload(&pair.b, WRITE_STORE, 20 * K, 2), OUTCOME_OK);
    cr_expect_eq(ask_abort(&pair.b), OUTCOME_OK);
    cr_expect_eq(ask_commit(&pair.a, 10 * K), OUTCOME_OK);
    cr_expect_eq(open_upload(&pair.b, WRITE_APPEND, 10 * K, 1), OUTCOME_OK);
    cr_expect_eq(ask_abort(&pair.b), OUTCOME_OK);
    end(&pair);
}

static void send_store(struct pair *pair, int which)
{
    struct peer *p = which == 0 ? &pair->a : &pair->b;

    cr_assert_eq(SEND(&p->session, file_write, NEXT(p), .path = SLICE("/in/f"),
                      .mode = WRITE_STORE, .offset = 0, .announced = 0,
                      .keep_nothing = false, .conflict = CONFLICT_OVERWRITE),
                 0);
}

/* The first one has made its partial, and not locked it. The second one takes
 * it for an old one: it has locked it, and is about to replace it. */
Test(writers, that_begin_at_once)
{
    struct pair pair;

    start(&pair);
    steps_hold_at_lock(pair.steps[0]);
    send_store(&pair, 0);
    cr_assert_eq(steps_next(pair.steps[0], &pair.a), STEPPED_HELD);
    steps_hold(pair.steps[1]);
    send_store(&pair, 1);
    cr_assert_eq(steps_next(pair.steps[1], &pair.b), STEPPED_HELD);
    cr_assert(run(pair.steps[0], &pair.a));
    cr_expect_eq(receive(&pair.a), OUTCOME_OK);
    cr_assert(run(pair.steps[1], &pair.b));
    cr_expect_eq(receive(&pair.b), OUTCOME_OK);
    cr_expect_eq(disk_partials(&pair.a, "/in"), 2);
    steps_free(pair.steps[0]);
    steps_free(pair.steps[1]);
    cr_expect_eq(ask_commit(&pair.a, 0), OUTCOME_OK);
    cr_expect_eq(ask_commit(&pair.b, 0), OUTCOME_OK);
    cr_expect_eq(disk_partials(&pair.a, "/in"), 0);
    end(&pair);
}

static void cut_upload(struct peer *p, enum write_mode mode, size_t len,
                       unsigned seed)
{
    DONE(open_upload(p, mode, len, seed));
    DONE(ask_abort(p));
}

static int append_opens(struct peer *p)
{
    int r = ask_write(p, "/in/f", WRITE_APPEND, 0, 0, NULL);

    if (r == OUTCOME_OK) {
        ask_abort(p);
    }
    return r;
}

/* SIZE and then the rest: this works on each connection. */
static void complete(struct peer *p, uint64_t size)
{
    cr_assert_eq(ask_size(p, "/in/f"), size);
    DONE(open_upload(p, WRITE_APPEND, 300 * K - size, 1));
    DONE(ask_commit(p, 300 * K));
    cr_expect(disk_is(p, "/in/f", 300 * K, 1));
    cr_expect_eq(disk_partials(p, "/in"), 0);
}

/* SIZE came on one connection, and the rest comes on another. */
Test(writers, the_rest_on_another_connection)
{
    struct pair pair;

    start(&pair);
    cut_upload(&pair.a, WRITE_STORE, 200 * K, 1);
    cr_assert_eq(ask_size(&pair.a, "/in/f"), 192 * K);
    cr_expect_eq(append_opens(&pair.b), OUTCOME_SIZE_FIRST);
    complete(&pair.b, 192 * K);
    cr_expect_eq(append_opens(&pair.a), OUTCOME_SIZE_FIRST);
    end(&pair);
}

/* The name has a file, with other bytes than the partial. SITE PARTIAL came on
 * one connection, and the rest comes on another. */
Test(writers, the_rest_beside_a_file)
{
    struct pair pair;
    struct msg_facts_are facts;

    start(&pair);
    cut_upload(&pair.a, WRITE_STORE, 200 * K, 1);
    disk_fill(&pair.a, "/in/f", 250 * K, 2);
    cr_assert_eq(ask_facts(&pair.a, "/in/f", FACTS_FOR_PARTIAL, &facts),
                 OUTCOME_OK);
    cr_expect_eq(facts.size, 192 * K);
    cr_expect_eq(ask_upload(&pair.b, "/in/f", WRITE_STORE, 192 * K, 300 * K, 1),
                 OUTCOME_SIZE_FIRST);
    cr_expect_eq(append_opens(&pair.b), OUTCOME_SIZE_FIRST);
    cr_expect(disk_is(&pair.b, "/in/f", 250 * K, 2));
    cr_expect_eq(ask_size(&pair.b, "/in/f"), 250 * K);
    cr_assert_eq(unlink(disk_path(&pair.b, "/in/f")), 0);
    cr_expect_eq(ask_upload(&pair.b, "/in/f", WRITE_STORE, 100 * K, 300 * K, 2),
                 OUTCOME_SIZE_FIRST, "the file has gone");
    disk_fill(&pair.b, "/in/f", 250 * K, 2);
    cr_expect_eq(append_opens(&pair.b), OUTCOME_OK);
    cr_assert_eq(ask_upload(&pair.b, "/in/f", WRITE_STORE, 200 * K, 300 * K, 2),
                 OUTCOME_OK);
    cr_assert_eq(ask_commit(&pair.b, 300 * K), OUTCOME_OK);
    cr_expect(disk_is(&pair.b, "/in/f", 300 * K, 2));
    end(&pair);
}

/* The upload of the rest was cut, and the client sends the same rest again. */
Test(writers, the_rest_once_more)
{
    struct pair pair;

    start(&pair);
    cut_upload(&pair.a, WRITE_STORE, 200 * K, 1);
    cr_assert_eq(ask_size(&pair.a, "/in/f"), 192 * K);
    cut_upload(&pair.a, WRITE_APPEND, 70 * K, 1);
    cr_expect_eq(append_opens(&pair.a), OUTCOME_SIZE_FIRST);
    cr_expect_eq(append_opens(&pair.b), OUTCOME_SIZE_FIRST);
    complete(&pair.a, 256 * K);
    end(&pair);
}

/* The partial that SIZE reported was replaced by another one. */
Test(writers, the_rest_after_a_new_beginning)
{
    struct pair pair;

    start(&pair);
    cut_upload(&pair.a, WRITE_STORE, 200 * K, 2);
    cr_assert_eq(ask_size(&pair.a, "/in/f"), 192 * K);
    DONE(open_upload(&pair.b, WRITE_STORE, 100 * K, 1));
    cr_expect_eq(append_opens(&pair.a), OUTCOME_SIZE_FIRST);
    DONE(ask_abort(&pair.b));
    cr_expect_eq(append_opens(&pair.b), OUTCOME_SIZE_FIRST);
    complete(&pair.b, 64 * K);
    end(&pair);
}

/* The commit of the rest failed. */
Test(writers, the_rest_after_a_refused_commit)
{
    struct pair pair;

    start(&pair);
    cut_upload(&pair.a, WRITE_STORE, 200 * K, 1);
    cr_assert_eq(ask_size(&pair.a, "/in/f"), 192 * K);
    DONE(open_upload(&pair.a, WRITE_APPEND, 10 * K, 1));
    DONE(ask_rename(&pair.b, "/in", "/out"));
    cr_expect_eq(ask_commit(&pair.a, 202 * K), OUTCOME_MOVED);
    DONE(ask_rename(&pair.b, "/out", "/in"));
    cr_expect_eq(append_opens(&pair.b), OUTCOME_SIZE_FIRST);
    complete(&pair.b, 192 * K);
    end(&pair);
}

/* The process dies between the sync and the rename: what SIZE has reported is
 * remembered, and after a prepare alone it can still be resumed. */
Test(writers, the_rest_after_a_death_before_the_rename)
{
    for (int i = 0; i < 2; i++) {
        struct pair pair;
        struct message reply;

        start(&pair);
        cut_upload(&pair.a, WRITE_STORE, 200 * K, 1);
        cr_assert_eq(ask_size(&pair.a, "/in/f"), 192 * K);
        DONE(open_upload(&pair.a, WRITE_APPEND, 70 * K, 1));
        DONE(ASK(&pair.a, &reply, file_prepare, NEXT(&pair.a),
                 .length = 262 * K));
        if (i == 0) {
            steps_hold(pair.steps[0]);
            cr_assert_eq(SEND(&pair.a.session, file_commit, NEXT(&pair.a),
                              .length = 262 * K),
                         0);
            cr_assert_eq(steps_next(pair.steps[0], &pair.a), STEPPED_HELD);
        }
        kill(pair.a.pid, SIGKILL);
        cr_assert_eq(peer_wait(&pair.a), 256 + SIGKILL);
        cr_expect_not(disk_has(&pair.b, "/in/f"));
        cr_expect_eq(append_opens(&pair.b), OUTCOME_SIZE_FIRST);
        cr_expect_eq(ask_size(&pair.b, "/in/f"), i == 0 ? 0 : 192 * K);
        cr_expect_eq(append_opens(&pair.b), OUTCOME_OK);
        channel_close(&pair.a.session);
        channel_close(&pair.a.master);
        channel_close(&pair.a.log);
        steps_end(pair.steps[0]);
        steps_end(pair.steps[1]);
        peer_stop(&pair.b);
    }
}

/* On a network disk another server's session can lose its lock: its partial is
 * no longer the one of that name, and it must neither publish nor delete that
 * one. */
PeerTest(writers, a_partial_of_another_server, peer_start(p))
{
    const char *name;

    disk_directory(p, "/in");
    cr_assert_eq(open_upload(p, WRITE_STORE, 200 * K, 1), 0);
    name = disk_partial(p, "/in");
    cr_assert_eq(unlink(disk_path(p, name)), 0);
    disk_fill(p, name, 300 * K, 2);
    cr_expect_eq(ask_commit(p, 200 * K), OUTCOME_TAKEN_OVER);
    cr_expect_not(disk_has(p, "/in/f"));
    cr_expect(disk_is(p, name, 300 * K, 2));
}

/* The two processes have their homes on a network disk that has lost the lock
 * of the first one. */
static void start_lossy(struct pair *pair)
{
    disk_type = FUSE_SUPER_MAGIC;
    rename_faults.locks_are_lost = true;
    start(pair);
}

/* Nobody knows whether the first writer has ended, so the second one gets a
 * partial of its own; the first one learns it at its next sync, or at the end.
 */
Test(writers, a_lost_lock)
{
    for (int syncs = 0; syncs < 2; syncs++) {
        struct pair pair;

        start_lossy(&pair);
        cr_assert_eq(open_upload(&pair.a, WRITE_STORE, 200 * K, 1), 0);
        DONE(ask_sync(&pair.a));
        cr_expect_eq(ask_size(&pair.b, "/in/f"), 0);
        cr_expect_eq(ask_write(&pair.b, "/in/f", WRITE_STORE, 64 * K, 0, NULL),
                     OUTCOME_BAD_OFFSET);
        cr_assert_eq(open_upload(&pair.b, WRITE_STORE, 300 * K, 2), 0);
        if (syncs)
            cr_expect_eq(ask_sync(&pair.a), OUTCOME_TAKEN_OVER);
        else
            cr_expect_eq(ask_commit(&pair.a, 200 * K), OUTCOME_TAKEN_OVER);
        if (syncs)
            cr_expect_eq(ask_abort(&pair.a), OUTCOME_OK);
        cr_expect_not(disk_has(&pair.a, "/in/f"));
        cr_expect_eq(ask_commit(&pair.b, 300 * K), OUTCOME_OK);
        cr_expect(disk_is(&pair.a, "/in/f", 300 * K, 2));
        end(&pair);
    }
}

/* Neither can be resumed: one has the token of a writer that was cut off, and
 * the other no confirmed length. Both go once their writers have been silent
 * for an hour. */
Test(writers, that_were_cut_off)
{
    struct pair pair;

    start_lossy(&pair);
    cut_upload(&pair.b, WRITE_STORE, 200 * K, 1);
    DONE(ask_upload(&pair.b, "/in/short", WRITE_STORE, 0, 10, 1));
    kill(pair.b.pid, SIGKILL);
    peer_wait(&pair.b);
    DONE(ask_upload(&pair.a, "/in/long", WRITE_STORE, 0, 200 * K, 1));
    DONE(ask_sync(&pair.a));
    kill(pair.a.pid, SIGKILL);
    peer_wait(&pair.a);
    for (int hours = 0; hours < 2; hours++) {
        cr_expect_eq(disk_sweep(&pair.a, hours * HOUR), hours ? 2U : 0U);
        cr_expect_eq(disk_partials(&pair.a, "/in"), hours ? 1 : 3);
    }
    peer_run(&pair.a);
    cr_expect_eq(ask_size(&pair.a, "/in/f"), 192 * K);
    peer_stop(&pair.a);
    for (int i = 0; i < 2; i++)
        steps_end(pair.steps[i]);
}

/* The first writer has ended: its bytes are continued where they are, and by
 * one upload only, though both get the lock. */
Test(writers, the_rest_on_a_network_disk)
{
    struct pair pair;
    int fd;

    start_lossy(&pair);
    cut_upload(&pair.a, WRITE_STORE, 200 * K, 1);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(ask_size(i ? &pair.b : &pair.a, "/in/f"), 192 * K);
    DONE(ask_write(&pair.a, "/in/f", WRITE_APPEND, 0, 0, NULL));
    cr_assert_eq(ask_abort(&pair.a), OUTCOME_OK, "before its first byte");
    cr_assert_eq(ask_size(&pair.b, "/in/f"), 192 * K);
    DONE(ask_write(&pair.b, "/in/f", WRITE_APPEND, 0, 0, &fd));
    cr_expect_eq(pair.b.first, 192 * K);
    cr_expect_eq(ask_write(&pair.a, "/in/f", WRITE_APPEND, 0, 0, NULL),
                 OUTCOME_SIZE_FIRST);
    put_pattern(fd, pair.b.first, 300 * K, 1);
    close(fd);
    cr_expect_eq(ask_sync(&pair.b), OUTCOME_OK);
    cr_expect_eq(ask_commit(&pair.b, 300 * K), OUTCOME_OK);
    cr_expect(disk_is(&pair.a, "/in/f", 300 * K, 1));
    cr_expect_lt(
        getxattr(disk_path(&pair.a, "/in/f"), "user.sallyport.owner", NULL, 0),
        0);
    end(&pair);
}

/* Another machine's upload may have come, or come and gone, since the look. */
/* The second time it finds its own token. */
Test(writers, a_claim_that_is_sent_twice)
{
    FILE *file = tmpfile();
    struct partial mine = { .fd = fileno(file),
                            .kind = PARTIAL_OWN,
                            .locks_die = true };
    struct partial other = mine;

    cr_assert_eq(fstat(mine.fd, &mine.opened), 0);
    other.opened = mine.opened;
    marks_repeat = true;
    cr_expect_eq(owner_claim_rest(&mine), 0);
    cr_expect(owner_is_ours(&mine));
    cr_expect_eq(owner_claim_rest(&other), OUTCOME_TAKEN_OVER);
    fclose(file);
}

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
    cr_expect_eq(owner_claim_rest(&mine), 0);
    cr_expect_eq(owner_claim_rest(&other), OUTCOME_TAKEN_OVER);
    cr_expect(attribute_is_set(fd, ATTRIBUTE_OWNER));
    owner_release(&mine);
    cr_assert_eq(ftruncate(fd, 10), 0);
    cr_expect_eq(owner_claim_rest(&other), OUTCOME_TAKEN_OVER);
    cr_expect_not(attribute_is_set(fd, ATTRIBUTE_OWNER));
    fclose(file);
}
