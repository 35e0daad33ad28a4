/* The addresses of the host names in `address`, once at a start. Check itself
 * asks nobody: a fork for each name calls the system's resolver, and reports by
 * a pipe. Only the fork parses bytes of the network, after it has given up
 * root. Of its answer an address or a reason counts, and nothing else. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/sandbox/sandbox.h"

#define ROOM 16384 /* for what libc parses: the largest UDP answer fits */

static const char *const reasons[UNRESOLVED_COUNT] = {
    [UNRESOLVED_UNKNOWN] = "no such host",
    [UNRESOLVED_UNUSABLE] = "no IPv4 address that clients can connect to",
    [UNRESOLVED_SERVER] = "no answer of a name server",
    [UNRESOLVED_LATE] = "no answer in time",
    [UNRESOLVED_FAILED] = "the process that looked it up died",
};

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
void resolve_host(const char *name, struct resolved *ret)
{
    struct hostent entry, *found = NULL;
    char room[ROOM];
    int error = TRY_AGAIN;

    *ret = (struct resolved){ .why = UNRESOLVED_UNUSABLE };
    if (gethostbyname2_r(name, AF_INET, &entry, room, sizeof(room), &found,
                         &error) == 0 &&
        found && found->h_addrtype == AF_INET && found->h_length == 4)
        choose_lowest(found->h_addr_list, &ret->address);
    else if (!found)
        ret->why = why_not(error);
}

struct
try {
    pid_t pid;  /* 0: the fork failed, or there is no name */
    int answer; /* the read end of its pipe */
};

/* The ids are those of reader, which no account has. */
static noreturn void try_become(bool root, int answer, pid_t parent,
                                const char *name, resolve_fn *resolve)
{
    struct resolved f;

    fd_close_others(3, &answer, 1);
    if (sandbox_give_up(root, SETTINGS_RESERVED_FIRST,
                        SETTINGS_RESERVED_FIRST) < 0)
        _exit(EX_OSERR);
    /* Only now: a change of ids makes the kernel forget it. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it died before that */
        _exit(EX_SOFTWARE);
    resolve(name, &f);
    _exit(write(answer, &f, sizeof(f)) == sizeof(f) ? 0 : EX_IOERR);
}

static struct try try_begin(bool root, const char *name, resolve_fn *resolve)
{
    struct try t = { .answer = -1 };
    const pid_t self = getpid();
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return t;
    t.pid = fork();
    if (t.pid == 0)
        try_become(root, ends[1], self, name, resolve);
    t.answer = ends[0];
    fd_close(&ends[1]);
    if (t.pid < 0)
        t.pid = 0;
    return t;
}

/* An attacker who controls the fork can send anything. */
static struct resolved try_sober(const struct resolved *f)
{
    struct resolved ret = { .why = UNRESOLVED_FAILED };

    if (resolve_usable(&f->address))
        ret.address = address_prefix(&f->address, 32);
    else if (f->address.family == 0 && f->why < UNRESOLVED_COUNT)
        ret.why = f->why;
    return ret;
}

/* Waits for T's answer, and ends T. */
static struct resolved try_end(struct try *t, uint64_t until)
{
    struct pollfd one = { .fd = t->answer, .events = POLLIN };
    struct resolved f, ret = { .why = UNRESOLVED_FAILED };
    const uint64_t now = clock_ms();

    if (t->pid == 0) {
        fd_close(&t->answer);
        return ret;
    }
    if (poll(&one, 1, now < until ? (int)(until - now) : 0) == 0)
        ret.why = UNRESOLVED_LATE;
    else if (read(t->answer, &f, sizeof(f)) == (ssize_t)sizeof(f))
        ret = try_sober(&f);
    fd_close(&t->answer);
    kill(t->pid, SIGKILL);
    while (waitpid(t->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return ret;
}

/* Does row I count for clients from anywhere? Only then is a private address
 * worth a warning. */
static bool name_is_for_all(const struct settings *s, size_t i)
{
    return i == 0 || s->announced[i - 1].network.bits == 0;
}

/* Debian's /etc/hosts gives a machine's own name the address 127.0.1.1. */
static void name_found(struct prepared_name *n, const char *host, bool for_all,
                       const struct address *found)
{
    const bool odd = for_all && address_is_private(found);
    const bool same = address_same_host(&n->address, found);
    char text[ADDRESS_TEXT_MAX];

    n->address = *found;
    n->trouble = odd;
    if (odd || !same)
        complain(&n->why, "%s is %s%s", host, address_text(found, text),
                 odd ? ", which is private; if clients come from the internet, "
                       "look into /etc/hosts"
                     : "");
}

void names_find(const struct check *k, struct prepared_names *p,
                resolve_fn *resolve, uint64_t wait_ms)
{
    const struct settings *s = &k->settings;
    const uint64_t until = clock_ms() + wait_ms;
    struct try try[SETTINGS_PUBLIC_MAX] = { 0 };

    for (size_t i = 0; settings_public(s, i); i++)
        if (settings_public(s, i)->host[0])
            try[i] = try_begin(k->root, settings_public(s, i)->host, resolve);
    for (size_t i = 0; settings_public(s, i); i++) {
        const char *host = settings_public(s, i)->host;
        struct resolved f;

        if (!host[0])
            continue;
        f = try_end(&try[i], until);
        if (f.address.family != 0)
            name_found(&p->name[i], host, name_is_for_all(s, i), &f.address);
        else
            prepared_name_missing(&p->name[i], host, reasons[f.why]);
    }
}
