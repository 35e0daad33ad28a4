/* Functions that all parts of master use: they set master's first values, send
 * master's events, and end master after a failure. */
#include "core.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/random.h"
#include "sallyport/users/users.h"

size_t master_places(const struct master *m)
{
    const uint64_t now = m->settings.max_sessions;

    return (size_t)(m->most_before > now ? m->most_before : now);
}

static void master_on_events(void *owner, uint32_t events)
{
    struct master *m = owner;

    if (events & (EPOLLHUP | EPOLLERR)) {
        loop_remove(&m->loop, &m->events_watch);
        return; /* log has gone; master reports that elsewhere */
    }
    event_flush(&m->events);
    if (!m->events.full)
        loop_change(&m->loop, &m->events_watch, 0);
}

void master_init(struct master *m)
{
    *m = (struct master){
        .conf = -1, .empty = -1, .signals.watch.fd = -1, .loop.epoll_fd = -1
    };
    memset(m->programs, -1, sizeof(m->programs));
    memset(m->memory, -1, sizeof(m->memory));
    memset(m->memory_read, -1, sizeof(m->memory_read));
    succession_init(&m->succession);
    event_sender_init(&m->events, -1, PROCESS_MASTER);
    m->events_watch = (struct loop_watch){ .fd = -1,
                                           .on_ready = master_on_events,
                                           .owner = m };
#define DEADLINE_MS(name, ms) .name = (ms),
    m->deadlines = (struct deadlines){ DEADLINES(DEADLINE_MS) };
    random_bytes(&m->secrets, sizeof(m->secrets));
}

void master_send(struct master *m, const struct event_record *r)
{
    if (m->events.channel.fd < 0)
        return;
    event_send(&m->events, r);
    if (m->events.full)
        loop_change(&m->loop, &m->events_watch, EPOLLOUT);
}

void master_report(struct master *m, enum event e, enum process about,
                   const char *format, ...)
{
    struct event_record r;
    char text[COMPLAINT_MAX];
    va_list args;

    va_start(args, format);
    complaint_list(text, sizeof(text), format, args);
    va_end(args);
    if (!m->logs || m->events.channel.fd < 0)
        stderr_print("%s: %s: %s", event_name(e), process_name(about), text);
    event_begin(&r, e);
    event_text(&r, FIELD_PROCESS, slice_from(process_name(about)));
    event_text(&r, FIELD_REASON, slice_from(text));
    master_send(m, &r);
}

void master_fail(struct master *m, int status, const char *why)
{
    if (m->status == 0) {
        m->status = status;
        stderr_print("%s", why);
        if (m->state == MASTER_STARTING)
            SUCCESSION_SAY(&m->succession, start_failed, 0,
                           .why = slice_from(why));
    }
    loop_stop(&m->loop);
}

int master_open_cached(const char *path, uint64_t flags)
{
    const struct open_how how = { .flags = flags | O_PATH | O_CLOEXEC,
                                  .resolve = RESOLVE_CACHED };

    return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

const struct user *master_user(const struct master *m, const char *name)
{
    return users_find(m->rows, slice_from(name));
}
