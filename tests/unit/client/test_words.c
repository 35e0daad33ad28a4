/* Tests the code that cuts up text: lines of the shell, patterns, netrc and
 * known hosts. */
#include "client/link/link.h"
#include "client/run/run.h"
#include "client/transfer/transfer.h"
#include "support/test.h"

static const struct {
    const char *line;
    int n;
    const char *word[4];
} lines[] = {
    { "", 0, { NULL } },
    { "  put  a b ", 3, { "put", "a", "b" } },
    { "get 'a b' \"c d\"", 3, { "get", "a b", "c d" } },
    { "get a\\ b 'x'y\"z\"", 3, { "get", "a b", "xyz" } },
    { "get \"a\\\"b\" 'c\\d'", 3, { "get", "a\"b", "c\\d" } },
    { "get ''", 2, { "get", "" } },
    { "get 'a", -EINVAL, { NULL } },
    { "a b c d e", -E2BIG, { NULL } },
};

Test(split, lines)
{
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char text[64], *word[4];

        snprintf(text, sizeof(text), "%s", lines[i].line);
        int n = split_line(text, word, 4);
        cr_assert_eq(n, lines[i].n, "%s: %d", lines[i].line, n);
        for (int k = 0; k < n; k++)
            cr_expect_str_eq(word[k], lines[i].word[k]);
    }
}

/* A quoted word is no pattern. */
Test(split, patterns)
{
    static const struct {
        const char *typed, *text;
        bool some, whole;
    } rows[] = {
        { "a*.txt b", "a*.txt", true, false },
        { "in/*/a[1]", "a[1]", true, false },
        { "a\\[1]", "a\\[1]", false, false },
        { "'a[1].*'", "a\\[1\\].\\*", false, false },
        { "\"a[\"*", "a\\[*", true, false },
        { "'a\\'*", "a\\\\*", true, false },
        { "in*/", "in*", true, false },
        { "in*/a", "a", false, false },
        { "i*/'[*'/*", "i*/\\[\\*/*", true, true },
        { "'~'/a\\ b?", "\\~/a b?", true, true },
        { "~/a", "~/a", false, true },
        { "[a'-'z]", "[a\\-z]", true, true },
        { "['!'\\^]", "[\\!\\^]", true, false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct url_pattern p;

        split_pattern(rows[i].typed, rows[i].whole, &p);
        cr_expect_str_eq(p.text, rows[i].text, "%s", rows[i].typed);
        cr_expect_eq(p.some, rows[i].some, "%s", rows[i].typed);
    }

    static char stars[2 * URL_PATTERN_MAX];
    struct url_pattern too_long;

    memset(stars, '*', sizeof(stars) - 1);
    split_pattern(stars, false, &too_long);
    cr_expect_not(too_long.some);
}

static const char netrc[] = "# comment\n"
                            "# machine hidden login x password old\n"
                            "  #default login x password old\n"
                            "machine other login x password no\n"
                            "machine drop.example.org\n\tlogin anna\n"
                            "\tpassword s3cret\n"
                            "machine drop.example.org login bert password b\n"
                            "machine q login \"c d\" password \"e \\\"f\\\\\"\n"
                            "machine open login x password \"half"
                            " a\n machine no login y password z\"\n"
                            "machine hash login #x password #y # z\n"
                            "machine macro login x password y\n"
                            "machine alone password p\n"
                            "macdef init\nmachine hidden login x password m\n"
                            "\n"
                            "default login guest password g\n";

Test(password, netrc)
{
    static const struct {
        const char *host, *user, *login, *password;
    } rows[] = {
        { "drop.example.org", "", "anna", "s3cret" },
        { "DROP.example.org", "bert", "bert", "b" },
        { "q", "", "c d", "e \"f\\" },
        { "q", "c d", "c d", "e \"f\\" },
        { "open", "x", "x", "half a\n machine no login y password z" },
        { "hash", "", "#x", "#y" },
        { "macro", "", "x", "y" },
        { "hidden", "", "guest", "g" },
        { "alone", "anna", "anna", "p" },
        { "alone", "", "guest", "g" },
        { "no", "", "guest", "g" },
        { "elsewhere", "", "guest", "g" },
        { "elsewhere", "nobody", NULL, NULL },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct secret s = { .len = 0 };
        struct url u = { 0 };

        snprintf(u.host, sizeof(u.host), "%s", rows[i].host);
        snprintf(u.user, sizeof(u.user), "%s", rows[i].user);
        bool found = password_netrc(SLICE(netrc), false, &u, &s);
        cr_assert_eq(found, rows[i].password != NULL, "%zu", i);
        if (found) {
            cr_expect_str_eq(u.user, rows[i].login);
            cr_expect_str_eq(s.bytes, rows[i].password);
        } else {
            cr_expect_eq(s.len, 0);
        }
        /* a proxy's password isn't the "default" of the servers */
        snprintf(u.user, sizeof(u.user), "%s", rows[i].user);
        found = found && strcmp(rows[i].password, "g") != 0;
        cr_expect_eq(password_netrc(SLICE(netrc), true, &u, &s), found, "%zu",
                     i);
    }
}

/* The client refuses a malformed pin, which would look like the key of another
 * server. */
Test(trust, pins)
{
    static const struct {
        const char *pin;
        int wanted;
    } rows[] = {
        { "sha256//C+xG4x725mLHs5I7S7p/DzzXg7TbH/9+nl9Lfj7xnZs=", 0 },
        { "sha256//C+xG4x725mLHs5I7S7p/DzzXg7TbH/9+nl9Lfj7xnZs", -1 },
        { "sha256//C+xG4x725mLHs5I7S7p/DzzXg7TbH/9+nl9Lfj7xn s=", -1 },
        { "sha256//AAAA", -1 },
        { "sha1//C+xG4x725mLHs5I7S7p/DzzXg7TbH/9+nl9Lfj7xnZs=", -1 },
        { "AF:14:EC:74", -1 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct options o = { .pin = rows[i].pin };
        struct failure why = { 0 };
        struct trust t;

        cr_expect_eq(trust_decide(&o, NULL, NULL, &t, &why), rows[i].wanted,
                     "%s", rows[i].pin);
        cr_expect_eq(why.code, rows[i].wanted ? EX_USAGE : 0);
    }
}

Test(trust, known_hosts)
{
    static const char text[] = "a:21 sha256//AAAA 2026-01-01\n"
                               "\n# no line\n"
                               "b:2121 sha256//BBBB 2026-01-01\n"
                               "c:21 md5//x\n"
                               "d:21 sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                               "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
                               "e:21\n";
    char pin[CERTIFICATE_PIN_MAX];

    cr_expect_eq(trust_known(SLICE(text), "A", 21, pin), 0);
    cr_expect_str_eq(pin, "sha256//AAAA");
    cr_expect_eq(trust_known(SLICE(text), "b", 21, pin), 1);
    cr_expect_eq(trust_known(SLICE(text), "b", 2121, pin), 0);
    cr_expect_eq(trust_known(SLICE(text), "c", 21, pin), 1, "not a pin");
    cr_expect_eq(trust_known(SLICE(text), "d", 21, pin), 0, "known, broken");
    cr_expect_str_eq(pin, "sha256//"); /* no key fits */
    cr_expect_eq(trust_known(SLICE(text), "e", 21, pin), 1, "no key");
    cr_expect_eq(trust_known(SLICE("f:21\tsha256//BB\tx"), "f", 21, pin), 0);
    cr_expect_str_eq(pin, "sha256//BB"); /* an editor has made tabs */
}
