/* APPE and REST onto a finished file: its beginning is copied in steps that the
 * session asks for before it writes. A copy that ends early leaves nothing. */
#include "peer.h"
#include "sallyport/base/fd.h"

#define K   1024u
#define M   (1024u * K)
#define LEN (20 * M)

static int open_append(struct peer *p, struct msg_file_writable *ret)
{
    return ask_open(p,
                    MESSAGE_BODY(file_write, NEXT(p), .path = SLICE("/f"),
                                 .mode = WRITE_APPEND, .offset = 0,
                                 .announced = 0, .keep_nothing = false,
                                 .conflict = CONFLICT_OVERWRITE),
                    ret);
}

/* Returns files' answer to an APPE of /f, which exists; nothing is copied
 * yet. */
static uint64_t append(struct peer *p, int *fd)
{
    struct msg_file_writable w;

    DONE(open_append(p, &w));
    cr_assert_eq(w.first, LEN);
    *fd = w.file;
    return w.to_copy;
}

static off_t partial_length(struct peer *p)
{
    struct stat st;

    cr_assert_eq(stat(disk_path(p, disk_partial(p, "/")), &st), 0);
    return st.st_blocks * 512;
}

static bool shares_blocks(uint64_t left)
{
    if (left == 0)
        cr_log_warn("the file system shares blocks: nothing is copied");
    return left == 0;
}

PeerTest(upload_copy, piece_by_piece, peer_start(p))
{
    uint64_t left;
    int fd;

    disk_fill(p, "/f", LEN, 1);
    left = append(p, &fd);
    if (!shares_blocks(left)) {
        cr_expect_eq(left, LEN);
        cr_expect_eq(partial_length(p), 0);
        DONE(ask_copy(p, &left));
        cr_expect_eq(left, LEN - 8 * M);
        cr_expect_lt(partial_length(p), LEN);
    }
    while (left > 0)
        DONE(ask_copy(p, &left));
    cr_assert_eq(ask_copy(p, &left), OUTCOME_OK, "once more does nothing");
    cr_assert_eq(left, 0);
    put_pattern(fd, LEN, LEN + K, 1);
    DONE(ask_commit(p, LEN + K));
    cr_expect(disk_is(p, "/f", LEN + K, 1));
    cr_expect_eq(disk_partials(p, "/"), 0);
    close(fd);
}

PeerTest(upload_copy, without_a_byte, peer_start(p))
{
    uint64_t left = 1;
    int fd;

    disk_fill(p, "/f", LEN, 1);
    append(p, &fd);
    while (left > 0)
        DONE(ask_copy(p, &left));
    DONE(ask_commit(p, LEN));
    cr_expect(disk_is(p, "/f", LEN, 1));
    close(fd);
}

PeerTest(upload_copy, commit_waits_for_its_end, peer_start(p))
{
    uint64_t left;
    int fd;

    disk_fill(p, "/f", LEN, 1);
    append(p, &fd);
    DONE(ask_copy(p, &left));
    if (!shares_blocks(left))
        cr_expect_eq(ask_commit(p, LEN), OUTCOME_INCOMPLETE);
    cr_expect(disk_is(p, "/f", LEN, 1));
    close(fd);
}

/* Another session of the user makes each change, once the copy has begun or is
 * complete. */
static void write_to_it(struct peer *p)
{
    int fd = open(disk_path(p, "/f"), O_WRONLY | O_APPEND | O_CLOEXEC);

    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, "x", 1), 1);
    close(fd);
}

static void cut_it(struct peer *p)
{
    cr_assert_eq(truncate(disk_path(p, "/f"), 1), 0);
}

static void delete_it(struct peer *p)
{
    cr_assert_eq(unlink(disk_path(p, "/f")), 0);
}

static void replace_it(struct peer *p)
{
    disk_fill(p, "/g", LEN, 2);
    cr_assert_eq(rename(disk_path(p, "/g"), disk_path(p, "/f")), 0);
}

PeerTest(upload_copy, of_a_file_that_changes, peer_start(p))
{
    static void (*const changes[])(struct peer *p) = { write_to_it, cut_it,
                                                       delete_it, replace_it };
    int fd;

    for (size_t i = 0; i < 2 * sizeof(changes) / sizeof(changes[0]); i++) {
        bool late = i % 2;
        uint64_t left = 1;
        int r = OUTCOME_OK;

        disk_fill(p, "/f", LEN, 1);
        disk_age(p, "/f", 1);
        append(p, &fd);
        do
            r = ask_copy(p, &left);
        while (late && left > 0);
        DONE(r);
        changes[i / 2](p);
        while (r == OUTCOME_OK && left > 0)
            r = ask_copy(p, &left);
        if (r == OUTCOME_OK)
            r = ask_commit(p, LEN);
        else
            ask_abort(p);
        cr_expect_eq(r, OUTCOME_CHANGED, "%zu: %d", i, r);
        cr_expect_eq(disk_partials(p, "/"), 0);
        close(fd);
    }
}

Test(upload_copy, most_bytes)
{
    static const struct {
        uint64_t max;
        int outcome;
    } rows[] = { { LEN - 1, OUTCOME_COPY_TOO_LARGE },
                 { LEN, OUTCOME_OK },
                 { 0, OUTCOME_OK } };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer *p = peer_new();

        p->start.rules.copy_max = rows[i].max;
        peer_run(p);
        disk_fill(p, "/f", LEN, 1);
        int r = ask_write(p, "/f", WRITE_APPEND, 0, 0, NULL);
        cr_expect_eq(r, rows[i].outcome, "%zu: %d", i, r);
        if (r == OUTCOME_OK)
            ask_abort(p);
        cr_expect_eq(disk_partials(p, "/"), 0);
        cr_expect_eq(ask_write(p, "/f", WRITE_STORE, LEN - 1, 0, NULL),
                     OUTCOME_OK, "a shorter head");
        peer_stop(p);
    }
}

/* Holes cost nothing. */
PeerTest(upload_copy, most_bytes_of_a_sparse_file, peer_init(p))
{
    struct stat st;
    int fd;

    p->start.rules.copy_max = M;
    peer_run(p);
    disk_fill(p, "/f", 300 * K, 1);
    cr_assert_eq(truncate(disk_path(p, "/f"), 6l << 30), 0);
    DONE(ask_write(p, "/f", WRITE_APPEND, 0, 0, &fd));
    DONE(ask_commit(p, UINT64_C(6) << 30));
    cr_assert_eq(stat(disk_path(p, "/f"), &st), 0);
    cr_expect_eq(st.st_size, 6l << 30);
    cr_expect_leq(st.st_blocks * 512, M);
    cr_assert_eq(truncate(disk_path(p, "/f"), 300 * K), 0);
    cr_expect(disk_is(p, "/f", 300 * K, 1));
    close(fd);
}

/* An upload gives access to no byte of the file. */
PeerTest(upload_copy, handle_only_writes, peer_start(p))
{
    int fd;

    disk_fill(p, "/f", LEN, 1);
    DONE(ask_write(p, "/f", WRITE_APPEND, 0, 0, &fd));
    cr_expect_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_WRONLY);
    cr_expect_eq(ask_abort(p), OUTCOME_OK);
    close(fd);
}

Test(upload_copy, goes_with_its_session)
{
    struct peer *p = peer_started();
    uint64_t left;
    int fd;

    disk_fill(p, "/f", LEN, 1);
    append(p, &fd);
    DONE(ask_copy(p, &left));
    channel_close(&p->session);
    channel_close(&p->master);
    cr_assert_eq(peer_wait(p), 0);
    cr_expect_eq(disk_partials(p, "/"), 0);
    cr_expect(disk_is(p, "/f", LEN, 1));
    close(fd);
    peer_remove(p);
}

#define SIX    6
#define ROUNDS 150

/* Each has a copy of the present file, and one byte of its own. */
static void append_one(struct peer *p, uint64_t len)
{
    struct msg_file_writable w;
    uint64_t left = 1;

    DONE(open_append(p, &w));
    cr_assert_eq(w.first, len);
    FD_CLEANUP int fd = w.file;
    while (left > 0)
        DONE(ask_copy(p, &left));
    put_pattern(fd, len, len + 1, 1);
}

static unsigned commit_all(struct peer p[SIX], uint64_t len)
{
    unsigned stored = 0;

    for (unsigned i = 0; i < SIX; i++)
        cr_assert_eq(
            SEND(&p[i].session, file_commit, NEXT(&p[i]), .length = len), 0);
    for (unsigned i = 0; i < SIX; i++) {
        struct message reply;

        cr_assert_eq(channel_wait(&p[i].session, &reply, PEER_MS), 1);
        stored += reply.kind == MSG_file_stored;
    }
    return stored;
}

/* Six sessions append to one file and commit at the same moment. A session that
 * gets "stored" has its byte in the file, so only one session can get it. */
Test(upload_copy, appends_at_the_same_moment)
{
    struct peer p[SIX];
    unsigned most = 0;

    peer_start(&p[0]);
    disk_fill(&p[0], "/f", 1, 1);
    for (unsigned i = 1; i < SIX; i++) {
        p[i] = p[0];
        peer_run(&p[i]);
    }
    for (uint64_t len = 1; len <= ROUNDS; len++) {
        for (unsigned i = 0; i < SIX; i++)
            append_one(&p[i], len);
        unsigned stored = commit_all(p, len + 1);
        most = stored > most ? stored : most;
        cr_assert_geq(stored, 1);
    }
    cr_expect_eq(most, 1, "%u in one round", most);
    cr_expect(disk_is(&p[0], "/f", ROUNDS + 1, 1));
    for (unsigned i = 1; i < SIX; i++) {
        channel_close(&p[i].session);
        cr_assert_eq(peer_wait(&p[i]), 0);
        channel_close(&p[i].master);
        channel_close(&p[i].log);
    }
    peer_stop(&p[0]);
}
