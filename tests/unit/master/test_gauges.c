/* The metrics that master gives to sallyportctl: the gauges of now, and the
 * disks, which may hang. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "caller.h"
#include "sallyport/event/metrics.h"
#include "support/wait.h"

static void with_little_patience(struct master *m)
{
    m->deadlines.look = 50;
    strcpy(m->settings.shares, "/there/is/no/such/directory");
}

static void asks(struct caller *c)
{
    caller_looks(c, SHOW_METRICS, 0);
}

static void hears(struct caller *c, struct metrics *all)
{
    struct message got;

    caller_hears(c, MSG_metrics_are, &got);
    cr_assert_eq(got.metrics_are.metrics.len, sizeof(*all));
    memcpy(all, got.metrics_are.metrics.ptr, sizeof(*all));
}

Test(gauges, are_those_of_now, .timeout = 60)
{
    const uint64_t now = (uint64_t)time(NULL);
    struct player in, out;
    struct metrics all;
    struct actor files;
    struct statvfs disk;
    struct caller c;
    struct stage s;

    stage_open(&s, NULL);
    caller_enter(&s, &c);
    player_enter(&s, &in, 1);
    player_logs_in(&s, &in, &files);
    player_enter(&s, &out, 2);
    player_asks(&s, &out); /* so master has seen it */
    asks(&c);
    hears(&c, &all);
    cr_expect_eq(all.gauge[GAUGE_LOGGED_IN], 1);
    cr_expect_eq(all.gauge[GAUGE_GREETED], 1);
    cr_expect_eq(all.gauge[GAUGE_MAX_SESSIONS], 8, "of the stage");
    cr_expect_eq(all.gauge[GAUGE_USERS], STAGE_USERS);
    cr_expect_eq(all.gauge[GAUGE_VERIFIED], 1);
    cr_expect_eq(all.gauge[GAUGE_WAITING], 0);
    cr_assert_eq(statvfs(s.folder, &disk), 0);
    cr_expect_eq(all.gauge[GAUGE_HOMES_SIZE], disk.f_blocks * disk.f_frsize);
    cr_expect_gt(all.gauge[GAUGE_HOMES_FREE], 0);
    cr_expect_leq(all.gauge[GAUGE_HOMES_FREE], all.gauge[GAUGE_HOMES_SIZE]);
    cr_expect_eq(all.gauge[GAUGE_SHARES_SIZE], all.gauge[GAUGE_HOMES_SIZE]);
    cr_expect_geq(all.gauge[GAUGE_DISKS_AT], now);
    player_leave(&in);
    asks(&c);
    hears(&c, &all);
    cr_expect_geq(all.gauge[GAUGE_SINCE], now - 60);
    caller_leave(&c);
    stage_leave(&s, &out);
}

/* Opens master's memory again. */
static int memory_of_metrics(const struct stage *s)
{
    char folder[64], path[400], to[256];
    const struct dirent *one;
    int fd = -1;
    DIR *dir;

    snprintf(folder, sizeof(folder), "/proc/%d/fd", (int)s->master);
    dir = opendir(folder);
    cr_assert_not_null(dir);
    while (fd < 0 && (one = readdir(dir))) {
        snprintf(path, sizeof(path), "%s/%s", folder, one->d_name);
        ssize_t n = readlink(path, to, sizeof(to) - 1);

        to[n < 0 ? 0 : n] = '\0';
        if (strstr(to, "memfd:" METRICS_NAME))
            fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    closedir(dir);
    cr_assert_geq(fd, 0);
    return fd;
}

static bool disks_are_known(void *caller)
{
    struct metrics all;

    asks(caller);
    hears(caller, &all);
    return all.gauge[GAUGE_DISKS_AT] > 0;
}

/* The lock stands for a disk: the process waits for it as long as it likes, and
 * each caller gets the other numbers. */
Test(gauges, wait_for_no_disk, .timeout = 60)
{
    struct caller c, d;
    struct metrics all;
    struct stage s;
    int memory;

    stage_open(&s, with_little_patience);
    caller_enter(&s, &c);
    caller_enter(&s, &d);
    memory = memory_of_metrics(&s);
    cr_assert_eq(flock(memory, LOCK_EX), 0);
    for (int i = 0; i < 2; i++) {
        asks(&c);
        asks(&d);
        hears(&c, &all);
        cr_expect_eq(all.gauge[GAUGE_DISKS_AT], 0);
        cr_expect_eq(all.gauge[GAUGE_HOMES_SIZE], 0);
        cr_expect_eq(all.gauge[GAUGE_USERS], STAGE_USERS);
        hears(&d, &all);
        cr_expect_eq(all.gauge[GAUGE_DISKS_AT], 0);
    }
    close(memory);
    cr_expect(wait_until(disks_are_known, &c, WAIT_MS));
    asks(&d);
    hears(&d, &all);
    cr_expect_neq(all.gauge[GAUGE_HOMES_SIZE], 0);
    cr_expect_eq(all.gauge[GAUGE_SHARES_SIZE], 0, "there are no shares yet");
    caller_leave(&c);
    caller_leave(&d);
    stage_close(&s);
}

/* A caller that leaves before the answer is no harm. */
Test(gauges, may_be_left_alone, .timeout = 60)
{
    struct caller c, d;
    struct stage s;
    int memory;

    stage_open(&s, with_little_patience);
    caller_enter(&s, &c);
    memory = memory_of_metrics(&s);
    cr_assert_eq(flock(memory, LOCK_EX), 0);
    asks(&c);
    caller_leave(&c);
    close(memory);
    caller_enter(&s, &d);
    cr_expect(wait_until(disks_are_known, &d, WAIT_MS));
    caller_leave(&d);
    stage_close(&s);
}
