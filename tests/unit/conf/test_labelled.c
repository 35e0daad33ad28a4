/* Further certificates, each with its key. */
#include "conf.h"

#define PAIR(n) "certificate." n " = /c/" n "\nkey." n " = /k/" n "\n"

Test(labelled, pairs_by_number)
{
    struct settings_pair p;

    parse_well("certificate = /c\nkey = /k\nkey.b = /k/b\n" PAIR(
        "a") "certificate.b = /c/b\n");
    cr_assert(settings_pair(&s, 0, &p));
    cr_expect_str_eq(p.certificate, "/c");
    cr_expect_str_eq(p.key, "/k");
    cr_assert(settings_pair(&s, 1, &p));
    cr_expect_str_eq(p.certificate, "/c/a");
    cr_expect_str_eq(p.key, "/k/a");
    cr_assert(settings_pair(&s, 2, &p));
    cr_expect_str_eq(p.certificate, "/c/b");
    cr_expect_str_eq(p.key, "/k/b");
    cr_expect(!settings_pair(&s, 3, &p));
}

Test(labelled, what_a_label_may_hold)
{
    parse_well(PAIR("a") PAIR("b-2_.x"));
    cr_expect_eq(s.keys.count, 2);
    cr_expect_str_eq(s.certificates.all[1].path, "/c/b-2_.x");
}

static int many(int n)
{
    char lines[8192] = "";

    for (int i = 0; i < n; i++)
        snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines),
                 "certificate.%d = /c\nkey.%d = /k\n", i, i);
    return parse(lines);
}

Test(labelled, at_most_16_with_the_first)
{
    cr_expect_eq(many(CERTIFICATES_MAX - 1), 0, "%s", c.text);
    cr_expect_neq(many(CERTIFICATES_MAX), 0);
    cr_expect_str_eq(c.text, "conf:31: certificate.15 = /c: more than 16 "
                             "certificates");
}

Test(labelled, mistakes)
{
    static const struct mistake table[] = {
        { "certificate.a = /c/a",
          "conf:1: certificate.a = /c/a: there is no key.a" },
        { "\nkey.a = /k/a", "conf:2: key.a = /k/a: there is no certificate.a" },
        { PAIR("a") "certificate.b = /c/b\n", "there is no key.b" },
        { PAIR("a") "key.a = /k/other\n",
          "conf:3: key.a = /k/other: is in line 2 already" },
        { "certificate. = /c", "expected a label after \"certificate.\"" },
        { "certificate.a b = /c", "expected a label after \"certificate.\"" },
        { "certificate.a/b = /c", "expected a label after \"certificate.\"" },
        { "key.a = k", "conf:1: key.a = k: expected an absolute path" },
        { "key.a =", "expected an absolute path" },
    };

    EXPECT_MISTAKES(table);
}

/* A mistake in a file is reported with the line that names the file. */
Test(labelled, the_line_of_a_path)
{
    static const struct {
        const char *complaint, *placed;
    } rows[] = {
        { "/c: gone", "conf:1: certificate = /c: gone" },
        { "/c/a: gone", "conf:2: certificate.a = /c/a: gone" },
        { "/k/a: gone", "conf:3: key.a = /k/a: gone" },
        { "/k/ab: gone", "/k/ab: gone" },
    };

    cr_assert_eq(parse("certificate = /c\n" PAIR("a")), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(c.text, sizeof(c.text), "%s", rows[i].complaint);
        settings_place_pair(&s, &c);
        cr_expect_str_eq(c.text, rows[i].placed);
    }
}
