/* Hours that end while a user is logged in. */
#include "fault.h"
#include "support/long.h"
#include "support/server_log.h"
#include "support/test.h"

/* Only the time changes. The test takes two minutes, so only the long run has
 * it. Near midnight it can't run, as no hours end then. */
Test(limits, hours_that_end, .timeout = 180)
{
    static const char *const days[] = { "sun", "mon", "tue", "wed",
                                        "thu", "fri", "sat" };
    char hours[48];
    const struct server_user user = { .name = "anna", .keys = "teams=day" };
    struct server_plan plan = { .users = &user,
                                .user_count = 1,
                                .lines = hours };
    struct server server;
    struct session s;
    struct tm t;
    time_t end = (time(NULL) / 60 + 2) * 60;

    localtime_r(&end, &t);
    if (!is_long() || (t.tm_hour == 0 && t.tm_min <= 1))
        return;
    snprintf(hours, sizeof(hours), "@team:day:hours=%s/00:00-%02d:%02d\n",
             days[t.tm_wday], t.tm_hour, t.tm_min);
    server_start(&server, &plan);
    session_enter(&s, &server, "anna");
    struct pollfd readable = { .fd = s.fd, .events = POLLIN };
    cr_assert_eq(poll(&readable, 1, 150000), 1);
    session_expect(&s, "421 {*}hours{*}");
    cr_expect_geq(time(NULL), end);
    server_stop(&server);
}
