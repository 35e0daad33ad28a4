/* LIST, NLST, MLSD and STAT, in session. Files writes the lines of a listing
 * into a pipe, and session sends them to the client. STAT sends its lines on
 * the control connection, up to a limit. STAT isn't a transfer, so the
 * transfer's block is free, and STAT uses it. */
#include "transfer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

#define STAT_MAX (64u << 10)

/* Watches the pipe only while the session waits for it: a pipe that has ended
 * is always ready. */
static void list_wait_for_pipe(struct session *s,
                               void (*on_ready)(void *, uint32_t))
{
    struct transfer *t = &s->transfer;

    if (t->pipe.added)
        return;
    if (loop_add_reader(&s->loop, &t->pipe, t->source, on_ready, s) < 0)
        leave(s, ENDING_PEER, "epoll refuses a pipe");
}

static void list_on_pipe(void *owner, uint32_t events)
{
    struct session *s = owner;

    (void)events;
    loop_remove(&s->loop, &s->transfer.pipe);
    transfer_run(s, WAITS_PIPE);
    control_after_event(s);
}

static void list_take_pipe(struct session *s, struct message *m)
{
    struct transfer *t = &s->transfer;

    if (m->kind != MSG_directory_pipe)
        leave_peer(s, channel_refuse(&s->files, "a listing without a pipe"),
                   &s->files);
    t->source = ask_descriptor(s, &m->directory_pipe.listing, S_IFIFO);
    t->block = malloc(TRANSFER_BLOCK);
    if (!t->block)
        leave(s, ENDING_PEER, "no memory for a listing");
    fd_set_nonblock(t->source, true);
}

/* Asks files for a listing. For NLST, files puts the argument before each name;
 * the end of the argument shows whether it can be a pattern. Leaves out an
 * argument that is too long for a message; files then sends the names alone. */
static void list_request(struct session *s, const struct call *call,
                         answer_fn *then)
{
    const enum verb verb = call->command->verb;

    ASK(s, directory_list, then, .path = path_slice(&s->subject),
        .format = verb == VERB_MLSD   ? LIST_FACTS
                  : verb == VERB_NLST ? LIST_NAMES
                                      : LIST_LONG,
        .argument =
            call->argument.len <= MESSAGE_TEXT_MAX ? call->argument : NOTHING,
        .facts = s->choices.facts);
}

static enum stepped list_ask(struct session *s)
{
    list_request(s, s->transfer.call, transfer_on_answer);
    return STEP_NEXT;
}

static enum outcome list_outcome(const struct message *m)
{
    return m->kind == MSG_refused ? m->refused.outcome
                                  : m->directory_listed.outcome;
}

/* Takes the second answer of files: all lines are in the pipe, or files has
 * stopped after an error. This answer can come before the client has
 * connected. */
static void list_on_listed(struct session *s, struct message *m)
{
    s->transfer.listed = list_outcome(m);
    transfer_run(s, WAITS_FILES);
}

static enum stepped list_take(struct session *s)
{
    list_take_pipe(s, s->transfer.answer);
    s->ask.then = list_on_listed;
    return STEP_NEXT;
}

enum filled { FILLED, FILLED_DRY, FILLED_END };

/* Fills the block, if it is empty. Returns FILLED: the block has bytes;
 * FILLED_DRY: the pipe has no bytes now; FILLED_END: the pipe has ended. */
static enum filled list_fill_block(struct transfer *t)
{
    ssize_t n;

    if (t->block_at < t->block_len)
        return FILLED;
    do
        n = read(t->source, t->block, TRANSFER_BLOCK);
    while (n < 0 && errno == EINTR);
    t->block_at = 0;
    t->block_len = n > 0 ? (size_t)n : 0;
    if (n > 0)
        return FILLED;
    return n < 0 && errno == EAGAIN ? FILLED_DRY : FILLED_END;
}

static enum stepped list_send(struct session *s)
{
    struct transfer *t = &s->transfer;

    for (uint64_t began = clock_ms(); clock_ms() - began < TRANSFER_TURN_MS;) {
        enum filled filled = list_fill_block(t);
        enum stream_state state;
        enum stepped r;
        size_t took = 0;

        if (filled == FILLED_DRY) { /* send at once the lines that have come */
            list_wait_for_pipe(s, list_on_pipe);
            state = flow_flush(s);
            transfer_watch(s, state == STREAM_AGAIN ? EPOLLOUT : 0);
            if (state != STREAM_OK && state != STREAM_AGAIN)
                return transfer_broken(s, state);
            return STEP_WAIT;
        }
        if (filled == FILLED_END)
            return STEP_NEXT;
        state = flow_write(s, t->block + t->block_at,
                           t->block_len - t->block_at, &took);
        t->block_at += took;
        stall_moved(s, took);
        r = transfer_moved(s, state);
        if (r != STEP_NEXT)
            return r;
    }
    return transfer_soon(s);
}

static enum stepped list_end(struct session *s)
{
    enum outcome o = s->transfer.listed;

    if (o == OUTCOME_COUNT) {
        transfer_watch(s, 0);
        return STEP_WAIT;
    }
    return o == OUTCOME_OK
               ? STEP_NEXT
               : transfer_fail(s, FAILED_LISTING, ask_outcome_cause(o));
}

const struct step list_steps[] = {
    { "ask for the list", list_ask, 0, TRANSFER_ASKED, UNDO_NOTHING },
    { "ticket", transfer_offer_ticket, 0, TRANSFER_ASKED, UNDO_NOTHING },
    { "take the pipe", list_take, WAITS_ANSWER, TRANSFER_ASKED, UNDO_NOTHING },
    TRANSFER_DATA_STEPS(UNDO_LISTING),
    { "send", list_send, WAITS_DATA | WAITS_PIPE | WAITS_TURN, TRANSFER_FLOWING,
      UNDO_LISTING },
    { "is that all", list_end, WAITS_FILES | WAITS_DATA, TRANSFER_FLOWING,
      UNDO_LISTING },
    TRANSFER_SENT_STEPS(UNDO_LISTING),
    TRANSFER_LAST_STEP,
};

/* Waits until files has noticed that the pipe is closed, and has answered the
 * request for the listing. */
static enum stepped list_stopped(struct session *s)
{
    if (s->transfer.listed != OUTCOME_COUNT)
        return STEP_NEXT;
    loop_timer_set(&s->loop, &s->ask.timer, s->deadlines->ask);
    return STEP_WAIT;
}

const struct step list_undo_steps[] = {
    { "files has stopped", list_stopped, WAITS_FILES, TRANSFER_CLOSING,
      UNDO_NOTHING },
    TRANSFER_LAST_STEP,
};

static void list_on_stat_pipe(void *owner, uint32_t events)
{
    struct session *s = owner;
    struct transfer *t = &s->transfer;

    (void)events;
    loop_remove(&s->loop, &t->pipe);
    while (t->source >= 0) {
        enum filled filled = list_fill_block(t);
        size_t room = STAT_MAX - s->stat.len;

        if (filled == FILLED_DRY) {
            list_wait_for_pipe(s, list_on_stat_pipe);
            return;
        }
        s->stat_more = t->block_len > room;
        buf_add(&s->stat, t->block, s->stat_more ? room : t->block_len);
        t->block_at = t->block_len;
        if (filled == FILLED_END || s->stat_more)
            transfer_release(s); /* at the limit STAT shows the beginning */
    }
}

/* Takes files' answer, and replies to STAT. After an error shows no lines. But
 * if STAT_MAX bytes were reached, the session itself has closed the pipe, so
 * the reply shows the beginning. */
static void list_on_stat_listed(struct session *s, struct message *m)
{
    enum outcome o = list_outcome(m);

    if (s->transfer.source >= 0)
        list_on_stat_pipe(s, 0);
    transfer_release(s);
    if ((o == OUTCOME_OK || s->stat_more) && control_replies(s)) {
        /* Send whole lines only: at the limit drop the bytes after the last
         * LF. */
        struct slice rest = buf_slice(&s->stat), line;

        reply_begin(&s->control.out, REPLY_STAT_DIRECTORY);
        while (slice_cut(&rest, '\n', &line) && rest.ptr) {
            if (line.len > 0 && line.ptr[line.len - 1] == '\r')
                line.len--;
            reply_line(&s->control.out, line);
        }
        if (s->stat_more)
            reply_line(&s->control.out, SLICE("(there is more: use LIST)"));
        reply_end(&s->control.out, REPLY_STAT_DIRECTORY);
        control_flush(s);
    } else if (o != OUTCOME_OK)
        control_reply_with(s, REPLY_LOCAL_ERROR,
                           slice_from(ask_outcome_cause(o)));
    buf_release(&s->stat);
}

static void list_on_stat(struct session *s, struct message *m)
{
    if (ask_refused(s, m))
        return;
    list_take_pipe(s, m);
    loop_timer_set(&s->loop, &s->ask.timer, s->deadlines->ask_long);
    buf_init(&s->stat, STAT_MAX);
    s->stat_more = false;
    s->ask.then = list_on_stat_listed;
    list_on_stat_pipe(s, 0);
}

/* STAT of a path, or of the session. */
void cmd_stat(struct session *s, const struct call *call)
{
    const struct transfer *t = &s->transfer;
    const char *const facts[][2] = {
        { "Logged in as ", s->login.user },
        { "Control connection: ", stream_cipher(s->control.stream) },
        { "Data connections: ", s->protection == PROTECTION_P
                                    ? "protected (PROT P)"
                                    : "none until PROT P" },
    };
    struct buf *out = &s->control.out, text;

    if (call->argument.len > 0) {
        if (t->state != TRANSFER_NONE)
            control_reply(s, REPLY_IN_TRANSFER);
        else
            list_request(s, call, list_on_stat);
        return;
    }
    buf_init(&text, FTP_PATH_MAX + 128);
    reply_begin(out, REPLY_STAT);
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        buf_clear(&text);
        buf_add_format(&text, "%s%s", facts[i][0], facts[i][1]);
        reply_line(out, buf_slice(&text));
    }
    if (t->state != TRANSFER_NONE) {
        buf_clear(&text);
        buf_add_format(&text,
                       "A transfer is under way, bytes so far: %llu, %s ",
                       (unsigned long long)t->bytes, command_name(t->verb));
        buf_add_slice(&text, path_slice(&t->path));
        reply_line(out, buf_slice(&text));
    }
    reply_end(out, REPLY_STAT);
    control_flush(s);
    buf_release(&text);
}
