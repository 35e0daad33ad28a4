/* STAT of a directory whose listing is longer than a reply may be, fails, or is
 * slow. */
#include "fake.h"
#include "sallyport/session/session.h"

#define LINE     64
#define STAT_MAX (64 << 10)

/* Files lists BYTES bytes, in lines of 64 bytes, and then reports OUTCOME.
 * Returns the reply's code; fake.lines has the reply. */
static int stat_of(size_t bytes, enum outcome outcome)
{
    char line[LINE + 1];
    int pipe;

    snprintf(line, sizeof(line), "%0*d\r\n", LINE - 2, 0);
    fake_say("STAT d");
    pipe = fake_list();
    for (size_t n = 0; n < bytes; n += LINE)
        if (write(pipe, line, LINE) < 0)
            break; /* the session has enough */
    fake_listed(pipe, outcome);
    return fake_reply();
}

static size_t lines_of(void)
{
    size_t n = 0;

    for (const char *at = fake.lines; (at = strstr(at, "0000")); n++)
        at += LINE - 2;
    return n;
}

static const struct {
    size_t bytes, lines;
    bool more;
} lists[] = {
    { 10 * LINE, 10, false },
    { STAT_MAX - LINE, STAT_MAX / LINE - 1, false },
    { STAT_MAX, STAT_MAX / LINE, false },
    { STAT_MAX + LINE, STAT_MAX / LINE, true }, /* cut at a line's end */
    { 3 * STAT_MAX, STAT_MAX / LINE, true },
};

Test(list, stat_says_whether_there_is_more, LOGGED_IN)
{
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        cr_assert_eq(stat_of(lists[i].bytes, OUTCOME_OK), 213);
        cr_expect_eq(lines_of(), lists[i].lines, "%zu: %zu lines", i,
                     lines_of());
        cr_expect_eq(strstr(fake.lines, "there is more") != NULL, lists[i].more,
                     "%zu", i);
    }
    fake_do("NOOP", 200);
}

/* If a listing fails, the client gets none of its lines. If files only can't
 * write any more, because the session has enough and has closed the pipe, the
 * client gets them. */
Test(list, stat_of_a_listing_that_fails, LOGGED_IN)
{
    cr_expect_eq(stat_of(10 * LINE, OUTCOME_IO), 451, "%s", fake.reply);
    cr_expect_eq(lines_of(), 0);
    cr_expect_eq(stat_of(3 * STAT_MAX, OUTCOME_GONE_AWAY), 213);
    cr_expect_not_null(strstr(fake.lines, "there is more"));
    cr_expect_eq(stat_of(LINE, OUTCOME_OK), 213);
    cr_expect_eq(lines_of(), 1);
}

/* A big directory on a slow disk may take as long for STAT as for LIST. */
Test(list, stat_of_a_slow_directory, LEAVES)
{
    static const struct session_deadlines soon = {
        .ask = 300, .ask_long = 10000, .gate = 300, .silent = 60000
    };
    int pipe;

    fake.deadlines = &soon;
    fake_open();
    fake_say("STAT d");
    pipe = fake_list();
    cast_hear_nothing(&fake.files, 600);
    fake_listed(pipe, OUTCOME_OK);
    cr_expect_eq(fake_reply(), 213, "%s", fake.reply);
}
