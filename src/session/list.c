/* LIST, NLST, MLSD: files writes lines into a pipe, this sends them on. And
 * STAT of a folder, whose lines go out on the control connection, bounded. */
#include "transfer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control.h"
#include "flow.h"
#include "leave.h"
#include "list.h"
#include "sallyport/base/fd.h"

#define STAT_MAX          (64u << 10)
#define LIST_ARGUMENT_MAX 1024 /* what a text of a message holds */

static void on_pipe(void *owner, uint32_t events)
{
    struct session *s = owner;

    (void)events;
    loop_remove(&s->loop, &s->transfer.pipe);
    if (s->transfer.state == TRANSFER_FLOWING)
        list_pump(s);
    session_continue(s);
}

/* Added only while it is waited for: a pipe that has ended stays ready. */
static void wait_for_pipe(struct session *s, void (*then)(void *, uint32_t))
{
    struct transfer *t = &s->transfer;

    if (t->pipe.added)
        return;
    t->pipe = (struct loop_watch){
        .fd = t->source, .events = EPOLLIN, .on_ready = then, .owner = s
    };
    if (loop_add(&s->loop, &t->pipe) < 0)
        leave(s, ENDING_PEER, "epoll refuses a pipe");
}

static void on_gone(struct session *s, struct packet *p)
{
    (void)p;
    transfer_over(s);
}

void list_give_up(struct session *s)
{
    ask_again(s, on_gone);
    ask_hurry(s);
}

static void on_listed(struct session *s, struct packet *p)
{
    struct transfer *t = &s->transfer;

    t->listed = true;
    t->listed_outcome = p->value[0].number < OUTCOME_COUNT
                            ? (enum outcome)p->value[0].number
                            : OUTCOME_IO;
    t->entries = p->value[1].number;
    if (t->state == TRANSFER_FLOWING)
        list_pump(s);
}

static void take_pipe(struct session *s, struct packet *p)
{
    struct transfer *t = &s->transfer;

    t->source = ask_descriptor(s, p, S_IFIFO);
    t->block = malloc(TRANSFER_BLOCK);
    if (!t->block)
        leave(s, ENDING_PEER, "no memory for a listing");
    fd_set_nonblock(t->source, true);
}

static void on_answer(struct session *s, struct packet *p)
{
    if (p->message != MSG_FOLDER_PIPE) {
        transfer_refused(s, p);
        return;
    }
    take_pipe(s, p);
    ask_again(s, on_listed);
    transfer_announce(s, UINT64_MAX);
}

/* NLST's names begin with the argument, and only its end shows whether it can
 * be a pattern. One that no message can carry is left out: the names come
 * alone. */
static struct packet list_request(const struct session *s,
                                  const struct call *call,
                                  enum list_format format)
{
    bool fits = call->argument.len <= LIST_ARGUMENT_MAX;

    return (struct packet){ .message = MSG_FOLDER_LIST,
                            .value = { TEXT(path_slice(&call->path)),
                                       NUMBER(format),
                                       TEXT(fits ? call->argument : NOTHING),
                                       NUMBER(s->choices.facts) } };
}

void list_begin(struct session *s, const struct call *call,
                enum list_format format)
{
    struct packet p = list_request(s, call, format);

    if (transfer_begin(s, call))
        ask_files(s, &p, on_answer);
}

/* True when there is something in the block, or the end is known. */
static bool fill_block(struct session *s, void (*then)(void *, uint32_t))
{
    struct transfer *t = &s->transfer;
    ssize_t n;

    if (t->block_at < t->block_len || t->pipe_ended)
        return true;
    do
        n = read(t->source, t->block, TRANSFER_BLOCK);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN) {
        wait_for_pipe(s, then);
        return false;
    }
    t->block_at = 0;
    t->block_len = n > 0 ? (size_t)n : 0;
    t->pipe_ended = n <= 0;
    return true;
}

static void ended(struct session *s)
{
    struct transfer *t = &s->transfer;

    if (!t->listed) { /* its answer calls the pump again */
        transfer_wait(s, 0);
        return;
    }
    if (t->listed_outcome == OUTCOME_OK)
        transfer_sent(s);
    else
        transfer_fail(s, REPLY_LOCAL_ERROR,
                      slice_from(outcome_cause(t->listed_outcome)),
                      outcome_cause(t->listed_outcome));
}

void list_pump(struct session *s)
{
    struct transfer *t = &s->transfer;

    for (int i = flow_rounds(s, TRANSFER_ROUNDS); i > 0; i--) {
        enum stream_state state;
        size_t took = 0;

        if (!fill_block(s, on_pipe)) {
            /* Lines that are here should not wait for more. */
            state = flow_flush(s);
            transfer_wait(s, state == STREAM_AGAIN ? EPOLLOUT : 0);
            if (state != STREAM_OK && state != STREAM_AGAIN)
                transfer_broken(s, state);
            return;
        }
        if (t->pipe_ended && t->block_at == t->block_len) {
            ended(s);
            return;
        }
        state = flow_write(s, t->block + t->block_at,
                           t->block_len - t->block_at, &took);
        t->block_at += took;
        transfer_moved(s, took);
        if (state == STREAM_AGAIN) {
            transfer_wait(s, stream_events(s->data.stream));
            return;
        }
        if (state != STREAM_OK) {
            transfer_broken(s, state);
            return;
        }
    }
    transfer_soon(s);
}

/* STAT of a folder or file. */
static void stat_over(struct session *s)
{
    struct transfer *t = &s->transfer;

    loop_remove(&s->loop, &t->pipe);
    fd_close(&t->source);
    free(t->block);
    t->block = NULL;
    t->block_at = t->block_len = 0;
}

/* Whole lines only: what stands behind the last LF was cut by the bound. */
static void stat_lines(struct session *s)
{
    struct slice rest = buf_slice(&s->stat), line;

    reply_begin(&s->control.out, REPLY_STAT_FOLDER);
    while (slice_cut(&rest, '\n', &line) && rest.ptr) {
        if (line.len > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        reply_line(&s->control.out, line);
    }
    if (line.len > 0)
        reply_line(&s->control.out, SLICE("(there is more: use LIST)"));
    reply_end(&s->control.out, REPLY_STAT_FOLDER);
    buf_release(&s->stat);
    control_flush(s);
}

static void stat_read(void *owner, uint32_t events)
{
    struct session *s = owner;
    struct transfer *t = &s->transfer;

    (void)events;
    loop_remove(&s->loop, &t->pipe);
    while (t->source >= 0 && fill_block(s, stat_read)) {
        size_t room = STAT_MAX - s->stat.len;

        buf_add(&s->stat, t->block, t->block_len < room ? t->block_len : room);
        t->block_at = t->block_len;
        if (t->pipe_ended || s->stat.len == STAT_MAX)
            stat_over(s); /* over the bound: what is here is shown */
    }
}

static void on_stat_listed(struct session *s, struct packet *p)
{
    (void)p;
    if (s->transfer.source >= 0)
        stat_read(s, 0);
    stat_over(s);
    stat_lines(s);
}

static void on_stat(struct session *s, struct packet *p)
{
    const char *cause;
    enum reply r;

    if (p->message != MSG_FOLDER_PIPE) {
        r = ask_refusal(s, p, &cause);
        control_reply_with(s, r, slice_from(cause), NOTHING);
        return;
    }
    take_pipe(s, p);
    ask_hurry(s);
    s->transfer.pipe_ended = false;
    buf_init(&s->stat, STAT_MAX);
    ask_again(s, on_stat_listed);
    stat_read(s, 0);
}

void list_stat(struct session *s, const struct call *call)
{
    struct packet p = list_request(s, call, LIST_LONG);

    ask_files(s, &p, on_stat);
}
