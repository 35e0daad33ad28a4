/* Sessions that crash, lie, flood or must be killed: gate survives all of
 * them. */
#include "bench.h"
#include "sallyport/base/clock.h"

#define FREE "max_per_address = 100\nstartups = 100\nno_ban = 127.0.0.0/8\n"

/* The action of a session, and the result. */
struct death_row {
    const char *name, *does;
    int signal;         /* that ended it */
    const char *event;  /* a part of the line, or NULL: no such event */
    const char *reason; /* of the end event */
};

static const struct death_row deaths[] = {
    { "abort", "signal 6", SIGABRT, NULL, "crash: signal 6, serial " },
    { "segv", "signal 11", SIGSEGV, NULL, "crash: signal 11, serial " },
    { "killed", "signal 9", SIGKILL, NULL, "crash: signal 9, serial " },
    { "hung", "signal 14", SIGALRM, NULL, "it hung: signal 14, serial " },
    { "garbage", "garbage", SIGKILL, "an unknown or malformed message, serial",
      "another process failed: signal 9, serial " },
    { "wrong", "wrong", SIGKILL, "a message that is not this peer's, serial",
      "another process failed: signal 9, serial " },
    { "deaf", "deaf", SIGKILL, "doesn't read its answers, serial",
      "another process failed: signal 9, serial " },
    { "part", "part", SIGKILL, NULL,
      "another process failed: signal 9, serial " },
};

static void check_end(struct bench *b, const struct fake *f, const char *reason)
{
    char line[512], serial[32];

    snprintf(serial, sizeof(serial), "serial %016llx",
             (unsigned long long)f->serial);
    bench_event(b, line, sizeof(line));
    cr_assert(strncmp(line, "end ", 4) == 0, "%s", line);
    cr_assert(strstr(line, reason), "%s", line);
    cr_assert(strstr(line, serial), "%s", line);
    cr_assert(strstr(line, "peer=127.0.0.9:"), "%s", line);
}

static void check_death(struct bench *b, const struct death_row *row)
{
    struct fake f, witness;
    char line[512];
    int client, other, status;

    snprintf(line, sizeof(line), "127.0.1.%d", (int)(row - deaths) + 1);
    witness = bench_user(b, line, &other);
    f = bench_user(b, "127.0.0.9", &client);
    fake_do(&f, row->does);
    status = bench_gone(b, &f);
    cr_assert(WIFSIGNALED(status), "%s: %x", row->name, status);
    cr_assert_eq(WTERMSIG(status), row->signal, "%s", row->name);
    if (row->event) {
        bench_event(b, line, sizeof(line));
        cr_assert(strncmp(line, "peer-error ", 11) == 0, "%s: %s", row->name,
                  line);
        cr_assert(strstr(line, row->event), "%s: %s", row->name, line);
    }
    check_end(b, &f, row->reason);
    cr_assert(client_closed(client));
    cr_assert_neq(fake_port(&witness), 0, "%s", row->name);
    fake_do(&witness, "exit 0");
    bench_gone(b, &witness);
}

GateTest(children, deaths, .settings = FREE)
{
    for (size_t i = 0; i < sizeof(deaths) / sizeof(deaths[0]); i++)
        check_death(b, &deaths[i]);
}

/* If a session sends all the time, gate reads so many messages in a second,
 * whatever they are, and serves the others. */
GateTest(children, a_flood_waits, .settings = FREE)
{
    static const char *const floods[] = { "flood close", "flood port" };

    for (size_t i = 0; i < sizeof(floods) / sizeof(floods[0]); i++) {
        struct fake f, witness;
        char line[512];
        int client, other, sent;

        witness = bench_user(b, "127.0.1.1", &other);
        f = bench_user(b, "127.0.0.9", &client);
        fake_do(&f, floods[i]);
        cr_expect_neq(fake_port(&witness), 0, "%s", floods[i]);
        cr_assert_eq(
            sscanf(fake_says(&f, line, sizeof(line)), "sent %d", &sent), 1,
            "%s: %s", floods[i], line);
        cr_expect_leq(sent, 3 * CHILD_MESSAGES, "%s", floods[i]);
        fake_do(&f, "exit 0");
        cr_expect_eq(bench_gone(b, &f), 0, "%s", floods[i]);
        fake_do(&witness, "exit 0");
        bench_gone(b, &witness);
        cr_expect(bench_silent(b), "%s", floods[i]);
        close(client);
        close(other);
    }
}

GateTest(children, killed_by_master, .settings = FREE)
{
    struct fake f, witness;
    int client, other, status;
    char line[256];

    witness = bench_user(b, "127.0.0.1", &other);
    f = bench_enter(b, "127.0.0.9", &client);
    BENCH_SAY(b, kill, .serial = f.serial);
    status = bench_gone(b, &f);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    check_end(b, &f, "kicked: signal 9, serial ");
    fake_do(&witness, "look");
    fake_says(&witness, line, sizeof(line));
    BENCH_SAY(b, kill, .serial = f.serial); /* gone already: no effect */
    fake_do(&witness, "exit 0");
    bench_gone(b, &witness);
}

/* The session is stopped and can't notice that its time is over. Its place is
 * free again; a logged-in session stays. */
GateTest(children, login_timeout_of_a_stopped_session,
         .settings = "max_per_address = 1\n"
                     "login_timeout = 100ms\n")
{
    struct fake f, witness;
    int client, other, status;
    char line[256];

    witness = bench_user(b, "127.0.0.1", &other);
    BENCH_SAY(b, logged_in, .serial = witness.serial);
    f = bench_enter(b, "127.0.0.9", &client);
    fake_do(&f, "signal 19"); /* SIGSTOP */
    close(client);
    status = bench_gone(b, &f);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    check_end(b, &f, "not logged in in time: signal 9, serial ");
    f = bench_enter(b, "127.0.0.9", &client);
    fake_do(&witness, "look");
    fake_says(&witness, line, sizeof(line));
    cr_assert(strncmp(line, "ignored", 7) == 0, "%s", line);
}

/* When master ends, all end. */
Test(children, end_with_gate)
{
    struct bench_plan plan = { .settings = FREE };
    struct fake f;
    struct bench b;
    int client;

    f = bench_open(&b, &plan, &client);
    close(f.rope); /* otherwise the fake session would end by it */
    bench_stop(&b, 0);
    cr_assert(client_closed(client));
}
