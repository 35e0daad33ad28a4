/* The table of bans, without any process: the test has the clock. */
#include "sallyport/base/clock.h"
#include "sallyport/domain/bans.h"
#include "support/test.h"

#define NOW 1000000

static struct bans bans;

static struct address address(const char *text)
{
    struct address a;

    cr_assert_eq(address_parse(slice_from(text), &a), 0, "%s", text);
    return a;
}

static struct ban make(const char *network, unsigned bits, int64_t since,
                       int64_t until)
{
    return (struct ban){ .network = address(network),
                         .bits = (uint8_t)bits,
                         .since = since,
                         .until = until,
                         .reason = "because" };
}

static int put(const char *network, unsigned bits, int64_t since, int64_t until)
{
    const struct ban ban = make(network, bits, since, until);

    return bans_put(&bans, &ban, since);
}

/* As a process that searches for the first time. */
static const struct ban *over(const struct address *a, int64_t now)
{
    struct ban_index index = { .changes = UINT64_MAX };

    return bans_over(&bans, &index, a, now);
}

static bool banned(const char *text, int64_t now)
{
    struct address a = address(text);

    return over(&a, now) != NULL;
}

static struct address nth(unsigned n)
{
    return (struct address){
        .family = 4, .bytes = { 10, 0, (uint8_t)(n >> 8), (uint8_t)n }
    };
}

static struct ban nth_ban(unsigned n)
{
    return (struct ban){
        .network = nth(n), .bits = 32, .since = NOW + n, .until = 3 * NOW
    };
}

Test(bans, begin_and_end)
{
    cr_expect_not(banned("192.0.2.1", NOW));
    cr_expect_eq(put("192.0.2.1", 32, NOW, NOW + 60), 1);
    cr_expect(banned("192.0.2.1", NOW));
    cr_expect_not(banned("192.0.2.2", NOW));
    cr_expect(banned("192.0.2.1", NOW + 59));
    cr_expect_not(banned("192.0.2.1", NOW + 60));
    cr_expect_eq(put("192.0.2.1", 32, NOW + 59, NOW + 90), 0, "again");
    cr_expect(banned("192.0.2.1", NOW + 89));
    cr_expect_eq(bans_count(&bans, NOW + 89), 1);
    cr_expect_eq(bans_count(&bans, NOW + 90), 0);
    cr_expect_eq(put("192.0.2.1", 32, NOW + 90, 0), 1, "for ever");
    cr_expect_eq(bans.rows, 1);
    cr_expect(banned("192.0.2.1", INT64_MAX));
}

static const struct row {
    const char *network;
    unsigned bits;
    const char *in, *out;
} rows[] = {
    { "192.0.2.7", 32, "192.0.2.7", "192.0.2.6" },
    { "192.0.2.0", 24, "192.0.2.255", "192.0.3.0" },
    { "192.0.16.0", 20, "192.0.31.255", "192.0.32.0" },
    { "128.0.0.0", 1, "255.1.2.3", "127.1.2.3" },
    { "0.0.0.0", 0, "192.0.2.7", "2001:db8::1" },
    { "2001:db8::", 32, "2001:db8:ffff::1", "2001:db9::1" },
    { "2001:db8:0:1::", 64, "2001:db8:0:1:ffff::1", "2001:db8:0:2::1" },
    { "2001:db8:0:1:8000::", 65, "2001:db8:0:1:8000::1",
      "2001:db8:0:1:7000::" },
    { "2001:db8::1", 128, "2001:db8::1", "2001:db8::2" },
    { "::", 0, "2001:db8::1", "192.0.2.7" },
    { "::", 64, "::1", "0.0.0.1" },
};

Test(bans, of_networks)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *r = &rows[i];
        struct address network = address(r->network);
        struct address in = address(r->in), out = address(r->out);
        struct ban ban = make(r->network, r->bits, NOW, 0);

        cr_expect(ban_holds(&ban, &in), "%s/%u", r->network, r->bits);
        cr_expect_not(ban_holds(&ban, &out), "%s/%u", r->network, r->bits);
        memset(&bans, 0, sizeof(bans));
        cr_assert_eq(put(r->network, r->bits, NOW, 0), 1);
        cr_expect(banned(r->in, NOW), "%s/%u", r->network, r->bits);
        cr_expect_not(banned(r->out, NOW), "%s/%u", r->network, r->bits);
        cr_expect(bans_find(&bans, &network, r->bits, NOW));
        cr_expect_not(bans_find(&bans, &network, r->bits + 1, NOW));
    }
}

/* If the table is full, the oldest automatic ban makes room; the
 * administrator's never do. */
Test(bans, as_many_as_there_is_room_for)
{
    struct address first = nth(0), last = nth(BANS_MAX);
    struct ban more = nth_ban(BANS_MAX);

    for (unsigned i = 0; i < BANS_MAX; i++) {
        struct ban ban = nth_ban(i);

        ban.by_hand = i > 0;
        cr_assert_eq(bans_put(&bans, &ban, NOW), 1);
    }
    cr_expect(over(&first, NOW));
    cr_expect_eq(bans_put(&bans, &more, NOW), 1);
    cr_expect_not(over(&first, NOW));
    cr_expect(over(&last, NOW));
    cr_expect_eq(bans_count(&bans, NOW), BANS_MAX);
    more.by_hand = 1;
    cr_expect_eq(bans_put(&bans, &more, NOW), 0, "the same network");
    more.network = first;
    cr_expect_eq(bans_put(&bans, &more, NOW), -ENOSPC);
    cr_expect_eq(bans_count(&bans, 3 * NOW), 0); /* all have ended */
    cr_expect_eq(bans_put(&bans, &more, 3 * NOW), 1);
}

Test(bans, the_oldest_automatic_one)
{
    static const int64_t since[] = { NOW + 9, NOW + 2, NOW + 5 };
    struct ban_index index = { .changes = UINT64_MAX };
    struct address a;
    struct ban ban;

    for (unsigned i = 0; i < BANS_MAX; i++) {
        ban = nth_ban(i);
        ban.by_hand = i >= 3;
        ban.since = i < 3 ? since[i] : NOW;
        cr_assert_eq(bans_put(&bans, &ban, NOW), 1);
    }
    ban = nth_ban(BANS_MAX);
    cr_assert_eq(bans_put(&bans, &ban, NOW), 1);
    for (unsigned i = 0; i < BANS_MAX; i++) {
        a = nth(i);
        cr_expect_eq(bans_over(&bans, &index, &a, NOW) != NULL, i != 1, "%u",
                     i);
    }
}

/* A crash doesn't shorten what the administrator has decided. */
Test(bans, the_administrators_stay)
{
    struct address a = address("192.0.2.1");
    struct ban ban = make("192.0.2.1", 32, NOW, 0);

    ban.by_hand = 1;
    cr_assert_eq(bans_put(&bans, &ban, NOW), 1);
    cr_expect_eq(put("192.0.2.1", 32, NOW, NOW + 1), 0);
    cr_expect(banned("192.0.2.1", 2 * NOW));
    bans_remove(&bans, bans_find(&bans, &a, 32, NOW));
    cr_expect_not(banned("192.0.2.1", NOW));
}

/* An attacker can't shorten a ban by a crash and its shorter ban. */
Test(bans, the_longer_one_stays)
{
    cr_assert_eq(put("192.0.2.1", 32, NOW, NOW + 3600), 1);
    cr_expect_eq(put("192.0.2.1", 32, NOW + 1, NOW + 600), 0);
    cr_expect(banned("192.0.2.1", NOW + 3599));
    cr_expect_eq(put("192.0.2.1", 32, NOW + 1, NOW + 7200), 0);
    cr_expect(banned("192.0.2.1", NOW + 7199));
}

static int restore(const struct ban *ban, size_t n)
{
    memset(&bans, 0, sizeof(bans));
    return bans_restore(
        &bans, (struct slice){ (const char *)ban, n * sizeof(*ban) }, NOW);
}

/* One record that can't be true: then none counts. */
Test(bans, of_a_file)
{
    struct ban all[3] = { make("192.0.2.1", 32, 1, 0),
                          make("192.0.2.2", 32, 1, NOW - 1),
                          make("192.0.2.3", 32, 1, NOW + 1) };

    cr_assert_eq(restore(all, 3), 0);
    cr_expect_eq(bans_count(&bans, NOW), 2);
    cr_expect_eq(bans.rows, 2, "one has ended");
    cr_expect_eq(bans.saved, bans.changes);
    all[2].bits = 31;
    cr_expect_eq(restore(all, 3), -EBADMSG);
    cr_expect_eq(bans_count(&bans, NOW), 0);
    cr_expect_eq(bans.rows, 0);
    cr_expect_eq(bans_restore(&bans, (struct slice){ (char *)all, 99 }, NOW),
                 -EBADMSG);
    for (unsigned i = 0; i < 2; i++)
        cr_expect_eq(restore(all, 0), 0);
}

/* Each change is counted, so that the file is written. */
Test(bans, changes)
{
    uint64_t before = bans.changes;

    put("192.0.2.1", 32, NOW, NOW + 1);
    cr_expect_neq(bans.changes, before);
    before = bans.changes;
    cr_expect(banned("192.0.2.1", NOW));
    cr_expect_eq(bans_count(&bans, NOW + 1), 0);
    cr_expect_eq(bans.changes, before);
    put("192.0.2.2", 32, NOW + 1, NOW + 2); /* the first one's row is free */
    cr_expect_neq(bans.changes, before);
    cr_expect_eq(bans.rows, 1);
    put("192.0.2.3", 32, NOW + 1, NOW + 3);
    bans_remove(&bans, &bans.ban[0]);
    before = bans.changes;
    cr_expect_eq(put("192.0.2.3", 32, NOW + 1, NOW + 2), 0, "it ends sooner");
    cr_expect_eq(bans.changes, before, "an empty row is no change");
}

/* Bytes of a file that can't be a ban. */
Test(bans, sound)
{
    const struct ban good = make("192.0.2.0", 24, NOW, 0);
    struct ban ban = good;

    cr_expect(ban_is_sound(&ban));
    ban.network.family = 0;
    cr_expect_not(ban_is_sound(&ban));
    ban = good, ban.bits = 33;
    cr_expect_not(ban_is_sound(&ban));
    ban = good, ban.bits = 23;
    cr_expect(ban_is_sound(&ban));
    ban = good, ban.bits = 22;
    cr_expect_not(ban_is_sound(&ban), "not its first address");
    ban = good, ban.network.bytes[3] = 1;
    cr_expect_not(ban_is_sound(&ban));
    ban = good, ban.network.bytes[15] = 1;
    cr_expect_not(ban_is_sound(&ban), "beyond the address");
    ban = good, ban.by_hand = 2;
    cr_expect_not(ban_is_sound(&ban));
    ban = good, ban.since = -1;
    cr_expect_not(ban_is_sound(&ban));
    ban = good, ban.until = -1;
    cr_expect_not(ban_is_sound(&ban));
    ban = good, ban.until = INT64_MAX;
    cr_expect_not(ban_is_sound(&ban), "sums of times would overflow");
    ban = good, memset(ban.reason, 'x', sizeof(ban.reason));
    cr_expect_not(ban_is_sound(&ban), "no end");
    ban = good, ban.reason[0] = '\n';
    cr_expect_not(ban_is_sound(&ban));
}

/* Memory of another process may have any bytes. */
Test(bans, any_bytes_are_harmless)
{
    struct address a = address("192.0.2.1");

    memset(&bans, 0xff, sizeof(bans));
    cr_expect_not(over(&a, NOW));
    for (size_t i = 0; i < BANS_MAX; i++)
        bans.ban[i].network.family = 4;
    over(&a, NOW);
    a.family = 0;
    memset(&bans.ban, 0, sizeof(bans.ban));
    cr_expect_null(over(&a, NOW), "an empty row is no ban");
}

Test(bans, texts)
{
    char text[BAN_TEXT_MAX];
    struct address four = address("192.0.2.0"), six = address("2001:db8::");

    cr_expect_str_eq(ban_text(&four, 32, text), "192.0.2.0");
    cr_expect_str_eq(ban_text(&four, 24, text), "192.0.2.0/24");
    cr_expect_str_eq(ban_text(&six, 64, text), "2001:db8::/64");
    cr_expect_str_eq(ban_text(&six, 128, text), "2001:db8::");
}

/* The index follows each change, whatever the searches before: a row that gets
 * another network, a row that ends, and networks within networks. */
Test(bans, an_index_follows_the_table)
{
    struct ban_index index = { .key = { 1 } };
    struct address a = address("192.0.2.1"), other = address("192.0.2.2");

    cr_expect_null(bans_over(&bans, &index, &a, NOW), "the empty table");
    put("192.0.2.0", 24, NOW, NOW + 9);
    put("192.0.2.1", 32, NOW, NOW + 5);
    cr_expect(bans_over(&bans, &index, &a, NOW));
    cr_expect(bans_over(&bans, &index, &other, NOW));
    cr_expect(bans_over(&bans, &index, &a, NOW + 5), "the network's");
    cr_expect_null(bans_over(&bans, &index, &a, NOW + 9));
    bans_remove(&bans, &bans.ban[0]);
    cr_expect(bans_over(&bans, &index, &a, NOW));
    cr_expect_null(bans_over(&bans, &index, &other, NOW));
    put("192.0.2.2", 32, NOW, 0); /* in the row that was freed */
    cr_expect_eq(bans_over(&bans, &index, &other, NOW), &bans.ban[0]);
    cr_expect(bans_over(&bans, &index, &a, NOW));
}

/* A search in a full table costs a small part of a refusal (25 us). It prints
 * the figure; a machine under load may be slow. */
Test(bans, a_full_table_is_searched_quickly)
{
    struct address a = address("192.0.2.1");
    struct ban_index index = { .key = { 1 } };
    uint64_t began;
    size_t found = 0;

    for (unsigned i = 0; i < BANS_MAX; i++) {
        struct ban ban = nth_ban(i);

        bans_put(&bans, &ban, NOW);
    }
    began = clock_ms();
    for (int i = 0; i < 1000; i++) {
        a.bytes[0] = (uint8_t)(100 + i % 100);
        found += bans_over(&bans, &index, &a, NOW) != NULL;
    }
    fprintf(stderr, "1,000 searches among %d bans: %llu ms\n", BANS_MAX,
            (unsigned long long)(clock_ms() - began));
    cr_expect_eq(found, 0);
    cr_expect_lt(clock_ms() - began, 5000);
}
