/* What a reload changes of the settings, and what it leaves for a restart. */
#include "conf.h"

static void parse_well(struct settings *s, const char *text)
{
    struct complaint c;

    cr_assert_eq(parse(s, text, &c), 0, "%s", c.text);
}

static int reload(struct settings *now, const struct settings *old, char *kept,
                  size_t size, struct complaint *c)
{
    struct buf names;
    int r;

    buf_init(&names, 1024);
    c->text[0] = '\0';
    r = settings_reload(now, old, &names, c);
    cr_assert_eq(slice_copy(buf_slice(&names), kept, size), 0);
    buf_release(&names);
    return r;
}

Test(reload, what_changes_and_what_does_not)
{
    struct settings old, now;
    struct complaint c;
    char kept[1024];

    parse_well(&old, "ports = 2000-2009\naddress.10.0.0.0/8 = 10.0.0.1\n"
                     "idle_timeout = 5\ncertificate.a = /a\nkey.a = /ka\n");
    old.address.ip = old.announced[0].address.ip; /* as looked up since */
    parse_well(&now,
               "ports = 3000-3009\naddress.10.0.0.0/8 = 10.0.0.2\n"
               "idle_timeout = 6\nkey = /k\ncertificate.b = /b\nkey.b = /kb\n"
               "active = yes\n");
    cr_assert_eq(reload(&now, &old, kept, sizeof(kept), &c), 0, "%s", c.text);
    cr_expect_eq(now.idle_timeout, 6000);
    cr_expect_str_eq(now.key, "/k");
    cr_expect_eq(now.certificates.count, 1);
    cr_expect_str_eq(now.certificates.all[0].path, "/b");
    cr_expect_eq(now.ports.first, 2000);
    cr_expect_eq(now.active, false);
    cr_expect(address_same_host(&now.announced[0].address.ip,
                                &old.announced[0].address.ip));
    cr_expect(address_same_host(&now.address.ip, &old.address.ip));
    cr_expect(strstr(kept, "ports"), "%s", kept);
    cr_expect(strstr(kept, "active"), "%s", kept);
    cr_expect(strstr(kept, "address.NETWORK"), "%s", kept);
    cr_expect(!strstr(kept, "idle_timeout"), "%s", kept);
}

/* Each is right, but not what a reload would make of both. */
Test(reload, what_does_not_fit_together)
{
    struct settings old, now;
    struct complaint c;
    char kept[1024];

    parse_well(&old, "uid.gate = 69000\n");
    parse_well(&now, "uid.gate = 500\nuid_first = 60000\nuid_last = 65000\n");
    cr_assert_eq(reload(&now, &old, kept, sizeof(kept), &c), 0, "%s", c.text);
    parse_well(&old, "uid.gate = 69000\n");
    parse_well(&now, "uid.gate = 500\nuid_first = 68000\n");
    cr_assert_neq(reload(&now, &old, kept, sizeof(kept), &c), 0);
    cr_expect(strstr(c.text, "uid.gate = 69000"), "%s", c.text);
}

/* By their size in the struct, so each kind that a row of these has needs one.
 */
Test(reload, every_row_that_says_so_can_change)
{
    for (size_t i = 0; i < setting_count; i++)
        if (setting_table[i].reload)
            cr_expect_gt(setting_kinds[setting_table[i].type].size, 0, "%s",
                         setting_table[i].key);
}
