/* Decides from which addresses and at which hours a user may use the server:
 * networks= and hours= of the user and of the teams. Pure, except that it
 * depends on the time zone. Runs in auth at a login, and in master, which ends
 * sessions. Both parse the texts anew. */
#include "sallyport/users/users.h"

#include <time.h>

#include "sallyport/base/clock.h"

#define DAYS        7
#define DAY_MINUTES (24 * 60)

int user_networks_check(struct slice value, struct complaint *c)
{
    struct slice rest = value, one;
    struct complaint why = { "" };
    struct network n;

    while (slice_cut(&rest, ',', &one))
        if (network_parse(one, &n, &why) < 0)
            return complain(c, "networks=%.*s: %s", (int)one.len, one.ptr,
                            why.text[0]
                                ? why.text
                                : "expected networks such as 192.0.2.0/24 or "
                                  "2001:db8::/32, with , between");
    return 0;
}

/* A span such as "mon-fri/08:00-18:00". A span over midnight belongs to the day
 * on which it begins. */
struct hours_span {
    bool day[DAYS]; /* by tm_wday: 0 is Sunday */
    int from, to;   /* minutes; TO is excluded */
};

/* Parses "00:00" to "24:00". Returns minutes, or -1. */
static int hours_minute(struct slice text)
{
    struct slice hour = { "", 0 };
    uint64_t h, m;

    slice_cut(&text, ':', &hour);
    if (hour.len != 2 || text.len != 2 || slice_number(hour, 24, &h) < 0 ||
        slice_number(text, 59, &m) < 0 || (h == 24 && m > 0))
        return -1;
    return (int)(h * 60 + m);
}

/* Parses a span. The days are such as "mon", or "fri-mon", over the end of the
 * week. */
static bool hours_parse(struct slice text, struct hours_span *s)
{
    static const char *const words[DAYS] = { "sun", "mon", "tue", "wed",
                                             "thu", "fri", "sat" };
    struct slice days, from;
    int first, last;

    *s = (struct hours_span){ .from = 0, .to = DAY_MINUTES };
    slice_cut(&text, '/', &days);
    slice_cut(&days, '-', &from);
    first = slice_among(from, words, DAYS);
    last = days.ptr ? slice_among(days, words, DAYS) : first;
    if (first < 0 || last < 0)
        return false;
    for (int d = first; d != last; d = (d + 1) % DAYS)
        s->day[d] = true;
    s->day[last] = true;
    if (!text.ptr)
        return true;
    slice_cut(&text, '-', &from);
    s->from = hours_minute(from);
    s->to = hours_minute(text);
    if (s->to == 0 && s->from > 0)
        s->to = DAY_MINUTES;
    return s->from >= 0 && s->from < DAY_MINUTES && s->to > 0 &&
           s->from != s->to;
}

int user_hours_check(struct slice value, struct complaint *c)
{
    struct slice rest = value, one;
    struct hours_span s;

    while (slice_cut(&rest, ',', &one))
        if (!hours_parse(one, &s))
            return complain(c,
                            "hours=%.*s: expected days and hours such as "
                            "mon-fri/08:00-18:00 or sat, with , between",
                            (int)one.len, one.ptr);
    return 0;
}

static bool hours_hold(struct slice hours, const struct tm *t)
{
    int minute = t->tm_hour * 60 + t->tm_min,
        yesterday = (t->tm_wday + DAYS - 1) % DAYS;
    struct slice one;
    struct hours_span s;

    while (slice_cut(&hours, ',', &one)) {
        if (!hours_parse(one, &s))
            continue;
        if (s.day[t->tm_wday] && minute >= s.from &&
            (minute < s.to || s.to < s.from))
            return true;
        if (s.to < s.from && s.day[yesterday] && minute < s.to)
            return true;
    }
    return false;
}

static enum admission admission_of(const struct row_limits *l,
                                   const struct address *peer, time_t now)
{
    struct slice rest = l->networks, one;
    bool held = rest.len == 0 || !peer;
    struct complaint why;
    struct network n;
    struct tm local;

    while (!held && slice_cut(&rest, ',', &one))
        held = network_parse(one, &n, &why) == 0 && network_holds(&n, peer);
    if (!held)
        return ADMISSION_ELSEWHERE;
    if (l->hours.len > 0 &&
        (!clock_local(now, &local) || !hours_hold(l->hours, &local)))
        return ADMISSION_OUT_OF_HOURS;
    return ADMISSION_YES;
}

enum admission user_admission(const struct user *user,
                              const struct address *peer, time_t now)
{
    enum admission a = admission_of(&user->limits, peer, now);

    for (int i = 0; a == ADMISSION_YES && i < USER_TEAMS_MAX && user->team[i];
         i++)
        a = admission_of(&user->team[i]->limits, peer, now);
    return a;
}
