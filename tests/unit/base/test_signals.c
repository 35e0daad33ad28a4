/* Signals as events of a loop. */
#include "sallyport/base/loop.h"
#include "support/test.h"

static struct loop loop;
static int users, ends;

static void on_user(void *owner)
{
    users += owner == &loop;
}

static void on_end(void *owner)
{
    ends++;
    loop_stop(owner);
}

Test(signals, call_the_function_of_their_row)
{
    static const struct signals_row rows[] = {
        { SIGUSR1, on_user },
        { SIGTERM, on_end },
    };
    struct signals s;

    cr_assert_eq(loop_init(&loop), 0);
    cr_assert_eq(signals_open(&s, &loop, rows, 2, &loop), 0);
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGPIPE); /* ignored */
    kill(getpid(), SIGTERM);
    cr_assert_eq(loop_run(&loop), 0);
    cr_expect_eq(users, 1);
    cr_expect_eq(ends, 1);
    signals_close(&s, &loop);
    cr_expect_eq(s.watch.fd, -1);
    signals_close(&s, &loop);
    loop_release(&loop);
}
