/* A timer of the kernel ends a session that hangs in its loop. The loop of any
 * other session sets the timer again and again. These tests measure time. */
#include "fake.h"
#include "sallyport/base/clock.h"
#include "sallyport/session/session.h"

#define IDLE_MS 4000
/* IDLE_MS, the time that the session adds to it, and a bit more */
#define OVER_MS 9500

static const struct session_deadlines quick_disks = { .ask = 30000,
                                                      .ask_long = IDLE_MS,
                                                      .gate = 30000,
                                                      .gateless = 60000,
                                                      .silent = 60000 };

Test(alive, one_that_hangs, .timeout = 60)
{
    int status;

    fake_settings("idle_timeout", IDLE_MS);
    fake.deadlines = &quick_disks;
    fake_open();
    cr_assert_eq(kill(fake.pid, SIGSTOP), 0);
    poll(NULL, 0, OVER_MS);
    cr_assert_eq(kill(fake.pid, SIGCONT), 0);
    cr_assert_eq(waitpid(fake.pid, &status, 0), fake.pid);
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM, "%x", status);
}

/* A session may wait for its disk as long as files may take for a request,
 * whatever idle_timeout is. */
Test(alive, one_whose_disk_is_slow, .timeout = 60)
{
    int status;

    fake_settings("idle_timeout", IDLE_MS);
    fake_open();
    cr_assert_eq(kill(fake.pid, SIGSTOP), 0);
    poll(NULL, 0, OVER_MS);
    close(fake.control);
    cr_assert_eq(kill(fake.pid, SIGCONT), 0);
    cr_assert_eq(waitpid(fake.pid, &status, 0), fake.pid);
    cr_expect(WIFEXITED(status), "%x", status);
}

/* The timer doesn't end a session with a slow upload that makes progress. */
Test(alive, one_that_works, LEAVES)
{
    uint64_t began = clock_ms();

    fake_settings("idle_timeout", IDLE_MS);
    fake_open();
    fake_upload();
    while (clock_ms() - began < OVER_MS) {
        cr_assert_gt(tls_client_write(transfer.tls, "x", 1), 0);
        poll(NULL, 0, 100);
    }
    fake_release(); /* this counts as a cut upload */
    fake_fail(426);
}
