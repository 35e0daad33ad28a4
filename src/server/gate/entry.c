/* The entry of a control connection: gate decides who may enter, makes the
 * channels, and forks the session. Runs in gate, which never reads a byte of
 * the client. A refused client gets one line, if the socket takes the line at
 * once.
 *
 * Gate admits a proxied connection when its session reports the client's
 * address; until then the connection counts for no address. Gate reads no PROXY
 * header itself: it trusts the session's report of what a configured proxy
 * wrote. */
#include "gate.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/stack.h"
#include "sallyport/ftp/reply.h"
#include "sallyport/session/session.h"

/* Returns LIMIT_STARTUPS if the connection must wait: too many clients haven't
 * logged in, others wait in the queue, or master reads too slowly. For an
 * address in `no_ban`, ignores bans and fruitless sessions. */
static enum limit admit_decide(struct gate *g, const struct address *client)
{
    const struct settings *s = &g->settings;
    enum limit limit = LIMIT_NONE;

    if (settings_networks_hold(&s->no_ban, client))
        limit = LIMIT_NONE;
    else if (bans_over(g->bans, &g->ban_index, client, time(NULL)))
        limit = LIMIT_BANNED;
    else if (fruitless_too_many(&g->memory->fruitless, client, s->max_fruitless,
                                clock_ms()))
        limit = LIMIT_FRUITLESS;
    if (limit == LIMIT_NONE)
        limit = limits_check_client(&g->limits, client);
    if (limit == LIMIT_NONE && (g->master_slow || g->queue.count > 0))
        limit = LIMIT_STARTUPS;
    return limit;
}

int admit_refuse(struct gate_child *c, uint32_t request,
                 const struct address *client, enum limit limit)
{
    report_refused(c->gate, client, &c->local, limit_texts[limit].reason);
    return SEND(&c->channel, not_admitted, request,
                .why = slice_from(limit_texts[limit].words));
}

/* Tells master of the client; master then answers the session. */
int admit_begin(struct gate_child *c, uint32_t request)
{
    int r = SEND(&c->gate->frame.master, session_peer, 0, .serial = c->serial,
                 .peer = c->peer, .server = c->server);

    if (r < 0)
        return admit_refuse(c, request, &c->peer, limit_of(r));
    child_begin_wait(c);
    c->channel.phase = PHASE_RUN;
    acceptor_hold_back(c->gate);
    return 0;
}

/* From now on the session counts for its client's address. */
void admit_note_client(struct gate_child *c, const struct address *client,
                       const struct address *server)
{
    limits_add(&c->gate->limits, client);
    c->known = true;
    c->peer = *client;
    c->server = *server;
    acceptor_hold_back(c->gate);
}

int entry_on_admit(void *owner, struct msg_admit *m)
{
    struct gate_child *c = owner;
    enum limit limit;

    if (m->client.family == 0 || m->client.family != m->server.family)
        return channel_refuse(&c->channel, "a client without an address");
    limit = admit_decide(c->gate, &m->client);
    if (limit != LIMIT_NONE && limit != LIMIT_STARTUPS)
        return admit_refuse(c, m->request, &m->client, limit);
    admit_note_client(c, &m->client, &m->server);
    if (limit == LIMIT_NONE)
        return admit_begin(c, m->request);
    limit = queue_add_child(c, m->request);
    return limit == LIMIT_NONE ? 0
                               : admit_refuse(c, m->request, &m->client, limit);
}

#define REPLY_MAX 512

enum { TO_MASTER, TO_GATE, TO_LOG, TO_KEYS, PAIRS };

/* In each pair, [0] is the session's end, and [1] is the other process's end.
 */
struct session_pairs {
    int end[PAIRS][2];
};

static void pairs_close(struct session_pairs *p)
{
    for (int i = 0; i < PAIRS; i++) {
        fd_close(&p->end[i][0]);
        fd_close(&p->end[i][1]);
    }
}

/* The child's set-up. Gate fills it before the fork, since the tables don't
 * exist in the child. It is static, since the child wipes the stack. */
static struct session_start entry_start_of_child;

/* Runs in the child. First wipes the inherited memory about other clients: the
 * last messages, and the stack with the callers' frames. After that it uses no
 * variable of this frame. The child still ignores the signals that a terminal
 * or systemd sends to all processes: master ends sessions in order, so that no
 * session seems to have crashed. */
__attribute__((noinline)) static noreturn void entry_child(struct gate *g)
{
    channel_forget();
    event_sender_release(&g->frame.log);
    if (g->stack)
        stack_wipe_above(__builtin_frame_address(0), g->stack);
    session_main(&entry_start_of_child);
}

/* Returns the session's pid or -errno. */
static pid_t entry_fork(const struct gate_child *c, const struct accepted *e,
                        const struct session_pairs *pairs)
{
    struct gate *g = c->gate;
    long pid;

    entry_start_of_child =
        (struct session_start){ .settings = &g->settings,
                                .tls = g->tls,
                                .control = e->control,
                                .master = pairs->end[TO_MASTER][0],
                                .gate = pairs->end[TO_GATE][0],
                                .log = pairs->end[TO_LOG][0],
                                .keys = pairs->end[TO_KEYS][0],
                                .serial = c->serial,
                                .peer = e->peer,
                                .local = e->local,
                                .implicit = e->at->implicit,
                                .proxied = e->at->proxied,
                                .drain_announced =
                                    board_announces_drain(g->board) };
    /* Master is the session's parent: so it can kill and reap sessions, even
     * after gate has ended. fork(3) would also reset locks, which only threads
     * need, and these writes would cost each session three pages more. */
    pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0) {
        stack_wipe_below();
        entry_child(g);
    }
    return pid < 0 ? -errno : (pid_t)pid;
}

/* If gate can't tell master of a session, gate closes the session's channels,
 * and the session ends, perhaps after its greeting. */
static int entry_start(struct gate *g, const struct accepted *e)
{
    struct session_pairs pairs __attribute__((cleanup(pairs_close)));
    struct gate_child *c;
    int r = 0;

    memset(&pairs, -1, sizeof(pairs));
    for (int i = 0; i < PAIRS && r == 0; i++)
        r = fd_pair(pairs.end[i]);
    if (r < 0)
        return r;
    c = children_add(g, &e->peer, &e->local, e->at->proxied);
    if (!c)
        return -EAGAIN;
    r = entry_fork(c, e, &pairs);
    if (r > 0)
        r = SEND(&g->frame.master, session, 0, .serial = c->serial,
                 .pid = (uint64_t)r, .peer = e->peer, .local = e->local,
                 .listener = e->at->index, .master = pairs.end[TO_MASTER][1],
                 .log = pairs.end[TO_LOG][1], .keys = pairs.end[TO_KEYS][1]);
    if (r < 0)
        child_discard(c);
    else /* last, since child_born() can ask master to kill the session */
        child_born(c, fd_take(&pairs.end[TO_GATE][1]));
    return r;
}

enum limit entry_begin(struct gate *g, const struct accepted *e)
{
    int r = entry_start(g, e);

    acceptor_hold_back(g);
    return limit_of(r);
}

/* Sends no reply to a client of implicit TLS, which expects a handshake. */
void entry_refuse(struct gate *g, const struct accepted *e, enum limit limit)
{
    struct slice words = slice_from(limit_texts[limit].words);
    bool drains = limit == LIMIT_DRAIN;
    struct buf reply;

    buf_init(&reply, REPLY_MAX);
    if (!e->at->implicit &&
        reply_build(&reply, drains ? REPLY_SHUTTING_DOWN : REPLY_NOT_ADMITTED,
                    &words, drains ? 0 : 1) == 0)
        send(e->control, reply.data, reply.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    buf_release(&reply);
    if (limit == LIMIT_AWAY) /* master has logged this state once */
        return;
    report_refused(g, &e->peer, &e->local, limit_texts[limit].reason);
}

/* Admits a connection, or puts it into the queue. */
static enum limit entry_admit(struct gate *g, struct accepted *e)
{
    const bool proxied = e->at->proxied;
    enum limit limit;

    if (proxied && !settings_networks_hold(&g->settings.proxies, &e->peer)) {
        report_refused(g, &e->peer, &e->local, "not a proxy");
        return LIMIT_NONE;
    }
    limit = board_drains(g->board)     ? LIMIT_DRAIN
            : board_get(&g->row->away) ? LIMIT_AWAY
            : proxied                  ? LIMIT_NONE
                                       : admit_decide(g, &e->peer);
    if (limit == LIMIT_NONE)
        limit = limits_check(&g->limits, g->queue.outside);
    if (limit == LIMIT_STARTUPS || limit == LIMIT_SESSIONS)
        return queue_add(g, e);
    return limit == LIMIT_NONE ? entry_begin(g, e) : limit;
}

/* Accepts one connection in a turn of the loop: then a flood on one listener
 * starves neither the other listeners nor the sessions, and for a single
 * connection gate calls accept(2) only once. The look at the board and
 * accept(2) are two steps: if a newer gate takes over in between, this gate
 * still serves the connection. */
static void entry_on_readable(void *owner, uint32_t events)
{
    struct gate_listener *l = owner;
    struct gate *g = l->gate;
    struct address peer;
    int fd;

    (void)events;
    if (!board_accepts(g->board, g->frame.setup.generation)) {
        acceptor_set(l, false);
        return;
    }
    fd = acceptor_accept(l, &peer);
    if (fd >= 0) {
        struct accepted e = { .control = fd, .peer = peer, .at = l };

        if (address_of_socket(fd, &e.local) == 0) {
            enum limit limit = entry_admit(l->gate, &e);

            if (limit != LIMIT_NONE)
                entry_refuse(l->gate, &e, limit);
        }
        fd_close(&e.control);
        return;
    }
    /* This connection was lost before gate accepted it. Gate can still accept
     * the next one. */
    if (fd == -EAGAIN || fd == -ECONNABORTED || fd == -EINTR || fd == -EPROTO)
        return;
    if (fd == -EMFILE || fd == -ENFILE) {
        /* Closes the spare descriptor while gate refuses one connection. */
        struct accepted e = { .local = l->bound, .at = l };

        fd_close(&g->spare_fd);
        e.control = acceptor_accept(l, &e.peer);
        if (e.control >= 0)
            entry_refuse(g, &e, LIMIT_RESOURCES);
        fd_close(&e.control);
        g->spare_fd = fcntl(g->frame.master.fd, F_DUPFD_CLOEXEC, 0);
    }
    /* The listener stays readable while connections wait, so it must leave the
     * loop, or the loop would turn without end. */
    loop_remove(&l->gate->frame.loop, &l->watch);
    loop_timer_set(&l->gate->frame.loop, &l->pause, ACCEPT_PAUSE_MS);
}

int entry_init(struct gate_listener *l)
{
    int r = fd_set_nonblock(l->fd, true);

    l->watch = (struct loop_watch){ .fd = l->fd,
                                    .events = EPOLLIN,
                                    .on_ready = entry_on_readable,
                                    .owner = l };
    l->pause = (struct loop_timer){ .on_timer = acceptor_update, .owner = l };
    return r < 0 ? r : address_of_socket(l->fd, &l->bound);
}
