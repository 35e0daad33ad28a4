/* Limits hold over all generations; and the newest of many generations
 * crashes. */
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

/* Begins an upload, which data_close() ends. Returns false if it's refused. */
static bool begins(struct session *s, struct data *d)
{
    data_connect(s, d);
    session_send(s, "STOR f");
    if (session_reply(s) != 150) {
        data_cut(d, true);
        return false;
    }
    data_secure(s, d);
    return true;
}

/* Each of three generations has a session. While one of them moves a file, no
 * other may begin, whatever the generation; then the next one may, once its
 * gate has seen the end. */
static void transfers_count_together(const char *settings, const char *keys,
                                     const char *lines, const char *refusal)
{
    enum { THREE = 3 };
    const struct server_user user = { .name = "anna", .keys = keys };
    const struct server_plan limited = {
        .settings = settings, .users = &user, .user_count = 1, .lines = lines
    };
    struct session s[THREE];
    struct server server;
    struct data d;

    server_start(&server, &limited);
    for (int i = 0; i < THREE; i++) {
        if (i > 0)
            ctl(&server, 0, "reload", "");
        session_enter(&s[i], &server, "anna");
    }
    for (int i = 0; i < THREE; i++) {
        while (!begins(&s[i], &d))
            ;
        for (int other = 0; other < THREE; other++)
            if (other != i) {
                session_do(&s[other], "229 {*}", "EPSV");
                session_do(&s[other], refusal, "STOR f");
            }
        data_close(&d);
        session_expect(&s[i], "226 {*}");
    }
    for (int i = 0; i < THREE; i++)
        session_close(&s[i]);
    server_stop(&server);
}

Test(generations, transfers_of_a_user, .timeout = 120)
{
    transfers_count_together("user_max_transfers = 1\n", "", "",
                             "450 {*}user_max_transfers is 1{*}");
}

Test(generations, transfers_of_a_team, .timeout = 120)
{
    transfers_count_together("", "teams=swift", "@team:swift:max_transfers=1\n",
                             "450 {*}of a team{*} is 1{*}");
}

Test(generations, transfers_of_all, .timeout = 120)
{
    transfers_count_together("max_transfers = 1\n", "", "",
                             "450 {*}(max_transfers is 1{*}");
}

/* A gate that replaces a dead one counts the transfers under way, as soon as
 * their sessions have its channel. */
ServerTest(generations, a_gate_counts_again, 120,
           PLAN(.settings = "user_max_transfers = 1\n", .troubles = true))
{
    struct session s[2];
    struct data d, other;

    session_enter(&s[0], server, "anna");
    session_enter(&s[1], server, "anna");
    cr_assert(begins(&s[0], &d));
    processes_kill(server->pid, "sallyport: gate");
    while (begins(&s[1], &other)) {
        data_close(&other);
        session_expect(&s[1], "226 {*}");
    }
    data_close(&d);
    session_expect(&s[0], "226 {*}");
    session_close(&s[0]);
    session_close(&s[1]);
}
