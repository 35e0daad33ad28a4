/* "drain": makes the server refuse new sessions, and end each session after its
 * transfer. Waits for the end of the last session. Servers of all versions
 * understand these requests. */
#include "ctl.h"
#include <signal.h>

#include <inttypes.h>
#include <time.h>

#include "sallyport/base/clock.h"
#include "sallyport/domain/outcome.h"

struct drain {
    enum drain_order order;
    uint64_t ms; /* before an announced drain begins */
    struct msg_drain_is is;
};

static void drain_ask(void *data)
{
    struct drain *d = data;
    struct message m;

    server_open();
    SERVER_ASK(&m, drain_is, drain, .order = d->order, .ms = d->ms);
    server_close();
    d->is = m.drain_is;
}

/* Ends the drain before the command fails: a script that ends here must not
 * leave a server that refuses everybody. */
static noreturn void drain_ends(int code, const char *why)
{
    struct drain off = { .order = DRAIN_OFF };
    struct complaint second;

    if (fail_caught(drain_ask, &off, &second))
        fail(code,
             "%s; the server still drains, and can't be told to stop draining: "
             "%s; run: sallyportctl drain --off",
             why, second.text);
    fail(code,
         "%s; the drain was ended, and the server takes sessions again; give a "
         "longer --timeout, or end the sessions: systemctl stop sallyport",
         why);
}

/* Waits for the end of the last session, for at most MS milliseconds. Fails if
 * another administrator ends the drain, or stops the server meanwhile. Retries
 * while the server is busy, this machine has no descriptors, or the supervisor
 * restarts master and keeps the socket. */
static void drain_wait(uint64_t ms)
{
    const struct timespec pause = { .tv_sec = 1 };
    const uint64_t end = clock_ms() + ms;
    struct drain d = { .order = DRAIN_ASK };
    const struct msg_drain_is *is = &d.is;
    uint64_t shown = 0;
    struct complaint why;
    bool gone = false;

    for (;; nanosleep(&pause, NULL)) {
        const int code = fail_caught(drain_ask, &d, &why);

        if (code && code != EX_TEMPFAIL && code != EX_OSERR &&
            code != EX_UNAVAILABLE)
            drain_ends(code, why.text);
        if (gone && code == EX_UNAVAILABLE)
            fail(code, "the server has stopped: %s", why.text);
        gone = code == EX_UNAVAILABLE;
        if (code == 0) {
            if (!is->on)
                fail(EX_TEMPFAIL, "the server takes sessions again; somebody "
                                  "has ended the drain");
            if (is->ms == 0 && is->sessions == 0)
                return;
            snprintf(why.text, sizeof(why.text), "%" PRIu64 " session%s left",
                     is->sessions, is->sessions == 1 ? "" : "s");
            if (is->ms == 0 && is->sessions != shown) {
                shown = is->sessions;
                puts(why.text);
                fflush(stdout);
            }
        }
        if (clock_ms() >= end)
            drain_ends(EX_TEMPFAIL, why.text);
    }
}

/* Writes out what was printed, or ends the drain. */
static void drain_flush(void)
{
    if (fflush(stdout) == EOF || ferror(stdout))
        drain_ends(EX_IOERR, "standard output can't be written");
}

void drain_run(void)
{
    const struct arguments *a = &ctl.args;
    const uint64_t ms = a->timeout
                            ? arguments_seconds("timeout", a->timeout) * 1000
                            : ctl.settings.drain_timeout;
    struct drain d = { .order = a->off ? DRAIN_OFF : DRAIN_ON };
    struct complaint why;

    signal(SIGPIPE, SIG_IGN); /* drain_ends() says what can't be written */
    /* The server itself begins an announced drain after this time, so that
     * proxies stop sending clients before it refuses any client. */
    if (a->announce)
        d.ms = arguments_seconds("announce", a->announce) * 1000;
    const int code = fail_caught(drain_ask, &d, &why);
    if (code == EX_TEMPFAIL && !a->off)
        drain_ends(code, why.text);
    if (code)
        fail(code, "%s", why.text);
    if (a->off) {
        puts("the server takes sessions again");
        return;
    }
    if (a->announce)
        printf("announced to proxies; the drain begins in %" PRIu64 " s\n",
               (d.is.ms + 999) / 1000);
    drain_flush();
    drain_wait(ms + d.ms);
    complaint_write(why.text, sizeof(why.text),
                    "drained: no session is left, and clients get 421. Stop "
                    "the server (systemctl stop sallyport), or, to take "
                    "sessions again, run: sallyportctl drain --off");
    puts(why.text);
    drain_flush();
}
