/* The end of the process: one event with its reason, and exit. Events that wait
 * must reach log's socket first, which outlives this process. That is session's
 * one wait outside the loop, with a deadline. */
#include "leave.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "control.h"
#include "report.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/secret.h"

#define LOG_MS  20000 /* as long as a reply waits for its event (verdict.c) */
#define TICK_MS 50    /* a socket takes a message before poll(2) says so */

/* Messages of master no longer count; its end does. */
static void leave_hear_master(struct session *s)
{
    struct message m;
    int r = channel_receive(&s->master, &m);

    if (r > 0)
        message_close(&m);
    if (r < 0)
        channel_close(&s->master);
}

static void leave_wait_for_log(struct session *s)
{
    uint64_t end = clock_ms() + LOG_MS;

    if (s->log.queue.len == 0)
        return;
    fd_close(&s->control.fd); /* the client doesn't wait for this */
    fd_close(&s->data.fd);
    while (s->log.queue.len > 0 && clock_ms() < end) {
        struct pollfd p[] = {
            { .fd = s->log.channel.fd, .events = POLLOUT },
            { .fd = s->master.fd, .events = POLLIN },
        };

        if (p[0].fd < 0 && p[1].fd < 0)
            return;
        poll(p, 2, TICK_MS);
        if (p[0].revents & (POLLHUP | POLLERR))
            channel_close(&s->log.channel);
        if (p[1].revents)
            leave_hear_master(s);
        event_flush(&s->log);
    }
}

void leave(struct session *s, enum ending ending, const char *cause)
{
    secret_wipe(&s->login.password);
    control_part(s);
    report_cut(s, ending_text(ending));
    if (s->transfer.state != TRANSFER_NONE && !s->transfer.hash)
        s->total += s->transfer.bytes;
    report_end(s, ending, cause);
    leave_wait_for_log(s);
    _exit((int)ending);
}

void leave_peer(struct session *s, enum process peer, int error,
                const struct channel *c)
{
    char cause[160];

    snprintf(cause, sizeof(cause), "%s: %s", process_name(peer),
             error == -EPROTO || error == -EMFILE ? c->wrong
             : error == -EPIPE                    ? "gone"
                                                  : "does not read");
    if (control_is_secure(s) && control_hears(s)) {
        size_t took;

        /* Best effort, without the loop: this process ends here. */
        if (reply_build(&s->control.out, REPLY_LOST_SERVICE, NULL, 0) == 0) {
            stream_write(s->control.stream, s->control.out.data,
                         s->control.out.len, &took);
            buf_consume(&s->control.out, took);
        }
    }
    leave(s, ENDING_PEER, cause);
}
