/* Tests of the set-up of master's children, and of children that don't become
 * ready: they refuse the set-up, die, lie, or never answer. */
#include "master/children/children.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "stage.h"

#define END SETUP_PLACES

/* Checks that A has the descriptors of PLACES, and no others. */
static void check_given(const struct actor *a, const enum setup_place *places)
{
    bool expected[SETUP_PLACES] = { 0 };

    for (; *places != END; places++)
        expected[*places] = true;
    for (size_t i = 0; i < SETUP_PLACES; i++)
        cr_expect_eq(a->note.given[i], expected[i], "%s, place %zu",
                     a->note.binary, i);
}

static const enum setup_place for_keys[] = { SETUP_EMPTY, SETUP_LOG, SETUP_BEAT,
                                             SETUP_KEY, END };
static const enum setup_place for_gate[] = {
    SETUP_EMPTY,    SETUP_LOG,         SETUP_KEYS, SETUP_BEAT,
    SETUP_SETTINGS, SETUP_MEMORY,      SETUP_BANS, SETUP_BOARD,
    SETUP_LISTENER, SETUP_CERTIFICATE, END
};

Test(start, each_gets_its_own)
{
    static const enum setup_place for_log[] = { SETUP_EMPTY, SETUP_OUTPUT,
                                                SETUP_METRICS, END };
    static const enum setup_place for_auth[] = { SETUP_EMPTY, SETUP_LOG,
                                                 SETUP_CERTIFICATE, END };

    stage_raise(NULL);
    actors_enter();
    actor_ready(&stage.keys);
    actor_enter(&stage.gate, "gate");
    check_given(&stage.log, for_log);
    check_given(&stage.keys, for_keys);
    check_given(&stage.gate, for_gate);
    check_given(&stage.auth, for_auth);
    stage_close();
}

/* Auth gets the users in a message, together with the key of their names. */
Test(start, auth_gets_the_users_when_it_is_ready)
{
    stage_raise(NULL);
    actors_enter();
    cr_expect_eq(channel_receive(&stage.auth.channel, &heard), 0);
    actor_ready(&stage.auth);
    cr_expect_gt(stage.users.count, 0);
    stage_close();
}

/* Master starts gate only when keys is ready: gate needs the signatures of
 * keys, and couldn't say why it gets none. */
Test(start, gate_comes_after_keys)
{
    stage_raise(NULL);
    actors_enter();
    actor_ready(&stage.auth);
    SAY(&stage.keys.channel, failed, .why = SLICE("key.pem: no private key"));
    cast_skip_to_end(&stage.keys.channel);
    stage_ended(EX_CONFIG);
    cr_expect_eq(stage.gate.note.pid, 0);
}

/* Keys and gate have died: master starts the next gate when the next keys is
 * ready. */
OpenTest(start, another_gate_waits_for_another_keys, NULL)
{
    actor_die(&stage.keys);
    stage_reports(EVENT_CHILD, "ended by signal 9");
    actor_enter(&stage.keys, "keys");
    actor_die(&stage.gate);
    stage_reports(EVENT_CHILD, "ended by signal 9");
    actor_ready(&stage.keys);
    actor_enter(&stage.gate, "gate");
    actor_ready(&stage.gate);
    stage_serves();
}

static void check_only(struct master *m)
{
    m->check = true;
}

Test(start, check_needs_gate_and_keys_alone)
{
    stage_raise(check_only);
    actor_enter(&stage.keys, "keys");
    check_given(&stage.keys, for_keys);
    SAY(&stage.keys.channel, ready);
    actor_enter(&stage.gate, "gate");
    check_given(&stage.gate, for_gate);
    SAY(&stage.gate.channel, ready);
    cast_skip_to_end(&stage.gate.channel);
    stage_ended(0);
}

Test(start, check_tells_what_gate_refuses)
{
    stage_raise(check_only);
    actor_enter(&stage.keys, "keys");
    SAY(&stage.keys.channel, ready);
    actor_enter(&stage.gate, "gate");
    SAY(&stage.gate.channel, failed, .why = SLICE("key.pem: not the key"));
    cast_skip_to_end(&stage.gate.channel);
    stage_ended(EX_CONFIG);
}

static void soon(struct master *m)
{
    m->deadlines.setup = 5000;
}

static void refuse(struct actor *a)
{
    SAY(&a->channel, failed, .why = SLICE("no"));
}

static void refuse_sandbox(struct actor *a)
{
    SAY(&a->channel, failed, .why = SLICE("sandbox of gate: no"));
}

static void send_garbage(struct actor *a)
{
    cast_shout(&a->channel, "garbage", 7, NULL, 0);
}

static void send_build(struct actor *a)
{
    static const char bytes[] = "\1\0\0\0\0\0\0\0\5\0000.3.0\0\0\0\0\0\0\0";

    cast_shout(&a->channel, bytes, sizeof(bytes), NULL, 0);
}

static void say_nothing(struct actor *a)
{
    (void)a;
}

/* Gate doesn't become ready; the exit status of master shows the cause. */
static const struct {
    const char *why;
    void (*act)(struct actor *a);
    int status;
} failures[] = {
    { "it refuses", refuse, EX_CONFIG },
    { "it has no memory", actor_is_short, EX_TEMPFAIL },
    { "it is of another build", actor_is_of_another_build, EX_SOFTWARE },
    { "it is of an old build, which began with this", send_build, EX_SOFTWARE },
    { "its sandbox can't be built", refuse_sandbox, EX_OSERR },
    { "it dies", actor_die, EX_SOFTWARE },
    { "it closes its channel and stays", actor_leave, EX_SOFTWARE },
    { "it sends garbage", send_garbage, EX_SOFTWARE },
    { "it says nothing", say_nothing, EX_SOFTWARE },
};

Test(start, failures)
{
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {

        stage_raise(soon);
        actors_enter();
        actor_ready(&stage.log);
        actor_ready(&stage.keys);
        actor_ready(&stage.auth);
        actor_enter(&stage.gate, "gate");
        failures[i].act(&stage.gate);
        stage_ended(failures[i].status);
    }
}

static void no_program(struct master *m)
{
    /* Only the programs check and reader are there. */
    m->hooks.spawn = exec_child;
}

Test(start, no_program)
{
    stage_raise(no_program);
    stage_ended(EX_OSERR);
}

static pid_t (*spawn_of_stage)(const struct master *m, const char *binary,
                               int channel, const struct setup *setup);

static pid_t never_forks(const struct master *m, const char *binary,
                         int channel, const struct setup *setup)
{
    (void)m, (void)binary, (void)channel, (void)setup;
    return -EAGAIN;
}

static void no_process(struct master *m)
{
    m->hooks.spawn = never_forks;
}

Test(start, no_process)
{
    stage_raise(no_process);
    stage_ended(EX_OSERR);
}

/* Fails to fork the second keys, but forks the third one. */
static pid_t forks_keys_later(const struct master *m, const char *binary,
                              int channel, const struct setup *setup)
{
    static int keys;

    if (strcmp(binary, "keys") == 0 && ++keys == 2)
        return -EAGAIN;
    return spawn_of_stage(m, binary, channel, setup);
}

static void second_keys_fails(struct master *m)
{
    spawn_of_stage = m->hooks.spawn;
    m->hooks.spawn = forks_keys_later;
    m->deadlines.restart = 300;
}

OpenTest(start, a_fork_that_fails_is_tried_again_later, second_keys_fails)
{
    uint64_t begin;

    begin = clock_ms();
    actor_die(&stage.keys);
    stage_reports(EVENT_CHILD, "ended by signal 9");
    stage_reports(EVENT_CHILD, "keys can't be started: Resource");
    actor_again(&stage.keys);
    cr_expect_geq(clock_ms() - begin, 300);
}
