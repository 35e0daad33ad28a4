/* Sessions that end just before master does something with them. The test calls
 * master's callbacks itself, so no race decides what comes first. */
#include <criterion/criterion.h>

#include "master/sessions/answer.h"
#include "master/sessions/gate.h"
#include "master/sessions/login.h"
#include "master/start/parts.h"
#include "sallyport/base/fd.h"

static struct master the_master;
static struct master_parts parts;

/* No child runs, and no log: what they would get is dropped. */
static void hall_open(void)
{
    master_init(&the_master);
    parts_attach(&the_master, &parts);
    the_master.state = MASTER_RUNNING;
    cr_assert_eq(loop_init(&the_master.loop), 0);
    cr_assert_eq(sessions_init(the_master.sessions, 4), 0);
    the_master.sessions->calls = &login_calls;
    the_master.sessions->audience = &gate_audience;
    cr_assert_eq(guesses_init(the_master.guesses, -1), 0);
}

static void hall_close(void)
{
    sessions_release(the_master.sessions);
    guesses_release(the_master.guesses);
    loop_release(&the_master.loop);
}

/* Opens the session with that serial. *END is its own end of its channel. */
static struct session *hall_enter(uint64_t serial, int *end)
{
    const struct address peer = { .family = 4, .bytes = { 192, 0, 2, 7 } };
    const struct session_ends none = { .log = -1, .keys = -1 };
    struct session_ends ends = none;
    struct session *s;
    int pair[2];

    cr_assert_eq(fd_pair(pair), 0);
    ends.master = pair[0];
    *end = pair[1];
    s = session_open(&the_master, serial, &peer, &peer, false, &ends);
    cr_assert_not_null(s);
    return s;
}

static void answer_is_due(struct session *s, bool right)
{
    s->channel.phase = PHASE_VERIFY;
    s->state = SESSION_DELAYED;
    s->answer = (struct answer){ .verdict = { .right = right, .delay = 1 },
                                 .slowed = true };
}

/* A client that resets its connection when it expects the answer ends its own
 * session only, and the next login of its address is answered. */
Test(session_ends, before_a_delayed_answer)
{
    for (int right = 0; right <= 1; right++) {
        struct session *s, *next;
        int end, next_end;

        hall_open();
        s = hall_enter(1, &end);
        next = hall_enter(2, &next_end);
        answer_is_due(s, right);
        answer_is_due(next, false);
        next->state = SESSION_HELD;
        fd_close(&end);
        s->timer.on_time(s);
        cr_expect_null(sessions_find(the_master.sessions, 1));
        cr_expect_eq(next->state, SESSION_DELAYED);
        session_end(next);
        fd_close(&next_end);
        hall_close();
    }
}
