
#include "client/options/options.h"
#include "support/test.h"

static const struct {
    const char *text, *user, *host, *path;
    unsigned port;
    bool implicit, directory;
} good[] = {
    { "ftps://drop.example.org", "", "drop.example.org", "", 21, false, true },
    { "ftps://anna@h/in/", "anna", "h", "in", 21, false, true },
    { "ftps://anna@h:2121/in/a.txt", "anna", "h", "in/a.txt", 2121, false,
      false },
    { "ftpes://h/x", "", "h", "x", 21, false, false },
    { "ftps://h:990/x", "", "h", "x", 990, true, false },
    { "ftps+implicit://h/x", "", "h", "x", 990, true, false },
    { "ftps+implicit://h:1/x", "", "h", "x", 1, true, false },
    { "ftps://[2001:db8::1]:21/x", "", "2001:db8::1", "x", 21, false, false },
    { "ftps://[::1]/x", "", "::1", "x", 21, false, false },
    { "ftps://a%40b@h/%C3%A4%20b", "a@b", "h", "\303\244 b", 21, false, false },
    { "ftps://anna@example.org@h:1/", "anna@example.org", "h", "", 1, false,
      true },
    { "ftps://a%40b@c?d#e@[::1]/", "a@b@c?d#e", "::1", "", 21, false, true },
    { "ftps://@h/", "", "h", "", 21, false, true },
    { "ftps://h//etc/./x/../passwd", "", "h", "etc/passwd", 21, false, false },
    { "ftps://h/../../x", "", "h", "x", 21, false, false },
};

Test(url, parse)
{
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct complaint c = { "" };
        struct url u;

        cr_assert_eq(url_parse(good[i].text, &u, &c), 0, "%s: %s", good[i].text,
                     c.text);
        cr_expect_str_eq(u.user, good[i].user, "%s", good[i].text);
        cr_expect_str_eq(u.host, good[i].host, "%s", good[i].text);
        cr_expect_str_eq(u.path, good[i].path, "%s", good[i].text);
        cr_expect_eq(u.port, good[i].port, "%s", good[i].text);
        cr_expect_eq(u.implicit, good[i].implicit, "%s", good[i].text);
        cr_expect_eq(u.directory, good[i].directory, "%s", good[i].text);
    }
}

Test(url, proxies)
{
    static const struct {
        const char *text, *user, *host;
        unsigned port; /* 0: refused */
        bool socks;
    } rows[] = {
        { "socks5h://h:1080", "", "h", 1080, true },
        { "socks5://anna@[::1]:1/", "anna", "::1", 1, true },
        { "http://a%40b@h:65535", "a@b", "h", 65535, false },
        { "http://h", "", "", 0, false },
        { "http://h:0", "", "", 0, false },
        { "http://h:1/x", "", "", 0, false },
        { "http://anna:secret@h:1", "", "", 0, false },
        { "https://h:1", "", "", 0, false },
        { "socks4://h:1", "", "", 0, false },
        { "h:1", "", "h", 1, false },
        { "h", "", "", 0, false },
        { "socks://h:1/", "", "h", 1, true },
        { "ftp://h:1", "", "", 0, false },
        { "http://", "", "", 0, false },
        { "", "", "", 0, false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct complaint c = { "" };
        bool socks = false;
        struct url u;
        int r = url_parse_proxy(rows[i].text, &socks, &u, &c);

        cr_expect_eq(r == 0, rows[i].port > 0, "%s", rows[i].text);
        cr_expect_null(strstr(c.text, "secret"));
        if (r < 0)
            continue;
        cr_expect_str_eq(u.user, rows[i].user, "%s", rows[i].text);
        cr_expect_str_eq(u.host, rows[i].host, "%s", rows[i].text);
        cr_expect_eq(u.port, rows[i].port, "%s", rows[i].text);
        cr_expect_eq(socks, rows[i].socks, "%s", rows[i].text);
    }
}

/* A percent-encoded character is no pattern. */
Test(url, patterns)
{
    static const struct {
        const char *text, *pattern;
        bool some;
    } rows[] = {
        { "ftps://h/in/*.txt", "*.txt", true },
        { "ftps://h/a%5B1%5D.pdf", "a\\[1\\].pdf", false },
        { "ftps://h/a%2A", "a\\*", false },
        { "ftps://h/a%5b*", "a\\[*", true },
        { "ftps://h/a\\*", "a\\\\*", true },
        { "ftps://h/x%2F?/", "?", true },
        { "ftps://h/*/x", "x", false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct complaint c = { "" };
        struct url u;

        cr_assert_eq(url_parse(rows[i].text, &u, &c), 0);
        cr_expect_str_eq(u.pattern.text, rows[i].pattern, "%s", rows[i].text);
        cr_expect_eq(u.pattern.some, rows[i].some, "%s", rows[i].text);
    }
}

static const struct {
    const char *text, *says;
} bad[] = {
    { "ftp://h/x", "ftps://" },
    { "h/x", "not a URL" },
    { "ftps://", "host" },
    { "ftps:///x", "host" },
    { "ftps://anna:secret@h/", "password" },
    { "ftps://h:0/", "port" },
    { "ftps://h:65536/", "port" },
    { "ftps://h:x/", "port" },
    { "ftps://[::1/x", "host" },
    { "ftps://a@b@/x", "host" },
    { "ftps://a%zz@h/x", "user" },
    { "ftps://a%00@h/x", "user" },
    { "ftps://[fe80::1%25eth0]/x", "zone" },
    { "ftps://a@[fe80::1%eth0]:21/x", "zone" },
    { "ftps://[::1]x/", "host" },
    { "ftps://h?a/", "host" },
    { "ftps://h#a/", "host" },
    { "ftps://h\\/", "host" },
    { "ftps://h a/", "host" },
    { "ftps://h/%", "path" },
    { "ftps://h/%4", "path" },
    { "ftps://h/%zz", "path" },
    { "ftps://h/100%", "a % that isn't written %25" },
    { "ftps://h/a%0d%0aDELE%20b", "path" },
    { "ftps://h/a%00b", "path" },
    { "ftps://a\nb@h/", "user" },
};

Test(url, refuses)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct complaint c = { "" };
        struct url u;

        cr_expect_lt(url_parse(bad[i].text, &u, &c), 0, "%s", bad[i].text);
        cr_expect_not_null(strstr(c.text, bad[i].says), "%s: %s", bad[i].text,
                           c.text);
        cr_expect_null(strstr(c.text, "secret"), "a password is repeated");
    }
}

Test(url, too_long)
{
    static char text[2 * URL_PATH_MAX] = "ftps://h/";
    struct complaint c = { "" };
    struct url u;

    memset(text + 9, 'x', URL_PATH_MAX);
    cr_expect_lt(url_parse(text, &u, &c), 0);
    memset(text + 7, 'h', URL_PART_MAX + 1);
    text[7 + URL_PART_MAX + 1] = '\0';
    c.text[0] = '\0';
    cr_expect_lt(url_parse(text, &u, &c), 0);
}

Test(url, join)
{
    static const char *const rows[][3] = {
        { "", "a", "a" },     { "a/b", "c", "a/b/c" }, { "a/b", "../c", "a/c" },
        { "a/b", "/c", "c" }, { "a", "../../..", "" }, { "a", ".", "a" },
        { "a", "", "a" },     { "", "a//b/", "a/b" },
    };
    char out[URL_PATH_MAX];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_assert_eq(url_join(rows[i][0], rows[i][1], out), 0);
        cr_expect_str_eq(out, rows[i][2]);
    }
}

Test(url, join_has_an_end)
{
    static char name[URL_PATH_MAX + 1];
    char out[URL_PATH_MAX];

    memset(name, 'x', URL_PATH_MAX - 1);
    cr_expect_eq(url_join("", name, out), 0);
    cr_expect_eq(url_join("a", name, out), -ENAMETOOLONG);
}
