/* "user can": the answer, and the line that decides. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl/ctl.h"
#include "world.h"

/* A hash of the right form; nothing verifies it. */
#define HASH                                                                   \
    "$y$j9T$0123456789012345678901$"                                           \
    "0123456789012345678901234567890123456789012"

#define PIN                                                                    \
    "sha256:"                                                                  \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void can_world(void)
{
    char text[4096];

    world_make();
    snprintf(text, sizeof(text),
             "@share:contracts:80000:%s/contracts:\n"
             "@share:offers:80001:%s/offers:\n"
             "@team:legal:shares=contracts:drop\n"
             "anna:" HASH ":70000:70000::%s/anna::rights=lrwod "
             "shares=contracts:read teams=legal rights./in=drop "
             "rights./in/done=read "
             "rights./a/b/c=read\n"
             "bert:!" HASH ":70001:70001::%s/bert::shares=contracts\n"
             "carla:!:70002:70002::%s/carla::\n"
             "dora:" HASH ":70003:70003::%s/dora::certificate=dns:x\n"
             "emil:" HASH ":5:5::%s/emil::\n"
             "fred:" HASH ":70005:70005::%s/fred::must_change=yes "
             "totp=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n"
             "gina:" HASH ":70006:70006::%s/gina::certificate=" PIN
             " login=certificate\n",
             world.shares, world.shares, world.homes, world.homes, world.homes,
             world.homes, world.homes, world.homes, world.homes);
    file_write(world.users, text);
}

TestSuite(can, .init = can_world, .fini = scratch_remove);

Test(can, answers)
{
    static const struct {
        const char *question;
        bool yes;
        const char *line;
    } table[] = {
        /* the home */
        { "read /x", true, "users:4: user anna has lrwod in the home\n" },
        { "rename /x", false, "users:4: user anna has lrwod in the home\n" },
        { "list /", true, "in the home\n" },
        { "lrwod x/../y", true, "in the home\n" },
        { "lrwodn x", false, "in the home\n" },
        { "lrwu x", true, "in the home\n" },
        { "login", true, "in the home\n" },
        { "delete /", false, "/ is or contains the root directory" },
        /* the deepest directory */
        { "write /in/x", true, "users:4: user anna has drop in /in\n" },
        { "replace /in/x", false, "user anna has drop in /in\n" },
        { "read /in", false, "user anna has drop in /in\n" },
        { "read /in/done/x", true, "user anna has read in /in/done\n" },
        { "read /inside", true, "in the home\n" },
        { "delete /in", false,
          "/in is or contains the root directory, a share, or" },
        { "mkdir /in/done", false, "/in/done is or contains" },
        { "delete /a/c", true, "in the home\n" },
        { "delete /a", false, "/a is or contains" },
        /* a share: own grant and team together, only the deciding line */
        { "read /contracts/x", true,
          "yes\n%s:4: user anna has read in the share contracts\n" },
        { "write /contracts/a/b", true,
          "yes\n%s:3: team legal has drop in the share contracts\n" },
        { "delete /contracts/x", false,
          "no\n%s:4: user anna has read in the share contracts\n"
          "%s:3: team legal has drop in the share contracts\n" },
        { "list /contracts", true, "in the share contracts\n" },
        { "write /contracts", false,
          "/contracts is or contains the root directory, a" },
        { "read /contractsx", true, "in the home\n" },
        /* another one's share */
        { "rename /offers/x", false,
          "users:2: the share offers isn't this user's; to change that run: "
          "sallyportctl share grant offers anna\n" },
        { "write /offers/x", true,
          "yes, in the home; this is not the share offers\n"
          "%s:4: user anna has lrwod in the home\n"
          "%s:2: the share offers isn't this user's; to change that run: " },
    };
    char words[128], line[512];

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const struct run *r;

        snprintf(words, sizeof(words), "user can anna %s", table[i].question);
        r = expect_run(table[i].yes ? 0 : 1, "", words);
        cr_expect_eq(strncmp(r->out, table[i].yes ? "yes" : "no\n", 3), 0);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(line, sizeof(line), table[i].line, world.users, world.users);
#pragma GCC diagnostic pop
        cr_expect_not_null(strstr(r->out, line), "%s: %s", words, r->out);
    }
}

/* Who can't log in can do nothing. */
Test(can, a_login_that_would_be_refused)
{
    static const struct {
        const char *name, *why;
        bool root; /* only the server of root looks at it */
    } table[] = {
        { "bert",
          "users:5: user bert: locked; run: sallyportctl user unlock "
          "bert\n",
          false },
        { "carla",
          "users:6: user carla: no password; run: sallyportctl user "
          "passwd carla\n",
          false },
        { "dora",
          "users:7: user dora: needs a certificate, but nobody is "
          "asked for one",
          false },
        { "emil", "users:8: user emil: uid 5 is not in 70000-70099", true },
    };
    char words[64];

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].root && geteuid() != 0)
            continue;
        snprintf(words, sizeof(words), "user can %s read /x", table[i].name);
        expect_out(1, "", words, table[i].why);
        snprintf(words, sizeof(words), "user can %s login", table[i].name);
        expect_out(1, "", words, table[i].why);
    }
    expect_err(EX_NOUSER, "", "user can zoe read /x", "there is no user zoe");
}

/* A login that may succeed can need more than the password. */
Test(can, a_login_with_conditions)
{
    char line[256];

    snprintf(line, sizeof(line), "yes\n%s:9: user fred has full in the home\n",
             world.users);
    expect_out(0, "", "user can fred login", line);
    expect_out(0, "", "user can fred login",
               "home\nafter the password a one-time code is needed\nthe "
               "password must be changed before anything else, by SITE PSWD\n");
    expect_out(1, "", "user can fred read /x", "no\n");
    cr_expect_null(
        strstr(expect_run(0, "", "user can anna login")->out, "password"));
    expect_out(0, "", "user list", " totp yes    no   /");
    expect_out(0, "", "user list", " -    no     no   /");
}

Test(can, a_login_by_certificate)
{
    world_configure("client_certificates = request\nclient_ca = %s/ca.pem\n",
                    scratch);
    expect_out(0, "", "user can dora login",
               "the client must show a certificate, too: dns:x\n");
    expect_out(
        0, "", "user can gina login",
        "the client must show a certificate instead of the password: " PIN
        "\n");
}

Test(can, json)
{
    json_t *json = json_loads(
        expect_run(0, "", "user can anna write /contracts/x --json")->out, 0,
        NULL);

    cr_assert_not_null(json);
    cr_expect(json_is_true(json_object_get(json, "can")));
    cr_expect_str_eq(json_string_value(json_object_get(json, "share")),
                     "contracts");
    cr_expect_str_eq(json_string_value(json_object_get(json, "rights")), "lrw");
    cr_expect_eq(json_array_size(json_object_get(json, "by")), 2);
    cr_expect(json_is_null(json_object_get(json, "login")));
    json_decref(json);
    json = json_loads(expect_run(1, "", "user can bert read / --json")->out, 0,
                      NULL);
    cr_assert_not_null(json);
    cr_expect(json_is_false(json_object_get(json, "can")));
    cr_expect(json_is_null(json_object_get(json, "share")));
    cr_expect_str_eq(json_string_value(json_object_get(json, "login")),
                     "user bert: locked; run: sallyportctl user unlock bert");
    json_decref(json);
}

/* Only w counts there, and there are no directories. */
Test(can, a_drop)
{
    static const struct {
        const char *question;
        bool yes;
    } table[] = {
        { "write /in/x", true },       { "write /in/x/y", false },
        { "read /in/done/x", true },   { "delete /drops/x", false },
        { "write /drops/x", true },    { "replace /drops/x", false },
        { "write /drops/x/y", false }, { "list /drops", false },
        { "mkdir /drops/x", false },
    };
    char words[128];

    expect_run(0, "", "share add drops");
    expect_run(0, "", "share grant drops anna:wodm");
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        snprintf(words, sizeof(words), "user can anna %s", table[i].question);
        expect_run(table[i].yes ? 0 : 1, "", words);
    }
    expect_out(
        1, "", "user can anna delete /drops/x",
        "users:4: user anna has wodm in the share drops\ndrops is a drop "
        "for this user: no right but w and i counts there");
    expect_out(1, "", "user can anna write /in/x/y", "/in is a drop for this");
}

Test(can, an_upload_that_is_inspected)
{
    expect_run(0, "", "share add drops anna:wi");
    expect_out(0, "", "user can anna write /drops/x",
               "the upload waits for inspection; see: sallyportctl inspect "
               "list anna");
    cr_expect_not(strstr(expect_run(1, "", "user can anna read /drops/x")->out,
                         "inspection"));
}

Test(can, an_expired_user)
{
    expect_run(0, "", "user change anna --expires 2020-01-01");
    expect_out(1, "", "user can anna read /",
               "user anna: expired; run: sallyportctl user change anna --ttl "
               "TIME, or --expires DATE\n");
}

/* Such a user can log in, and can't do anything else. */
Test(can, a_password_that_must_be_changed)
{
    expect_run(0, "", "user change anna --must-change");
    expect_out(1, "", "user can anna read /", "the password must be changed");
    expect_out(0, "", "user can anna login", "yes");
}
