/* Which homes a systemd unit makes unreachable. */
#include <sys/mount.h>

#include "sallyport/unit/unit.h"
#include "sallyport/users/users.h"
#include "support/scratch.h"
#include "support/test.h"

TestSuite(unit, .init = scratch_make, .fini = scratch_remove);

static void expect(const struct unit *u, const char *what, const char *path,
                   const char *words)
{
    struct complaint c = { "" };

    cr_expect_eq(unit_forbids(u, what, path, &c), words != NULL, "%s: %s", path,
                 c.text);
    cr_expect(!words || strstr(c.text, words), "%s: %s", path, c.text);
}

/* The command has the whole path, even the longest. */
Test(unit, the_longest_path)
{
    const struct unit empty = { .root = open(scratch, O_PATH | O_DIRECTORY) };
    char path[USER_HOME_MAX + 1], end[USER_HOME_MAX + 200];

    memset(path, 'a', sizeof(path) - 1);
    memcpy(path, "/home/", 6);
    for (size_t i = 200; i < sizeof(path); i += 200)
        path[i] = '/';
    path[sizeof(path) - 1] = '\0';
    snprintf(end, sizeof(end),
             "ReadWritePaths=-%s\\n' >>$u.service.d/paths.conf; done; "
             "systemctl daemon-reload; systemctl restart sallyport",
             path);
    expect(&empty, "home", path, end);
    close(empty.root);
}

/* The service's root directory is empty: what the advice is for each place. */
Test(unit, hidden)
{
    static const struct {
        const char *what, *path, *words;
    } rows[] = {
        { "home", "/home/anna",
          "systemd hides the home /home/anna from the service; run: cd "
          "/etc/systemd/system; for u in sallyport sallyport-retention "
          "sallyport-after sallyport-sync; do mkdir -p $u.service.d; printf "
          "'[Service]\\nProtectHome=no\\nReadWritePaths=-/home/anna\\n' "
          ">>$u.service.d/paths.conf; done; systemctl daemon-reload; "
          "systemctl restart sallyport" },
        { "home", "/home/an na", "change that by a drop-in: systemctl edit " },
        { "home", "/root/anna", "ProtectHome=no\\nReadWritePaths=-/root/anna" },
        { "home", "/tmp/anna", "(PrivateTmp=); move it, such as to /srv" },
        { "share", "/srv/share", "the share /srv/share from the service; " },
        { "directory", "/", "the directory / from the service; change that" },
        { "directory", "/home/etc", "for u in sallyport; do mkdir" },
    };
    const struct unit empty = { .root = open(scratch, O_PATH | O_DIRECTORY) };
    const struct unit same = { .root = open("/", O_PATH | O_DIRECTORY) };
    const struct unit unknown = UNIT_UNKNOWN;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        expect(&empty, rows[i].what, rows[i].path, rows[i].words);
        expect(&same, rows[i].what, rows[i].path, NULL);
        expect(&unknown, rows[i].what, rows[i].path, NULL);
    }
    close(empty.root);
    close(same.root);
}

static bool mount_as_systemd(void)
{
    const char *ro = in_scratch("ro");

    return mounts_own() && mount(ro, ro, NULL, MS_BIND, NULL) == 0 &&
           mount(NULL, ro, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0 &&
           mount("none", in_scratch("hidden"), "tmpfs", 0, NULL) == 0;
}

/* The process of a service, until the end of pipe WAIT. */
static void serve(const int ready[2], const int wait[2])
{
    char byte = mount_as_systemd() ? '1' : '0';

    close(wait[1]);
    (void)!write(ready[1], &byte, 1);
    (void)!read(wait[0], &byte, 1);
    _exit(0);
}

/* The end of a path decides, for the kernel and for systemd. */
Test(unit, in_a_namespace)
{
    static const char *const names[] = { "open", "ro", "hidden", "hidden/dir" };
    char path[256], advice[256], byte = '0';
    struct unit u = UNIT_UNKNOWN;
    int ready[2], wait[2];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        cr_assert_eq(mkdir(in_scratch(names[i]), 0700), 0);
    cr_assert_eq(symlink("../ro", in_scratch("open/link")), 0);
    cr_assert_eq(pipe(ready) | pipe(wait), 0);
    fflush(NULL);
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0)
        serve(ready, wait);
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    snprintf(path, sizeof(path), "/proc/%d/root", pid);
    u.root = open(path, O_PATH | O_DIRECTORY);
    if (byte == '1') {
        cr_assert_geq(u.root, 0);
        snprintf(advice, sizeof(advice), "%s", "read-only for the service");
        expect(&u, "home", in_scratch("open/anna"), NULL);
        expect(&u, "home", in_scratch("open"), NULL);
        expect(&u, "home", in_scratch("ro/anna"), advice);
        expect(&u, "home", in_scratch("ro/new/anna"), advice);
        expect(&u, "home", in_scratch("open/link/anna"), advice);
        expect(&u, "home", in_scratch("hidden/anna"), "systemd hides the home");
        expect(&u, "home", in_scratch("hidden/dir"), "systemd hides the home");
        expect(&u, "home", "/nowhere/anna", NULL);
    }
    close(wait[1]);
    waitpid(pid, NULL, 0);
    if (byte != '1')
        cr_skip_test("needs root");
}
