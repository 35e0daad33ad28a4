/* Tests of the table of sessions: its limit, the search by serial, and the
 * reuse of places. */
#include "master/sessions/sessions.h"
#include "support/test.h"

#define LIMIT 100

static struct session_table t;

static void begin(void)
{
    cr_assert_eq(sessions_init(&t, LIMIT, LIMIT), 0);
}

static void end(void)
{
    sessions_release(&t);
}

TestSuite(table, .init = begin, .fini = end);

static size_t visited(void)
{
    size_t n = 0;

    SESSIONS_EACH(&t, s)
        n++;
    return n;
}

/* A loop over all sessions doesn't look at records that were never used. */
Test(table, visits_what_was_used)
{
    cr_expect_eq(visited(), 0);
    for (uint64_t i = 0; i < LIMIT; i++) {
        sessions_take(&t, i);
        cr_expect_eq(visited(), i + 1);
    }
    sessions_give_back(&t, sessions_find(&t, 0));
    sessions_give_back(&t, sessions_find(&t, LIMIT - 1));
    cr_expect_eq(visited(), LIMIT, "a free one among the others");
    for (uint64_t i = LIMIT; i < LIMIT + 3; i++)
        sessions_take(&t, i);
    cr_expect_eq(visited(), LIMIT + 1, "free ones are used again");
}

Test(table, take_find_give_back)
{
    struct session_record *s;

    for (uint64_t i = 0; i < LIMIT; i++) {
        cr_assert_null(sessions_find(&t, i << 32));
        s = sessions_take(&t, i << 32);
        cr_assert_not_null(s);
        s->state = SESSION_GREETED;
        cr_assert_eq(sessions_find(&t, i << 32), s);
        cr_assert_eq(s->channel.fd, -1);
    }
    for (uint64_t i = 0; i < LIMIT; i += 2) {
        t.living--;
        sessions_give_back(&t, sessions_find(&t, i << 32));
    }
    for (uint64_t i = 0; i < LIMIT; i++)
        cr_assert_eq(sessions_find(&t, i << 32) != NULL, i % 2);
    cr_assert_eq(t.used, LIMIT / 2);
    /* Free records are used again before memory that none has touched. */
    for (uint64_t i = 0; i < LIMIT; i += 2)
        cr_assert_eq(sessions_take(&t, i << 32)->channel.fd, -1);
    cr_assert_eq(t.touched, LIMIT);
}

/* Ended sessions keep their records for a while, so the table has more records
 * than max_sessions, up to a limit. */
Test(table, ended_ones_stay)
{
    uint64_t serial = 0;

    while (sessions_take(&t, serial)) {
        t.living--; /* ended at once */
        serial++;
    }
    cr_assert_eq(serial, t.size);
    cr_assert_gt(serial, 2 * LIMIT);
}

/* Account 1 is a user's; accounts 2 and 3 are teams'. */
Test(table, counts_of_accounts)
{
    static const struct {
        enum session_state state;
        uint64_t user, team;
        pid_t files; /* 0: reaped */
    } rows[] = {
        { SESSION_USER, 1, 2, 2 },    { SESSION_OPENING, 1, 2, 3 },
        { SESSION_KICKED, 1, 3, 4 },  { SESSION_ENDED, 1, 0, 5 },
        { SESSION_GREETED, 1, 0, 6 }, /* denied: it hasn't left yet */
        { SESSION_ENDED, 1, 2, 0 },   { SESSION_GREETED, 1, 2, 0 },
        { SESSION_GREETED, 0, 0, 0 }, { SESSION_USER, 4, 2, 7 },
    };
    struct master m = { .sessions = NULL };
    struct session_record *s = NULL;
    struct older older;

    m.sessions = &t;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        s = sessions_take(&t, i);
        s->master = &m;
        s->state = rows[i].state;
        s->files.pid = rows[i].files;
        s->limits.account[0].number = rows[i].user;
        s->limits.account[1].number = rows[i].team;
        s->limits.accounts = rows[i].team ? 2 : 1;
    }
    cr_expect_eq(sessions_of_account(s, 1), 5);
    cr_expect_eq(sessions_of_account(s, 2), 2);
    cr_expect_eq(sessions_of_account(s, 3), 1);
    cr_expect_eq(sessions_of_account(s, 4), 0, "itself");
    s->older = &older;
    cr_expect_eq(sessions_of_account(s, 1), 3, "kicked or ended");
}
