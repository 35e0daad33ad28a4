/* The session and master, in the process files: answers to the session, and
 * messages of master. Each wait watches both, so that it ends with them. */
#include "files.h"

#include <errno.h>
#include <poll.h>
#include <sys/file.h>
#include <sysexits.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/complain.h"

#define ANSWER_STEP_MS 10

bool files_peer_gone_within(const struct files *f, int ms)
{
    struct pollfd ends[] = { { .fd = f->session.fd }, { .fd = f->master.fd } };

    return poll(ends, 2, ms) > 0;
}

int files_lock(const struct files *f, int fd, int how, uint64_t ms)
{
    const uint64_t end = clock_ms() + ms;
    const int longest = ms < 4096 ? (int)(ms / 128) : 32;

    for (int step = 1; flock(fd, how | LOCK_NB) < 0;
         step = step < longest ? 2 * step : step) {
        if (errno != EWOULDBLOCK)
            return -errno;
        if (clock_ms() >= end || files_peer_gone_within(f, step))
            return -EBUSY;
    }
    return 0;
}

/* Retries after EAGAIN for MS, but not after the end of session or master.
 * EAGAIN has two causes: the session doesn't read; or the processes of this uid
 * have together sent too many descriptors that nobody has received yet
 * (ETOOMANYREFS), which passes. */
int files_answer(struct files *f, uint64_t ms, enum message_kind kind,
                 const void *body)
{
    const uint64_t end = clock_ms() + ms;
    int r = channel_send(&f->session, kind, body);

    while (r == -EAGAIN && clock_ms() < end)
        r = files_peer_gone_within(f, ANSWER_STEP_MS)
                ? -EPIPE
                : channel_send(&f->session, kind, body);
    if (r == -EPIPE)
        f->over = true;
    else if (r < 0)
        die(EX_PROTOCOL, "%s: does not take %s: %d",
            process_name(f->session.peer), message_name(kind), -r);
    return 0;
}

void files_event_begin(const struct files *f, struct event_record *r,
                       enum event event, const char *reason)
{
    event_begin(r, event);
    event_text(r, FIELD_USER, slice_from(f->user));
    event_text(r, FIELD_REASON, slice_from(reason));
}

bool files_receive(struct channel *c, struct message *m, bool *over)
{
    int r = channel_receive(c, m);

    if (r == -EPROTO)
        die(EX_PROTOCOL, "%s: %s", process_name(c->peer), c->wrong);
    if (r < 0)
        *over = true;
    return r == 1;
}

static int files_on_session_died(void *owner, struct msg_session_died *m)
{
    struct files *f = owner;

    f->died = (int)m->signal;
    return 0;
}

static const struct handler from_master[] = {
    ON(session_died, files_on_session_died),
    ON(owner_is, names_on_owner_is),
};

void files_serve_master(struct files *f)
{
    struct message m;

    if (files_receive(&f->master, &m, &f->orphan))
        channel_handle(&f->master, from_master,
                       sizeof(from_master) / sizeof(from_master[0]), f, &m);
    f->over |= f->orphan;
}
