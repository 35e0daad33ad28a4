/* Tests of the file of bans: each system call of its writer fails once, or the
 * writer is killed there. The file always has the old bans or the new bans, the
 * writer reports success only if it has the new bans, and the next change
 * writes all bans. */
#include "helpers.h"
#include "master/start/start.h"
#include "support/nth.h"
#include "support/scratch.h"
#include "support/test.h"

static struct master m;
static struct master_parts parts;

TestSuite(nth, .init = scratch_make, .fini = scratch_remove);

static void begin(void)
{
    master_init(&m);
    parts_attach(&m, &parts);
    snprintf(m.settings.state, sizeof(m.settings.state), "%s", scratch);
    cr_assert_eq(banning_init(&m), 0);
    /* Let the fork in which save() runs have the table. */
    cr_assert_eq(
        madvise(m.banning->table, sizeof(*m.banning->table), MADV_DOFORK), 0);
}

static void end(void)
{
    SHARED_UNMAP(m.banning->table);
}

static void ban(const char *network)
{
    struct ban b = { .bits = 32,
                     .since = time(NULL),
                     .until = time(NULL) + 1000,
                     .reason = "a test" };

    cr_assert_eq(address_parse(slice_from(network), &b.network), 0);
    cr_assert_geq(bans_put(m.banning->table, &b, time(NULL)), 0);
}

/* Returns 1 if the writer says that it has written the file, 0 if it doesn't;
 * 2: waitpid() fails. */
static int save(void *unused)
{
    int status;
    pid_t pid;

    (void)unused;
    banning_save(&m);
    pid = errand_now(&m);
    if (pid > 0) {
        if (waitpid(pid, &status, 0) < 0)
            return 2;
        errand_reaped(&m, pid, status);
    }
    return m.banning->error == 0;
}

/* Returns how many bans a service that starts now would have. */
static size_t bans_after_a_start(void)
{
    size_t n = 0;

    begin();
    for (uint32_t i = 0; i < m.banning->table->rows; i++)
        n += m.banning->table->ban[i].network.family != 0;
    end();
    return n;
}

static void expect_truth(struct nth *nth, unsigned n, int saved)
{
    const char *call = nth_call(nth);
    const bool stops = strcmp(call, "fsync") == 0;
    const size_t there = bans_after_a_start();

    cr_expect(there == 1 || there == 2, "call %u, %s: %zu bans", n, call,
              there);
    if (saved == 1)
        cr_expect(there == 2 && !stops, "call %u, %s: not written", n, call);
    begin();
    ban("192.0.2.2");
    ban("192.0.2.3");
    cr_expect_eq(save(NULL), 1, "call %u, %s: never again", n, call);
    end();
    cr_expect_eq(bans_after_a_start(), 3);
}

static void play(int error)
{
    struct nth *nth = nth_new();
    char file[128];
    unsigned n;
    int saved;

    if (!nth)
        cr_skip_test(NTH_MISSING);
    snprintf(file, sizeof(file), "%s/" SETTINGS_BANS_FILE, scratch);
    for (n = 1; nth_goes_on(nth); n += nth_stride()) {
        unlink(file);
        begin();
        ban("192.0.2.1");
        cr_assert_eq(save(NULL), 1);
        ban("192.0.2.2");
        nth_arm(nth, n, error, NULL);
        saved = nth_run(nth, save, NULL);
        nth_disarm(nth);
        end();
        expect_truth(nth, n, saved);
    }
    cr_expect_gt(n, 5);
    nth_free(nth);
}

Test(nth, a_call_of_the_writer_says_eio, .timeout = 120)
{
    play(EIO);
}

Test(nth, a_call_of_the_writer_says_enospc, .timeout = 120)
{
    play(ENOSPC);
}

Test(nth, the_writer_is_killed, .timeout = 120)
{
    play(NTH_KILL);
}
