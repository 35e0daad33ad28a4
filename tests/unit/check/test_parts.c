/* The preparation of a start: each part as master asks for it. */
#include <dlfcn.h>
#include <pwd.h>

#include "check/check.h"
#include "sallyport/conf/conf.h"
#include "sallyport/sandbox/sandbox.h"
#include "support/test.h"

static char directory[] = "/tmp/sallyport-prepare-XXXXXX";
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
    cr_expect(strstr(c.text, "no account _sallyport-gate, ") &&
                  strstr(c.text, "_sallyport-keys; run: systemd-sysusers"),
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
                     "this name; run: groupadd --system");
    p = (struct prepared){ 0 };
    c.text[0] = '\0';
    cr_expect_eq(part_empty(&k, &p, &c), -EINVAL);
    cr_expect_str_eq(c.text, "conf:3: empty = /dev/null/x: Not a directory");
}

static const char *key_file(void)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/partials.key", directory);
    return path;
}

static void put_key(const char *bytes)
{
    int fd = open(key_file(), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    cr_assert(fd >= 0 && write(fd, bytes, strlen(bytes)) >= 0);
    close(fd);
}

/* A restart would use another key than the present one: check reports that, and
 * the present key stays. */
Test(parts, another_key_stands_there)
{
    struct complaint c = { "" };
    struct prepared p = { .make = true, .key = "in use, 16 byte" };
    char damaged[512];

    cr_assert(mkdtemp(directory));
    strcpy(k.settings.state, directory);
    put_key("0123456789abcdef");
    p.inherited = true;
    cr_expect_eq(part_key(&k, &p, &c), -EACCES);
    cr_expect(strstr(c.text, "has another key"), "%s", c.text);
    cr_expect_arr_eq(p.key, "in use, 16 byte", sizeof(p.key));
    p.inherited = false;
    c.text[0] = '\0';
    cr_expect_eq(part_key(&k, &p, &c), 0, "%s", c.text);
    cr_expect_arr_eq(p.key, "0123456789abcdef", sizeof(p.key));
    put_key("short");
    cr_expect_eq(part_key(&k, &p, &c), 0);
    cr_expect(strstr(c.text, "partials.key: not a key"), "%s", c.text);
    cr_expect_arr_eq(p.key, "0123456789abcdef", sizeof(p.key));
    cr_expect_eq(unlink(key_file()), 0);
    cr_expect_eq(
        rename(strcat(strcpy(damaged, key_file()), ".damaged"), key_file()), 0);
    cr_expect_eq(unlink(key_file()), 0);
    cr_expect_eq(rmdir(directory), 0);
}

Test(parts, sandboxes_hold_here)
{
    struct complaint c = { "" };
    struct prepared p = { 0 };

    cr_expect_eq(part_sandbox(&k, &p, &c), 0, "%s", c.text);
    k.settings.active = true;
    k.settings.allow_weaker = SANDBOX_LANDLOCK;
    cr_expect_eq(part_sandbox(&k, &p, &c), 0, "%s", c.text);
}
