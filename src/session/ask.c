/* Asking files, and what its refusals are called on the wire. */
#include "ask.h"

#include <errno.h>
#include <sys/stat.h>

#include "control.h"
#include "leave.h"
#include "sallyport/base/fd.h"
#include "sallyport/users/rights.h"

/* A commit and a cut may wait for a slow disk, an APPE for the copy of a big
 * file. */
#define ASK_MS      30000
#define ASK_LONG_MS 600000

static bool takes_long(enum message m)
{
    return m == MSG_FILE_WRITE || m == MSG_FILE_COMMIT || m == MSG_FILE_SYNC ||
           m == MSG_FILE_BEGIN || m == MSG_FILE_COPY || m == MSG_FILE_ROOM ||
           m == MSG_FILE_ABORT || m == MSG_FOLDER_LIST;
}

static void on_late(void *owner)
{
    struct session *s = owner;

    s->files.wrong = "no answer in time";
    leave_peer(s, PROCESS_FILES, -EPROTO, &s->files);
}

void ask_files(struct session *s, struct packet *p, answer_fn *then)
{
    struct ask *a = &s->ask;
    int r;

    p->request = channel_next(&s->files);
    r = channel_send(&s->files, p);
    if (r < 0)
        leave_peer(s, PROCESS_FILES, r, &s->files);
    a->message = a->asked = p->message;
    a->what_for = p->message == MSG_FACTS ? p->value[1].number : 0;
    a->request = p->request;
    a->then = then;
    a->timer.on_time = on_late;
    a->timer.owner = s;
    s->files.phase = PHASE_ASKED;
    loop_timer_set(&s->loop, &a->timer,
                   takes_long(p->message) ? ASK_LONG_MS : ASK_MS);
}

bool ask_is_change(const struct session *s)
{
    static const enum message changes[] = {
        MSG_FOLDER_MAKE, MSG_FOLDER_REMOVE, MSG_FILE_DELETE,
        MSG_RENAME,      MSG_TIMES,         MSG_MODE,
    };

    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
        if (s->ask.message == changes[i])
            return true;
    return false;
}

void ask_unanswered(struct session *s)
{
    struct packet none = { .message = MSG_REFUSED,
                           .value = { NUMBER(OUTCOME_UNANSWERED) } };

    if (!ask_is_change(s))
        return;
    s->ask.message = MSG_NONE;
    loop_timer_clear(&s->loop, &s->ask.timer);
    s->ask.then(s, &none);
}

void ask_path(struct session *s, enum message m, const struct path *path,
              uint64_t number, answer_fn *then)
{
    struct packet p = { .message = m,
                        .value = { TEXT(path_slice(path)), NUMBER(number) } };

    s->subject = *path;
    ask_files(s, &p, then);
}

void ask_again(struct session *s, answer_fn *then)
{
    s->ask.then = then;
}

void ask_hurry(struct session *s)
{
    loop_timer_set(&s->loop, &s->ask.timer, ASK_MS);
}

/* A listing is answered twice: by its pipe, then by its end. */
static bool is_first_of_two(const struct packet *p)
{
    return p->message == MSG_FOLDER_PIPE;
}

static bool answers(const struct ask *a, const struct packet *p)
{
    enum message to = message_row(p->message)->answers;

    return a->message != MSG_NONE && p->request == a->request &&
           (to == MSG_NONE || to == a->message);
}

static int on_answer(void *owner, struct packet *p)
{
    struct session *s = owner;
    answer_fn *then = s->ask.then;

    if (!answers(&s->ask, p)) {
        s->files.wrong = "an answer to nothing that was asked";
        return -EPROTO;
    }
    /* While a listing flows, the transfer's own deadlines hold. */
    loop_timer_clear(&s->loop, &s->ask.timer);
    if (!is_first_of_two(p)) {
        s->ask.message = MSG_NONE;
        s->files.phase = PHASE_IDLE;
    }
    then(s, p);
    return 0;
}

static const struct handler from_files[] = {
    { MSG_FILE_READABLE, on_answer }, { MSG_FILE_WRITABLE, on_answer },
    { MSG_FILE_COPIED, on_answer },   { MSG_FILE_STORED, on_answer },
    { MSG_FOLDER_PIPE, on_answer },   { MSG_FOLDER_LISTED, on_answer },
    { MSG_FACTS_ARE, on_answer },     { MSG_SPACE_IS, on_answer },
    { MSG_RENAMED, on_answer },       { MSG_DONE, on_answer },
    { MSG_REFUSED, on_answer },
};

static void on_files(void *owner, uint32_t events)
{
    struct session *s = owner;
    int r = channel_dispatch(&s->files, from_files,
                             sizeof(from_files) / sizeof(from_files[0]), s);

    (void)events;
    if (r < 0 && s->control.closing) { /* kicked: files is told as well */
        loop_remove(&s->loop, &s->files_watch);
        channel_close(&s->files);
        return;
    }
    if (r < 0 && s->control.ending) /* that has its reason already */
        leave(s, s->ending, "");
    if (r < 0)
        leave_peer(s, PROCESS_FILES, r, &s->files);
    session_continue(s);
}

void ask_start(struct session *s, int fd)
{
    channel_init(&s->files, fd, PROCESS_SESSION, PROCESS_FILES, PHASE_IDLE);
    s->files_watch = (struct loop_watch){
        .fd = fd, .events = EPOLLIN, .on_ready = on_files, .owner = s
    };
    if (loop_add(&s->loop, &s->files_watch) < 0)
        leave(s, ENDING_PEER, "epoll refuses a channel");
}

int ask_descriptor(struct session *s, struct packet *p, mode_t kind)
{
    struct stat st;

    if (fstat(p->fd[0], &st) < 0 || (st.st_mode & S_IFMT) != kind) {
        s->files.wrong = "a descriptor of the wrong kind";
        leave_peer(s, PROCESS_FILES, -EPROTO, &s->files);
    }
    return fd_take(&p->fd[0]);
}

struct outcome_row {
    enum reply reply;
    const char *cause;
};

static const struct outcome_row outcomes[OUTCOME_COUNT] = {
    [OUTCOME_OK] = { REPLY_DONE, "" },
    [OUTCOME_NOT_FOUND] = { REPLY_NOT_FOUND, "not found" },
    [OUTCOME_NO_RIGHT] = { REPLY_NO_RIGHT, "no right to do this" },
    [OUTCOME_DENIED] = { REPLY_DENIED, "permission denied" },
    [OUTCOME_EXISTS] = { REPLY_EXISTS, "exists" },
    [OUTCOME_NOT_FOLDER] = { REPLY_NOT_FOLDER, "not a folder" },
    [OUTCOME_IS_FOLDER] = { REPLY_IS_FOLDER, "a folder" },
    [OUTCOME_NOT_REGULAR] = { REPLY_NOT_REGULAR, "not a regular file" },
    [OUTCOME_NOT_EMPTY] = { REPLY_NOT_EMPTY, "not empty" },
    [OUTCOME_BAD_NAME] = { REPLY_BAD_NAME, "name not allowed" },
    [OUTCOME_BAD_OFFSET] = { REPLY_BAD_OFFSET, "offset beyond the file" },
    [OUTCOME_NO_SPACE] = { REPLY_NO_SPACE, "no space" },
    [OUTCOME_TOO_LARGE] = { REPLY_TOO_LARGE, "over the file-size limit" },
    [OUTCOME_READ_ONLY] = { REPLY_READ_ONLY, "read-only file system" },
    [OUTCOME_NAME_TAKEN] = { REPLY_NAME_TAKEN, "name taken" },
    [OUTCOME_STAYS] = { REPLY_SEND_WHOLE, "the file that is there stays" },
    [OUTCOME_COPY_TOO_LARGE] = { REPLY_COPY_TOO_LARGE, "over copy_max" },
    [OUTCOME_CHANGED] = { REPLY_FILE_CHANGED, "changed meanwhile" },
    [OUTCOME_BUSY] = { REPLY_FILE_BUSY, "busy" },
    [OUTCOME_ONLY_OVERWRITE] = { REPLY_ONLY_OVERWRITE,
                                 "neither RENAME_NOREPLACE nor links" },
    [OUTCOME_MOVED] = { REPLY_FOLDER_MOVED, "folder renamed meanwhile" },
    [OUTCOME_OVERTAKEN] = { REPLY_OVERTAKEN, "another session took the name" },
    [OUTCOME_BAD_TIME] = { REPLY_BAD_TIME, "a time that the disk can't keep" },
    [OUTCOME_CROSS_DEVICE] = { REPLY_CROSS_DEVICE, "across file systems" },
    [OUTCOME_INCOMPLETE] = { REPLY_LOCAL_ERROR, "length differs" },
    [OUTCOME_GONE_AWAY] = { REPLY_TRANSFER_ABORTED, "aborted" },
    [OUTCOME_STANDS] = { REPLY_STANDS, "failed after the rename" },
    [OUTCOME_UNANSWERED] = { REPLY_LOCAL_ERROR,
                             "files gave no answer: it may stand" },
    [OUTCOME_IO] = { REPLY_LOCAL_ERROR, "input/output error" },
};

enum reply outcome_reply(enum outcome o)
{
    return (unsigned)o < OUTCOME_COUNT ? outcomes[o].reply : REPLY_LOCAL_ERROR;
}

const char *outcome_cause(enum outcome o)
{
    return (unsigned)o < OUTCOME_COUNT ? outcomes[o].cause : "?";
}

/* The session has checked the command's row; files knows what is there. */
static unsigned needed_rights(enum message asked, uint64_t what_for)
{
    static const struct {
        enum message message;
        unsigned rights;
    } rows[] = {
        { MSG_FILE_READ, RIGHT_READ },
        { MSG_FILE_WRITE, RIGHT_WRITE | RIGHT_REPLACE },
        { MSG_FILE_BEGIN, RIGHT_REPLACE },
        { MSG_FILE_COMMIT, RIGHT_REPLACE },
        { MSG_FILE_DELETE, RIGHT_DELETE },
        { MSG_FOLDER_LIST, RIGHT_LIST },
        { MSG_FOLDER_MAKE, RIGHT_FOLDER },
        { MSG_FOLDER_REMOVE, RIGHT_FOLDER },
        { MSG_RENAME, RIGHT_RENAME | RIGHT_REPLACE },
        { MSG_TIMES, RIGHT_WRITE },
        { MSG_MODE, RIGHT_WRITE | RIGHT_REPLACE },
        { MSG_SPACE, RIGHT_WRITE },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].message == asked)
            return rows[i].rights;
    return what_for == 2 ? RIGHT_RENAME : RIGHT_LIST; /* MSG_FACTS */
}

static const char *lacking(struct session *s)
{
    struct ask *a = &s->ask;
    unsigned needed = needed_rights(a->asked, a->what_for);

    return command_lacks(needed & ~s->login.rights, a->lacking);
}

enum reply ask_refusal(struct session *s, const struct packet *p,
                       const char **cause)
{
    enum outcome o = p->value[0].number < OUTCOME_COUNT
                         ? (enum outcome)p->value[0].number
                         : OUTCOME_IO;

    *cause = o == OUTCOME_NO_RIGHT ? lacking(s) : outcome_cause(o);
    return o == OUTCOME_OK ? REPLY_LOCAL_ERROR : outcome_reply(o);
}

bool ask_refused(struct session *s, struct packet *p)
{
    const char *cause;
    enum reply r;

    if (p->message != MSG_REFUSED)
        return false;
    r = ask_refusal(s, p, &cause);
    control_reply_with(s, r, slice_from(cause), NOTHING);
    return true;
}
