/* Proxies: their addresses, and the word at listeners and ports. */
#include "conf.h"

#define MARKED "listen = 0.0.0.0:21 proxy\n"

static const char text[] = "listen = 0.0.0.0:21 proxy, [::]:21 , "
                           "[::1]:990\tproxy\n"
                           "ports = 30000-30009 proxy\n"
                           "proxies = 10.0.0.5,192.168.7.0/24 , fd00::/8\n";

static void expect_text(void)
{
    static const struct {
        const char *address;
        bool is_proxy;
    } rows[] = {
        { "10.0.0.5", true },        { "10.0.0.4", false },
        { "10.0.0.6", false },       { "192.168.7.0", true },
        { "192.168.7.255", true },   { "192.168.8.0", false },
        { "fd12::5", true },         { "fe00::1", false },
        { "::ffff:10.0.0.5", true }, /* one host has one form */
        { "a00:5::", false },        /* its first bytes are 10.0 */
        { "127.0.0.1", false },      { "0.0.0.0", false },
    };

    cr_expect_eq(s.listen_count, 3);
    cr_expect(s.listen[0].proxied && !s.listen[1].proxied &&
              s.listen[2].proxied);
    cr_expect_eq(s.listen[2].address.port, 990);
    cr_expect(s.ports.proxy);
    cr_expect_eq(s.ports.last, 30009);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct address a;

        cr_assert_eq(address_parse(slice_from(rows[i].address), &a), 0);
        cr_expect_eq(settings_networks_hold(&s.proxies, &a), rows[i].is_proxy,
                     "%s", rows[i].address);
    }
}

Test(networks, proxies)
{
    parse_well(text);
    expect_text();
}

Test(networks, none)
{
    struct address any = { .family = 0 };

    parse_well("proxies =\nports = auto\n");
    cr_expect_eq(s.proxies.count, 0);
    cr_expect(!s.ports.proxy && !s.listen[0].proxied);
    cr_expect(!settings_networks_hold(&s.proxies, &any));
}

/* Together with the word for implicit TLS, in any order. */
Test(networks, both_words)
{
    parse_well("listen = 127.0.0.1:1 tls proxy, 127.0.0.1:2 proxy tls,"
               "127.0.0.1:3 proxy, 127.0.0.1:4 tls\n"
               "proxies = 10.0.0.5\n");
    for (uint64_t i = 0; i < 5; i++) {
        cr_expect_eq(settings_listener(&s, i)->proxied, i < 3, "%zu",
                     (size_t)i);
        cr_expect_eq(settings_listener(&s, i)->implicit, i < 2 || i == 3);
    }
}

Test(networks, ports_of_the_kernels_choice)
{
    cr_assert_eq(assign("ports = auto proxy"), 0, "%s", c.text);
    cr_expect(s.ports.proxy && s.ports.automatic);
}

/* They fit into one line, also if they are long. */
static void many(int n, int expected)
{
    char line[4096] = MARKED "proxies = ";

    for (int i = 0; i < n; i++)
        snprintf(line + strlen(line), sizeof(line) - strlen(line),
                 "%s2001:db8:ffff:ffff:ffff:ffff:ffff:%04x/128",
                 i > 0 ? ", " : "", i + 0x1000);
    cr_expect_eq(parse(line), expected, "%d: %s", n, c.text);
    if (expected == 0)
        cr_expect_eq(s.proxies.count, (size_t)n);
    else
        cr_expect(strstr(c.text, "more than 32 networks"), "%s", c.text);
}

Test(networks, at_most_32)
{
    many(SETTINGS_PROXY_MAX, 0);
    many(SETTINGS_PROXY_MAX + 1, -22);
}

Test(networks, mistakes)
{
    static const struct mistake table[] = {
        { MARKED, "conf:1: listen = 0.0.0.0:21 proxy: proxy: name the proxies'"
                  " addresses" },
        { MARKED "proxies =\n", "name the proxies' addresses too" },
        { "listen = 1.1.1.1:21, 1.1.1.1:22 proxy\n",
          "name the proxies' addresses too" },
        { "\nproxies = 10.0.0.5\n", "conf:2: proxies = 10.0.0.5: no address of "
                                    "listen has the word proxy" },
        { "ports = 30000-30009 proxy\n",
          "conf:1: ports = 30000-30009 proxy: proxy: no address of listen" },
        { "listen = 0.0.0.0:21proxy", "expected addresses with ports" },
        { "listen = 0.0.0.0:21 proxies", "expected addresses with ports" },
        { "listen = 0.0.0.0:21 proxy proxy", "expected addresses with ports" },
        { "listen = 0.0.0.0:21 tls proxy tls", "expected addresses with" },
        { "listen = proxy", "expected addresses with ports" },
        { "listen = 0.0.0.0:21; a comment", "a comment needs a blank before" },
        { "listen = 0.0.0.0:21 # a comment", "a comment begins with ;" },
        { "listen = localhost:21", "localhost is a name; expected an IP" },
        { "listen = ftp.example.org:990 tls", "ftp.example.org is a name" },
        { "listen = proxy 0.0.0.0:21", "expected addresses with ports" },
        { "listen = 1.1.1.1:21 proxy, 1.1.1.1:21",
          "1.1.1.1:21 and 1.1.1.1:21 overlap; remove one" },
        { "ports = proxy", "expected a range" },
        { "ports = 30000 proxy", "expected a range" },
        { "ports = 30000-30009proxy", "expected a range" },
        { "ports = autoproxy", "expected a range" },
        { MARKED "proxies = 10.0.0.5,", "expected IP addresses and networks" },
        { MARKED "proxies = ,", "expected IP addresses and networks" },
        { MARKED "proxies = 10.0.0.5:21", "expected IP addresses" },
        { MARKED "proxies = example.org", "expected IP addresses" },
        { MARKED "proxies = 10.0.0.0/33", "expected 0 to 32 after the '/'" },
        { MARKED "proxies = fd00::/129", "expected 0 to 128 after the '/'" },
        { MARKED "proxies = 10.0.0.1/8",
          "conf:2: proxies = 10.0.0.1/8: not the network's first address, "
          "which is 10.0.0.0" },
        { MARKED "proxies = 0.0.0.0/0", "that is every address" },
        { MARKED "proxies = ::/0", "that is every address" },
        { MARKED "proxies = 10.0.0.5, 10.0.0.5/32", "is there twice" },
        { MARKED "proxies = 10.0.0.4, 10.0.0.5, 10.0.0.5", "is there twice" },
    };

    EXPECT_MISTAKES(table);
}
