/* What needs attention, by one table of thresholds, which "doctor" uses too.
 * "doctor --nagios": the state of the running server as a plugin of Nagios
 * reports it, which Icinga, Zabbix and others read too. One line on standard
 * output, with the numbers after a bar, and an exit status from 0 to 3. */
#include "ctl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <time.h>

#include "sallyport/domain/limits.h"

#define DAY_S      86400
#define DAYS_MOST  36500
#define MONITOR_MS 8000 /* such systems wait 10 s */

const struct thresholds monitor_usual = { .warning = { 14, 90 },
                                          .critical = { 3, 100 } };

static const char *const level_words[] = { "OK", "WARNING", "CRITICAL",
                                           "UNKNOWN" };

/* The disk of the homes, or of the shares. */
struct disk {
    const char *key, *path; /* of the setting */
    struct disk_look look;
};
#define DISKS 2

struct health {
    struct thresholds at;
    json_t *status; /* status_read() */
    uint64_t sessions, most;
    int64_t days;  /* of the certificate that expires first */
    bool has_days; /* the server knows some certificate's end */
    struct disk disk[DISKS];
    enum level level; /* the worst so far, and why: */
    char why[COMPLAINT_MAX];
    struct buf *all; /* gets a line for each trouble; or NULL */
};

static void health_worsen(struct health *h, enum level level,
                          const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void health_worsen(struct health *h, enum level level,
                          const char *format, ...)
{
    char text[COMPLAINT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (h->all)
        buf_add_format(h->all, "attention: %s\n", text);
    if (level <= h->level)
        return;
    snprintf(h->why, sizeof(h->why), "%s", text);
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

enum level monitor_days(int64_t left, const struct thresholds *at)
{
    const int64_t days = left / DAY_S;

    if (left <= 0 || days < (int64_t)at->critical.days)
        return LEVEL_CRITICAL;
    return days < (int64_t)at->warning.days ? LEVEL_WARNING : LEVEL_OK;
}

static void health_judge_certificate(struct health *h, const json_t *c)
{
    const char *file = text_of(c, "file", "");
    struct tm tm = { 0 };
    const bool known = strptime(text_of(c, "expires", ""), "%FT%TZ", &tm);
    const int64_t left = timegm(&tm) - time(NULL), days = left / DAY_S;

    if (known && (!h->has_days || days < h->days)) {
        h->days = days;
        h->has_days = true;
    }
    const enum level level = known ? monitor_days(left, &h->at) : LEVEL_OK;
    if (known && left <= 0)
        health_worsen(h, level, "%s has expired", file);
    else if (level != LEVEL_OK)
        health_worsen(h, level, "%s expires in %" PRId64 " d", file, days);
    if (text_of(c, "ocsp_file", NULL) && !text_of(c, "ocsp_until", NULL))
        health_worsen(h, LEVEL_WARNING, "%s has no OCSP response that counts",
                      file);
}

enum level monitor_disk(const char *path, const struct min_free *keep,
                        const struct thresholds *at, struct disk_look *ret,
                        struct complaint *c)
{
    struct statvfs s;

    *ret = (struct disk_look){ .error = disk_room(path, &s) };
    if (ret->error == -ETIMEDOUT) {
        complain(c, "%s: the disk hangs", path);
        return LEVEL_CRITICAL;
    }
    if (ret->error < 0 || s.f_blocks == 0 || s.f_frsize == 0)
        return LEVEL_OK;
    uint64_t used = s.f_blocks - s.f_bfree, all = used + s.f_bavail;
    uint64_t percent = s.f_blocks / 100 * keep->percent * s.f_frsize;

    ret->known = true;
    ret->percent = all > 0 ? 100 - s.f_bavail * 100 / all : 100;
    ret->left = s.f_bavail * s.f_frsize;
    ret->keep = percent > keep->bytes ? percent : keep->bytes;
    if (s.f_bavail == 0 || ret->left < ret->keep) {
        complain(c, "%s: the disk is full up to min_free, uploads fail", path);
        return LEVEL_CRITICAL;
    }
    if (s.f_files > 0 && s.f_favail == 0) {
        complain(c, "%s: the disk has no place for a further file", path);
        return LEVEL_CRITICAL;
    }
    if (ret->percent < at->critical.percent &&
        ret->percent < at->warning.percent)
        return LEVEL_OK;
    complain(c, "%s: %" PRIu64 " %% of the disk", path, ret->percent);
    return ret->percent >= at->critical.percent ? LEVEL_CRITICAL
                                                : LEVEL_WARNING;
}

/* Rounded up: of few sessions, none is no trouble. */
static uint64_t sessions_at(const struct health *h, uint64_t percent)
{
    return h->most / 100 * percent + (h->most % 100 * percent + 99) / 100;
}

static void health_judge(struct health *h)
{
    const char *state = text_of(h->status, "state", "");
    const char *away = text_of(h->status, "away", NULL);
    const char *refused = text_of(h->status, "users_refused", NULL);
    const bool drains = strcmp(state, "draining") == 0;
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(h->status, "certificates"), i, one)
    {
        health_judge_certificate(h, one);
    }
    if (!drains && strcmp(state, "running") != 0)
        health_worsen(h, LEVEL_WARNING, "the server is %s", state);
    if (away)
        health_worsen(h, LEVEL_CRITICAL, "new clients get 421: %s", away);
    if (refused)
        health_worsen(h, LEVEL_WARNING, "the old users stay: %s", refused);
    if (drains)
        health_worsen(h, LEVEL_WARNING, "the server drains");
    if (h->sessions >= sessions_at(h, h->at.critical.percent))
        health_worsen(h, LEVEL_CRITICAL, "%" PRIu64 " of %" PRIu64 " sessions",
                      h->sessions, h->most);
    if (h->sessions >= sessions_at(h, h->at.warning.percent))
        health_worsen(h, LEVEL_WARNING, "%" PRIu64 " of %" PRIu64 " sessions",
                      h->sessions, h->most);
}

static void health_print(const struct health *h)
{
    printf("SALLYPORT %s - ", level_words[h->level]);
    if (h->why[0])
        printf("%s", h->why);
    else
        printf("version %s, %" PRIu64 " of %" PRIu64 " sessions",
               text_of(h->status, "version", ""), h->sessions, h->most);
    printf(" | sessions=%" PRIu64 ";%" PRIu64 ";%" PRIu64 ";0;%" PRIu64
           " logged_in=%" PRIu64,
           h->sessions, sessions_at(h, h->at.warning.percent),
           sessions_at(h, h->at.critical.percent), h->most,
           number_of(h->status, "logged_in"));
    if (h->has_days)
        printf(" certificate_days=%" PRId64 ";%" PRIu64 ":;%" PRIu64 ":",
               h->days, h->at.warning.days, h->at.critical.days);
    for (int i = 0; i < DISKS; i++)
        if (h->disk[i].look.known)
            printf(" %s=%" PRIu64 "%%;%" PRIu64 ";%" PRIu64, h->disk[i].key,
                   h->disk[i].look.percent, h->at.warning.percent,
                   h->at.critical.percent);
    putchar('\n');
}

static struct health health_usual(const struct context *x)
{
    return (struct health){
        .at = monitor_usual,
        .disk = { { .key = "homes", .path = x->settings.homes },
                  { .key = "shares", .path = x->settings.shares } },
    };
}

static int health_look(struct context *x, struct health *h)
{
    int code;

    x->patience = MONITOR_MS;
    code = status_read(x, &h->status);
    if (code)
        return code;
    h->sessions = number_of(h->status, "sessions");
    h->most = number_of(h->status, "max_sessions");
    health_judge(h);
    for (struct disk *d = h->disk; d < h->disk + DISKS; d++) {
        struct complaint why = { "" };
        enum level level = monitor_disk(d->path, &x->settings.min_free, &h->at,
                                        &d->look, &why);

        if (level != LEVEL_OK)
            health_worsen(h, level, "%s", why.text);
    }
    return 0;
}

int monitor_check(struct context *x)
{
    struct health h = health_usual(x);
    int code = threshold_parse(x, "warning", x->args.warning, &h.at.warning);

    if (code == 0)
        code = threshold_parse(x, "critical", x->args.critical, &h.at.critical);
    if (code == 0)
        code = health_look(x, &h);
    if (code == 0) {
        health_print(&h);
        code = (int)h.level;
    }
    json_decref(h.status);
    return code;
}

int monitor_first_look(struct context *x)
{
    struct health h = health_usual(x);
    struct buf trouble;
    int code;

    buf_init(&trouble, 1 << 16);
    h.all = &trouble;
    code = health_look(x, &h);
    if (code == 0)
        printf("server:    version %s, since %s\n"
               "sessions:  %" PRIu64 " of %" PRIu64 ", %" PRIu64 " logged in\n"
               "users:     %" PRIu64 "\n%s%.*s",
               text_of(h.status, "version", ""),
               text_of(h.status, "since", "now"), h.sessions, h.most,
               number_of(h.status, "logged_in"), number_of(h.status, "users"),
               trouble.len ? "" : "attention: nothing\n", (int)trouble.len,
               trouble.len ? trouble.data : "");
    json_decref(h.status);
    buf_release(&trouble);
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
