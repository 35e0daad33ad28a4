/* See flood.h. After its fork it uses nothing of Criterion's, and it ends with
 * the test at the latest. */
#include "flood.h"

#include <sys/epoll.h>
#include <sys/resource.h>

#include "sallyport/base/clock.h"
#include "support/fail.h"
#include "support/server.h"
#include "support/test.h"
#include "support/tls_client.h"
#include "support/wait.h"

#define AUTH "AUTH TLS\r\n"

enum step { AWAY, CONNECTS, GREETED, ASKED, SAID };

struct flooder {
    int fd;
    unsigned number;
    enum step step;
    uint64_t at; /* when a closed connection comes back */
};

struct flooding {
    const struct flood_plan *plan;
    struct flood_score *score;
    int epoll;
    unsigned count;
    struct flooder all[FLOOD_COUNT];
    unsigned char hello[FLOOD_HELLO];
    size_t hello_len;
};

/* Records the first bytes that a TLS client would send. */
static void record_hello(struct flooding *f)
{
    int pair[2], status;
    ssize_t n;
    pid_t pid;

    FAIL_IF(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "%s",
            strerror(errno));
    pid = fork();
    if (pid == 0) {
        close(pair[0]);
        (void)!tls_client_new(pair[1], NULL);
        _exit(0);
    }
    close(pair[1]);
    n = recv(pair[0], f->hello, sizeof(f->hello), 0);
    close(pair[0]);
    FAIL_IF(pid < 0 || n < 100 || !wait_exit(pid, &status, WAIT_MS),
            "no ClientHello");
    f->hello_len = (size_t)n;
}

static void leave(struct flooding *f, struct flooder *c, unsigned ms)
{
    if (f->plan->stays)
        epoll_ctl(f->epoll, EPOLL_CTL_DEL, c->fd, NULL);
    else
        close(c->fd);
    c->step = AWAY;
    c->at = clock_ms() + ms;
}

static struct sockaddr_in address(const char *host, unsigned port)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port) };

    inet_pton(AF_INET, host, &a.sin_addr);
    return a;
}

static int socket_from(const struct flood_plan *plan, unsigned number)
{
    struct sockaddr_in from = address(plan->from, 0);
    int one = 1,
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (plan->from_count)
        from.sin_addr.s_addr =
            htonl(ntohl(from.sin_addr.s_addr) + number % plan->from_count);
    setsockopt(fd, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &one,
               sizeof(one));
    if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof(from)))
        _exit(2);
    return fd;
}

static void come(struct flooding *f, struct flooder *c)
{
    struct sockaddr_in to = address("127.0.0.1", f->plan->port);
    struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET,
                             .data.ptr = c };

    c->fd = socket_from(f->plan, c->number);
    c->step = CONNECTS;
    if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) &&
        errno != EINPROGRESS)
        leave(f, c, f->plan->again_ms);
    else if (epoll_ctl(f->epoll, EPOLL_CTL_ADD, c->fd, &e))
        _exit(3);
}

static void say(struct flooder *c, const void *bytes, size_t len)
{
    (void)!send(c->fd, bytes, len, MSG_NOSIGNAL);
}

static void connected(struct flooding *f, struct flooder *c)
{
    char subscriber[128];

    f->score->begun++;
    c->step = GREETED;
    snprintf(subscriber, sizeof(subscriber),
             "PROXY TCP6 2001:db8:0:%x::1 2001:db8:ffff::7 4711 21\r\n",
             c->number);
    if (f->plan->subscriber)
        say(c, subscriber, strlen(subscriber));
    else if (f->plan->header)
        say(c, f->plan->header, strlen(f->plan->header));
}

/* Sends the next bytes, depending on the server's last ones. */
static void go_on(struct flooding *f, struct flooder *c, const char *words)
{
    enum flood_kind kind = f->plan->kind;

    if (c->step == GREETED && kind != FLOOD_SILENT) {
        say(c, AUTH, strlen(AUTH));
        c->step = ASKED;
    } else if (c->step == ASKED && strncmp(words, "234 ", 4) == 0 &&
               kind != FLOOD_AUTH) {
        say(c, f->hello, kind == FLOOD_HALF ? f->hello_len / 2 : f->hello_len);
        c->step = SAID;
    } else if (c->step == SAID && words[0] == 0x16) {
        f->score->hellos++;
        leave(f, c, 0);
    }
}

static void serve(struct flooding *f, struct flooder *c, uint32_t events)
{
    char words[4096] = "";
    ssize_t n;

    if (c->step == AWAY)
        return;
    if (c->step == CONNECTS && (events & EPOLLOUT) && !(events & EPOLLERR))
        connected(f, c);
    n = recv(c->fd, words, sizeof(words) - 1, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n > 0 && strncmp(words, "421 ", 4) != 0) {
        go_on(f, c, words);
        return;
    }
    f->score->closed++;
    leave(f, c, f->plan->again_ms);
}

static _Noreturn void run(struct flooding *f)
{
    struct epoll_event ready[64];
    struct rlimit files;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    f->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (;;) {
        uint64_t now = clock_ms();
        int n;

        for (unsigned i = 0; i < f->count; i++)
            if (f->all[i].step == AWAY && f->all[i].at <= now)
                come(f, &f->all[i]);
        n = epoll_wait(f->epoll, ready, 64, 5);
        for (int i = 0; i < n; i++)
            serve(f, ready[i].data.ptr, ready[i].events);
    }
}

static bool has_begun(void *argument)
{
    const struct flood *f = argument;

    return f->score->begun >= f->count;
}

void flood_start(struct flood *f, const struct flood_plan *plan)
{
    static struct flooding flooding;

    memset(&flooding, 0, sizeof(flooding));
    flooding.plan = plan;
    f->count = server_is_sanitized() ? FLOOD_COUNT / 4 : FLOOD_COUNT;
    flooding.count = f->count;
    record_hello(&flooding);
    for (unsigned i = 0; i < f->count; i++)
        flooding.all[i].number = i;
    f->score = mmap(NULL, sizeof(*f->score), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    FAIL_IF(f->score == MAP_FAILED, "mmap: %s", strerror(errno));
    flooding.score = f->score;
    f->pid = fork();
    FAIL_IF(f->pid < 0, "fork: %s", strerror(errno));
    if (f->pid == 0)
        run(&flooding);
    FAIL_IF(!wait_until(has_begun, f, WAIT_MS), "only %lu have connected",
            (unsigned long)f->score->begun);
}

void flood_stop(struct flood *f)
{
    int status;

    kill(f->pid, SIGKILL);
    FAIL_IF(!wait_exit(f->pid, &status, WAIT_MS), "a flood doesn't end");
    FAIL_IF(!WIFSIGNALED(status), "a flood ended by itself: %x", status);
    munmap(f->score, sizeof(*f->score));
}
