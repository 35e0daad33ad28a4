/* Tests of master's messages to a slow supervisor. */
#include <sched.h>
#include <stdnoreturn.h>

#include "master/core/core.h"
#include "sallyport/base/fd.h"
#include "support/cast.h"
#include "support/processes.h"
#include "support/test.h"

#define WAIT_MS 20000

static void fill_channel(struct channel *to)
{
    int r;

    do
        r = SEND(to, keep, 0, .name = SLICE("a file"), .file = STDIN_FILENO);
    while (r == 0);
    cr_assert_eq(r, -EAGAIN);
}

/* Returns true if the parent, which sends the messages, is asleep. */
static bool parent_sleeps(void)
{
    char state[32];

    return *process_status(getppid(), "State", state, sizeof(state)) == 'S';
}

/* Runs in a fork: waits until the parent sleeps, and reads all messages. Ends
 * with 0 if START_FAILED follows the messages KEEP. */
static noreturn void be_slow(int fd)
{
    struct channel supervisor;
    struct message m;
    int r;

    while (!parent_sleeps())
        sched_yield();
    channel_init(&supervisor, fd, PROCESS_SUPERVISOR, PROCESS_MASTER,
                 PHASE_START);
    while ((r = channel_wait(&supervisor, &m, WAIT_MS)) == 1 &&
           m.kind == MSG_keep)
        message_close(&m);
    _exit(r == 1 && m.kind == MSG_start_failed ? 0 : 1);
}

/* A start that fails can have filled the channel with its listeners: the reason
 * of the failure waits for room. */
Test(succession, the_reason_of_a_failure_waits_for_room, .timeout = 60)
{
    struct succession s;
    int far, status;
    pid_t pid;

    succession_init(&s);
    far = channel_make(&s.supervisor, PROCESS_MASTER, PROCESS_SUPERVISOR,
                       PHASE_RUN);
    fill_channel(&s.supervisor);
    pid = fork();
    if (pid == 0) {
        channel_close(&s.supervisor);
        be_slow(far);
    }
    close(far);
    SUCCESSION_SAY(&s, start_failed, 0, .why = SLICE("a mistake"));
    succession_release(&s);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect_eq(status, 0);
}
