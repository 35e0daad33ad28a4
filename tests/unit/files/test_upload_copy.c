/* APPE and REST onto a finished file: before a session writes, it asks for
 * steps, each of which copies a piece of the file's beginning. A copy that ends
 * early is deleted. */
#include "peer.h"

#define K   1024u
#define M   (1024u * K)
#define LEN (20 * M)

/* Begins an APPE onto /f, which exists. *fd: the handle. Returns the number of
 * bytes to be copied: nothing is copied yet. */
static uint64_t append(struct peer *p, int *fd)
{
    struct msg_file_writable w;

    DONE(ask_open(p,
                  MESSAGE_BODY(file_write, NEXT(p), .path = SLICE("/f"),
                               .mode = WRITE_APPEND, .offset = 0,
                               .announced = 0, .keep_nothing = false,
                               .conflict = CONFLICT_OVERWRITE),
                  &w));
    cr_assert_eq(w.first, LEN);
    *fd = w.file;
    return w.to_copy;
}

static off_t partial_length(struct peer *p)
{
    return disk_stat(p, disk_partial(p, "/")).st_blocks * 512;
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
    PLAY(p, COMMIT(LEN + K), IS("/f", LEN + K, 1), PARTIALS("/", 0));
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
        GETS(INCOMPLETE, ask_commit(p, LEN));
    cr_expect(disk_is(p, "/f", LEN, 1));
    close(fd);
}

/* The next functions change /f as another session of the user can do, once the
 * copy has begun or is complete. */
static void write_to_it(struct peer *p)
{
    int fd = open(disk_path(p, "/f"), O_WRONLY | O_APPEND | O_CLOEXEC);

    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, "x", 1), 1);
    close(fd);
}

static void overwrite_it(struct peer *p)
{
    FD_CLEANUP int fd = open(disk_path(p, "/f"), O_WRONLY | O_CLOEXEC);

    cr_assert_eq(write(fd, "x", 1), 1);
}

/* Changes the mode, and so the ctime. Repeats this, since the clock of files
 * can stand still for some milliseconds. */
static void change_its_mode(struct peer *p)
{
    const struct stat before = disk_stat(p, "/f");
    struct stat st;

    do {
        cr_assert_eq(chmod(disk_path(p, "/f"), 0640), 0);
        st = disk_stat(p, "/f");
    } while (st.st_ctim.tv_sec == before.st_ctim.tv_sec &&
             st.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
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
    PLAY(p, FILL("/g", LEN, 2), MOVE("/g", "/f"));
}

PeerTest(upload_copy, of_a_file_that_changes, peer_start(p))
{
    static void (*const changes[])(struct peer *p) = {
        write_to_it, overwrite_it, change_its_mode,
        cut_it,      delete_it,    replace_it,
    };
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

        PLAY(p, p->start.rules.copy_max = rows[i].max, RUN(),
             FILL("/f", LEN, 1));
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

/* Holes don't count for copy_max, and the copy has them, too. */
PeerTest(upload_copy, most_bytes_of_a_sparse_file, peer_init(p))
{
    struct stat st;

    PLAY(p, p->start.rules.copy_max = M, RUN(), FILL("/f", 300 * K, 1));
    cr_assert_eq(truncate(disk_path(p, "/f"), 6l << 30), 0);
    PLAY(p, OPENS(APPEND, "/f", 0, 0), COMMIT(UINT64_C(6) << 30));
    st = disk_stat(p, "/f");
    cr_expect_eq(st.st_size, 6l << 30);
    cr_expect_leq(st.st_blocks * 512, M);
    cr_assert_eq(truncate(disk_path(p, "/f"), 300 * K), 0);
    cr_expect(disk_is(p, "/f", 300 * K, 1));
}
