/* "drain": the server takes no new sessions, and ends each session after its
 * transfer. The command waits for the last one. */
#include "ctl.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "sallyport/base/clock.h"
#include "sallyport/domain/outcome.h"

#define PAUSE_S 1

int drain_ask(struct server *s, enum drain_order order, bool *on)
{
    struct message m;
    int code = server_asked(
        s, SEND(&s->channel, drain, server_request(s), .order = order), &m);

    if (code == 0 && m.kind != MSG_drain_is)
        code = server_lies(s->x, "no answer to drain");
    *on = code == 0 && m.drain_is.on;
    return code;
}

static int drain_order(struct context *x, enum drain_order order, bool *on)
{
    struct server s;
    int code = server_open(&s, x);

    if (code == 0)
        code = drain_ask(&s, order, on);
    server_close(&s);
    return code;
}

struct left {
    uint64_t sessions, transfers;
};

/* A session that doesn't answer may transfer something, once its user is in. */
static bool may_transfer(json_t *row)
{
    return json_is_string(json_object_get(row, "logged_in")) &&
           (json_is_true(json_object_get(row, "busy")) ||
            json_integer_value(json_object_get(row, "ms")) > 0);
}

static int drain_count(struct context *x, struct left *ret)
{
    json_t *all, *row;
    int code = who_read(x, &all);
    size_t i;

    *ret = (struct left){ .sessions = json_array_size(all) };
    json_array_foreach(all, i, row)
    {
        ret->transfers += may_transfer(row);
    }
    json_decref(all);
    return code;
}

static void drain_print(const struct left *now, struct left *shown)
{
    if (now->sessions > 0 && (now->sessions != shown->sessions ||
                              now->transfers != shown->transfers)) {
        printf("%" PRIu64 " transfer%s left, %" PRIu64 " session%s\n",
               now->transfers, now->transfers == 1 ? "" : "s", now->sessions,
               now->sessions == 1 ? "" : "s");
        fflush(stdout);
    }
    *shown = *now;
}

/* A script that ends here must not leave a server that refuses everybody. */
static int drain_is_late(struct context *x, const struct left *left)
{
    bool on;
    int code = x->args.stay ? 0 : drain_order(x, DRAIN_OFF, &on);

    if (code)
        return code;
    return ctl_fail(x, EX_TEMPFAIL,
                    "left are %" PRIu64 " transfer%s and %" PRIu64
                    " session%s, and the server %s",
                    left->transfers, left->transfers == 1 ? "" : "s",
                    left->sessions, left->sessions == 1 ? "" : "s",
                    x->args.stay
                        ? "drains on; wait (sallyportctl drain), cut them "
                          "(systemctl stop sallyport), or take sessions again "
                          "(sallyportctl drain --off)"
                        : "takes sessions again; wait longer (--timeout), keep "
                          "it drained (--stay), or cut them (systemctl stop "
                          "sallyport)");
}

/* Another administrator may end the drain meanwhile. */
static int drain_wait(struct context *x, uint64_t ms)
{
    const struct timespec pause = { .tv_sec = PAUSE_S };
    uint64_t end = clock_ms() + ms;
    struct left left, shown = { 0 };
    bool on;

    for (;;) {
        int code = drain_order(x, DRAIN_ASK, &on);

        if (code == 0 && !on)
            return ctl_fail(x, EX_TEMPFAIL,
                            "the server takes sessions again; somebody has "
                            "ended the drain");
        if (code == 0)
            code = drain_count(x, &left);
        if (code)
            return code;
        drain_print(&left, &shown);
        if (left.sessions == 0)
            return 0;
        if (clock_ms() >= end)
            return drain_is_late(x, &left);
        nanosleep(&pause, NULL);
    }
}

/* A proxy stops to send clients before any of them is turned away. */
static int drain_announce(struct context *x, const char *time)
{
    struct timespec rest = { 0 };
    uint64_t seconds;
    bool on;
    int code = arguments_seconds(x, "announce", time, &seconds);

    if (code == 0)
        code = drain_order(x, DRAIN_ANNOUNCE, &on);
    if (code)
        return code;
    printf("announced to proxies; the drain begins in %" PRIu64 " s\n",
           seconds);
    fflush(stdout);
    rest.tv_sec = (time_t)seconds;
    while (nanosleep(&rest, &rest) < 0 && errno == EINTR)
        ;
    return 0;
}

int drain_run(struct context *x)
{
    uint64_t ms = x->settings.drain_timeout, seconds;
    bool on;
    int code = 0;

    if (x->args.off) {
        code = drain_order(x, DRAIN_OFF, &on);
        if (code == 0)
            puts("the server takes sessions again");
        return code;
    }
    if (x->args.timeout) {
        code = arguments_seconds(x, "timeout", x->args.timeout, &seconds);
        ms = seconds * 1000;
    }
    if (code == 0 && x->args.announce)
        code = drain_announce(x, x->args.announce);
    if (code == 0)
        code = drain_order(x, DRAIN_ON, &on);
    if (code == 0)
        code = drain_wait(x, ms);
    if (code == 0)
        puts("drained: no session is left, and clients get 421. Stop the "
             "server (systemctl stop sallyport), or take sessions again "
             "(sallyportctl drain --off)");
    return code;
}
