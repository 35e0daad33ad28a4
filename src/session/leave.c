/* The end of a session: one event with its reason, then the process is gone and
 * with it every descriptor and secret; so what it has said must be in log's
 * socket, which outlives it. The one wait outside the loop, with a deadline,
 * and with nobody at the other end of anything. */
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

/* Of what master says now only a new log counts; a kick's kill comes by itself.
 * It is closed when it has nothing more to say. */
static void hear_master(struct session *s)
{
    struct packet p;
    int r = channel_receive(&s->master, &p);

    if (r > 0 && p.message == MSG_LOG)
        event_sender_renew(&s->log, fd_take(&p.fd[0]));
    if (r > 0)
        packet_close(&p);
    if (r < 0)
        channel_close(&s->master);
}

static void wait_for_log(struct session *s)
{
    uint64_t end = clock_ms() + LOG_MS;

    if (s->log.queue.len == 0)
        return;
    fd_close(&s->control.fd); /* its client needn't wait as well */
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
            hear_master(s);
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
    wait_for_log(s);
    _exit((int)ending);
}

void leave_peer(struct session *s, enum process peer, int error,
                const struct channel *c)
{
    char cause[160];

    snprintf(cause, sizeof(cause), "%s: %s", process_name(peer),
             error == -EPROTO  ? c->wrong
             : error == -EPIPE ? "gone"
                               : "does not read");
    if (s->control.secured && !s->control.securing && !s->control.gone &&
        !s->control.closing) {
        struct slice none[2] = { { "", 0 }, { "", 0 } };
        size_t took;

        /* Best effort, without the loop: this process ends here. */
        if (reply_build(&s->control.out, REPLY_LOST_SERVICE, none, 0) == 0) {
            stream_write(s->control.stream, s->control.out.data,
                         s->control.out.len, &took);
            buf_consume(&s->control.out, took);
        }
    }
    leave(s, ENDING_PEER, cause);
}
