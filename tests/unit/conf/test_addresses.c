/* Listeners, the public address, passive ports. */
#include "conf.h"

Test(addresses, listeners)
{
    struct settings s;
    struct complaint c;

    cr_assert_eq(parse(&s,
                       "listen = 127.0.0.1:2121 ,[::1]:0,127.0.0.1:0 , "
                       "127.0.0.1:0\n",
                       &c),
                 0, "%s", c.text);
    cr_expect_eq(s.listen_count, 4);
    cr_expect_eq(s.listen[0].port, 2121);
    cr_expect_eq(s.listen[1].family, 6);
    cr_expect_eq(s.listen[1].port, 0);
}

static void many_listeners(int n, int expected)
{
    char text[512] = "listen = ";
    struct settings s;
    struct complaint c;

    for (int i = 1; i <= n; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text),
                 "%s1.1.1.1:%d", i > 1 ? "," : "", i);
    cr_expect_eq(parse(&s, text, &c), expected, "%d: %s", n, c.text);
    if (expected)
        cr_expect(strstr(c.text, "more than 16 addresses") != NULL, "%s",
                  c.text);
    else
        cr_expect_eq(s.listen_count, n);
}

Test(addresses, at_most_16_listeners)
{
    /* A line's 198 bytes hold 16 short ones. */
    many_listeners(SETTINGS_LISTEN_MAX, 0);
    many_listeners(SETTINGS_LISTEN_MAX + 1, -22);
}

Test(addresses, the_public_address)
{
    struct settings s;
    struct complaint c;

    cr_expect_eq(parse(&s, "address = 203.0.113.9\n", &c), 0, "%s", c.text);
    cr_expect_eq(s.address.family, 4);
    cr_expect_eq(parse(&s, "address = 2001:db8::9\n", &c), 0, "%s", c.text);
    cr_expect_eq(s.address.family, 6);
    cr_expect_eq(parse(&s, "address =\n", &c), 0, "%s", c.text);
    cr_expect_eq(s.address.family, 0);
}

Test(addresses, ports)
{
    static const struct {
        const char *text;
        unsigned first, last, automatic;
    } table[] = {
        { "ports = 1024-65535", 1024, 65535, 0 },
        { "ports = 50000-50000", 50000, 50000, 0 },
        { "ports = 50000 - 50009", 50000, 50009, 0 },
        { "ports = auto 1", 0, 0, 1 },
        { "ports = auto 1000", 0, 0, 1000 },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct settings s;
        struct complaint c;

        cr_expect_eq(assign(&s, table[i].text, &c), 0, "%s", c.text);
        cr_expect_eq(s.ports.first, table[i].first, "%s", table[i].text);
        cr_expect_eq(s.ports.last, table[i].last, "%s", table[i].text);
        cr_expect_eq(s.ports.automatic, table[i].automatic, "%s",
                     table[i].text);
    }
}

Test(addresses, mistakes)
{
    static const struct mistake table[] = {
        { "listen =", "expected addresses with ports" },
        { "listen = 0.0.0.0", "expected addresses with ports" },
        { "listen = ::1:21", "expected addresses with ports" },
        { "listen = 21", "expected addresses with ports" },
        { "listen = localhost:21", "expected addresses with ports" },
        { "listen = 0.0.0.0:65536", "expected addresses with ports" },
        { "listen = 0.0.0.0:21,", "expected addresses with ports" },
        { "listen = 0.0.0.0:21, 0.0.0.0:21", "0.0.0.0:21 is there twice" },
        { "listen = 10.0.0.1:21,[::ffff:10.0.0.1]:21", "is there twice" },
        { "address = 0.0.0.0", "clients can't connect to this one" },
        { "address = ::", "clients can't connect to this one" },
        { "address = example.org", "expected an IP address" },
        { "address = 203.0.113.9:21", "expected an IP address" },
        { "ports = 1023-2000", "out of range; ports are 1024 to 65535" },
        { "ports = 50000-65536", "out of range" },
        { "ports = 50000-4294967297", "out of range" },
        { "ports = 50010-50000", "the first port is above the last" },
        { "ports = 50000", "expected a range" },
        { "ports = 50000-", "expected a range" },
        { "ports = auto", "expected a range" },
        { "ports = auto x", "expected a range" },
        { "ports = auto 0", "out of range; auto 1 to auto 1000" },
        { "ports = auto 1001", "out of range; auto 1 to auto 1000" },
    };

    EXPECT_MISTAKES(table);
}
