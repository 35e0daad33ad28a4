/* The process metrics without its sandbox. The test is master, and its HTTP
 * clients, which are slow, many or wrong. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "metrics/metrics.h"
#include "sallyport/base/clock.h"
#include "sallyport/ipc/channel.h"
#include "support/child.h"
#include "support/messages.h"
#include "support/metrics.h"
#include "support/wait.h"

#define GET "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"

struct stage {
    pid_t pid;
    struct channel master;
    struct metrics *metrics;
    struct sockaddr_in at;
};

static struct scraped scraped;
static uint64_t guest_ms;

static void adjust(void)
{
    scraped.guest_ms = guest_ms;
}

static int listener(struct stage *s)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    socklen_t size = sizeof(s->at);

    s->at = (struct sockaddr_in){ .sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    cr_assert_eq(bind(fd, (struct sockaddr *)&s->at, size), 0);
    cr_assert_eq(listen(fd, 64), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&s->at, &size), 0);
    return fd;
}

static void open_stage(struct stage *s, uint64_t ms)
{
    int memory = metrics_memory(), fd = listener(s);

    guest_ms = ms;
    cr_assert_eq(metrics_map(&s->metrics, memory, PROT_READ | PROT_WRITE), 0);
    s->pid = child_raise(&s->master, &scraped.frame, &metrics_row, adjust);
    TELL(&s->master, sandbox, 0, .directory = 0);
    TELL(&s->master, metrics, 0, .listener = fd, .metrics = memory);
    TELL(&s->master, go, 0);
    child_hear_ready(&s->master);
    close(memory);
    close(fd);
}

static void close_stage(struct stage *s)
{
    channel_close(&s->master);
    child_reap(s->pid, 0);
    munmap(s->metrics, sizeof(*s->metrics));
}

static int connect_to(const struct stage *s)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval most = { .tv_sec = WAIT_MS / 1000 };

    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most)),
                 0);
    cr_assert_eq(connect(fd, (const struct sockaddr *)&s->at, sizeof(s->at)),
                 0);
    return fd;
}

/* Reads to the end, which must come. */
static void read_answer(int fd, struct buf *into)
{
    char piece[4096];
    ssize_t n;

    while ((n = recv(fd, piece, sizeof(piece), 0)) > 0)
        cr_assert_eq(buf_add(into, piece, (size_t)n), 0);
    cr_assert_eq(n, 0, "the connection stays open");
    cr_assert_eq(buf_add(into, "", 1), 0);
    close(fd);
}

static void expect_answer(const struct stage *s, const char *request,
                          const char *first, const char *has)
{
    struct buf text;
    int fd = connect_to(s);

    buf_init(&text, 1 << 20);
    cr_assert_eq(send(fd, request, strlen(request), 0),
                 (ssize_t)strlen(request));
    read_answer(fd, &text);
    cr_expect_eq(strncmp(text.data, first, strlen(first)), 0, "%s", text.data);
    cr_expect(strstr(text.data, has), "no \"%s\" in %s", has, text.data);
    buf_release(&text);
}

Test(metrics, answers_and_closes)
{
    struct stage s;

    open_stage(&s, GUEST_MS);
    metrics_gauge(s.metrics, GAUGE_USERS, 5);
    expect_answer(&s, GET, "HTTP/1.1 200 ", "\nsallyport_users 5\n");
    metrics_gauge(s.metrics, GAUGE_USERS, 6);
    expect_answer(&s, GET, "HTTP/1.1 200 ", "\nsallyport_users 6\n");
    expect_answer(&s, "HEAD /metrics HTTP/1.0\r\n\r\n", "HTTP/1.1 200 ",
                  "version=0.0.4");
    expect_answer(&s, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 ",
                  "see /metrics");
    expect_answer(&s,
                  "POST /metrics HTTP/1.1\r\nHost: x\r\n"
                  "Content-Length: 1000000\r\n\r\n",
                  "HTTP/1.1 405 ", "Allow: GET, HEAD");
    close_stage(&s);
}

/* libmicrohttpd closes, with or without an answer. */
Test(metrics, survives_wrong_requests)
{
    struct stage s;
    struct buf text;

    open_stage(&s, GUEST_MS);
    for (int i = 0; i < 3; i++) {
        int fd = connect_to(&s);
        static char flood[4 << 20];

        memset(flood, i == 0 ? 'a' : i == 1 ? '\0' : '\n', sizeof(flood));
        send(fd, flood, sizeof(flood), MSG_NOSIGNAL);
        shutdown(fd, SHUT_WR);
        buf_init(&text, 1 << 20);
        while (recv(fd, flood, sizeof(flood), 0) > 0)
            continue;
        close(fd);
        buf_release(&text);
    }
    expect_answer(&s, GET, "HTTP/1.1 200 ", "sallyport_users 0");
    close_stage(&s);
}

/* Each may keep its place for so long, and then the next one has it. Some send
 * nothing, some half a request, some read no answer. */
Test(metrics, ends_slow_clients, .timeout = 60)
{
    int slow[3 * GUESTS];
    struct stage s;

    open_stage(&s, 300);
    for (int i = 0; i < 3 * GUESTS; i++) {
        slow[i] = connect_to(&s);
        if (i % 3 > 0)
            send(slow[i], GET, i % 3 == 1 ? 10 : strlen(GET), 0);
    }
    expect_answer(&s, GET, "HTTP/1.1 200 ", "sallyport_users 0");
    for (int i = 0; i < 3 * GUESTS; i++) {
        struct buf text;

        buf_init(&text, 1 << 20);
        read_answer(slow[i], &text);
        buf_release(&text);
    }
    close_stage(&s);
}

struct dripping {
    int fd;
};

/* A byte now and then doesn't prolong its time. */
static bool is_ended(void *argument)
{
    struct dripping *d = argument;

    return send(d->fd, "a", 1, MSG_NOSIGNAL) < 0;
}

Test(metrics, ends_who_sends_byte_by_byte, .timeout = 60)
{
    struct stage s;
    struct dripping d;

    open_stage(&s, 300);
    d.fd = connect_to(&s);
    cr_expect(wait_until(is_ended, &d, WAIT_MS));
    close(d.fd);
    close_stage(&s);
}

Test(metrics, needs_its_set_up)
{
    struct stage s;

    guest_ms = GUEST_MS;
    s.pid = child_raise(&s.master, &scraped.frame, &metrics_row, adjust);
    TELL(&s.master, sandbox, 0, .directory = 0);
    TELL(&s.master, go, 0);
    child_reap(s.pid, EX_CONFIG);
    channel_close(&s.master);
}
