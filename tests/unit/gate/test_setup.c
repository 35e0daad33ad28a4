/* Gate's complaints about a set-up that it can't work with. */
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "gate/gate.h"
#include "sallyport/base/fd.h"
#include "support/messages.h"
#include "support/settings.h"

struct start {
    struct gate gate;
    struct channel master;
};

static void begin(struct start *s)
{
    frame_init(
        &s->gate.frame, &gate_row,
        channel_make(&s->master, PROCESS_MASTER, PROCESS_GATE, PHASE_START));
}

#define GIVE(s, name, ...)                                                     \
    cr_assert_eq(SEND(&(s)->master, name, 0 __VA_OPT__(, ) __VA_ARGS__), 0)

static void give_conf(struct start *s, const char *text)
{
    int fd FD_CLEANUP = settings_of(text);

    GIVE(s, conf, .settings = fd, .before = 0);
}

static void give_sandbox(struct start *s)
{
    int fd FD_CLEANUP = fd_sealed("text", SLICE(""));

    GIVE(s, sandbox, .root = false, .uid = 0, .gid = 0, .allow_weaker = 0,
         .directory = fd);
}

/* Checks master's message, which must name the cause. */
static void check_failed(struct start *s, const char *cause)
{
    struct message m;

    channel_failed(&s->gate.frame.master, &s->gate.frame.why);
    message_check(&s->master, channel_receive(&s->master, &m), MSG_failed, &m);
    cr_assert(memmem(m.failed.why.ptr, m.failed.why.len, cause, strlen(cause)),
              "%.*s", (int)m.failed.why.len, m.failed.why.ptr);
    channel_close(&s->master);
    frame_release(&s->gate.frame);
}

Test(setup, bad_settings)
{
    int fd FD_CLEANUP = -1;
    struct start s;

    begin(&s);
    fd = fd_sealed("text", SLICE("max_sessions = 1\n"));
    GIVE(&s, conf, .settings = fd, .before = 0);
    GIVE(&s, go);
    cr_assert_lt(frame_set_up(&s.gate.frame), 0);
    check_failed(&s, "settings: written by another build");
}

Test(setup, go_too_early)
{
    struct start s;

    begin(&s);
    GIVE(&s, go);
    cr_assert_lt(frame_set_up(&s.gate.frame), 0);
    check_failed(&s, "no sandbox");
}

Test(setup, no_settings)
{
    struct start s;

    begin(&s);
    give_sandbox(&s);
    GIVE(&s, go);
    cr_assert_lt(frame_set_up(&s.gate.frame), 0);
    fd_close(&s.gate.frame.plan.root_fd);
    check_failed(&s, "no settings");
}

Test(setup, master_is_gone)
{
    struct start s;

    begin(&s);
    channel_close(&s.master);
    cr_assert_lt(frame_set_up(&s.gate.frame), 0);
    cr_assert_neq(s.gate.frame.why.text[0], '\0');
    frame_release(&s.gate.frame);
}

/* A message that doesn't belong to the set-up. */
Test(setup, wrong_phase)
{
    struct start s;

    begin(&s);
    GIVE(&s, stop_accepting, .serve = false);
    cr_assert_lt(frame_set_up(&s.gate.frame), 0);
    check_failed(&s, "wrong phase");
}

static void give_memory(struct start *s)
{
    int fd FD_CLEANUP = bench_memory(), bans FD_CLEANUP = -1;
    int board FD_CLEANUP = board_make();

    bench_ban_memory(&bans);
    GIVE(s, memory, .file = fd, .bans = bans, .board = board, .generation = 0);
}

Test(setup, no_memory)
{
    struct start s;

    begin(&s);
    give_conf(&s, "");
    give_sandbox(&s);
    GIVE(&s, go);
    cr_assert_lt(frame_set_up(&s.gate.frame), 0);
    fd_close(&s.gate.frame.plan.root_fd);
    check_failed(&s, "no memory");
}

Test(setup, no_keys)
{
    struct start s;

    begin(&s);
    give_conf(&s, "");
    give_sandbox(&s);
    give_memory(&s);
    GIVE(&s, go);
    cr_assert_lt(frame_set_up(&s.gate.frame), 0);
    fd_close(&s.gate.frame.plan.root_fd);
    check_failed(&s, "no certificate, or no keys");
}

static int send_certificate(struct start *s, const char *content)
{
    int fd FD_CLEANUP = fd_sealed("text", slice_from(content));

    return SEND(&s->master, certificate, 0, .number = 1,
                .path = SLICE("/x/cert.pem"), .key_path = SLICE("/x/key.pem"),
                .in_use = false, .file = fd);
}

/* The complaint has master's names. */
Test(setup, bad_certificate)
{
    struct start s;
    int keys[2];

    begin(&s);
    cr_assert_eq(fd_pair(keys), 0);
    give_conf(&s, "");
    give_sandbox(&s);
    give_memory(&s);
    GIVE(&s, keys, .keys = keys[0]);
    cr_assert_eq(send_certificate(&s, "nonsense"), 0);
    GIVE(&s, go);
    cr_assert_lt(frame_set_up(&s.gate.frame), 0);
    cr_assert_eq(s.gate.setup.pairs, 0);
    fd_close(&s.gate.frame.plan.root_fd);
    fd_close(&keys[0]);
    fd_close(&keys[1]);
    check_failed(&s, "/x/cert.pem: holds no certificate");
}

Test(setup, too_many_certificates)
{
    struct start s;

    begin(&s);
    for (int i = 0; i <= CERTIFICATES_MAX; i++)
        cr_assert_eq(send_certificate(&s, ""), 0);
    cr_assert_lt(frame_set_up(&s.gate.frame), 0);
    check_failed(&s, "too many certificates");
}
