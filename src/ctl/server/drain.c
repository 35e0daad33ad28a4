/* "drain": the server takes no new sessions, and ends each session after its
 * transfer. The command waits for the last one. A server of each version
 * understands what it asks. */
#include "ctl.h"

#include <inttypes.h>
#include <time.h>

#include "sallyport/base/clock.h"
#include "sallyport/domain/outcome.h"

/* The drain begins in MS. */
static int drain_order(struct context *x, enum drain_order order, uint64_t ms,
                       struct msg_drain_is *is)
{
    struct message m;
    struct server s;
    int code = server_open(&s, x);

    if (code == 0)
        code = server_asked(&s,
                            SEND(&s.channel, drain, server_request(&s),
                                 .order = order, .ms = ms),
                            &m);
    if (code == 0 && m.kind != MSG_drain_is)
        code = server_lies(x, "no answer to drain");
    *is = code == 0 ? m.drain_is : (struct msg_drain_is){ 0 };
    server_close(&s);
    return code;
}

/* A busy server answers later; so does one that starts master again. */
static bool is_for_now(int code)
{
    return code == EX_TEMPFAIL || code == EX_UNAVAILABLE;
}

/* A script that ends here must not leave a server that refuses everybody. */
static noreturn void drain_ends(struct context *x, int code, const char *why)
{
    struct complaint first = { "" };
    struct msg_drain_is is;

    complain(&first, "%s", why);
    if (x->args.stay)
        fail(code,
             "%s, and the server drains on; wait (sallyportctl drain), cut "
             "them (systemctl stop sallyport), or take sessions again "
             "(sallyportctl drain --off)",
             first.text);
    if (drain_order(x, DRAIN_OFF, 0, &is))
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
    struct msg_drain_is is = { 0 };
    uint64_t left = 0, shown = 0;
    char why[COMPLAINT_MAX];

    for (;;) {
        const int code = drain_order(x, DRAIN_ASK, 0, &is);

        if (code && !is_for_now(code))
            drain_ends(x, code, x->complaint.text);
        if (code == 0 && !is.on)
            fail(EX_TEMPFAIL, "the server takes sessions again; somebody has "
                              "ended the drain");
        if (code == 0)
            left = is.sessions;
        if (code == 0 && is.ms == 0 && left == 0)
            return;
        if (code == 0 && is.ms == 0 && left != shown) {
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

void drain_run(void)
{
    struct context *x = &ctl;
    uint64_t ms = x->settings.drain_timeout, seconds, rest = 0;
    struct msg_drain_is is;
    int code;

    if (x->args.off) {
        need(x, drain_order(x, DRAIN_OFF, 0, &is));
        puts("the server takes sessions again");
        return;
    }
    if (x->args.timeout) {
        need(x, arguments_seconds(x, "timeout", x->args.timeout, &seconds));
        ms = seconds * 1000;
    }
    /* The server begins an announced drain by itself: a proxy stops to send
     * clients before any of them is turned away. */
    if (x->args.announce) {
        need(x, arguments_seconds(x, "announce", x->args.announce, &seconds));
        rest = seconds * 1000;
    }
    code = drain_order(x, DRAIN_ON, rest, &is);
    if (code == EX_TEMPFAIL)
        drain_ends(x, code, x->complaint.text);
    need(x, code);
    if (x->args.announce)
        printf("announced to proxies; the drain begins in %" PRIu64 " s\n",
               (is.ms + 999) / 1000);
    fflush(stdout);
    drain_wait(x, ms + rest);
    puts("drained: no session is left, and clients get 421. Stop the server "
         "(systemctl stop sallyport), or take sessions again (sallyportctl "
         "drain --off)");
}
