/* "check": the state of the running server as a plugin of Nagios reports it,
 * which Icinga, Zabbix and others read too. One line on standard output, with
 * the numbers after a bar, and an exit status from 0 to 3. */
#include "ctl.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#define DAY_S        86400
#define DAYS_MOST    36500
#define MONITOR_MS   8000 /* such systems wait 10 s */
#define MONITOR_PATH (4 * MESSAGE_TEXT_MAX + 1)

enum level { LEVEL_OK, LEVEL_WARNING, LEVEL_CRITICAL, LEVEL_UNKNOWN };

static const char *const level_words[] = { "OK", "WARNING", "CRITICAL",
                                           "UNKNOWN" };

/* Fewer days of a certificate, or more sessions in percent of max_sessions,
 * are trouble. */
struct threshold {
    uint64_t days, percent;
};

struct health {
    struct threshold warning, critical;
    struct msg_status_is status;
    int64_t days;     /* of the certificate that expires first */
    bool has_days;    /* the server knows some certificate's end */
    enum level level; /* the worst so far, and why: */
    char why[COMPLAINT_MAX];
};

static void health_worsen(struct health *h, enum level level,
                          const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void health_worsen(struct health *h, enum level level,
                          const char *format, ...)
{
    va_list args;

    if (level <= h->level)
        return;
    va_start(args, format);
    vsnprintf(h->why, sizeof(h->why), format, args);
    va_end(args);
    h->level = level;
}

static int threshold_parse(struct context *x, const char *option,
                           const char *text, struct threshold *ret)
{
    struct slice percent = slice_from(text ? text : ""), days;

    if (!text)
        return 0;
    slice_cut(&percent, ',', &days);
    if (slice_number(days, DAYS_MOST, &ret->days) == 0 &&
        slice_number(percent, 100, &ret->percent) == 0)
        return 0;
    return ctl_fail(x, EX_USAGE,
                    "--%s %s: use days, a comma and percent, such as 14,90",
                    option, text);
}

static int health_take_certificate(struct server *s,
                                   const struct msg_status_certificate *msg,
                                   struct health *h)
{
    int64_t now = time(NULL), days = (msg->expires - now) / DAY_S;
    char path[MONITOR_PATH];

    if (server_escape(msg->path, path, sizeof(path)) < 0)
        return server_lies(s->x, "a path that is too long");
    if (msg->expires > 0 && (!h->has_days || days < h->days)) {
        h->days = days;
        h->has_days = true;
    }
    if (msg->expires > 0 && msg->expires <= now)
        health_worsen(h, LEVEL_CRITICAL, "%s has expired", path);
    else if (msg->expires > 0 && days < (int64_t)h->critical.days)
        health_worsen(h, LEVEL_CRITICAL, "%s expires in %" PRId64 " d", path,
                      days);
    else if (msg->expires > 0 && days < (int64_t)h->warning.days)
        health_worsen(h, LEVEL_WARNING, "%s expires in %" PRId64 " d", path,
                      days);
    if (msg->staple_path.len > 0 && msg->staple_until <= now)
        health_worsen(h, LEVEL_WARNING, "%s has no OCSP response that counts",
                      path);
    return 0;
}

static int health_ask(struct server *s, struct health *h)
{
    struct message m;
    int code =
        server_asked(s, SEND(&s->channel, status, server_request(s)), &m);

    while (code == 0 && m.kind != MSG_status_is) {
        if (m.kind == MSG_status_certificate)
            code = health_take_certificate(s, &m.status_certificate, h);
        else if (m.kind != MSG_status_listener)
            code = server_lies(s->x, "no answer to status");
        if (code == 0)
            code = server_next(s, &m);
    }
    if (code == 0)
        h->status = m.status_is;
    return code;
}

static uint64_t sessions_at(const struct health *h, uint64_t percent)
{
    return h->status.limit / 100 * percent +
           h->status.limit % 100 * percent / 100;
}

static void health_judge(struct health *h)
{
    const struct msg_status_is *s = &h->status;

    if (s->state != SERVER_RUNS)
        health_worsen(h, LEVEL_WARNING, "the server is %s",
                      s->state == SERVER_STARTS ? "starting" : "stopping");
    if (s->sessions >= sessions_at(h, h->critical.percent))
        health_worsen(h, LEVEL_CRITICAL, "%" PRIu64 " of %" PRIu64 " sessions",
                      s->sessions, s->limit);
    if (s->sessions >= sessions_at(h, h->warning.percent))
        health_worsen(h, LEVEL_WARNING, "%" PRIu64 " of %" PRIu64 " sessions",
                      s->sessions, s->limit);
}

static void health_print(const struct server *s, const struct health *h)
{
    printf("SALLYPORT %s - ", level_words[h->level]);
    if (h->why[0])
        printf("%s", h->why);
    else
        printf("version %s, %" PRIu64 " of %" PRIu64 " sessions", s->version,
               h->status.sessions, h->status.limit);
    printf(" | sessions=%" PRIu64 ";%" PRIu64 ";%" PRIu64 ";0;%" PRIu64
           " logged_in=%" PRIu64,
           h->status.sessions, sessions_at(h, h->warning.percent),
           sessions_at(h, h->critical.percent), h->status.limit,
           h->status.logged_in);
    if (h->has_days)
        printf(" certificate_days=%" PRId64 ";%" PRIu64 ":;%" PRIu64 ":",
               h->days, h->warning.days, h->critical.days);
    putchar('\n');
}

int monitor_check(struct context *x)
{
    struct health h = { .warning = { 14, 90 }, .critical = { 3, 100 } };
    struct server s;
    int code = threshold_parse(x, "warning", x->args.warning, &h.warning);

    if (code == 0)
        code = threshold_parse(x, "critical", x->args.critical, &h.critical);
    if (code)
        return code;
    x->patience = MONITOR_MS;
    code = server_open(&s, x);
    if (code == 0)
        code = health_ask(&s, &h);
    if (code == 0) {
        health_judge(&h);
        health_print(&s, &h);
        code = (int)h.level;
    }
    server_close(&s);
    return code;
}

/* CODE is one of sysexits.h. A server that doesn't answer is what the check is
 * for; another failure is a mistake of whoever calls it. */
int monitor_failed(struct context *x, int code)
{
    enum level level = code == EX_UNAVAILABLE || code == EX_TEMPFAIL
                           ? LEVEL_CRITICAL
                           : LEVEL_UNKNOWN;

    printf("SALLYPORT %s - %s\n", level_words[level], x->complaint.text);
    x->complaint.text[0] = '\0';
    return (int)level;
}
