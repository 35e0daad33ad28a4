/* Gate's complaints about a set-up that it can't work with. */
#include "bench.h"
#include "sallyport/base/fd.h"
#include "support/messages.h"
#include "support/settings.h"

static struct gate gate;
static struct channel master;
static struct setup_file *const file = gate.frame.setup.file;

static void begin(void)
{
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

static void give_certificate(const char *content)
{
    file[SETUP_CERTIFICATE] = (struct setup_file){
        .fd = fd_sealed("certificate", slice_from(content)),
        .name = "/x/cert.pem",
    };
}

/* Gate's message must name the cause. */
static void fails_with(const char *cause)
{
    struct message m;

    cr_assert_lt(frame_set_up(&gate.frame), 0);
    channel_failed(&gate.frame.master, &gate.frame.why);
    message_check(&master, channel_receive(&master, &m), MSG_failed, &m);
    cr_assert(memmem(m.failed.why.ptr, m.failed.why.len, cause, strlen(cause)),
              "%.*s", (int)m.failed.why.len, m.failed.why.ptr);
    channel_close(&master);
    frame_release(&gate.frame);
}

Test(setup, bad_settings)
{
    begin();
    file[SETUP_SETTINGS].fd = fd_sealed("text", SLICE("max_sessions = 1\n"));
    fails_with("settings: written by another build");
}

Test(setup, no_settings)
{
    begin();
    fails_with("settings: ");
}

Test(setup, no_memory)
{
    begin();
    give_settings();
    fails_with("memory: ");
}

Test(setup, no_board)
{
    begin();
    give_settings();
    give_memory();
    fd_close(&file[SETUP_BOARD].fd);
    fails_with("memory: it isn't there");
}

Test(setup, no_row_on_the_board)
{
    begin();
    give_settings();
    give_memory();
    gate.frame.setup.generation = 7;
    fails_with("memory: No such file");
}

Test(setup, no_certificate)
{
    begin();
    give_settings();
    give_memory();
    fails_with("certificate");
}

/* The complaint has master's names. */
Test(setup, bad_certificate)
{
    begin();
    give_settings();
    give_memory();
    give_certificate("nonsense");
    fails_with("/x/cert.pem: holds no certificate");
}

/* The listener of the third `listen`; the two before it aren't there. */
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
