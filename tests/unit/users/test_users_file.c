/* A new hash in the users file: exactly one field of one line, under the lock,
 * and only in place of the hash that was verified. */
#include <linux/magic.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "sallyport/base/fd.h"
#include "sallyport/users/users.h"
#include "sallyport/users/users_file.h"
#include "support/files.h"
#include "support/scratch.h"
#include "support/test.h"

static char path[128];

static void make(void)
{
    scratch_make();
    snprintf(path, sizeof(path), "%s/users", scratch);
}

TestSuite(place, .init = make, .fini = scratch_remove);

static const struct {
    const char *text, *after; /* NULL: it is refused */
} rows[] = {
    { "anna:$5$a:1:1:c:/h::\n", "anna:$y$b:1:1:c:/h::\n" },
    { "anna:$5$a:1:1:c:/h::", "anna:$y$b:1:1:c:/h::" },
    { "anna:$5$a:1:1:c:/h::\r\n", "anna:$y$b:1:1:c:/h::\r\n" },
    { "#anna:$5$a:\n@team:x:\nbob:$5$a:2:2::/i::\nanna:$5$a:1:1::/h::\n#e",
      "#anna:$5$a:\n@team:x:\nbob:$5$a:2:2::/i::\nanna:$y$b:1:1::/h::\n#e" },
    { "anna:$5$a:1:1::/h::rights=lr must_change=yes expires=2030-01-01\r\nx\n",
      "anna:$y$b:1:1::/h::rights=lr expires=2030-01-01\r\nx\n" },
    { "anna:$5$a:1:1::/h::must_change=yes", "anna:$y$b:1:1::/h::" },
    { "anna:$5$a:1:1::/h::a=1  must_change=yes b=2",
      "anna:$y$b:1:1::/h::a=1 b=2" },
    { "anna:$5$a:1:1::/h:: a=1  b=2 ", "anna:$y$b:1:1::/h:: a=1  b=2 " },
    { "anna:$5$A:1:1::/h::\n", NULL },
    { "anna:!$5$a:1:1::/h::\n", NULL },
    { "annab:$5$a:1:1::/h::\n", NULL },
    { " anna:$5$a:1:1::/h::\n", NULL },
    { "#anna:$5$a:1:1::/h::\n", NULL },
    { "anna:$5$a:1:1:", NULL },
    { "anna", NULL },
    { "\n\n", NULL },
    { "", NULL },
};

#define TEXT  "# mine\nanna:$5$a:1:1::/h::\n"
#define AFTER "# mine\nanna:$y$b:1:1::/h::\n"

static const struct hash_change change = { .user = "anna",
                                           .old = "$5$a",
                                           .hash = "$y$b",
                                           .text = { TEXT, sizeof(TEXT) - 1 } };

Test(new_hash, only_that_field)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf into;
        int r;

        buf_init(&into, 4096);
        r = row_change_hash(slice_from(rows[i].text), &change, &into);
        cr_expect_eq(r, rows[i].after ? 0 : -ESTALE, "row %zu: %d", i, r);
        if (rows[i].after)
            cr_expect(slice_equal(buf_slice(&into), slice_from(rows[i].after)),
                      "row %zu: %.*s", i, (int)into.len, into.data);
        buf_release(&into);
    }
}

/* Returns the path of PATH with ENDING behind it. */
static const char *beside(const char *ending)
{
    static char name[160];

    snprintf(name, sizeof(name), "%s%s", path, ending);
    return name;
}

static void begin_with(const char *text, mode_t mode)
{
    files_write(path, text, strlen(text), mode);
}

/* Expects the change of the hash in FILE to end with R, and to stand only with
 * 0. */
static void expect_change(const char *file, int r)
{
    bool stands = r < 0;

    cr_expect_eq(users_file_set_hash(file, &change, &stands), r);
    cr_expect_eq(stands, r == 0);
}

static void expect_text(const char *text)
{
    struct buf now;

    buf_init(&now, 4096);
    cr_assert(files_read(path, &now));
    cr_expect(slice_equal(buf_slice(&now), slice_from(text)), "%.*s",
              (int)now.len, now.data);
    buf_release(&now);
}

Test(place, replaces_and_keeps_the_mode)
{
    struct stat before, after;

    begin_with(TEXT, 0640);
    cr_assert_eq(stat(path, &before), 0);
    expect_change(path, 0);
    expect_text(AFTER);
    cr_assert_eq(stat(path, &after), 0);
    cr_expect_eq(after.st_mode, before.st_mode);
    cr_expect_neq(after.st_ino, before.st_ino, "not in one step");
    expect_change(path, -ESTALE); /* twice */
    expect_text(AFTER);
}

/* Uses a link, also if the file isn't there yet. */
Test(place, of_the_file)
{
    struct users_file p;

    cr_assert_eq(users_file_open(&p, path), 0);
    cr_expect_str_eq(p.path, path);
    cr_expect_str_eq(p.name, "users");
    users_file_close(&p);
    begin_with(TEXT, 0640);
    cr_assert_eq(symlink(path, beside(".link")), 0);
    cr_assert_eq(users_file_open(&p, beside(".link")), 0);
    cr_expect_str_eq(p.path, path);
    cr_expect_str_eq(p.name, "users");
    users_file_close(&p);
}

/* Somebody writes it without the lock, and a part of it is there. */
Test(place, with_a_part_of_the_text)
{
    begin_with(TEXT, 0600);
    cr_assert_eq(truncate(path, (off_t)strlen(TEXT) - 1), 0);
    expect_change(path, -ESTALE);
}

/* sallyportctl is at work: nothing waits. */
Test(place, under_the_lock)
{
    int fd = open(beside(".lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    begin_with(TEXT, 0600);
    cr_assert_eq(flock(fd, LOCK_EX), 0);
    expect_change(path, -ETIMEDOUT);
    expect_text(TEXT);
    close(fd);
    expect_change(path, 0);
    expect_text(AFTER);
}

/* The link stays, and leads to the new file. */
Test(place, through_a_link)
{
    struct stat st;

    begin_with(TEXT, 0600);
    cr_assert_eq(symlink("users", beside(".link")), 0);
    expect_change(beside(".link"), 0);
    cr_assert(lstat(beside(".link"), &st) == 0 && S_ISLNK(st.st_mode));
    expect_text(AFTER);
}

/* The server gives no file away: then it changes nothing. */
Test(place, another_group)
{
    if (geteuid() != 0)
        cr_skip_test("needs root");
    begin_with(TEXT, 0640);
    cr_assert_eq(chown(path, 0, 70000), 0);
    expect_change(path, -EPERM);
    expect_text(TEXT);
}

Test(place, without_a_file)
{
    expect_change(path, -ENOENT);
    expect_change("/nowhere/users", -ENOENT);
}

/* The tail of a hash. */
#define S43 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234"

/* Reader accepts each hash that is accepted here. */
Test(hashes, of_another_form_are_refused)
{
    static const char *const bad[] = {
        "",
        "$y$",
        "$y$j9T$F5J$" S43 "a",
        "$y$j9T$" S43,
        "$y$j9T$F5J$$" S43,
        "$5$rounds=1$F5J$" S43,
        "$y$j9T:0:0$F5J$" S43,
        "$y$j9T\n$F5J$" S43,
        "!$y$j9T$F5J$" S43,
        "$y$j9T$F5J$abc",
        "$y$j9T$F 5J$" S43,
        "$y$j9T$F5J\\$" S43,
        "$y$j8T$F5J$" S43,
        "$y$jDT$F5J$" S43,
        "$y$j9$F5J$" S43,
        "$y$jAU$F5J$" S43,
        "$y$k9T$F5J$" S43,
    };
    char longest[USER_HASH_MAX + 2];

    cr_expect(user_hash_is_new(SLICE("$y$j9T$F5Jx5fExrKuPp53xLKQ..1$" S43)));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect_not(user_hash_is_new(slice_from(bad[i])), "%s", bad[i]);
    memset(longest, 'a', sizeof(longest));
    memcpy(longest, "$y$j9T$", 7);
    longest[USER_HASH_MAX - 44] = '$';
    cr_expect(user_hash_is_new((struct slice){ longest, USER_HASH_MAX }));
    longest[USER_HASH_MAX - 44] = 'a';
    longest[USER_HASH_MAX - 43] = '$';
    cr_expect_not(
        user_hash_is_new((struct slice){ longest, USER_HASH_MAX + 1 }));
}

/* Reader refuses a line that is longer, and with it the whole file. */
Test(new_hash, the_longest_line)
{
    char text[USER_LINE_MAX + 2] = "anna:$5$a:1:1::/h::";
    struct hash_change c = change;
    struct buf into;

    for (size_t n = strlen(text); n < USER_LINE_MAX; n++)
        text[n] = 'x';
    buf_init(&into, 2 * USER_LINE_MAX);
    cr_expect_eq(row_change_hash(slice_from(text), &c, &into), 0);
    buf_clear(&into);
    c.hash = "$y$bc";
    cr_expect_eq(row_change_hash(slice_from(text), &c, &into), -EMSGSIZE);
    buf_release(&into);
}

static bool beside_is_there(const char *ending)
{
    char name[160];

    snprintf(name, sizeof(name), "%s/.users%s", scratch, ending);
    return access(name, F_OK) == 0;
}

static struct users_file p;
static struct buf read_text;

static void begin_edit(const char *there, int expected)
{
    if (there)
        begin_with(there, 0600);
    buf_init(&read_text, 4096);
    cr_assert_eq(users_file_open(&p, path), 0);
    cr_assert_eq(users_file_lock(&p, 0), 0);
    cr_assert_eq(users_file_read(&p, &read_text), expected);
    cr_expect_not(beside_is_there(".sallyport-seen"));
}

static void end_edit(void)
{
    buf_release(&read_text);
    users_file_close(&p);
}

static void expect_refused(const char *now)
{
    bool stands = true;

    cr_expect_eq(users_file_commit(&p, SLICE(AFTER), NULL, NULL, &stands),
                 -ESTALE);
    cr_expect_not(stands);
    cr_expect_not(beside_is_there(".sallyport-new"));
    cr_expect_not(beside_is_there(".sallyport-seen"));
    if (now)
        expect_text(now);
    end_edit();
}

#define OTHER "bert:$5$b:2:2::/i::\n"

/* Another machine, that has the lock now, must not lose its change. */
Test(place, replaced_meanwhile)
{
    begin_edit(TEXT, 0);
    files_write(beside(".other"), OTHER, strlen(OTHER), 0600);
    cr_assert_eq(rename(beside(".other"), path), 0);
    expect_refused(OTHER);
}

Test(place, removed_meanwhile)
{
    begin_edit(TEXT, 0);
    cr_assert_eq(unlink(path), 0);
    expect_refused(NULL);
    cr_expect(access(path, F_OK) < 0);
}

Test(place, made_meanwhile)
{
    begin_edit(NULL, -ENOENT);
    begin_with(OTHER, 0600);
    expect_refused(OTHER);
}

Test(place, with_a_lost_lock)
{
    int fd;

    begin_edit(TEXT, 0);
    fd = open(beside(".lock"), O_RDWR | O_CLOEXEC);
    cr_assert_eq(flock(p.lock_fd, LOCK_UN), 0);
    cr_assert_eq(flock(fd, LOCK_EX), 0);
    expect_refused(TEXT);
    close(fd);
}

Test(place, is_made)
{
    bool stands;

    begin_edit(NULL, -ENOENT);
    cr_expect_eq(users_file_commit(&p, SLICE(AFTER), NULL, NULL, &stands), 0);
    cr_expect(stands);
    cr_expect_not(beside_is_there(".sallyport-new"));
    expect_text(AFTER);
    end_edit();
}

/* No leftover stops an edit: neither one of a killed edit, nor one that this
 * edit could not unlink. */
Test(place, after_a_killed_edit)
{
    char seen[160];
    bool stands;

    snprintf(seen, sizeof(seen), "%s/.users.sallyport-seen", scratch);
    files_write(seen, OTHER, strlen(OTHER), 0600);
    begin_edit(TEXT, 0);
    cr_expect(slice_equal(buf_slice(&read_text), slice_from(TEXT)));
    files_write(seen, OTHER, strlen(OTHER), 0600);
    cr_expect_eq(users_file_commit(&p, SLICE(AFTER), NULL, NULL, &stands), 0);
    expect_text(AFTER);
    end_edit();
}

/* The kernel's answer about a lease and about the disk; 0: its own answer. */
static int lease_error;
static long disk_type;

int fcntl(int fd, int command, ...)
{
    va_list more;

    va_start(more, command);
    long value = va_arg(more, long);
    va_end(more);
    if (command == F_SETLEASE && lease_error) {
        errno = lease_error;
        return -1;
    }
    return (int)syscall(SYS_fcntl, fd, command, value);
}

int fstatfs(int fd, struct statfs *ret)
{
    int r = (int)syscall(SYS_fstatfs, fd, ret);

    if (disk_type)
        ret->f_type = disk_type;
    return r;
}

/* The server of NFS lends no lease. That doesn't mean that somebody writes. */
Test(place, on_a_disk_that_lends_no_lease)
{
    lease_error = EAGAIN;
    disk_type = NFS_SUPER_MAGIC;
    begin_edit(TEXT, 0);
    end_edit();
    disk_type = 0;
    begin_edit(NULL, 1);
    end_edit();
}

/* The kernel knows who has it open for writing; a reader doesn't matter. */
Test(place, being_written)
{
    int fd, reader, writer;

    begin_with(TEXT, 0600);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    reader = open(path, O_RDONLY | O_CLOEXEC);
    cr_expect_not(users_file_is_written(fd));
    writer = open(path, O_WRONLY | O_CLOEXEC);
    cr_expect(users_file_is_written(fd));
    close(writer);
    cr_expect_not(users_file_is_written(fd));
    writer = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
    cr_expect_geq(writer, 0, "the lease stays");
    close(writer);
    close(reader);
    close(fd);
}
