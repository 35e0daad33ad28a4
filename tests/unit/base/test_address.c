/* Addresses: one form for each host. */
#include "sallyport/base/address.h"
#include "support/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static struct address parsed(const char *text)
{
    struct address a = { 0 };

    cr_assert_eq(address_parse(slice_from(text), &a), 0, "%s", text);
    return a;
}

Test(address, text_and_back)
{
    static const char *const texts[] = { "192.0.2.1", "0.0.0.0", "::", "::1",
                                         "2001:db8::1:2" };
    char out[ADDRESS_TEXT_MAX];

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct address a = parsed(texts[i]);

        cr_assert_str_eq(address_text(&a, out), texts[i]);
    }
}

Test(address, none_has_a_text)
{
    struct address none = { 0 };
    char out[ADDRESS_TEXT_MAX] = "";

    cr_expect_str_eq(address_text(&none, out), "none");
}

Test(address, with_port)
{
    struct address a;
    char out[ADDRESS_TEXT_MAX];

    cr_assert_eq(address_parse_port(SLICE("192.0.2.1:21"), &a), 0);
    cr_assert_str_eq(address_port_text(&a, out), "192.0.2.1:21");
    cr_assert_eq(address_parse_port(SLICE("[2001:db8::1]:65535"), &a), 0);
    cr_assert_str_eq(address_port_text(&a, out), "[2001:db8::1]:65535");
}

Test(address, refused)
{
    static const char *const bad[] = {
        "192.0.2.1",       "192.0.2.1:",
        "192.0.2.1:65536", "192.0.2.1:-1",
        "2001:db8::1:21",  "[192.0.2.1]:21",
        "[::1]21",         "[::1:21",
        "[]:21",           ":21",
        "192.0.2:21",      "192.0.2.256:1",
        "localhost:21",    "",
        "192.0.2.01:21",
    };
    struct address a = { .port = 7 };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_assert_lt(address_parse_port(slice_from(bad[i]), &a), 0, "%s",
                     bad[i]);
    cr_assert_eq(a.port, 7);
}

Test(address, mapped_is_ipv4)
{
    struct sockaddr_in6 six = { .sin6_family = AF_INET6,
                                .sin6_port = htons(9) };
    struct sockaddr_storage storage = { 0 };
    struct address a, b = parsed("192.0.2.7");

    inet_pton(AF_INET6, "::ffff:192.0.2.7", &six.sin6_addr);
    memcpy(&storage, &six, sizeof(six));
    cr_assert_eq(address_from_sockaddr(&a, &storage), 0);
    cr_assert(address_same_host(&a, &b));
    cr_assert_eq(a.port, 9);
    a = parsed("::ffff:192.0.2.7");
    cr_assert(address_same_host(&a, &b));
}

Test(address, sockaddr_and_back)
{
    static const char *const texts[] = { "192.0.2.1", "2001:db8::1" };

    for (size_t i = 0; i < 2; i++) {
        struct address a = parsed(texts[i]), b;
        struct sockaddr_storage storage;

        a.port = 4711;
        address_to_sockaddr(&a, &storage);
        cr_assert_eq(address_from_sockaddr(&b, &storage), 0);
        cr_assert(address_same_host(&a, &b) && b.port == 4711);
    }
    struct sockaddr_storage unix_one = { .ss_family = AF_UNIX };
    struct address b;

    cr_assert_lt(address_from_sockaddr(&b, &unix_one), 0);
}

struct kind_case {
    const char *text;
    bool loopback, private, any;
};

static const struct kind_case kinds[] = {
    { "127.0.0.1", true, true, false },
    { "127.8.9.1", true, true, false },
    { "::1", true, true, false },
    { "10.0.0.1", false, true, false },
    { "172.16.0.1", false, true, false },
    { "172.31.255.255", false, true, false },
    { "172.32.0.1", false, false, false },
    { "192.168.1.1", false, true, false },
    { "100.64.0.1", false, true, false },
    { "100.128.0.1", false, false, false },
    { "169.254.1.1", false, true, false },
    { "203.0.113.1", false, false, false },
    { "fd00::1", false, true, false },
    { "fe80::1", false, true, false },
    { "2001:db8::1", false, false, false },
    { "0.0.0.0", false, false, true },
    { "::", false, false, true },
};

Test(address, kinds)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct address a = parsed(kinds[i].text);

        cr_assert_eq(address_is_loopback(&a), kinds[i].loopback, "%s",
                     kinds[i].text);
        cr_assert_eq(address_is_private(&a), kinds[i].private, "%s",
                     kinds[i].text);
        cr_assert_eq(address_is_any(&a), kinds[i].any, "%s", kinds[i].text);
    }
}

Test(address, prefix)
{
    struct address a = parsed("192.0.2.255"), b = parsed("192.0.2.128");
    struct address p = address_prefix(&a, 25), q = parsed("2001:db8::ffff");
    char out[ADDRESS_TEXT_MAX];

    cr_assert(address_same_host(&p, &b));
    p = address_prefix(&q, 64);
    cr_assert_str_eq(address_text(&p, out), "2001:db8::");
    p = address_prefix(&a, 0);
    cr_assert(address_is_any(&p));
}

/* With an IPv6 address a client usually has the whole /64. */
Test(address, client)
{
    struct address a = parsed("192.0.2.255"), q = parsed("2001:db8::ffff");
    struct address p = address_client_prefix(&a);
    char out[ADDRESS_TEXT_MAX];

    cr_expect_str_eq(address_text(&p, out), "192.0.2.255");
    p = address_client_prefix(&q);
    cr_expect_str_eq(address_text(&p, out), "2001:db8::");
    cr_expect_eq(address_client_bits(&q), 64);
    p = address_network_prefix(&a);
    cr_expect_str_eq(address_text(&p, out), "192.0.2.255");
    q = parsed("2001:db8:1:ffff::1");
    p = address_network_prefix(&q);
    cr_expect_str_eq(address_text(&p, out), "2001:db8:1::");
}

Test(address, network)
{
    static const struct {
        const char *text, *network;
        unsigned bits;
        const char *why; /* "": no address */
    } rows[] = {
        { "192.0.2.7", "192.0.2.7", 32, NULL },
        { "192.0.2.0/24", "192.0.2.0", 24, NULL },
        { "2001:db8::1", "2001:db8::1", 128, NULL },
        { "::/0", "::", 0, NULL },
        { "anna/8", NULL, 0, "" },
        { "192.0.2.0/", NULL, 0, "expected 0 to 32 after the '/'" },
        { "::/129", NULL, 0, "expected 0 to 128 after the '/'" },
        { "192.0.2.7/24", NULL, 0,
          "not the network's first address, which is 192.0.2.0" },
    };
    char out[ADDRESS_TEXT_MAX];
    struct network n;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct complaint why = { "" };
        int r = network_parse(slice_from(rows[i].text), &n, &why);

        cr_expect_eq(r, rows[i].why ? -EINVAL : 0, "%s", rows[i].text);
        cr_expect_str_eq(why.text, rows[i].why ? rows[i].why : "");
        if (r < 0)
            continue;
        cr_expect_str_eq(address_text(&n.address, out), rows[i].network);
        cr_expect_eq(n.bits, rows[i].bits, "%s", rows[i].text);
    }
}

Test(network, holds)
{
    static const struct {
        const char *network, *address;
        bool yes;
    } rows[] = {
        { "192.0.2.0/24", "192.0.2.255", true },
        { "192.0.2.0/24", "192.0.3.0", false },
        { "192.0.2.128/25", "192.0.2.127", false },
        { "192.0.2.1", "192.0.2.1", true },
        { "192.0.2.1", "192.0.2.2", false },
        { "0.0.0.0/0", "203.0.113.5", true },
        { "0.0.0.0/0", "2001:db8::1", false },
        { "::/0", "2001:db8::1", true },
        { "::/0", "203.0.113.5", false },
        { "2001:db8::/33", "2001:db8:7fff::1", true },
        { "2001:db8::/33", "2001:db8:8000::1", false },
        { "2001:db8::1", "2001:db8::1", true },
        { "2001:db8::1", "2001:db8::2", false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct complaint c = { "" };
        struct network n;
        struct address a = parsed(rows[i].address);

        cr_assert_eq(network_parse(slice_from(rows[i].network), &n, &c), 0,
                     "%s", c.text);
        cr_expect_eq(network_holds(&n, &a), rows[i].yes, "%s %s",
                     rows[i].network, rows[i].address);
    }
}
