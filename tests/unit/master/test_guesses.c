/* Tests of the counts of failed logins, without any process; the test sets the
 * time. */
#include <sys/random.h>
#include <sys/syscall.h>

#include "master/logins/logins.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/shared.h"
#include "support/long.h"
#include "support/test.h"

#define MOST   10000
#define MINUTE 60000
#define START  1000000

/* Uses the same key in each run. The key decides whether two addresses of a
 * test share a slot. */
static bool same_key;

/* Replaces libc's getrandom(): if same_key is set, all bytes are 1. */
ssize_t getrandom(void *to, size_t len, unsigned flags)
{
    if (!same_key)
        return syscall(SYS_getrandom, to, len, flags);
    memset(to, 1, len);
    return (ssize_t)len;
}

static struct guesses *g;

static void map(void)
{
    same_key = true;
    cr_assert_eq(guesses_map(-1, &g), 0);
}

TestSuite(guesses, .init = map, WITHOUT_SANITIZERS);

static struct guess guess(uint64_t name, const char *peer)
{
    struct guess made = { .name = name };

    cr_assert_eq(address_parse(slice_from(peer), &made.peer), 0);
    return made;
}

static uint64_t delay(uint64_t name, const char *peer, uint64_t now)
{
    const struct guess what = guess(name, peer);

    return guesses_delay(g, &what, MOST, now);
}

static void fail(uint64_t name, const char *peer, uint64_t times, uint64_t now)
{
    const struct guess what = guess(name, peer);

    for (uint64_t i = 0; i < times; i++)
        guesses_failed(g, &what, now);
}

static void succeed(uint64_t name, const char *peer, uint64_t now)
{
    const struct guess what = guess(name, peer);

    guesses_succeeded(g, &what, now);
}

/* Names are numbers, and each has a slot of its own here. */
Test(guesses, a_name_is_slowed_more_and_more)
{
    static const uint64_t after[] = { 0,    0,    0,    0,     0,    1000,
                                      2000, 4000, 8000, 10000, 10000 };

    for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++) {
        cr_expect_eq(delay(7, "192.0.2.1", START), after[i], "%zu", i);
        fail(7, "198.51.100.1", 1, START);
    }
    cr_expect_eq(delay(8, "192.0.2.1", START), 0, "another name");
}

Test(guesses, a_name_is_forgiven)
{
    fail(7, "198.51.100.1", 9, START);
    cr_expect_eq(delay(7, "192.0.2.1", START), 10000);
    cr_expect_eq(delay(7, "192.0.2.1", START + MINUTE), 8000);
    cr_expect_eq(delay(7, "192.0.2.1", START + 5 * MINUTE), 0);
    fail(7, "198.51.100.1", 100000, START);
    cr_expect_eq(delay(7, "192.0.2.1",
                       START + (GUESS_DEBT + GUESS_NAME_FREE + 1) * MINUTE),
                 0, "an attack that is over is forgotten as well");
}

/* Failures at other addresses can't slow a user at an address where the user
 * has logged in lately. Failures with the user's name at that address do, also
 * if an attacker causes them. */
Test(guesses, where_a_user_is_known)
{
    uint64_t later = START + GUESS_KNOWN_MS;

    succeed(7, "192.0.2.1", START);
    succeed(7, "2001:db8::1", START);
    fail(7, "198.51.100.1", 100, START);
    fail(9, "192.0.2.1", 100, START);
    cr_expect_eq(delay(7, "192.0.2.1", START), 0);
    cr_expect_eq(delay(7, "2001:db8::2", START), 0, "the same /64");
    cr_expect_eq(delay(7, "2001:db8:0:1::1", START), MOST);
    cr_expect_eq(delay(7, "192.0.2.2", START), MOST);
    cr_expect_eq(delay(8, "192.0.2.1", START), MOST, "another user");
    fail(7, "192.0.2.1", GUESS_NAME_FREE, START);
    cr_expect_eq(delay(7, "192.0.2.1", START), 1000);
    fail(7, "198.51.100.1", 100, later);
    cr_expect_eq(delay(7, "192.0.2.1", later), MOST, "known too long ago");
}

/* Each slot of each name has failures: no known user shares one by chance. */
Test(guesses, where_a_user_is_known_beside_each_name)
{
    struct guess what = guess(0, "198.51.100.1");

    succeed(7, "192.0.2.1", START);
    for (what.name = 1; what.name < 10 * GUESS_SLOTS; what.name++)
        guesses_failed(g, &what, START);
    cr_expect_eq(delay(7, "192.0.2.1", START), 0);
    cr_expect_eq(delay(7, "192.0.2.2", START), MOST);
}

/* Writes address N of a network with BITS bits to OUT. Returns OUT. */
static const char *host(char out[64], unsigned bits, unsigned n)
{
    struct address a;

    cr_assert_eq(
        address_parse(bits == 32 ? SLICE("192.0.2.0") : SLICE("2001:db8:1::"),
                      &a),
        0);
    if (bits == 32)
        a.bytes[3] = (uint8_t)n;
    else if (bits == 64)
        a.bytes[15] = (uint8_t)n;
    else
        a.bytes[bits / 8] = (uint8_t)n; /* the next narrower network */
    return address_text(&a, out);
}

/* FREE failures of different names in a network of BITS bits slow the next
 * attempt there, but no attempt OUTSIDE. They come from SPREAD narrower
 * networks, so that none of these has enough failures. */
static const struct {
    unsigned bits;
    uint64_t free;
    unsigned spread;
    const char *outside;
} prefixes[] = {
    { 32, 20, 1, "192.0.2.1" },
    { 64, 20, 200, "2001:db8:1:1::" },
    { 56, 40, 200, "2001:db8:1:100::" },
    { 48, 80, 200, "2001:db8:2::" },
};

Test(guesses, addresses)
{
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        unsigned bits = prefixes[i].bits;
        char text[64];

        cr_assert_eq(guesses_map(-1, &g), 0);
        for (uint64_t n = 0; n < prefixes[i].free; n++) {
            unsigned where = (unsigned)n % prefixes[i].spread;

            cr_expect_eq(delay(5000, host(text, bits, where), START), 0,
                         "/%u, %lu", bits, n);
            fail(1 + n, host(text, bits, where), 1, START);
        }
        cr_expect_eq(delay(5000, host(text, bits, 0), START), 1000, "/%u",
                     bits);
        cr_expect_eq(delay(5000, prefixes[i].outside, START), 0, "/%u", bits);
        cr_expect_eq(delay(5000, host(text, bits, 0), START + 10000), 0);
    }
}

Test(guesses, a_trusted_address_is_not_counted)
{
    struct guess what = guess(7, "192.0.2.1");

    what.trusted = true;
    for (uint64_t i = 0; i < 1000; i++) {
        what.name = i;
        guesses_failed(g, &what, START);
    }
    cr_expect_eq(guesses_delay(g, &what, MOST, START), 0);
    cr_expect_eq(delay(5000, "192.0.2.1", START), 0);
}

/* An attack on many names from many addresses slows others only by chance. */
Test(guesses, collisions_are_few)
{
    static const uint8_t any_key[SIPHASH_KEY] = { 1, 2, 3 };
    unsigned met = 0;

    for (unsigned i = 0; i < 200; i++) {
        struct guess what = { .name = siphash(any_key, &i, sizeof(i)),
                              .peer = { 4, { 10, 1, 0, (uint8_t)i }, 0 } };

        for (int n = 0; n < 100; n++)
            guesses_failed(g, &what, START);
    }
    for (unsigned i = 1000; i < 11000; i++) {
        struct guess what = {
            .name = siphash(any_key, &i, sizeof(i)),
            .peer = { 4, { 10, 2, (uint8_t)(i >> 8), (uint8_t)i }, 0 }
        };

        met += guesses_delay(g, &what, MOST, START) > 0;
    }
    cr_expect_lt(met, 200u, "%u of 10000; 61 are expected", met);
}

/* Two masters, one after the other or at the same time, use the same counts. */
Test(guesses, outlive_a_master)
{
    FD_CLEANUP int fd = shared_make("guesses", sizeof(struct guesses));
    FD_CLEANUP int small = shared_make("guesses", sizeof(struct guesses) - 1);
    struct guesses *first, *second;

    cr_assert_eq(guesses_map(small, &g), -EINVAL, "it is too short");
    cr_assert_eq(guesses_map(fd, &g), 0);
    fail(7, "192.0.2.1", 6, START);
    first = g;
    cr_assert_eq(guesses_map(fd, &second), 0);
    g = second;
    cr_expect_eq(delay(7, "192.0.2.9", START), 2000);
    succeed(7, "192.0.2.9", START);
    g = first;
    cr_expect_eq(delay(7, "192.0.2.9", START), 0);
    g = second;
    fail(7, "192.0.2.1", 1, START);
    g = first;
    cr_expect_eq(delay(7, "192.0.2.8", START), 4000);
    SHARED_UNMAP(first);
    g = second;
    cr_expect_eq(delay(7, "192.0.2.8", START), 4000);
}

static const char *code(uint64_t name, const char *peer, uint64_t step,
                        uint64_t now)
{
    const struct guess what = guess(name, peer);

    return guesses_code(g, &what, step, MINUTE, now);
}

/* A code counts once. For a while it also opens further logins of the same user
 * from the same address. */
Test(guesses, codes)
{
    cr_expect_str_eq(code(7, "192.0.2.1", 0, START),
                     "the one-time code is missing or wrong");
    cr_expect_null(code(7, "192.0.2.1", 100, START));
    cr_expect_null(code(7, "192.0.2.1", 100, START),
                   "further connections send the same text");
    cr_expect_str_eq(code(7, "192.0.2.2", 100, START),
                     "the one-time code was used before");
    cr_expect_str_eq(code(7, "192.0.2.2", 99, START),
                     "the one-time code was used before");
    cr_expect_null(code(7, "192.0.2.1", 0, START + MINUTE - 1));
    cr_expect(code(7, "192.0.2.1", 0, START + MINUTE));
    cr_expect(code(7, "192.0.2.2", 0, START), "another address");
    cr_expect(code(8, "192.0.2.1", 0, START), "another user");
    cr_expect_null(code(8, "192.0.2.1", 100, START), "his own code");
    cr_expect_null(code(7, "192.0.2.1", 101, START + MINUTE));
}

static uint64_t for_ban(const char *peer, uint64_t now)
{
    const struct guess what = guess(0, peer);

    return guesses_for_ban(g, &what.peer, now);
}

/* A wrong password counts for an hour. An IPv6 address counts as its /64. */
Test(guesses, of_an_hour)
{
    cr_expect_eq(for_ban("192.0.2.1", START), 0);
    fail(7, "192.0.2.1", 3, START);
    fail(7, "192.0.2.1", 2, START + 30 * MINUTE);
    fail(7, "2001:db8::1", 1, START);
    cr_expect_eq(for_ban("192.0.2.1", START + 54 * MINUTE), 5);
    cr_expect_eq(for_ban("192.0.2.1", START + 61 * MINUTE), 2);
    cr_expect_eq(for_ban("192.0.2.1", START + 91 * MINUTE), 0);
    cr_expect_eq(for_ban("192.0.2.2", START), 0);
    cr_expect_eq(for_ban("2001:db8::2", START), 1);
    cr_expect_eq(for_ban("2001:db8:0:1::1", START), 0);
    fail(7, "192.0.2.1", 1, START + 1000 * MINUTE);
    cr_expect_eq(for_ban("192.0.2.1", START + 1000 * MINUTE), 1);
}

/* After the administrator's "ban del", the wrong passwords of its network count
 * from 0 again. */
Test(guesses, are_pardoned)
{
    struct guess_report r;
    struct guess net = guess(0, "192.0.2.0");

    fail(7, "192.0.2.1", 9, START);
    fail(7, "192.0.3.1", 9, START);
    guesses_pardon(g, &net.peer, 24);
    cr_expect_eq(for_ban("192.0.2.1", START), 0);
    cr_expect_eq(for_ban("192.0.3.1", START), 9);
    fail(7, "192.0.2.1", 2, START);
    cr_expect_eq(for_ban("192.0.2.1", START), 2);
    guesses_report(g, START, &r);
    cr_expect_eq(r.wrong, 20);
}

/* Wrong passwords don't count for a ban of an address where a user has logged
 * in lately, since the ban would hit users. */
Test(guesses, where_users_are)
{
    uint64_t later = START + GUESS_KNOWN_MS;

    succeed(7, "192.0.2.1", START);
    fail(9, "192.0.2.1", 50, START);
    cr_expect_eq(for_ban("192.0.2.1", START), 0);
    fail(9, "192.0.2.1", 50, later);
    cr_expect_eq(for_ban("192.0.2.1", later), 50, "too long ago");
}

/* A user who logs in from very many networks doesn't exempt all other addresses
 * from bans. */
Test(guesses, of_an_address_whose_slot_is_taken)
{
    struct guess what = { .name = 7, .peer = { .family = 6 } };

    for (uint32_t i = 0; i < 10 * GUESS_SLOTS; i++) {
        memcpy(what.peer.bytes, &i, sizeof(i));
        guesses_succeeded(g, &what, START);
    }
    fail(9, "192.0.2.1", 5, START);
    cr_expect_eq(for_ban("192.0.2.1", START), 5);
}

Test(guesses, the_worst_addresses)
{
    static const struct {
        const char *peer;
        uint64_t wrong;
    } rows[] = { { "192.0.2.1", 3 },   { "192.0.2.2", 9 }, { "192.0.2.3", 1 },
                 { "2001:db8::1", 7 }, { "192.0.2.4", 5 }, { "192.0.2.5", 2 },
                 { "192.0.2.6", 4 } };
    static const uint64_t worst[GUESS_WORST] = { 9, 7, 5, 4, 3 };
    struct guess_report r;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        fail(i, rows[i].peer, rows[i].wrong, START);
    guesses_report(g, START, &r);
    cr_expect_eq(r.wrong, 31);
    cr_expect_eq(r.addresses, 7);
    cr_assert_eq(r.count, GUESS_WORST);
    for (size_t i = 0; i < GUESS_WORST; i++)
        cr_expect_eq(r.worst[i].wrong, worst[i], "%zu", i);
    guesses_report(g, START + 61 * MINUTE, &r);
    cr_expect_eq(r.wrong, 0);
    cr_expect_eq(r.addresses, 0);
    cr_expect_eq(r.count, 0);
}

/* Many addresses with one wrong password each don't hide an address with
 * many. */
Test(guesses, a_flood_of_addresses)
{
    struct guess_report r;
    struct guess what = { .peer = { .family = 4 } };

    fail(7, "192.0.2.1", 30, START);
    for (uint32_t i = 1; i <= 10 * GUESS_SOURCES; i++) {
        memcpy(what.peer.bytes, &i, sizeof(i));
        guesses_failed(g, &what, START);
    }
    cr_expect_eq(for_ban("192.0.2.1", START), 30);
    guesses_report(g, START, &r);
    cr_expect_eq(r.worst[0].wrong, 30);
    cr_expect_eq(r.wrong, 10 * GUESS_SOURCES + 30);
    cr_expect_leq(r.addresses, GUESS_SOURCES);
}

/* Many pairs of user and address have sent a code once, and then log in without
 * a code. Few of them can't, since they share a slot. */
Test(guesses, codes_of_many)
{
    enum { PAIRS = 5000 };
    struct guess what = { .peer = { .family = 4 } };
    unsigned lost = 0;

    for (uint32_t round = 0; round < 2; round++)
        for (uint32_t i = 1; i <= PAIRS; i++) {
            what.name = (uint64_t)i << 32 | i;
            memcpy(what.peer.bytes, &i, sizeof(i));
            lost += guesses_code(g, &what, round == 0 ? 5 : 0, MINUTE,
                                 START + round) != NULL &&
                    round == 1;
        }
    cr_expect_leq(lost, 5, "%u", lost);
}

/* Users who log in within the same half minute don't use up each other's
 * codes. */
Test(guesses, codes_of_many_users)
{
    static const uint8_t key[SIPHASH_KEY];

    for (uint64_t i = 0; i < 1000; i++) {
        struct guess what = { .name = siphash(key, &i, sizeof(i)) };

        cr_assert_eq(address_parse(SLICE("192.0.2.1"), &what.peer), 0);
        cr_expect_null(guesses_code(g, &what, 7, 0, 1000), "%lu", i);
        cr_expect_not_null(guesses_code(g, &what, 7, 0, 1000), "%lu", i);
    }
}
