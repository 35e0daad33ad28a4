/* Host names in `address`: what master makes of the answer of check. No name
 * server is asked: the hosts are numbers. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "helpers.h"
#include "master/start/start.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "support/scratch.h"
#include "support/settings.h"

#define NAMES                                                                  \
    "address = localhost\naddress.10.0.0.0/8 = 10.0.0.5\n"                     \
    "address.172.16.0.0/12 = localhost\n"

static struct master m;

static void begin(void)
{
    master_init(&m);
    helpers_find(&m);
    helpers_configure(&m, NAMES);
}

TestSuite(names, .init = begin);

static void prepared(void)
{
    struct complaint c = { "" };

    cr_assert_eq(prepare_names(&m, &c), 0, "%s", c.text);
}

static void expect(const struct settings *s, size_t i, const char *address)
{
    char text[ADDRESS_TEXT_MAX] = "";

    if (settings_public(s, i)->ip.family != 0)
        address_text(&settings_public(s, i)->ip, text);
    cr_expect_str_eq(text, address, "%zu", i);
}

static struct settings sealed(void)
{
    static struct settings s;
    struct complaint c = { "" };

    cr_assert_eq(settings_take(&s, m.conf, &c), 0, "%s", c.text);
    cr_expect_lt(write(m.conf, "x", 1), 0, "sealed");
    return s;
}

/* Gate gets m.conf, and so does the supervisor, for a recovery. */
Test(names, are_in_the_settings)
{
    struct settings kept;

    prepared();
    kept = sealed();
    for (size_t i = 0; i < 3; i++) {
        expect(&m.settings, i, i == 1 ? "10.0.0.5" : "127.0.0.1");
        expect(&kept, i, i == 1 ? "10.0.0.5" : "127.0.0.1");
    }
    cr_expect(m.names.name[0].trouble);
    cr_expect(
        strstr(m.names.name[0].why.text, "localhost is 127.0.0.1, which is "),
        "%s", m.names.name[0].why.text);
    cr_expect_not(m.names.name[2].trouble);
}

/* Nothing is executed. */
Test(names, there_are_none)
{
    int conf;

    helpers_configure(&m, "address = 192.0.2.1\n");
    close(programs_find(m.programs, "check"));
    conf = m.conf;
    prepared();
    cr_expect_eq(m.conf, conf);
}

Test(names, a_recovery_asks_nobody)
{
    close(programs_find(m.programs, "check"));
    m.succession.recovery = true;
    prepared();
    expect(&m.settings, 0, "");
}

/* The resolver takes it for an address that no client can connect to. The
 * parser wouldn't take it for a name. */
#define LOST "0.0.0.0"

static void has_a_lost_name(void)
{
    snprintf(m.settings.address.host, SETTINGS_HOST_MAX, LOST);
    cr_assert_eq(helper_seal(&m), 0);
}

static void inherit(const char *host, const char *address)
{
    static struct settings s;
    struct address a;

    s = m.settings;
    snprintf(s.address.host, SETTINGS_HOST_MAX, "%s", host);
    cr_assert_eq(address_parse(slice_from(address), &a), 0);
    settings_resolve(&s, 0, &a);
    m.succession.inherited = malloc(sizeof(*m.succession.inherited));
    *m.succession.inherited =
        (struct inherited){ "settings", settings_file(&s) };
    m.succession.count = 1;
}

Test(names, a_reload_keeps_an_address)
{
    has_a_lost_name();
    inherit(LOST, "192.0.2.7");
    prepared();
    expect(&m.settings, 0, "192.0.2.7");
    cr_expect(m.names.name[0].trouble);
    cr_expect(strstr(m.names.name[0].why.text, "PASV tells clients 192.0.2.7"),
              "%s", m.names.name[0].why.text);
}

/* It is that of another name, or of another build. */
Test(names, another_address_before)
{
    inherit(LOST, "192.0.2.7");
    prepared();
    expect(&m.settings, 0, "127.0.0.1");
    succession_release(&m.succession);
    has_a_lost_name();
    m.succession.inherited = malloc(sizeof(*m.succession.inherited));
    *m.succession.inherited = (struct inherited){
        "settings", fd_sealed("settings", SLICE("address = " LOST "\n"))
    };
    m.succession.count = 1;
    prepared();
    expect(&m.settings, 0, "");
}

/* A start that lacks a process is tried again. */
Test(names, without_check)
{
    struct complaint c = { "" };

    close(programs_find(m.programs, "check"));
    cr_expect_eq(prepare_names(&m, &c), -EIO);
    cr_expect_str_eq(c.text,
                     "the program check has failed: see its line above");
}

#define LATE                                                                   \
    ": it couldn't be looked up in time; until a reload finds its address, "   \
    "PASV tells clients "

/* Reader and accounts were slow: check isn't executed any more. */
Test(names, no_time_is_left)
{
    close(programs_find(m.programs, "check"));
    inherit("localhost", "192.0.2.7");
    m.helpers_until = clock_ms() + NAMES_MS - 1;
    prepared();
    expect(&m.settings, 0, "192.0.2.7");
    cr_expect(m.names.name[0].trouble);
    cr_expect_str_eq(m.names.name[0].why.text, "localhost" LATE "192.0.2.7");
    cr_expect_not(m.names.name[1].trouble);
    expect(&m.settings, 1, "10.0.0.5");
}

/* What it had written until then doesn't count. */
Test(names, check_is_late, .timeout = 60)
{
    m.helpers_until = clock_ms() + NAMES_MS + 200;
    helpers_play(&m, "check", "/bin/sh", "names",
                 "yes | head -c 9999 1<>/proc/self/fd/4\n"
                 "exec sleep 20 >/dev/null 2>&1\n");
    prepared();
    scratch_remove();
    expect(&m.settings, 0, "");
    cr_expect_str_eq(m.names.name[0].why.text,
                     "localhost" LATE "the address that they connected to");
    expect(&m.settings, 1, "10.0.0.5");
}
