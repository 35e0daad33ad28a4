/* The process files serves one user's files to one session; or to one request
 * of sallyportctl, which then is the peer instead of a session. files_main() is
 * its start and its end. In between a loop reads a request, looks up its row,
 * and answers. The process never reads the network, and never opens a name
 * outside the user's home and shares. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/pages.h"
#include "sallyport/base/process.h"
#include "sallyport/base/stack.h"
#include "sallyport/files/files.h"
#include "sallyport/sandbox/sandbox.h"

/* After so many milliseconds without a request the process gives memory back,
 * since the client seems to be idle. */
#define REST_MS 3000

/* The requests. Rights are checked where a path is resolved (resolve.c); the
 * rights for an open upload were checked when it began. */
static const struct handler requests[] = {
    ON(file_read, facts_on_file_read),
    ON(file_write, upload_on_file_write),
    ON(file_copy, upload_on_file_copy),
    ON(file_sync, upload_on_file_sync),
    ON(file_rest, upload_on_file_rest),
    ON(file_go_on, upload_on_file_go_on),
    ON(file_full, upload_on_file_full),
    ON(file_prepare, commit_on_file_prepare),
    ON(file_commit, commit_on_file_commit),
    ON(file_abort, upload_on_file_abort),
    ON(file_delete, change_on_file_delete),
    ON(directory_list, list_on_directory_list),
    ON(directory_enter, facts_on_directory_enter),
    ON(directory_make, change_on_directory_make),
    ON(directory_remove, change_on_directory_remove),
    ON(rename, change_on_rename),
    ON(times, change_on_times),
    ON(mode, change_on_mode),
    ON(space, space_on_space),
    ON(facts, facts_on_facts),
    /* Only ctl can send these (list.h), and ctl can send no
     * others. */
    ON(find, search_on_find),
    ON(held_find, held_on_held_find),
};

static void files_serve_session(struct files *f, struct message *m)
{
    const bool commits = m->kind == MSG_file_commit;
    const uint32_t number = m->request;

    f->exceeded = (struct quota_amount){ 0 };
    int r = channel_handle(&f->session, requests,
                           sizeof(requests) / sizeof(requests[0]), f, m);

    if (r != 0)
        ANSWER(f, refused, number,
               .outcome = r == -EDQUOT ? OUTCOME_OVER_QUOTA : files_outcome(r),
               .limit = f->exceeded.limit, .used = f->exceeded.used);
    f->upload.unreported = f->upload.open || commits;
}

/* Serves session and master until one of them has gone. Every wait of this
 * process watches master's channel, which closes when master dies. After an
 * upload's first second its partial gets the client's name, which "sallyportctl
 * partials list" shows. */
static void files_serve(struct files *f)
{
    struct pollfd ends[] = {
        { .fd = f->session.fd, .events = POLLIN },
        { .fd = f->master.fd, .events = POLLIN },
    };
    bool rests = false; /* true: it waits without a deadline until the next
                         * message */
    struct message m;

    while (!f->over) {
        int wanted = upload_wanted_ms(&f->upload);
        int n = poll(ends, 2, wanted < 0 && !rests ? REST_MS : wanted);

        if (n < 0 && errno != EINTR)
            die(EX_OSERR, "poll: %d", errno);
        if (n == 0 && wanted >= 0)
            upload_note_wanted(f);
        rests = n == 0 && wanted < 0;
        if (rests) /* a listing leaves 40 KiB on the stack */
            stack_wipe_below();
        if (ends[1].revents)
            files_serve_master(f);
        /* POLLERR: the session has ended, and hasn't read the last answer. */
        if (ends[0].revents && !(ends[0].revents & POLLERR))
            f->upload.unreported = f->upload.open;
        if (ends[0].revents && !f->over &&
            files_receive(&f->session, &m, &f->over))
            files_serve_session(f, &m);
    }
}

/* F must be all zero: an idle process has no pages for members that it never
 * writes to, such as the name of an upload. */
static void files_init(struct files *f, const struct files_start *start)
{
    f->rules = start->rules;
    f->user = start->name;
    f->uid = start->root ? start->uid : geteuid();
    f->gid = start->root ? start->gid : getegid();
    f->uid_is_shared = start->uid_is_shared;
    f->counter = -1;
    f->counter_lock = -1;
    f->upload.directory = -1;
    f->upload.partial = (struct partial)PARTIAL_NONE;
    f->upload.copy = (struct copy)COPY_NONE;
    memcpy(f->name_key, start->name_key, sizeof(f->name_key));
    mount_init(f, start);
    /* Notes the groups of the shares, by which the kernel recognises a member.
     * Without root only the caller's groups exist; if there are too many, the
     * perm fact promises less, never more. */
    if (!start->root)
        f->group_count = getgroups(GROUPS_MAX, f->groups);
    for (size_t i = 0; start->root && i < start->mount_count; i++)
        if (f->group_count < GROUPS_MAX)
            f->groups[f->group_count++] = start->mounts[i].gid;
    channel_init(&f->session, start->session, PROCESS_FILES,
                 start->for_ctl ? PROCESS_CTL : PROCESS_SESSION, PHASE_IDLE);
    channel_init(&f->master, start->master, PROCESS_FILES, PROCESS_MASTER,
                 PHASE_START);
    event_sender_init(&f->log, start->log, PROCESS_FILES);
    event_syscalls_by(&f->log);
    sandbox_on_refused(event_on_syscall);
}

/* A walk opens one descriptor for each level of the longest path. The kernel
 * uses this limit also for descriptors that processes of this uid have sent and
 * nobody has received yet; if the server runs without root, all sessions share
 * one uid. */
#define FILES_MAX_OPEN (FTP_PATH_MAX / 2 + 256)

int files_enter(const struct files *f, const struct files_start *start,
                struct complaint *c)
{
    struct beneath beneath[1 + FILES_MOUNTS_MAX];
    struct sandbox_plan plan = {
        .root = start->root,
        .uid = start->uid,
        .gid = start->gid,
        .groups = f->groups,
        .group_count = (size_t)f->group_count,
        .root_fd = f->mount[0].fd,
        .beneath = beneath,
        .filter = &filter_files,
        .max_files = FILES_MAX_OPEN,
        .allow_weaker = start->rules.allow_weaker,
    };
    unsigned weaker = 0; /* master reports at the start what is weaker */

    for (const struct mount *m = f->mount; m < f->mount + f->mounts; m++)
        if (m->fd >= 0)
            beneath[plan.beneath_count++] =
                (struct beneath){ m->fd, mount_may(m) };
    return sandbox_enter(PROCESS_FILES, &plan, &weaker, c) == 0 ? 0 : -EPERM;
}

void files_main(const struct files_start *start)
{
    static struct files files AT_PAGE;
    struct files *f = &files;
    const int keep[] = { start->session, start->master, start->log };
    struct complaint c = { "" };
    int r;

    stderr_title("sallyport: files");
    process_title("sallyport: files (%s%s)", start->name,
                  start->for_ctl ? ", for sallyportctl" : "");
    fd_close_others(STDERR_FILENO + 1, keep, sizeof(keep) / sizeof(keep[0]));
    /* Ignores the ^C of a terminal, which goes to all processes: master decides
     * when this process ends. */
    sigset_t none;

    process_ignore_signals();
    /* The kernel sends SIGIO when somebody opens a file with a lease
     * (commit.c). */
    signal(SIGIO, SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    umask(0); /* each mode is exact; a default ACL replaces the umask anyway */
    files_init(f, start);
    r = mount_open_home(f, start);
    if (r == 0)
        r = count_open(f, f->mount[0].fd);
    if (r == 0) {
        mount_open_others(f, start);
        r = files_enter(f, start, &c);
    }
    if (r < 0) {
        /* There is no standard error in the sandbox. Master decides what a
         * failure means. */
        SEND(&f->master, failed, 0, .error = -r, .why = slice_from(c.text));
        _exit(0);
    }
    f->over |= SEND(&f->master, ready, 0) < 0;
    f->master.phase = PHASE_RUN;
    files_serve(f);
    /* The last word of a session that left, and didn't wait for an answer, can
     * be that its upload is worthless. */
    struct message m;
    bool over = false;
    while (files_receive(&f->session, &m, &over))
        if (m.kind == MSG_file_abort && m.file_abort.worthless)
            f->upload.partial.kind = PARTIAL_LOST;
    upload_end_as_cut(f); /* as if the client had been cut off */
    if (f->upload.unreported) {
        /* Waits until master has told us how the session ended. Master learns
         * it from gate, tells us, and closes the channel within seconds. */
        struct pollfd end = { .fd = f->master.fd, .events = POLLIN };

        while (f->died == 0 && !f->orphan) {
            if (poll(&end, 1, -1) < 0 && errno != EINTR)
                die(EX_OSERR, "poll: %d", errno);
            if (end.revents)
                files_serve_master(f);
        }
        if (f->died != 0)
            upload_report_death(f);
    }
    event_flush(&f->log);
    _exit(0);
}
