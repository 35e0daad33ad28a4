/* The handlers of log: new senders from master, events from senders. It uses
 * only the descriptors that it was given. */
#include "log.h"

#include <sys/mman.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/settings/settings.h"

/* Standard ones, master, output, the loop, and a temporary one. */
#define FILES_BESIDES 16

/* ms for the last events once master has gone: more than a session needs to
 * end, and as long as master waits for a log that it stops. */
#define LAST_MS 2000

static void log_last_on_timer(void *owner)
{
    loop_stop(&((struct log *)owner)->frame.loop);
}

static void log_init(void *owner)
{
    struct log *l = owner;

    *l = (struct log){ .frame = l->frame,
                       .output = -1,
                       .last = { .on_timer = log_last_on_timer, .owner = l } };
    rate_users_init(&l->users, clock_ms());
}

static void log_release(void *owner)
{
    struct log *l = owner;

    senders_read_all(l);
    senders_release(l);
    fd_close(&l->output);
    if (l->metrics)
        munmap(l->metrics, sizeof(*l->metrics));
}

/* Master has gone, and so the service ends. Its sessions notice that now, and
 * still send the events of their unfinished transfers. */
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

static int log_on_conf(void *owner, struct msg_conf *msg)
{
    struct log *l = owner;
    static struct settings settings;
    int r = settings_take(&settings, msg->settings, &l->frame.why);
    uint64_t places;

    if (r < 0)
        return r;
    l->format = (enum log_format)settings.log_format;
    places = settings_places(&settings, msg->before);
    l->frame.plan.max_files = senders_for(places) + FILES_BESIDES;
    return senders_init(l, places);
}

static int log_on_output(void *owner, struct msg_log_output *msg)
{
    struct log *l = owner;

    l->output = fd_take(&msg->output);
    l->prefixed = msg->prefixed;
    return metrics_map(&l->metrics, msg->metrics, PROT_READ | PROT_WRITE);
}

static int log_complete(void *owner)
{
    struct log *l = owner;

    if (!l->sender || l->output < 0)
        return complain(&l->frame.why, "log: set-up: something is missing");
    return 0;
}

/* A system call of log itself was refused. Async-signal-safe: it needs no
 * memory and no lock. */
static void log_on_refused(int number)
{
    char text[] = "log: a system call was refused: 0000\n";
    char *digit = text + sizeof(text) - 3;

    for (int i = 0; i < 4; i++, number /= 10)
        *digit-- = (char)('0' + number % 10);
    (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
}

static const struct handler log_setup[] = {
    FRAME_SETUP,
    ON(conf, log_on_conf),
    ON(log_output, log_on_output),
    ON(log_sender, senders_on_sender),
};

static const struct handler log_work[] = {
    ON(log_sender, senders_on_sender),
};

const struct frame_row log_row = {
    .process = PROCESS_LOG,
    .filter = &filter_log,
    FRAME_HANDLERS(log_setup, log_work),
    .init = log_init,
    .complete = log_complete,
    .on_refused = log_on_refused,
    .on_orphaned = log_on_orphaned,
    .release = log_release,
};
