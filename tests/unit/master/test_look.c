/* What sessions do now: master asks those that a caller wants to see, here and
 * in older generations, and waits for none of them. */
#include <criterion/criterion.h>
#include <unistd.h>

#include "caller.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/generation.h"
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
    c->request = channel_next(&c->channel);
    TELL(&c->channel, look, c->request, .place = 0);
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

    caller_hears(c, MSG_doing, &got);
    cr_expect_eq(got.doing.serial, serial);
    cr_expect(slice_equal(got.doing.path, slice_from(path)));
    cr_expect(slice_equal(got.doing.client, SLICE("a client")));
    cr_expect_eq(got.doing.bytes, 5);
    cr_expect_eq(got.doing.of, 9);
}

static void hears_end(struct caller *c)
{
    struct message got;

    caller_hears(c, MSG_look_end, &got);
    cr_expect_eq(got.look_end.place, 0);
}

/* A session can't name another one: master knows whom it has asked. Two callers
 * share a question. */
Test(look, answers, .timeout = 60)
{
    struct player p, q;
    struct message asked;
    struct caller c, d;
    struct stage s;

    stage_with(&s, is_patient, &p);
    player_enter(&s, &q, 2);
    player_asks(&s, &q); /* so master has seen both */
    caller_enter(&s, &c);
    caller_enter(&s, &d);
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
    stage_leave(&s, &p);
}

Test(look, nobody_is_there, .timeout = 60)
{
    struct caller c;
    struct stage s;

    stage_open(&s, is_patient);
    caller_enter(&s, &c);
    look(&c);
    hears_end(&c);
    caller_leave(&c);
    stage_close(&s);
}

/* It is asked once, and its late answer is nobody's. */
Test(look, a_session_without_an_answer, .timeout = 60)
{
    struct player p;
    struct message asked;
    struct caller c;
    struct stage s;

    stage_with(&s, is_quick, &p);
    caller_enter(&s, &c);
    look(&c);
    hears_end(&c);
    look(&c);
    hears_end(&c);
    player_hear(&p, MSG_look_at, &asked);
    says_doing(&p.channel, asked.request, 0, "/late");
    caller_asks(&c, MSG_guessing); /* the connection still serves */
    caller_hears(&c, MSG_guessing_is, &asked);
    caller_leave(&c);
    stage_leave(&s, &p);
}

Test(look, a_session_that_was_not_asked, .timeout = 60)
{
    struct player p;
    struct stage s;

    stage_with(&s, is_patient, &p);
    says_doing(&p.channel, 1, 0, "/p");
    gate_hears(&s, MSG_kill, 1);
    channel_hear_end(&p.channel);
    gate_reaps(&s, 1, 9);
    stage_close(&s);
}

static void greet(struct channel *c, struct message *got)
{
    TELL(c, hello, .version = GENERATION_VERSION);
    message_hear(c, MSG_hello, got);
    c->phase = PHASE_RUN;
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

/* A question without an address; an older build ignores it. */
Test(look, in_an_older_generation, .timeout = 60)
{
    struct channel older;
    struct message got;
    struct caller c, d;
    struct stage s;
    int master;

    supervised_open(&s, is_patient);
    caller_enter(&s, &c);
    master = channel_make(&older, PROCESS_MASTER, PROCESS_MASTER, PHASE_START);
    TELL(&supervised_channel, predecessor, .generation = 1, .master = master);
    close(master);
    greet(&older, &got);
    TELL(&older, older_session, .serial = 7, .peer = { .family = 4 });
    wait_for_older(&c);
    look(&c);
    message_hear(&older, MSG_older_peer, &got);
    cr_expect_eq(got.older_peer.serial, 7);
    cr_expect_eq(got.older_peer.peer.family, 0);
    caller_enter(&s, &d);
    look(&d);
    hears_end(&d); /* the answer may be lost: only the first one waits */
    caller_leave(&d);
    says_doing(&older, 0, 9, "/of another"); /* ignored */
    says_doing(&older, 0, 7, "/old");
    hears_doing(&c, 7, "/old");
    hears_end(&c);
    caller_leave(&c);
    channel_close(&older);
    stage_close(&s);
}

Test(look, by_the_newest_master, .timeout = 60)
{
    struct channel newest;
    struct message got;
    struct player p;
    struct stage s;
    int ends[2], master;

    supervised_open(&s, is_patient);
    player_enter(&s, &p, 1);
    player_asks(&s, &p); /* so master has seen it */
    cr_assert_eq(fd_pair(ends), 0);
    TELL(&supervised_channel, step_down, .gate = ends[0]);
    close(ends[0]);
    close(ends[1]);
    master = channel_make(&newest, PROCESS_MASTER, PROCESS_MASTER, PHASE_START);
    TELL(&supervised_channel, successor, .master = master);
    close(master);
    greet(&newest, &got);
    message_hear(&newest, MSG_older_session, &got);
    TELL(&newest, older_peer, .serial = 99);
    TELL(&newest, older_peer, .serial = 1);
    player_hear(&p, MSG_look_at, &got);
    says_doing(&p.channel, got.request, 0, "/p");
    message_hear(&newest, MSG_doing, &got);
    cr_expect_eq(got.doing.serial, 1);
    cr_expect(slice_equal(got.doing.path, SLICE("/p")));
    player_leave(&p);
    channel_close(&newest);
    stage_close(&s);
}
