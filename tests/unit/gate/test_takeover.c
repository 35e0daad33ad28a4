/* Two gates, one after the other, with the test as their masters: the second
 * one has everything that the first one had. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "bench.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/domain/limits.h"

#define NO_BAN "no_ban = 127.0.0.0/8\n"

/* Masters reap the sessions of a gate that has ended. */
static void start_first(struct bench *b, struct bench_plan *plan)
{
    cr_assert_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    plan->keeps = true;
    bench_start(b, plan);
}

static void start_next(struct bench *next, struct bench_plan *plan,
                       struct bench *before)
{
    plan->before = before;
    plan->shut = true;
    bench_start(next, plan);
}

static void hand_over(struct bench *old, struct bench *next)
{
    int ends[2];

    cr_assert_eq(fd_pair(ends), 0);
    BENCH_SAY(old, hand_over, .gate = ends[0]);
    BENCH_SAY(next, adopt, .gate = ends[1]);
    close(ends[0]);
    close(ends[1]);
}

static void take_over(struct bench *old, struct bench *next)
{
    struct message m;

    hand_over(old, next);
    bench_hear(next, MSG_serving, &m);
    bench_ends(old, 0);
}

/* Starts a gate with the same settings and lets it take over. */
static void replace(struct bench *old, struct bench *next,
                    struct bench_plan *plan)
{
    start_next(next, plan, old);
    take_over(old, next);
}

/* The test ends it; its master reports that to gate. */
static void end_adopted(struct bench *b, const struct fake *f, const char *how)
{
    int status;

    fake_do(f, how);
    cr_assert_eq(waitpid(f->pid, &status, 0), f->pid);
    BENCH_SAY(b, adopted_gone, .serial = f->serial, .status = (unsigned)status);
}

static void gets_data(const struct fake *f, const char *from, uint16_t port)
{
    char line[128], want[64];
    int data = client_connect(from, port);

    fake_says(f, line, sizeof(line));
    snprintf(want, sizeof(want), "data %s ", from);
    cr_assert_eq(strncmp(line, want, strlen(want)), 0, "%s", line);
    close(data);
}

static void is_refused(struct bench *b, const char *from, const char *why)
{
    int client = client_connect(from, b->control.port);
    char line[128];

    client_line(client, line, sizeof(line));
    cr_assert_eq(strncmp(line, "421 ", 4), 0, "%s", line);
    cr_assert(strstr(line, why), "%s", line);
    close(client);
}

Test(takeover, accepts_nothing_before_open, .timeout = 60)
{
    struct bench_plan plan = { .settings = NO_BAN, .shut = true };
    struct message m;
    char line[64];
    struct bench b;
    int client;

    bench_start(&b, &plan);
    client = client_connect("127.0.0.1", b.control.port);
    bench_heard(&b);
    cr_assert(bench_quiet(&b));
    BENCH_SAY(&b, open);
    bench_hear(&b, MSG_serving, &m);
    bench_session(&b);
    cr_assert_str_eq(client_line(client, line, sizeof(line)), "220 fake\r\n");
    BENCH_SAY(&b, open); /* again: no effect */
    bench_heard(&b);
    cr_assert(bench_quiet(&b));
    bench_stop(&b, 0);
}

/* Their places count, they get listeners from the next gate, and they are
 * freed. */
Test(takeover, sessions_go_on, .timeout = 60)
{
    struct bench_plan plan = { .settings = NO_BAN "max_per_address = 1\n"
                                                  "startups = 2\n",
                               .ports = 4 };
    struct fake known, fresh, other;
    struct bench old, next;
    int client[3];

    start_first(&old, &plan);
    known = bench_enter(&old, "127.0.0.1", &client[0]);
    bench_logged_in(&old, &known);
    fresh = bench_enter(&old, "127.0.0.2", &client[1]);
    replace(&old, &next, &plan);
    is_refused(&next, "127.0.0.1", "from your address");
    is_refused(&next, "127.0.0.2", "from your address");
    gets_data(&known, "127.0.0.1", fake_port(&known));
    bench_logged_in(&next, &fresh);
    gets_data(&fresh, "127.0.0.2", fake_port(&fresh));
    end_adopted(&next, &known, "exit 0");
    bench_heard(&next);
    other = bench_enter(&next, "127.0.0.1", &client[2]);
    is_refused(&next, "127.0.0.2", "from your address");
    close(client[2]);
    bench_gone(&next, &other);
    bench_stop(&next, 0);
}

/* A session without a login still counts as such, and keeps its deadline. */
Test(takeover, a_login_keeps_its_deadline, .timeout = 60)
{
    struct bench_plan plan = { .settings = NO_BAN "login_timeout = 1s\n" };
    struct bench old, next;
    struct message m;
    uint64_t began;
    struct fake f;
    int client;

    start_first(&old, &plan);
    began = clock_ms();
    f = bench_enter(&old, "127.0.0.1", &client);
    plan.settings = NO_BAN "login_timeout = 60s\n";
    replace(&old, &next, &plan);
    bench_hear(&next, MSG_kill_adopted, &m);
    cr_assert_eq(m.kill_adopted.serial, f.serial);
    cr_expect_geq(clock_ms() - began, 1000 + CHILD_LATE_MS);
    bench_stop(&next, 0);
}

/* A session's own listener needs neither gate: a client that connects while no
 * gate accepts reaches it. The backlog of the control listener isn't lost. */
Test(takeover, a_port_given_before, .timeout = 60)
{
    struct bench_plan plan = { .settings = NO_BAN, .ports = 4 };
    struct bench old, next;
    struct fake early, fresh;
    int client[2], ends[2];
    struct message m;
    char line[128];

    start_first(&old, &plan);
    early = bench_user(&old, "127.0.0.1", &client[0]);
    cr_assert_neq(fake_port(&early), 0);
    start_next(&next, &plan, &old);
    cr_assert_eq(fd_pair(ends), 0);
    BENCH_SAY(&old, hand_over, .gate = ends[0]);
    close(ends[0]);
    bench_ends(&old, 0); /* its messages wait in the channel */
    gets_data(&early, "127.0.0.1", fake_port(&early));
    client[1] = client_connect("127.0.0.3", old.control.port);
    BENCH_SAY(&next, adopt, .gate = ends[1]);
    close(ends[1]);
    bench_hear(&next, MSG_serving, &m);
    fresh = bench_session(&next);
    cr_assert_str_eq(client_line(client[1], line, sizeof(line)),
                     "220 fake\r\n");
    gets_data(&early, "127.0.0.1", fake_port(&early));
    bench_logged_in(&next, &fresh);
    gets_data(&fresh, "127.0.0.3", fake_port(&fresh));
    bench_stop(&next, 0);
}

static void key_names(const struct fake *f, char *out, size_t size)
{
    fake_says(f, out, size);
    cr_assert_eq(strncmp(out, "keys ", 5), 0, "%s", out);
}

/* The new gate's sessions open tickets that the old one sealed. */
Test(takeover, ticket_keys_go_on, .timeout = 60)
{
    struct bench_plan plan = { .settings = NO_BAN };
    char before[128], after[128], again[128], line[128];
    struct bench old, next;
    struct fake f, fresh;
    int client[2];

    start_first(&old, &plan);
    f = bench_enter(&old, "127.0.0.1", &client[0]);
    fake_do(&f, "keys");
    fake_do(&f, "look");
    fake_says(&f, line, sizeof(line));
    bench_logged_in(&old, &f);
    key_names(&f, before, sizeof(before));
    replace(&old, &next, &plan);
    key_names(&f, again, sizeof(again));
    cr_assert_str_eq(again, before);
    fresh = bench_enter(&next, "127.0.0.2", &client[1]);
    fake_do(&fresh, "keys");
    fake_do(&fresh, "look");
    fake_says(&fresh, line, sizeof(line));
    bench_logged_in(&next, &fresh);
    key_names(&fresh, after, sizeof(after));
    cr_assert_str_eq(after, before);
    bench_stop(&next, 0);
}

/* After a takeover, and after a gate that could hand over nothing. */
Test(takeover, failures_are_kept, .timeout = 60)
{
    struct bench_plan plan = { .settings = "max_fruitless = 4\n",
                               .memory = bench_memory() };
    struct bench old, next, third;
    struct fake f;
    int client;

    start_first(&old, &plan);
    f = bench_enter(&old, "127.0.0.8", &client);
    fake_do(&f, "exit 0");
    bench_gone(&old, &f);
    replace(&old, &next, &plan);
    is_refused(&next, "127.0.0.8", "without login");
    start_next(&third, &plan, &next);
    kill(next.gate, SIGKILL);
    cr_assert_eq(waitpid(next.gate, NULL, 0), next.gate);
    BENCH_SAY(&third, open);
    bench_hear(&third, MSG_serving, &(struct message){ 0 });
    is_refused(&third, "127.0.0.8", "without login");
    bench_stop(&third, 0);
}

/* If the memory has another layout, gate begins with an empty one. Memory that
 * could be shortened isn't used. */
Test(takeover, memory_of_another_layout, .timeout = 60)
{
    static const uint32_t garbage[] = { 77, 12 };
    struct bench_plan plan = { .settings = NO_BAN, .memory = bench_memory() };
    struct memory *m = NULL;
    struct bench b;
    int client, bare;

    cr_assert_eq(pwrite(plan.memory, garbage, sizeof(garbage), 0),
                 sizeof(garbage));
    bench_start(&b, &plan);
    bench_enter(&b, "127.0.0.1", &client);
    bench_stop(&b, 0);
    bare = memfd_create("memory", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    cr_assert_eq(ftruncate(bare, GATE_MEMORY), 0);
    cr_assert_lt(memory_map(&m, bare), 0);
    cr_assert_eq(ftruncate(bare, 100), 0);
    cr_assert_eq(fcntl(bare, F_ADD_SEALS, F_SEAL_SHRINK), 0);
    cr_assert_lt(memory_map(&m, bare), 0);
    close(bare);
}

/* Gate reports it, and goes on. */
Test(takeover, an_adopted_session_crashes, .timeout = 60)
{
    struct bench_plan plan = { .settings = "" };
    struct bench old, next;
    struct fake f;
    int client;

    start_first(&old, &plan);
    f = bench_enter(&old, "127.0.0.9", &client);
    replace(&old, &next, &plan);
    end_adopted(&next, &f, "signal 11");
    bench_reports(&next, "crash: signal 11");
    BENCH_SAY(&next, adopted_gone, .serial = f.serial, .status = 0);
    bench_stop(&next, 0);
}

/* Gate can't kill it, so it asks master. If nobody answers, the place is free
 * after a moment all the same. */
Test(takeover, an_adopted_session_is_killed, .timeout = 60)
{
    struct bench_plan plan = { .settings = NO_BAN "max_per_address = 1\n" };
    struct bench old, next;
    struct message m;
    struct fake f[2];
    int client[3];
    char line[64];

    start_first(&old, &plan);
    f[0] = bench_enter(&old, "127.0.0.1", &client[0]);
    f[1] = bench_enter(&old, "127.0.0.2", &client[1]);
    replace(&old, &next, &plan);
    BENCH_SAY(&next, kill, .serial = f[0].serial);
    bench_hear(&next, MSG_kill_adopted, &m);
    cr_assert_eq(m.kill_adopted.serial, f[0].serial);
    fake_do(&f[1], "garbage");
    bench_hear(&next, MSG_kill_adopted, &m);
    cr_assert_eq(m.kill_adopted.serial, f[1].serial);
    do { /* until gate has forgotten it */
        client[2] = client_connect("127.0.0.1", next.control.port);
        client_line(client[2], line, sizeof(line));
        if (line[0] == '4')
            close(client[2]);
    } while (line[0] == '4');
    cr_assert_str_eq(line, "220 fake\r\n");
    bench_stop(&next, 0);
}

/* A connection that waits for its session waits on at the next gate. */
Test(takeover, the_queue_goes_on, .timeout = 60)
{
    struct bench_plan plan = { .settings = NO_BAN "startups = 1\n" };
    struct bench old, next;
    struct fake f, second;
    char line[64];
    int client[2];

    start_first(&old, &plan);
    f = bench_enter(&old, "127.0.0.1", &client[0]);
    client[1] = client_connect("127.0.0.2", old.control.port);
    bench_heard(&old);
    replace(&old, &next, &plan);
    BENCH_SAY(&next, logged_in, .serial = f.serial);
    second = bench_session(&next);
    cr_assert_str_eq(client_line(client[1], line, sizeof(line)),
                     "220 fake\r\n");
    fake_do(&second, "look");
    fake_says(&second, line, sizeof(line));
    bench_stop(&next, 0);
}

/* A session of a proxy's client, and one whose session must still name its
 * client. */
Test(takeover, sessions_by_a_proxy, .timeout = 60)
{
    struct bench_plan plan = {
        .settings = NO_BAN "listen = 127.0.0.1:1 proxy\nproxies = 127.0.0.5\n",
        .proxy = true,
        .first = true
    };
    struct bench old, next;
    struct fake unknown, f;
    struct message m;
    char line[128];
    int client[2];

    start_first(&old, &plan);
    client[0] = client_connect("127.0.0.5", old.control.port);
    f = bench_session(&old);
    fake_do(&f, "enter 192.0.2.1:1111 127.0.0.1:21");
    bench_peer(&old, &f);
    bench_logged_in(&old, &f);
    client[1] = client_connect("127.0.0.5", old.control.port);
    unknown = bench_session(&old);
    replace(&old, &next, &plan);
    fake_do(&f, "port");
    fake_says(&f, line, sizeof(line));
    cr_expect(strstr(line, " proxied"), "%s", line);
    fake_do(&unknown, "enter 192.0.2.2:2222 127.0.0.1:21");
    bench_hear(&next, MSG_session_peer, &m);
    cr_assert_eq(m.session_peer.serial, unknown.serial);
    close(client[0]);
    close(client[1]);
    bench_stop(&next, 0);
}

/* The sandboxes permit what both gates do then. */
Test(takeover, inside_the_sandbox, .timeout = 60)
{
    struct bench_plan plan = { .settings = NO_BAN "startups = 2\n",
                               .ports = 4,
                               .sandbox = true,
                               .memory = bench_memory() };
    struct fake known, f, queued;
    struct bench old, next;
    char line[128];
    int client[4];

    start_first(&old, &plan);
    known = bench_user(&old, "127.0.0.4", &client[3]);
    f = bench_enter(&old, "127.0.0.1", &client[0]);
    bench_enter(&old, "127.0.0.2", &client[1]);
    client[2] = client_connect("127.0.0.3", old.control.port);
    bench_heard(&old);
    fake_port(&known);
    replace(&old, &next, &plan);
    gets_data(&known, "127.0.0.4", fake_port(&known));
    BENCH_SAY(&next, logged_in, .serial = f.serial);
    queued = bench_session(&next);
    client_line(client[2], line, sizeof(line));
    cr_assert_str_eq(line, "220 fake\r\n");
    bench_logged_in(&next, &queued);
    gets_data(&queued, "127.0.0.3", fake_port(&queued));
    bench_stop(&next, 0);
}

/* The next gate dies in the middle: nothing is lost and nothing is accepted
 * until master permits it; and another gate may take over. */
Test(takeover, the_next_gate_dies, .timeout = 60)
{
    struct bench_plan plan = { .settings = NO_BAN, .ports = 2 };
    struct bench old, next;
    struct message m;
    struct fake f;
    int client[2], ends[2];

    start_first(&old, &plan);
    f = bench_user(&old, "127.0.0.1", &client[0]);
    cr_assert_eq(fd_pair(ends), 0);
    close(ends[1]);
    BENCH_SAY(&old, hand_over, .gate = ends[0]);
    close(ends[0]);
    bench_reports(&old, "not all sessions were handed over");
    client[1] = client_connect("127.0.0.2", old.control.port);
    bench_heard(&old);
    cr_assert(bench_quiet(&old));
    BENCH_SAY(&old, open);
    bench_hear(&old, MSG_serving, &m);
    bench_session(&old);
    gets_data(&f, "127.0.0.1", fake_port(&f));
    fake_do(&f, "drop");
    replace(&old, &next, &plan);
    gets_data(&f, "127.0.0.1", fake_port(&f));
    bench_stop(&next, 0);
}

/* The channel is full, and stays so. */
Test(takeover, the_next_gate_reads_nothing, .timeout = 60)
{
    struct bench_plan plan = { .settings = NO_BAN };
    struct bench old;
    int ends[2];

    bench_start(&old, &plan);
    cr_assert_eq(fd_pair(ends), 0);
    while (send(ends[0], "full", 4, MSG_DONTWAIT) > 0)
        ;
    BENCH_SAY(&old, hand_over, .gate = ends[0]);
    close(ends[0]);
    bench_reports(&old, "not all sessions were handed over");
    bench_ends(&old, 0);
    close(ends[1]);
}

/* It has no descriptor for the channel to the other gate, so it would accept
 * beside that one, or never. */
Test(takeover, no_descriptor_is_left, .timeout = 60)
{
    for (int adopts = 0; adopts <= 1; adopts++) {
        struct bench_plan plan = { .settings = NO_BAN, .files = 2 };
        struct bench b;
        int ends[2];

        bench_start(&b, &plan);
        cr_assert_eq(fd_pair(ends), 0);
        if (adopts) {
            BENCH_SAY(&b, adopt, .gate = ends[0]);
        } else {
            BENCH_SAY(&b, hand_over, .gate = ends[0]);
        }
        close(ends[0]);
        close(ends[1]);
        bench_ends(&b, EX_OSERR);
    }
}

/* The kernel can't watch this one. A gate that can't watch the older one
 * doesn't accept beside it. */
Test(takeover, the_older_gate_cannot_be_watched, .timeout = 60)
{
    struct bench_plan plan = { .settings = NO_BAN, .shut = true };
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct bench b;

    bench_start(&b, &plan);
    BENCH_SAY(&b, adopt, .gate = null);
    close(null);
    bench_ends(&b, EX_OSERR);
}
