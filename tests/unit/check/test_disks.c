/* The disks of homes and shares, as check writes them for the metrics. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "check/check.h"
#include "sallyport/event/metrics.h"
#include "support/metrics.h"

static struct settings settings;
static struct metrics *metrics;
static int memory;

static void enter(void)
{
    memory = metrics_memory();
    cr_assert_eq(metrics_map(&metrics, memory, PROT_READ), 0);
    snprintf(settings.homes, sizeof(settings.homes), "/");
    snprintf(settings.shares, sizeof(settings.shares), "/there-is-none");
}

TestSuite(disks, .init = enter);

static struct metrics *writable(void)
{
    struct metrics *m;

    cr_assert_eq(metrics_map(&m, memory, PROT_READ | PROT_WRITE), 0);
    return m;
}

Test(disks, are_measured)
{
    const uint64_t now = (uint64_t)time(NULL);
    struct statvfs s;

    cr_assert_eq(statvfs("/", &s), 0);
    disks_measure(&settings, memory);
    cr_expect_eq(metrics->gauge[GAUGE_HOMES_SIZE], s.f_blocks * s.f_frsize);
    cr_expect(metrics->gauge[GAUGE_HOMES_FREE] <=
              metrics->gauge[GAUGE_HOMES_SIZE]);
    cr_expect_eq(metrics->gauge[GAUGE_SHARES_SIZE], 0);
    cr_expect_eq(metrics->gauge[GAUGE_SHARES_FREE], 0);
    cr_expect_geq(metrics->gauge[GAUGE_DISKS_AT], now);
    disks_measure(&settings, memory); /* the first one's lock has ended */
    cr_expect_eq(metrics->gauge[GAUGE_LOGGED_IN], 0);
}

/* Figures of a disk that is gone are 0, and GAUGE_DISKS_AT keeps the time of
 * the last look that found all disks. */
Test(disks, one_is_lost)
{
    snprintf(settings.shares, sizeof(settings.shares), "/");
    disks_measure(&settings, memory);
    cr_expect_neq(metrics->gauge[GAUGE_SHARES_SIZE], 0);
    snprintf(settings.shares, sizeof(settings.shares), "/there-is-none");
    disks_measure(&settings, memory);
    cr_expect_eq(metrics->gauge[GAUGE_SHARES_SIZE], 0);
    metrics_gauge(writable(), GAUGE_DISKS_AT, 0);
    snprintf(settings.shares, sizeof(settings.shares), "/dev/null");
    disks_measure(&settings, memory);
    cr_expect_eq(metrics->gauge[GAUGE_DISKS_AT], 0);
}

/* An earlier one waits for its disk. */
Test(disks, one_looks_at_a_time)
{
    char path[64];
    int other;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
    other = open(path, O_RDONLY);
    cr_assert_eq(flock(other, LOCK_EX), 0);
    disks_measure(&settings, memory);
    cr_expect_eq(metrics->gauge[GAUGE_DISKS_AT], 0);
    close(other);
    disks_measure(&settings, memory);
    cr_expect_neq(metrics->gauge[GAUGE_DISKS_AT], 0);
}
