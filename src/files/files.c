/* The process files: one user's files, for one session (or one request of
 * sallyportctl, which then is `session` here). files_main() is the
 * list of what it does; then it is a loop that reads one request, looks up its
 * row, checks the right, and answers. It never reads the network, and never
 * opens a name outside the user's home. */
#include "sallyport/files/files.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "errors.h"
#include "request.h"
#include "root.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/process.h"
#include "sallyport/cage/cage.h"
#include "sallyport/users/rights.h"

#define ANSWER_MS      2000
#define ANSWER_STEP_MS 10

/* CWD needs no right: who may write but not list must get to where. What an
 * open upload needs was checked when it began. */
static const struct request {
    enum message message;
    unsigned right;
    int (*serve)(struct files *f, const struct packet *p);
} requests[] = {
    { MSG_FILE_READ, RIGHT_READ, serve_read },
    { MSG_FILE_WRITE, RIGHT_WRITE, serve_write },
    { MSG_FILE_BEGIN, 0, serve_begin },
    { MSG_FILE_COPY, 0, serve_copy },
    { MSG_FILE_SYNC, 0, serve_sync },
    { MSG_FILE_ROOM, 0, serve_room },
    { MSG_FILE_COMMIT, 0, serve_commit },
    { MSG_FILE_ABORT, 0, serve_abort },
    { MSG_FILE_DELETE, RIGHT_DELETE, serve_delete },
    { MSG_FOLDER_LIST, RIGHT_LIST, serve_list },
    { MSG_FOLDER_ENTER, 0, serve_enter },
    { MSG_FOLDER_MAKE, RIGHT_FOLDER, serve_make },
    { MSG_FOLDER_REMOVE, RIGHT_FOLDER, serve_remove },
    { MSG_RENAME, RIGHT_RENAME, serve_rename },
    { MSG_TIMES, RIGHT_WRITE, serve_times },
    { MSG_MODE, RIGHT_WRITE | RIGHT_REPLACE, serve_mode },
    { MSG_SPACE, RIGHT_WRITE, serve_space },
    { MSG_FACTS, 0, serve_facts }, /* by what they are for */
    /* Only ctl can ask it, and ctl nothing else: by the message list. */
    { MSG_PARTIALS_FIND, 0, serve_partials },
};

static const struct request *find_request(enum message m)
{
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
        if (requests[i].message == m)
            return &requests[i];
    die(EX_PROTOCOL, "%s is no request", message_name(m));
}

/* EAGAIN has two causes: the session reads nothing, or too many descriptors of
 * this uid are on their way, in all its processes together (ETOOMANYREFS). The
 * second passes; so a moment's patience, and never longer than master lives. */
static int send_patiently(struct files *f, const struct packet *reply,
                          uint64_t ms)
{
    struct pollfd ends[] = { { .fd = f->session.fd }, { .fd = f->master.fd } };
    uint64_t end = clock_ms() + ms;

    for (;;) {
        int r = channel_send(&f->session, reply);
        if (r != -EAGAIN || clock_ms() >= end)
            return r;
        if (poll(ends, 2, ANSWER_STEP_MS) > 0)
            return -EPIPE; /* nothing but an end is asked for */
    }
}

void answer_within(struct files *f, const struct packet *request,
                   struct packet *reply, uint64_t ms)
{
    reply->request = request->request;
    int r = send_patiently(f, reply, ms);
    if (r == 0)
        f->upload.untold = f->upload.open;
    if (r == -EPIPE)
        f->over = true;
    else if (r < 0)
        die(EX_PROTOCOL, "%s: does not take %s: %d",
            process_name(f->session.peer), message_name(reply->message), -r);
}

void answer(struct files *f, const struct packet *request, struct packet *reply)
{
    answer_within(f, request, reply, ANSWER_MS);
}

int answer_done(struct files *f, const struct packet *request)
{
    answer(f, request, &(struct packet){ .message = MSG_DONE });
    return 0;
}

static void serve_request(struct files *f, const struct packet *p)
{
    const struct request *row = find_request(p->message);
    int r = (row->right & ~f->rights) != 0 ? (int)OUTCOME_NO_RIGHT
                                           : row->serve(f, p);

    if (r != 0)
        answer(f, p,
               &(struct packet){
                   .message = MSG_REFUSED,
                   .value = { NUMBER(errors_outcome(r)),
                              NUMBER(errors_number(r)) },
               });
}

/* True for a message; *over when this was the end. */
static bool receive(struct channel *c, struct packet *p, bool *over)
{
    int r = channel_receive(c, p);

    if (r == -EPROTO)
        die(EX_PROTOCOL, "%s: %s", process_name(c->peer), c->wrong);
    if (r < 0)
        *over = true;
    return r == 1;
}

static void serve_session(struct files *f)
{
    struct packet p;

    if (!receive(&f->session, &p, &f->over))
        return;
    serve_request(f, &p);
    packet_close(&p);
}

/* Log was started anew, or the session died. */
static void serve_master(struct files *f)
{
    struct packet p;

    if (receive(&f->master, &p, &f->orphan)) {
        if (p.message == MSG_LOG) {
            event_sender_release(&f->log);
            event_sender_init(&f->log, fd_take(&p.fd[0]), PROCESS_FILES);
        } else {
            f->died = (int)p.value[0].number;
        }
        packet_close(&p);
    }
    f->over |= f->orphan;
}

/* Master's end of its channel closes when it dies, and every wait of this
 * process watches it. */
static void serve(struct files *f)
{
    struct pollfd ends[] = {
        { .fd = f->session.fd, .events = POLLIN },
        { .fd = f->master.fd, .events = POLLIN },
    };

    while (!f->over) {
        if (poll(ends, 2, -1) < 0 && errno != EINTR)
            die(EX_OSERR, "poll: %d", errno);
        if (ends[1].revents)
            serve_master(f);
        if (ends[0].revents && !f->over)
            serve_session(f);
    }
}

/* Did the session die, or leave? Only its parent knows; master has it from
 * there, says so, and closes. It never waits long for gate. */
static void wait_for_master(struct files *f)
{
    struct pollfd end = { .fd = f->master.fd, .events = POLLIN };

    while (f->died == 0 && !f->orphan) {
        if (poll(&end, 1, -1) < 0 && errno != EINTR)
            die(EX_OSERR, "poll: %d", errno);
        if (end.revents)
            serve_master(f);
    }
}

/* Master decides when this process ends; a terminal's ^C goes to all. */
static void set_signals(void)
{
    sigset_t none;

    process_ignore_signals();
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void init(struct files *f, const struct files_start *start)
{
    *f = (struct files){
        .rules = start->rules,
        .rights = start->rights,
        .user = start->name,
        .uid = start->root ? start->uid : geteuid(),
        .gid = start->root ? start->gid : getegid(),
        .root = -1,
        .upload = { .folder = -1, .partial = PARTIAL_NONE, .copy = COPY_NONE },
    };
    for (size_t i = 0; i < sizeof(f->name_key); i++)
        f->name_key[i] = start->name_key[i];
    if (!start->root) /* too many of them: perm then says less, never more */
        f->group_count = getgroups(GROUPS_MAX, f->groups);
    channel_init(&f->session, start->session, PROCESS_FILES,
                 start->for_ctl ? PROCESS_CTL : PROCESS_SESSION, PHASE_IDLE);
    channel_init(&f->master, start->master, PROCESS_FILES, PROCESS_MASTER,
                 PHASE_START);
    event_sender_init(&f->log, start->log, PROCESS_FILES);
    event_syscalls_by(&f->log);
    cage_on_refused(event_on_syscall);
}

/* The words go to the log; there is no standard error in the cage. */
static noreturn void fail(struct files *f, int error, const struct complaint *c)
{
    struct event_record r;

    if (c->text[0]) {
        event_begin(&r, EVENT_CHILD);
        event_text(&r, FIELD_REASON, slice_from(c->text));
        event_send(&f->log, &r);
    }
    channel_send(&f->master, &(struct packet){
                                 .message = MSG_FILES_FAILED,
                                 .value = { NUMBER(-error) },
                             });
    _exit(0); /* master decides what it means */
}

static void say_ready(struct files *f)
{
    struct packet ready = { .message = MSG_FILES_READY };

    if (channel_send(&f->master, &ready) < 0)
        f->over = true;
    f->master.phase = PHASE_RUN;
}

void files_main(const struct files_start *start)
{
    const int keep[] = { start->session, start->master, start->log };
    struct complaint c = { "" };
    struct files f;
    int r;

    die_title("sallyport: files");
    process_title("sallyport: files (%s%s)", start->name,
                  start->for_ctl ? ", for sallyportctl" : "");
    fd_close_others(STDERR_FILENO + 1, keep, sizeof(keep) / sizeof(keep[0]));
    set_signals();
    umask(077);
    init(&f, start);
    f.root = root_open(start);
    if (f.root < 0)
        fail(&f, f.root, &c);
    r = root_enter_cage(start, f.root, &c);
    if (r < 0)
        fail(&f, r, &c);
    say_ready(&f);
    serve(&f);
    upload_cut(&f); /* as if the client had been cut off */
    if (f.upload.untold)
        wait_for_master(&f);
    if (f.upload.untold && f.died != 0)
        death_report(&f);
    _exit(0);
}
