/* The handlers of log: new senders from master, events from senders. Log uses
 * only the descriptors that master gave it. */
#include "log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"

/* Descriptors besides the senders: the standard ones, master, output, the loop,
 * and a temporary one. */
#define FILES_BESIDES 16

/* Senders for each session: the session, its files, and an earlier session that
 * ended while there was no log. */
#define OF_SESSION      3
#define SENDERS_BESIDES 32

/* ms for the last events once master has gone: more than a session needs to
 * end, and less than master waits for a log that it stops. */
#define LAST_MS 2000

static void log_last_on_timer(void *owner)
{
    loop_stop(&((struct log *)owner)->frame.loop);
}

static void log_release(void *owner)
{
    struct log *l = owner;

    senders_read_all(l);
    senders_release(l);
    if (l->metrics && l->metrics->lost > 0)
        line_write_lost(l);
    if (l->metrics && l->metrics->lost > 0)
        stderr_print("lines lost: %llu", (unsigned long long)l->metrics->lost);
    fd_close(&l->output);
    SHARED_UNMAP(l->metrics);
}

/* Master has gone, so the service ends. The sessions notice it at the same
 * time, and still send the events of their unfinished transfers. */
static void log_on_orphaned(void *owner)
{
    struct log *l = owner;

    loop_remove(&l->frame.loop, &l->frame.master_watch);
    channel_close(&l->frame.master);
    loop_timer_set(&l->frame.loop, &l->last, LAST_MS);
    log_sender_ended(l);
}

void log_sender_ended(struct log *l)
{
    if (l->last.armed && l->used == 0)
        loop_stop(&l->frame.loop);
}

static int log_set_up(void *owner)
{
    struct log *l = owner;
    struct setup *s = &l->frame.setup;
    const int memory = s->file[SETUP_METRICS].fd;
    int r;

    l->output = setup_take(s, SETUP_OUTPUT);
    if (l->output < 0 || memory < 0)
        return complain(&l->frame.why, "log: set-up: something is missing");
    l->last = (struct loop_timer){ .on_timer = log_last_on_timer, .owner = l };
    random_bytes(l->users.key, sizeof(l->users.key));
    l->format = (enum log_format)s->log_format;
    l->prefixed = s->prefixed;
    l->senders = (size_t)s->sessions * OF_SESSION + SENDERS_BESIDES;
    l->sender = calloc(l->senders, sizeof(*l->sender));
    l->frame.plan.max_files = l->senders + FILES_BESIDES;
    r = l->sender ? SHARED_MAP(l->metrics, memory, PROT_READ | PROT_WRITE)
                  : -ENOMEM;
    if (r < 0)
        complain(&l->frame.why, "log: set-up: %s", strerror(-r));
    return r;
}

/* Reports a refused system call of log itself. Async-signal-safe: it needs no
 * memory and no lock. */
static void log_on_refused(int number)
{
    char text[] = "log: a system call was refused: 0000\n";
    char *digit = text + sizeof(text) - 3;

    for (int i = 0; i < 4; i++, number /= 10)
        *digit-- = (char)('0' + number % 10);
    (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
}

static const struct handler log_handlers[] = {
    ON(speaker, senders_on_sender),
};

const struct frame_row log_row = {
    .process = PROCESS_LOG,
    .filter = &filter_log,
    FRAME_HANDLERS(log_handlers),
    .set_up = log_set_up,
    .on_refused = log_on_refused,
    .on_orphaned = log_on_orphaned,
    .release = log_release,
};
