/* networks= and hours= of a row: what is a mistake, and which address and time
 * they admit. */
#include "sallyport/users/users.h"
#include "support/test.h"

static enum admission admitted(const char *networks, const char *hours,
                               const char *peer, time_t now)
{
    const struct user user = { .limits = { .networks = slice_from(networks),
                                           .hours = slice_from(hours) } };
    struct address from;

    cr_assert_eq(address_parse(slice_from(peer), &from), 0);
    return user_admission(&user, &from, now);
}

/* Each must admit: the user's line, and the lines of the teams. */
Test(admission, teams)
{
    const struct team office = {
        .limits = { .networks = SLICE("192.0.2.0/24,2001:db8::/32") }
    };
    const struct team day = { .limits = { .hours = SLICE("thu") } };
    const struct user user = { .limits.networks = SLICE("192.0.2.7,10.0.0.1"),
                               .team = { &office, &day } };
    static const struct {
        const char *peer;
        time_t now; /* 0: a Thursday */
        enum admission is;
    } rows[] = {
        { "192.0.2.7", 43200, ADMISSION_YES },
        { "::ffff:192.0.2.7", 43200, ADMISSION_YES },
        { "10.0.0.1", 43200, ADMISSION_ELSEWHERE },
        { "192.0.2.8", 43200, ADMISSION_ELSEWHERE },
        { "192.0.2.7", 3 * 86400, ADMISSION_OUT_OF_HOURS },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct address from;

        cr_assert_eq(address_parse(slice_from(rows[i].peer), &from), 0);
        cr_expect_eq(user_admission(&user, &from, rows[i].now), rows[i].is,
                     "%s", rows[i].peer);
    }
    cr_expect_eq(user_admission(&user, NULL, 43200), ADMISSION_YES);
}

/* The least one counts. */
Test(admission, file_size_of_teams)
{
    const struct team free = { .limits.number[ROW_FILE_SIZE] = 1 },
                      some = { .limits.number[ROW_FILE_SIZE] = 101 };
    struct user user = { .team = { &free } };

    cr_expect_eq(user_limit(&user, ROW_FILE_SIZE, 0), 0);
    cr_expect_eq(user_limit(&user, ROW_FILE_SIZE, 50), 50);
    user.team[1] = &some;
    cr_expect_eq(user_limit(&user, ROW_FILE_SIZE, 0), 100);
    cr_expect_eq(user_limit(&user, ROW_FILE_SIZE, 50), 50);
    user.limits.number[ROW_FILE_SIZE] = 201;
    cr_expect_eq(user_limit(&user, ROW_FILE_SIZE, 50), 100);
}

Test(admission, networks)
{
    static const struct {
        const char *networks, *peer;
        bool yes;
    } rows[] = {
        { "", "192.0.2.1", true },
        { "192.0.2.0/24", "192.0.2.1", true },
        { "192.0.2.0/24", "192.0.3.1", false },
        { "192.0.2.0/24", "2001:db8::1", false },
        { "192.0.2.0/24,2001:db8::/32", "2001:db8:ffff::1", true },
        { "192.0.2.7", "192.0.2.7", true },
        { "192.0.2.0/24", "::ffff:192.0.2.1", true },
        { "::ffff:192.0.2.1", "192.0.2.1", true },
        { "192.0.2.7", "192.0.2.6", false },
        { "0.0.0.0/0", "192.0.2.6", true },
        { "0.0.0.0/0", "2001:db8::1", false },
        { "nonsense,192.0.2.0/24", "192.0.2.1", true }, /* of a lying reader */
        { "nonsense", "192.0.2.1", false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_eq(admitted(rows[i].networks, "", rows[i].peer, 0),
                     rows[i].yes ? ADMISSION_YES : ADMISSION_ELSEWHERE,
                     "%s, %s", rows[i].networks, rows[i].peer);
}

/* DAY is of November 2026: the 23rd is a Monday. */
static time_t at(int day, int hour, int minute)
{
    struct tm t = { .tm_year = 126,
                    .tm_mon = 10,
                    .tm_mday = day,
                    .tm_hour = hour,
                    .tm_min = minute,
                    .tm_isdst = -1 };

    return mktime(&t);
}

Test(admission, hours)
{
    static const struct {
        const char *hours;
        int day, hour, minute;
        bool yes;
    } rows[] = {
        { "mon-fri/08:00-18:00", 23, 8, 0, true },
        { "mon-fri/08:00-18:00", 23, 7, 59, false },
        { "mon-fri/08:00-18:00", 27, 17, 59, true },
        { "mon-fri/08:00-18:00", 27, 18, 0, false },
        { "mon-fri/08:00-18:00", 28, 12, 0, false },
        { "mon-fri/08:00-18:00,sat", 28, 0, 0, true },
        { "mon-fri/08:00-18:00,sat", 29, 0, 0, false },
        { "fri/22:00-02:00", 27, 23, 0, true },
        { "fri/22:00-02:00", 28, 1, 59, true },
        { "fri/22:00-02:00", 28, 2, 0, false },
        { "fri/22:00-02:00", 27, 1, 0, false },
        { "fri/22:00-02:00", 28, 22, 0, false },
        { "sat/22:00-24:00", 28, 23, 59, true },
        { "sat/22:00-24:00", 29, 0, 0, false },
        { "sat/22:00-00:00", 28, 23, 59, true },
        { "sat/22:00-00:00", 29, 0, 0, false },
        { "sat/22:00-00:00", 28, 21, 59, false },
        { "sat/23:00-01:00", 29, 0, 30, true }, /* the end of the week */
        { "sat-mon", 29, 12, 0, true },
        { "sat-mon", 24, 12, 0, false },
    };

    setenv("TZ", "Europe/Berlin", 1);
    tzset();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_eq(admitted("", rows[i].hours, "192.0.2.1",
                              at(rows[i].day, rows[i].hour, rows[i].minute)),
                     rows[i].yes ? ADMISSION_YES : ADMISSION_OUT_OF_HOURS,
                     "%s: %d, %d:%02d", rows[i].hours, rows[i].day,
                     rows[i].hour, rows[i].minute);
}

/* In Berlin, 29 March 2026 has no hour from 2 to 3, and 25 October two. */
Test(admission, summer_time)
{
    const char *hour = "sun/02:00-03:00";

    setenv("TZ", "Europe/Berlin", 1);
    tzset();
    cr_expect_eq(admitted("", hour, "::1", 1774745940), ADMISSION_OUT_OF_HOURS);
    cr_expect_eq(admitted("", hour, "::1", 1774746000), ADMISSION_OUT_OF_HOURS);
    cr_expect_eq(admitted("", hour, "::1", 1792888200), ADMISSION_YES);
    cr_expect_eq(admitted("", hour, "::1", 1792891800), ADMISSION_YES);
}

Test(admission, mistakes)
{
    static const char *const networks[] = {
        "",
        "192.0.2.1/24",
        "192.0.2.0/33",
        "192.0.2.0/",
        "host",
        "192.0.2.0/24,",
        "192.0.2.0/24;10.0.0.0/8",
        "::ffff:192.0.2.0/120", /* it is IPv4 */
    };
    static const char *const hours[] = {
        "",
        "mo",
        "mon-",
        "mon/",
        "mon/8:00-18:00",
        "mon/08:00",
        "mon/08:00-08:00",
        "mon/08:00-24:01",
        "mon/24:00-08:00",
        "mon/08:60-09:00",
        "mon/00:00-00:00",
        "mon-tue-wed",
        "08:00-18:00",
        "Mon",
        "mon,",
        "mon/08:00-18:00-19:00",
    };
    struct complaint c;

    for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++)
        cr_expect_eq(user_networks_check(slice_from(networks[i]), &c), -EINVAL,
                     "%s", networks[i]);
    for (size_t i = 0; i < sizeof(hours) / sizeof(hours[0]); i++)
        cr_expect_eq(user_hours_check(slice_from(hours[i]), &c), -EINVAL, "%s",
                     hours[i]);
    cr_expect(user_networks_check(SLICE("192.0.2.0/24,::1,10.0.0.0/8"), &c) ==
              0);
    cr_expect(user_hours_check(SLICE("mon-fri/08:00-18:00,sat,sun/22:00-02:00"),
                               &c) == 0);
}
