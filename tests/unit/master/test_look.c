/* The present work of sessions: master asks the sessions that a caller wants to
 * see, here and in older generations, and waits for none of them. */
#include "caller.h"
#include "sallyport/base/fd.h"
#include "supervised.h"

static void is_patient(struct master *m)
{
    m->deadlines.look = 60000;
}

static void is_quick(struct master *m)
{
    m->deadlines.look = 50;
}

static void look(struct channel *c)
{
    caller_looks(c, SHOW_DOING, 0);
}

static void says_doing(struct channel *from, uint32_t request, uint64_t serial,
                       const char *path)
{
    SAY(from, doing, request, .serial = serial, .client = SLICE("a client"),
        .verb = SLICE("RETR"), .path = slice_from(path), .bytes = 5, .of = 9,
        .ms = 3);
}

static void hears_doing(struct channel *c, uint64_t serial, const char *path)
{
    EXPECT(c, row);
    cr_expect_eq(strtoull(row_value("serial"), NULL, 16), serial);
    cr_expect_str_eq(row_value("path"), path);
    cr_expect_str_eq(row_value("program"), "a client");
    cr_expect_str_eq(row_value("command"), "RETR");
    cr_expect_str_eq(row_value("bytes"), "5");
    cr_expect_str_eq(row_value("of"), "9");
    cr_expect_str_eq(row_value("ms"), "3");
}

static void hears_end(struct channel *c)
{
    cr_expect_eq(EXPECT(c, end)->place, 0);
}

/* A session can't answer for another one: master ignores the serial in the
 * answer. Two callers share one question to a session. */
GreetedTest(look, answers, is_patient)
{
    struct player q;
    struct channel d;

    player_enter(&q, 2);
    player_asks(&q); /* so master has seen both sessions */
    caller_enter(&ctl);
    caller_enter(&d);
    look(&ctl);
    EXPECT(&anna.channel, look_at);
    EXPECT(&q.channel, look_at);
    says_doing(&q.channel, heard.request, 1, "/q");
    hears_doing(&ctl, 2, "/q");
    look(&d);
    EXPECT(&q.channel, look_at);
    says_doing(&q.channel, heard.request, 0, "/again");
    hears_doing(&d, 2, "/again");
    says_doing(&anna.channel, 1, 0, "/p");
    hears_doing(&ctl, 1, "/p");
    hears_end(&ctl);
    hears_doing(&d, 1, "/p");
    hears_end(&d);
    channel_close(&ctl);
    channel_close(&d);
    player_leave(&q);
}

CallerTest(look, nobody_is_there, is_patient)
{
    look(&ctl);
    hears_end(&ctl);
}

/* Master asks a session only once while it doesn't answer. No caller gets the
 * late answer. */
GreetedTest(look, a_session_without_an_answer, is_quick)
{
    caller_enter(&ctl);
    look(&ctl);
    hears_end(&ctl);
    look(&ctl);
    hears_end(&ctl);
    EXPECT(&anna.channel, look_at);
    says_doing(&anna.channel, heard.request, 0, "/late");
    REQUEST(&ctl, who); /* the connection still works */
    EXPECT(&ctl, who_is);
    channel_close(&ctl);
}

Test(look, a_session_that_was_not_asked, .timeout = 60)
{
    stage_with(is_patient, &anna);
    says_doing(&anna.channel, 1, 0, "/p");
    gate_hears(MSG_reaped, 1);
    cast_skip_to_end(&anna.channel);
    stage_close();
}

static void follows_an_older_one(struct master *m)
{
    is_patient(m);
    supervised_uses_older(m);
}

static void has_a_roster(struct master *m)
{
    is_patient(m);
    supervised_uses_own(m);
}

/* Waits until master shows a session of the older generation. */
static void wait_for_older(struct channel *c)
{
    do
        REQUEST(c, who);
    while (cast_hear(c) != MSG_who_is);
    EXPECT(c, end);
}

Test(look, in_an_older_generation, .timeout = 60)
{
    struct roster_facts old = { .serial = 7, .peer = { .family = 4 } };
    struct channel d;

    supervised_make_rosters();
    supervised_open(follows_an_older_one);
    roster_write(supervised_older(), 3, &old);
    caller_enter(&ctl);
    wait_for_older(&ctl);
    look(&ctl);
    cr_expect_eq(supervised_ordered(supervised_older(), ORDER_ASK), 3);
    caller_enter(&d);
    look(&d);
    hears_end(&d); /* only the first caller waits */
    channel_close(&d);
    old.answers++;
    supervised_older()->row[3].doing =
        (struct roster_doing){ "a client", "", "RETR", "/old", 5, 9, 3 };
    roster_write(supervised_older(), 3, &old);
    hears_doing(&ctl, 7, "/old");
    hears_end(&ctl);
    channel_close(&ctl);
    stage_close();
    supervised_drop_rosters();
}

static bool has_answered(const struct roster_facts *now)
{
    return now->answers > 0;
}

Test(look, by_the_newest_master, .timeout = 60)
{
    struct roster_facts now;
    size_t row;

    supervised_make_rosters();
    supervised_open(has_a_roster);
    player_enter(&anna, 1);
    player_asks(&anna); /* so master has seen the session */
    supervised_replaces();
    row = supervised_shows(supervised_own(), 1, NULL, &now);
    roster_order(supervised_own(), row + 1, 2, ORDER_ASK, 0);
    roster_order(supervised_own(), row, 1, ORDER_ASK, 0);
    EXPECT(&anna.channel, look_at);
    says_doing(&anna.channel, heard.request, 0, "/p");
    supervised_shows(supervised_own(), 1, has_answered, &now);
    cr_expect_str_eq(supervised_own()->row[row].doing.path, "/p");
    cr_expect_str_eq(supervised_own()->row[row].doing.client, "a client");
    cr_expect_eq(supervised_own()->row[row].doing.bytes, 5);
    player_leave(&anna);
    stage_close();
    supervised_drop_rosters();
}
