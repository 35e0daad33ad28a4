/* The newest of many generations crashes. */
#include "ctl.h"
#include "fault.h"
#include "generation.h"
#include "support/processes.h"
#include "support/served.h"
#include "support/server_log.h"
#include "support/test.h"

static const struct server_plan plan = {
    .settings = "max_sessions = 200\nmax_per_address = 200\n"
                "max_per_user = 200\nstartups = 200\n",
};

/* The newest of eight generations dies, with its session. The seven others
 * finish their transfers, and a recovery serves new clients. */
Test(generations, a_crash_beside_seven, .timeout = 120)
{
    enum { EIGHT = 8 };
    struct server_plan troubled = plan;
    struct session s[EIGHT], late;
    struct data d[EIGHT];
    struct server server;

    troubled.troubles = true;
    server_start(&server, &troubled);
    for (int i = 0; i < EIGHT; i++) {
        if (i > 0)
            ctl(&server, 0, "reload", "");
        session_enter(&s[i], &server, "anna");
        data_open(&s[i], &d[i], "STOR f-%d", i);
        data_write(&d[i], "bytes", 5);
    }
    cr_assert_eq(kill(generation_newest(&server), SIGKILL), 0);
    fault_expect_no_226(&s[EIGHT - 1]);
    data_cut(&d[EIGHT - 1], false);
    session_drop(&s[EIGHT - 1]);
    server_log_wait(&server, "replaces processes that failed", NULL);
    session_enter(&late, &server, "anna");
    session_close(&late);
    for (int i = 0; i < EIGHT - 1; i++) {
        data_close(&d[i]);
        session_expect(&s[i], "226 {*}");
        session_drop(&s[i]);
    }
    server_stop(&server);
}
