/* The preparation of a start: each part as master asks for it. */
#include <dlfcn.h>
#include <pwd.h>

#include "check/check.h"
#include "sallyport/conf/conf.h"
#include "sallyport/sandbox/sandbox.h"
#include "support/test.h"

static struct check k;

static void begin(void)
{
    conf_default(&k.settings);
    k.root = true;
}

TestSuite(parts, .init = begin);

/* Not by name: the machine may have the accounts. */
Test(parts, accounts_by_number)
{
    struct complaint c = { "" };
    struct prepared p = { 0 };

    k.settings.accounts = 101;
    cr_assert_eq(part_accounts(&k, &p, &c), 0, "%s", c.text);
    cr_expect_eq(p.account[PROCESS_GATE].uid, 101);
    cr_expect_eq(p.account[PROCESS_AUTH].gid, 102);
    cr_expect_eq(p.account[PROCESS_LOG].uid, 103);
    cr_expect_eq(p.account[PROCESS_KEYS].gid, 104);
    p = (struct prepared){ 0 };
    k.root = false; /* without root its ids don't change */
    k.settings.accounts = 0;
    cr_assert_eq(part_accounts(&k, &p, &c), 0);
    cr_expect_eq(p.account[PROCESS_GATE].uid, 0);
}

/* The machine's accounts, whatever its /etc/passwd says. */
static uid_t uids[4];

struct passwd *getpwnam(const char *name)
{
    static const char *const names[] = { "_sallyport-gate", "_sallyport-auth",
                                         "_sallyport-log", "_sallyport-keys" };
    static struct passwd found;

    for (size_t i = 0; i < 4; i++) {
        found.pw_uid = uids[i];
        found.pw_gid = uids[i];
        if (uids[i] > 0 && strcmp(name, names[i]) == 0)
            return &found;
    }
    return ((struct passwd * (*)(const char *))
                dlsym(RTLD_NEXT, "getpwnam"))(name);
}

/* All that are missing, in one complaint. */
Test(parts, accounts_by_name)
{
    struct complaint c = { "" };
    struct prepared p = { 0 };

    cr_assert_eq(part_accounts(&k, &p, &c), -EINVAL);
    cr_expect(
        strstr(c.text, "no account _sallyport-gate, ") &&
            strstr(c.text, "_sallyport-keys; for a trial without accounts "),
        "%s", c.text);
}

static const char *named(uid_t gate, uid_t auth, uid_t log, uid_t keys)
{
    static struct complaint c;
    struct prepared p = { 0 };

    memcpy(uids, (uid_t[]){ gate, auth, log, keys }, sizeof(uids));
    c.text[0] = '\0';
    return part_accounts(&k, &p, &c) == 0 ? NULL : c.text;
}

/* A process could trace or end another one of its uid. */
Test(parts, accounts_are_apart)
{
    const char *why = named(901, 902, 903, 904);

    cr_assert_null(why, "%s", why);
    cr_expect_str_eq(named(901, 902, 903, 902),
                     "the accounts _sallyport-auth and _sallyport-keys have "
                     "one uid");
    cr_expect_str_eq(named(901, 902, (uid_t)k.settings.uid_first, 904),
                     "the account _sallyport-log has uid 70000, which is "
                     "within uid_first to uid_last, the users' range");
    why = named(901, 65534, 903, 904);
    cr_expect(why && strstr(why, "reserved"), "%s", why);
}

static void configure(const char *text)
{
    struct complaint c = { "" };

    cr_assert_eq(conf_parse(&k.settings, slice_from(text), "conf", NULL, &c), 0,
                 "%s", c.text);
}

Test(parts, a_mistake_names_its_setting)
{
    struct complaint c = { "" };
    struct prepared p = { 0 };

    configure("accounts = 101\ncontrol_group = missing\n"
              "empty = /dev/null/x\n");
    cr_expect_eq(part_accounts(&k, &p, &c), -EINVAL);
    cr_expect_str_eq(c.text,
                     "conf:2: control_group = missing: there is no group of "
                     "this name; run: groupadd --system missing");
    p = (struct prepared){ 0 };
    c.text[0] = '\0';
    cr_expect_eq(part_empty(&k, &p, &c), -EINVAL);
    cr_expect_str_eq(c.text, "conf:3: empty = /dev/null/x: Not a directory");
}

Test(parts, sandboxes_hold_here)
{
    struct complaint c = { "" };
    struct prepared p = { 0 };

    cr_expect_eq(part_sandbox(&k, &p, &c), 0, "%s", c.text);
    k.settings.allow_weaker = SANDBOX_LANDLOCK;
    cr_expect_eq(part_sandbox(&k, &p, &c), 0, "%s", c.text);
}
