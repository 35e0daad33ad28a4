/* The control socket's peers, in master: who may connect, how many, for how
 * long. A hostile, slow or dead sallyportctl takes up one place: master doesn't
 * wait for it, and goes on, whatever a sallyportctl sends. */
#include "control.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sallyport/base/address.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/generation.h"

#define ACCEPTS   4                    /* in one turn of the loop */
#define READERS   (MASTER_CALLERS / 2) /* places for members of control_group */
#define PAUSE_MS  1000  /* ms, if there is no descriptor for an accept */
#define REPORT_MS 10000 /* ms between two log lines about refused callers */

void peer_end(struct peer *p)
{
    if (!p->used)
        return;
    loop_remove(&p->master->loop, &p->watch);
    loop_timer_clear(&p->master->loop, &p->timer);
    channel_close(&p->channel);
    p->used = false;
    p->master->may_be_over = true;
}

void peer_sent(struct peer *p, int result)
{
    if (result < 0)
        peer_end(p);
}

void peer_answered(struct peer *p, int result)
{
    peer_sent(p, result);
    if (!p->used)
        return;
    p->channel.phase = PHASE_IDLE;
    loop_timer_set(&p->master->loop, &p->timer, p->master->deadlines.ask);
}

void peer_refuse(struct peer *p, enum refusal why, const char *format, ...)
{
    char words[COMPLAINT_MAX];
    va_list args;

    va_start(args, format);
    complaint_list(words, sizeof(words), format, args);
    va_end(args);
    peer_answered(p, SEND(&p->channel, control_refused, p->request,
                          .refusal = why, .why = slice_from(words)));
}

/* Returns true if master may report a caller: once in REPORT_MS, since anybody
 * who can connect to the socket can cause such a report. */
static bool control_may_report(struct master *m)
{
    return debt_take(&m->control->reports, REPORT_MS, REPORT_MS, clock_ms()) ==
           0;
}

static void control_on_message(void *owner, uint32_t events)
{
    struct peer *p = owner;
    int r = request_dispatch(p);

    (void)events;
    if (r == -EPROTO && (!p->reads_only || control_may_report(p->master)))
        master_report(p->master, EVENT_PEER, PROCESS_CTL, "%s",
                      p->channel.wrong);
    if (r < 0)
        peer_end(p);
}

static void control_on_timer(void *owner)
{
    if (!request_waits(owner) && !show_late(owner))
        peer_end(owner);
}

static void peer_blank(struct peer *p, struct master *m)
{
    *p = (struct peer){
        .master = m,
        .channel.fd = -1,
        .timer = { .on_timer = control_on_timer, .owner = p },
    };
}

/* Sends the reason and closes the channel. The caller hasn't sent a request
 * yet, so no message is lost. */
static void control_turn_away(int fd, enum refusal why, const char *words)
{
    struct channel c;

    channel_init(&c, fd, PROCESS_MASTER, PROCESS_CTL, PHASE_IDLE);
    SEND(&c, control_refused, 0, .refusal = why, .why = slice_from(words));
    channel_close(&c);
}

/* Returns a free place, or NULL. Members of control_group get only READERS
 * places, so that root finds a place. */
static struct peer *control_free_peer(struct control *c, bool reads_only)
{
    struct peer *unused = NULL;
    size_t readers = 0;

    for (size_t i = 0; i < MASTER_CALLERS; i++) {
        struct peer *p = &c->peer[i];

        readers += p->used && p->reads_only;
        unused = unused || p->used ? unused : p;
    }
    return reads_only && readers >= READERS ? NULL : unused;
}

static void control_welcome(struct master *m, int fd)
{
    const gid_t group = m->account[ACCOUNT_CONTROL].gid;
    struct ucred who = { .uid = (uid_t)-1 };
    bool known = local_peer(fd, &who) == 0;
    bool reads_only = who.uid != 0 && who.uid != geteuid();
    struct peer *p = control_free_peer(m->control, reads_only);
    char words[96];

    if (!known ||
        (reads_only && (group == 0 || !local_peer_in_group(fd, group)))) {
        snprintf(words, sizeof(words),
                 "only root%s and members of control_group may ask",
                 geteuid() == 0 ? "" : ", the server's own user");
        if (control_may_report(m))
            master_report(m, EVENT_TROUBLE, PROCESS_MASTER,
                          "control socket: uid %lu, pid %ld refused",
                          (unsigned long)who.uid, (long)who.pid);
        control_turn_away(fd, REFUSAL_DENIED, words);
        return;
    }
    if (!p) {
        control_turn_away(fd, REFUSAL_BUSY, "the server is answering others");
        return;
    }
    peer_blank(p, m);
    p->uid = who.uid;
    p->used = true;
    p->reads_only = reads_only;
    channel_init(&p->channel, fd, PROCESS_MASTER, PROCESS_CTL, PHASE_IDLE);
    if (loop_add_reader(&m->loop, &p->watch, fd, control_on_message, p) < 0)
        peer_end(p);
    else
        peer_answered(p, SEND(&p->channel, welcome, 0,
                              .version = SLICE(SALLYPORT_VERSION),
                              .pid = (uint64_t)getppid()));
}

/* If there is no free descriptor, accepting pauses, since epoll would report
 * the socket again at once. */
static void control_on_knock(void *owner, uint32_t events)
{
    struct master *m = owner;
    struct control *c = m->control;

    (void)events;
    for (int i = 0; i < ACCEPTS; i++) {
        int fd =
            accept4(c->socket.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd >= 0) {
            control_welcome(m, fd);
        } else if (errno != EINTR && errno != ECONNABORTED) {
            if (errno != EAGAIN) {
                loop_change(&m->loop, &c->watch, 0);
                loop_timer_set(&m->loop, &c->pause, PAUSE_MS);
            }
            return;
        }
    }
}

static void control_on_pause_over(void *owner)
{
    struct master *m = owner;

    loop_change(&m->loop, &m->control->watch, EPOLLIN);
}

void control_init(struct control *c, struct master *m)
{
    *c = (struct control){ .socket = { .fd = -1, .directory = -1 },
                           .pause = { .on_timer = control_on_pause_over,
                                      .owner = m },
                           .watch = { .fd = -1,
                                      .events = EPOLLIN,
                                      .on_ready = control_on_knock,
                                      .owner = m } };
    for (size_t i = 0; i < MASTER_CALLERS; i++)
        peer_blank(&c->peer[i], m);
}

static int control_accept(struct control *c)
{
    struct master *m = c->watch.owner;

    c->watch.fd = c->socket.fd;
    return loop_add(&m->loop, &c->watch);
}

int control_start(struct control *c)
{
    return c->socket.fd < 0 || c->socket.inherited ? 0 : control_accept(c);
}

void control_lead(struct control *c)
{
    if (c->socket.fd >= 0 && c->socket.inherited && control_accept(c) < 0)
        master_report(c->watch.owner, EVENT_TROUBLE, PROCESS_MASTER,
                      "control socket: no memory to watch it");
}

/* Other processes have the same socket, so its close alone doesn't take it out
 * of epoll. */
void control_close(struct control *c, bool remove)
{
    struct master *m = c->watch.owner;

    loop_remove(&m->loop, &c->watch);
    loop_timer_clear(&m->loop, &c->pause);
    control_socket_close(&c->socket, remove);
}

/* After a failure keeps the name, since the next generation uses the socket. A
 * start that inherited the socket and fails also keeps the name, for the
 * leading generation. */
void control_stop(struct control *c)
{
    const struct master *m = c->watch.owner;
    const bool is_last =
        m->succession.leads ? m->status == 0 : !c->socket.inherited;

    for (size_t i = 0; i < MASTER_CALLERS; i++)
        peer_end(&c->peer[i]);
    control_close(c, is_last);
}

void control_renewed(struct master *m, uint32_t number, const char *wrong)
{
    const struct slice why = slice_from(wrong ? wrong : "");
    const bool not_taken = slice_starts(why, SLICE(GENERATION_NOT_TAKEN));
    /* If the reload was only late, the files have no mistake. */
    const bool may_pass = not_taken ||
                          slice_starts(why, SLICE(GENERATION_WAITS)) ||
                          slice_starts(why, SLICE(GENERATION_AGAIN));

    if (number == 0 && wrong)
        master_report(
            m, EVENT_TROUBLE, PROCESS_MASTER, "reload: %s%s",
            not_taken ? "" : "the old configuration and certificates stay: ",
            wrong);
    for (size_t i = 0; i < MASTER_CALLERS && number > 0; i++) {
        struct peer *p = &m->control->peer[i];

        if (!p->used || p->reload_number != number)
            continue;
        p->reload_number = 0;
        if (wrong)
            peer_refuse(p, may_pass ? REFUSAL_BUSY : REFUSAL_BAD_FILE, "%s",
                        wrong);
        else
            request_done(p, 0);
    }
}

/* Members of control_group can't keep an old generation alive. */
bool control_is_idle(const struct control *c)
{
    for (size_t i = 0; i < MASTER_CALLERS; i++)
        if (c->peer[i].used && !c->peer[i].reads_only)
            return false;
    return true;
}
