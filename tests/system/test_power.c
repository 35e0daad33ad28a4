/* Power cuts and failed writes on real file systems. Each byte that a 226
 * confirms must be there after the next mount, also if the upload was resumed.
 * The tests need root and loop devices, in a mount namespace of this
 * program. */
#include "blockdev.h"
#include "fault.h"
#include "sallyport/base/clock.h"
#include "support/files.h"
#include "support/long.h"
#include "support/test.h"

#define MIB FAULT_MIB

ReportHook(PRE_ALL)(struct criterion_test_set *set)
{
    (void)set;
    blockdev_need_namespace();
    server_share(PLAN(USERS({ .name = "fsync-ext4" }, { .name = "fsync-xfs" },
                            { .name = "cut-ext4" }, { .name = "cut-xfs" },
                            { .name = "log-ext4" }, { .name = "log-xfs" })));
}

/* Makes a version of a file: the same number gives the same bytes. */
static unsigned char *bytes_of(size_t len, unsigned version)
{
    unsigned char *bytes = malloc(len + sizeof(uint64_t));

    cr_assert(bytes);
    files_noise(bytes, len, version + 1);
    return bytes;
}

/* Returns the size that SIZE reports, or 0 if there is no file. */
static unsigned long long size_of(struct session *s, const char *name)
{
    unsigned long long size = 0;

    session_send(s, "SIZE %s", name);
    if (session_reply(s) == 213)
        cr_assert_eq(sscanf(s->reply.data, "213 %llu", &size), 1);
    return size;
}

/* Resumes as clients do: SIZE, then the rest. Returns the code of the final
 * reply. */
static int finish(struct session *s, const char *name,
                  const unsigned char *bytes, size_t len, bool append)
{
    unsigned long long at = size_of(s, name);
    struct data d;

    cr_assert_lt(at, len);
    if (at > 0 && !append)
        session_do(s, "350 {*}", "REST %llu", at);
    data_open(s, &d, "%s %s", append ? "APPE" : "STOR", name);
    fault_write(&d, bytes + at, len - at);
    tls_client_shutdown(d.tls);
    int code = session_reply(s);
    data_cut(&d, false);
    return code;
}

static void expect_on_disk(struct blockdev *b, const char *name,
                           const unsigned char *bytes, size_t len)
{
    blockdev_again(b);
    fault_expect_whole(b->server, b->user, name, bytes, len);
}

/* The file system has promised room that its disk doesn't have, so a sync
 * fails, and the kernel counts the lost pages as written. Then there is room
 * again, and the client resumes. */
static void failed_sync(const char *user, const char *type)
{
    const size_t len = 100 * MIB; /* the sync at 64 MiB fails */
    unsigned char *bytes = bytes_of(len, 0);
    struct server server;
    struct blockdev b;
    struct session s;
    struct data d;

    server_shared(&server);
    blockdev_make(&b, &server, user, type, 512);
    blockdev_leave_room(&b, 40);
    session_enter(&s, &server, user);
    data_open(&s, &d, "STOR f");
    fault_write(&d, bytes, len);
    tls_client_shutdown(d.tls);
    cr_assert_geq(session_reply(&s), 400);
    data_cut(&d, false);
    blockdev_give_room(&b);
    cr_expect_eq(size_of(&s, "f"), 0, "%s", s.reply.data);
    cr_assert_eq(finish(&s, "f", bytes, len, false), 226, "%s", s.reply.data);
    session_close(&s);
    expect_on_disk(&b, "f", bytes, len);
    blockdev_remove(&b);
    free(bytes);
}

Test(power, failed_sync_ext4, .timeout = 120)
{
    failed_sync("fsync-ext4", "ext4");
}

Test(power, failed_sync_xfs, .timeout = 120)
{
    failed_sync("fsync-xfs", "xfs");
}

/* The network cuts the upload, and then the power fails: at once or, if TOLD,
 * after SIZE has reported a length. If the journal survives, SIZE must not
 * report less afterwards. */
static void cut_and_resume(struct blockdev *b, const char *name,
                           enum blockdev_cut how, bool told, bool append)
{
    const size_t len = 34 * MIB, sent = 30 * MIB;
    unsigned char *bytes = bytes_of(len, 1 + how);
    unsigned long long before = 0;
    struct session s;
    struct data d;

    session_enter(&s, b->server, b->user);
    data_open(&s, &d, "STOR %s", name);
    data_write(&d, bytes, sent);
    data_cut(&d, false);
    session_expect(&s, "426 {*}");
    if (told)
        before = size_of(&s, name);
    cr_expect(!told || before > 0);
    blockdev_power_cut(b, how);
    session_drop(&s);
    blockdev_again(b);
    session_enter(&s, b->server, b->user);
    /* If the mark is lost with the journal, SIZE reports less, which is
     * safe. */
    if (how == BLOCKDEV_KEEP_JOURNAL)
        cr_expect_geq(size_of(&s, name), before);
    cr_assert_eq(finish(&s, name, bytes, len, append), 226, "%s", s.reply.data);
    /* A power cut right after the 226 must lose no byte of the file. */
    blockdev_power_cut(b, how);
    session_drop(&s);
    expect_on_disk(b, name, bytes, len);
    free(bytes);
}

static void power_cut(const char *user, const char *type)
{
    static const char *const names[] = { "a", "b", "c", "d" };
    struct server server;
    struct blockdev b;

    server_shared(&server);
    blockdev_make(&b, &server, user, type, 320);
    for (int i = 0; i < 4; i++)
        cut_and_resume(&b, names[i],
                       i % 2 ? BLOCKDEV_LOSE_JOURNAL : BLOCKDEV_KEEP_JOURNAL,
                       i / 2 != 0, i % 2 != 0);
    blockdev_remove(&b);
}

Test(power, cut_ext4, .timeout = 120)
{
    power_cut("cut-ext4", "ext4");
}

Test(power, cut_xfs, .timeout = 120)
{
    power_cut("cut-xfs", "xfs");
}

/* ---- random cuts ---- */

#define SLOTS 4

struct file {
    char name[32];
    unsigned version; /* of its bytes; 0: no file yet */
    size_t len;
};

/* The file under way, and the last confirmed file. */
struct slot {
    struct file sent, confirmed;
    bool instead; /* a partial of an older version can be there */
};

struct story {
    struct blockdev disk;
    struct session s;
    struct slot slots[SLOTS];
    unsigned seed, versions, confirmed, resumed;
};

static unsigned pick(struct story *y, unsigned below)
{
    return (unsigned)rand_r(&y->seed) % below;
}

static void open_session(struct story *y)
{
    session_enter(&y->s, y->disk.server, y->disk.user);
}

static void remove_file(struct story *y, const char *name)
{
    session_send(&y->s, "DELE %s", name);
    session_reply(&y->s); /* 550 if there is none */
}

/* Chooses a new file or, if one is unfinished, other bytes for the same
 * name. */
static void next_version(struct story *y, struct slot *slot)
{
    static const size_t sizes[] = {
        1, 70000, 300000, 2 * MIB, 9 * MIB, 40 * MIB
    };
    struct file *f = &slot->sent;
    bool unfinished = f->version > 0 && f->version != slot->confirmed.version;

    f->version = ++y->versions;
    f->len = sizes[pick(y, 6)] + pick(y, 65536);
    slot->instead = unfinished && pick(y, 2) == 0;
    if (unfinished && !slot->instead)
        remove_file(y, f->name);
    if (!unfinished)
        snprintf(f->name, sizeof(f->name), "f%u", f->version);
}

/* Resumes as a client does: SIZE, then REST and STOR, or APPE. */
static unsigned long long resume_at(struct story *y, const struct file *f,
                                    bool append)
{
    unsigned long long at = size_of(&y->s, f->name);

    cr_assert_lt(at, f->len);
    y->resumed += at > 0;
    if (at > 0 && !append)
        session_do(&y->s, "350 {*}", "REST %llu", at);
    return at;
}

/* Sends a part of the file, or all of it. Returns true if there was a 226. */
static bool send_some(struct story *y, struct slot *slot, bool resume)
{
    const struct file *f = &slot->sent;
    unsigned char *bytes = bytes_of(f->len, f->version);
    bool whole = pick(y, 3) == 0, append = resume && pick(y, 2) == 0;
    unsigned long long at = resume ? resume_at(y, f, append) : 0;
    size_t part = 1 + pick(y, (unsigned)(f->len - at));
    struct data d;
    int code;

    data_open(&y->s, &d, "%s %s", at > 0 && append ? "APPE" : "STOR", f->name);
    fault_write(&d, bytes + at, whole ? f->len - at : part);
    if (whole)
        tls_client_shutdown(d.tls);
    else /* a reset can remove the first byte, which replaces the old ones */
        data_cut(&d, !slot->instead && pick(y, 2) == 0);
    code = session_reply(&y->s);
    if (whole)
        data_cut(&d, false);
    free(bytes);
    cr_assert_eq(code == 226, whole, "%s", y->s.reply.data);
    return code == 226;
}

static void expect_confirmed(struct story *y, unsigned round)
{
    for (size_t i = 0; i < SLOTS; i++) {
        const struct file *f = &y->slots[i].confirmed;

        if (f->version == 0)
            continue;
        unsigned char *bytes = bytes_of(f->len, f->version);
        cr_assert(fault_is_whole(y->disk.server, y->disk.user, f->name, bytes,
                                 f->len),
                  "round %u: %s is not what its 226 said", round, f->name);
        free(bytes);
    }
}

static void play_round(struct story *y, unsigned round)
{
    struct slot *slot = &y->slots[pick(y, SLOTS)];
    bool resume =
        slot->sent.version != slot->confirmed.version && pick(y, 4) != 0;

    if (!resume)
        next_version(y, slot);
    if (send_some(y, slot, resume)) {
        if (slot->confirmed.version > 0)
            remove_file(y, slot->confirmed.name);
        slot->confirmed = slot->sent;
        y->confirmed++;
    }
    if (pick(y, 2) == 0)
        return;
    blockdev_power_cut(&y->disk, pick(y, 2) ? BLOCKDEV_LOSE_JOURNAL
                                            : BLOCKDEV_KEEP_JOURNAL);
    session_drop(&y->s);
    blockdev_again(&y->disk);
    expect_confirmed(y, round);
    open_session(y);
}

static void play(const char *user, const char *type)
{
    const char *given = getenv("SALLYPORT_SEED");
    unsigned rounds = is_long() ? 200 : 15;
    unsigned seed =
        given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)clock_ms();
    static struct story y;
    struct server server;

    printf("power: %s: SALLYPORT_SEED=%u repeats this log\n", type, seed);
    fflush(stdout);
    server_shared(&server);
    y.seed = seed;
    blockdev_make(&y.disk, &server, user, type, 1024);
    open_session(&y);
    for (unsigned round = 1; round <= rounds; round++)
        play_round(&y, round);
    session_close(&y.s);
    blockdev_again(&y.disk);
    expect_confirmed(&y, rounds);
    printf("power: %s: %u rounds, %u times 226, %u resumed\n", type, rounds,
           y.confirmed, y.resumed);
    blockdev_remove(&y.disk);
}

Test(power, random_cuts_ext4, .timeout = 900)
{
    play("log-ext4", "ext4");
}

Test(power, random_cuts_xfs, .timeout = 900)
{
    play("log-xfs", "xfs");
}
