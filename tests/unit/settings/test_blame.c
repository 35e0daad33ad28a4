/* Mistakes that show after the parser name their line. */
#include "sallyport/conf/conf.h"
#include "support/test.h"

static const char text[] = "# one\n"
                           "certificate = /x\n"
                           "listen = 127.0.0.1:0\n"
                           "ports = auto\n"
                           "max_sessions =  1K \n"
                           "\n"
                           "control_group = nosuch\n";

Test(blame, lines)
{
    static const struct {
        const char *key, *complaint;
    } table[] = {
        { "certificate", "conf:2: certificate = /x: gone 7" },
        { "listen", "conf:3: listen = 127.0.0.1:0: gone 7" },
        { "ports", "conf:4: ports = auto: gone 7" },
        { "max_sessions", "conf:5: max_sessions = 1K: gone 7" },
        { "idle_timeout", "conf: idle_timeout (default) = 300s: gone 7" },
        { "control_group", "conf:7: control_group = nosuch: gone 7" },
        { "data_binding", "conf: data_binding (default) = user: gone 7" },
        { "address", "conf: address (default) = : gone 7" },
    };
    struct complaint c = { "" };
    struct settings s;

    cr_assert_eq(conf_parse(&s, slice_from(text), "conf", NULL, &c), 0, "%s",
                 c.text);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        c.text[0] = '\0';
        cr_expect_eq(settings_blame(&s, table[i].key, &c, "gone %d", 7),
                     -EINVAL);
        cr_expect_str_eq(c.text, table[i].complaint);
    }
}

Test(blame, places)
{
    static const struct {
        const char *key, *before, *after;
    } table[] = {
        { "certificate", "/x: gone", "conf:2: certificate = /x: gone" },
        { "control_group", "nosuch: gone",
          "conf:7: control_group = nosuch: gone" },
        { "key", "/etc/sallyport/tls/key.pem: gone",
          "conf: key (default) = /etc/sallyport/tls/key.pem: gone" },
        /* Complaints not about the setting: another file, a line of the file, a
         * part of the value, nothing. */
        { "certificate", "/xy: gone", "/xy: gone" },
        { "certificate", "/x:7: gone", "/x:7: gone" },
        { "certificate", "/: gone", "/: gone" },
        { "certificate", "", "" },
        { "address", ": gone", ": gone" },
    };
    struct complaint c = { "" };
    struct settings s;

    cr_assert_eq(conf_parse(&s, slice_from(text), "conf", NULL, &c), 0, "%s",
                 c.text);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        snprintf(c.text, sizeof(c.text), "%s", table[i].before);
        settings_place(&s, table[i].key, &c);
        cr_expect_str_eq(c.text, table[i].after);
    }
}

/* The longest texts: nothing overflows, and the reason is there. */
Test(blame, long_ones)
{
    static char name[SETTINGS_PATH_MAX + 64];
    struct complaint c = { .text = "" };
    struct settings s;

    memset(name, 'n', sizeof(name) - 1);
    cr_assert_eq(conf_parse(&s, SLICE("fsync = no"), name, NULL, &c), 0);
    for (size_t i = 0; i < s.said_count; i++)
        memset(s.said[i].value, 'v', sizeof(s.said[i].value) - 1);
    s.said[0].line = 1;
    cr_expect_eq(settings_blame(&s, s.said[0].key, &c, "gone"), -EINVAL);
    cr_expect(strstr(c.text, "v...: gone"), "%s", c.text);
}
