/* Tests that gate refuses the addresses that master has banned, before the fork
 * and behind a proxy. The test writes master's table of bans. */
#include "bench.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/shared.h"
#include <errno.h>

#define REFUSED                                                                \
    "421 Your address is banned. Try again later, or ask the "                 \
    "administrator.\r\n"

/* Bans NETWORK for SECONDS from now on; 0: for ever. */
static void ban(const struct bench *b, const char *network, unsigned bits,
                int64_t seconds)
{
    struct ban one = { .bits = (uint8_t)bits, .since = time(NULL) };

    cr_assert_eq(address_parse(slice_from(network), &one.network), 0);
    one.until = seconds == 0 ? 0 : one.since + seconds;
    cr_assert_geq(bans_put(b->bans, &one, one.since), 0);
}

static void unban(const struct bench *b, const char *network, unsigned bits)
{
    struct address a;
    const struct ban *one;

    cr_assert_eq(address_parse(slice_from(network), &a), 0);
    one = bans_find(b->bans, &a, bits, time(NULL));
    cr_assert(one);
    bans_remove(b->bans, one);
}

static void expect_refused(struct bench *b, const char *from)
{
    int client = client_connect(from, b->control.port);
    char line[512];

    cr_expect_str_eq(client_line(client, line, sizeof(line)), REFUSED);
    cr_expect(client_closed(client));
    close(client);
    bench_reports(b, "reason=ban");
}

/* Gate reads each ban, and its removal, from the table, without a message. Gate
 * refuses without a fork. */
GateTest(bans, are_refused_at_once, .settings = "", .sandbox = true)
{
    int client;

    bench_enter(b, "127.0.0.9", &client);
    ban(b, "127.0.0.9", 32, 60);
    expect_refused(b, "127.0.0.9");
    bench_enter(b, "127.0.0.10", &client); /* the next address isn't banned */
    ban(b, "127.0.1.0", 24, 0);
    expect_refused(b, "127.0.1.77");
    bench_enter(b, "127.0.2.77", &client);
    cr_expect(bench_quiet(b), "no session of a banned address");
    unban(b, "127.0.0.9", 32);
    bench_enter(b, "127.0.0.9", &client);
}

GateTest(bans, are_over_or_exempt, .settings = "no_ban = 127.0.0.8/31\n")
{
    int client;

    ban(b, "127.0.0.9", 32, 60);
    bench_enter(b, "127.0.0.9", &client);
    ban(b, "127.0.0.10", 32, 60);
    b->bans->ban[1].until = time(NULL) - 1;
    bench_enter(b, "127.0.0.10", &client);
}

GateTest(bans, behind_a_proxy,
         .settings = "listen = 127.0.0.1:1 proxy\n"
                     "proxies = 127.0.0.5\n",
         .first = true)
{
    char line[128];
    struct fake f;

    ban(b, "198.51.100.0", 24, 60);
    ban(b, "127.0.0.5", 32, 60); /* a ban of the proxy has no effect */
    client_connect("127.0.0.5", b->control.port);
    f = bench_session(b);
    fake_do(&f, "enter 198.51.100.1:4711 203.0.113.7:21");
    cr_expect_str_eq(fake_says(&f, line, sizeof(line)),
                     "kept out Your address is banned. Try again later, or ask "
                     "the administrator");
}

/* Gate can't write to the table, or shorten its file. Gate refuses a file that
 * somebody could shorten. */
Test(bans, are_only_read)
{
    const struct bans *b;
    int reading = -1, bare;

    bench_ban_memory(&reading);
    cr_expect_lt(ftruncate(reading, 1), 0);
    cr_expect_eq(
        mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE, MAP_SHARED, reading, 0),
        MAP_FAILED);
    b = shared_map(reading, sizeof(*b), PROT_READ);
    cr_assert_not_null(b);
    SHARED_UNMAP(b);
    bare = memfd_create("bans", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    cr_assert_eq(ftruncate(bare, sizeof(*b)), 0);
    cr_expect_null(shared_map(bare, sizeof(*b), PROT_READ));
    cr_expect_eq(errno, EINVAL);
    fd_close(&bare);
    fd_close(&reading);
}
