/* See bench.h. Every wait has a deadline; nothing sleeps. */
#include "bench.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gate/setup.h"
#include "gate/socket.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

#define OR_FAIL(condition) cr_assert(condition, "%s: %m", #condition)

static struct sockaddr_in ipv4(const char *host, uint16_t port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

    OR_FAIL(inet_pton(AF_INET, host, &a.sin_addr) == 1);
    return a;
}

static int listen_on(const char *host, struct address *bound)
{
    struct sockaddr_in a = ipv4(host, 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    OR_FAIL(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
    OR_FAIL(listen(fd, 512) == 0);
    OR_FAIL(socket_local(fd, bound) == 0);
    return fd;
}

static void give(struct bench *b, struct packet p, int fd)
{
    p.fd[0] = fd;
    OR_FAIL(channel_send(&b->master, &p) == 0);
    if (fd >= 0)
        close(fd);
}

static int empty_folder(void)
{
    char path[] = "/tmp/sallyport-gate-XXXXXX";
    int fd;

    OR_FAIL(mkdtemp(path));
    fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    OR_FAIL(fd >= 0);
    OR_FAIL(rmdir(path) == 0); /* it lives as long as it is open */
    return fd;
}

static void give_all(struct bench *b, const struct bench_plan *plan)
{
    const char *host = plan->wildcard_ports ? "0.0.0.0" : BENCH_SERVER;
    int fd = fd_sealed("conf", slice_from(plan->settings));

    give(b, (struct packet){ .message = MSG_CONF }, fd);
    give(b,
         (struct packet){ .message = MSG_CAGE,
                          .value = { NUMBER(geteuid() == 0), NUMBER(65534),
                                     NUMBER(65534), NUMBER(0) } },
         empty_folder());
    give(b, (struct packet){ .message = MSG_LOG }, fd_take(&b->log_far));
    fd = listen_on(BENCH_SERVER, &b->control);
    give(b,
         (struct packet){
             .message = MSG_LISTENER,
             .value = { NUMBER(plan->first ? 0 : 7), ADDRESS(b->control) } },
         fd);
    for (unsigned i = 0; i < plan->ports; i++) {
        fd = listen_on(host, &b->port[i]);
        give(b,
             (struct packet){ .message = MSG_PASSIVE,
                              .value = { ADDRESS(b->port[i]) } },
             fd);
    }
    give(b, (struct packet){ .message = MSG_GO }, -1);
}

/* Uses up descriptors but for some. (A low limit would do as well, but it also
 * bounds what all processes of this user have under way.) */
static void leave_files(unsigned files)
{
    const struct rlimit limit = { 1024, 1024 };
    int fd;

    if (files == 0)
        return;
    setrlimit(RLIMIT_NOFILE, &limit);
    do
        fd = fcntl(0, F_DUPFD_CLOEXEC, 3);
    while (fd >= 0 && fd < 1024 - (int)files);
    close(fd);
}

/* As main.c, but without the keys and, unless it is asked for, the cage. */
static int run_gate(int fd, const struct bench_plan *plan)
{
    static struct gate g;
    struct setup s;
    int r;

    fd_close_others(3, &fd, 1);
    gate_init(&g, fd);
    setup_init(&s, &g);
    r = setup_receive(&s);
    if (!plan->cage)
        fd_close(&s.root_fd);
    leave_files(plan->files);
    if (r == 0)
        r = gate_begin(&g, &s.complaint);
    if (r == 0 && plan->cage)
        r = setup_cage(&s);
    if (r < 0) {
        setup_failed(&s);
        return 1;
    }
    r = gate_run(&g);
    gate_release(&g);
    return r == 0 ? 0 : 2;
}

static void expect_message(struct bench *b, struct packet *p,
                           enum message message)
{
    int r = channel_wait(&b->master, p, BENCH_MS);

    cr_assert_eq(r, 1, "waiting for %s: %d %s", message_name(message), r,
                 b->master.wrong);
    cr_assert_neq(p->message, MSG_FAILED == message ? MSG_NONE : MSG_FAILED,
                  "gate failed: %.*s", (int)p->value[0].text.len,
                  p->value[0].text.ptr);
    cr_assert_eq(p->message, message, "%s instead of %s",
                 message_name(p->message), message_name(message));
}

void bench_start(struct bench *b, const struct bench_plan *plan)
{
    int main_pair[2], log_pair[2];
    struct packet p;

    OR_FAIL(fd_pair(main_pair) == 0 && fd_pair(log_pair) == 0);
    b->log_far = log_pair[1];
    channel_init(&b->master, main_pair[0], PROCESS_MASTER, PROCESS_GATE,
                 PHASE_START);
    channel_init(&b->log, log_pair[0], PROCESS_LOG, PROCESS_GATE, PHASE_RUN);
    fflush(NULL);
    b->gate = fork();
    OR_FAIL(b->gate >= 0);
    if (b->gate == 0)
        _exit(run_gate(main_pair[1], plan));
    close(main_pair[1]);
    give_all(b, plan);
    expect_message(b, &p, MSG_READY);
    b->master.phase = PHASE_RUN;
}

static void wait_readable(int fd, const char *what)
{
    struct pollfd one = { .fd = fd, .events = POLLIN };

    cr_assert_eq(poll(&one, 1, BENCH_MS), 1, "no %s in time", what);
}

void bench_stop(struct bench *b, int status)
{
    int got = -1, pidfd = (int)syscall(SYS_pidfd_open, b->gate, 0);

    OR_FAIL(pidfd >= 0);
    channel_close(&b->master);
    wait_readable(pidfd, "end of gate");
    close(pidfd);
    OR_FAIL(waitpid(b->gate, &got, 0) == b->gate);
    cr_assert(WIFEXITED(got), "gate died: %x", got);
    cr_assert_eq(WEXITSTATUS(got), status);
    channel_close(&b->log);
}

int client_connect(const char *from, uint16_t port)
{
    struct sockaddr_in here = ipv4(from, 0), there = ipv4(BENCH_SERVER, port);
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    OR_FAIL(fd >= 0);
    setsockopt(fd, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &one,
               sizeof(one));
    OR_FAIL(bind(fd, (struct sockaddr *)&here, sizeof(here)) == 0);
    OR_FAIL(connect(fd, (struct sockaddr *)&there, sizeof(there)) == 0);
    return fd;
}

const char *client_line(int fd, char *out, size_t size)
{
    size_t len = 0;

    while (len + 1 < size) {
        ssize_t n;

        wait_readable(fd, "line");
        n = recv(fd, out + len, 1, 0);
        if (n <= 0 || out[len++] == '\n')
            break;
    }
    out[len] = '\0';
    return out;
}

bool client_closed(int fd)
{
    char rest[256];
    ssize_t n;

    do {
        wait_readable(fd, "end");
        n = recv(fd, rest, sizeof(rest), 0);
    } while (n > 0);
    return true;
}

struct fake bench_session(struct bench *b)
{
    struct packet p;
    struct fake f;

    expect_message(b, &p, MSG_SESSION);
    f = (struct fake){ .serial = p.value[0].number,
                       .peer = p.value[1].address,
                       .local = p.value[2].address,
                       .listener = p.value[3].number,
                       .rope = fd_take(&p.fd[0]),
                       .log = fd_take(&p.fd[1]) };
    fd_close(&p.fd[2]);
    return f;
}

struct fake bench_enter(struct bench *b, const char *from, int *client)
{
    char line[128];
    struct fake f;

    *client = client_connect(from, b->control.port);
    f = bench_session(b);
    cr_assert_str_eq(client_line(*client, line, sizeof(line)), "220 fake\r\n");
    return f;
}

struct address bench_peer(struct bench *b, const struct fake *f)
{
    struct packet p;

    expect_message(b, &p, MSG_SESSION_PEER);
    cr_assert_eq(p.value[0].number, f->serial);
    return p.value[1].address;
}

int bench_gone(struct bench *b, const struct fake *f)
{
    struct packet p;

    expect_message(b, &p, MSG_SESSION_GONE);
    cr_assert_eq(p.value[0].number, f->serial);
    return (int)p.value[1].number;
}

void bench_say(struct bench *b, enum message message, uint64_t serial)
{
    struct packet p = { .message = message, .value = { NUMBER(serial) } };

    OR_FAIL(channel_send(&b->master, &p) == 0);
}

void bench_logged_in(struct bench *b, const struct fake *f, uint64_t user)
{
    struct packet p = { .message = MSG_LOGGED_IN,
                        .value = { NUMBER(f->serial), NUMBER(user) } };

    OR_FAIL(channel_send(&b->master, &p) == 0);
    bench_heard(b);
}

void bench_new_log(struct bench *b)
{
    struct packet p = { .message = MSG_LOG };
    int pair[2];

    OR_FAIL(fd_pair(pair) == 0);
    p.fd[0] = pair[1];
    OR_FAIL(channel_send(&b->master, &p) == 0);
    close(pair[1]);
    channel_close(&b->log);
    channel_init(&b->log, pair[0], PROCESS_LOG, PROCESS_GATE, PHASE_RUN);
}

/* Gate closes its end of the old log when it takes the new one, and it takes
 * what master says in order. */
void bench_heard(struct bench *b)
{
    int old = dup(b->log.fd);
    char byte;

    OR_FAIL(old >= 0);
    bench_new_log(b);
    do
        wait_readable(old, "end of the old log");
    while (recv(old, &byte, 1, 0) > 0);
    close(old);
}

const char *bench_event(struct bench *b, char *out, size_t size)
{
    struct event_record r;
    struct packet p;
    struct buf line;

    cr_assert_eq(channel_wait(&b->log, &p, BENCH_MS), 1, "no event");
    cr_assert_eq(p.message, MSG_EVENT);
    cr_assert_eq(event_decode(p.value[0].text, &r), 0);
    buf_init(&line, size - 1);
    cr_assert_eq(event_line(&r, &line), 0);
    memcpy(out, line.data, line.len);
    out[line.len] = '\0';
    buf_release(&line);
    return out;
}

bool bench_silent(struct bench *b)
{
    struct packet p;

    return channel_receive(&b->log, &p) == 0;
}

bool bench_quiet(struct bench *b)
{
    struct packet p;

    return channel_receive(&b->master, &p) == 0;
}

void fake_do(const struct fake *f, const char *what)
{
    OR_FAIL(send(f->rope, what, strlen(what), MSG_NOSIGNAL) > 0);
}

const char *fake_says(const struct fake *f, char *out, size_t size)
{
    ssize_t n;

    wait_readable(f->rope, "word of a session");
    n = recv(f->rope, out, size - 1, 0);
    OR_FAIL(n >= 0);
    out[n] = '\0';
    return out;
}

uint16_t fake_port(const struct fake *f)
{
    char line[128];
    struct address a;

    fake_do(f, "port");
    fake_says(f, line, sizeof(line));
    if (strcmp(line, "none") == 0)
        return 0;
    cr_assert(strncmp(line, "is ", 3) == 0, "%s", line);
    cr_assert_eq(address_parse_port(slice_from(line + 3), &a), 0);
    return a.port;
}
