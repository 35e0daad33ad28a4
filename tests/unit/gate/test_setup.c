/* Tests gate's complaints about a set-up with which it can't work. */
#include "bench.h"
#include "sallyport/base/fd.h"
#include "support/cast.h"
#include "support/settings.h"

static struct gate gate;
static struct channel master;
static struct setup_file *const file = gate.frame.setup.file;

static void begin(void)
{
    memset(&gate, 0, sizeof(gate));
    frame_init(
        &gate.frame, &gate_row,
        channel_make(&master, PROCESS_MASTER, PROCESS_GATE, PHASE_START));
}

static void give_settings(void)
{
    file[SETUP_SETTINGS].fd = settings_of("");
}

static void give_memory(void)
{
    file[SETUP_MEMORY].fd = bench_memory();
    file[SETUP_BOARD].fd = board_make();
    bench_ban_memory(&file[SETUP_BANS].fd);
}

/* Gate's message must name the cause. */
static void fails_with(const char *cause)
{
    struct slice why;

    cr_assert_lt(frame_set_up(&gate.frame), 0);
    channel_failed(&gate.frame.master, &gate.frame.why);
    why = EXPECT(&master, failed)->why;
    cr_assert(memmem(why.ptr, why.len, cause, strlen(cause)), "%.*s",
              (int)why.len, why.ptr);
    channel_close(&master);
    frame_release(&gate.frame);
}

static void of_another_build(void)
{
    file[SETUP_SETTINGS].fd = fd_sealed("text", SLICE("max_sessions = 1\n"));
}

static void without_a_board(void)
{
    fd_close(&file[SETUP_BOARD].fd);
}

static void without_a_row(void)
{
    gate.frame.setup.generation = 7;
}

static void with_nonsense(void)
{
    file[SETUP_CERTIFICATE] = (struct setup_file){
        .fd = fd_sealed("certificate", SLICE("nonsense")),
        .name = "/x/cert.pem", /* the name that master has given */
    };
}

/* settings, memory: parts that are there; act: spoils a part; cause: a part of
 * the complaint. */
static const struct {
    bool settings, memory;
    void (*act)(void);
    const char *cause;
} lacks[] = {
    { false, false, of_another_build, "settings: written by another build" },
    { false, false, NULL, "settings: " },
    { true, false, NULL, "memory: " },
    { true, true, without_a_board, "memory: it isn't there" },
    { true, true, without_a_row, "memory: No such file" },
    { true, true, NULL, "certificate" },
    { true, true, with_nonsense, "/x/cert.pem: holds no certificate" },
};

Test(setup, complaints)
{
    for (size_t i = 0; i < sizeof(lacks) / sizeof(lacks[0]); i++) {
        begin();
        if (lacks[i].settings)
            give_settings();
        if (lacks[i].memory)
            give_memory();
        if (lacks[i].act)
            lacks[i].act();
        fails_with(lacks[i].cause);
    }
}

/* The set-up has the listener of the third `listen`, and none of the first
 * two. */
Test(setup, a_listener_has_the_number_of_its_line)
{
    begin();
    give_settings();
    give_memory();
    file[SETUP_LISTENER + 2].fd = dup(0);
    fails_with("certificate");
    cr_expect_eq(gate.listeners, 1);
    cr_expect_eq(gate.listener[0].index, 2);
}
