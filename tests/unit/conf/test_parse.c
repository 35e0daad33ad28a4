/* The lines of a configuration: which are accepted, and where the others are
 * refused. */
#include <errno.h>

#include "conf.h"

Test(parse, defaults_are_those_of_the_design)
{
    parse_well("");
    cr_expect_eq(s.listen_count, 2);
    cr_expect_eq(s.listen[0].address.port, 21);
    cr_expect_eq(s.listen[1].address.family, 6);
    cr_expect_str_eq(s.users, "/etc/sallyport/users");
    cr_expect_eq(s.ports.first, 30000);
    cr_expect_eq(s.ports.last, 30999);
    cr_expect_eq(s.address.family, 0);
    cr_expect_eq(s.max_sessions, 500);
    cr_expect_eq(s.max_per_address, 64);
    cr_expect_eq(s.max_per_user, 64);
    cr_expect_eq(s.startups, 100);
    cr_expect_eq(s.login_timeout, 60000);
    cr_expect_eq(s.idle_timeout, 300000);
    cr_expect_eq(s.connect_timeout, 30000);
    cr_expect_eq(s.stall_timeout, 120000);
    cr_expect_eq(s.login_delay, 1000);
    cr_expect_eq(s.login_tries, 3);
    cr_expect_eq(s.max_file_size, 0);
    cr_expect_eq(s.partial_days, 7);
    cr_expect(s.resume && s.fsync);
    cr_expect_eq(s.allow_weaker, 0);
    cr_expect_eq(s.accounts, 0);
    cr_expect_eq(s.uid_first, 70000);
    cr_expect_eq(s.uid_last, 79999);
}

Test(parse, what_a_line_may_look_like)
{
    static const char *const good[] = {
        "login_tries = 5",
        "login_tries=5\n",
        "login_tries   =   5  \t\r\n",
        "\r\n# a comment\r\n\r\nlogin_tries = 5\r\n",
        ("# a comment\n; another\n   # an indented one\n\n \t\nlogin_tries = "
         "5\n"),
        "login_tries = 5 ; said in brief\n",
        "login_tries = 5\t; said in brief\n",
        "\xef\xbb\xbflogin_tries = 5\n",
    };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        cr_expect_eq(parse(good[i]), 0, "%s: %s", good[i], c.text);
        cr_expect_eq(s.login_tries, 5, "%s", good[i]);
    }
}

Test(parse, mistakes_are_named_with_their_line)
{
    static const struct mistake table[] = {
        { "\n\nlogin_trys = 3\n",
          "conf:3: unknown key \"login_trys\"; did you mean \"login_tries\"?" },
        { "certifcate = /a\n", "did you mean \"certificate\"?" },
        { "frobnicate = 3\n", "conf:1: unknown key \"frobnicate\"" },
        { "LISTEN = 0.0.0.0:21\n", "conf:1: unknown key \"LISTEN\"" },
        { "= 3\n", "conf:1: no key" },
        { "login_tries = 3\n# x\nlogin_tries = 3\n",
          "conf:3: login_tries is in line 1 already" },
        { "[server]\nlogin_tries = 3\n", "conf:1: there are no sections" },
        { "\xef\xbb\xbf[server]\n", "conf:1: there are no sections" },
        { "login_tries = 3\n  listen = 0.0.0.0:21\n",
          "conf:2: begins with a blank" },
        { "listen = 0.0.0.0:21,\n\t[::]:21\n", "conf:1: listen" },
        { "\tlogin_tries = 3\n", "conf:1: begins with a blank" },
        { "login_tries 3\n", "conf:1: no '='" },
        { "login_tries : 3\n", "conf:1: no '='" },
        { "login_tries : 3 = 4\n", "conf:1: ':' or ';' before the '='" },
        { "login_tries ;= 4\n", "conf:1: ':' or ';' before the '='" },
        { "login_tries = 3\x01\n", "conf:1: a control byte" },
        { "login_tries\x7f = 3\n", "conf:1: a control byte" },
        { "a\rlogin_tries = 3\n", "conf:1: a control byte" },
        { "login_tries = three\n",
          "conf:1: login_tries = three: expected a number" },
        { "\n\nlogin_tries = 0\n",
          "conf:3: login_tries = 0: out of range; 1 to 100" },
        { "users = \n", "conf:1: users = : expected an absolute path" },
        { "users = ; /etc/users\n", "conf:1: users = : expected" },
        { "login_tries = 3\nkey = x\nusers = y\n", "conf:2: key = x" },
    };

    EXPECT_MISTAKES(table);
}

Test(parse, a_nul_byte)
{
    static const char text[] = "login_tries = 3\0\n";
    struct slice slice = { text, sizeof(text) - 1 };

    cr_expect_eq(conf_parse(&s, slice, "conf", NULL, &c), -EINVAL);
    cr_expect_str_eq(c.text, "conf:1: a control byte");
}

/* SETTINGS_LINE_MAX, which the manual page promises. */
Test(parse, a_line_is_taken_whole_or_refused)
{
    char text[4096];

    for (int len = 1990; len <= 2010; len++) {
        int r, pad = len - (int)strlen("users = /etc/users ;");

        snprintf(text, sizeof(text),
                 "users = /etc/users ;%0*d\nlogin_tries = 5\n", pad, 0);
        r = parse(text);
        cr_expect_eq(r, len <= 2000 ? 0 : -EINVAL, "%d: %s", len, c.text);
        if (r == 0)
            cr_expect_str_eq(s.users, "/etc/users");
        else
            cr_expect_str_eq(c.text, "conf:1: too long; a line holds at most "
                                     "2000 bytes");
    }
}

Test(parse, a_path_is_taken_whole_or_refused)
{
    char text[4096];

    for (int len = 250; len <= 260; len++) {
        int r;

        snprintf(text, sizeof(text), "users = /%0*d\n", len - 1, 0);
        r = parse(text);
        cr_expect_eq(r, len <= 255 ? 0 : -EINVAL, "%d: %s", len, c.text);
        if (r == 0)
            cr_expect_eq(strlen(s.users), (size_t)len);
        else
            cr_expect(strstr(c.text, "0...: too long; at most 255 bytes"), "%s",
                      c.text);
    }
}

/* The reason isn't lost behind a long value. */
Test(parse, a_complaint_shows_the_beginning_of_a_value)
{
    static const char *const texts[] = { "users = %0*d\n", "%0*d = 1\n",
                                         "listen = %0*d\n" };
    static const char *const words[] = { "expected", "unknown key",
                                         "expected" };

    for (size_t i = 0; i < 3; i++) {
        char text[4096];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(text, sizeof(text), texts[i], 1900, 0);
#pragma GCC diagnostic pop
        cr_expect_eq(parse(text), -EINVAL);
        cr_expect(strstr(c.text, words[i]) && strlen(c.text) < 250, "%s",
                  c.text);
    }
}

Test(parse, a_comment_may_be_long)
{
    char text[4096];

    snprintf(text, sizeof(text), "# %03000d\nlogin_tries = 5\n", 0);
    parse_well(text);
    cr_expect_eq(s.login_tries, 5);
}

/* The reports of conf_parse(). */
static char told[4096];

static void tell(const char *mistake)
{
    size_t len = strlen(told);

    snprintf(told + len, sizeof(told) - len, "%s\n", mistake);
}

/* Returns the number of mistakes; the first one is the complaint, too. */
static int survey(const char *text)
{
    int r, n = 0;

    c.text[0] = told[0] = '\0';
    r = conf_parse(&s, slice_from(text), "conf", tell, &c);
    cr_expect(strncmp(told, c.text, strlen(c.text)) == 0);
    for (const char *end = told; (end = strchr(end, '\n')); end++)
        n++;
    cr_expect_eq(r, n > 0 ? -EINVAL : 0);
    return n;
}

/* A start refuses the first one. --check reports all of them, and still gets
 * the other settings. */
Test(parse, settings_of_older_versions_are_refused)
{
    static const char told_both[] = "conf:2: there is no setting active any "
                                    "more; clients use passive mode (EPSV "
                                    "or PASV); remove this line\n"
                                    "conf:4: there is no setting active any "
                                    "more; clients use passive mode (EPSV "
                                    "or PASV); remove this line\n";
    const struct slice text = SLICE("login_tries = 5\nactive = perhaps\n"
                                    "idle_timeout = 7s\nactive = no\n");

    parse_well("login_tries = 5\n");
    cr_expect_str_eq(s.retired.text, "");
    cr_expect_eq(parse(text.ptr), -EINVAL);
    cr_expect_eq(strncmp(c.text, told_both, strlen(c.text)), 0, "%s", c.text);
    c.text[0] = told[0] = '\0';
    cr_expect_eq(conf_parse(&s, text, "conf", tell, &c), 0);
    cr_expect_str_eq(told, told_both);
    cr_expect_neq(s.retired.text[0], '\0');
    cr_expect_eq(s.login_tries, 5);
    cr_expect_eq(s.idle_timeout, 7000);
    cr_expect_eq(parse("activ = no\n"), -EINVAL);
    cr_expect_eq(parse("fsync = no\non_conflict = version ; kept\n"), -EINVAL);
    cr_expect(strstr(c.text,
                     "conf:2: there is no setting on_conflict = version any "
                     "more; on_conflict = rename"));
    parse_well("on_conflict = rename\n");
    told[0] = '\0';
    cr_expect_eq(
        conf_parse(&s, SLICE("active = no\nlissten = 1\n"), "conf", tell, &c),
        -EINVAL);
    cr_expect(strstr(told, "conf:1: ") && strstr(told, "conf:2: "));
}

Test(parse, a_survey_tells_all_mistakes)
{
    cr_assert_eq(survey("lissten = 1\n"
                        "[server]\n"
                        "fsync = perhaps\n"
                        "idle_timeout = 1min\n"
                        "fsync = no\n"
                        "\tlisten = 1\n"
                        "nothing\n"
                        "idle_timeout = 2min\n"
                        "= x\n"),
                 8);
    cr_expect_str_eq(told,
                     "conf:1: unknown key \"lissten\"; did you mean "
                     "\"listen\"?\n"
                     "conf:2: there are no sections; remove this line\n"
                     "conf:3: fsync = perhaps: expected yes or no\n"
                     "conf:5: fsync is in line 3 already; keep one\n"
                     "conf:6: begins with a blank; lines can't be continued, "
                     "begin with the key\n"
                     "conf:7: no '='; expected: key = value\n"
                     "conf:8: idle_timeout is in line 4 already; keep "
                     "one\n"
                     "conf:9: no key before the '='; expected: key = value\n");
}

/* The lines are right one by one, but don't fit together. */
Test(parse, a_survey_looks_at_all_together)
{
    cr_assert_eq(survey("uid_first = 70000\nuid_last = 69000\n"
                        "accounts = 65533\n"
                        "listen = 127.0.0.1:30001\n"),
                 3);
    cr_expect(strstr(told, "conf:2: uid_last = 69000: "), "%s", told);
    cr_expect(strstr(told, "conf:3: accounts = 65533: the range holds"), "%s",
              told);
    cr_expect(strstr(told, "ports (default) = "), "%s", told);
    cr_assert_eq(survey("uid_first = x\naccounts = 70001\n"), 1,
                 "a default isn't blamed for what can't be read");
    cr_assert_eq(survey("fsync = no\n"), 0);
    cr_expect_str_eq(told, "");
}
