/* The life of a child that master executes, from its title to its end. The row
 * of a process has everything in which it differs from other processes. */
#include "sallyport/process/frame.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"

static void frame_watch_log(struct frame *f)
{
    loop_change(&f->loop, &f->log_watch, f->log.full ? EPOLLOUT : 0);
}

/* Log never sends a message, so any event except "writable" means that the
 * channel has ended. */
static void frame_log_on_ready(void *owner, uint32_t events)
{
    struct frame *f = owner;

    if (events & ~(uint32_t)EPOLLOUT) {
        loop_remove(&f->loop, &f->log_watch);
        channel_close(&f->log.channel);
        return;
    }
    event_flush(&f->log);
    frame_watch_log(f);
}

static void frame_count(void *owner)
{
    struct frame *f = owner;

    board_set(&f->beat->count, f->beat->count + 1);
    loop_timer_set(&f->loop, &f->beats, BEAT_MS);
}

void frame_report(struct frame *f, const struct event_record *r)
{
    event_send(&f->log, r);
    frame_watch_log(f);
}

void frame_init(struct frame *f, const struct frame_row *row, int fd)
{
    process_ignore_signals();
    *f = (struct frame){
        .row = row,
        .loop.epoll_fd = -1,
        .plan = { .root_fd = -1, .filter = row->filter },
        .log_watch.fd = -1,
        .beats = { .on_timer = frame_count, .owner = f },
    };
    setup_init(&f->setup);
    channel_init(&f->master, fd, row->process, PROCESS_MASTER, PHASE_START);
    event_sender_init(&f->log, -1, row->process);
    if (row->init)
        row->init(f);
}

int frame_set_up(struct frame *f)
{
    const int page = f->setup.file[SETUP_BEAT].fd;
    const int log = setup_take(&f->setup, SETUP_LOG);
    int r = loop_init(&f->loop);

    if (r == 0 && log >= 0) {
        event_sender_init(&f->log, log, f->row->process);
        f->log_watch = (struct loop_watch){ .fd = log,
                                            .on_ready = frame_log_on_ready,
                                            .owner = f };
        r = loop_add(&f->loop, &f->log_watch);
    }
    if (r == 0 && page >= 0)
        r = SHARED_MAP(f->beat, page, PROT_READ | PROT_WRITE);
    if (r < 0) {
        complain(&f->why, "%s: set-up: %s", process_name(f->row->process),
                 strerrordesc_np(-r));
        return r;
    }
    f->plan.root = f->setup.root;
    f->plan.uid = f->setup.uid;
    f->plan.gid = f->setup.gid;
    f->plan.allow_weaker = f->setup.allow_weaker;
    f->plan.root_fd = setup_take(&f->setup, SETUP_EMPTY);
    r = f->row->set_up(f);
    setup_close(&f->setup);
    return r;
}

int frame_enter_sandbox(struct frame *f)
{
    unsigned weaker = 0;
    int r;

    if (!f->row->on_refused)
        event_syscalls_by(&f->log);
    sandbox_on_refused(f->row->on_refused ? f->row->on_refused
                                          : event_on_syscall);
    r = sandbox_enter(f->row->process, &f->plan, &weaker, &f->why);
    fd_close(&f->plan.root_fd);
    if (r == 0 && weaker)
        stderr_print("its sandbox is weaker, as allow_weaker permits");
    return r;
}

/* If master has ended, ends this process, too. */
static void frame_master_on_ready(void *owner, uint32_t events)
{
    struct frame *f = owner;
    int r;

    if (events & EPOLLOUT)
        f->row->on_writable(f);
    if (!(events & ~(uint32_t)EPOLLOUT))
        return;
    r = channel_dispatch(&f->master, f->row->handlers, f->row->handler_count, f,
                         DISPATCH_MAX);
    if (r == -EPROTO)
        die(EX_PROTOCOL, "master sent %s", f->master.wrong);
    if (r == -EMFILE) {
        /* A message was lost, since no descriptor was free. In gate, keys and
         * log, the loss costs one channel. If such a process ended, its
         * successor would get all channels again, and would lose one, too. */
        if (f->row->needs_each)
            die(EX_OSERR, "master sent %s", f->master.wrong);
        if (!f->was_short)
            stderr_print("master sent %s", f->master.wrong);
        f->was_short = true;
    }
    if (r == 0 || r == -EMFILE)
        return;
    if (f->row->on_orphaned)
        f->row->on_orphaned(f);
    else
        loop_stop(&f->loop);
}

int frame_work(struct frame *f)
{
    int r = loop_add_reader(&f->loop, &f->master_watch, f->master.fd,
                            frame_master_on_ready, f);

    if (r == 0)
        r = SEND(&f->master, ready, 0);
    f->master.phase = PHASE_RUN;
    if (r < 0)
        return r;
    if (f->beat)
        frame_count(f);
    if (f->row->begin)
        f->row->begin(f);
    return loop_run(&f->loop);
}

void frame_release(struct frame *f)
{
    /* release() frees the process's timers, and the loop links them with the
     * frame's timer: so unlink the frame's timer first. */
    loop_timer_clear(&f->loop, &f->beats);
    f->row->release(f);
    channel_close(&f->master);
    loop_remove(&f->loop, &f->log_watch);
    event_flush(&f->log);
    event_sender_release(&f->log);
    SHARED_UNMAP(f->beat);
    loop_release(&f->loop);
}

int frame_main(const struct frame_row *row, struct frame *f, int argc,
               char **argv)
{
    int r;

    process_title_init(argc, argv);
    process_comm(row->process);
    process_title("sallyport: %s", process_name(row->process));
    stderr_title(process_name(row->process));
    frame_init(f, row, SETUP_CHANNEL_FD);
    if (setup_read(&f->setup, row->process, SETUP_STRUCT_FD, &f->why) < 0) {
        channel_failed(&f->master, &f->why);
        return EX_SOFTWARE;
    }
    r = frame_set_up(f);
    if (r < 0 || frame_enter_sandbox(f) < 0) {
        channel_failed(&f->master, &f->why);
        /* Only -EINVAL is a mistake in the configuration. */
        return r < 0 && r != -EINVAL ? EX_TEMPFAIL : EXIT_SUCCESS;
    }
    r = frame_work(f);
    frame_release(f);
    return r == 0 ? EXIT_SUCCESS : EX_OSERR;
}
