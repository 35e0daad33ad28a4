#include "child.h"

#include "cast.h"
#include "nth.h"
#include "sallyport/base/fd.h"
#include "test.h"
#include "wait.h"

static struct nth *entered;

static _Noreturn void be_child(struct frame *f, const struct frame_row *row,
                               int fd, const struct setup *setup,
                               void (*adjust)(void))
{
    int r;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    frame_init(f, row, fd);
    f->setup = *setup;
    if (frame_set_up(f) < 0) {
        channel_failed(&f->master, &f->why);
        frame_release(f);
        _exit(EX_CONFIG);
    }
    fd_close(&f->plan.root_fd);
    if (adjust)
        adjust();
    r = frame_work(f);
    frame_release(f);
    _exit(r == 0 ? 0 : EX_OSERR);
}

pid_t child_raise(struct channel *c, struct frame *f,
                  const struct frame_row *row, struct setup *setup,
                  void (*adjust)(void))
{
    int far = channel_make(c, PROCESS_MASTER, row->process, PHASE_START);
    pid_t pid = fork();

    cr_assert_geq(pid, 0);
    if (pid == 0) {
        channel_close(c);
        if (entered)
            nth_enter(entered);
        be_child(f, row, far, setup, adjust);
    }
    close(far);
    setup_close(setup);
    alarm(120);
    return pid;
}

void child_hear_ready(struct channel *c)
{
    EXPECT(c, ready);
    c->phase = PHASE_RUN;
}

void child_enter(struct nth *nth)
{
    entered = nth;
}

bool child_starts(struct channel *c, pid_t pid)
{
    struct message m;

    cr_assert_eq(channel_wait(c, &m, WAIT_MS), 1, "neither ready nor failed");
    if (m.kind == MSG_ready) {
        c->phase = PHASE_RUN;
        return true;
    }
    cr_assert_eq(m.kind, MSG_failed);
    cr_expect_gt(m.failed.why.len, 0, "no reason");
    channel_close(c);
    child_reap(pid, EX_CONFIG);
    return false;
}

void child_give(struct setup *s, size_t place, int fd)
{
    s->file[place].fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    cr_assert_geq(s->file[place].fd, 3);
}

void child_give_log(struct setup *s, enum process self, struct channel *log)
{
    s->file[SETUP_LOG].fd = channel_make(log, PROCESS_LOG, self, PHASE_RUN);
}

void child_reap(pid_t pid, int status)
{
    int how;

    cr_assert_eq(waitpid(pid, &how, 0), pid);
    cr_assert(WIFEXITED(how), "signal %d", WTERMSIG(how));
    cr_assert_eq(WEXITSTATUS(how), status, "status %d", WEXITSTATUS(how));
}
