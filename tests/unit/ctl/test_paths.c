/* "paths", and commands that refuse what systemd would forbid. The test plays
 * systemd: its drop-ins are in the scratch directory. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/stat.h>

#include "ctl/ctl.h"
#include "world.h"

static const char *loaded; /* the answer of systemctl */

static void play_systemd(const struct context *x, struct unit *u)
{
    struct slice rest = slice_from(loaded), line;

    (void)x;
    *u = (struct unit){ .unknown = !loaded };
    while (slice_cut(&rest, '\n', &line))
        unit_add(u, line);
}

#define SHIPPED "ProtectSystem=strict\nProtectHome=yes\nReadWritePaths=-/srv\n"

static void begin(void)
{
    static char drop_in[128];

    world_make();
    snprintf(drop_in, sizeof(drop_in), "%s/service.d", scratch);
    paths_drop_in = drop_in;
    paths_unit = play_systemd;
    loaded = SHIPPED;
}

TestSuite(paths, .init = begin, .fini = scratch_remove);

static const char *written(void)
{
    return file_text(in(paths_drop_in, "paths.conf"));
}

static void expect_words(int code, const char *command, const char *path,
                         const char *said)
{
    char words[256];

    snprintf(words, sizeof(words), "paths %s %s", command, path);
    if (code)
        expect_err(code, "", words, said);
    else
        expect_out(code, "", words, said);
}

Test(paths, add_list_del)
{
    char one[128], expected[512];

    snprintf(one, sizeof(one), "%s/one", scratch);
    expect_words(EX_NOINPUT, "add", one, "make it first: install -d ");
    cr_assert_eq(mkdir(one, 0755), 0);
    expect_words(0, "add", one,
                 "paths.conf: written; run: systemctl daemon-reload && "
                 "systemctl restart sallyport");
    snprintf(expected, sizeof(expected),
             "# Written by: sallyportctl paths\n[Service]\n"
             "ReadWritePaths=-%s\n",
             one);
    cr_expect_str_eq(written(), expected);
    expect_words(0, "add", one, "it is written already; run: ");
    expect_words(0, "list", "", "/srv\n");
    expect_words(0, "list", "", "/one (not yet; run: ");
    expect_words(0, "add", "/root", "written");
    cr_expect(strstr(written(), "[Service]\nProtectHome=no\n"), "%s",
              written());
    cr_expect(strstr(written(), "ReadWritePaths=-/root\n"), "%s", written());
    expect_words(0, "del", "/root", "written");
    cr_expect_str_eq(written(), expected);
    expect_words(EX_NOINPUT, "del", "/root", "hasn't written it");
    expect_words(0, "del", one, "removed; run: ");
    cr_expect_neq(access(in(paths_drop_in, "paths.conf"), F_OK), 0);
}

/* The unit that removes expired files forbids the same directories. */
Test(paths, retention)
{
    char one[128], expected[256];

    snprintf(one, sizeof(one), "%s/one", scratch);
    cr_assert_eq(mkdir(one, 0755), 0);
    for (int i = 0; i < 2; i++) {
        expect_words(0, "add", one, "written");
        snprintf(expected, sizeof(expected), "ReadWritePaths=-%s\n", one);
        cr_expect(strstr(
            file_text(in(scratch, "sallyport-retention.service.d/paths.conf")),
            expected));
        expect_words(0, "del", one, "removed");
        cr_expect_not(files_exists(
            in(scratch, "sallyport-retention.service.d/paths.conf")));
    }
}

/* Neither "nothing is needed" nor "not yet" is known then. */
Test(paths, systemd_gives_no_answer)
{
    char one[128], line[256];

    snprintf(one, sizeof(one), "%s/one", scratch);
    cr_assert_eq(mkdir(one, 0755), 0);
    expect_words(0, "add", one, "written");
    loaded = NULL;
    expect_words(EX_UNAVAILABLE, "add", "/data", "systemd gives no answer");
    snprintf(line, sizeof(line), "%s\n", one);
    cr_expect_str_eq(expect_run(0, "", "paths list")->out, line);
}

Test(paths, what_is_not_needed_or_refused)
{
    expect_words(0, "add", "/srv/more", "nothing is needed");
    loaded = SHIPPED "PrivateTmp=yes\n";
    expect_words(EX_CONFIG, "add", "/tmp/x", "(PrivateTmp=); move it");
    loaded = "";
    expect_words(0, "add", "/data", "nothing is needed");
    loaded = SHIPPED;
    expect_words(EX_USAGE, "add", "/", "name a directory in it");
    expect_words(EX_USAGE, "add", "/etc/", "name a directory in it");
    expect_words(EX_USAGE, "add", "data", "an absolute path");
    expect_words(EX_USAGE, "add", "/srv/../etc", "an absolute path");
    expect_words(EX_USAGE, "add", "/data%h", "an absolute path");
    expect_words(EX_USAGE, "add", "/data\nExecStart=/x", "an absolute path");
    cr_expect_str_eq(written(), "");
}

/* The homes of the world are beneath /tmp. */
Test(paths, homes_and_shares_that_systemd_forbids)
{
    expect_err(EX_CONFIG, "a good password\n", "user add anna",
               "read-only for the service (ReadWritePaths=); run: sallyportctl "
               "paths add ");
    cr_expect_neq(access(in(world.homes, "anna"), F_OK), 0);
    expect_err(EX_CONFIG, "", "share add docs", "paths add ");
    loaded = SHIPPED "ReadWritePaths=/tmp\n";
    expect_run(0, "a good password\n", "user add anna");
    loaded = SHIPPED;
    if (geteuid() == 0) /* else such a home is refused anyway */
        expect_err(EX_CONFIG, "", "user change anna --home /home/anna",
                   "run: sallyportctl paths add /home/anna");
}

/* "paths add" again wouldn't help. */
Test(paths, what_systemd_has_not_read_yet)
{
    expect_run(0, "", "share list");
    cr_assert_eq(mkdir(world.homes, 0755), 0);
    expect_words(0, "add", world.homes, "written");
    expect_err(EX_CONFIG, "a good password\n", "user add anna",
               "/homes/anna: systemd hasn't read the drop-in of \"paths add\" "
               "yet; run: systemctl daemon-reload && systemctl restart "
               "sallyport");
    expect_err(EX_CONFIG, "", "share add docs", "run: sallyportctl paths add ");
    loaded = SHIPPED "PrivateTmp=yes\n";
    expect_err(EX_CONFIG, "a good password\n", "user add anna",
               "(PrivateTmp=); move it");
}
