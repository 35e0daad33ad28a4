/* Tests of sessions of several generations: the newest master reads the roster
 * of an older one and writes orders there, and the older master obeys. The test
 * plays the other master. */
#include "caller.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/generation.h"
#include "supervised.h"
#include "support/wait.h"

#define SEVEN 7
#define ROW   3

static struct roster_facts seven(void)
{
    return (struct roster_facts){ .serial = SEVEN,
                                  .peer = { .family = 4,
                                            .bytes = { 192, 0, 2, 7 } },
                                  .since = 1 };
}

static struct roster_facts seven_as(const char *user, uint64_t version)
{
    struct roster_facts f = seven();

    f.login = 2;
    f.version = version;
    memcpy(f.user, user, strlen(user));
    return f;
}

static void shows(const struct roster_facts *f)
{
    roster_write(supervised_older(), ROW, f);
}

/* --- the newest master ---------------------------------------------------- */

static void follows(struct master *m)
{
    supervised_uses_older(m);
}

/* The older master has time to end a session. */
static void follows_and_waits(struct master *m)
{
    supervised_uses_older(m);
    m->deadlines.kick = 60000;
}

static void follows_with_one_each(struct master *m)
{
    supervised_uses_older(m);
    m->settings.max_per_user = 1;
}

static void newest_opens(void (*adjust)(struct master *m))
{
    supervised_make_rosters();
    supervised_open(adjust);
}

static void newest_closes(void)
{
    stage_close();
    supervised_drop_rosters();
}

#define NewestTest(suite, name, adjust)                                        \
    StageTest(suite, name, newest_opens(adjust), newest_closes())
/* Defines a test of the newest master, with the sallyportctl `ctl`
 * connected. */
#define SeenTest(suite, name, adjust)                                          \
    StageTest(suite, name, (newest_opens(adjust), caller_enter(&ctl)),         \
              (channel_close(&ctl), newest_closes()))

static void expect_kick(enum ending why)
{
    const struct roster *r = supervised_older();

    cr_expect_eq(supervised_ordered(supervised_older(), ORDER_KICK), ROW);
    cr_expect_eq(r->row[ROW].why, why, "%u", r->row[ROW].why);
}

struct counted {
    struct channel *caller;
    size_t wanted, sessions;
};

static bool who_shows(void *argument)
{
    struct counted *c = argument;

    c->sessions = 0;
    REQUEST(c->caller, who);
    while (cast_hear(c->caller) == MSG_who_is)
        c->sessions++;
    cr_assert_eq(heard.kind, MSG_end);
    return c->sessions == c->wanted;
}

/* Waits until a caller sees WANTED sessions, since master reads the roster only
 * now and then. */
static void expect_sessions(struct channel *caller, size_t wanted)
{
    struct counted c = { caller, wanted, 0 };

    cr_expect(wait_until(who_shows, &c, STAGE_WAIT_MS), "%zu, not %zu",
              c.sessions, wanted);
}

static void asks_for_the_end(void)
{
    REQUEST(&ctl, end_sessions, .serial = SEVEN);
}

/* The caller's answer waits until the older master has obeyed. */
SeenTest(older, a_caller_kicks_its_session, follows_and_waits)
{
    struct roster_facts f = seven();
    struct channel other;

    shows(&f);
    expect_sessions(&ctl, 1);
    asks_for_the_end();
    expect_kick(ENDING_KICKED);
    caller_enter(&other);
    expect_sessions(&other, 1);
    channel_close(&other);
    f.gone = true;
    shows(&f);
    cr_expect_eq(EXPECT(&ctl, control_done)->sessions, 1);
    expect_sessions(&ctl, 0);
}

/* The older master hangs: each caller is told so, and that the session stays.
 */
SeenTest(older, a_caller_kicks_a_session_that_stays, follows)
{
    const struct roster_facts f = seven();

    shows(&f);
    expect_sessions(&ctl, 1);
    for (int i = 0; i < 2; i++) {
        asks_for_the_end();
        EXPECT(&ctl, control_refused);
        cr_expect_eq(heard.control_refused.refusal, REFUSAL_BUSY);
        cr_expect(slice_starts(heard.control_refused.why,
                               SLICE("1 session of an older generation ")));
        expect_sessions(&ctl, 1);
    }
    *(char *)supervised_older() = 1; /* the supervisor has killed it */
    expect_sessions(&ctl, 0);
}

static void locks_its_user(void)
{
    caller_edits(&ctl);
}

static void bans_its_address(void)
{
    const struct roster_facts f = seven();

    REQUEST(&ctl, ban_add, .network = address_prefix(&f.peer, 32), .bits = 32);
}

/* Each order is given twice about a session of a master that hangs. The review
 * of the first look, or the first order, has kicked the session already. */
SeenTest(older, each_order_about_a_session_that_stays, follows)
{
    static void (*const orders[])(void) = { asks_for_the_end, bans_its_address,
                                            locks_its_user };
    const struct roster_facts f = seven_as("anna", 1);

    shows(&f);
    expect_sessions(&ctl, 1);
    for (size_t i = 0; i < 2 * sizeof(orders) / sizeof(orders[0]); i++) {
        orders[i / 2]();
        caller_is_refused(&ctl, REFUSAL_BUSY);
        cr_expect(slice_starts(heard.control_refused.why,
                               SLICE("1 session of an older generation ")),
                  "%zu", i);
    }
    *(char *)supervised_older() = 1; /* the supervisor has killed it */
    locks_its_user();
    cr_expect_eq(EXPECT(&ctl, control_done)->sessions, 0);
}

/* The row of the session's user has changed since the login. */
NewestTest(older, a_changed_row_ends_its_session, follows)
{
    const struct roster_facts f = seven_as("anna", 1);

    shows(&f);
    expect_kick(ENDING_CHANGED);
}

/* A session of the older generation logs in while this generation leads: it is
 * one session too many. */
NewestTest(older, a_late_login_is_one_too_many, follows_with_one_each)
{
    struct roster_facts f = seven();

    player_enter(&anna, 1);
    player_logs_in(&anna, &ours);
    caller_enter(&ctl);
    shows(&f);
    expect_sessions(&ctl, 2);
    f = seven_as("anna", anna.version);
    shows(&f);
    expect_kick(ENDING_TOO_MANY);
    channel_close(&ctl);
    player_leave(&anna);
}

/* A session of the older generation was logged in before: the newest session of
 * this generation is kicked. */
NewestTest(older, an_earlier_login_stays, follows_with_one_each)
{
    struct roster_facts f;

    player_enter(&anna, 1);
    player_logs_in(&anna, &ours);
    f = seven_as("anna", anna.version);
    shows(&f);
    cr_expect_eq(EXPECT(&anna.channel, kick)->why, ENDING_TOO_MANY);
    cr_expect_not(supervised_older()->row[ROW].orders & ORDER_KICK);
    player_leave(&anna);
}

/* Between two looks the row gets another session. Then a session of the older
 * generation ends. The supervisor marks the roster as ended, since the older
 * master can have died with sessions in it. */
SeenTest(older, its_sessions_end, follows)
{
    struct roster_facts f = seven(), now;

    shows(&f);
    expect_sessions(&ctl, 1);
    f.serial = SEVEN + 1;
    shows(&f);
    f.serial = SEVEN + 2;
    roster_write(supervised_older(), ROW + 1, &f);
    expect_sessions(&ctl, 2);
    supervised_shows(supervised_older(), SEVEN + 1, NULL, &now);
    f.gone = true;
    roster_write(supervised_older(), ROW + 1, &f);
    expect_sessions(&ctl, 1);
    cr_expect_str_eq(caller_reads(&ctl, SHOWN_WHOLE, "generations"), "2");
    *(char *)supervised_older() = 1;
    expect_sessions(&ctl, 0);
}

/* The last session of the older generation and the generation itself end
 * between two looks: gate receives REAPED for the session. */
SeenTest(older, all_ends_between_two_looks, follows)
{
    struct roster_facts f = seven();

    shows(&f);
    EXPECT(&stage.gate.channel, elder);
    cr_expect_eq(heard.elder.serial, SEVEN);
    cr_expect(address_same_host(&heard.elder.peer, &f.peer));
    kill(stage.master, SIGSTOP);
    f.gone = true;
    f.status = SIGSEGV;
    shows(&f);
    *(char *)supervised_older() = 1;
    kill(stage.master, SIGCONT);
    cr_expect_eq(EXPECT(&stage.gate.channel, reaped)->serial, SEVEN);
    expect_sessions(&ctl, 0);
}

/* A session without a login makes room for others; then its own master ends it.
 * No lock waits for a session that gate has ended, but an order that names it
 * waits. */
SeenTest(older, makes_room, follows)
{
    struct roster_facts f = seven();

    shows(&f);
    cr_expect(EXPECT(&stage.gate.channel, elder)->waits);
    SAY(&stage.gate.channel, kill, .serial = SEVEN, .why = ENDING_CROWDED);
    expect_kick(ENDING_CROWDED);
    locks_its_user();
    cr_expect_eq(EXPECT(&ctl, control_done)->sessions, 0);
    bans_its_address();
    caller_is_refused(&ctl, REFUSAL_BUSY);
}

SeenTest(older, gate_hears_of_a_login, follows)
{
    struct roster_facts f = seven();

    shows(&f);
    EXPECT(&stage.gate.channel, elder);
    f = seven_as("anna", 1);
    shows(&f);
    cr_expect_eq(EXPECT(&stage.gate.channel, logged_in)->serial, SEVEN);
}

/* Until its client is known, a session counts for no address. */
SeenTest(older, a_client_of_a_proxy, follows)
{
    struct roster_facts f = seven();

    f.unknown = true;
    shows(&f);
    expect_sessions(&ctl, 1);
    f.unknown = false;
    f.peer.bytes[3] = 9;
    shows(&f);
    cr_expect_eq(EXPECT(&stage.gate.channel, elder)->peer.bytes[3], 9);
}

/* Gate gets the older sessions before OPEN, so it counts them before it accepts
 * anybody. The next gate gets them, too. */
Test(older, each_gate_counts, .timeout = 60)
{
    const struct roster_facts f = seven();

    supervised_make_rosters();
    shows(&f);
    supervised_raise(follows);
    SAY(&supervised_channel, lead);
    EXPECT(&stage.gate.channel, elder);
    EXPECT(&stage.gate.channel, open);
    actor_die(&stage.gate);
    actor_again(&stage.gate);
    cr_expect_eq(EXPECT(&stage.gate.channel, elder)->serial, SEVEN);
    EXPECT(&stage.gate.channel, open);
    newest_closes();
}

/* The older master is stopped, or has died, in the middle of a change of a
 * row. */
NewestTest(older, half_a_row, follows)
{
    const struct roster_facts f = seven();
    struct roster *r = supervised_older();

    caller_enter(&ctl);
    r->row[ROW].turn = 1; /* so the change ends with an odd number, too */
    shows(&f);
    roster_write(r, 0, &(struct roster_facts){ .serial = 1 });
    expect_sessions(&ctl, 1);
    r->row[ROW].turn++;
    r->changes++;
    expect_sessions(&ctl, 2);
    channel_close(&ctl);
}

/* Master orders the end of an older session for which it has no record: a
 * session that is in no list would continue after its user is locked. */
NewestTest(older, more_sessions_than_records, follows)
{
    struct roster_facts f = seven();
    struct roster *r = supervised_older();
    size_t row;

    for (size_t i = 0; i < r->rows; i++) {
        f.serial = 1000 + i;
        roster_write(r, i, &f);
    }
    row = supervised_ordered(r, ORDER_KICK);
    cr_expect_geq(row, sessions_records(8));
    cr_expect_eq(r->row[row].why, ENDING_SHUTDOWN);
    stage_reports(EVENT_TROUBLE, "no room for session");
}

/* Masters of two builds share the roster: if its layout changes,
 * GENERATION_VERSION must change, too. */
Test(older, layout)
{
    cr_expect_eq(GENERATION_VERSION, 4);
    cr_expect_eq(sizeof(struct roster), 48, "%zu", sizeof(struct roster));
    cr_expect_eq(sizeof(struct roster_row), 1496, "%zu",
                 sizeof(struct roster_row));
    cr_expect_eq(offsetof(struct roster, ended), 0);
    cr_expect_eq(ORDER_ASK, 4);
}

/* --- a generation that retires -------------------------------------------- */

static void uses_own_and_waits(struct master *m)
{
    supervised_uses_own(m);
    /* no session is killed for another reason */
    m->deadlines.sync = m->deadlines.kick = 60000;
}

static void older_opens(void)
{
    newest_opens(uses_own_and_waits);
    player_enter(&anna, SEVEN);
    player_asks(&anna); /* so master has seen the session */
    supervised_replaces();
}

static size_t row_of_player(void)
{
    struct roster_facts now;

    return supervised_shows(supervised_own(), SEVEN, NULL, &now);
}

static void older_closes(void)
{
    player_leave(&anna);
    newest_closes();
}

#define OlderTest(suite, name)                                                 \
    StageTest(suite, name, older_opens(), older_closes())

static bool is_taken(void *row)
{
    return __atomic_load_n(&((struct roster_row *)row)->orders,
                           __ATOMIC_RELAXED) == 0;
}

/* Waits until the older master has taken the order; it takes none from the row
 * behind the last one in use (OFF 1). */
static void order(size_t off, uint64_t serial, unsigned what, enum ending why)
{
    struct roster *r = supervised_own();
    const size_t row = row_of_player() + off;

    roster_order(r, row, serial, what, why);
    cr_assert(off || wait_until(is_taken, &r->row[row], STAGE_WAIT_MS));
}

static void expect_told(enum ending ordered, enum ending why, bool finish)
{
    order(0, SEVEN, ORDER_KICK, ordered);
    EXPECT(&anna.channel, kick);
    cr_expect_eq(heard.kick.why, why);
    cr_expect_eq(heard.kick.finish, finish);
}

/* The older master obeys no order that can't be, for another row, or for a
 * session that has left the row. */
OlderTest(older, obeys)
{
    order(0, SEVEN, ORDER_KICK, (enum ending)ENDING_COUNT);
    order(1, SEVEN, ORDER_KICK, ENDING_KICKED);
    order(0, SEVEN + 1, ORDER_KICK, ENDING_KICKED);
    order(0, SEVEN, 2, 0); /* an earlier build had this order */
    order(0, SEVEN, ORDER_ASK, 0);
    EXPECT(&anna.channel, look_at);
    expect_told(ENDING_SHUTDOWN, ENDING_DRAINED, true);
    expect_told(ENDING_CHANGED, ENDING_CHANGED, false);
}

static bool is_gone(const struct roster_facts *now)
{
    return now->gone;
}

static bool has_no_player(void *none)
{
    (void)none;
    return kill(anna.pid, 0) < 0;
}

/* An attacker controls the session, which has closed its channel. */
OlderTest(older, obeys_a_kick_of_a_mute_session)
{
    struct roster_facts now;
    const size_t row = row_of_player();

    fd_close(&anna.channel.fd);
    supervised_heard();
    roster_order(supervised_own(), row, SEVEN, ORDER_KICK, ENDING_LOCKED);
    cr_assert(wait_until(has_no_player, NULL, STAGE_WAIT_MS));
    supervised_shows(supervised_own(), SEVEN, is_gone, &now);
}

/* The newest gate needs room: the session is killed without a delay, and no
 * client of this gate's queue takes its place. */
OlderTest(older, makes_room_at_once)
{
    struct roster_facts now;

    order(0, SEVEN, ORDER_KICK, ENDING_CROWDED);
    cr_expect_not(EXPECT(&stage.gate.channel, stop_accepting)->serve);
    supervised_shows(supervised_own(), SEVEN, is_gone, &now);
    cr_expect(kill(anna.pid, 0) < 0);
    cast_skip_to_end(&anna.channel);
}

static bool has_logged_in(const struct roster_facts *now)
{
    return now->login > 0;
}

/* The roster shows each session from its beginning on, since a reload can come
 * at any moment. */
Test(older, shows_each_session, .timeout = 60)
{
    struct roster_facts now;

    supervised_make_rosters();
    supervised_open(uses_own_and_waits);
    player_enter(&anna, SEVEN);
    supervised_shows(supervised_own(), SEVEN, NULL, &now);
    cr_expect_eq(now.login, 0);
    cr_expect_str_empty(now.user);
    cr_expect_neq(now.peer.family, 0);
    player_logs_in(&anna, &ours);
    supervised_shows(supervised_own(), SEVEN, has_logged_in, &now);
    cr_expect_str_eq(now.user, "anna");
    cr_expect_eq(now.version, anna.version);
    player_ends(&anna, 0x100);
    actor_finish(&ours);
    supervised_shows(supervised_own(), SEVEN, is_gone, &now);
    cr_expect_eq(now.status, 0x100);
    player_leave(&anna);
    newest_closes();
}
