/* The set-up of master's children, and how master treats those that don't
 * become ready: they refuse the set-up, die, lie, or never answer. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "master/children/children.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/generation.h"
#include "stage.h"

static void expect_setup(struct actor *a, const enum message_kind *messages)
{
    struct message p;

    for (; *messages != MSG_NONE; messages++) {
        actor_hear(a, *messages, &p);
        message_close(&p);
    }
}

static const enum message_kind keys_setup[] = { MSG_sandbox, MSG_log,  MSG_key,
                                                MSG_peers,   MSG_beat, MSG_go,
                                                MSG_NONE };
static const enum message_kind gate_setup[] = {
    MSG_conf,     MSG_sandbox, MSG_log,  MSG_keys, MSG_certificate,
    MSG_listener, MSG_memory,  MSG_beat, MSG_go,   MSG_NONE
};

Test(start, each_gets_its_own)
{
    static const enum message_kind log[] = { MSG_conf, MSG_sandbox,
                                             MSG_log_output, MSG_go, MSG_NONE };
    static const enum message_kind auth[] = { MSG_sandbox,     MSG_log,
                                              MSG_certificate, MSG_users,
                                              MSG_go,          MSG_NONE };
    struct stage s;

    stage_raise(&s, NULL);
    actors_enter(&s);
    actor_enter(&s, &s.gate, "gate");
    actor_enter(&s, &s.auth, "auth");
    expect_setup(&s.log, log);
    expect_setup(&s.keys, keys_setup);
    TELL(&s.keys.channel, ready);
    expect_setup(&s.gate, gate_setup);
    expect_setup(&s.auth, auth);
    stage_close(&s);
}

/* Gate asks for a proof of each key after "go": if keys refuses a key, gate
 * isn't started. */
Test(start, gate_goes_after_keys)
{
    static const enum message_kind before[] = {
        MSG_conf,     MSG_sandbox, MSG_log,  MSG_keys, MSG_certificate,
        MSG_listener, MSG_memory,  MSG_beat, MSG_NONE
    };
    struct message p;
    struct stage s;

    stage_raise(&s, NULL);
    actors_enter(&s);
    actor_enter(&s, &s.gate, "gate");
    expect_setup(&s.gate, before);
    cr_expect_eq(channel_receive(&s.gate.channel, &p), 0, "go before keys");
    actor_ready(&s, &s.keys);
    actor_hear(&s.gate, MSG_go, &p);
    stage_close(&s);
}

static void check_only(struct master *m)
{
    m->check = true;
}

Test(start, check_needs_gate_and_keys_alone)
{
    struct stage s;

    stage_raise(&s, check_only);
    actor_enter(&s, &s.keys, "keys");
    actor_enter(&s, &s.gate, "gate");
    expect_setup(&s.keys, keys_setup);
    TELL(&s.keys.channel, ready);
    expect_setup(&s.gate, gate_setup);
    TELL(&s.gate.channel, ready);
    channel_hear_end(&s.gate.channel);
    stage_ended(&s, 0);
}

Test(start, check_tells_what_gate_refuses)
{
    struct stage s;

    stage_raise(&s, check_only);
    actor_enter(&s, &s.keys, "keys");
    actor_enter(&s, &s.gate, "gate");
    TELL(&s.gate.channel, failed, .why = SLICE("key.pem: not the key"));
    channel_hear_end(&s.gate.channel);
    stage_ended(&s, EX_CONFIG);
}

static void soon(struct master *m)
{
    m->deadlines.setup = 1000;
}

static void refuse(struct actor *a)
{
    TELL(&a->channel, failed, .why = SLICE("no"));
}

static void refuse_sandbox(struct actor *a)
{
    TELL(&a->channel, failed, .why = SLICE("sandbox of gate: no"));
}

static void send_garbage(struct actor *a)
{
    channel_shout(&a->channel, "garbage", 7, NULL, 0);
}

static void send_too_early(struct actor *a)
{
    TELL(&a->channel, session_gone);
}

static void say_nothing(struct actor *a)
{
    (void)a;
}

/* One child that doesn't become ready; the status shows the cause. */
static const struct {
    const char *why;
    void (*act)(struct actor *a);
    int status;
} failures[] = {
    { "it refuses", refuse, EX_CONFIG },
    { "its sandbox can't be built", refuse_sandbox, EX_OSERR },
    { "it dies", actor_die, EX_SOFTWARE },
    { "it closes its channel and stays", actor_leave, EX_SOFTWARE },
    { "it sends garbage", send_garbage, EX_SOFTWARE },
    { "it works before it is ready", send_too_early, EX_SOFTWARE },
    { "it says nothing", say_nothing, EX_SOFTWARE },
};

Test(start, failures)
{
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        struct stage s;

        stage_raise(&s, soon);
        actors_enter(&s);
        actor_enter(&s, &s.gate, "gate");
        actor_enter(&s, &s.auth, "auth");
        actor_ready(&s, &s.log);
        actor_ready(&s, &s.keys);
        actor_ready(&s, &s.auth);
        failures[i].act(&s.gate);
        stage_ended(&s, failures[i].status);
    }
}

static const struct {
    const char *what, *name;
    uint64_t unlike; /* added to the hash of the messages */
} builds[] = {
    { "another version", "0.1.0-0123456789abcdef", 0 },
    { "other messages", NULL, 1 },
};

Test(start, another_build)
{
    for (size_t i = 0; i < sizeof(builds) / sizeof(builds[0]); i++) {
        const char *name = builds[i].name ? builds[i].name : build_name();
        struct stage s;

        cr_log_info("%s", builds[i].what);
        stage_raise(&s, NULL);
        actor_appear(&s, &s.log, "log");
        cr_assert_eq(SEND(&s.log.channel, build, 0, .name = slice_from(name),
                          .messages = build_messages() ^ builds[i].unlike),
                     0);
        stage_ended(&s, EX_SOFTWARE);
    }
}

/* An older child whose first message isn't its build, whatever it sends. */
Test(start, an_unknown_build)
{
    static const enum message_kind first[] = { MSG_ready, MSG_hello };

    for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
        const unsigned char bytes[8] = { (unsigned char)first[i] };
        struct stage s;

        stage_raise(&s, NULL);
        actor_appear(&s, &s.log, "log");
        channel_shout(&s.log.channel, bytes, sizeof(bytes), NULL, 0);
        stage_ended(&s, EX_SOFTWARE);
    }
}

static void no_program(struct master *m)
{
    m->hooks.spawn = exec_child; /* of all programs there is only reader */
}

Test(start, no_program)
{
    struct stage s;

    stage_raise(&s, no_program);
    stage_ended(&s, EX_OSERR);
}

static pid_t (*spawn_of_stage)(const struct master *m, const char *binary,
                               int fd);

static pid_t never_forks(const struct master *m, const char *binary, int fd)
{
    (void)m, (void)binary, (void)fd;
    return -EAGAIN;
}

static void no_process(struct master *m)
{
    m->hooks.spawn = never_forks;
}

Test(start, no_process)
{
    struct stage s;

    stage_raise(&s, no_process);
    stage_ended(&s, EX_OSERR);
}

/* The second keys can't be forked, the third one can. */
static pid_t forks_keys_later(const struct master *m, const char *binary,
                              int fd)
{
    static int keys;

    if (strcmp(binary, "keys") == 0 && ++keys == 2)
        return -EAGAIN;
    return spawn_of_stage(m, binary, fd);
}

static void second_keys_fails(struct master *m)
{
    spawn_of_stage = m->hooks.spawn;
    m->hooks.spawn = forks_keys_later;
    m->deadlines.restart = 300;
}

Test(start, a_fork_that_fails_is_tried_again_later)
{
    struct stage s;
    uint64_t begin;

    stage_open(&s, second_keys_fails);
    begin = clock_ms();
    actor_die(&s.keys);
    stage_reports(&s, EVENT_CHILD, "ended by signal 9");
    stage_reports(&s, EVENT_CHILD, "keys can't be started: Resource");
    actor_again(&s, &s.keys);
    cr_expect_geq(clock_ms() - begin, 300);
    stage_close(&s);
}
