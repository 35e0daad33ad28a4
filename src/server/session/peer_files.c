/* The requests to files, in session, and the replies to the client if files
 * refuses. */
#include "session.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "sallyport/base/fd.h"
#include "sallyport/domain/rights.h"

static void ask_on_late(void *owner)
{
    struct session *s = owner;

    leave_peer(s, channel_refuse(&s->files, "no answer in time"), &s->files);
}

void ask_files(struct session *s, enum message_kind kind, const void *body,
               answer_fn *then)
{
    struct ask *a = &s->ask;
    const bool facts = kind == MSG_facts;
    int r = channel_send(&s->files, kind, body);
    bool sizes, quick;

    if (r < 0 && state_of_control(s)->closes)
        return; /* master has asked files to end as well */
    if (r < 0)
        leave_peer(s, r, &s->files);
    a->message = a->asked = kind;
    a->purpose = facts ? ((const struct msg_facts *)body)->purpose : 0;
    sizes =
        a->purpose == FACTS_FOR_SIZE || a->purpose == FACTS_FOR_PARTIAL ||
        (kind == MSG_file_read && ((const struct msg_file_read *)body)->size);
    if (sizes)
        s->needs_size = 0;
    a->request = *(const uint32_t *)body; /* each struct begins with it */
    a->then = then;
    a->timer.on_timer = ask_on_late;
    a->timer.owner = s;
    s->files.phase = PHASE_ASKED;
    /* A request that isn't quick can wait for a slow disk: a commit, a change,
     * SIZE or SITE PARTIAL of a partial, RNFR, which can read a directory, and
     * APPE, which can copy a large file. */
    quick = kind == MSG_file_read || kind == MSG_directory_enter ||
            kind == MSG_space ||
            (facts && !sizes && a->purpose != FACTS_FOR_RENAME);
    loop_timer_set(&s->loop, &a->timer,
                   quick ? s->deadlines->ask : s->deadlines->ask_long);
}

void ask_facts(struct session *s, enum facts_for purpose, answer_fn *then)
{
    ASK(s, facts, then, .path = path_slice(&s->subject), .purpose = purpose,
        .directory = s->subject.directory);
}

bool ask_is_change(const struct session *s)
{
    const enum message_kind m = s->ask.message;

    return m == MSG_directory_make || m == MSG_directory_remove ||
           m == MSG_file_delete || m == MSG_rename || m == MSG_times ||
           m == MSG_mode;
}

static int ask_take_answer(struct session *s, struct message *m)
{
    struct ask *a = &s->ask;
    enum message_kind to = message_row(m->kind)->answers;

    if (a->message == MSG_NONE || m->request != a->request ||
        (to != MSG_NONE && to != a->message))
        return channel_refuse(&s->files, "an answer without a request");
    /* After its pipe a listing has the deadlines of its transfer. */
    loop_timer_clear(&s->loop, &a->timer);
    /* A listing gets two answers: its pipe, then its end. */
    if (m->kind != MSG_directory_pipe) {
        a->message = MSG_NONE;
        s->files.phase = PHASE_IDLE;
    }
    a->then(s, m);
    return 0;
}

/* Handles one message; each message of files is an answer. If a second message
 * waits, which is seldom, the loop calls this function again. */
static void ask_on_readable(void *owner, uint32_t events)
{
    struct session *s = owner;
    struct message m;
    int r = channel_receive(&s->files, &m);

    (void)events;
    if (r > 0) {
        r = ask_take_answer(s, &m);
        message_close(&m);
    }
    if (r < 0 && state_of_control(s)->closes) {
        /* master has asked files to end as well */
        loop_remove(&s->loop, &s->files_watch);
        channel_close(&s->files);
        return;
    }
    if (r < 0 && control_ends(s)) /* the end has a reason of its own */
        leave(s, s->ending, "");
    if (r < 0)
        leave_peer(s, r, &s->files);
    control_after_event(s);
}

void ask_start(struct session *s, int fd)
{
    channel_init(&s->files, fd, PROCESS_SESSION, PROCESS_FILES, PHASE_IDLE);
    if (loop_add_reader(&s->loop, &s->files_watch, fd, ask_on_readable, s) < 0)
        leave(s, ENDING_PEER, "epoll refuses a channel");
}

int ask_descriptor(struct session *s, int *fd, mode_t kind)
{
    struct statx facts;

    /* Gets the type from the kernel alone. A file system such as mergerfs would
     * look at the caller's uid, which isn't the user's uid, and would
     * refuse. */
    if (statx(*fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &facts) <
            0 ||
        (facts.stx_mode & S_IFMT) != kind)
        leave_peer(s,
                   channel_refuse(&s->files, "a descriptor of the wrong kind"),
                   &s->files);
    return fd_take(fd);
}

struct outcome_row {
    enum reply reply;
    const char *cause; /* NULL: use the reply's reason */
};

static const struct outcome_row outcomes[OUTCOME_COUNT] = {
    [OUTCOME_OK] = { REPLY_DONE, "" },
    [OUTCOME_NOT_FOUND] = { REPLY_NOT_FOUND, "not found" },
    [OUTCOME_NO_RIGHT] = { REPLY_NO_RIGHT, "no right to do this" },
    [OUTCOME_IN_DROP] = { REPLY_IN_DROP, "no right to do this in a drop" },
    [OUTCOME_DENIED] = { REPLY_DENIED, NULL },
    [OUTCOME_EXISTS] = { REPLY_EXISTS, "exists" },
    [OUTCOME_NOT_DIRECTORY] = { REPLY_NOT_DIRECTORY, "not a directory" },
    [OUTCOME_IS_DIRECTORY] = { REPLY_IS_DIRECTORY, "a directory" },
    [OUTCOME_NOT_REGULAR] = { REPLY_NOT_REGULAR, "not a regular file" },
    [OUTCOME_NOT_EMPTY] = { REPLY_NOT_EMPTY, "not empty" },
    [OUTCOME_BAD_NAME] = { REPLY_BAD_NAME, NULL },
    [OUTCOME_TOO_DEEP] = { REPLY_TOO_DEEP, NULL },
    [OUTCOME_BAD_OFFSET] = { REPLY_BAD_OFFSET, "offset beyond the file" },
    [OUTCOME_NO_SPACE] = { REPLY_NO_SPACE, "no space" },
    [OUTCOME_OVER_QUOTA] = { REPLY_OVER_QUOTA, "quota" },
    [OUTCOME_OVER_FILES] = { REPLY_OVER_QUOTA, "quota of files" },
    [OUTCOME_KEPT_FREE] = { REPLY_KEPT_FREE, "min_free" },
    [OUTCOME_TOO_LARGE] = { REPLY_TOO_LARGE, NULL },
    [OUTCOME_MAX_FILES] = { REPLY_MAX_FILES, NULL },
    [OUTCOME_MAX_BYTES] = { REPLY_MAX_BYTES, NULL },
    [OUTCOME_READ_ONLY] = { REPLY_READ_ONLY, NULL },
    [OUTCOME_NAME_TAKEN] = { REPLY_NAME_TAKEN, "name taken" },
    [OUTCOME_SEND_WHOLE] = { REPLY_SEND_WHOLE, "the file that is there stays" },
    [OUTCOME_COPY_TOO_LARGE] = { REPLY_COPY_TOO_LARGE, "over copy_max" },
    [OUTCOME_CHANGED] = { REPLY_FILE_CHANGED, "changed meanwhile" },
    [OUTCOME_BUSY] = { REPLY_FILE_BUSY, "busy" },
    [OUTCOME_SIZE_FIRST] = { REPLY_SIZE_FIRST, "no SIZE before it" },
    [OUTCOME_ONLY_OVERWRITE] = { REPLY_ONLY_OVERWRITE,
                                 "neither RENAME_NOREPLACE nor links" },
    [OUTCOME_MOVED] = { REPLY_DIRECTORY_MOVED, "directory renamed meanwhile" },
    [OUTCOME_NAME_LOST] = { REPLY_OVERTAKEN, "another session took the name" },
    [OUTCOME_PARTIAL_TAKEN] = { REPLY_LOCAL_ERROR,
                                "another session has the unfinished upload" },
    [OUTCOME_BAD_TIME] = { REPLY_BAD_TIME, "a time that the disk can't keep" },
    [OUTCOME_CROSS_DEVICE] = { REPLY_CROSS_DEVICE, "across file systems" },
    [OUTCOME_MOUNT] = { REPLY_MOUNT, "a share" },
    [OUTCOME_BETWEEN_MOUNTS] = { REPLY_BETWEEN_MOUNTS,
                                 "into or out of a share" },
    [OUTCOME_NOT_OWNER] = { REPLY_NOT_OWNER, "another member owns the file" },
    [OUTCOME_SHARE_MODE] = { REPLY_SHARE_MODE, "the share decides the modes" },
    [OUTCOME_OTHERS_PARTIALS] = { REPLY_OTHERS_PARTIALS,
                                  "unfinished uploads of other members" },
    [OUTCOME_INCOMPLETE] = { REPLY_LOCAL_ERROR, "length differs" },
    [OUTCOME_GONE_AWAY] = { REPLY_TRANSFER_ABORTED, "aborted" },
    [OUTCOME_STORED_UNSAFE] = { REPLY_STORED_UNSAFE,
                                "failed after the rename" },
    [OUTCOME_UNANSWERED] = { REPLY_LOCAL_ERROR, "no answer from files: the "
                                                "change may have been made" },
    [OUTCOME_IO] = { REPLY_LOCAL_ERROR, "input/output error" },
    [OUTCOME_WAITS] = { REPLY_WAITS, "waits for inspection" },
    [OUTCOME_TOO_LARGE_HERE] = { REPLY_TOO_LARGE_HERE, NULL },
    [OUTCOME_STORED_MOVED] = { REPLY_STORED_MOVED,
                               "directory renamed after the rename" },
    [OUTCOME_ELSEWHERE] = { REPLY_ELSEWHERE,
                            "the upload of this name has another one" },
};

const char *ask_outcome_cause(enum outcome o)
{
    const struct outcome_row *row = &outcomes[o];

    return row->cause ? row->cause : reply_reason(row->reply);
}

/* Returns all rights that the request can need. The session has checked the
 * command's row, but only files decides which rights count for the path. */
static unsigned ask_needed_rights(const struct ask *a)
{
    static const struct {
        enum message_kind message;
        unsigned rights;
    } rows[] = {
        { MSG_file_read, RIGHT_READ },
        { MSG_file_write, RIGHT_WRITE | RIGHT_REPLACE },
        { MSG_file_commit, RIGHT_REPLACE },
        { MSG_file_delete, RIGHT_DELETE },
        { MSG_directory_list, RIGHT_LIST },
        { MSG_directory_make, RIGHT_DIRECTORY },
        { MSG_directory_remove, RIGHT_DIRECTORY },
        { MSG_rename, RIGHT_RENAME | RIGHT_REPLACE },
        { MSG_times, RIGHT_WRITE },
        { MSG_mode, RIGHT_WRITE | RIGHT_REPLACE },
        { MSG_space, RIGHT_WRITE },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].message == a->asked)
            return rows[i].rights;
    return a->purpose == FACTS_FOR_RENAME    ? RIGHT_RENAME
           : a->purpose == FACTS_FOR_PARTIAL ? RIGHT_WRITE
                                             : RIGHT_LIST;
}

/* No letter would help in a drop, or with `mine`: says what does. */
static const char *ask_drop_lacks(unsigned needed)
{
    return needed & RIGHT_DIRECTORY
               ? "no right to make or remove directories in a drop; send one "
                 "archive"
           : needed & RIGHT_DELETE
               ? "no right to delete in a drop, where sent files stay"
           : needed & RIGHT_READ
               ? "no right to read in a drop, not even a sent file"
           : needed & RIGHT_RENAME
               ? "no right to rename into a drop, or a directory with u"
               : "no right to change modes in a drop, which sets them";
}

enum reply ask_refusal(struct session *s, const struct message *m,
                       const char **cause)
{
    const struct msg_refused *why = &m->refused;
    const enum outcome o = why->outcome;
    char limit[SIZE_TEXT_MAX], used[SIZE_TEXT_MAX];
    struct ask *a = &s->ask;

    *cause = ask_outcome_cause(o);
    if (o == OUTCOME_NO_RIGHT) {
        unsigned needed = ask_needed_rights(a);
        unsigned lacking = needed & ~s->login.everywhere;

        *cause = command_lacks(lacking ? lacking : needed, a->lacking);
    } else if (o == OUTCOME_IN_DROP) {
        *cause = ask_drop_lacks(ask_needed_rights(a));
    } else if (o == OUTCOME_OVER_FILES && why->limit > 0) {
        snprintf(a->lacking, sizeof(a->lacking),
                 "quota of %llu files, %llu used",
                 (unsigned long long)why->limit, (unsigned long long)why->used);
        *cause = a->lacking;
    } else if (o == OUTCOME_OVER_QUOTA && why->limit > 0) {
        /* limit is 0 if the kernel doesn't report it */
        snprintf(a->lacking, sizeof(a->lacking), "quota of %s, %s used",
                 size_text(why->limit, limit), size_text(why->used, used));
        *cause = a->lacking;
    }
    return o == OUTCOME_OK ? REPLY_LOCAL_ERROR : outcomes[o].reply;
}

bool ask_refused(struct session *s, struct message *m)
{
    const char *cause;
    enum reply r;

    if (m->kind != MSG_refused)
        return false;
    r = ask_refusal(s, m, &cause);
    control_reply_with(s, r, slice_from(cause));
    return true;
}
