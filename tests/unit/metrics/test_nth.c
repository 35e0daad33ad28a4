/* The start of the process metrics: each system call fails once. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "metrics/metrics.h"
#include "support/child.h"
#include "support/messages.h"
#include "support/metrics.h"
#include "support/nth.h"
#include "support/wait.h"

#define GET "GET /metrics HTTP/1.0\r\n\r\n"

static struct scraped scraped;

struct stage {
    pid_t pid;
    struct channel master;
    int listener, memory;
};

static int local_listener(struct sockaddr_in *at)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    socklen_t size = sizeof(*at);

    *at = (struct sockaddr_in){ .sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    cr_assert_eq(bind(fd, (struct sockaddr *)at, size), 0);
    cr_assert_eq(listen(fd, 64), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)at, &size), 0);
    return fd;
}

/* The process ends in the middle of it if a call fails. */
static bool starts(struct stage *s)
{
    s->pid = child_raise(&s->master, &scraped.frame, &metrics_row, NULL);
    SAY(&s->master, sandbox, 0, .directory = 0);
    SAY(&s->master, metrics, 0, .listener = s->listener, .metrics = s->memory);
    SAY(&s->master, go, 0);
    return child_starts(&s->master, s->pid);
}

static void expect_answer(const struct sockaddr_in *at)
{
    const struct timeval most = { .tv_sec = WAIT_MS / 1000 };
    char text[13] = "";
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most)),
                 0);
    cr_assert_eq(connect(fd, (const struct sockaddr *)at, sizeof(*at)), 0);
    cr_assert_eq(send(fd, GET, strlen(GET), 0), (ssize_t)strlen(GET));
    cr_expect_eq(recv(fd, text, 12, MSG_WAITALL), 12);
    cr_expect_str_eq(text + 8, " 200");
    close(fd);
}

Test(nth, each_call_of_the_start_fails_once)
{
    struct nth *nth = nth_new();
    struct sockaddr_in at;
    struct stage s = { .listener = local_listener(&at),
                       .memory = metrics_memory() };
    unsigned n;

    if (!nth)
        cr_skip_test(NTH_MISSING);
    child_enter(nth);
    for (n = 1; nth_goes_on(nth); n++) {
        nth_arm(nth, n, EIO, NULL);
        bool ready = starts(&s);
        cr_expect(nth_disarm(nth) || ready, "call %u: no start", n);
        if (!ready)
            continue;
        expect_answer(&at);
        channel_close(&s.master);
        child_reap(s.pid, 0);
    }
    cr_expect_gt(n, 1);
    close(s.listener);
    close(s.memory);
    nth_free(nth);
}
