/* STATUS= of sd_notify(3), for "systemctl status". The heartbeat brings the
 * numbers, and systemd gets them only if they have changed. Runs in the
 * supervisor. */
#include "supervisor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define WHEN_MAX 32

static void status_send(const struct supervisor *s, const char *before)
{
    const struct shown *t = &s->shown;
    char text[sizeof(t->note) + 160], load[96] = "";

    if (t->loaded)
        snprintf(load, sizeof(load),
                 ", %" PRIu64 " session%s, %" PRIu64
                 " transfer%s since the start",
                 t->sessions, t->sessions == 1 ? "" : "s", t->transfers,
                 t->transfers == 1 ? "" : "s");
    snprintf(text, sizeof(text), "%sSTATUS=serving%s%s%s", before, load,
             t->note[0] ? "; " : "", t->note);
    notify_send(s->notify_fd, text);
}

/* Writes the time in UTC, since local time needs a file. Cuts WHY at its first
 * line end. */
void status_ready(struct supervisor *s, const char *what, const char *why)
{
    time_t now = time(NULL);
    char when[WHEN_MAX] = "";
    struct tm tm;

    if (gmtime_r(&now, &tm))
        strftime(when, sizeof(when), "%Y-%m-%d %H:%M UTC", &tm);
    s->shown.note[0] = '\0';
    if (what[0])
        snprintf(s->shown.note, sizeof(s->shown.note), "%s %s%.*s", what, when,
                 (int)strcspn(why, "\n"), why);
    status_send(s, "READY=1\n");
}

void status_loaded(struct supervisor *s, uint64_t sessions, uint64_t transfers)
{
    struct shown *t = &s->shown;

    if (t->loaded && t->sessions == sessions && t->transfers == transfers)
        return;
    t->loaded = true;
    t->sessions = sessions;
    t->transfers = transfers;
    status_send(s, "");
}
