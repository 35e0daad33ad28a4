/* Sessions that lie, flood or must be killed: gate survives all of them. */
#include "bench.h"

#define FREE "max_per_address = 100\nstartups = 100\nno_ban = 127.0.0.0/8\n"

/* Lists faults of a session. After each fault, gate has the session killed. */
static const struct {
    const char *does;
    const char *event; /* a part of the event's line; NULL: no event */
} faults[] = {
    { "garbage", "an unknown or malformed message, serial" },
    { "wrong", "a message that is not this peer's, serial" },
    { "deaf", "doesn't read its answers, serial" },
    { "part", NULL },
};

static void check_fault(struct bench *b, size_t row)
{
    struct fake f, witness;
    char line[512];
    int client, other;

    snprintf(line, sizeof(line), "127.0.1.%zu", row + 1);
    witness = bench_user(b, line, &other);
    f = bench_user(b, "127.0.0.9", &client);
    fake_do(&f, faults[row].does);
    bench_kills(b, &f, ENDING_PEER);
    if (faults[row].event) {
        bench_event(b, line, sizeof(line));
        cr_assert(strncmp(line, "peer-error ", 11) == 0, "%s", line);
        cr_assert(strstr(line, faults[row].event), "%s", line);
        cr_assert(strstr(line, "peer=127.0.0.9:"), "%s", line);
    }
    cr_assert(client_closed(client));
    cr_assert_neq(fake_port(&witness), 0, "%s", faults[row].does);
    fake_do(&witness, "exit 0");
    bench_gone(b, &witness);
}

GateTest(children, faults, .settings = FREE)
{
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        check_fault(b, i);
}

/* If master doesn't answer `kill`, gate sends it again. Meanwhile the session
 * gets nothing from gate. */
GateTest(children, asks_again, .settings = FREE)
{
    struct fake f;
    int client;

    f = bench_user(b, "127.0.0.1", &client);
    fake_do(&f, "garbage");
    EXPECT(&b->master, kill);
    fake_do(&f, "port");
    bench_kills(b, &f, ENDING_PEER);
    SAY(&b->master, reaped, .serial = f.serial); /* again: no effect */
    bench_heard(b);
}

/* If a session sends all the time, gate reads at most CHILD_MESSAGES in a
 * second from it, and serves the other sessions. */
GateTest(children, a_flood_waits, .settings = FREE)
{
    struct fake f, witness;
    char line[512];
    int client, other, sent;

    witness = bench_user(b, "127.0.1.1", &other);
    f = bench_user(b, "127.0.0.9", &client);
    fake_do(&f, "flood");
    cr_expect_neq(fake_port(&witness), 0);
    cr_assert_eq(sscanf(fake_says(&f, line, sizeof(line)), "sent %d", &sent), 1,
                 "%s", line);
    cr_expect_leq(sent, 3 * CHILD_MESSAGES);
    fake_do(&f, "exit 0");
    cr_expect_eq(bench_gone(b, &f), 0);
    fake_do(&witness, "exit 0");
    bench_gone(b, &witness);
    cr_expect(bench_silent(b));
    close(client);
    close(other);
}

/* Gate has a session killed when its time to log in is over, since a stopped
 * session can't end itself. The session's place becomes free; a logged-in
 * session stays. */
GateTest(children, login_timeout_of_a_stopped_session,
         .settings = "max_per_address = 1\n"
                     "login_timeout = 100ms\n")
{
    struct fake f, witness;
    int client, other;
    char line[256];

    witness = bench_user(b, "127.0.0.1", &other);
    f = bench_enter(b, "127.0.0.9", &client);
    fake_do(&f, "signal 19"); /* SIGSTOP */
    close(client);
    bench_kills(b, &f, ENDING_LOGIN_TIME);
    f = bench_enter(b, "127.0.0.9", &client);
    fake_do(&witness, "look");
    fake_says(&witness, line, sizeof(line));
    cr_assert(strncmp(line, "ignored", 7) == 0, "%s", line);
}

/* If master ends, gate and its sessions end. */
Test(children, end_with_gate)
{
    struct bench_plan plan = { .settings = FREE };
    struct fake f;
    struct bench b;
    int client;

    f = bench_open(&b, &plan, &client);
    bench_stop(&b, 0);
    cr_assert(client_closed(client));
    close(f.rope);
}
