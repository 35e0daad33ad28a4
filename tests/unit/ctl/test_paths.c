/* Commands that refuse what systemd would forbid. The test plays systemd. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "ctl/ctl.h"
#include "world.h"

static const char *loaded; /* the answer of systemctl */

static void play_systemd(struct unit *u)
{
    struct slice rest = slice_from(loaded), line;

    if (ctl.lock_fd != 0)
        abort(); /* systemd may be slow */
    *u = (struct unit){ .rules = 0 };
    while (slice_cut(&rest, '\n', &line))
        unit_add(u, line);
}

#define SHIPPED "ProtectSystem=strict\nProtectHome=yes\nReadWritePaths=-/srv\n"

static void begin(void)
{
    world_make();
    paths_unit = play_systemd;
    loaded = SHIPPED;
}

TestSuite(paths, .init = begin, .fini = scratch_remove);

/* The homes of the world are beneath /tmp. */
Test(paths, homes_and_shares_that_systemd_forbids)
{
    expect_err(EX_CONFIG, "a good password\n", "user add anna",
               "read-only for the service (ReadWritePaths=); run: cd ");
    cr_expect_neq(access(in(world.homes, "anna"), F_OK), 0);
    expect_err(EX_CONFIG, "", "share add docs", "; run: cd /etc/systemd/");
    loaded = SHIPPED "ReadWritePaths=/tmp\n";
    expect_run(0, "a good password\n", "user add anna");
    loaded = SHIPPED;
    if (geteuid() == 0) /* else such a home is refused anyway */
        expect_err(EX_CONFIG, "", "user change anna --home /home/anna",
                   "ProtectHome=no");
    loaded = NULL; /* systemd gives no answer */
    expect_run(0, "", "share add docs");
}

/* One command does all, or says what is missing. */
Test(paths, the_directory_of_the_users_file)
{
    static const char words[] = "user add anna --must-change";
    char answer[512];

    snprintf(answer, sizeof(answer), SHIPPED "ReadWritePaths=%s\n",
             world.homes);
    loaded = answer;
    expect_err(0, "a good password\n", words,
               "anna can't change the password: systemd makes the directory ");
    expect_run(0, "", "user del anna");
    snprintf(answer, sizeof(answer), SHIPPED "ReadWritePaths=%s\n", scratch);
    cr_expect_str_eq(expect_run(0, "a good password\n", words)->err, "");
    expect_run(0, "", "user change anna --must-change");
}
