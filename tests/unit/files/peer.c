/* The fake peers of the process files, and its requests as functions. */
#include "peer.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/cage/cage.h"
#include "sallyport/event/event.h"
#include "sallyport/ftp/listing.h"
#include "sallyport/ipc/outcome.h"
#include "sallyport/users/rights.h"

static void own(const char *path)
{
    if (geteuid() == 0)
        cr_assert_eq(chown(path, PEER_UID, PEER_UID), 0);
}

void peer_init(struct peer *p)
{
    alarm(60); /* not Criterion's own time-out: that one leaks memory */
    *p = (struct peer){ .base = "/tmp/sallyport-files-XXXXXX",
                        .facts = LISTING_ALL };
    cr_assert_not_null(mkdtemp(p->base));
    cr_assert_eq(chmod(p->base, 0711), 0);
    snprintf(p->homes, sizeof(p->homes), "%s/homes", p->base);
    snprintf(p->home, sizeof(p->home), "%s/anna", p->homes);
    cr_assert_eq(mkdir(p->homes, 0711), 0);
    cr_assert_eq(chmod(p->homes, 0711), 0);
    cr_assert_eq(mkdir(p->home, 0700), 0);
    own(p->home);
    p->start = (struct files_start){
        .rules = { .resume = true, .partial_days = 7 },
        .root = geteuid() == 0,
        .homes = p->homes,
        .serial = 1,
        .name = "anna",
        .home = p->home,
        .uid = PEER_UID,
        .gid = PEER_UID,
        .rights = RIGHT_ALL,
        .name_key = "0123456789abcde",
    };
}

void peer_fork(struct peer *p)
{
    int session[2], master[2], log[2];
    struct complaint c = { "" };

    /* As master does: compiled once, loaded in each fork. */
    cr_assert_eq(cage_prepare(PROCESS_FILES, &c), 0, "%s", c.text);

    cr_assert_eq(fd_pair(session), 0);
    cr_assert_eq(fd_pair(master), 0);
    cr_assert_eq(fd_pair(log), 0);
    p->start.session = session[0];
    p->start.master = master[0];
    p->start.log = log[0];
    p->pid = fork();
    cr_assert_geq(p->pid, 0);
    if (p->pid == 0)
        files_main(&p->start);
    close(session[0]);
    close(master[0]);
    close(log[0]);
    channel_init(&p->session, session[1],
                 p->start.for_ctl ? PROCESS_CTL : PROCESS_SESSION,
                 PROCESS_FILES, PHASE_ASKED);
    channel_init(&p->master, master[1], PROCESS_MASTER, PROCESS_FILES,
                 PHASE_START);
    channel_init(&p->log, log[1], PROCESS_LOG, PROCESS_FILES, PHASE_RUN);
}

void peer_run(struct peer *p)
{
    struct packet reply;

    peer_fork(p);
    cr_assert_eq(channel_wait(&p->master, &reply, PEER_MS), 1);
    cr_assert_eq(reply.message, MSG_FILES_READY, "%s %lu",
                 message_name(reply.message), reply.value[0].number);
    p->master.phase = PHASE_RUN;
}

void peer_start(struct peer *p)
{
    peer_init(p);
    peer_run(p);
}

void peer_start_for_ctl(struct peer *p)
{
    peer_init(p);
    p->start.for_ctl = true;
    peer_run(p);
}

int peer_wait(struct peer *p)
{
    int status;

    cr_assert_eq(waitpid(p->pid, &status, 0), p->pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static void expect_no_event(struct peer *p)
{
    struct packet packet;
    int r = channel_receive(&p->log, &packet);
    struct event_record event;

    if (r != 1)
        return;
    cr_assert_eq(event_decode(packet.value[0].text, &event), 0);
    cr_assert_fail("%s: system call %lu was refused", event_name(event.event),
                   event.number[FIELD_NUMBER]);
}

void peer_remove(struct peer *p)
{
    char command[256];

    snprintf(command, sizeof(command), "chmod -R u+rwX %s; rm -rf %s", p->base,
             p->base);
    cr_assert_eq(system(command), 0);
    channel_close(&p->session);
    channel_close(&p->master);
    channel_close(&p->log);
}

void peer_stop(struct peer *p)
{
    channel_close(&p->session);
    channel_close(&p->master); /* it left by itself, master says by this */
    cr_assert_eq(peer_wait(p), 0);
    expect_no_event(p);
    peer_remove(p);
}

int ask(struct peer *p, struct packet *request, struct packet *reply)
{
    request->request = channel_next(&p->session);
    cr_assert_eq(channel_send(&p->session, request), 0);
    int r = channel_wait(&p->session, reply, PEER_MS);
    cr_assert_eq(r, 1, "%s: %d %s", message_name(request->message), r,
                 p->session.wrong);
    cr_assert_eq(reply->request, request->request);
    return reply->message == MSG_REFUSED ? (int)reply->value[0].number
                                         : (int)OUTCOME_OK;
}

static struct value path_value(const char *path)
{
    return (struct value)TEXT(slice_from(path));
}

int ask_path(struct peer *p, enum message m, const char *path)
{
    struct packet reply,
        request = { .message = m, .value = { path_value(path) } };
    int r = ask(p, &request, &reply);

    cr_assert(r != OUTCOME_OK || reply.message == MSG_DONE);
    return r;
}

int ask_rename_told(struct peer *p, const char *from, const char *to,
                    struct packet *reply)
{
    struct packet request = { .message = MSG_RENAME,
                              .value = { path_value(from), path_value(to) } };

    return ask(p, &request, reply);
}

int ask_rename(struct peer *p, const char *from, const char *to)
{
    struct packet reply;

    return ask_rename_told(p, from, to, &reply);
}

int ask_facts(struct peer *p, const char *path, unsigned what_for,
              struct packet *reply)
{
    struct packet request = { .message = MSG_FACTS,
                              .value = { path_value(path), NUMBER(what_for) } };

    return ask(p, &request, reply);
}

int ask_times(struct peer *p, const char *path, time_t access, time_t modify)
{
    struct packet reply,
        request = { .message = MSG_TIMES,
                    .value = { path_value(path), NUMBER(access),
                               NUMBER(modify) } };

    return ask(p, &request, &reply);
}

int ask_mode(struct peer *p, const char *path, unsigned mode)
{
    struct packet reply,
        request = { .message = MSG_MODE,
                    .value = { path_value(path), NUMBER(mode) } };

    return ask(p, &request, &reply);
}

int ask_space_wanted(struct peer *p, const char *path, uint64_t wanted,
                     uint64_t *bytes)
{
    struct packet reply;
    struct packet request = { .message = MSG_SPACE,
                              .value = { path_value(path), NUMBER(wanted) } };
    int r = ask(p, &request, &reply);

    *bytes = reply.value[0].number;
    return r;
}

int ask_space(struct peer *p, const char *path, uint64_t *bytes)
{
    return ask_space_wanted(p, path, UINT64_MAX, bytes);
}

int ask_read(struct peer *p, const char *path, uint64_t offset, int *fd)
{
    struct packet reply;
    struct packet request = { .message = MSG_FILE_READ,
                              .value = { path_value(path), NUMBER(offset) } };
    int r = ask(p, &request, &reply);

    *fd = r == OUTCOME_OK ? fd_take(&reply.fd[0]) : -1;
    return r;
}

static int write_request(struct peer *p, struct packet *request, int *fd,
                         uint64_t *first)
{
    struct packet reply;
    int r = ask(p, request, &reply);

    *fd = r == OUTCOME_OK ? fd_take(&reply.fd[0]) : -1;
    *first = reply.value[0].number;
    uint64_t left = reply.value[3].number;
    if (r == OUTCOME_OK && reply.value[2].number)
        r = ask_begin(p);
    while (r == OUTCOME_OK && left > 0)
        r = ask_copy(p, &left);
    return r;
}

int ask_copy(struct peer *p, uint64_t *left)
{
    struct packet reply, request = { .message = MSG_FILE_COPY };
    int r = ask(p, &request, &reply);

    *left = r == OUTCOME_OK ? reply.value[0].number : 0;
    return r;
}

int ask_begin(struct peer *p)
{
    struct packet reply, request = { .message = MSG_FILE_BEGIN };

    return ask(p, &request, &reply);
}

int ask_write_waiting(struct peer *p, const char *path, enum write_mode mode,
                      uint64_t offset, uint64_t announced, int *fd, bool *waits)
{
    struct packet reply;
    struct packet request = { .message = MSG_FILE_WRITE,
                              .value = { path_value(path), NUMBER(mode),
                                         NUMBER(offset), NUMBER(announced) } };
    int r = ask(p, &request, &reply);

    *fd = r == OUTCOME_OK ? fd_take(&reply.fd[0]) : -1;
    *waits = r == OUTCOME_OK && reply.value[2].number != 0;
    return r;
}

int ask_write(struct peer *p, const char *path, enum write_mode mode,
              uint64_t offset, uint64_t announced, int *fd, uint64_t *first)
{
    struct packet request = { .message = MSG_FILE_WRITE,
                              .value = { path_value(path), NUMBER(mode),
                                         NUMBER(offset), NUMBER(announced) } };

    return write_request(p, &request, fd, first);
}

int ask_write_fleeting(struct peer *p, const char *path, enum write_mode mode,
                       int *fd, uint64_t *first)
{
    struct packet request = { .message = MSG_FILE_WRITE,
                              .value = { path_value(path), NUMBER(mode),
                                         NUMBER(0), NUMBER(0), NUMBER(1) } };

    return write_request(p, &request, fd, first);
}

int ask_sync(struct peer *p)
{
    struct packet reply;

    return ask(p, &(struct packet){ .message = MSG_FILE_SYNC }, &reply);
}

int ask_room(struct peer *p, uint64_t bytes)
{
    struct packet reply;
    struct packet request = { .message = MSG_FILE_ROOM,
                              .value = { NUMBER(bytes) } };

    return ask(p, &request, &reply);
}

int ask_commit(struct peer *p, uint64_t length)
{
    struct packet reply;
    struct packet request = { .message = MSG_FILE_COMMIT,
                              .value = { NUMBER(length) } };

    return ask(p, &request, &reply);
}

int ask_abort(struct peer *p)
{
    struct packet reply, request = { .message = MSG_FILE_ABORT };

    return ask(p, &request, &reply);
}

/* As a session would: the pipe's reader waits for it to become readable. */
static char *read_pipe(int fd)
{
    size_t len = 0, size = 1 << 16;
    char *text = malloc(size + 1);

    cr_assert_eq(fd_set_nonblock(fd, false), 0);
    for (;;) {
        ssize_t n = read(fd, text + len, size - len);
        cr_assert_geq(n, 0);
        if (n == 0)
            break;
        len += (size_t)n;
        if (len == size)
            text = realloc(text, (size *= 2) + 1);
    }
    text[len] = 0;
    close(fd);
    return text;
}

int ask_list(struct peer *p, const char *path, enum list_format format,
             const char *argument, char **text, int *outcome, uint64_t *entries)
{
    struct packet reply;
    struct packet request = { .message = MSG_FOLDER_LIST,
                              .value = { path_value(path), NUMBER(format),
                                         path_value(argument),
                                         NUMBER(p->facts) } };
    int r = ask(p, &request, &reply);

    if (r != OUTCOME_OK)
        return r;
    cr_assert_eq(reply.message, MSG_FOLDER_PIPE);
    *text = read_pipe(fd_take(&reply.fd[0]));
    cr_assert_eq(channel_wait(&p->session, &reply, PEER_MS), 1);
    cr_assert_eq(reply.message, MSG_FOLDER_LISTED);
    cr_assert_eq(reply.request, request.request);
    *outcome = (int)reply.value[0].number;
    *entries = reply.value[1].number;
    return OUTCOME_OK;
}
