/* max_file_size with every way to write a file: exactly the limit, and not one
 * byte more. And hours that end. */
#include "fault.h"
#include "support/long.h"
#include "support/server_log.h"
#include "support/test.h"

/* Nothing changes but the time. It takes two minutes, so it is in the long run;
 * at midnight there is no such end. */
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
    if (!is_long() || (t.tm_hour == 0 && t.tm_min == 0))
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
