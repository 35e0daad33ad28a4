/* Users from the files of other servers, and the way back: "user import" and
 * "user export". */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "sallyport/hash/hash.h"
#include "sallyport/userparse/userparse.h"

#include "ctl/users/import.h"
#include "world.h"

TestSuite(import, .init = world_make, .fini = scratch_remove);

#define S43 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234"
#define SHA "$6$salt$" S43 S43
#define BCR "$2y$05$abcdefghij" S43
#define SCR "$7$C6..../....saltsalt$" S43
#define MD5 "$1$salt$qJH7.N4xYta3aEG/dfqo/0"
#define DES "abJnggxhB/yWI"

/* Runs "user import" on a file with TEXT, which has pairs unless OPTIONS name
 * another format. */
static const struct run *import(int code, const char *text, const char *options)
{
    char words[768];

    file_write(in(scratch, "old"), text);
    snprintf(words, sizeof(words), "user import %s %s %s", in(scratch, "old"),
             options, strstr(options, "--format") ? "" : "--format name:hash");
    return expect_run(code, "", words);
}

static void expect_text(const char *text, const char *part)
{
    cr_expect(strstr(text, part), "no \"%s\" in:\n%s", part, text);
}

/* The row is BEFORE, the path of the home, and AFTER. */
static void expect_row(const char *before, const char *home, const char *after)
{
    char row[1024];

    snprintf(row, sizeof(row), "%s%s%s", before, in(world.homes, home), after);
    expect_text(file_text(world.users), row);
}

/* The password still counts. */
Test(import, a_password_is_kept)
{
    struct complaint c = { "" };
    struct secret s;
    struct users u;
    char hash[HASH_MAX], text[512];
    FILE *f;

    cr_assert_eq(secret_set(&s, SLICE("correct horse")), 0);
    cr_assert_eq(hash_make(&s, 5, hash), 0);
    snprintf(text, sizeof(text), "anna:%s\n", hash);
    expect_text(import(0, text, "")->out, "1 imported, 0 skipped\n");
    f = fopen(world.users, "r");
    cr_assert(f && users_read(&u, fileno(f), "users", &c) == 0);
    cr_expect_eq(hash_verify(&s, u.row[0].hash), HASH_RIGHT);
    users_release(&u);
    fclose(f);
}

Test(import, pure_ftpd)
{
    const struct run *r = import(
        0,
        "# made by pure-pw\n"
        "anna:" SCR ":1001:1001:Anna A.:/home/ftp/anna/./:::10:::::::::\n"
        "bob:" MD5 ":1001:1001::/home/ftp/bob/./:100:50::::::::::\n",
        "--format pure-pw");

    expect_text(r->out, "user anna: uid 70000, home ");
    expect_text(r->out, "its files stay in /home/ftp/anna/./; without "
                        "upload ratio 10\n");
    expect_text(r->out, "locked, since it has no usable hash (it is MD5); run: "
                        "sallyportctl user passwd bob\n");
    expect_text(r->out, "2 imported, 0 skipped\n");
    expect_row("anna:" SCR ":70000:70000:Anna A.:", "anna", "::rights=full\n");
    expect_row("bob:!:70001:70001::", "bob",
               "::rights=full bandwidth_up=100 bandwidth_down=50\n");
    cr_expect(files_exists(in(world.homes, "anna")));
    cr_expect(files_exists(in(world.homes, "bob")));
    expect_run(0, "a good password\n", "user passwd bob");
    expect_out(0, "", "user show bob", "state:    active\n");
}

#define COLONS ":::::::::::" /* between the columns after the home */

/* Each column of Pure-FTPd that restricts a user: the row has it, or the user
 * is locked, or it is printed. */
Test(import, pure_ftpd_loses_no_restriction)
{
    static const struct {
        int column; /* after the home */
        const char *value;
        const char *row, *printed; /* NULL: nothing */
        bool locked;
    } cases[] = {
        { 0, "", "", NULL, false },
        { 0, "0", "", NULL, false },
        { 0, "2048", " bandwidth_up=2048", "; with bandwidth_up=2048", false },
        { 1, "4096", " bandwidth_down=4096", NULL, false },
        { 1, "9x", "", "; without download bandwidth 9x\n", false },
        { 2, "1", "", "; without upload ratio 1\n", false },
        { 3, "5", "", "; without download ratio 5\n", false },
        { 4, "5", " max_sessions=5", NULL, false },
        { 4, "99999", "", "; without sessions 99999\n", false },
        { 5, "1000", "", "; without the quota of files ", false },
        { 6, "10485760", "", "quota set) 10485760\n", false },
        { 7, "10.0.0.1", "", "use only the server's addresses 10.0.0.1", true },
        { 8, "10.0.0.1", "", "not use the server's addresses 10.0.0.1", true },
        { 9, "10.0.0.0/8,192.0.2.7", " networks=10.0.0.0/8,192.0.2.7", NULL,
          false },
        { 9, "office.example.org", "",
          "; locked: it may come only from office.example.org; if it may log "
          "in without that, run: sallyportctl user unlock u",
          true },
        { 10, "192.0.2.7", "", "it may not come from 192.0.2.7", true },
        { 11, "0800-1700", " hours=sun-sat/08:00-17:00", NULL, false },
        { 11, "2200-2359", " hours=sun-sat/22:00-24:00", NULL, false },
        { 11, "2200-0600", " hours=sun-sat/22:00-06:00", NULL, false },
        { 11, "0860-1700", "", "it may come only at 0860-1700", true },
        { 11, "never", "", "it may come only at never", true },
    };
    char text[512], row[512];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct run *r;

        snprintf(text, sizeof(text), "u%zu:" SHA ":1:1::/h:%.*s%s%s\n", i,
                 cases[i].column, COLONS, cases[i].value,
                 &COLONS[cases[i].column]);
        r = import(0, text, "--format pure-pw");
        snprintf(row, sizeof(row),
                 "u%zu:%s" SHA ":%zu:%zu::%s/u%zu::rights=full%s\n", i,
                 cases[i].locked ? "!" : "", 70000 + i, 70000 + i, world.homes,
                 i, cases[i].row);
        expect_text(file_text(world.users), row);
        if (cases[i].printed)
            expect_text(r->out, cases[i].printed);
        cr_expect_eq(strstr(r->out, "; locked") != NULL, cases[i].locked);
        cr_expect_eq(strstr(r->out, "; with") != NULL,
                     !cases[i].locked && (cases[i].printed || cases[i].row[0]));
    }
}

/* Lines that Pure-FTPd and ProFTPD refuse. */
Test(import, refused_accounts)
{
    const struct run *r = import(0,
                                 "anna:" SHA ":0:1::/h::::::::::::\n"
                                 "bob:" SHA ":1:0::/h::::::::::::\n"
                                 "carl:" SHA ":1:1::::::::::::::\n"
                                 "dora:" DES ":1:1::/h:::::::::::10.0.0.1:\n",
                                 "--format pure-pw");

    expect_row("anna:!" SHA ":70000:70000::", "anna", "::rights=full\n");
    expect_row("bob:!" SHA ":70001:70001::", "bob", "::rights=full\n");
    expect_row("carl:!" SHA ":70002:70002::", "carl", "::rights=full\n");
    expect_text(r->out, "locked: Pure-FTPd refuses users with the uid or gid");
    expect_text(r->out, "locked: Pure-FTPd refuses users without a home");
    /* A new password would open the account. */
    expect_text(r->out, "; without: it may not come from 10.0.0.1; locked, "
                        "since it has no usable hash (it is DES)");
    r = import(0, "emil:" SHA ":0:0::/h:/bin/sh\nf:" SHA ":1:1::/h:/bin/no\n",
               "--format proftpd");
    expect_text(r->out, "locked: ProFTPD refuses the uid 0;");
    expect_text(r->out, "; without its shell /bin/no\n");
}

Test(import, proftpd)
{
    const struct run *r = import(EX_DATAERR,
                                 "anna:" SHA ":33:33:Anna,,,:/var/ftp:/bin/sh\n"
                                 "Bo%b:" SHA ":33:33::/var/ftp:/bin/false\r\n"
                                 "carl:" DES ":0:0::/var/ftp:/bin/false\r\n",
                                 "--format proftpd");

    expect_row("anna:" SHA ":70000:70000:Anna:", "anna", "::rights=full\n");
    expect_text(r->out, "old:2: Bo%b: skipped: not a valid name here; use 1");
    expect_text(r->out, "(it is DES); run: sallyportctl user passwd carl\n");
    expect_text(r->out, "2 imported, 1 skipped\n");
}

Test(import, pairs)
{
    const struct run *r = import(EX_DATAERR,
                                 "anna:" BCR "\n"
                                 "bob:$apr1$abcdefgh$abcdefghijklmnopqrstuv\n"
                                 "carl:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=\n"
                                 "dora:secret\n"
                                 "emil:\n"
                                 "anna:" SHA "\n",
                                 "");

    expect_row("anna:" BCR ":70000:70000::", "anna", "::rights=full\n");
    expect_text(r->out, "(it is Apache's MD5)");
    expect_text(r->out, "(it is of LDAP)");
    expect_text(r->out, "(it is no hash); run: sallyportctl user passwd dora");
    expect_text(r->out, "(there is none); run: sallyportctl user passwd emil");
    expect_text(r->out, "old:6: anna: skipped: an earlier line has this name");
    expect_text(r->out, "5 imported, 1 skipped\n");
    cr_expect_not(strstr(r->out, "secret"));
    cr_expect_not(strstr(file_text(world.users), "secret"));
}

/* pam_pwdfile permits more columns. A line of another file would lose what it
 * has. */
Test(import, columns_beyond_the_hash)
{
    static const char text[] = "anna:" SHA ":x:y\nbob:!" SHA "\n";

    expect_text(import(EX_DATAERR, "anna:" SHA ":1:1::/h:\n", "")->err,
                "old:1: no line of the format name:hash");
    cr_expect_not(files_exists(world.users));
    expect_text(import(0, text, "")->out,
                "anna; without the column x, the column y\n");
    expect_text(file_text(world.users), "anna:" SHA ":70000:");
    expect_text(file_text(world.users), "bob:!" SHA ":70001:");
}

/* Of 0.3.0. */
Test(import, former_words)
{
    static const char *const words[][2] = { { "pure-ftpd", "pure-pw" },
                                            { "htpasswd", "name:hash" },
                                            { "pwdfile", "name:hash" } };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        char options[64], hint[96];

        snprintf(options, sizeof(options), "--format %s", words[i][0]);
        snprintf(hint, sizeof(hint), "--format %s is now called %s",
                 words[i][0], words[i][1]);
        expect_text(import(0, "#\n", options)->err, hint);
    }
}

#define PASSWD                                                                 \
    "root:x:0:0:root:/root:/bin/bash\n"                                        \
    "www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n"                   \
    "anna:x:1000:1000:Anna A.,,,:/home/anna:/bin/bash\n"                       \
    "bob:x:1001:1001::/home/bob:/bin/sh\n"                                     \
    "backup2:x:1002:1002::/home/b:/usr/sbin/nologin\n"                         \
    "carl:x:1003:1003::/home/carl:/bin/sh\n"                                   \
    "dora:x:1004:1004::/home/dora:/bin/sh\n"                                   \
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"

Test(import, passwd_and_shadow)
{
    char options[256];
    const struct run *r;

    expect_text(import(EX_USAGE, PASSWD, "--format passwd")->err,
                "old:3: the hashes are in another file; give --shadow");
    file_write(in(scratch, "shadow"), "root:" SHA ":19000:0:99999:7:::\n"
                                      "anna:" SHA ":19000:0:99999:7:::\n"
                                      "bob:!" SHA ":19000:0:99999:7::20484:\n"
                                      "carl:*:19000:0:99999:7:::\n");
    snprintf(options, sizeof(options), "--format passwd --shadow %s",
             in(scratch, "shadow"));
    r = import(0, PASSWD, options);
    expect_text(r->out, "old:1: root: skipped: an account of the system: its "
                        "uid is not in 1000-59999\n");
    expect_text(r->out, "old:2: www-data: skipped: an account");
    expect_text(r->out, "old:5: backup2: skipped: an account of the system: it "
                        "has no login shell (--format proftpd takes");
    expect_text(r->out, "old:8: nobody: skipped: an account");
    expect_text(r->out, "; its files stay in /home/anna\n");
    expect_text(r->out, "4 imported, 4 skipped\n");
    expect_row("anna:" SHA ":70000:70000:Anna A.:", "anna", "::rights=full\n");
    expect_row("bob:!" SHA ":70001:70001::", "bob",
               "::rights=full "
               "expires=2026-01-31T00:00:00Z\n");
    expect_row("carl:!:70002:70002::", "carl", "::rights=full\n");
    expect_row("dora:!:70003:70003::", "dora", "::rights=full\n");
}

/* "chage -E 0" closes an account; an empty column and -1 leave it open. */
Test(import, a_closed_account_stays_closed)
{
    char options[256];

    file_write(in(scratch, "shadow"), "anna:" SHA ":19000:0:99999:7::0:\n"
                                      "bob:" SHA ":19000:0:99999:7::1:\n"
                                      "carl:" SHA ":19000:0:99999:7::-1:\n"
                                      "dora:" SHA ":19000:0:99999:7:::\n");
    snprintf(options, sizeof(options), "--format passwd --shadow %s",
             in(scratch, "shadow"));
    import(0, PASSWD, options);
    expect_row("anna:" SHA ":70000:70000:Anna A.:", "anna",
               "::rights=full expires=1970-01-01T00:00:01Z\n");
    expect_out(0, "", "user show anna", "state:    expired\n");
    expect_out(0, "", "user show bob", "state:    expired\n");
    expect_out(0, "", "user show carl", "state:    active\n");
    expect_out(0, "", "user show dora", "state:    active\n");
}

/* Each column of shadow(5). */
Test(import, shadow_loses_no_restriction)
{
    static const struct {
        const char *columns, *row, *printed;
        bool locked;
    } cases[] = {
        { "19000:0:99999:7:::", "", NULL, false },
        { "19000:5::9:9::", "", NULL, false },
        { ":::::::", "", NULL, false },
        { "0:0:99999:7:::", " must_change=yes", "; with must_change=yes",
          false },
        { "19000:0:90:7:::", " must_change=yes",
          "; without the end of its password after days: 90", false },
        { "19000:0:90:7:30::", "", "; locked: its password has expired", true },
        { "19000:0:9000:7:30::", "", "password after days: 9000", false },
        { "19000:0:99999:7::20484:", " expires=2026-01-31T00:00:00Z", NULL,
          false },
        { "19000:0:99999:7::0:", " expires=1970-01-01T00:00:01Z", NULL, false },
        { "19000:0:99999:7::-1:", "", NULL, false },
        { "19000:0:99999:7::9999999:", "", "; without its end on the day 9999",
          false },
        { "19000:0:99999:7::-5:", "",
          "locked: the day on which it expires is no number: -5", true },
        { "19000:0:99999:7::0x7:", "", "is no number: 0x7", true },
    };
    char text[512], row[512], options[256];

    snprintf(options, sizeof(options), "--format passwd --shadow %s",
             in(scratch, "shadow"));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct run *r;

        snprintf(text, sizeof(text), "u%zu:" SHA ":%s\n", i, cases[i].columns);
        file_write(in(scratch, "shadow"), text);
        snprintf(text, sizeof(text), "u%zu:x:1000:1000::/h:/bin/sh\n", i);
        r = import(0, text, options);
        snprintf(row, sizeof(row),
                 "u%zu:%s" SHA ":%zu:%zu::%s/u%zu::"
                 "rights=full%s\n",
                 i, cases[i].locked ? "!" : "", 70000 + i, 70000 + i,
                 world.homes, i, cases[i].row);
        expect_text(file_text(world.users), row);
        if (cases[i].printed)
            expect_text(r->out, cases[i].printed);
        cr_expect_eq(strstr(r->out, "; locked") != NULL, cases[i].locked);
    }
}

/* A row without its last columns has none of what the row before says. */
Test(import, a_short_row_of_shadow)
{
    char options[256];

    file_write(in(scratch, "shadow"), "anna:" SHA ":19000:0:99999:7::0:\n"
                                      "bob:" SHA "\n");
    snprintf(options, sizeof(options), "--format passwd --shadow %s",
             in(scratch, "shadow"));
    import(0, PASSWD, options);
    expect_out(0, "", "user show anna", "state:    expired\n");
    expect_out(0, "", "user show bob", "state:    active\n");
}

/* The system asks only the first line of a name. The next one opened what that
 * one closes. */
Test(import, two_lines_of_shadow)
{
    char options[256];

    file_write(in(scratch, "shadow"), "anna:!" SHA ":0:0:99999:7::0:\n"
                                      "anna:" SHA ":19000:0:99999:7::30000:\n"
                                      "bob:*:19000:0:99999:7:::\n"
                                      "bob:" SHA ":19000:0:90:7:::\n");
    snprintf(options, sizeof(options), "--format passwd --shadow %s",
             in(scratch, "shadow"));
    import(0, PASSWD, options);
    expect_row("anna:!" SHA ":70000:70000:Anna A.:", "anna",
               "::rights=full expires=1970-01-01T00:00:01Z must_change=yes\n");
    expect_row("bob:!:70001:70001::", "bob", "::rights=full\n");
}

/* The same for passwd(5). */
Test(import, two_lines_of_passwd)
{
    const struct run *r = import(EX_DATAERR,
                                 "anna:" SHA ":1000:1::/h:/usr/sbin/nologin\n"
                                 "anna:" SHA ":1001:1::/h:/bin/sh\n"
                                 "bob:" SHA ":1002:1::/h:/bin/sh\n"
                                 "bob:" SHA ":1003:1::/h:/usr/sbin/nologin\n",
                                 "--format passwd");

    expect_text(r->out, "old:1: anna: skipped: an account of the system: it "
                        "has no login shell");
    expect_text(r->out, "old:2: anna: skipped: an earlier line has this name");
    expect_text(r->out, "user bob: uid 70000,");
    expect_text(r->out, "1 imported, 3 skipped\n");
}

/* The shells that aren't among those of the system's accounts. */
Test(import, shells_are_printed)
{
    const struct run *r = import(0,
                                 "anna:" SHA ":1000:1:::/usr/bin/git-shell\n"
                                 "bob:" SHA ":1001:1:::/usr/bin/bash\n",
                                 "--format passwd");

    expect_text(r->out, "anna; without its shell /usr/bin/git-shell\n");
    expect_text(r->out, "bob\n");
}

Test(import, beside_existing_users)
{
    char before[1024];
    const struct run *r;
    struct stat st;

    expect_run(0, "correct horse\n", "user add anna");
    expect_run(0, "correct horse\n", "user add bob");
    expect_run(0, "", "user del bob");
    strcpy(before, file_text(world.users));
    cr_assert_eq(mkdir(in(world.homes, "eve"), 0700), 0);
    file_write(in(world.homes, "eve/file"), "x");
    r = import(geteuid() == 0 ? EX_DATAERR : 0,
               "anna:" SHA "\ncarl:" SHA "\neve:" SHA "\n", "");
    expect_text(r->out, "old:1: anna: skipped: ");
    expect_text(r->out, "users:1: anna is there already");
    expect_text(r->out, "user carl: uid 70002, home ");
    cr_expect_eq(strncmp(file_text(world.users), before, strlen(before)), 0);
    if (geteuid() == 0)
        expect_text(r->out, "eve exists and belongs to root; give another");
    cr_assert_eq(stat(in(world.homes, "carl"), &st), 0);
    cr_expect_eq(st.st_mode & 07777, 0700);
    cr_expect_eq(st.st_uid, geteuid() == 0 ? 70002 : geteuid());
    expect_out(0, "correct horse\n", "user add dora",
               geteuid() == 0 ? "uid 70003, " : "uid 70004, ");
}

Test(import, dry_run)
{
    const struct run *r =
        import(EX_DATAERR, "anna:" SHA "\nB%:" SHA "\n", "--dry-run");

    expect_text(r->out, "old:2: B%: skipped: ");
    expect_text(r->out, "user anna: uid 70000, home ");
    expect_text(r->out, "1 imported, 1 skipped; nothing has changed "
                        "(--dry-run)\n");
    cr_expect_not(files_exists(world.users));
    cr_expect_not(files_exists(in(scratch, "users.last-uid")));
    cr_expect_not(files_exists(world.homes));
}

/* It says what would happen. */
Test(import, dry_run_looks_at_homes)
{
    if (geteuid() != 0)
        world_skip("only root has folders of root");
    cr_assert_eq(mkdir(world.homes, 0711), 0);
    cr_assert_eq(mkdir(in(world.homes, "anna"), 0700), 0);
    file_write(in(world.homes, "anna/file"), "x");
    expect_text(import(EX_DATAERR, "anna:" SHA "\n", "--dry-run")->out,
                "0 imported, 1 skipped");
    expect_text(import(EX_DATAERR, "anna:" SHA "\n", "")->out,
                "0 imported, 1 skipped");
    cr_expect_not(strstr(file_text(in(scratch, "users.last-uid")), "70000"));
}

/* What an import that was killed has left: homes, and spent uids. */
Test(import, killed_and_repeated)
{
    if (geteuid() != 0)
        world_skip("without root all homes have one uid");
    cr_assert_eq(mkdir(world.homes, 0711), 0);
    for (uid_t i = 0; i < 2; i++) {
        cr_assert_eq(mkdir(in(world.homes, i ? "bob" : "anna"), 0700), 0);
        cr_assert_eq(
            chown(in(world.homes, i ? "bob" : "anna"), 70000 + i, 70000 + i),
            0);
    }
    file_write(in(scratch, "users.last-uid"), "70002\n");
    expect_text(import(0, "anna:" SHA "\nbob:" SHA "\ncarl:" SHA "\n", "")->out,
                "3 imported, 0 skipped");
    expect_row("anna:" SHA ":70000:70000::", "anna", "::rights=full\n");
    expect_row("bob:" SHA ":70001:70001::", "bob", "::rights=full\n");
    expect_row("carl:" SHA ":70003:70003::", "carl", "::rights=full\n");
    /* A second try of all changes nothing, and is no failure. */
    expect_text(import(0, "anna:" SHA "\nbob:" SHA "\ncarl:" SHA "\n", "")->out,
                "0 imported, 3 skipped");
}

Test(import, homes_in_one_another)
{
    char text[512];
    const struct run *r;

    snprintf(text, sizeof(text),
             "anna:!:70000:70000::%s/x/y::\nbob:!:70001:70001::%s/x::\n"
             "carl:!:70002:70002::%s/xy::\n",
             world.homes, world.homes, world.homes);
    r = import(EX_DATAERR, text, "--format sallyport");
    expect_text(r->out, "old:1: anna: skipped: its home ");
    expect_text(r->out, "/x/y overlaps that of line 2\n");
    expect_text(r->out, "2 imported, 1 skipped");
}

Test(import, prefix)
{
    char options[256];

    cr_assert_eq(mkdir(world.homes, 0711), 0);
    cr_assert_eq(mkdir(in(world.homes, "old"), 0711), 0);
    snprintf(options, sizeof(options), "--prefix %s", in(world.homes, "old"));
    import(0, "anna:" SHA "\n", options);
    expect_row("anna:" SHA ":70000:70000::", "old/anna", "::rights=full\n");
    cr_expect(files_exists(in(world.homes, "old/anna")));
    expect_text(import(EX_USAGE, "bob:" SHA "\n", "--prefix x")->err,
                "--prefix x: use an absolute path without . and ..");
}

/* As long as a home may be. */
Test(import, a_long_prefix)
{
    char prefix[512], options[576];
    size_t len = (size_t)snprintf(prefix, sizeof(prefix), "%s", world.homes);

    cr_assert_eq(mkdir(prefix, 0711), 0);
    for (int i = 0; i < 3; i++) {
        len +=
            (size_t)snprintf(prefix + len, sizeof(prefix) - len, "/%0100d", i);
        cr_assert_eq(mkdir(prefix, 0711), 0);
    }
    snprintf(options, sizeof(options), "--prefix %s", prefix);
    import(0, "anna:" SHA "\n", options);
    cr_expect(files_exists(in(prefix, "anna")));
}

/* A failure leaves no home and no row. */
Test(import, nothing_or_all)
{
    expect_run(0, "correct horse\n", "user add anna");
    cr_assert_eq(mkdir(in(scratch, ".users.sallyport-new"), 0700), 0);
    import(EX_CANTCREAT, "bob:" SHA "\n", "");
    cr_expect_not(files_exists(in(world.homes, "bob")));
    cr_expect_not(strstr(file_text(world.users), "\nbob:"));
}

Test(import, hostile)
{
    const struct run *r;

    r = import(EX_DATAERR, "a\033[2Jb:" SHA "\n@team:x\n:" SHA "\n", "");
    expect_text(r->out, "old:1: a\\x1b[2Jb: skipped: not a valid name");
    expect_text(r->out, "old:2: @team: skipped: shares and teams");
    expect_text(r->out, "old:3: : skipped: not a valid name");
    expect_text(r->out, "0 imported, 3 skipped\n");
    expect_text(import(EX_DATAERR,
                       "anna:!:70000:70000::/h::rights=full \033[2J=x\n",
                       "--format sallyport")
                    ->err,
                "old:1: unknown key \"?[2J\"");
}

Test(import, bad_calls)
{
    expect_err(EX_NOINPUT, "", "user import /nowhere/x --format json",
               "/nowhere/x: No such file or directory");
    expect_err(EX_USAGE, "", "user import", "FILE|- is missing");
    expect_text(import(EX_USAGE, "anna:x\n", "--format ftp")->err,
                "--format ftp: use passwd, proftpd, pure-pw, name:hash, ldif, "
                "json or sallyport");
    expect_err(EX_USAGE, "", "user import /nowhere/x",
               "give the format of the file: --format passwd, proftpd,");
    expect_text(import(0, "# nobody\n\n", "")->out, "0 imported, 0 skipped\n");
}

/* The same users on another server, where a uid is taken. */
Test(import, exported)
{
    char text[4096], home[256];
    const struct run *r;

    expect_run(0, "correct horse\n", "user add anna --role read --comment A");
    expect_run(0, "correct horse\n",
               "user add bob --on-conflict rename --expires 2199-01-31");
    expect_run(0, "correct horse\n", "user add carl --uid 70050 --gid 7");
    expect_run(0, "", "user lock carl");
    strcpy(text, file_text(world.users));
    cr_expect_str_eq(expect_run(0, "", "user export")->out, text);
    snprintf(home, sizeof(home), "eve:!:70001:70001::%s::\n",
             in(world.homes, "eve"));
    file_write(world.users, home);
    cr_assert_eq(unlink(in(scratch, "users.last-uid")), 0);
    if (geteuid() == 0) /* bob gets another uid, and the home is 70001's */
        cr_assert_eq(rmdir(in(world.homes, "bob")), 0);
    r = import(0, text, "--format sallyport");
    expect_text(r->out, "user anna: uid 70000, ");
    expect_text(r->out, "user bob: uid 70002, ");
    expect_text(r->out, "user carl: uid 70050, ");
    expect_text(r->out, "; locked, as before\n");
    expect_text(r->out, "3 imported, 0 skipped\n");
    expect_row(":70000:70000:A:", "anna", "::rights=read\n");
    expect_row(":70002:70002::", "bob",
               "::rights=full on_conflict=rename "
               "expires=2199-01-31\n");
    expect_row(":70050:70050::", "carl", "::rights=full\n");
    expect_text(import(EX_DATAERR, "anna:!:70000:70000::/h::right=full\n",
                       "--format sallyport")
                    ->err,
                "old:1: unknown key \"right\"");
}

/* A removed user's files may be there still. They come back only with the home.
 */
Test(import, spent_uids)
{
    char text[1024];

    if (geteuid() != 0)
        world_skip("without root all homes have one uid");
    expect_run(0, "correct horse\n", "user add anna");
    expect_run(0, "correct horse\n", "user add bob");
    strcpy(text, file_text(world.users));
    expect_run(0, "", "user del anna");
    expect_run(0, "", "user del bob");
    cr_assert_eq(rmdir(in(world.homes, "bob")), 0);
    expect_text(import(0, text, "--format sallyport")->out,
                "2 imported, 0 skipped\n");
    expect_row(":70000:70000::", "anna", "::rights=full\n");
    expect_row(":70002:70002::", "bob", "::rights=full\n");
}

Test(import, byte_order_mark)
{
    char text[1024];

    expect_text(import(0,
                       "\xef\xbb\xbf"
                       "anna:" SHA "\r\n",
                       "")
                    ->out,
                "user anna: uid 70000, ");
    snprintf(text, sizeof(text), "\xef\xbb\xbf# users\nbob:!:70005:5::%s::\n",
             in(world.homes, "bob"));
    expect_text(import(0, text, "--format sallyport")->out,
                "user bob: uid 70005, ");
}

/* A share of the same name is another one here, and so are its files. */
Test(import, exported_with_shares)
{
    char text[4096];
    const struct run *r;

    expect_run(0, "", "share add contracts");
    expect_run(0, "correct horse\n",
               "user add anna --share contracts:read --rights-in /in:drop");
    expect_run(0, "", "team add legal anna");
    strcpy(text, expect_run(0, "", "user export")->out);
    expect_run(0, "", "user del anna");
    r = import(0, text, "--format sallyport");
    expect_text(r->out,
                "old:1: @share:contracts: skipped: shares and teams are "
                "not imported; make them with: sallyportctl share add");
    expect_text(r->out, "old:3: @team:legal: skipped: ");
    expect_text(r->out,
                "; without shares=contracts:read teams=legal, which may "
                "be others here; see: sallyportctl share grant");
    expect_text(r->out, "1 imported, 2 skipped\n");
    expect_row(":70000:70000::", "anna", "::rights=full rights./in=drop\n");
}

/* Its members may come from there and at that time only. */
Test(import, limits_of_teams)
{
    char text[4096];
    const struct run *r;

    expect_run(0, "correct horse\n", "user add anna");
    expect_run(0, "correct horse\n", "user add bob");
    expect_run(0, "", "team add legal anna");
    expect_run(0, "", "team change legal --networks 10.0.0.0/8");
    expect_run(0, "", "team add few bob");
    expect_run(0, "", "team change few --max-sessions 2");
    strcpy(text, expect_run(0, "", "user export")->out);
    expect_run(0, "", "user del anna");
    expect_run(0, "", "user del bob");
    r = import(0, text, "--format sallyport");
    expect_text(r->out, "; locked: limits of the team legal: networks "
                        "10.0.0.0/8; if it may");
    expect_text(r->out, "; without limits of the team few: max_sessions 2; ");
    expect_text(file_text(world.users), "anna:!$y$");
    expect_text(file_text(world.users), "bob:$y$");
}

Test(import, exported_json)
{
    expect_run(0, "correct horse\n", "user add anna");
    cr_expect_not(strstr(expect_run(0, "", "user export --json")->out, "$y$"));
    expect_out(0, "", "user export --json --hashes", "\"hash\": \"$y$");
    expect_run(0, "", "user lock anna");
    expect_out(0, "", "user export --json --hashes", "\"hash\": \"!$y$");
    expect_err(EX_USAGE, "", "user export --hashes", "--hashes goes with");
    file_write(world.users, "anna\n");
    expect_err(EX_DATAERR, "", "user export", "users:1: too few columns");
    cr_assert_eq(unlink(world.users), 0);
    expect_err(EX_NOINPUT, "", "user export", "No such file");
}

static bool is_within(struct slice part, const struct buf *text)
{
    return part.len == 0 || (part.ptr >= text->data &&
                             part.ptr + part.len <= text->data + text->len);
}

static void expect_within(const struct import *m)
{
    for (size_t i = 0; i < m->count; i++) {
        const struct imported *e = &m->entry[i];

        cr_assert(is_within(e->name, &m->text));
        cr_assert(is_within(e->comment, &m->text));
        cr_assert(is_within(e->home, &m->text));
        cr_assert(is_within(e->hash, &m->text) ||
                  is_within(e->hash, &m->shadow));
        cr_assert(e->why_not || user_name_ok(e->name));
    }
}

/* Files with random bytes in them: the sanitizers look. */
Test(import, damaged_files)
{
    static const char *const formats[] = { "proftpd", "passwd", "name:hash" };
    static const char bytes[] = "::\n\r#@ax0 \377";
    const char *const path = in(scratch, "old");
    struct context x = { .args.shadow = path };
    size_t read = 0;

    srandom(1);
    for (size_t i = 0; i < 3000; i++) {
        char text[] = PASSWD "anna:" SHA ":1:2:3:4:5\n";
        struct import m = { .x = &x, .path = path };

        for (long n = random() % 16; n >= 0; n--)
            text[(size_t)random() % (sizeof(text) - 1)] =
                bytes[(size_t)random() % (sizeof(bytes) - 1)];
        file_write(path, text);
        x.args.format = formats[i % 3];
        if (import_read(&m) == 0) {
            expect_within(&m);
            read++;
        }
        import_release(&m);
    }
    cr_expect_gt(read, 200);
}
