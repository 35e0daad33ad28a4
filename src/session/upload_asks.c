/* What an upload asks of files beside its bytes, in session: to sync, to copy
 * the head of a finished file, and to give up. One request at a time: whatever
 * the client wants meanwhile waits for the answer at most. */
#include "upload_asks.h"

#include "transfer.h"

/* So that the fsync at the end has little left to do. */
#define SYNC_EVERY (32u << 20)

static void on_given_up(struct session *s, struct packet *p)
{
    (void)p; /* whatever became of the partial: the client has its reply */
    transfer_over(s);
}

static void give_up_now(struct session *s)
{
    struct packet p = { .message = MSG_FILE_ABORT,
                        .value = { NUMBER(s->transfer.spoiled) } };

    ask_files(s, &p, on_given_up);
}

void upload_ask_after(struct session *s, void (*then)(struct session *))
{
    if (s->ask.message == MSG_NONE)
        then(s);
    else
        s->transfer.after_sync = then;
}

void upload_give_up(struct session *s)
{
    upload_ask_after(s, give_up_now);
}

bool upload_answered(struct session *s, struct packet *p)
{
    const char *cause;
    enum reply r;

    if (s->transfer.after_sync == give_up_now) {
        s->transfer.after_sync = NULL;
        give_up_now(s);
        return false;
    }
    if (p->message != MSG_REFUSED)
        return true;
    s->transfer.after_sync = NULL;
    r = ask_refusal(s, p, &cause);
    transfer_fail(s, r, slice_from(cause), cause);
    return false;
}

static void on_beside(struct session *s, struct packet *p)
{
    void (*then)(struct session *) = s->transfer.after_sync;

    if (!upload_answered(s, p))
        return;
    s->transfer.after_sync = NULL;
    if (then)
        then(s);
    else
        upload_ask_beside(s);
}

/* Files says how much is left; more than there was would never end. */
static void on_copied(struct session *s, struct packet *p)
{
    struct transfer *t = &s->transfer;

    if (p->message == MSG_FILE_COPIED && p->value[0].number <= t->copying) {
        t->unsynced += t->copying - p->value[0].number;
        t->copying = p->value[0].number;
    }
    on_beside(s, p);
    if (t->state == TRANSFER_COMMITTING)
        transfer_soon(s); /* it waits for the copy, and the sum of it */
}

void upload_ask_beside(struct session *s)
{
    struct packet sync = { .message = MSG_FILE_SYNC };
    struct packet copy = { .message = MSG_FILE_COPY };
    struct transfer *t = &s->transfer;

    if (s->ask.message != MSG_NONE || t->waits)
        return;
    if (s->settings->fsync && t->unsynced >= SYNC_EVERY) {
        t->unsynced = 0;
        ask_files(s, &sync, on_beside);
    } else if (t->copying > 0) {
        ask_files(s, &copy, on_copied);
    }
}
