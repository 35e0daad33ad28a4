/* The users file as a whole: rows, refusals with their line, limits. */
#include "parse.h"
#include "support/long.h"

#define HASH "$5$salt$abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234"

Test(users, rows)
{
    static const char text[] =
        "# a comment: with colons\n\n \t\n"
        "anna:" HASH ":70000:70001:Anna, A.:/srv/anna::rights=read\n"
        "bob:!" HASH ":70002:70002::/srv/bob::upload_eof=lenient\n"
        "eve:!:70003:70003::/srv/eve::   rights=lrw  on_conflict=rename"
        " expires=2027-01-31T12:00:00Z\n"
        "x:*:4294967294:0::/x::";

    read_well(text);
    cr_assert_eq(u.count, 4);
    cr_expect_str_eq(u.row[0].name, "anna");
    cr_expect_str_eq(u.row[0].hash, HASH);
    cr_expect_eq(u.row[0].uid, 70000);
    cr_expect_eq(u.row[0].gid, 70001);
    cr_expect_str_eq(u.row[0].comment, "Anna, A.");
    cr_expect_str_eq(u.row[0].home, "/srv/anna");
    cr_expect_eq(u.row[0].rights, RIGHT_LIST | RIGHT_READ);
    cr_expect_eq(u.row[0].line, 4);
    cr_expect_not(u.row[0].locked);
    cr_expect(u.row[1].locked);
    cr_expect_str_eq(u.row[1].hash, HASH);
    cr_expect_eq(u.row[1].rights, RIGHT_ALL);
    cr_expect(u.row[2].locked);
    cr_expect_str_eq(u.row[2].hash, "");
    cr_expect_eq(u.row[2].rights, RIGHT_LIST | RIGHT_READ | RIGHT_WRITE);
    cr_expect_eq(u.row[2].choice[CHOICE_CONFLICT], CONFLICT_RENAME + 1);
    cr_expect_eq(u.row[2].expires, 1801396800);
    cr_expect_eq(u.row[1].choice[CHOICE_CONFLICT], 0);
    cr_expect_eq(u.row[1].expires, 0);
    cr_expect_eq(u.row[1].choice[CHOICE_UPLOAD_EOF], UPLOAD_EOF_LENIENT + 1);
    cr_expect_eq(u.row[2].choice[CHOICE_UPLOAD_EOF], 0);
    cr_expect(u.row[3].locked);
    cr_expect_str_eq(u.row[3].hash, "*");
    cr_expect_eq(u.row[3].uid, 4294967294u);
    cr_expect_eq(users_find(&u, SLICE("bob")), &u.row[1]);
    cr_expect_eq(users_find(&u, SLICE("x")), &u.row[3]);
    cr_expect_null(users_find(&u, SLICE("bo")));
    cr_expect_null(users_find(&u, SLICE("")));
    users_release(&u);
    cr_expect_null(u.row);
    cr_expect_eq(u.count, 0);
}

Test(users, an_empty_file_has_no_users)
{
    read_well("");
    cr_expect_eq(u.count, 0);
    cr_expect_null(users_find(&u, SLICE("anna")));
    users_release(&u);
    cr_expect_null(users_find(&u, SLICE("anna")), "nor a table without file");
}

#define ROW(name, uid) name ":" HASH ":" uid ":1::/h::\n"

Test(users, refusals_with_their_line)
{
    static const struct mistake table[] = {
        { "\n#\nan%na:" HASH ":1:1::/h::\n", "users:3: bad name" },
        { "anna\n", "users:1: too few columns" },
        { "anna:" HASH ":1:1::/h:\n", "users:1: too few columns" },
        { " anna:" HASH ":1:1::/h::\n", "users:1: bad name" },
        { ROW("anna", "1") ROW("bob", "2") ROW("anna", "3"),
          "users:3: the name is also in line 1" },
        { ROW("anna", "7") "# x\n" ROW("bob", "7"),
          "users:3: the uid is also in line 1" },
        { "anna::1:1::/h::\n",
          "users:1: the hash isn't supported (it is empty; " },
        { "anna:abJnggxhB/yWI:1:1::/h::\n",
          "users:1: the hash isn't supported (it is DES; " },
        { "anna:$1$abc$def:1:1::/h::\n",
          "users:1: the hash isn't supported (it is MD5; " },
        { "anna:secret:1:1::/h::\n",
          "users:1: the hash isn't supported (it is no hash; " },
        { "anna:$6$abc$def:1:1::/h::\n",
          "users:1: the hash isn't supported (it is cut off or " },
        { "anna:secret:1:1::/h::\n", "users:1: the hash isn't supported" },
        { "anna:$1$s$qJH7.N4xYta3aEG/dfqo/0:1:1::/h::\n", "users:1: the hash" },
        { ROW("anna", ""), "users:1: the uid is not a number" },
        { ROW("anna", "x"), "users:1: the uid is not a number" },
        { ROW("anna", "-1"), "users:1: the uid is not a number" },
        { ROW("anna", " 1"), "users:1: the uid is not a number" },
        { ROW("anna", "4294967295"), "users:1: the uid is not a number" },
        { ROW("anna", "4294967296"), "users:1: the uid is not a number" },
        { "anna:" HASH ":1:4294967295::/h::\n", "users:1: the gid is not" },
        { "anna:" HASH ":1:1:a\tb:/h::\n", "users:1: bad comment" },
        { "anna:" HASH ":1:1::h::\n",
          "users:1: bad home; expected an absolute path without . and .." },
        { "anna:" HASH ":1:1:::::\n", "users:1: bad home" },
        { "anna:" HASH ":1:1::/::\n",
          "users:1: bad home; expected another directory than /, which is all "
          "of this machine" },
        { "anna:" HASH ":1:1::/a\x01::\n",
          "users:1: bad home; expected a path without : and control bytes" },
        { "anna:" HASH ":1:1::/a/../b::\n", "users:1: bad home" },
        { "anna:" HASH ":1:1::/h:/bin/sh:\n", "users:1: the seventh column" },
        { "anna:" HASH ":1:1::/h::\r\r\n", "users:1: \"\r\" in the last" },
        { "anna:" HASH ":1:1::/h::right=full\n",
          "users:1: unknown key \"right\" in the last column; did you mean "
          "\"rights\"?" },
        { "anna:" HASH ":1:1::/h::frob=full\n",
          "users:1: unknown key \"frob\" in the last column" },
        { "anna:" HASH ":1:1::/h::rights\n", "users:1: \"rights\" in the last "
                                             "column: expected key=value" },
        { "anna:" HASH ":1:1::/h::rights=dropp\n",
          "users:1: rights=dropp: expected full, read, collect, drop" },
        { "anna:" HASH ":1:1::/h::rights=\n", "users:1: rights=: expected" },
        { "anna:" HASH ":1:1::/h::rights=l:r\n", "users:1: rights=l:r: exp" },
        { "anna:" HASH ":1:1::/h::rights=l rights=l\n",
          "users:1: rights= occurs twice" },
        { "anna:!:1:1::/a::expires=soon\n",
          "users:1: expires=soon: expected a day such as 2027-01-31, or a " },
        { "anna:" HASH ":1:1::/h::on_conflict=replace\n",
          "users:1: on_conflict=replace: expected overwrite" },
        { "anna:" HASH ":1:1::/h::upload_eof=\n",
          "users:1: upload_eof=: expected strict, size, lenient or announced" },
        { "anna:" HASH ":1:1::/h::max_sessions=0\n",
          "users:1: max_sessions=0: expected a number from 1 to 20000" },
        { "anna:" HASH ":1:1::/h::bandwidth_up=1P\n",
          "users:1: bandwidth_up=1P: expected a number" },
        { "anna:" HASH ":1:1::/h::bandwidth_down=1025G\n",
          "users:1: bandwidth_down=1025G: expected a number" },
        { "anna:" HASH ":1:1::/h::max_file_size=9223372036854775808\n",
          "users:1: max_file_size=9223372036854775808: expected a number" },
        { "anna:" HASH ":1:1::/h::max_file_size=1 max_file_size=1\n",
          "users:1: max_file_size= occurs twice" },
        { "anna:" HASH ":1:1::/h::networks=10.0.0.1/8\n",
          "users:1: networks=10.0.0.1/8: not the network's first address, "
          "which is 10.0.0.0" },
        { "anna:" HASH ":1:1::/h::networks=\n",
          "users:1: networks=: expected networks such as" },
        { "anna:" HASH ":1:1::/h::hours=mon,8-18\n",
          "users:1: hours=8-18: expected days and hours such as" },
    };

    EXPECT_MISTAKES(table);
}

Test(users, a_nul_byte)
{
    static const char text[] = "\nanna:" HASH "\0:1:1::/h::\n";
    static const char comment[] = "# \0\n";

    cr_expect_eq(read_slice((struct slice){ text, sizeof(text) - 1 }), -EINVAL);
    cr_expect_str_eq(c.text, "users:2: a NUL byte");
    cr_expect_eq(read_slice((struct slice){ comment, sizeof(comment) - 1 }),
                 -EINVAL);
    cr_expect_str_eq(c.text, "users:1: a NUL byte");
}

/* 0.3.0 took such a file. */
Test(users, a_byte_order_mark)
{
    static const char text[] = "\xef\xbb\xbf"
                               "anna:" HASH ":1:1::/h::\n";

    cr_expect_eq(read_slice((struct slice){ text, sizeof(text) - 1 }), -EINVAL);
    cr_expect_str_eq(c.text, "users:1: the file begins with a byte order mark; "
                             "remove it: LC_ALL=C sed -i '1s/^...//' users");
}

Test(users, a_line_up_to_4096_bytes)
{
    char text[USER_LINE_MAX + 64];
    const char *row = "anna:" HASH ":1:1::/h::";

    snprintf(text, sizeof(text), "%s%*s\n", row,
             USER_LINE_MAX - (int)strlen(row), "");
    read_well(text);
    snprintf(text, sizeof(text), "%s%*s\n", row,
             USER_LINE_MAX + 1 - (int)strlen(row), "");
    cr_expect_eq(read_slice(slice_from(text)), -EINVAL);
    cr_expect_str_eq(c.text, "users:1: longer than 4096 bytes");
}

static void add_rows(struct buf *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(buf_add_format(text, "u%zu:!:%zu:1::/h::\n", i, i + 1), 0);
}

/* Each row by its name; and no row by another one. */
static size_t count_found(void)
{
    char other[USER_NAME_MAX + 1];
    size_t found = 0;

    for (size_t i = 0; i < u.count; i++) {
        snprintf(other, sizeof(other), "%sx", u.row[i].name);
        found += users_find(&u, slice_from(u.row[i].name)) == &u.row[i] &&
                 !users_find(&u, slice_from(other));
    }
    return found;
}

Test(users, up_to_131072_rows)
{
    struct buf text;

    buf_init(&text, USERS_FILE_MAX);
    add_rows(&text, USERS_MAX);
    cr_expect_eq(read_slice(buf_slice(&text)), 0, "%s", c.text);
    cr_expect_eq(u.count, USERS_MAX);
    cr_expect_eq(count_found(), USERS_MAX);
    buf_add_text(&text, "v:!:131073:1::/h::\n");
    cr_expect_eq(read_slice(buf_slice(&text)), -EINVAL);
    cr_expect_str_eq(c.text, "users:131073: more than 131072 users");
    buf_release(&text);
}

Test(users, up_to_64_MiB, WITHOUT_SANITIZERS)
{
    char *text = malloc(USERS_FILE_MAX + 1);

    memset(text, '#', USERS_FILE_MAX + 1);
    for (size_t i = 1023; i < USERS_FILE_MAX; i += 1024)
        text[i] = '\n';
    cr_expect_eq(read_slice((struct slice){ text, USERS_FILE_MAX }), 0, "%s",
                 c.text);
    cr_expect_eq(read_slice((struct slice){ text, USERS_FILE_MAX + 1 }),
                 -EINVAL);
    cr_expect_str_eq(c.text, "users: File too large");
    free(text);
}

Test(users, no_file)
{
    cr_expect_eq(users_read(&u, -1, "users", &c), -EBADF);
    cr_expect_str_eq(c.text, "users: Bad file descriptor");
}

/* The position of the descriptor doesn't count, since other processes share
 * it. */
Test(users, read_from_the_start_wherever_the_descriptor_is)
{
    static const char text[] = ROW("anna", "1");
    struct slice bytes = { text, sizeof(text) - 1 };
    FD_CLEANUP int fd = fd_sealed("users", bytes);

    cr_assert_geq(lseek(fd, 0, SEEK_END), 0);
    cr_assert_eq(users_read(&u, fd, "users", &c), 0, "%s", c.text);
    cr_expect_eq(u.count, 1);
}

Test(users, a_text_in_memory)
{
    static const char text[] = ROW("anna", "1") ROW("bert", "2");

    cr_assert_eq(users_parse(&u, slice_from(text), "users", true, &c), 0, "%s",
                 c.text);
    cr_assert_eq(u.count, 2);
    cr_expect_eq(users_find(&u, SLICE("bert")), &u.row[1]);
    users_release(&u);
    cr_expect_eq(users_parse(&u, SLICE("anna\n"), "users", true, &c), -EINVAL);
    cr_expect(strstr(c.text, "users:1: too few columns"), "%s", c.text);
    cr_assert_eq(users_parse(&u, SLICE(""), "users", true, &c), 0, "%s",
                 c.text);
    cr_expect_eq(u.count, 0);
}

Test(users, a_survey_tells_all_mistakes)
{
    static const char text[] = ROW("anna", "1") "bert\n" ROW("Ca%rl", "2")
        ROW("dora", "3") ROW("anna", "4") ROW("eve", "3") "\n# end\n";

    cr_assert_eq(survey((struct slice){ text, sizeof(text) - 1 }), 4);
    cr_expect(strstr(told, "users:2: too few columns"), "%s", told);
    cr_expect(strstr(told, "users:3: bad name"), "%s", told);
    cr_expect(strstr(told, "users:5: the name is also in line 1\n"), "%s",
              told);
    cr_expect(strstr(told, "users:6: the uid is also in line 4\n"), "%s", told);
    cr_assert_eq(u.count, 4);
    cr_expect_eq(users_find(&u, SLICE("anna")), &u.row[0], "the first one");
    cr_expect_str_eq(u.row[1].name, "dora");
    cr_expect_str_eq(u.row[3].name, "eve");
    cr_assert_eq(survey(SLICE(ROW("anna", "1"))), 0);
    cr_expect_eq(u.count, 1);
}

/* The server refuses the whole file. A survey reports each word, and keeps the
 * row with the rest of its keys. sallyportctl reads the file, to edit it. */
Test(users, what_only_older_versions_permit)
{
    static const struct {
        const char *line, *word, *command;
    } table[] = {
        { "anna:!:1:1::/h::", "max_files=7",
          "user change anna --remove max_files --uploads 7" },
        { "anna:!:1:1::/h::", "max_bytes=2G",
          "user change anna --remove max_bytes --upload-bytes 2G" },
        { "anna:!:1:1::/h::", "max_bytes=$(ls)'",
          "user change anna --remove max_bytes --upload-bytes '$(ls)'\\'''" },
        { "anna:!:1:1::/h::", "quota=1", "user change anna --remove quota" },
        { "anna:!:1:1::/h::", "quota_files=",
          "user change anna --remove quota_files" },
        { "anna:!:1:1::/h::", "on_conflict=version",
          "user change anna --on-conflict rename" },
        { "Anna@x:!:1:1::/h::", "rights./In/a_b=drop",
          "share add anna-x-in-a_b Anna@x:drop && sallyportctl user change "
          "Anna@x --remove rights./In/a_b" },
        { "anna:!:1:1::/h::", "rights./0123456789012345678901234567/x=lr",
          "share add anna-012345678901234567890123456 anna:lr && " },
        { "@share:s:80000:/s:", "quota=1", "share change s --remove quota" },
        { "@share:s:80000:/s:", "quota_files=1",
          "share change s --remove quota_files" },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char text[256];

        snprintf(text, sizeof(text), "%sfile_mode=0640 %s  %s\n", table[i].line,
                 table[i].word, table[i].word);
        FD_CLEANUP int fd = fd_sealed("users", slice_from(text));
        c.text[0] = '\0';
        cr_expect_eq(users_survey(&u, fd, "users", NULL, &c), -EINVAL);
        cr_expect(strstr(c.text, table[i].command), "%s", c.text);
        cr_expect_eq(survey(slice_from(text)), 2);
        for (size_t n = 0; n < 2; n++) {
            const char *run = strstr(told, "run: sallyportctl ");

            cr_assert_not_null(run, "%s", told);
            cr_expect_eq(
                strncmp(run + 18, table[i].command, strlen(table[i].command)),
                0, "%s", run);
            memmove(told, run + 1, strlen(run));
        }
        cr_expect_eq(u.count + u.shares, 1);
        cr_expect_eq(u.count ? u.row->file_mode : u.share->file_mode, 0640);
        read_well(text);
        cr_expect_eq(u.count + u.shares, 1);
        snprintf(text, sizeof(text), "%snonsense=1 %s\n", table[i].line,
                 table[i].word);
        cr_expect_eq(survey(slice_from(text)), 2, "%s", told);
        cr_expect_eq(read_slice(slice_from(text)), -EINVAL);
    }
    cr_expect_eq(survey(SLICE("@team:t:max_files=1\n")), 1);
    cr_expect(strstr(told, "unknown key"), "%s", told);
    cr_expect(user_key_retired("quota"));
    cr_expect_not(user_key_retired("rights"));
    cr_expect_not(user_key_retired(""));
}

/* A file with far too many rows causes one report for all further rows. */
Test(users, a_survey_ends)
{
    struct buf text;

    buf_init(&text, USERS_FILE_MAX);
    add_rows(&text, USERS_MAX + 100);
    cr_assert_eq(survey(buf_slice(&text)), 1);
    cr_expect_str_eq(told, "users:131073: more than 131072 users\n");
    cr_expect_eq(u.count, USERS_MAX);
    buf_release(&text);
    users_release(&u);
    cr_expect_eq(users_survey(&u, -1, "users", tell, &c), -EBADF);
    cr_expect_str_eq(c.text, "users: Bad file descriptor");
}

/* Such a user has no hash that a lock could spoil. */
Test(users, a_source_locks_a_login_by_certificate)
{
    static const struct {
        const char *sync;
        bool locked;
    } rows[] = { { "hr", false },
                 { "hr:hash", false },
                 { "hr:locked", true },
                 { "hr:gone", true } };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[256];

        snprintf(text, sizeof(text),
                 "anna:*:70000:70000::/h::login=certificate "
                 "certificate=sha256:%064d sync=%s\n",
                 1, rows[i].sync);
        read_well(text);
        cr_expect_eq(u.row[0].locked, rows[i].locked, "%s", rows[i].sync);
        users_release(&u);
    }
}
