/* The handlers of lookup. It gets the host names from master at its start,
 * pauses after each try that fails, sends one address for each name, and ends.
 */
#include "lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <sysexits.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"

/* Standard ones, master, log, the loop, a pipe for each name; the sockets and
 * files of a try. */
#define FILES_MAX 96

/* Where the resolver finds /etc/hosts, resolv.conf (which may be a link into
 * /run), nsswitch.conf, and its libraries. */
static const char *const directories[LOOKUP_DIRECTORIES] = { "/etc", "/run",
                                                             "/usr", "/lib",
                                                             "/lib64" };

static void lookup_init(void *owner)
{
    struct lookup *l = owner;

    *l = (struct lookup){ .frame = l->frame,
                          .resolve = resolve_host,
                          .try_ms = LOOKUP_TRY_MS,
                          .pause_ms = LOOKUP_PAUSE_MS,
                          .pause_max_ms = LOOKUP_PAUSE_MAX_MS };
    for (size_t i = 0; i < LOOKUP_DIRECTORIES; i++)
        l->directory[i].fd = -1;
}

static void lookup_close_directories(struct lookup *l)
{
    for (size_t i = 0; i < LOOKUP_DIRECTORIES; i++)
        fd_close(&l->directory[i].fd);
}

static void lookup_release(void *owner)
{
    struct lookup *l = owner;

    for (size_t i = 0; i < l->count; i++)
        try_end(&l->host[i]);
    lookup_close_directories(l);
}

/* The time of a try, or of the pause after it, is over. */
static void lookup_on_timer(void *owner)
{
    struct host *h = owner;
    struct finding late = { .why = UNRESOLVED_LATE };

    if (h->try == 0) {
        try_begin(h);
        return;
    }
    try_end(h);
    lookup_found(h, &late);
}

/* lookup sends at most two messages for each name, so the socket has room for
 * them. */
static void lookup_sent(int r)
{
    if (r < 0 && r != -EPIPE)
        die(EX_SOFTWARE, "the answer can't be sent: %d", -r);
}

static void lookup_answer(struct host *h, const struct address *a)
{
    struct lookup *l = h->lookup;

    lookup_sent(SEND(&l->frame.master, resolved, 0, .number = h->number,
                     .address = *a));
    if (--l->open == 0)
        loop_stop(&l->frame.loop);
}

static void lookup_rest(struct host *h, enum unresolved why)
{
    struct lookup *l = h->lookup;

    if (!h->failed)
        lookup_sent(SEND(&l->frame.master, unresolved, 0, .number = h->number,
                         .why = why));
    h->failed = true;
    loop_timer_set(&l->frame.loop, &h->timer, h->pause_ms);
    h->pause_ms *= 2;
    if (h->pause_ms > l->pause_max_ms)
        h->pause_ms = l->pause_max_ms;
}

void lookup_found(struct host *h, const struct finding *f)
{
    if (f->address.family != 0)
        lookup_answer(h, &f->address);
    else
        lookup_rest(h, f->why);
}

/* The sandbox is closed. */
static void lookup_on_begin(void *owner)
{
    struct lookup *l = owner;

    lookup_close_directories(l);
    for (size_t i = 0; i < l->count; i++) {
        l->host[i].pause_ms = l->pause_ms;
        try_begin(&l->host[i]);
    }
}

static int lookup_on_host(void *owner, struct msg_host *m)
{
    struct lookup *l = owner;
    struct host *h = &l->host[l->count];

    if (l->count == LOOKUP_HOSTS_MAX)
        return complain(&l->frame.why, "lookup: set-up: too many host names");
    *h = (struct host){ .lookup = l, .number = m->number, .answer = -1 };
    h->timer = (struct loop_timer){ .on_timer = lookup_on_timer, .owner = h };
    l->open = ++l->count;
    return slice_copy(m->name, h->name, sizeof(h->name));
}

/* It needs the system's root directory: /etc/hosts and the like are there. */
static int lookup_complete(void *owner)
{
    struct lookup *l = owner;
    struct sandbox_plan *plan = &l->frame.plan;

    if (l->count == 0)
        return complain(&l->frame.why, "lookup: set-up: no host name");
    fd_close(&plan->root_fd);
    plan->max_files = FILES_MAX;
    plan->beneath = l->directory;
    for (size_t i = 0; i < LOOKUP_DIRECTORIES; i++) {
        struct beneath *one = &l->directory[plan->beneath_count];

        one->may = BENEATH_READ | BENEATH_LIST;
        one->fd = open(directories[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
        plan->beneath_count += one->fd >= 0;
    }
    return 0;
}

static const struct handler lookup_setup[] = {
    FRAME_SETUP_WITH_LOG,
    ON(host, lookup_on_host),
};

const struct frame_row lookup_row = {
    .process = PROCESS_LOOKUP,
    .filter = &filter_lookup,
    .setup = lookup_setup,
    .setup_count = sizeof(lookup_setup) / sizeof(lookup_setup[0]),
    .init = lookup_init,
    .complete = lookup_complete,
    .begin = lookup_on_begin,
    .release = lookup_release,
};
