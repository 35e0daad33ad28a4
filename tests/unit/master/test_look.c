/* The present work of sessions: master asks the sessions that a caller wants to
 * see, here and in older generations, and waits for none of them. */
#include <criterion/criterion.h>
#include <unistd.h>

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

static void look(struct caller *c)
{
    caller_looks(c, SHOW_DOING, 0);
}

static void says_doing(struct channel *from, uint32_t request, uint64_t serial,
                       const char *path)
{
    TELL(from, doing, request, .serial = serial, .client = SLICE("a client"),
         .verb = SLICE("RETR"), .path = slice_from(path), .bytes = 5, .of = 9,
         .ms = 3);
}

static void hears_doing(struct caller *c, uint64_t serial, const char *path)
{
    struct message got;

    caller_hears(c, MSG_row, &got);
    cr_expect_eq(strtoull(row_value(&got, "serial"), NULL, 16), serial);
    cr_expect_str_eq(row_value(&got, "path"), path);
    cr_expect_str_eq(row_value(&got, "program"), "a client");
    cr_expect_str_eq(row_value(&got, "command"), "RETR");
    cr_expect_str_eq(row_value(&got, "bytes"), "5");
    cr_expect_str_eq(row_value(&got, "of"), "9");
    cr_expect_str_eq(row_value(&got, "ms"), "3");
}

static void hears_end(struct caller *c)
{
    struct message got;

    caller_hears(c, MSG_end, &got);
    cr_expect_eq(got.end.place, 0);
}

/* A session can't name another one: master knows whom it has asked. Two callers
 * share a question. */
Test(look, answers, .timeout = 60)
{
    struct player p, q;
    struct message asked;
    struct caller c, d;

    stage_with(is_patient, &p);
    player_enter(&q, 2);
    player_asks(&q); /* so master has seen both */
    caller_enter(&c);
    caller_enter(&d);
    look(&c);
    player_hear(&p, MSG_look_at, &asked);
    player_hear(&q, MSG_look_at, &asked);
    says_doing(&q.channel, asked.request, 1, "/q");
    hears_doing(&c, 2, "/q");
    look(&d);
    player_hear(&q, MSG_look_at, &asked);
    says_doing(&q.channel, asked.request, 0, "/again");
    hears_doing(&d, 2, "/again");
    says_doing(&p.channel, 1, 0, "/p");
    hears_doing(&c, 1, "/p");
    hears_end(&c);
    hears_doing(&d, 1, "/p");
    hears_end(&d);
    caller_leave(&c);
    caller_leave(&d);
    player_leave(&q);
    stage_leave(&p);
}

Test(look, nobody_is_there, .timeout = 60)
{
    struct caller c;

    stage_open(is_patient);
    caller_enter(&c);
    look(&c);
    hears_end(&c);
    caller_leave(&c);
    stage_close();
}

/* It is asked once, and its late answer is nobody's. */
Test(look, a_session_without_an_answer, .timeout = 60)
{
    struct player p;
    struct message asked;
    struct caller c;

    stage_with(is_quick, &p);
    caller_enter(&c);
    look(&c);
    hears_end(&c);
    look(&c);
    hears_end(&c);
    player_hear(&p, MSG_look_at, &asked);
    says_doing(&p.channel, asked.request, 0, "/late");
    caller_asks(&c, MSG_who); /* the connection still serves */
    caller_hears(&c, MSG_who_is, &asked);
    caller_leave(&c);
    stage_leave(&p);
}

Test(look, a_session_that_was_not_asked, .timeout = 60)
{
    struct player p;

    stage_with(is_patient, &p);
    says_doing(&p.channel, 1, 0, "/p");
    gate_hears(MSG_kill, 1);
    channel_hear_end(&p.channel);
    gate_reaps(1, 9);
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

/* Returns when master knows a session of the older generation. */
static void wait_for_older(struct caller *c)
{
    struct message got;

    do {
        c->request = channel_next(&c->channel);
        TELL(&c->channel, who, c->request, .place = 0);
        cr_assert_eq(channel_wait(&c->channel, &got, STAGE_WAIT_MS), 1);
    } while (got.kind != MSG_who_is);
    caller_hears(c, MSG_who_end, &got);
}

Test(look, in_an_older_generation, .timeout = 60)
{
    struct roster_facts old = { .serial = 7, .peer = { .family = 4 } };
    struct caller c, d;

    supervised_make_rosters();
    supervised_open(follows_an_older_one);
    roster_write(supervised_older(), 3, &old);
    caller_enter(&c);
    wait_for_older(&c);
    look(&c);
    cr_expect_eq(supervised_ordered(supervised_older(), ORDER_LOOK), 3);
    caller_enter(&d);
    look(&d);
    hears_end(&d); /* only the first one waits */
    caller_leave(&d);
    old.answers++;
    supervised_older()->row[3].doing =
        (struct roster_doing){ "a client", "", "RETR", "/old", 5, 9, 3 };
    roster_write(supervised_older(), 3, &old);
    hears_doing(&c, 7, "/old");
    hears_end(&c);
    caller_leave(&c);
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
    struct message got;
    struct player p;
    size_t row;

    supervised_make_rosters();
    supervised_open(has_a_roster);
    player_enter(&p, 1);
    player_asks(&p); /* so master has seen it */
    supervised_replaces();
    row = supervised_shows(supervised_own(), 1, NULL, &now);
    roster_order(supervised_own(), row + 1, 2, ORDER_LOOK, 0);
    roster_order(supervised_own(), row, 1, ORDER_LOOK, 0);
    player_hear(&p, MSG_look_at, &got);
    says_doing(&p.channel, got.request, 0, "/p");
    supervised_shows(supervised_own(), 1, has_answered, &now);
    cr_expect_str_eq(supervised_own()->row[row].doing.path, "/p");
    cr_expect_str_eq(supervised_own()->row[row].doing.client, "a client");
    cr_expect_eq(supervised_own()->row[row].doing.bytes, 5);
    player_leave(&p);
    stage_close();
    supervised_drop_rosters();
}
