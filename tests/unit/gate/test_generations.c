/* Runs gates of several generations, with the test as their masters. The board
 * says which gate accepts, each gate serves its own sessions, and all gates
 * share memory. */
#include <arpa/inet.h>

#include "bench.h"
#include "sallyport/base/clock.h"
#include "sallyport/domain/limits.h"

#define NO_BAN "no_ban = 127.0.0.0/8\n"

/* Starts the gate of the next generation, which accepts from now on. */
static void replace(struct bench *old, struct bench *next,
                    struct bench_plan *plan)
{
    plan->before = old;
    plan->shut = true;
    bench_start(next, plan);
    board_set(&next->board->accepts, next->generation);
    SAY(&next->master, open);
    EXPECT(&next->master, serving);
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

static void elder(struct bench *b, uint64_t serial, const char *from)
{
    struct address peer;

    cr_assert_eq(address_parse(slice_from(from), &peer), 0);
    SAY(&b->master, elder, .serial = serial, .peer = peer);
}

GateTest(generations, accepts_nothing_before_open, .settings = NO_BAN,
         .shut = true)
{
    char line[64];
    int client;

    client = client_connect("127.0.0.1", b->control.port);
    bench_heard(b);
    cr_assert(bench_quiet(b));
    SAY(&b->master, open);
    EXPECT(&b->master, serving);
    bench_session(b);
    cr_assert_str_eq(client_line(client, line, sizeof(line)), "220 fake\r\n");
    SAY(&b->master, open); /* a second time: no effect */
    bench_heard(b);
    cr_assert(bench_quiet(b));
}

/* No message tells the older gate of the next one: it reads the board. It still
 * lends listeners to its own sessions. */
Test(generations, the_board_decides, .timeout = 60)
{
    struct bench_plan plan = { .settings = NO_BAN, .ports = 4, .keeps = true };
    struct bench old, next;
    struct fake f, fresh;
    int client[3];

    bench_start(&old, &plan);
    f = bench_user(&old, "127.0.0.1", &client[0]);
    replace(&old, &next, &plan);
    fresh = bench_user(&next, "127.0.0.2", &client[1]);
    cr_expect(bench_quiet(&old));
    gets_data(&f, "127.0.0.1", fake_port(&f));
    gets_data(&fresh, "127.0.0.2", fake_port(&fresh));
    close(client[0]);
    bench_gone(&old, &f);
    bench_stop(&old, 0);
    close(client[1]);
    bench_gone(&next, &fresh);
    bench_stop(&next, 0);
}

/* A gate that has slept through a takeover accepts no connection when it
 * wakes. */
Test(generations, a_gate_sleeps, .timeout = 60)
{
    struct bench_plan plan = { .settings = NO_BAN, .keeps = true };
    struct bench old, next;
    struct fake fresh;
    int client;

    bench_start(&old, &plan);
    cr_assert_eq(kill(old.gate, SIGSTOP), 0);
    replace(&old, &next, &plan);
    cr_assert_eq(kill(next.gate, SIGSTOP), 0);
    client = client_connect("127.0.0.2", next.control.port);
    cr_assert_eq(kill(old.gate, SIGCONT), 0);
    bench_sleeps(old.gate);
    cr_assert(bench_quiet(&old));
    cr_assert_eq(kill(next.gate, SIGCONT), 0);
    fresh = bench_session(&next);
    close(client);
    bench_gone(&next, &fresh);
    bench_stop(&old, 0);
    bench_stop(&next, 0);
}

/* Sessions of older generations count for max_per_address and for
 * max_sessions. */
GateTest(generations, elders_count,
         .settings = NO_BAN "max_per_address = 1\n"
                            "max_sessions = 2\n"
                            "startups = 1\n")
{
    struct fake f, other;
    int client[2];

    elder(b, 1, "127.0.0.1");
    elder(b, 1, "127.0.0.1"); /* a second time: no effect */
    bench_heard(b);
    is_refused(b, "127.0.0.1", "from your address");
    f = bench_enter(b, "127.0.0.2", &client[0]);
    is_refused(b, "127.0.0.3", "the server is full");
    bench_log_in(b, f.serial);
    SAY(&b->master, reaped, .serial = 1);
    SAY(&b->master, reaped, .serial = 1);
    bench_heard(b);
    other = bench_enter(b, "127.0.0.1", &client[1]);
    close(client[0]);
    bench_gone(b, &f);
    close(client[1]);
    bench_gone(b, &other);
}

/* Elders without a login of two networks fill SETTINGS' limit. A client of a
 * third gets the place of one; an elder that logs in gives none. */
static void elders_make_room(const char *settings)
{
    const struct bench_plan plan = { .settings = settings };
    struct bench b;
    struct fake f;
    int client;
    uint64_t serial;

    bench_start(&b, &plan);
    for (uint64_t i = 1; i <= 6; i++) {
        struct address peer;

        cr_assert_eq(
            address_parse(i % 2 ? SLICE("127.0.0.1") : SLICE("127.0.0.2"),
                          &peer),
            0);
        SAY(&b.master, elder, .serial = i, .peer = peer, .waits = true);
    }
    SAY(&b.master, logged_in, .serial = 1);
    bench_heard(&b);
    client = client_connect("127.0.0.3", b.control.port);
    serial = EXPECT(&b.master, kill)->serial;
    cr_expect_eq(heard.kill.why, ENDING_CROWDED);
    cr_expect(serial == 2, "%llu", (unsigned long long)serial);
    SAY(&b.master, reaped, .serial = serial, .fruitless = true);
    f = bench_session(&b);
    close(client);
    bench_gone(&b, &f);
    bench_stop(&b, 0);
}

Test(generations, elders_make_room, .timeout = 60)
{
    static const char *const settings[] = {
        NO_BAN "startups = 100\nmax_sessions = 6\n",
        NO_BAN "startups = 5\nmax_sessions = 100\n",
    };

    for (size_t i = 0; i < 2; i++)
        elders_make_room(settings[i]);
}

/* A gate never counts an elder as fruitless, since the gate of the elder's own
 * generation does. If that gate has died, no gate counts the elder. */
GateTest(generations, an_elder_is_never_fruitless,
         .settings = "max_fruitless = 1\n")
{
    struct fake f;
    int client;

    elder(b, 1, "127.0.0.1");
    SAY(&b->master, reaped, .serial = 1, .fruitless = true);
    f = bench_enter(b, "127.0.0.1", &client);
    close(client);
    bench_gone(b, &f);
}

/* Gate has places for four sessions, and ignores the other two elders. */
GateTest(generations, elders_without_room,
         .settings = NO_BAN "max_sessions = 2\n", .places = 4)
{
    for (uint64_t i = 1; i <= 6; i++)
        elder(b, i, "127.0.0.1");
    bench_heard(b);
    for (uint64_t i = 1; i <= 6; i++)
        SAY(&b->master, reaped, .serial = i);
    bench_heard(b);
}

/* The older gate begins the session of a client that waits. Then it tells
 * master that no further session begins. */
GateTest(generations, the_queue_is_served, .settings = NO_BAN "startups = 1\n",
         .keeps = true)
{
    struct fake f, second;
    char line[64];
    int client[2];

    f = bench_enter(b, "127.0.0.1", &client[0]);
    client[1] = client_connect("127.0.0.2", b->control.port);
    bench_heard(b);
    SAY(&b->master, stop_accepting, .serve = true);
    bench_heard(b);
    cr_assert(bench_quiet(b));
    bench_log_in(b, f.serial);
    second = bench_session(b);
    EXPECT(&b->master, shut);
    cr_assert_str_eq(client_line(client[1], line, sizeof(line)),
                     "220 fake\r\n");
    bench_logged_in(b, &second);
    cr_expect(bench_quiet(b));
    close(b->control_fd);
}

GateTest(generations, the_queue_is_closed, .settings = NO_BAN "startups = 1\n")
{
    int client[2];

    bench_enter(b, "127.0.0.1", &client[0]);
    client[1] = client_connect("127.0.0.2", b->control.port);
    bench_heard(b);
    SAY(&b->master, stop_accepting);
    EXPECT(&b->master, shut);
    cr_assert(client_closed(client[1]));
}

/* If the last client that waits gives up, the older gate also tells master that
 * no further session begins. */
GateTest(generations, the_queue_leaves, .settings = NO_BAN "startups = 1\n")
{
    int client[2];

    bench_enter(b, "127.0.0.1", &client[0]);
    client[1] = client_connect("127.0.0.2", b->control.port);
    bench_heard(b);
    SAY(&b->master, stop_accepting, .serve = true);
    bench_heard(b);
    cr_assert(bench_quiet(b));
    close(client[1]);
    EXPECT(&b->master, shut);
}

static void key_names(const struct fake *f, char *out, size_t size)
{
    fake_says(f, out, size);
    cr_assert_eq(strncmp(out, "keys ", 5), 0, "%s", out);
}

static void log_in(struct bench *b, const struct fake *f, char *keys,
                   size_t size)
{
    char line[128];

    fake_do(f, "keys");
    fake_do(f, "look");
    fake_says(f, line, sizeof(line));
    bench_logged_in(b, f);
    key_names(f, keys, size);
}

/* Sessions of the next gate can open tickets that sessions of the older gate
 * have sealed. When the next gate changes the keys, the older gate's sessions
 * get the new keys, too. */
Test(generations, ticket_keys_are_shared, .timeout = 60)
{
    struct bench_plan plan = { .settings = NO_BAN "ticket_lifetime = 1min\n",
                               .memory = bench_memory(),
                               .keeps = true };
    char before[128], after[128];
    struct bench old, next;
    struct fake f, fresh;
    struct memory *m = NULL;
    int client[2];

    bench_start(&old, &plan);
    f = bench_enter(&old, "127.0.0.1", &client[0]);
    log_in(&old, &f, before, sizeof(before));
    replace(&old, &next, &plan);
    fresh = bench_enter(&next, "127.0.0.2", &client[1]);
    log_in(&next, &fresh, after, sizeof(after));
    cr_assert_str_eq(after, before);
    cr_assert_eq(memory_map(&m, plan.memory), 0);
    m->tickets.turned = 0; /* the keys are due for a change */
    key_names(&fresh, after, sizeof(after));
    cr_assert_str_neq(after, before);
    key_names(&f, before, sizeof(before));
    cr_assert_str_eq(after, before);
    SHARED_UNMAP(m);
    close(client[0]);
    bench_gone(&old, &f);
    bench_stop(&old, 0);
    close(client[1]);
    bench_gone(&next, &fresh);
    bench_stop(&next, 0);
    close(plan.memory);
}

/* Expects that both keys are secret. A key of zeros isn't. */
static void expect_secret(const struct ticket_keys *k)
{
    static const struct ticket_key zero;

    cr_expect_neq(memcmp(&k->now, &zero, sizeof(zero)), 0);
    cr_expect_neq(memcmp(&k->before, &zero, sizeof(zero)), 0);
    cr_expect_neq(memcmp(&k->now, &k->before, sizeof(zero)), 0);
}

/* If a gate has died while it changed the keys, the next gate makes new
 * keys. */
Test(generations, half_ticket_keys, .timeout = 60)
{
    struct bench_plan plan = { .settings = NO_BAN, .memory = bench_memory() };
    struct ticket_keys k;
    struct memory *m = NULL;
    char keys[128];
    struct bench b;
    struct fake f;
    int client;

    cr_assert_eq(memory_map(&m, plan.memory), 0);
    expect_secret(&m->tickets.keys);
    m->tickets.turn = 7;
    cr_assert_not(tickets_read(&m->tickets, &k));
    bench_start(&b, &plan);
    f = bench_enter(&b, "127.0.0.1", &client);
    log_in(&b, &f, keys, sizeof(keys));
    cr_expect(tickets_read(&m->tickets, &k));
    cr_expect_eq(m->tickets.turn, 8);
    SHARED_UNMAP(m);
    close(client);
    bench_gone(&b, &f);
    bench_stop(&b, 0);
    close(plan.memory);
}

/* Fruitless sessions still count after a reload, and after the death of a
 * gate. */
Test(generations, failures_are_kept, .timeout = 60)
{
    struct bench_plan plan = { .settings = "max_fruitless = 1\n",
                               .memory = bench_memory(),
                               .keeps = true };
    struct bench old, next, third;
    struct fake f;
    int client;

    bench_start(&old, &plan);
    f = bench_enter(&old, "127.0.0.8", &client);
    fake_do(&f, "exit 0");
    bench_reaps(&old, &f, true);
    replace(&old, &next, &plan);
    is_refused(&next, "127.0.0.8", "without a login");
    kill(next.gate, SIGKILL);
    cr_assert_eq(waitpid(next.gate, NULL, 0), next.gate);
    replace(&next, &third, &plan);
    is_refused(&third, "127.0.0.8", "without a login");
    bench_stop(&third, 0);
    bench_stop(&old, 0);
    close(plan.memory);
}

/* Gate refuses memory whose file can be shortened, or is too short. */
Test(generations, memory_that_is_not_sealed)
{
    int bare = memfd_create("memory", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct memory *m = NULL;

    cr_assert_eq(ftruncate(bare, GATE_MEMORY), 0);
    cr_assert_lt(memory_map(&m, bare), 0);
    cr_assert_eq(ftruncate(bare, 100), 0);
    cr_assert_eq(fcntl(bare, F_ADD_SEALS, F_SEAL_SHRINK), 0);
    cr_assert_lt(memory_map(&m, bare), 0);
    close(bare);
}

/* The sandbox permits all that both gates do in a takeover. */
Test(generations, inside_the_sandbox, .timeout = 60)
{
    struct bench_plan plan = { .settings = NO_BAN "startups = 2\n",
                               .ports = 4,
                               .sandbox = true,
                               .memory = bench_memory(),
                               .keeps = true };
    struct bench old, next;
    struct fake known, fresh;
    int client[2];

    bench_start(&old, &plan);
    known = bench_user(&old, "127.0.0.4", &client[0]);
    replace(&old, &next, &plan);
    elder(&next, known.serial, "127.0.0.4");
    SAY(&old.master, stop_accepting, .serve = true);
    EXPECT(&old.master, shut);
    gets_data(&known, "127.0.0.4", fake_port(&known));
    fresh = bench_user(&next, "127.0.0.1", &client[1]);
    gets_data(&fresh, "127.0.0.1", fake_port(&fresh));
    bench_stop(&old, 0);
    bench_stop(&next, 0);
    close(plan.memory);
}
