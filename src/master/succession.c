/* Master and the supervisor. The names of what is inherited come in a file
 * that the supervisor wrote and sealed, so they are believed. */
#include "succession.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gate.h"
#include "master.h"
#include "request.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/siphash.h"
#include "sallyport/ipc/generation.h"

#define NAMES_MAX (64 << 20)
#define KEEP_MS   10000

void succession_init(struct succession *s)
{
    *s = (struct succession){ .watch.fd = -1 };
    channel_init(&s->supervisor, -1, PROCESS_MASTER, PROCESS_SUPERVISOR,
                 PHASE_RUN);
    buf_init(&s->names, NAMES_MAX);
}

static int compare_heirlooms(const void *a, const void *b)
{
    const struct heirloom *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static int compare_heirloom_name(const void *name, const void *heirloom)
{
    return strcmp(name, ((const struct heirloom *)heirloom)->name);
}

/* "generation 7": a name of the supervisor's, and a number. */
static int read_heading(struct succession *s, struct slice line)
{
    struct slice word;

    if (!slice_cut(&line, ' ', &word))
        return -EPROTO;
    s->recovery = slice_equal(word, SLICE("recovery"));
    return slice_number(line, UINT64_MAX, &s->generation);
}

/* "12 listen 0.0.0.0:21"; what follows the line is overwritten by a NUL. */
static int read_heirloom(struct succession *s, struct slice line)
{
    struct slice number;
    uint64_t fd;

    if (!slice_cut(&line, ' ', &number) ||
        slice_number(number, INT32_MAX, &fd) < 0)
        return -EPROTO;
    ((char *)(uintptr_t)line.ptr)[line.len] = '\0';
    s->heirloom[s->count++] = (struct heirloom){ line.ptr, (int)fd };
    return fd_set_cloexec((int)fd, true);
}

static int read_names(struct succession *s)
{
    struct slice text, line;
    size_t lines = 0;
    int r = fd_read_file(GENERATION_NAMES_FD, &s->names);

    if (r < 0)
        return r;
    text = buf_slice(&s->names);
    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    s->heirloom = calloc(lines + 1, sizeof(*s->heirloom));
    if (!s->heirloom)
        return -ENOMEM;
    if (!slice_cut(&text, '\n', &line) || read_heading(s, line) < 0)
        return -EPROTO;
    while (r == 0 && slice_cut(&text, '\n', &line) && line.len > 0)
        r = read_heirloom(s, line);
    qsort(s->heirloom, s->count, sizeof(*s->heirloom), compare_heirlooms);
    return r;
}

int succession_open(struct succession *s)
{
    int names = GENERATION_NAMES_FD;
    int r = fd_set_cloexec(GENERATION_CHANNEL_FD, true);

    if (r == 0)
        r = read_names(s);
    if (r < 0)
        return r;
    fd_close(&names);
    channel_init(&s->supervisor, GENERATION_CHANNEL_FD, PROCESS_MASTER,
                 PROCESS_SUPERVISOR, PHASE_RUN);
    return SEND(&s->supervisor, hello, 0, .version = GENERATION_VERSION);
}

void succession_settle(struct succession *s)
{
    for (size_t i = 0; i < s->count; i++)
        fd_close(&s->heirloom[i].fd);
}

void succession_release(struct succession *s)
{
    succession_settle(s);
    free(s->heirloom);
    buf_release(&s->names);
    channel_close(&s->supervisor);
    succession_init(s);
}

static struct heirloom *find_heirloom(const struct succession *s,
                                      const char *name)
{
    if (!s || s->count == 0)
        return NULL;
    return bsearch(name, s->heirloom, s->count, sizeof(*s->heirloom),
                   compare_heirloom_name);
}

int succession_inherit(struct succession *s, const char *name)
{
    struct heirloom *found = find_heirloom(s, name);

    return found ? fd_take(&found->fd) : -1;
}

int succession_inherit_any(struct succession *s, const char *kind)
{
    for (size_t i = 0; s && i < s->count; i++)
        if (s->heirloom[i].fd >= 0 &&
            strncmp(s->heirloom[i].name, kind, strlen(kind)) == 0)
            return fd_take(&s->heirloom[i].fd);
    return -1;
}

/* A path may be longer than a name. */
static const char *name_of_file(const char *path,
                                char name[GENERATION_NAME_MAX])
{
    static const uint8_t key[SIPHASH_KEY];

    snprintf(name, GENERATION_NAME_MAX, "file %016llx",
             (unsigned long long)siphash(key, path, strlen(path)));
    return name;
}

/* A copy: several settings may name the same file. */
int succession_recover_file(struct succession *s, const char *path)
{
    char name[GENERATION_NAME_MAX];
    const struct heirloom *found =
        s->recovery ? find_heirloom(s, name_of_file(path, name)) : NULL;

    return found && found->fd >= 0 ? fcntl(found->fd, F_DUPFD_CLOEXEC, 0) : -1;
}

bool succession_had_file(const struct succession *s, const char *path, int fd)
{
    char name[GENERATION_NAME_MAX];
    const struct heirloom *found = find_heirloom(s, name_of_file(path, name));
    struct stat then, now;

    return found && found->fd >= 0 && fd >= 0 && fstat(found->fd, &then) == 0 &&
           fstat(fd, &now) == 0 && then.st_dev == now.st_dev &&
           then.st_ino == now.st_ino && then.st_size == now.st_size &&
           then.st_mtim.tv_sec == now.st_mtim.tv_sec &&
           then.st_mtim.tv_nsec == now.st_mtim.tv_nsec;
}

int succession_keep_file(struct succession *s, const char *path, int fd)
{
    char name[GENERATION_NAME_MAX];

    return succession_keep(s, name_of_file(path, name), fd);
}

int succession_keep(struct succession *s, const char *name, int fd)
{
    struct pollfd one = { .fd = s ? s->supervisor.fd : -1, .events = POLLOUT };
    int r;

    if (one.fd < 0)
        return 0;
    do
        r = SEND(&s->supervisor, keep, 0, .name = slice_from(name), .file = fd);
    while (r == -EAGAIN && poll(&one, 1, KEEP_MS) == 1);
    return r;
}

static int succession_on_lead(void *owner, struct msg_lead *l)
{
    struct master *m = owner;
    struct child *gate = master_gate(m);

    (void)l;
    m->succession.leads = true;
    if (gate && !m->succession.adopts)
        gate_open(gate);
    control_lead(&m->control);
    return 0;
}

static int succession_on_take_over(void *owner, struct msg_take_over *t)
{
    struct master *m = owner;
    struct child *gate = master_gate(m);

    m->succession.adopts =
        gate && SEND(&gate->channel, adopt, 0, .gate = t->gate) == 0;
    return 0;
}

static int succession_on_predecessor(void *owner, struct msg_predecessor *p)
{
    older_add(owner, p->generation, fd_take(&p->master));
    return 0;
}

static int succession_on_step_down(void *owner, struct msg_step_down *d)
{
    drain_step_down(owner, fd_take(&d->gate));
    return 0;
}

static int succession_on_successor(void *owner, struct msg_successor *s)
{
    drain_successor(owner, fd_take(&s->master));
    return 0;
}

static int succession_on_renewed(void *owner, struct msg_renewed *r)
{
    char why[COMPLAINT_MAX];

    slice_copy(r->why, why, sizeof(why));
    request_renewed(owner, r->request, r->done ? NULL : why);
    return 0;
}

static const struct handler succession_handlers[] = {
    ON(take_over, succession_on_take_over),
    ON(predecessor, succession_on_predecessor),
    ON(lead, succession_on_lead),
    ON(step_down, succession_on_step_down),
    ON(successor, succession_on_successor),
    ON(renewed, succession_on_renewed),
};

/* Without the supervisor nobody would ever end or follow this generation. When
 * it dies, the kernel kills master (PR_SET_PDEATHSIG), but may close the
 * channel first. Master doesn't use that moment to tell the sessions of an
 * orderly stop. */
static void succession_on_readable(void *owner, uint32_t events)
{
    struct master *m = owner;
    struct succession *s = &m->succession;
    int r = channel_dispatch(
        &s->supervisor, succession_handlers,
        sizeof(succession_handlers) / sizeof(succession_handlers[0]), m);

    (void)events;
    if (r == 0)
        return;
    if (r != -EPROTO)
        kill(getpid(), SIGKILL);
    master_report(m, EVENT_PEER, PROCESS_SUPERVISOR, "%s", s->supervisor.wrong);
    loop_remove(&m->loop, &s->watch);
    channel_close(&s->supervisor);
    master_stop(m);
}

int succession_start(struct master *m)
{
    struct succession *s = &m->succession;

    if (s->supervisor.fd < 0)
        return 0;
    s->watch = (struct loop_watch){ .fd = s->supervisor.fd,
                                    .events = EPOLLIN,
                                    .on_ready = succession_on_readable,
                                    .owner = m };
    return loop_add(&m->loop, &s->watch);
}

void succession_failed(struct succession *s, const char *why)
{
    SEND(&s->supervisor, start_failed, 0, .why = slice_from(why));
}

/* Without a supervisor, in a test, nobody else could lead. */
void succession_up(struct master *m)
{
    struct succession *s = &m->succession;

    if (s->supervisor.fd < 0) {
        struct child *gate = master_gate(m);

        s->leads = true;
        if (gate)
            gate_open(gate);
    } else {
        SEND(&s->supervisor, up, 0);
    }
}

void succession_leading(struct master *m)
{
    struct succession *s = &m->succession;

    if (s->generation > 1)
        master_report(m, EVENT_SERVICE, PROCESS_MASTER, "%s",
                      s->recovery ? "takes the place of processes that failed"
                                  : "reload: the new configuration and "
                                    "certificates are in use");
    SEND(&s->supervisor, leading, 0);
}

void succession_gate_lost(struct master *m, bool handed_over)
{
    SEND(&m->succession.supervisor, gate_lost, 0, .handed_over = handed_over);
}

uint32_t succession_renew(struct master *m)
{
    struct channel *to = &m->succession.supervisor;
    uint32_t request = channel_next(to);

    return SEND(to, renew, request) == 0 ? request : 0;
}
