/* Addresses that are banned for a while: the list, and the causes. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "gate/limits.h"

static struct address nth(unsigned n)
{
    return (struct address){
        .family = 4, .bytes = { 10, 0, (uint8_t)(n >> 8), (uint8_t)n }
    };
}

Test(bans, begin_and_end)
{
    struct address a = nth(1), b = nth(2);
    static struct bans bans;

    memset(&bans, 0, sizeof(bans));
    cr_expect_not(bans_hold(&bans, &a, 1000));
    cr_expect(bans_add(&bans, &a, 1000, 2000));
    cr_expect(bans_hold(&bans, &a, 1000));
    cr_expect_not(bans_hold(&bans, &b, 1000));
    cr_expect(bans_hold(&bans, &a, 1999));
    cr_expect_not(bans_add(&bans, &a, 1999, 3000)); /* again */
    cr_expect(bans_hold(&bans, &a, 2999));
    cr_expect_not(bans_hold(&bans, &a, 3000));
}

/* If the list is full, the ban that would end first makes room. */
Test(bans, as_many_as_there_is_room_for)
{
    struct address first = nth(7), more = nth(BANS_MAX);
    static struct bans bans;

    memset(&bans, 0, sizeof(bans));
    for (unsigned i = 0; i < BANS_MAX; i++) {
        struct address a = nth(i);

        cr_assert(bans_add(&bans, &a, 0, i == 7 ? 500 : 1000 + i));
    }
    cr_expect(bans_hold(&bans, &first, 0));
    cr_expect(bans_add(&bans, &more, 0, 1000));
    cr_expect_not(bans_hold(&bans, &first, 0));
    cr_expect(bans_hold(&bans, &more, 0));
    for (unsigned i = 0; i < BANS_MAX; i++) {
        struct address a = nth(i);

        cr_expect_eq(bans_hold(&bans, &a, 0), i != 7, "%u", i);
    }
    cr_expect_not(bans_hold(&bans, &first, 5000)); /* all have ended */
}

/* How a session ends, and whether its address is banned for it. */
static const struct crash {
    const char *settings, *does;
    bool banned;
} crashes[] = {
    { "", "signal 11", true }, /* SIGSEGV */
    { "", "signal 7", true },  /* SIGBUS */
    { "", "signal 4", true },  /* SIGILL */
    { "", "signal 8", true },  /* SIGFPE */
    { "", "signal 6", true },  /* SIGABRT */
    { "", "signal 31", true }, /* SIGSYS */
    { "", "signal 9", false }, /* SIGKILL */
    { "", "exit 11", false },
    { "", "garbage", false }, /* gate kills it */
    { "crash_ban = 0\n", "signal 11", false },
    { "no_ban = 127.0.0.8/31\n", "signal 11", false },
    { "no_ban = 127.0.0.1\n", "signal 11", true },
    { "crash_ban = 100ms\n", "signal 11", true },
};

static void expect_banned(struct bench *b)
{
    int client = client_connect("127.0.0.9", b->control.port), other;
    char line[512];

    cr_expect_str_eq(client_line(client, line, sizeof(line)),
                     "421 Too many connections: from your address, for a "
                     "while. Try again later.\r\n");
    cr_expect(client_closed(client));
    close(client);
    bench_event(b, line, sizeof(line));
    cr_expect(strncmp(line, "refused ", 8) == 0, "%s", line);
    cr_expect(strstr(line, "reason=crash_ban"), "%s", line);
    bench_enter(b, "127.0.0.10", &other); /* the next address */
}

static void expect_event(struct bench *b, const struct fake *f)
{
    char line[512], serial[32];

    snprintf(serial, sizeof(serial), "serial %016llx",
             (unsigned long long)f->serial);
    bench_event(b, line, sizeof(line));
    cr_expect(strncmp(line, "ban ", 4) == 0, "%s", line);
    cr_expect(strstr(line, " peer=127.0.0.9:"), "%s", line);
    cr_expect(strstr(line, serial), "%s", line);
    cr_expect(strstr(line, " ms="), "%s", line);
}

static void check(const struct crash *row)
{
    char settings[256], line[512];
    struct bench_plan plan = { .settings = settings };
    struct fake f;
    struct bench b;
    int client;

    snprintf(settings, sizeof(settings), "%s%s",
             strstr(row->settings, "crash_ban") ? "" : "crash_ban = 60s\n",
             row->settings);
    bench_start(&b, &plan);
    f = bench_enter(&b, "127.0.0.9", &client);
    fake_do(&f, row->does);
    bench_gone(&b, &f);
    close(client);
    if (strcmp(row->does, "garbage") == 0)
        bench_event(&b, line, sizeof(line)); /* the event about its cause */
    if (strncmp(row->does, "exit", 4) != 0)
        bench_event(&b, line, sizeof(line)); /* the event of its end */
    if (row->banned)
        expect_event(&b, &f);
    if (row->banned && !strstr(row->settings, "crash_ban"))
        expect_banned(&b);
    else if (row->banned) /* the session ends by itself */
        do {
            client = client_connect("127.0.0.9", b.control.port);
            client_line(client, line, sizeof(line));
            close(client);
        } while (strncmp(line, "220 ", 4) != 0);
    else
        bench_enter(&b, "127.0.0.9", &client);
    bench_stop(&b, 0);
}

Test(bans, who_crashed)
{
    for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
        check(&crashes[i]);
}

/* A session reads the address of a proxy's client. An attacker in a session
 * could name any address, and ban it by a crash. */
Test(bans, behind_a_proxy)
{
    struct bench_plan plan = { .settings = "listen = 127.0.0.1:1 proxy\n"
                                           "proxies = 127.0.0.5\n",
                               .first = true };
    char line[512];
    struct fake f;
    struct bench b;

    bench_start(&b, &plan);
    for (int i = 0; i < 3; i++) {
        client_connect("127.0.0.5", b.control.port);
        f = bench_session(&b);
        if (i > 0) {
            fake_do(&f, "enter 198.51.100.1:4711 203.0.113.7:21");
            bench_peer(&b, &f);
        }
        fake_do(&f, "signal 11");
        bench_gone(&b, &f);
        bench_event(&b, line, sizeof(line));
        cr_expect(strncmp(line, "end ", 4) == 0, "%s", line);
    }
    cr_expect(bench_silent(&b), "no ban");
    bench_stop(&b, 0);
}
