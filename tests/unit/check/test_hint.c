/* The hint for a server that announces an address which clients outside can't
 * reach. */
#include "check/check.h"
#include "sallyport/conf/conf.h"
#include "support/test.h"

#define LISTEN "listen = 0.0.0.0:21\n"

static const struct {
    const char *settings, *own[4], *hint;
} rows[] = {
    { LISTEN, { "127.0.0.1", "10.0.0.5" }, "10.0.0.5" },
    { LISTEN, { "127.0.0.1", "192.168.1.2", "172.17.0.1" }, "192.168.1.2" },
    { LISTEN, { "100.64.0.1" }, "100.64.0.1" },
    { LISTEN, { "10.0.0.5", "203.0.113.7" }, NULL },
    { LISTEN, { "127.0.0.1" }, NULL },
    { LISTEN, { NULL }, NULL },
    { LISTEN, { "fd00::1" }, NULL },
    { "listen = 10.0.0.5:21\n", { "10.0.0.5", "203.0.113.7" }, "10.0.0.5" },
    { "listen = 203.0.113.7:21\n", { "10.0.0.5", "203.0.113.7" }, NULL },
    { "listen = 127.0.0.1:21\n", { "127.0.0.1", "10.0.0.5" }, NULL },
    { "listen = [::]:21\n", { "10.0.0.5" }, NULL }, /* IPv6 only */
    { LISTEN "address = 203.0.113.7\n", { "10.0.0.5" }, NULL },
    { LISTEN "address = 10.0.0.5\n", { "10.0.0.5" }, NULL }, /* intended */
    { LISTEN "address = 2001:db8::1\n", { "10.0.0.5" }, "10.0.0.5" },
    { "listen = 0.0.0.0:21 proxy\nproxies = 10.0.0.9\nports = auto proxy\n",
      { "10.0.0.5" },
      NULL },
    { "listen = 0.0.0.0:21 proxy\nproxies = 10.0.0.9\n",
      { "10.0.0.5" },
      "10.0.0.5" },
    { "listen = 0.0.0.0:21 proxy, 10.0.0.5:22\nproxies = 10.0.0.9\n"
      "ports = auto proxy\n",
      { "10.0.0.5" },
      "10.0.0.5" },
    { LISTEN "address.0.0.0.0/0 = 203.0.113.7\n", { "10.0.0.5" }, NULL },
    { LISTEN "address.10.0.0.0/8 = 10.0.0.5\n", { "10.0.0.5" }, "10.0.0.5" },
    { LISTEN "address.::/0 = fd00::1\n", { "10.0.0.5" }, "10.0.0.5" },
};

static struct settings settings_from(const char *text)
{
    struct complaint c = { "" };
    struct settings s;

    cr_assert_eq(conf_parse(&s, slice_from(text), "conf", NULL, &c), 0, "%s",
                 c.text);
    return s;
}

static size_t parse_own(const char *const text[4], struct address own[4])
{
    size_t n = 0;

    for (; n < 4 && text[n]; n++)
        cr_assert_eq(address_parse(slice_from(text[n]), &own[n]), 0);
    return n;
}

Test(hint, rows)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[ADDRESS_TEXT_MAX] = "";
        const struct address *hint;
        struct address own[4];
        const struct settings s = settings_from(rows[i].settings);

        hint = hint_private(&s, own, parse_own(rows[i].own, own));
        if (hint)
            address_text(hint, text);
        cr_expect_str_eq(text, rows[i].hint ? rows[i].hint : "", "row %zu", i);
    }
}

Test(hint, ranges_of_uids_and_gids)
{
    static const struct {
        const char *settings;
        bool hinted;
    } table[] = {
        { LISTEN, false },
        { LISTEN "uid_last = 80000\n", true },
        { LISTEN "gid_first = 70500\ngid_last = 70501\n", true },
        { LISTEN "gid_first = 50000\ngid_last = 59999\n", false },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const struct settings s = settings_from(table[i].settings);

        cr_expect_eq(hint_ranges(&s), table[i].hinted, "row %zu", i);
    }
}
