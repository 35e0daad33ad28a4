/* One try to find a host's address: a fork with a deadline, which calls the
 * system's resolver and answers by a pipe. Only the fork parses bytes of the
 * network. Lookup takes only an address or a reason from it. Whatever the fork
 * does, it is killed and reaped before the next try of that name. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "lookup.h"
#include "sallyport/base/fd.h"

/* The resolver, in the fork. */

#define ROOM 16384 /* for what libc parses: the largest UDP answer fits */

/* Not 0.0.0.0/8, multicast, reserved or broadcast. */
bool resolve_usable(const struct address *a)
{
    return a->family == 4 && a->bytes[0] != 0 && a->bytes[0] < 224;
}

static enum unresolved why_not(int error)
{
    switch (error) {
    case HOST_NOT_FOUND:
        return UNRESOLVED_UNKNOWN;
    case NO_DATA:
        return UNRESOLVED_UNUSABLE;
    default:
        return UNRESOLVED_SERVER;
    }
}

/* Servers change the order of several addresses from answer to answer. The
 * lowest one stays the same from generation to generation. */
static void choose_lowest(char *const *list, struct address *ret)
{
    for (; *list; list++) {
        struct address a = { .family = 4 };

        memcpy(a.bytes, *list, 4);
        if (resolve_usable(&a) &&
            (ret->family == 0 || memcmp(a.bytes, ret->bytes, 4) < 0))
            *ret = a;
    }
}

/* Not getaddrinfo: it would connect a socket to each address that it found, to
 * put them in an order. */
void resolve_host(const char *name, struct finding *ret)
{
    struct hostent entry, *found = NULL;
    char room[ROOM];
    int error = TRY_AGAIN;

    *ret = (struct finding){ .why = UNRESOLVED_UNUSABLE };
    if (gethostbyname2_r(name, AF_INET, &entry, room, sizeof(room), &found,
                         &error) == 0 &&
        found && found->h_addrtype == AF_INET && found->h_length == 4)
        choose_lowest(found->h_addr_list, &ret->address);
    else if (!found)
        ret->why = why_not(error);
}

/* The fork, from lookup. */

static void report_death(struct frame *f, int signal)
{
    struct event_record r;
    char reason[64];

    snprintf(reason, sizeof(reason), "a lookup ended by signal %d", signal);
    event_begin(&r, EVENT_CHILD);
    event_text(&r, FIELD_REASON, slice_from(reason));
    frame_report(f, &r);
}

void try_end(struct host *h)
{
    struct frame *f = &h->lookup->frame;
    int status = 0;

    loop_timer_clear(&f->loop, &h->timer);
    if (h->try == 0)
        return;
    loop_remove(&f->loop, &h->watch);
    fd_close(&h->answer);
    kill(h->try, SIGKILL);
    while (waitpid(h->try, &status, 0) < 0 && errno == EINTR)
        ;
    h->try = 0;
    if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
        report_death(f, WTERMSIG(status));
}

/* Takes only four bytes or a reason from the answer of the fork. */
static struct finding try_sober(const struct finding *f)
{
    struct finding ret = { .why = UNRESOLVED_FAILED };

    if (resolve_usable(&f->address))
        ret.address = address_prefix(&f->address, 32);
    else if (f->address.family == 0 && f->why < UNRESOLVED_COUNT)
        ret.why = f->why;
    return ret;
}

static void try_on_answer(void *owner, uint32_t events)
{
    struct host *h = owner;
    struct finding f;
    ssize_t got = read(h->answer, &f, sizeof(f));

    (void)events;
    if (got == (ssize_t)sizeof(f))
        f = try_sober(&f);
    else
        f = (struct finding){ .why = UNRESOLVED_FAILED };
    try_end(h);
    lookup_found(h, &f);
}

/* The fork. It can't fork again, and doesn't outlive lookup. Of lookup's own
 * descriptors it has the one to log, for refused system calls. */
static noreturn void try_become(struct host *h, int pipe_end, pid_t parent)
{
    int log = h->lookup->frame.log.channel.fd;
    const int keep[] = { pipe_end, log };
    const struct rlimit none = { 0, 0 };
    struct finding f;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it died before that */
        _exit(EX_SOFTWARE);
    fd_close_others(3, keep, log < 0 ? 1 : 2);
    if (setrlimit(RLIMIT_NPROC, &none) < 0)
        _exit(EX_OSERR);
    h->lookup->resolve(h->name, &f);
    _exit(write(pipe_end, &f, sizeof(f)) == sizeof(f) ? 0 : EX_IOERR);
}

static int try_fork(struct host *h)
{
    pid_t self = getpid(), pid;
    int ends[2];

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    pid = fork();
    if (pid == 0)
        try_become(h, ends[1], self);
    fd_close(&ends[1]);
    if (pid < 0) {
        fd_close(&ends[0]);
        return -EAGAIN;
    }
    h->try = pid;
    h->answer = ends[0];
    return loop_add_reader(&h->lookup->frame.loop, &h->watch, h->answer,
                           try_on_answer, h);
}

void try_begin(struct host *h)
{
    struct finding f = { .why = UNRESOLVED_FAILED };

    if (try_fork(h) == 0) {
        loop_timer_set(&h->lookup->frame.loop, &h->timer, h->lookup->try_ms);
        return;
    }
    try_end(h);
    lookup_found(h, &f);
}
