/* "drain": the server takes no new sessions, and ends each session after its
 * transfer. The command waits for the last one. A server of each version
 * understands what it asks. */
#include "ctl.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "sallyport/base/clock.h"
#include "sallyport/domain/outcome.h"

static int drain_order(struct context *x, enum drain_order order, bool *on)
{
    struct message m;
    struct server s;
    int code = server_open(&s, x);

    if (code == 0)
        code = server_asked(
            &s, SEND(&s.channel, drain, server_request(&s), .order = order),
            &m);
    if (code == 0 && m.kind != MSG_drain_is)
        code = server_lies(x, "no answer to drain");
    *on = code == 0 && m.drain_is.on;
    server_close(&s);
    return code;
}

/* A busy server, or one whose master is started again, answers later. */
static int drain_look(struct context *x, bool *on, uint64_t *sessions)
{
    int code = drain_order(x, DRAIN_ASK, on);

    if (code == 0 && *on)
        code = who_count(x, sessions);
    return code;
}

static bool is_for_now(int code)
{
    return code == EX_TEMPFAIL || code == EX_UNAVAILABLE;
}

/* A script that ends here must not leave a server that refuses everybody. */
static noreturn void drain_ends(struct context *x, int code, const char *why)
{
    struct complaint first = { "" };
    bool on;

    complain(&first, "%s", why);
    if (x->args.stay)
        fail(code,
             "%s, and the server drains on; wait (sallyportctl drain), cut "
             "them (systemctl stop sallyport), or take sessions again "
             "(sallyportctl drain --off)",
             first.text);
    if (drain_order(x, DRAIN_OFF, &on))
        fail(code,
             "%s; the server still drains, since it can't be asked: %s; run: "
             "sallyportctl drain --off",
             first.text, x->complaint.text);
    fail(code,
         "%s, and the server takes sessions again; wait longer (--timeout), "
         "keep it drained (--stay), or cut them (systemctl stop sallyport)",
         first.text);
}

/* Another administrator may end the drain meanwhile. */
static void drain_wait(struct context *x, uint64_t ms)
{
    const struct timespec pause = { .tv_sec = 1 };
    const uint64_t end = clock_ms() + ms;
    uint64_t left = 0, shown = 0;
    char why[COMPLAINT_MAX];
    bool on;

    for (;;) {
        const int code = drain_look(x, &on, &left);

        if (code && !is_for_now(code))
            drain_ends(x, code, x->complaint.text);
        if (code == 0 && !on)
            fail(EX_TEMPFAIL, "the server takes sessions again; somebody has "
                              "ended the drain");
        if (code == 0 && left == 0)
            return;
        if (code == 0 && left != shown) {
            printf("%" PRIu64 " session%s left\n", left, left == 1 ? "" : "s");
            fflush(stdout);
            shown = left;
        }
        snprintf(why, sizeof(why), "left are %" PRIu64 " sessions", left);
        if (clock_ms() >= end)
            drain_ends(x, EX_TEMPFAIL, code ? x->complaint.text : why);
        x->complaint.text[0] = '\0';
        nanosleep(&pause, NULL);
    }
}

/* A proxy stops to send clients before any of them is turned away. */
static void drain_announce(struct context *x, const char *time)
{
    struct timespec rest = { 0 };
    uint64_t seconds;
    bool on;

    need(x, arguments_seconds(x, "announce", time, &seconds));
    need(x, drain_order(x, DRAIN_ANNOUNCE, &on));
    printf("announced to proxies; the drain begins in %" PRIu64 " s\n",
           seconds);
    fflush(stdout);
    rest.tv_sec = (time_t)seconds;
    while (nanosleep(&rest, &rest) < 0 && errno == EINTR)
        ;
}

void drain_run(void)
{
    struct context *x = &ctl;
    uint64_t ms = x->settings.drain_timeout, seconds;
    bool on;
    int code;

    if (x->args.off) {
        need(x, drain_order(x, DRAIN_OFF, &on));
        puts("the server takes sessions again");
        return;
    }
    if (x->args.timeout) {
        need(x, arguments_seconds(x, "timeout", x->args.timeout, &seconds));
        ms = seconds * 1000;
    }
    if (x->args.announce)
        drain_announce(x, x->args.announce);
    code = drain_order(x, DRAIN_ON, &on);
    if (code == EX_TEMPFAIL || (code && x->args.announce))
        drain_ends(x, code, x->complaint.text);
    need(x, code);
    drain_wait(x, ms);
    puts("drained: no session is left, and clients get 421. Stop the server "
         "(systemctl stop sallyport), or take sessions again (sallyportctl "
         "drain --off)");
}
