/* Values of each type, on both sides of their bounds. */
#include "sallyport/sandbox/sandbox.h"

#include "conf.h"
#include "sallyport/domain/choices.h"

struct good {
    const char *text;
    size_t offset;
    uint64_t value;
};
#define AT(field) offsetof(struct settings, field)

Test(kinds, a_group_or_nothing)
{
    parse_well("control_group = wheel");
    cr_expect_str_eq(s.control_group, "wheel");
    parse_well("control_group =");
    cr_expect_str_eq(s.control_group, "");
}

Test(kinds, numbers_and_durations_up_to_their_bounds)
{
    static const struct good table[] = {
        { "max_sessions = 1", AT(max_sessions), 1 },
        { "max_sessions = 20000", AT(max_sessions), 20000 },
        { "max_sessions = 1K", AT(max_sessions), 1024 },
        { "max_per_address = 1", AT(max_per_address), 1 },
        { "max_per_address = 20000", AT(max_per_address), 20000 },
        { "max_per_user = 20000", AT(max_per_user), 20000 },
        { "login_tries = 100", AT(login_tries), 100 },
        { "max_file_size = 0", AT(max_file_size), 0 },
        { "max_file_size = 10M", AT(max_file_size), 10485760 },
        { "max_file_size = 3G", AT(max_file_size), UINT64_C(3221225472) },
        { "max_file_size = 9223372036854775807", AT(max_file_size), INT64_MAX },
        { "max_file_size = 2T", AT(max_file_size), UINT64_C(2) << 40 },
        { "min_free = 0", AT(min_free.bytes), 0 },
        { "min_free = 20G", AT(min_free.bytes), UINT64_C(20) << 30 },
        { "min_free = 5%", AT(min_free.bytes), 0 },
        { "min_free = 5%", AT(min_free.percent), 5 },
        { "min_free = 99%", AT(min_free.percent), 99 },
        { "partial_days = 1", AT(partial_days), 1 },
        { "partial_days = 3650", AT(partial_days), 3650 },
        { "login_timeout = 300", AT(login_timeout), 300000 },
        { "login_timeout = 100ms", AT(login_timeout), 100 },
        { "login_timeout = 1h", AT(login_timeout), 3600000 },
        { "idle_timeout = 5min", AT(idle_timeout), 300000 },
        { "idle_timeout = 24h", AT(idle_timeout), 86400000 },
        { "connect_timeout = 1h", AT(connect_timeout), 3600000 },
        { "stall_timeout = 1500ms", AT(stall_timeout), 1500 },
        { "login_delay = 0", AT(login_delay), 0 },
        { "login_delay = 60s", AT(login_delay), 60000 },
        { "uid_first = 1000", AT(uid_first), 1000 },
        { "uid_last = 4294967294", AT(uid_last), UINT32_MAX - 1 },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        uint64_t value;

        cr_expect_eq(assign(table[i].text), 0, "%s: %s", table[i].text, c.text);
        memcpy(&value, (char *)&s + table[i].offset, sizeof(value));
        cr_expect_eq(value, table[i].value, "%s", table[i].text);
    }
}

Test(kinds, modes)
{
    conf_default(&s);
    cr_expect_eq(s.file_mode, 0600);
    cr_expect_eq(s.dir_mode, 0700);
    cr_expect_eq(assign("file_mode = 640"), 0, "%s", c.text);
    cr_expect_eq(s.file_mode, 0640);
    cr_expect_eq(assign("dir_mode = 0775"), 0, "%s", c.text);
    cr_expect_eq(s.dir_mode, 0775);
}

Test(kinds, beyond_the_bounds)
{
    static const struct mistake table[] = {
        { "max_sessions = 0", "out of range; 1 to 20000" },
        { "max_sessions = 20001", "out of range; 1 to 20000" },
        { "max_per_address = 0", "out of range" },
        { "min_free = 100%", "out of range; at most 99%, or 92" },
        { "min_free = 9223372036854775808", "out of range; at most 99%" },
        { "min_free = %", "also with K, M, G or T, or a part such as 5%" },
        { "min_free = 5 %", "or a part such as 5%" },
        { "max_per_address = 20001", "out of range" },
        { "max_per_user = 0", "out of range" },
        { "max_per_user = 20001", "out of range" },
        { "login_tries = 101", "out of range; 1 to 100" },
        { "max_file_size = 9223372036854775808", "out of range" },
        { "max_file_size = 18446744073709551616", "out of range" },
        { "max_file_size = 18446744073709551615K", "out of range" },
        { "max_file_size = 17179869184G", "out of range" },
        { "max_file_size = -1", "expected a number" },
        { "max_file_size = +1", "expected a number" },
        { "max_file_size = 1 G", "expected a number" },
        { "max_file_size = 1k", "expected a number" },
        { "max_file_size = 0x10", "expected a number" },
        { "max_file_size = K", "expected a number" },
        { "max_file_size =", "expected a number" },
        { "partial_days = 0", "out of range; 1 to 3650" },
        { "partial_days = 3651", "out of range; 1 to 3650" },
        { "login_timeout = 99ms", "out of range; 100ms to 3600s" },
        { "login_timeout = 0", "out of range" },
        { "login_timeout = 3601s", "out of range" },
        { "login_timeout = 5 s", "expected a time" },
        { "login_timeout = 5m", "expected a time" },
        { "login_timeout = 1.5s", "expected a time" },
        { "login_timeout = 5124095576030432h", "out of range" },
        { "idle_timeout = 25h", "out of range; 100ms to 86400s" },
        { "idle_timeout = 99ms", "out of range" },
        { "connect_timeout = 61min", "out of range" },
        { "connect_timeout = 99ms", "out of range" },
        { "stall_timeout = 61min", "out of range" },
        { "stall_timeout = 99ms", "out of range" },
        { "login_delay = 61s", "out of range; 0s to 60s" },
        { "uid_first = 999", "out of range; 1000 to 4294967294" },
        { "uid_last = 999", "out of range" },
        { "gid_first = 999", "out of range; 1000 to 4294967294" },
        { "gid_last = 4294967295", "out of range" },
        { "file_mode = 0700", "needs the bits of 0600, and has only bits of" },
        { "file_mode = 0666", "has only bits of 0664" },
        { "file_mode = 0440", "a mode needs the bits of 0600" },
        { "file_mode = rw", "expected an octal mode such as 0640" },
        { "file_mode =", "expected an octal mode" },
        { "dir_mode = 0600", "needs the bits of 0700" },
        { "dir_mode = 0777", "has only bits of 0775" },
        { "dir_mode = 02770", "expected an octal mode" },
        { "uid_last = 4294967295", "out of range" },
        { "resume = true", "expected yes or no" },
        { "resume = Yes", "expected yes or no" },
        { "fsync = ", "expected yes or no" },
        { "startups = 10:30:100", "expected a number" },
        { "startups = 0", "out of range" },
        { "startups = 20001", "out of range" },
        { "on_conflict = Rename", "expected overwrite, rename or reject" },
        { "on_conflict =", "expected overwrite" },
        { "upload_eof = Strict",
          "expected strict, size, lenient or announced" },
        { "upload_eof = no", "expected strict, size, lenient or announced" },
        { "tls_min = 1.1", "conf:1: tls_min = 1.1: expected 1.2 or 1.3" },
        { "tls_min = 1", "expected 1.2 or 1.3" },
        { "tls_min = TLSv1.2", "expected 1.2 or 1.3" },
        { "tls_min =", "expected 1.2 or 1.3" },
        { "\ntls_suites = AES128-GCM-SHA256",
          "conf:2: tls_suites = AES128-GCM-SHA256: expected all or aes256" },
        { "tls_suites = ALL", "expected all or aes256" },
        { "tls_suites = @SECLEVEL=0", "expected all or aes256" },
        { "tls_suites =", "expected all or aes256" },
        { "allow_weaker = ids,chroot", "expected any of the words" },
        { "allow_weaker = all", "expected any of the words" },
        { "control_group = root", "must not be root" },
        { "control_group = 0", "must not be root" },
        { "control_group = 000", "must not be root" },
        { "control_group = 4294967295", "a gid is at most 4294967294" },
        { "control_group = -x", "expected a group" },
        { "control_group = a b", "expected a group" },
        { "accounts = 4294967292", "out of range" },
        { "accounts = _sallyport-gate", "expected a number" },
        { "users = etc/users", "expected an absolute path" },
        { "users = \"/etc/users\"", "an absolute path, without quotes" },
        { "users = '/etc/users'", "an absolute path, without quotes" },
    };

    EXPECT_MISTAKES(table);
}

Test(kinds, names_up_to_their_bound)
{
    char text[128];

    snprintf(text, sizeof(text), "control_group = a%062d", 0);
    parse_well(text);
    cr_expect_eq(strlen(s.control_group), SETTINGS_NAME_MAX - 1);
    snprintf(text, sizeof(text), "control_group = a%063d", 0);
    cr_expect_eq(parse(text), -22);
    cr_expect(strstr(c.text, "too long; at most 63 bytes") != NULL, "%s",
              c.text);
}

Test(kinds, words_and_paths)
{
    parse_well("resume = no\nfsync = no\nstartups = 1\n"
               "users = /a;b c\naccounts = 60001\n"
               "control_group = 4294967294\n");
    cr_expect(!s.resume && !s.fsync);
    cr_expect_eq(s.startups, 1);
    cr_expect_str_eq(s.users, "/a;b c");
    cr_expect_eq(s.accounts, 60001);
    cr_expect_str_eq(s.control_group, "4294967294");
}

Test(kinds, conflicts)
{
    for (unsigned i = 0; i < CONFLICT_COUNT; i++) {
        char text[64];

        snprintf(text, sizeof(text), "on_conflict = %s\n", conflict_words[i]);
        parse_well(text);
        cr_expect_eq(s.on_conflict, i);
    }
    conf_default(&s);
    cr_expect_eq(s.on_conflict, CONFLICT_OVERWRITE);
}

Test(kinds, tls_policy)
{
    conf_default(&s);
    cr_expect(s.tls.least == TLS_12 && s.tls.suites == SUITES_ALL);
    parse_well("tls_min = 1.3\ntls_suites = aes256\n");
    cr_expect(s.tls.least == TLS_13 && s.tls.suites == SUITES_AES256);
}

Test(kinds, upload_eof)
{
    conf_default(&s);
    cr_expect_eq(s.upload_eof, UPLOAD_EOF_STRICT);
    for (unsigned i = 0; i < UPLOAD_EOF_COUNT; i++) {
        char text[64];

        snprintf(text, sizeof(text), "upload_eof = %s\n", upload_eof_words[i]);
        parse_well(text);
        cr_expect_eq(s.upload_eof, i);
    }
}

/* conf may not include sandbox.h, so this test compares the two. */
Test(kinds, weaker_words)
{
    static const struct {
        const char *text;
        unsigned bits;
    } table[] = {
        { "allow_weaker =", 0 },
        { "allow_weaker = ids", SANDBOX_IDS },
        { "allow_weaker = chroot", SANDBOX_CHROOT },
        { "allow_weaker = seccomp", SANDBOX_SECCOMP },
        { "allow_weaker = landlock", SANDBOX_LANDLOCK },
        { "allow_weaker = landlock  ids ids chroot seccomp",
          SANDBOX_IDS | SANDBOX_CHROOT | SANDBOX_SECCOMP | SANDBOX_LANDLOCK },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        parse_well(table[i].text);
        cr_expect_eq(s.allow_weaker, table[i].bits, "%s", table[i].text);
    }
}
