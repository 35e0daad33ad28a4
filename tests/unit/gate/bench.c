/* Implements bench.h. Every wait has a deadline, and no function sleeps for a
 * fixed time. */
#include "bench.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/domain/limits.h"
#include "support/cast.h"
#include "support/child.h"
#include "support/ports.h"
#include "support/processes.h"
#include "support/settings.h"
#include "support/wait.h"

#define OR_FAIL(condition) cr_assert(condition, "%s: %m", #condition)

static struct sockaddr_in ipv4(const char *host, uint16_t port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

    OR_FAIL(inet_pton(AF_INET, host, &a.sin_addr) == 1);
    return a;
}

static int listen_on(const char *host, struct address *bound)
{
    struct sockaddr_in a = ipv4(host, (uint16_t)ports_one());
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    /* A connection of an earlier test may still be in TIME_WAIT. */
    OR_FAIL(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0);
    OR_FAIL(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
    OR_FAIL(listen(fd, 512) == 0);
    OR_FAIL(address_of_socket(fd, bound) == 0);
    return fd;
}

static int empty_directory(void)
{
    char path[] = "/tmp/sallyport-gate-XXXXXX";
    int fd;

    OR_FAIL(mkdtemp(path));
    fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    OR_FAIL(fd >= 0);
    OR_FAIL(rmdir(path) == 0); /* the directory exists as long as it is open */
    return fd;
}

static int listen_as_planned(const struct bench_plan *plan,
                             struct address *bound)
{
    return listen_on(plan->wildcard ? "0.0.0.0" : BENCH_SERVER, bound);
}

/* Makes the settings file of the plan, with its ports. Sets b->port. Returns
 * the descriptor. */
static int settings_as_planned(struct bench *b, const struct bench_plan *plan)
{
    const char *proxy = plan->proxy ? " proxy" : "";
    struct buf text;
    int conf;

    b->port = plan->before ? plan->before->port : 0;
    if (b->port == 0 && plan->ports > 0)
        b->port = ports_free(plan->ports);
    buf_init(&text, 1 << 16);
    buf_add_text(&text, plan->settings);
    if (plan->ports > 0)
        buf_add_format(&text, "ports = %u-%u%s\n", b->port,
                       b->port + plan->ports - 1, proxy);
    else
        buf_add_format(&text, "ports = auto%s\n", proxy);
    buf_add(&text, "", 1);
    conf = settings_of(text.data);
    buf_release(&text);
    return conf;
}

int bench_memory(void)
{
    int fd = shared_make("memory", GATE_MEMORY);

    cr_assert_geq(fd, 0);
    return fd;
}

struct bans *bench_ban_memory(int *reading)
{
    FD_CLEANUP int fd = memfd_create("bans", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct bans *b;
    char path[64];

    OR_FAIL(fd >= 0 && ftruncate(fd, sizeof(*b)) == 0);
    OR_FAIL(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0);
    b = mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    OR_FAIL(b != MAP_FAILED);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    *reading = open(path, O_RDONLY | O_CLOEXEC);
    OR_FAIL(*reading >= 0);
    return b;
}

/* Makes the settings as master does. Returns their descriptor. *PLACES gets the
 * number of sessions that gate must have room for. */
static int settings_of_plan(struct bench *b, const struct bench_plan *plan,
                            uint64_t *places)
{
    static struct settings s;
    struct complaint c = { "" };
    int fd = settings_as_planned(b, plan);

    OR_FAIL(settings_take(&s, fd, &c) == 0);
    *places = plan->places > s.max_sessions ? plan->places : s.max_sessions;
    return fd;
}

static void give_listener(struct bench *b, const struct bench_plan *plan,
                          struct setup *s)
{
    const struct bench *before = plan->before;
    FD_CLEANUP int fd = before ? fd_take(&plan->before->control_fd)
                               : listen_as_planned(plan, &b->control);

    if (before)
        b->control = before->control;
    child_give(s, SETUP_LISTENER + (plan->first ? 0 : 7), fd);
    if (plan->both)
        s->file[SETUP_LISTENER + 7].fd = listen_as_planned(plan, &b->direct);
    if (plan->keeps)
        b->control_fd = fd_take(&fd);
}

static void give_memory(struct bench *b, const struct bench_plan *plan,
                        struct setup *s)
{
    const struct bench *before = plan->before;
    FD_CLEANUP int board =
        before ? fd_take(&plan->before->board_fd) : board_make();

    b->generation = before ? before->generation + 1 : 0;
    OR_FAIL(board >= 0 &&
            SHARED_MAP(b->board, board, PROT_READ | PROT_WRITE) == 0);
    b->board->row[b->generation].generation = b->generation;
    b->bans = bench_ban_memory(&s->file[SETUP_BANS].fd);
    s->generation = b->generation;
    child_give(s, SETUP_BOARD, board);
    if (plan->memory > 0)
        child_give(s, SETUP_MEMORY, plan->memory);
    else
        s->file[SETUP_MEMORY].fd = bench_memory();
    if (plan->keeps)
        b->board_fd = fd_take(&board);
}

static void give_all(struct bench *b, const struct bench_plan *plan,
                     struct setup *s)
{
    struct beat *counts = NULL;

    setup_init(s);
    s->root = geteuid() == 0;
    s->uid = s->gid = 65534;
    s->file[SETUP_EMPTY].fd = empty_directory();
    s->file[SETUP_SETTINGS].fd = settings_of_plan(b, plan, &s->sessions);
    s->file[SETUP_BEAT].fd = beat_make(&counts);
    SHARED_UNMAP(counts);
    child_give_log(s, PROCESS_GATE, &b->log);
    give_listener(b, plan, s);
    give_memory(b, plan, s);
}

/* Uses up all descriptors except FILES of them. (A low limit instead would also
 * bound the descriptors that all processes of this user have in flight.) */
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

static const struct bench_plan *plan_of_gate;

/* Works like gate's own set-up, but without the keys and, unless the plan
 * requests it, without the sandbox. The throttle has the same key in each run:
 * with a random key, two addresses of a test would share a slot in one of 64
 * runs, and one event would be missing. */
static int bench_set_up(void *owner)
{
    struct gate *g = owner;
    int r = setup_take_all(g);

    memset(g->refusals.key, 0, sizeof(g->refusals.key));
    if (!plan_of_gate->sandbox)
        fd_close(&g->frame.plan.root_fd);
    setup_close(&g->frame.setup);
    leave_files(plan_of_gate->files);
    if (r == 0)
        r = gate_begin(g);
    return r == 0 && plan_of_gate->sandbox ? setup_plan(g) : r;
}

static int run_gate(int fd, const struct bench_plan *plan,
                    const struct setup *setup)
{
    static struct gate g;
    struct frame_row row = gate_row;
    int keep[1 + SETUP_PLACES] = { fd }, n = 1, r;

    row.set_up = bench_set_up;
    plan_of_gate = plan;
    for (size_t i = 0; i < SETUP_PLACES; i++)
        if (setup->file[i].fd >= 0)
            keep[n++] = setup->file[i].fd;
    fd_close_others(3, keep, (size_t)n);
    frame_init(&g.frame, &row, fd);
    g.frame.setup = *setup;
    r = frame_set_up(&g.frame);
    if (r == 0 && plan->sandbox)
        r = frame_enter_sandbox(&g.frame);
    if (r < 0) {
        channel_failed(&g.frame.master, &g.frame.why);
        return 1;
    }
    r = frame_work(&g.frame);
    frame_release(&g.frame);
    return r == 0 ? 0 : 2;
}

void bench_start(struct bench *b, const struct bench_plan *plan)
{
    static struct setup setup;
    int far;

    far = channel_make(&b->master, PROCESS_MASTER, PROCESS_GATE, PHASE_START);
    give_all(b, plan, &setup);
    if (plan->room > 0)
        OR_FAIL(setsockopt(far, SOL_SOCKET, SO_SNDBUF, &plan->room,
                           sizeof(plan->room)) == 0);
    fflush(NULL);
    b->gate = fork();
    OR_FAIL(b->gate >= 0);
    if (b->gate == 0)
        _exit(run_gate(far, plan, &setup));
    close(far);
    setup_close(&setup);
    EXPECT(&b->master, ready);
    b->master.phase = PHASE_RUN;
    if (plan->shut)
        return;
    SAY(&b->master, open);
    EXPECT(&b->master, serving);
}

static void wait_readable(int fd, const char *file, int line, const char *what)
{
    struct pollfd one = { .fd = fd, .events = POLLIN };

    if (poll(&one, 1, BENCH_MS) != 1)
        fail_at(file, line, "no %s in time", what);
}

/* Returns the wait status of the child PID, which must end in time. */
static int wait_for_end(pid_t pid, const char *what)
{
    int status = -1;

    cr_assert(wait_exit(pid, &status, BENCH_MS), "no %s in time", what);
    return status;
}

void bench_ends(struct bench *b, int status)
{
    int got = wait_for_end(b->gate, "end of gate");

    cr_assert(WIFEXITED(got), "gate died: %x", got);
    cr_assert_eq(WEXITSTATUS(got), status);
    channel_close(&b->master);
    channel_close(&b->log);
}

void bench_stop(struct bench *b, int status)
{
    shutdown(b->master.fd, SHUT_RDWR);
    bench_ends(b, status);
}

int client_connect(const char *from, uint16_t port)
{
    return client_connect_to(from, BENCH_SERVER, port);
}

int client_connect_to(const char *from, const char *host, uint16_t port)
{
    struct sockaddr_in here = ipv4(from, 0), there = ipv4(host, port);
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    OR_FAIL(fd >= 0);
    setsockopt(fd, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &one,
               sizeof(one));
    OR_FAIL(bind(fd, (struct sockaddr *)&here, sizeof(here)) == 0);
    OR_FAIL(connect(fd, (struct sockaddr *)&there, sizeof(there)) == 0);
    return fd;
}

const char *client_line_at(const char *file, int line, int fd, char *out,
                           size_t size)
{
    size_t len = 0;

    while (len + 1 < size) {
        ssize_t n;

        wait_readable(fd, file, line, "line of the server");
        n = recv(fd, out + len, 1, 0);
        if (n <= 0 || out[len++] == '\n')
            break;
    }
    out[len] = '\0';
    return out;
}

bool client_closed_at(const char *file, int line, int fd)
{
    char rest[256];
    ssize_t n;

    do {
        wait_readable(fd, file, line, "end of the connection");
        n = recv(fd, rest, sizeof(rest), 0);
    } while (n > 0);
    return true;
}

struct fake bench_session(struct bench *b)
{
    struct fake f;

    EXPECT(&b->master, session);
    f = (struct fake){ .serial = heard.session.serial,
                       .peer = heard.session.peer,
                       .local = heard.session.local,
                       .listener = heard.session.listener,
                       .pid = (pid_t)heard.session.pid,
                       .rope = fd_take(&heard.session.master),
                       .log = fd_take(&heard.session.log) };
    message_close(&heard);
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

struct fake bench_user(struct bench *b, const char *from, int *client)
{
    struct fake f = bench_enter(b, from, client);

    bench_logged_in(b, &f);
    return f;
}

struct fake bench_open(struct bench *b, const struct bench_plan *plan,
                       int *client)
{
    bench_start(b, plan);
    return bench_user(b, "127.0.0.1", client);
}

struct address bench_peer(struct bench *b, const struct fake *f)
{
    EXPECT(&b->master, session_peer);
    cr_assert_eq(heard.session_peer.serial, f->serial);
    return heard.session_peer.peer;
}

int bench_reaps(struct bench *b, const struct fake *f, bool fruitless)
{
    int status = wait_for_end(f->pid, "end of a session");

    SAY(&b->master, reaped, .serial = f->serial, .fruitless = fruitless);
    bench_heard(b);
    return status;
}

int bench_gone(struct bench *b, const struct fake *f)
{
    return bench_reaps(b, f, false);
}

void bench_kills(struct bench *b, const struct fake *f, enum ending why)
{
    EXPECT(&b->master, kill);
    cr_assert_eq(heard.kill.serial, f->serial);
    cr_assert_eq(heard.kill.why, why);
    OR_FAIL(kill(f->pid, SIGKILL) == 0);
    cr_assert_eq(bench_gone(b, f), SIGKILL);
}

void bench_log_in(struct bench *b, uint64_t serial)
{
    SAY(&b->master, logged_in, .serial = serial);
}

void bench_logged_in(struct bench *b, const struct fake *f)
{
    bench_log_in(b, f->serial);
    bench_heard(b);
}

/* Has gate read all that master has sent? */
static bool is_read(void *argument)
{
    const struct bench *b = argument;
    int left = 1;

    return ioctl(b->master.fd, SIOCOUTQ, &left) == 0 && left == 0;
}

/* Waits until gate sleeps: it does so only when it has handled all that it has
 * read. */
void bench_heard(struct bench *b)
{
    cr_assert(wait_until(is_read, b, BENCH_MS));
    bench_sleeps(b->gate);
}

static bool is_asleep(void *argument)
{
    const pid_t *pid = argument;
    char state[32];

    return process_status(*pid, "State", state, sizeof(state))[0] == 'S';
}

void bench_sleeps(pid_t pid)
{
    cr_assert(wait_until(is_asleep, &pid, BENCH_MS));
}

const char *bench_event(struct bench *b, char *out, size_t size)
{
    struct event_record r;
    struct buf line;

    cr_assert_eq(event_decode(EXPECT(&b->log, event)->event, &r), 0);
    buf_init(&line, size - 1);
    cr_assert_eq(event_line(&r, &line), 0);
    memcpy(out, line.data, line.len);
    out[line.len] = '\0';
    buf_release(&line);
    return out;
}

void bench_reports(struct bench *b, const char *words)
{
    char line[1024];

    bench_event(b, line, sizeof(line));
    cr_assert(strstr(line, words), "%s", line);
}

bool bench_silent(struct bench *b)
{
    struct message m;

    return channel_receive(&b->log, &m) == 0;
}

bool bench_quiet(struct bench *b)
{
    struct message m;

    return channel_receive(&b->master, &m) == 0;
}

void fake_do(const struct fake *f, const char *what)
{
    OR_FAIL(send(f->rope, what, strlen(what), MSG_NOSIGNAL) > 0);
}

const char *fake_says_at(const char *file, int line, const struct fake *f,
                         char *out, size_t size)
{
    ssize_t n;

    wait_readable(f->rope, file, line, "word of a session");
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
    if (strncmp(line, "none ", 5) == 0)
        return 0;
    cr_assert(strncmp(line, "is ", 3) == 0, "%s", line);
    cr_assert_eq(address_parse_port(slice_from(line + 3), &a), 0);
    return a.port;
}
