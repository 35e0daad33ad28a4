/* The session process: a fork of gate, in a sandbox, with one client. It has
 * the sockets and channels that gate has given it, and can make or open nothing
 * else. */
#include "transfer.h"

#include <malloc.h>
#include <signal.h>
#include <stdnoreturn.h>
#include <sysexits.h>
#include <unistd.h>

#include "data.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/pages.h"
#include "sallyport/base/process.h"
#include "sallyport/ftp/listing.h"
#include "sallyport/sandbox/sandbox.h"
#include "sallyport/tls/context.h"

#define SESSION_FILES 64
/* The number of bytes of a transfer's buffers that malloc keeps for the next
 * transfer, which would otherwise ask the kernel for fresh pages. An idle
 * session gives these bytes back (login.c). */
#define KEPT_MEMORY (4 * TRANSFER_BLOCK)
/* Time in ms to wait for the process keys. If keys has died, master starts a
 * new keys at once, which gets the request from the same channel. */
#define SIGN_MS 5000

static const struct session_deadlines usual_deadlines = { .ask = 30000,
                                                          .ask_long = 600000,
                                                          .gate = 30000,
                                                          .gateless = 60000,
                                                          .silent = 10000,
                                                          .log = 20000 };

void session_title(struct session *s)
{
    char peer[ADDRESS_TEXT_MAX];

    address_text(&s->peer, peer);
    if (s->login.user[0])
        process_title("sallyport: session %s (%s)", peer, s->login.user);
    else
        process_title("sallyport: session %s", peer);
}

void session_welcome(struct session *s)
{
    session_title(s);
    report_connect(s);
    if (s->implicit)
        control_secure(s);
    else
        control_reply(s, REPLY_GREETING);
}

static void session_on_log(void *owner, uint32_t events)
{
    struct session *s = owner;

    if (!(events & (EPOLLHUP | EPOLLERR))) {
        loop_timer_clear(&s->loop, &s->log_time); /* log has read events */
        event_flush(&s->log);
        control_after_event(s);
        return;
    }
    /* Master held the other end, and has ended. master_on_channel() gets the
     * end of master's channel, too, and ends the session. */
    loop_remove(&s->loop, &s->log_watch);
    channel_close(&s->log.channel);
}

/* If the client waits for master's answer, the client isn't to blame: its
 * session isn't fruitless. */
static void session_on_login_time(void *owner)
{
    if (state_of_control(owner)->verify)
        control_end(owner, ENDING_NO_LOGIN, REPLY_NOT_ADMITTED,
                    SLICE("Too many logins at once. Try again later"));
    else
        control_end(owner, ENDING_LOGIN_TIME, REPLY_TIMED_OUT, SLICE("login"));
}

static void session_wire(struct session *s, const struct session_start *start)
{
    const struct signer signer = { sign_ask, &s->signer };

    if (loop_init(&s->loop) < 0)
        die(EX_OSERR, "epoll_create1 failed");
    event_sender_init(&s->log, start->log, PROCESS_SESSION);
    s->log_watch = (struct loop_watch){
        .fd = start->log, .events = 0, .on_ready = session_on_log, .owner = s
    };
    if (loop_add(&s->loop, &s->log_watch) < 0)
        die(EX_OSERR, "epoll refuses the log's channel");
    channel_init(&s->master, start->master, PROCESS_SESSION, PROCESS_MASTER,
                 start->proxied ? PHASE_START : PHASE_GREETED);
    if (loop_add_reader(&s->loop, &s->master_watch, start->master,
                        master_on_channel, s) < 0)
        die(EX_OSERR, "epoll refuses the master's channel");
    data_init(s);
    data_gate_start(s, start->gate);
    channel_init(&s->files, -1, PROCESS_SESSION, PROCESS_FILES, PHASE_IDLE);
    transfer_init(s);
    control_start(s, start->control);
    /* Master keeps the other end as long as the session lives, so a restart of
     * keys doesn't affect this channel. */
    channel_init(&s->signer.keys, start->keys, PROCESS_SESSION, PROCESS_KEYS,
                 PHASE_RUN);
    s->signer.ms = SIGN_MS;
    tls_context_signer(s->tls, &signer);
    s->login.timer =
        (struct loop_timer){ .on_timer = session_on_login_time, .owner = s };
    loop_timer_set(&s->loop, &s->login.timer, s->settings->login_timeout);
}

noreturn void session_main(const struct session_start *start)
{
    static struct session session AT_PAGE;
    struct session *s = &session;
    const int keep[] = { start->control, start->master, start->gate, start->log,
                         start->keys };

    stderr_title("sallyport: session");
    fd_close_others(3, keep, sizeof(keep) / sizeof(keep[0]));
    s->settings = start->settings;
    s->deadlines = start->deadlines ? start->deadlines : &usual_deadlines;
    s->tls = start->tls;
    tls_context_forked(s->tls);
    tls_context_lifetime(s->tls, s->settings->ticket_lifetime / 1000);
    s->serial = start->serial;
    tls_context_serial(s->tls, s->serial);
    s->peer = start->peer;
    if (start->proxied)
        s->via = start->peer;
    s->local = start->local;
    s->implicit = start->implicit;
    s->drain_announced = start->drain_announced;
    s->protection = s->implicit ? PROTECTION_P : PROTECTION_NONE;
    s->control.state = start->proxied ? CONTROL_HEADER : CONTROL_PLAIN;
    s->began = clock_ms();
    path_root(&s->cwd);
    s->choices.facts = LISTING_ALL;
    s->choices.mode_z = s->settings->mode_z;
    s->announced = NOT_ANNOUNCED;
    s->ascii = s->settings->ascii; /* RFC 959 3.1.1: TYPE A is the default */
    s->level = MODE_Z_LEVEL;
    mallopt(M_MMAP_THRESHOLD, KEPT_MEMORY);
    mallopt(M_TRIM_THRESHOLD, KEPT_MEMORY);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a write beyond RLIMIT_FSIZE fails with EFBIG */
    session_wire(s, start);
    session_title(s);
    /* Load the stricter system-call policy. The session already has gate's uid
     * and root directory. */
    struct sandbox_plan plan = { .root_fd = -1,
                                 .filter = &filter_session,
                                 .max_files = SESSION_FILES,
                                 .allow_weaker = s->settings->allow_weaker };
    struct complaint c = { "" };
    unsigned weaker;

    event_syscalls_by(&s->log);
    sandbox_on_refused(event_on_syscall);
    if (sandbox_enter(PROCESS_SESSION, &plan, &weaker, &c) < 0)
        die(EX_OSERR, "%s", c.text);
    if (start->proxied)
        proxied_on_control(s, 0);
    else
        session_welcome(s);
    control_after_event(s);
    loop_run(&s->loop);
    die(EX_OSERR, "the loop ended");
}
