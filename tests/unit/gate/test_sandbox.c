/* Runs gate inside its real sandbox, which must permit all that gate does after
 * `ready`. (A fake session has gate's filter here.) */
#include "bench.h"
#include "support/processes.h"

/* Reads "Max open files   SOFT   HARD   files". */
static unsigned long open_files(pid_t pid)
{
    unsigned long soft = 0;
    char path[64], line[256];
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/limits", (int)pid);
    f = fopen(path, "r");
    cr_assert(f);
    while (soft == 0 && fgets(line, sizeof(line), f))
        sscanf(line, "Max open files %lu", &soft);
    fclose(f);
    return soft;
}

/* Gate has descriptors for all sessions and for the whole queue: clients that
 * wait for a login take no descriptor from logged-in ones. */
GateTest(sandbox, room_for_all_that_wait, .settings = "max_sessions = 1200\n",
         .sandbox = true)
{
    cr_expect_geq(open_files(b->gate), 1200 + LIMIT_QUEUE + 32);
}

static void check_data(const struct fake *f)
{
    uint16_t port = fake_port(f);
    char line[128];
    int fd;

    cr_assert_neq(port, 0);
    fd = client_connect("127.0.0.1", port);
    /* The sandbox permits no getsockopt(), so the fake session can't read
     * TCP_NODELAY, which test_lend checks. Without seccomp it can. */
    fake_says(f, line, sizeof(line));
    cr_assert(strcmp(line, "data 127.0.0.1 nodelay -1") == 0 ||
                  strcmp(line, "data 127.0.0.1 nodelay 1") == 0,
              "%s", line);
    close(fd);
}

GateTest(sandbox, a_day_in_it, .settings = "max_sessions = 3\n",
         .sandbox = true)
{
    struct fake f, g;
    char line[512];
    int client;

    cr_assert_eq(process_number(b->gate, "NoNewPrivs"), 1);
    cr_assert_str_eq(process_status(b->gate, "CapEff", line, sizeof(line)),
                     "0000000000000000");
    f = bench_enter(b, "127.0.0.1", &client);
    g = bench_enter(b, "127.0.0.2", &client);
    bench_log_in(b, f.serial);
    check_data(&f);
    fake_do(&g, "garbage");
    bench_kills(b, &g, ENDING_PEER);
    bench_event(b, line, sizeof(line));
    cr_assert(strncmp(line, "peer-error ", 11) == 0, "%s", line);
    fake_do(&f, "exit 0");
    cr_assert_eq(bench_gone(b, &f), 0);
    SAY(&b->master, stop_accepting);
    cr_assert(bench_silent(b)); /* the sandbox has refused no system call */
}
