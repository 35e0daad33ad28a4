/* Tests of the heartbeat: master counts on the board, and checks that gate and
 * keys count. The test plays the supervisor, gate and keys. */
#include <sys/prctl.h>

#include "sallyport/base/fd.h"
#include "sallyport/ipc/board.h"
#include "supervised.h"
#include "support/wait.h"

#define LOOK_MS 20
#define HANG_MS 2000

static struct board *board;

static void make_board(void)
{
    board = stage_board();
}

TestSuite(heartbeat, .init = make_board, .timeout = 60);

static void looks_often(struct master *m)
{
    m->deadlines.beat = LOOK_MS;
}

static void is_impatient(struct master *m)
{
    looks_often(m);
    m->deadlines.hang = HANG_MS;
}

/* Forks a process that counts A's heartbeats for it. Returns its pid. */
static pid_t counts(const struct actor *a)
{
    struct beat *page = NULL;
    pid_t pid = fork();

    cr_assert_geq(pid, 0);
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (SHARED_MAP(page, a->beat, PROT_READ | PROT_WRITE) < 0)
        _exit(1);
    for (;;) {
        board_set(&page->count, page->count + 1);
        poll(NULL, 0, 5);
    }
}

static void hangs(pid_t pid)
{
    cr_assert_eq(kill(pid, SIGKILL), 0);
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

struct growth {
    const uint64_t *number;
    uint64_t before;
};

static bool has_grown(void *argument)
{
    const struct growth *g = argument;

    return board_get(g->number) != g->before;
}

static void expect_growth(const uint64_t *number)
{
    struct growth g = { number, board_get(number) };

    cr_expect(wait_until(has_grown, &g, STAGE_WAIT_MS));
}

/* In a unit test this generation has the number 0, and the first row. */
Test(heartbeat, master_counts_and_passes_on_what_gate_counts)
{
    struct board_row *row = &board->row[0];

    supervised_open(looks_often);
    expect_growth(&row->master);
    cr_expect_eq(board_get(&row->gate), 0);
    const pid_t gate = counts(&stage.gate);
    expect_growth(&row->gate);
    expect_growth(&row->master);
    cr_expect_eq(board_get(&row->sessions), 0);
    hangs(gate);
    stage_close();
}

/* Gate stops counting: master replaces only gate. The next gate counts, and
 * stays. */
Test(heartbeat, gate_that_does_not_count)
{
    supervised_open(is_impatient);
    const pid_t keys = counts(&stage.keys);
    hangs(counts(&stage.gate));
    cast_skip_to_end(&stage.gate.channel);
    actor_again(&stage.gate);
    const pid_t gate = counts(&stage.gate);
    stage_serves();
    for (int i = 0; i < 3 * HANG_MS / LOOK_MS; i++)
        expect_growth(&board->row[0].gate);
    stage_close();
    hangs(gate);
    hangs(keys);
}

/* Keys doesn't count: master replaces only keys. The next keys counts, and
 * stays. */
Test(heartbeat, keys_that_does_not_count)
{
    supervised_open(is_impatient);
    const pid_t gate = counts(&stage.gate);
    cast_skip_to_end(&stage.keys.channel);
    channel_close(&stage.keys.channel);
    actor_enter(&stage.keys, "keys");
    actor_ready(&stage.keys);
    const pid_t keys = counts(&stage.keys);
    for (int i = 0; i < 3 * HANG_MS / LOOK_MS; i++)
        expect_growth(&board->row[0].master);
    stage_close();
    hangs(gate);
    hangs(keys);
}

/* A pause of the whole machine counts as one look, however long it is, so gate
 * and keys stay. */
Test(heartbeat, a_pause_of_the_machine)
{
    supervised_open(is_impatient);
    const pid_t gate = counts(&stage.gate), keys = counts(&stage.keys);
    kill(stage.master, SIGSTOP);
    kill(gate, SIGSTOP);
    kill(keys, SIGSTOP);
    poll(NULL, 0, 2 * HANG_MS);
    kill(stage.master, SIGCONT);
    expect_growth(&board->row[0].master);
    kill(gate, SIGCONT);
    kill(keys, SIGCONT);
    expect_growth(&board->row[0].gate);
    stage_close();
    hangs(gate);
    hangs(keys);
}

/* A master that retires continues to count, and to check its gate, until its
 * last session has ended. */
Test(heartbeat, a_master_that_retires)
{
    supervised_open(is_impatient);
    const pid_t keys = counts(&stage.keys), first = counts(&stage.gate);
    player_enter(&anna, 1);
    player_asks(&anna); /* so master has seen the session */
    supervised_replaces();
    SAY(&stage.gate.channel, shut);
    expect_growth(&board->row[0].master);
    expect_growth(&board->row[0].gate);
    hangs(first);
    cast_skip_to_end(&stage.gate.channel);
    actor_again(&stage.gate);
    const pid_t gate = counts(&stage.gate);
    expect_growth(&board->row[0].gate);
    /* The processes that count have copies of the rope. */
    player_ends(&anna, 0);
    player_leave(&anna);
    stage_ends();
    hangs(gate);
    hangs(keys);
}
