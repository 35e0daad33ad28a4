/* The command line: usage, help, exit codes. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "ctl/ctl.h"
#include "world.h"

TestSuite(run, .init = world_make, .fini = scratch_remove);

Test(run, what_is_no_command)
{
    static const struct {
        const char *words, *complaint;
    } table[] = {
        { "user frob anna", "user frob: no such command" },
        { "user lsit", "user lsit: no such command; did you mean "
                       "\"user list\"?" },
        { "usr list", "usr list: no such command; did you mean \"user\"?" },
        { "relaod", "relaod: no such command; did you mean \"reload\"?" },
        { "user delete anna", "did you mean \"user del\"?" },
        { "user rm anna", "did you mean \"user del\"?" },
        { "user disable anna", "did you mean \"user lock\"?" },
        { "share remove in", "did you mean \"share del\"?" },
        { "share disable in", "share disable: no such command; run: " },
        { "lock gus",
          "lock gus: no such command; did you mean \"user lock\"?" },
        { "totp gus", "did you mean \"user totp\"?" },
        { "delete gus", "did you mean \"user del\"?" },
        { "stop", "stop: no such command; run: systemctl stop sallyport\n" },
        { "paths add /data", "paths add: no such command; run: sallyportd "
                             "--check, which prints what permits a directory" },
        { "user stop", "user stop: no such command; run: sallyportctl --help" },
        { "help frob add", "frob add: no such command" },
        { "log -f", "-f: no such option; run: journalctl -fu sallyport -o cat "
                    "| sallyportctl log --file -\n" },
        { "log --follow", "--follow: no such option; run: journalctl -fu " },
        { "report -f", "-f: no such option; run: sallyportctl --help" },
        { "user show anna --jsn", "--jsn: no such option; did you mean "
                                  "--json?" },
        { "frob add anna", "frob add: no such command" },
        { "user add", "user add: NAME is missing; see: sallyportctl user add "
                      "--help" },
        { "user list anna",
          "anna: one word too many; see: sallyportctl user list --help" },
        { "user show anna berta", "berta: one word too many; see: " },
        { "user show anna berta carla dora", "berta: one word too many" },
        { "share grant contracts", "share grant: USER is missing" },
        { "team join legal", "USER is missing" },
        { "user can anna", "user can: VERB is missing" },
        { "user can anna write", "user can: PATH is missing; see: " },
        { "user can anna login /", "expected a path as the user sees it, such "
                                   "as /contracts/a.pdf; none after login" },
        { "user can anna write / x", "x: one word too many" },
        { "kick", "kick: USER, SERIAL or ADDRESS is missing" },
        { "user can anna fly /", "fly: expected list, read, write" },
        { "user can anna ll /", "ll: expected list, read, write" },
        { "share add a --gid 79999", "use a number from 80000 to 80009" },
        { "share add a --gid 80010", "use a number from 80000 to 80009" },
        { "share add a --gid 80000 --local-group users", "not both" },
        { "share add a --local-group nobody-is-here",
          "there is no such group; make it with: groupadd --system "
          "nobody-is-here" },
        { "share add a --local-group 61500",
          "make it with: groupadd --system --gid 61500 NAME" },
        { "share add a --local-group root", "use one with a gid from 100 on" },
        { "share add a --file-mode 0777", "--file-mode 0777: expected a mode" },
        { "share add a --path x", "--path x: use an absolute path" },
        { "share add a --path /a/../b", "use an absolute path" },
        { "user add a --rights-in x:read", "expected PATH:ROLE" },
        { "user add a --rights-in /:read", "expected PATH:ROLE" },
        { "user add a --rights-in /a/../b:read", "expected PATH:ROLE" },
        { "user add a --rights-in /a=b:read", "expected PATH:ROLE" },
        { "user add a --rights-in /a", "expected PATH:ROLE" },
        { "user add a --rights-in /a:x", "--rights-in /a:x: expected full" },
        { "user add a --dir-mode 0660", "--dir-mode 0660: expected a mode" },
        { "user show anna --frob", "--frob: no such option" },
        { "user show anna -j", "-j: no such option" },
        { "user show anna --json=yes", "--json=yes: takes no value" },
        { "user show anna --json --json", "--json: given twice" },
        { "user show anna --purge", "--purge is not for this command; see: "
                                    "sallyportctl user show --help" },
        { "user change anna --share in:drop",
          "--share is not for this command; run: sallyportctl share grant in "
          "anna:drop\n" },
        { "user change anna --share in", "share grant in anna\n" },
        { "user change anna --team legal",
          "--team is not for this command; run: sallyportctl team join legal "
          "anna\n" },
        { "user change --team legal", "see: sallyportctl user change --help" },
        { "user add anna --password secret", "--password: no such option" },
        { "user add anna --uid 7", "--uid 7: use a number from 70000" },
        { "user add anna --uid 70100", "use a number from 70000 to 70099" },
        { "user add anna --uid x", "--uid x: use a number" },
        { "user add anna --role dropp", "expected full, read, collect, drop" },
        { "user add anna --role x", "--role x: expected full" },
        { "user add anna --home x", "home x: use an absolute path" },
        { "user add anna --home //", "home //: use another directory than /" },
        { "share add a --path /", "--path /: use another directory than /" },
        { "user add anna --home /a/../b", "use an absolute path" },
        { "user add anna --comment a:b", "--comment: at most 255 bytes" },
        { "partials list anna bert", "bert: one word too many" },
        { "partials list --all", "--all is not for this command" },
        { "partials list --older-than x", "use a number of days, 0 to 36500" },
        { "partials list --older-than 36501", "use a number of days" },
        { "partials purge --older-than -1", "use a number of days" },
        { "partials purge --all --older-than 1",
          "give --all or --older-than, not both" },
        { "who --json --watch", "give --json or --watch, not both" },
        { "log --file /x --directory /y",
          "give --file or --directory, not both: in the directory are" },
        { "who --watch", "top needs a terminal" },
        { "status anna", "anna: one word too many" },
        { "reload --json", "--json is not for this command" },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const struct run *r =
            expect_run(EX_USAGE, "long enough\n", table[i].words);

        cr_expect_not_null(strstr(r->err, table[i].complaint), "%s said %s",
                           table[i].words, r->err);
        cr_expect_str_eq(r->out, "");
    }
    cr_expect_not(files_exists(world.users));
}

Test(run, an_option_without_its_value)
{
    char *argv[] = { (char[]){ "ctl" }, (char[]){ "--home" }, NULL };
    struct complaint c = { .text = "" };
    struct arguments a;

    cr_expect_eq(arguments_parse(&a, 2, argv, &c), EX_USAGE);
    cr_expect_str_eq(c.text, "--home: needs a value; run: sallyportctl --help");
}

Test(run, values_behind_a_blank_or_an_equals)
{
    char *argv[] = { (char[]){ "ctl" },       (char[]){ "--home=/a=b" },
                     (char[]){ "--comment" }, (char[]){ "--json" },
                     (char[]){ "word" },      NULL };
    struct complaint c = { .text = "" };
    struct arguments a;

    cr_assert_eq(arguments_parse(&a, 5, argv, &c), 0, "%s", c.text);
    cr_expect_str_eq(a.home, "/a=b");
    cr_expect_str_eq(a.comment, "--json");
    cr_expect_not(a.json);
    cr_expect_eq(a.words, 1);
}

/* execve(2) permits it. */
Test(run, no_argument_at_all)
{
    char *argv[] = { NULL };
    struct complaint c = { .text = "" };
    struct arguments a;

    cr_expect_eq(arguments_parse(&a, 0, argv, &c), 0);
    cr_expect_eq(a.words, 0);
}

Test(run, help_names_every_command)
{
    char usage[128];
    const struct run *r = expect_run(0, "", "--help --all");

    for (size_t i = 0; i < ctl_command_count; i++) {
        const struct ctl_command *row = &ctl_commands[i];

        snprintf(usage, sizeof(usage), "sallyportctl %s%s%s%s%s\n", row->group,
                 row->name ? " " : "", row->name ? row->name : "",
                 row->syntax[0] ? " " : "", row->syntax);
        cr_expect_not_null(strstr(r->out, usage), "%s", usage);
        cr_expect_not_null(strstr(r->out, row->example), "%s", row->example);
    }
    r = expect_run(0, "", "user lock --help");
    cr_expect(strstr(r->out, "sallyportctl user lock NAME"));
    cr_expect_not(strstr(r->out, "user unlock"));
    cr_expect(strstr(r->out, "--config FILE"));
    cr_expect_not(strstr(r->out, "--role"));
    cr_expect_not(strstr(r->out, "asks for a password"));
    r = expect_run(0, "", "help user lock");
    cr_expect(strstr(r->out, "sallyportctl user lock NAME"));
    cr_expect_not(strstr(r->out, "user unlock"));
    r = expect_run(0, "", "help --all");
    cr_expect(strstr(r->out, "sallyportctl user lock NAME"));
    cr_expect(strstr(r->out, "sallyportctl status"));
    r = expect_run(0, "", "team --help");
    cr_expect(strstr(r->out, "sallyportctl team join NAME"));
    cr_expect(strstr(r->out, "--max-sessions N"));
    cr_expect_not(strstr(r->out, "sallyportctl user"));
    cr_expect_not(strstr(r->out, "--role"));
    cr_expect_not(strstr(r->out, "asks for a password"));
    r = expect_run(0, "", "user add --help");
    cr_expect(strstr(r->out, "\n  --role ROLE"));
    cr_expect_not(strstr(r->out, "--purge"));
    cr_expect(strstr(r->out, "asks for a password twice"));
    r = expect_run(0, "", "metrics serve --help");
    cr_expect(strstr(r->out, "sallyport-metrics.socket has it serve "
                             "127.0.0.1:9521.\n"));
    cr_expect(strstr(r->out, "targets: [\"127.0.0.1:9521\"]"));
    cr_expect_not(
        strstr(expect_run(0, "", "--help --all")->out, "prometheus.yml"));
    r = expect_run(0, "", "log --help");
    cr_expect(strstr(r->out, "--path DIR           log: a part of a path"));
    cr_expect(strstr(r->out, " today,"));
}

static size_t lines(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += *text == '\n';
    return n;
}

/* A screen has 24 lines and more. */
Test(run, help_of_one_screen)
{
    const struct run *r = expect_run(0, "", "--help");

    for (size_t i = 0; i < ctl_command_count; i++)
        cr_expect(strstr(r->out, ctl_commands[i].group), "%s",
                  ctl_commands[i].group);
    cr_expect(strstr(r->out, "  user       add, change, passwd, "));
    cr_expect(strstr(r->out, "  report     Make a page\n"));
    cr_expect(strstr(r->out, "  metrics    Print the counters"));
    cr_expect_not(strstr(r->out, "metrics    serve"));
    cr_expect_leq(lines(r->out), 32, "%s", r->out);
    r = expect_run(0, "", "user");
    cr_expect(strstr(r->out, "  user add        Add a user\n"));
    cr_expect(
        strstr(r->out, "  user can        Say whether a user may log in"));
    cr_expect(strstr(r->out, "sallyportctl user COMMAND --help\n"));
    cr_expect_not(strstr(r->out, "share"));
    cr_expect_leq(lines(r->out), 24, "%s", r->out);
}

Test(run, without_a_command)
{
    const struct run *r = expect_run(EX_UNAVAILABLE, "", "");

    cr_expect(strstr(r->out, "server:    no server answers at "), "%s", r->out);
    cr_expect(strstr(r->out, "\n  sallyportctl user add NAME "));
    cr_expect_leq(lines(r->out), 24, "%s", r->out);
    cr_expect_str_eq(r->err, "");
    file_write(world.conf, "userz = /x\n");
    r = expect_run(EX_CONFIG, "", "");
    cr_expect(strstr(r->out, "server:    "), "%s", r->out);
    cr_expect(strstr(r->out, "unknown key \"userz\""), "%s", r->out);
}

Test(run, version)
{
    const struct run *r = expect_run(0, "", "--version");

    cr_expect_str_eq(r->out, "sallyportctl " SALLYPORT_VERSION "\n");
}

Test(run, a_bad_configuration)
{
    file_write(world.conf, "userz = /x\n");
    expect_err(EX_CONFIG, "", "user list",
               "/conf:1: unknown key \"userz\"; did you mean "
               "\"users\"?\n");
    expect_err(EX_CONFIG, "", "reload",
               "\"users\"?; a running server continues as before\n");
    cr_assert_eq(unlink(world.conf), 0);
    expect_err(EX_CONFIG, "", "user list", "/conf: No such file");
}

/* The caller's limit of open files isn't the server's. */
Test(run, in_a_shell_with_a_low_limit)
{
    const struct rlimit limit = { 64, 64 };

    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    expect_run(0, "", "user list");
}

/* The next file or socket must not become standard output or standard error. */
Test(run, closed_descriptors)
{
    char *argv[] = { (char[]){ "ctl" },  (char[]){ "user" },
                     (char[]){ "list" }, (char[]){ "--config" },
                     world.conf,         NULL };
    int status;
    pid_t pid = fork();

    cr_assert_geq(pid, 0);
    if (pid == 0) {
        for (int fd = 0; fd <= STDERR_FILENO; fd++)
            close(fd);
        int code = ctl_run(5, argv);
        bool open = fcntl(STDERR_FILENO, F_GETFD) >= 0;

        _exit(open && write(STDERR_FILENO, "", 1) < 0 ? code : 1);
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == EX_IOERR, "%x",
              status);
}

Test(run, bad_names)
{
    static const char *const table[] = {
        "user add an%na",
        "user add @anna",
        "share add Docs",
        "team add legal@x",
        "user show a:b",
        "user del .x --purge --yes",
        "user add abcdefghijklmnopqrstuvwxyz0123456",
        "user lock ../x",
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        expect_err(EX_DATAERR, "long enough\n", table[i],
                   "is a bad name; use 1 to 32");
    expect_err(EX_DATAERR, "", "user rename anna an%na", "\"an%na\" is a bad");
}
