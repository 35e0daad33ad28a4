/* Listeners, the public address, passive ports. */
#include "conf.h"

Test(addresses, listeners)
{
    parse_well("listen = 127.0.0.1:2121 ,[::1]:0,127.0.0.1:0 , "
               "127.0.0.1:0  tls , 0.0.0.0:990 tls\n");
    cr_expect_eq(s.listen_count, 5);
    cr_expect_eq(s.listen[0].address.port, 2121);
    cr_expect_eq(s.listen[1].address.family, 6);
    cr_expect_eq(s.listen[1].address.port, 0);
    cr_expect(!settings_listener(&s, 2)->implicit);
    cr_expect(settings_listener(&s, 3)->implicit);
    cr_expect(settings_listener(&s, 4)->implicit);
    cr_expect(!settings_listener(&s, 5)->implicit);
}

static void many_listeners(int n, int expected)
{
    char text[512] = "listen = ";

    for (int i = 1; i <= n; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text),
                 "%s1.1.1.1:%d", i > 1 ? "," : "", i);
    cr_expect_eq(parse(text), expected, "%d: %s", n, c.text);
    if (expected)
        cr_expect(strstr(c.text, "more than 16 addresses") != NULL, "%s",
                  c.text);
    else
        cr_expect_eq(s.listen_count, (size_t)n);
}

Test(addresses, at_most_16_listeners)
{
    many_listeners(SETTINGS_LISTEN_MAX, 0);
    many_listeners(SETTINGS_LISTEN_MAX + 1, -22);
}

Test(addresses, the_public_address)
{
    parse_well("address = 203.0.113.9\n");
    cr_expect_eq(s.address.family, 4);
    parse_well("address = 2001:db8::9\n");
    cr_expect_eq(s.address.family, 6);
    parse_well("address =\n");
    cr_expect_eq(s.address.family, 0);
}

/* An earlier release looked them up. */
Test(addresses, host_names)
{
    static const char *const table[] = { "example.org", "example.org.",
                                         "localhost", "4.x", "a-b.C-9.Z" };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char text[128];

        snprintf(text, sizeof(text), "address = %s\n", table[i]);
        cr_expect_eq(parse(text), -22);
        cr_expect(strstr(c.text, "host names aren't looked up any more"), "%s",
                  c.text);
    }
}

Test(addresses, ports)
{
    static const struct {
        const char *text;
        unsigned first, last;
        bool automatic;
    } table[] = {
        { "ports = 1024-65535", 1024, 65535, false },
        { "ports = 50000-50000", 50000, 50000, false },
        { "ports = 50000 - 50009", 50000, 50009, false },
        { "ports = auto", 0, 0, true },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        cr_expect_eq(assign(table[i].text), 0, "%s", c.text);
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
        { "listen = 0.0.0.0:65536", "expected addresses with ports" },
        { "listen = 0.0.0.0:21,", "expected addresses with ports" },
        { "listen = 0.0.0.0:21tls", "expected addresses with ports" },
        { "listen = tls", "expected addresses with ports" },
        { "listen = 0.0.0.0:21 tls tls", "expected addresses with ports" },
        { "listen = 0.0.0.0:21 TLS", "expected addresses with ports" },
        { "listen = 0.0.0.0:21 tls, 0.0.0.0:21",
          "0.0.0.0:21 and 0.0.0.0:21 overlap; remove one" },
        { "listen = 0.0.0.0:21, 0.0.0.0:21",
          "0.0.0.0:21 and 0.0.0.0:21 overlap; remove one" },
        { "listen = 10.0.0.1:21,[::ffff:10.0.0.1]:21",
          "10.0.0.1:21 and 10.0.0.1:21 overlap" },
        { "address = 0.0.0.0", "clients can't connect to this one" },
        { "address = 0.0.0.5", "clients can't connect to this one" },
        { "address = 224.0.0.1", "clients can't connect to this one" },
        { "address = 255.255.255.255", "clients can't connect to this one" },
        { "address = ::", "clients can't connect to this one" },
        { "address = 203.0.113.9:21", "expected an IP address" },
        { "address = 203.0.113.300", "expected an IP address" },
        { "address = 203.0.113", "expected an IP address" },
        { "address = 203.0.113.9.", "expected an IP address" },
        { "address = 99999999999999999999", "expected an IP address" },
        { "address = .", "expected an IP address" },
        { "address = a_b.org", "expected an IP address" },
        { "address = a b.org", "expected an IP address" },
        { "address = b\xc3\xbc"
          "cher.example",
          "expected an IP address" },
        { "address = example.org:21", "expected an IP address" },
        { "ports = 1023-2000", "out of range; ports are 1024 to 65535" },
        { "ports = 50000-65536", "out of range" },
        { "ports = 50000-4294967297", "out of range" },
        { "ports = 50010-50000", "the first port is above the last" },
        { "ports = 50000", "expected a range" },
        { "ports = 50000-", "expected a range" },
        { "ports = automatic", "expected a range" },
        { "ports = auto 8", "auto has no number any more" },
        { "ports = auto 8 proxy", "auto has no number any more" },
    };

    EXPECT_MISTAKES(table);
}
