/* Stops processes: each process that can be stopped shares a word of memory
 * with the test, and both wait for it with futex(2), which the sandbox
 * permits. */
#include "steps.h"

#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/syscall.h>

#include "renames.h"
#include "sallyport/base/clock.h"

enum { FREE, RUNS, HELD, BLOCKED, SENT };

struct steps {
    _Atomic uint32_t at;
    bool returned;        /* steps_next() has returned this stop */
    _Atomic bool at_lock; /* the process stops before its next exclusive lock of
                             a file */
    _Atomic bool at_miss; /* or after its next look at a missing name */
};

/* The steps of this process, and the process of the test, which never stops. */
static struct steps *mine;
static pid_t test;

struct steps *steps_for_next(void)
{
    mine = mmap(NULL, sizeof(*mine), PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(mine, MAP_FAILED);
    test = getpid();
    return mine;
}

void steps_end(struct steps *s)
{
    munmap(s, sizeof(*s));
}

static void let(struct steps *s, uint32_t at)
{
    atomic_store(&s->at, at);
    syscall(SYS_futex, &s->at, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void steps_free(struct steps *s)
{
    let(s, FREE);
}

void steps_hold(struct steps *s)
{
    s->returned = false;
    atomic_store(&s->at, RUNS);
}

void steps_hold_at_lock(struct steps *s)
{
    atomic_store(&s->at_lock, true);
    steps_hold(s);
}

void steps_hold_at_miss(struct steps *s)
{
    atomic_store(&s->at_miss, true);
    steps_hold(s);
}

enum stepped steps_next(struct steps *s, struct peer *p)
{
    struct pollfd answer = { .fd = p->session.fd, .events = POLLIN };
    uint64_t end = clock_ms() + PEER_MS;
    uint32_t at = atomic_load(&s->at);

    if ((at == HELD || at == BLOCKED) && s->returned)
        let(s, RUNS);
    for (;;) {
        const struct timespec soon = { .tv_nsec = 1000000 };
        uint32_t sent = SENT;

        atomic_compare_exchange_strong(&s->at, &sent, RUNS);
        at = atomic_load(&s->at);
        s->returned = at == HELD || at == BLOCKED;
        if (s->returned)
            return at == HELD ? STEPPED_HELD : STEPPED_BLOCKED;
        if (poll(&answer, 1, 0) > 0)
            return STEPPED_ANSWERED;
        cr_assert(clock_ms() < end, "neither a stop nor an answer");
        syscall(SYS_futex, &s->at, FUTEX_WAIT, at, &soon, NULL, 0);
    }
}

static bool is_stepped(void)
{
    return mine && getpid() != test && atomic_load(&mine->at) != FREE;
}

/* Wakes the test for each message, since it can be the answer. */
ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
    ssize_t n = syscall(SYS_sendmsg, fd, m, flags);

    if (is_stepped())
        let(mine, SENT);
    return n;
}

static void stop(uint32_t at)
{
    if (!is_stepped())
        return;
    let(mine, at);
    while (atomic_load(&mine->at) == at)
        syscall(SYS_futex, &mine->at, FUTEX_WAIT, at, NULL, NULL, 0);
}

void steps_on_change(void)
{
    stop(HELD);
}

void steps_on_miss(void)
{
    if (is_stepped() && atomic_exchange(&mine->at_miss, false))
        stop(HELD);
}

static bool is_directory(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Is it the lock that SIZE needs? SIZE opens the partial only for reading or,
 * in a drop, only for writing; then it needs an exclusive lock on NFS. */
static bool is_of_size(int fd, int operation)
{
    return (operation & LOCK_SH || rename_faults.modes) &&
           (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDWR;
}

static bool is_file_for_one(int fd, int operation)
{
    return operation & LOCK_EX && !is_directory(fd);
}

int steps_flock(int fd, int operation)
{
    if (is_stepped() && is_file_for_one(fd, operation) &&
        atomic_exchange(&mine->at_lock, false))
        stop(HELD);
    int r = (int)syscall(SYS_flock, fd, operation);

    if (r < 0 && errno == EWOULDBLOCK &&
        (is_directory(fd) || is_of_size(fd, operation) ||
         rename_faults.nodes)) {
        stop(BLOCKED);
        errno = EWOULDBLOCK;
    }
    return r;
}
