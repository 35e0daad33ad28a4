/* Users of a directory and of JSON, and rows that follow them: "user import"
 * with LDIF and JSON, and --sync. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "ctl/users/import.h"
#include "world.h"

TestSuite(sync, .init = world_make, .fini = scratch_remove);

#define S43  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234"
#define SHA  "$6$salt$" S43 S43
#define SHA2 "$6$pepp$" S43 S43
#define HIGH "$2y$16$abcdefghij" S43

/* A record; MORE are lines. */
#define ENTRY(name, hash, more)                                                \
    "dn: uid=" name ",dc=example\nuid: " name "\nuserPassword: " hash          \
    "\n" more "\n"

/* Runs "user import FILE" on a file with TEXT, JSON or LDIF. */
static const struct run *import(int code, const char *text, const char *options)
{
    const bool json =
        strchr("[{", text[strspn(text, " \n")]) != NULL && text[0];
    char words[768];

    file_write(in(scratch, "old"), text);
    snprintf(words, sizeof(words), "user import %s %s %s", in(scratch, "old"),
             options,
             strstr(options, "--format") ? ""
             : json                      ? "--format json"
                                         : "--format ldif");
    return expect_run(code, "", words);
}

static void expect_text(const char *text, const char *part)
{
    cr_expect(strstr(text, part), "no \"%s\" in:\n%s", part, text);
}

/* The users file has this text, in which a '%' is the directory of the
 * homes. */
static void expect_users(const char *rows)
{
    struct slice rest = slice_from(rows), part;
    struct buf text;

    buf_init(&text, 4096);
    while (slice_cut(&rest, '%', &part)) {
        buf_add_slice(&text, part);
        buf_add_text(&text, rest.ptr ? world.homes : "");
    }
    buf_add(&text, "", 1);
    cr_expect_str_eq(file_text(world.users), text.data);
    buf_release(&text);
}

static ino_t inode(void)
{
    struct stat st;

    cr_assert_eq(stat(world.users, &st), 0);
    return st.st_ino;
}

/* Folded lines, base64, comments, CRLF, capitals, attributes with options, an
 * entry that is no user. */
Test(sync, ldif)
{
    const struct run *r = import(
        0,
        "version: 1\r\n\r\n"
        "# a comment\n which is folded\n"
        "dn: ou=peo\n ple,dc=exa\n mple\nobjectClass: organizationalUnit\n\n\n"
        "DN:: dWlkPWFubmE=\nUID: an\n na\n"
        "cn;lang-de: no\ncn: A.\ndisplayName:: QW5uYSDDhA==\n"
        "mail: anna@example.org\nmail: other@example.org\n"
        "userPassword:: e0NSWVBUfSQ2JHNhbHQk"
        "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXpBQkNERUZHSElKLi8wMTIzNGFiY2RlZmdo"
        "aWprbG1ub3BxcnN0dXZ3eHl6QUJDREVGR0hJSi4vMDEyMzQ=\r\n"
        "jpegPhoto:: AAEC\n"
        "shadowExpire: 20484\nuidNumber: 1234\n\n" ENTRY("bert", SHA, "cn: B\n")
            ENTRY("carl", "{CRYPT}!" SHA, ""),
        "");

    expect_text(r->out, "old:5: ou=people,dc=example: skipped: it has no uid");
    expect_text(r->out, "; locked: its password is locked there; if it may");
    expect_text(r->out, "3 imported, 1 skipped\n");
    expect_users("anna:" SHA ":70000:70000:Anna \xc3\x84 <anna@example.org>:"
                 "%/anna::rights=full expires=2026-01-31T00:00:00Z\n"
                 "bert:" SHA ":70001:70001:B:%/bert::rights=full\n"
                 "carl:!" SHA ":70002:70002::%/carl::rights=full\n");
}

Test(sync, ldif_refused)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        { "dn: a\nuid: a", "its last line isn't ended, so it may be cut off" },
        { "version: 2\n", "old:1: expected version: 1" },
        { "dn: a\n\nversion: 1\n", "old:3: expected dn: at the beginning" },
        { "uid: a\n",
          "old:1: expected dn: at the beginning of a record; ldap" },
        { "dn: a\nuid: a\n\nresult: 0 Success\n", "old:4: expected dn:" },
        { "dn: a\nchangetype: add\n", "old:2: a record of changes" },
        { "dn: a\ncontrol: 1.2\n", "old:2: a record of changes" },
        { "dn: a\nuid: a\ndn: b\n", "old:3: a second dn: in a record" },
        { "dn: a\nuid:< file:///etc/shadow\n", "old:2: a value in another" },
        { "dn: a\nuid\n", "old:2: expected a line NAME: VALUE" },
        { "dn: a\n: x\n", "old:2: expected a line NAME: VALUE" },
        { "dn: a\nu id: x\n", "old:2: expected a line NAME: VALUE" },
        { "dn: a\n\n uid: x\n", "old:3: expected a line NAME: VALUE" },
        { "dn: a\nuid:: YQ=\n", "old:2: no base64 after ::" },
        { "dn: a\nuid:: Y\n W?=\n", "old:2: no base64 after ::" },
        { "d\n n: a\nuid: a\n", "old:1: dn: is folded within its name" },
        { "dn: a\nuid: a\n\nDN\n : b\nuid: b\n",
          "old:4: dn: is folded within its name" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_text(import(EX_DATAERR, cases[i].text, "--format ldif")->err,
                    cases[i].said);
    cr_expect_not(files_exists(world.users));
}

/* A hash that can't be used is never in the output. */
Test(sync, ldif_passwords)
{
    const struct run *r = import(
        0,
        ENTRY("a", "{SSHA}secret", "") ENTRY("b", "secret", "")
            ENTRY("c", HIGH, "") ENTRY("d", "{crypt}*", "")
                ENTRY("e", "{SSHA}secret", "userPassword: {CRYPT}" SHA "\n")
                    ENTRY("f", SHA, "nsAccountLock: TRUE\n")
                        ENTRY("g", SHA, "pwdAccountLockedTime: 000001010000Z\n")
                            ENTRY("h", SHA,
                                  "pwdAccountLockedTime: 20260101000000Z\n"
                                  "nsAccountLock: false\nshadowExpire: -1\n")
                                ENTRY("i", SHA, "shadowExpire: soon\n"),
        "--sync dir");

    expect_text(r->out, "locked, since it has no usable hash (it is of LDAP); "
                        "run: sallyportctl user passwd a\n");
    expect_text(r->out, "(it is no hash); run: sallyportctl user passwd b\n");
    expect_text(r->out, "(its cost is so high that it would keep");
    expect_text(r->out, "(there is none); run: sallyportctl user passwd d\n");
    cr_expect_not(strstr(r->out, "secret"));
    r = expect_run(0, "", "user list --json");
    cr_expect_not(strstr(r->out, "secret"));
    expect_text(file_text(world.users), "a:*:70000:");
    expect_text(file_text(world.users), "c:*:70002:");
    expect_text(file_text(world.users), "e:" SHA ":70004:");
    expect_text(file_text(world.users), "/f::rights=full sync=dir:hash,locked");
    expect_text(file_text(world.users), "/g::rights=full sync=dir:hash,locked");
    expect_text(file_text(world.users), "/h::rights=full sync=dir:hash\n");
    expect_text(file_text(world.users), "/i::rights=full sync=dir:hash,locked");
    expect_out(0, "", "user show f", "state:    locked\n");
}

Test(sync, json)
{
    const struct run *r = import(
        0,
        " [ {\"name\":\"anna\",\"hash\":\"" SHA "\",\n \"comment\":\"A\","
        "\"mail\":\"a@b\", \"expires\":\"2027-01-31\", \"locked\":null},\n"
        "{\"name\":\"bert\", \"hash\":\"" SHA "\",\"locked\":true},"
        "{\"name\":\"carl\", \"hash\":null,\"mail\":\"c@d\"}]\n",
        "");

    expect_text(r->out, "; locked: it is locked there; if it may log in");
    expect_users("anna:" SHA
                 ":70000:70000:A <a@b>:%/anna::rights=full expires=2027-"
                 "01-31\nbert:!" SHA ":70001:70001::%/bert::rights=full\n"
                 "carl:!:70002:70002:c@d:%/carl::rights=full\n");
    r = import(EX_DATAERR,
               "{\"name\":\"dora\",\"expires\":\"soon\",\"hash\":\"" SHA "\"}\n"
               "{\"name\":\"dora\"} {\"name\":\"e/f\"}\n",
               "");
    expect_text(r->out, "locked: its end is no time: soon");
    expect_text(r->out, "old:2: dora: skipped: an earlier line has this name");
    expect_text(r->out, "old:2: e/f: skipped: not a valid name here");
}

Test(sync, json_refused)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        { "[", "old:1: the text ends within the array" },
        { "[\n{\"name\":\"a\"},\n", "old:3: the text ends within the array" },
        { "[{\"name\":\"a\"}", "old:1: the text ends within the array" },
        { "[{\"name\":\"a\"} {", "old:1: expected , or ] after an object" },
        { "[{\"name\":\"a\"},]", "old:1: expected an object of a user" },
        { "[] []", "old:1: expected an object of a user" },
        { "\n{\"name\":\n\"a\"", "old:3: the text ends within an object" },
        { "{\"name\":\"" SHA "\n\"}", "this is no JSON" },
        { "{\"name\":\"a\"}\n{\"name\":\"b\",\"name\":\"c\"}",
          "old:2: a key occurs twice in an object" },
        { "{\"hash\":\"x\"}", "old:1: an object without a name" },
        { "{\"name\":null}", "old:1: an object without a name" },
        { "{\"name\":1}", "old:1: name: expected a text, or null" },
        { "{\"name\":\"a\",\"locked\":\"no\"}",
          "old:1: locked: expected true or false, or null" },
        { "{\"name\":\"a\",\"exp\\u001b\":1}",
          "old:1: unknown key \"exp\\x1b\"; known are name, hash, comment" },
    };
    char *large = malloc(70000);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct run *r =
            import(EX_DATAERR, cases[i].text, "--format json");

        expect_text(r->err, cases[i].said);
        cr_expect_not(strstr(r->err, "salt"));
    }
    snprintf(large, 70000, "{\"name\":\"%066000d\"}", 1);
    expect_text(import(EX_DATAERR, large, "")->err,
                "old:1: the object is longer than 64 KiB");
    free(large);
    cr_expect_not(files_exists(world.users));
}

#define ANNA ENTRY("anna", SHA, "cn: Anna\n")
#define BERT ENTRY("bert", SHA, "shadowExpire: 40000\n")
#define CARL ENTRY("carl", "{SSHA}x", "")

/* A second run writes nothing. A user who is gone is locked, and is open again
 * after the return. */
Test(sync, follows)
{
    ino_t before;

    expect_text(import(0, ANNA BERT CARL, "--sync dir")->out,
                "3 added, 0 changed, 0 locked, 0 unlocked, 0 as before, 0 "
                "skipped\n");
    expect_users("anna:" SHA ":70000:70000:Anna:%/anna::rights=full sync=dir:"
                 "hash\nbert:" SHA ":70001:70001::%/bert::rights=full expires="
                 "2079-07-08T00:00:00Z sync=dir:hash,expires\ncarl:*:70002:"
                 "70002::%/carl::rights=full sync=dir\n");
    before = inode();
    expect_text(import(0, ANNA BERT CARL, "--sync dir")->out,
                "0 added, 0 changed, 0 locked, 0 unlocked, 3 as before");
    cr_expect_eq(inode(), before);
    expect_text(import(0, ANNA CARL, "--sync dir --dry-run")->out,
                "user bert: changed; locked, since dir has it no more\n");
    cr_expect_eq(inode(), before);
    expect_text(import(0, ANNA CARL, "--sync dir")->out,
                "0 added, 0 changed, 1 locked, 0 unlocked, 2 as before");
    expect_text(file_text(world.users), "sync=dir:hash,expires,gone\n");
    expect_out(0, "", "user show bert", "state:    locked\n");
    expect_out(1, "", "user can bert login", "locked by the source of the row");
    before = inode();
    import(0, ANNA CARL, "--sync dir");
    cr_expect_eq(inode(), before);
    expect_text(import(0, ANNA BERT CARL, "--sync dir")->out,
                "user bert: changed; open again\n");
    expect_out(0, "", "user show bert", "state:    active\n");
    expect_users("anna:" SHA ":70000:70000:Anna:%/anna::rights=full sync=dir:"
                 "hash\nbert:" SHA ":70001:70001::%/bert::rights=full expires="
                 "2079-07-08T00:00:00Z sync=dir:hash,expires\ncarl:*:70002:"
                 "70002::%/carl::rights=full sync=dir\n");
}

/* What the source has: it changes. What somebody has set here stays. */
Test(sync, fields)
{
    import(0, ANNA BERT CARL, "--sync dir");
    expect_run(0, "", "user change anna --role read --expires 2030-01-01");
    expect_run(0, "a good password\n", "user passwd carl");
    expect_text(
        import(0,
               ENTRY("anna", SHA2, "cn: A. B.\n") ENTRY("bert", SHA, "") CARL,
               "--sync dir")
            ->out,
        "user anna: changed: hash, comment\nuser bert: changed: no end any "
        "more\n0 added, 2 changed, 0 locked, 0 unlocked, 1 as before");
    expect_text(file_text(world.users), "anna:" SHA2 ":70000:70000:A. B.:");
    expect_text(file_text(world.users), "expires=2030-01-01");
    expect_text(file_text(world.users), "rights=read");
    expect_text(file_text(world.users), "/bert::rights=full sync=dir:hash\n");
    expect_out(0, "", "user show carl", "state:    active\n");
    expect_out(0, "", "user show carl", "source:   dir\n");
    import(0, ENTRY("anna", SHA2, "shadowExpire: 40001\n") BERT CARL,
           "--sync dir");
    expect_text(file_text(world.users), "expires=2079-07-09T00:00:00Z");
    expect_text(file_text(world.users), ":A. B.:");
    /* A hash that the source no longer has doesn't count on. */
    expect_text(
        import(0, ENTRY("anna", "{SSHA}x", "") BERT CARL, "--sync dir")->out,
        "user anna: changed: no usable hash any more, no end any more; "
        "locked, since it has no usable hash; run: sallyportctl user "
        "passwd anna\n");
    expect_text(file_text(world.users), "anna:*:70000:");
}

/* Neither lock ends the other. */
Test(sync, two_locks)
{
    import(0, ANNA BERT CARL, "--sync dir");
    expect_run(0, "", "user lock bert");
    expect_text(file_text(world.users), "bert:!" SHA ":");
    import(0, ANNA CARL, "--sync dir");
    expect_text(import(0, ANNA BERT CARL, "--sync dir")->out,
                "user bert: changed; back, and still locked by hand\n");
    expect_text(file_text(world.users), "bert:!" SHA ":");
    import(0, ANNA ENTRY("bert", SHA2, "") CARL, "--sync dir");
    expect_text(file_text(world.users), "bert:!" SHA2 ":");
    import(0, ANNA CARL, "--sync dir");
    expect_err(EX_DATAERR, "", "user unlock bert",
               "bert stays locked: its source dir doesn't have the user any "
               "more; to keep the user without it run: sallyportctl user "
               "change bert --sync default");
    expect_text(file_text(world.users), "bert:" SHA2 ":");
    expect_out(0, "", "user show bert", "state:    locked\n");
    expect_out(0, "", "user lock bert", "user bert: locked\n");
    expect_err(EX_DATAERR, "", "user unlock bert", "stays locked");
    expect_run(0, "", "user change bert --sync default");
    expect_out(0, "", "user show bert", "state:    active\n");
    /* Without a hash, too. */
    expect_run(0, "", "user lock carl");
    expect_text(file_text(world.users), "carl:!:");
    import(0, ANNA ENTRY("carl", SHA, ""), "--sync dir");
    expect_text(file_text(world.users), "carl:!" SHA ":");
    expect_out(0, "", "user unlock carl", "user carl: unlocked\n");
    import(0, ANNA ENTRY("carl", "!" SHA, ""), "--sync dir");
    expect_err(EX_DATAERR, "", "user unlock carl", "its source dir has locked");
}

Test(sync, rows_of_others)
{
    expect_run(0, "a good password\n", "user add anna");
    import(0, BERT, "--sync first");
    expect_text(
        import(0, ANNA BERT CARL, "--sync dir")->out,
        "old:1: anna: skipped: its row was made here; to let it follow this "
        "source run: sallyportctl user change anna --sync dir\n");
    expect_text(import(0, ANNA BERT CARL, "--sync dir")->out,
                "bert: skipped: its row is that of the source first\n0 added, "
                "0 changed, 0 locked, 0 unlocked, 1 as before, 2 skipped\n");
    expect_run(0, "", "user change anna --sync dir");
    import(0, ANNA BERT CARL, "--sync dir");
    expect_text(file_text(world.users), "anna:" SHA ":");
    import(0, CARL, "--sync dir");
    expect_out(0, "", "user show bert", "state:    active\n");
    expect_out(0, "", "user show anna", "state:    locked\n");
}

/* An empty or cut source, and one that hides the hashes, locks nobody. */
Test(sync, losses)
{
    ino_t before;

    import(0, ANNA BERT ENTRY("dora", SHA, ""), "--sync dir");
    before = inode();
    expect_text(import(EX_DATAERR, "", "--sync dir --format ldif")->err,
                "there are no users in it, so nothing has changed; if that is "
                "right, run it once with --yes");
    import(EX_DATAERR, "[]", "--sync dir");
    import(EX_DATAERR, "dn: ou=people\nou: people\n", "--sync dir");
    expect_text(import(EX_DATAERR, ANNA, "--sync dir")->err,
                "old: 2 of the 3 open users of the source dir would be locked, "
                "more than half, so nothing has changed; if that is right, run "
                "it once with --yes");
    import(EX_DATAERR, ANNA "dn: uid=bert\nuid: bert", "--sync dir");
    expect_text(
        import(EX_DATAERR,
               "dn: a\nuid: anna\n\ndn: b\nuid: bert\n\ndn: d\nuid: dora\n",
               "--sync dir")
            ->err,
        "3 of the 3 open users");
    import(EX_DATAERR,
           ANNA ENTRY("bert", SHA, "nsAccountLock: TRUE\n")
               ENTRY("dora", "!" SHA, ""),
           "--sync dir");
    cr_expect_eq(inode(), before);
    import(0, ANNA, "--sync dir --yes");
    expect_out(0, "", "user show bert", "state:    locked\n");
    expect_text(import(0, "", "--sync dir --format ldif --yes")->out,
                "0 added, 0 changed, 1 locked, 0 unlocked, 2 as before");
}

Test(sync, standard_input)
{
    expect_out(0, ANNA, "user import - --format ldif --sync dir", "1 added");
    expect_err(EX_DATAERR, "x", "user import - --format ldif",
               "standard input: its last line");
}

Test(sync, usage)
{
    import(EX_USAGE, ANNA, "--sync Dir");
    import(EX_USAGE, ANNA, "--sync dir:gone");
    import(EX_USAGE, ANNA, "--yes");
    expect_text(
        import(EX_USAGE, "anna:" SHA "\n", "--format name:hash --sync dir")
            ->err,
        "--sync goes with the formats ldif and json, not with "
        "name:hash");
    cr_expect_not(files_exists(world.users));
    expect_run(0, "a good password\n", "user add bert --sync dir");
    expect_err(EX_USAGE, "", "user change bert --sync dir:away",
               "--sync dir:away: expected the name of a source");
}
