/* Commands refuse directories that systemd would hide from the service. The
 * test plays systemd. */
#include "ctl/ctl.h"
#include "sallyport/base/fd.h"
#include "world.h"

/* The service's root directory, which is empty; -1: the service has the test's
 * root */
static int hidden = -1;

static void play_systemd(struct unit *u)
{
    if (ctl.lock_fd != 0)
        abort(); /* systemd may be slow, so the lock must be free */
    *u = (struct unit){ .root = hidden };
}

static void hide_all(void)
{
    cr_assert_eq(mkdir(in_scratch("root"), 0700), 0);
    hidden = open(in_scratch("root"), O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void begin(void)
{
    world_make();
    paths_unit = play_systemd;
}

TestSuite(paths, .init = begin, .fini = scratch_remove);

/* The homes and shares of world are under /tmp. */
Test(paths, homes_and_shares_that_systemd_forbids)
{
    hide_all();
    expect_err(EX_CONFIG, "a good password\n", "user add anna",
               "systemd hides the home ");
    cr_expect_neq(access(in(world.homes, "anna"), F_OK), 0);
    expect_err(EX_CONFIG, "", "share add docs", "(PrivateTmp=); move it");
    fd_close(&hidden);
    expect_run(0, "a good password\n", "user add anna");
    expect_run(0, "", "share add docs");
    cr_assert_eq(rmdir(in_scratch("root")), 0);
    hide_all();
    if (geteuid() == 0) /* other users can't make such a home anyway */
        expect_err(EX_CONFIG, "", "user change anna --home /home/anna",
                   "ProtectHome=no");
}
