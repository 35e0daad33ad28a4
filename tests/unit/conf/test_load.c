/* Which files are read. The open file counts, not its name. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf.h"
#include "support/scratch.h"

TestSuite(load, .init = scratch_enter, .fini = scratch_remove);

static void write_file(const char *text, size_t len, mode_t mode)
{
    int fd = open("conf", O_WRONLY | O_CREAT | O_TRUNC, 0600);

    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, len), (ssize_t)len);
    cr_assert_eq(fchmod(fd, mode), 0);
    close(fd);
}

static int load(const char *path)
{
    c.text[0] = '\0';
    s.login_tries = 0;
    return conf_load(&s, path, NULL, &c);
}

Test(load, modes)
{
    static const struct {
        mode_t mode;
        const char *complaint;
    } table[] = {
        { 0600, NULL },
        { 0644, NULL },
        { 0444, NULL },
        { 0664, "conf: writable by group or others; run: chmod go-w conf" },
        { 0646, "conf: writable by group or others; run: chmod go-w conf" },
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        write_file("login_tries = 9\n", 16, table[i].mode);
        cr_expect_eq(load("conf"), table[i].complaint ? -EINVAL : 0, "%o: %s",
                     table[i].mode, c.text);
        cr_expect_str_eq(c.text, table[i].complaint ? table[i].complaint : "");
        cr_expect_eq(s.login_tries, table[i].complaint ? 0 : 9);
        unlink("conf");
    }
}

Test(load, a_link_is_followed_and_its_end_is_judged)
{
    cr_assert_eq(symlink("conf", "link"), 0);
    write_file("login_tries = 9\n", 16, 0600);
    cr_expect_eq(load("link"), 0, "%s", c.text);
    cr_assert_eq(chmod("conf", 0666), 0);
    cr_expect_eq(load("link"), -EINVAL);
}

Test(load, what_is_no_file)
{
    cr_expect_eq(load("conf"), -EINVAL);
    cr_expect_str_eq(c.text, "conf: No such file or directory; an empty file "
                             "is enough: each setting has a default");
    cr_expect_eq(load("."), -EINVAL);
    cr_expect_str_eq(c.text, ".: not a regular file");
    cr_assert_eq(mkfifo("conf", 0600), 0);
    cr_expect_eq(load("conf"), -EINVAL);
    cr_expect_str_eq(c.text, "conf: not a regular file");
}

Test(load, somebody_elses)
{
    if (geteuid() != 0) {
        scratch_remove();
        cr_skip_test("only root can give a file away");
    }
    write_file("login_tries = 9\n", 16, 0600);
    cr_assert_eq(chown("conf", 12345, 0), 0);
    cr_expect_eq(load("conf"), -EINVAL);
    cr_expect_str_eq(c.text, "conf: belongs to uid 12345; run: chown 0 conf");
}

/* The administrator can mend a wrong path, but no full table of files. */
Test(load, files_that_cannot_be_opened)
{
    struct rlimit most, none;

    cr_expect_eq(load("no/conf"), -EINVAL);
    cr_assert_eq(symlink("loop", "loop"), 0);
    cr_expect_eq(load("loop"), -EINVAL);
    write_file("", 0, 0600);
    cr_expect_eq(load("conf/conf"), -EINVAL);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &most), 0);
    none = (struct rlimit){ 0, most.rlim_max };
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    cr_expect_eq(load("conf"), -EIO);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &most), 0);
    cr_expect_str_eq(c.text, "conf: Too many open files");
}

/* The owner of the users file could write any row. */
Test(load, somebody_elses_private_file)
{
    int fd;

    if (geteuid() != 0) {
        scratch_remove();
        cr_skip_test("only root can give a file away");
    }
    write_file("x", 1, 0600);
    cr_assert_eq(chown("conf", 12345, 0), 0);
    fd = open("conf", O_RDONLY);
    cr_expect_eq(settings_check_file(fd, "users", SETTINGS_PRIVATE, &c),
                 -EINVAL);
    cr_expect_str_eq(c.text, "users: belongs to uid 12345; run: chown 0 users");
    close(fd);
}

Test(load, up_to_256_KiB)
{
    size_t max = SETTINGS_TEXT_MAX;
    char *text = malloc(max + 1);

    memset(text, '\n', max + 1);
    write_file(text, max, 0600);
    cr_expect_eq(conf_load(&s, "conf", NULL, &c), 0, "%s", c.text);
    write_file(text, max + 1, 0600);
    cr_expect_eq(conf_load(&s, "conf", NULL, &c), -EINVAL);
    cr_expect_str_eq(c.text, "conf: larger than 262144 bytes");
    free(text);
}

Test(load, private_files)
{
    static const struct {
        mode_t mode;
        const char *complaint;
    } table[] = {
        { 0600, "" },
        { 0640, "" },
        { 0400, "" },
        { 0604, "conf: open to others; run: chmod o-rwx conf" },
        { 0601, "conf: open to others; run: chmod o-rwx conf" },
        { 0602, "conf: open to others; run: chmod o-rwx conf" },
        { 0620, "conf: writable by group; run: chmod g-w conf" },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        int fd;

        c.text[0] = '\0';
        write_file("x", 1, table[i].mode);
        fd = open("conf", O_RDONLY);
        cr_assert_geq(fd, 0);
        cr_expect_eq(settings_check_file(fd, "conf", SETTINGS_PRIVATE, &c),
                     table[i].complaint[0] ? -EINVAL : 0, "%o", table[i].mode);
        cr_expect_str_eq(c.text, table[i].complaint);
        close(fd);
        unlink("conf");
    }
}

Test(load, a_private_folder_is_no_file)
{
    int fd = open(".", O_RDONLY);

    cr_expect_eq(settings_check_file(fd, "dir", SETTINGS_PRIVATE, &c), -EINVAL);
    cr_expect_str_eq(c.text, "dir: not a regular file");
    close(fd);
}

/* The path of the control socket. */
Test(load, control_socket)
{
    static const struct {
        const char *text, *file, *root, *user;
    } rows[] = {
        { "", SETTINGS_FILE, "/run/sallyport/control",
          "/etc/sallyport/control" },
        { "", "/etc/x/conf", "/etc/x/control", "/etc/x/control" },
        { "", "conf", "./control", "./control" },
        { "", "/conf", "/control", "/control" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *want = geteuid() == 0 ? rows[i].root : rows[i].user;
        char path[64];

        cr_assert_eq(
            conf_parse(&s, slice_from(rows[i].text), rows[i].file, NULL, &c), 0,
            "%s", c.text);
        cr_assert_eq(settings_control(s.file, path, sizeof(path)), 0);
        cr_expect_str_eq(path, want);
        cr_expect_lt(settings_control(s.file, path, 4), 0);
    }
}

static char told[256];

static void tell(const char *mistake)
{
    size_t len = strlen(told);

    snprintf(told + len, sizeof(told) - len, "%s\n", mistake);
}

Test(load, a_report)
{
    int fd = open("conf", O_RDWR | O_CREAT, 0600);

    cr_assert_eq(write(fd, "a = 1\nb = 2\n", 12), 12);
    cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
    cr_expect_eq(conf_read(&s, fd, "conf", tell, &c), -EINVAL);
    cr_expect_str_eq(told, "conf:1: unknown key \"a\"\n"
                           "conf:2: unknown key \"b\"\n");
    cr_expect_str_eq(c.text, "conf:1: unknown key \"a\"");
    close(fd);
    c.text[0] = told[0] = '\0';
    cr_expect_eq(conf_read(&s, fd, "conf", tell, &c), -EIO);
    cr_expect_str_eq(told, "conf: Bad file descriptor\n");
}
