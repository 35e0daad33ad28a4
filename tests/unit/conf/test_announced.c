/* Addresses announced to clients of a network. */
#include <stdlib.h>

#include "conf.h"

static const char text[] = "address = 203.0.113.7\n"
                           "address.10.0.0.0/8 = 10.0.0.5\n"
                           "address.10.1.0.0/16 = 10.1.0.5\n"
                           "address.10.1.2.0/24 =\n"
                           "address.192.0.2.9 = 192.0.2.1\n"
                           "address.fd00::/8 = fd00::5\n"
                           "address.fd00:1::/32=fd00:1::5\n";

static const struct {
    const char *client, *told;
} rows[] = {
    { "198.51.100.1", "203.0.113.7" }, { "9.255.255.255", "203.0.113.7" },
    { "10.0.0.1", "10.0.0.5" },        { "10.255.255.255", "10.0.0.5" },
    { "10.1.0.1", "10.1.0.5" },        { "10.1.2.3", "none" },
    { "11.0.0.0", "203.0.113.7" },     { "192.0.2.9", "192.0.2.1" },
    { "192.0.2.8", "203.0.113.7" },    { "::ffff:10.0.0.1", "10.0.0.5" },
    { "fd00:2::1", "fd00::5" },        { "fd00:1::1", "fd00:1::5" },
    { "fe00::1", "203.0.113.7" }, /* the client can't use it, and gate notices
                                     that */
    { "a00::1", "203.0.113.7" },  /* its first byte is 10 */
};

static void expect_rows(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char told[ADDRESS_TEXT_MAX];
        struct address client;

        cr_assert_eq(address_parse(slice_from(rows[i].client), &client), 0);
        cr_expect_str_eq(address_text(settings_announced(&s, &client), told),
                         rows[i].told, "%s", rows[i].client);
    }
}

Test(announced, the_longest_network_wins)
{
    parse_well(text);
    cr_expect_eq(s.announced_count, 6);
    cr_expect_eq(s.announced[5].line, 7);
    expect_rows();
}

/* The lines may be in any order. */
Test(announced, the_order_is_of_no_account)
{
    parse_well(text);
    for (size_t i = 0; i < s.announced_count / 2; i++) {
        struct announced other = s.announced[i];

        s.announced[i] = s.announced[s.announced_count - 1 - i];
        s.announced[s.announced_count - 1 - i] = other;
    }
    expect_rows();
}

static void many(int n, int expected)
{
    char lines[4096] = "";

    for (int i = 0; i < n; i++)
        snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines),
                 "address.10.%d.0.0/16 = 192.0.2.1\n", i);
    cr_expect_eq(parse(lines), expected, "%d: %s", n, c.text);
    if (expected)
        cr_expect_str_eq(c.text, "conf:33: address.10.32.0.0/16 = 192.0.2.1: "
                                 "more than 32 networks");
}

Test(announced, at_most_32)
{
    many(SETTINGS_ANNOUNCED_MAX, 0);
    many(SETTINGS_ANNOUNCED_MAX + 1, -22);
}

Test(announced, all_of_a_family)
{
    struct address client;

    parse_well("address.0.0.0.0/0 = 192.0.2.1\n"
               "address.::/0 = ::7\naddress.::/1 = ::8\n");
    cr_assert_eq(address_parse(SLICE("255.0.0.1"), &client), 0);
    cr_expect_eq(settings_announced(&s, &client), &s.announced[0].address);
    cr_assert_eq(address_parse(SLICE("8000::1"), &client), 0);
    cr_expect_eq(settings_announced(&s, &client), &s.announced[1].address);
}

Test(announced, mistakes)
{
    static const struct mistake table[] = {
        { "address. = 192.0.2.1",
          "conf:1: address. = 192.0.2.1: expected an IP network" },
        { "address.example.org = 192.0.2.1", "expected an IP network" },
        { "address./8 = 192.0.2.1", "expected an IP network" },
        { "address.10.0.0.0/ = 192.0.2.1", "expected 0 to 32 after the '/'" },
        { "address.10.0.0.0/33 = 192.0.2.1", "expected 0 to 32 after the '/'" },
        { "address.10.0.0.0/8/8 = 192.0.2.1",
          "expected 0 to 32 after the '/'" },
        { "address.10.0.0.0/-1 = 192.0.2.1", "expected 0 to 32 after the '/'" },
        { "address.fd00::/129 = ::1", "expected 0 to 128 after the '/'" },
        { "\naddress.10.0.0.1/8 = 192.0.2.1",
          "conf:2: address.10.0.0.1/8 = 192.0.2.1: not the network's first "
          "address, which is 10.0.0.0" },
        { "address.10.0.0.0/8 = 0.0.0.0", "clients can't connect to this one" },
        { "address.fd00::/8 = ::",
          "conf:1: address.fd00::/8 = ::: clients can't connect to this one" },
        { "address.10.0.0.0/8 = 10.0.0", "expected an IP address" },
        { "address.fd00::/8 = example.org", "host names aren't looked up" },
        { "address.fd00::/8 = x", "host names aren't looked up" },
        { "address.10.0.0.0/8 = fd00::1", "the other family" },
        { "address.fd00::/8 = 10.0.0.1", "the other family" },
        { "address.10.0.0.1 = ::1", "the other family" },
        { "address.10.0.0.0/8 = 10.0.0.5\n\naddress.10.0.0.0/8 = 10.0.0.6",
          "conf:3: address.10.0.0.0/8 = 10.0.0.6: this network is in line "
          "1 already" },
        { "address.10.0.0.1 = 10.0.0.5\naddress.::ffff:10.0.0.1 = 10.0.0.6",
          "is in line 1 already" },
        { "address.fd00;::/8 = ::1", "':' or ';' before the '='" },
        { "addresses.fd00::/8 = ::1", "':' or ';' before the '='" },
        { "address.fd00\x1f/8 = ::1", "a control byte" },
    };

    EXPECT_MISTAKES(table);
}
